//! A server that a command starts: what a run says of one that does not come up, that a fresh one serves
//! each trial, and that none outlives a run that is killed.

use crate::{home, loadgen, run, run_and_lose_nothing, told};
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// A pushlab-server of its own, which leaves a line with its number in `started`.
fn lab() -> String {
    let program = env!("CARGO_BIN_EXE_loadgen");
    format!(
        "echo $$ >>started; exec '{program}' lab --listen 127.0.0.1:$PORT --max-publishes-per-second 0"
    )
}

fn scenario(shell: &str, more: &str) -> String {
    format!("[target]\ncommand = [\"sh\", \"-c\", {shell:?}]\n{more}")
}

fn started(home: &Path) -> Vec<u32> {
    let text = fs::read_to_string(home.join("started")).unwrap_or_default();
    text.lines().map(|line| line.parse().unwrap()).collect()
}

#[test]
fn each_trial_has_a_fresh_server_and_leaves_none() {
    let transports = "[[transports]]\nkind = \"sse\"\nname = \"pushlab-sse\"\n[[transports]]\nkind = \"websocket\"\nname = \"pushlab-ws\"\n";
    let home = home(&scenario(&lab(), transports));
    let results = run_and_lose_nothing(home.path(), &[]);
    // Its own books are believed before what /proc says.
    assert!(results["trials"][0]["server"]["bytes_tx"].is_u64());
    let all = started(home.path());
    // The two of the calibration come on top where there are enough events for one.
    assert!(all.len() >= 2, "{all:?}");
    // One that was killed stands in /proc until somebody has asked how it ended.
    let patience = Instant::now() + Duration::from_secs(20);
    for pid in all {
        while Path::new(&format!("/proc/{pid}")).exists() {
            assert!(Instant::now() < patience, "{pid} lives");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn one_that_does_not_come_up_is_told_with_its_last_words() {
    let transports = "[[transports]]\nkind = \"sse\"\n";
    let words = "echo wombat has s3cret and $THE_WORD >&2; exit 3";
    let headers = "headers = [\"Cookie: sid=s3cret; t=$THE_WORD\"]\n";
    let home = home(&scenario(words, &format!("{headers}{transports}")));
    let output = loadgen(home.path())
        .args(["run", "x.toml", "--no-progress"])
        .env("THE_WORD", "abracadabra")
        .output()
        .unwrap();
    let said = told(&output);
    assert!(!output.status.success());
    assert!(
        said.contains("exit code 3") && said.contains("wombat has … and …"),
        "{said}"
    );
    // However long the line is in which it stands.
    let words = "printf '%0390d%s\\n' 0 abra$THE_WORD >&2; echo cadabra >&2; exit 3";
    let headers = "headers = [\"Cookie: t=$THE_WORD\"]\n";
    let long = super::home(&scenario(words, &format!("{headers}{transports}")));
    let output = loadgen(long.path())
        .args(["run", "x.toml", "--no-progress"])
        .env("THE_WORD", "abcdefghijklmnopqrstuvwxyz")
        .output()
        .unwrap();
    let said = told(&output);
    assert!(said.contains("00abra… | cadabra"), "{said}");
    let home = super::home(&scenario("true", transports));
    let nowhere = run(home.path(), &["--command", "no-such-program-anywhere"]);
    assert!(
        told(&nowhere).contains("no-such-program-anywhere"),
        "{}",
        told(&nowhere)
    );
}

/// Whoever holds the port, it is not what the command was to start.
#[test]
fn a_port_that_is_taken_is_not_measured_by_mistake() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("url = \"http://{}\"\n", taken.local_addr().unwrap());
    let home = home(&scenario(
        &lab(),
        &format!("{url}[[transports]]\nkind = \"sse\"\n"),
    ));
    let output = run(home.path(), &[]);
    assert!(
        told(&output).contains("something listens on"),
        "{}",
        told(&output)
    );
    assert!(started(home.path()).is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn none_outlives_a_run_that_is_killed() {
    killed(&lab());
}

/// Nor does it go on until the patience with its port ends.
#[cfg(target_os = "linux")]
#[test]
fn nor_one_that_never_listens() {
    let begun = Instant::now();
    killed("echo $$ >>started; sleep 60 & sleep 60");
    assert!(begun.elapsed() < Duration::from_secs(8));
}

#[cfg(target_os = "linux")]
fn killed(shell: &str) {
    let home = home(&scenario(shell, "[[transports]]\nkind = \"sse\"\n"));
    let mut running = loadgen(home.path())
        .args([
            "run",
            "x.toml",
            "--out",
            "out",
            "--no-progress",
            "--duration",
            "60s",
        ])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let until = |what: &dyn Fn() -> bool| {
        let begun = Instant::now();
        while !what() {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "it never came to that"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    until(&|| !started(home.path()).is_empty());
    running.kill().unwrap();
    running.wait().unwrap();
    for pid in started(home.path()) {
        until(&|| !Path::new(&format!("/proc/{pid}")).exists());
    }
}
