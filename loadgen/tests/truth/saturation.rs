//! G7: a generator that cannot do what it is asked for says so, by verdict, cause and exit code,
//! and a healthy one says nothing. The binary itself is run, with its embedded server.

use crate::lab::turn;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use std::fs;
use std::process::{Command, Output};
use tempfile::TempDir;

struct Asked {
    clients: u32,
    rate: u32,
    by: &'static str,
    kind: &'static str,
}

fn home(asked: &Asked) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let Asked {
        clients,
        rate,
        by,
        kind,
    } = asked;
    let scenario = format!(
        "name = \"asked\"\n[load]\nclients = {clients}\nramp = \"200ms\"\nwarm_up = \"300ms\"\n\
         duration = \"2s\"\ngraceful_stop = \"500ms\"\n[publish]\nrate = {rate}\nby = \"{by}\"\n\
         [[transports]]\nkind = \"{kind}\"\n"
    );
    fs::write(home.path().join("asked.toml"), scenario).unwrap();
    home
}

/// `loadgen run`, started by a shell that first does `before`.
fn run(home: &TempDir, before: &str) -> Output {
    let script = format!("{before} exec \"$0\" run asked.toml --quiet --out out");
    Command::new("sh")
        .args(["-c", &script, env!("CARGO_BIN_EXE_loadgen")])
        .current_dir(home.path())
        .env_remove("RUST_LOG")
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn verdict(home: &TempDir) -> (bool, String) {
    let text = fs::read(home.path().join("out/results.json")).unwrap();
    let results: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let verdict = &results["verdict"];
    (verdict["valid"] == true, verdict["reasons"].to_string())
}

/// What is started meanwhile stays on the first of the cores that this thread may use.
fn on_one_core<T>(act: impl FnOnce() -> T) -> T {
    let this = Pid::from_raw(0);
    let all = sched_getaffinity(this).unwrap();
    let first = (0..CpuSet::count()).find(|core| all.is_set(*core).unwrap());
    let mut one = CpuSet::new();
    one.set(first.unwrap()).unwrap();
    sched_setaffinity(this, &one).unwrap();
    let done = act();
    sched_setaffinity(this, &all).unwrap();
    done
}

#[test]
fn one_core_and_too_much_asked_is_invalid_with_the_cause() {
    let Some(_turn) = turn() else { return };
    let cases = [
        // More receipts than a core can take; more publishes; both, over the clients' own line.
        (400, 2_000, "publisher", "websocket"),
        (5, 100_000, "publisher", "sse"),
        (100, 50_000, "clients", "websocket"),
    ];
    for (clients, rate, by, kind) in cases {
        let home = home(&Asked {
            clients,
            rate,
            by,
            kind,
        });
        let output = on_one_core(|| run(&home, ""));
        let (valid, reasons) = verdict(&home);
        println!("{kind} by {by}, {clients} clients, {rate}/s: {reasons}");
        assert_eq!(output.status.code(), Some(96), "{}", said(&output));
        assert!(!valid && reasons.contains("the generator was the bottleneck: "));
        assert!(said(&output).contains("the generator was the bottleneck: "));
    }
}

#[test]
fn too_few_descriptors_are_refused_with_the_number_needed() {
    let Some(_turn) = turn() else { return };
    let home = home(&Asked {
        clients: 300,
        rate: 10,
        by: "publisher",
        kind: "sse",
    });
    let output = run(&home, "ulimit -n 256;");
    println!("{}", said(&output));
    assert_eq!(output.status.code(), Some(96));
    assert!(said(&output).contains("needs 401 file descriptors, the limit is 256"));
    assert!(!home.path().join("out").exists(), "nothing was started");
}

/// The best of three: a busy machine is told as what it is.
#[test]
fn a_healthy_run_is_valid() {
    let Some(_turn) = turn() else { return };
    let healthy = |kind| {
        let home = home(&Asked {
            clients: 50,
            rate: 100,
            by: "publisher",
            kind,
        });
        let output = run(&home, "");
        let (valid, reasons) = verdict(&home);
        println!("{kind}: {:?} {reasons}", output.status.code());
        valid && output.status.code() == Some(0)
    };
    for kind in [
        "interval-polling",
        "long-polling",
        "http-streaming",
        "sse",
        "websocket",
    ] {
        assert!((0..3).any(|_| healthy(kind)), "{kind}");
    }
}
