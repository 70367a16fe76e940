//! Whole runs from outside: the files they leave, the exit codes they end with, and what is left
//! when they are disturbed. Where a busy machine may spoil a trial, the verdict says so, and the
//! exit code is held against the verdict.

use super::{home, loadgen, names};
use loadgen::results::{Results, Trial};
use predicates::prelude::PredicateBooleanExt;
use predicates::str::{contains, is_empty};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;
use tempfile::TempDir;

/// Two trials of half a second.
pub(super) const SHORT: &str = r#"
name = "short"
seed = 3
[load]
clients = 4
rooms = 2
ramp = "0ms"
warm_up = "100ms"
duration = "500ms"
repeats = 1
[publish]
rate = 40
arrivals = "poisson"
[[transports]]
kind = "sse"
[[transports]]
kind = "websocket"
"#;

pub(super) fn results(folder: &Path) -> Results {
    serde_json::from_slice(&fs::read(folder.join("results.json")).unwrap()).unwrap()
}

/// 0, unless the machine was too busy for a figure to count.
pub(super) fn exit_of(results: &Results) -> i32 {
    // What is said of a valid run is a note.
    if results.verdict.valid {
        return 0;
    }
    let mut reasons = results.verdict.reasons.iter();
    assert!(
        reasons.all(|reason| reason.contains("the generator was the bottleneck")),
        "{:?}",
        results.verdict
    );
    96
}

fn published(results: &Results) -> Vec<(String, u64)> {
    let figure = |trial: &Trial| (trial.name.clone(), trial.published);
    results.trials.iter().map(figure).collect()
}

#[test]
fn a_run_leaves_every_file_and_latest_points_at_it() {
    let home = home(SHORT);
    let output = loadgen(home.path()).args(["run", "x.toml"]).output();
    let output = output.unwrap();
    let runs = home.path().join("reports/short");
    let latest = fs::read_link(runs.join("latest")).unwrap();
    let mut expected = vec![latest.to_str().unwrap(), "latest"];
    expected.sort_unstable();
    assert_eq!(names(&runs), expected);
    let folder = runs.join(&latest);
    assert_eq!(
        names(&folder),
        [
            "charts",
            "latency.hlog",
            "report.html",
            "results.csv",
            "results.json",
            "scenario.toml",
            "summary.md"
        ]
    );
    let charts = names(&folder.join("charts"));
    for name in charts.iter().filter(|name| name.ends_with(".svg")) {
        let png = name.replace(".svg", ".png");
        assert!(charts.contains(&png), "{png}");
    }
    assert!(charts.len() >= 2, "{charts:?}");
    let files = (names(&folder).iter().filter(|name| *name != "charts"))
        .map(|name| folder.join(name))
        .chain(charts.iter().map(|name| folder.join("charts").join(name)))
        .collect::<Vec<PathBuf>>();
    for file in files {
        assert!(fs::metadata(&file).unwrap().len() > 0, "{}", file.display());
    }
    let results = results(&folder);
    assert_eq!(output.status.code(), Some(exit_of(&results)));
    assert!(!results.interrupted);
    assert_eq!(results.trials.len(), 2);
    for trial in &results.trials {
        assert!(trial.published > 0 && trial.lost == 0, "{}", trial.name);
        assert_eq!(trial.expected, trial.delivered + trial.lost);
    }
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("/report.html"), "{said}");
    // What it says it ran is a scenario that runs.
    let resolved = folder.join("scenario.toml");
    (loadgen(home.path()).arg("validate").arg(resolved).assert()).success();
}

#[test]
fn stdout_gets_what_was_asked_for() {
    let home = home(SHORT);
    for (format, file) in [("json", "results.json"), ("csv", "results.csv")] {
        let output = loadgen(home.path())
            .args(["run", "x.toml", "--out", format, "--only", "sse"])
            .args(["--output-format", format, "--threads", "2"])
            .output()
            .unwrap();
        let folder = home.path().join(format);
        assert_eq!(output.status.code(), Some(exit_of(&results(&folder))));
        let stored = fs::read(folder.join(file)).unwrap();
        assert_eq!(output.stdout, stored, "{format}");
    }
    (loadgen(home.path())
        .args(["run", "x.toml", "--out", "json", "--only", "sse", "--quiet"])
        .assert())
    .stdout(is_empty());
}

#[test]
fn a_seed_publishes_the_same_events_again() {
    let home = home(SHORT);
    let run = |out: &str, seed: &str| {
        let done = loadgen(home.path())
            .args(["run", "x.toml", "--quiet", "--out", out, "--seed", seed])
            .output()
            .unwrap();
        assert!(done.stdout.is_empty());
        published(&results(&home.path().join(out)))
    };
    let first = run("a", "9");
    assert_eq!(first, run("b", "9"));
    let counts: Vec<u64> = first.iter().map(|(_, published)| *published).collect();
    assert_eq!(counts[0], counts[1], "transports carry the same events");
}

/// The scenario with these expectations: its exit code, its results and what it said.
fn expecting(expect: &str) -> (Option<i32>, Results, String) {
    let home = home(&format!("{SHORT}[expect]\n{expect}\n"));
    let output = loadgen(home.path())
        .args(["run", "x.toml", "--out", "out"])
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    (
        output.status.code(),
        results(&home.path().join("out")),
        said,
    )
}

#[test]
fn expectations_decide_how_a_run_ends() {
    let (code, found, said) = expecting("lost = \"== 0\"\n\"sse.latency.min\" = \"< 1h\"");
    assert_eq!(code, Some(exit_of(&found)), "{said}");
    assert!(found.expectations.iter().all(|one| one.holds));
    assert!(said.contains("✓ lost == 0 (2 of 2)"), "{said}");

    let (code, found, said) = expecting(
        "\"websocket.latency.max\" = \"<= 0.5 * latency.max\"\n\"sse.connect.p50\" = \"> 1h\"",
    );
    assert_eq!(found.expectations.len(), 2);
    assert!(found.expectations.iter().all(|one| !one.holds));
    let unexpected = if found.verdict.valid { 99 } else { 96 };
    assert_eq!(code, Some(unexpected), "{said}");
    assert!(said.contains("✗ sse.connect.p50 > 1h"), "{said}");
    assert!(
        said.contains("failed: websocket.latency.max <= 0.5 * latency.max on WebSocket: "),
        "{said}"
    );
}

#[test]
fn an_expectation_that_asks_for_it_ends_the_run_and_keeps_what_was_measured() {
    let (code, found, said) = expecting(
        "\"latency.max\" = [{ threshold = \"< 0\", abort_on_fail = true }]\nlost = \"== 0\"",
    );
    if !found.trials[0].valid {
        eprintln!("skipped: the machine was too busy for a trial to count");
        return;
    }
    assert_eq!(found.trials.len(), 1, "{said}");
    assert_eq!(code, Some(99), "{said}");
    assert!(found.verdict.valid, "{:?}", found.verdict);
    assert_eq!(
        found.verdict.reasons,
        ["ended by an expectation that failed: 1 of 2 trials ran"]
    );
    let aborted: Vec<_> = (found.expectations.iter())
        .filter(|one| one.aborted)
        .collect();
    assert_eq!(aborted.len(), 1);
    assert_eq!(aborted[0].name, found.trials[0].name);
    assert!(said.contains("it ended the run"), "{said}");
}

/// A search on the short scenario, with one transport.
fn searched(scenario: &str, arguments: &[&str]) -> (Option<i32>, Option<Results>, String) {
    let home = home(scenario);
    let output = loadgen(home.path())
        .args(["run", "x.toml", "--out", "out", "--only", "sse"])
        .args(arguments)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    let folder = home.path().join("out");
    let found = folder.exists().then(|| results(&folder));
    if found.is_some() {
        // What it says it ran is a scenario that runs.
        let resolved = folder.join("scenario.toml");
        (loadgen(home.path()).arg("validate").arg(resolved).assert()).success();
    }
    (output.status.code(), found, said)
}

/// What is expected depends on the load alone, so any machine finds the same.
#[test]
fn the_greatest_load_is_found_and_what_stands_in_the_way_is_named() {
    let (code, found, said) = searched(SHORT, &["--find-max", "rate", "--slo", "published < 60"]);
    let found = found.unwrap();
    let capacity = &found.capacity[0];
    if !found.trials.iter().all(|trial| trial.valid) {
        eprintln!("skipped: the machine was too busy for a trial to count");
        return;
    }
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(capacity.slo, ["lost == 0", "published < 60"]);
    // Half a second of 80/s is 40 events, of 160/s 80; each step that failed was tried twice.
    let maximum = capacity.maximum.unwrap();
    assert!((80.0..160.0).contains(&maximum), "{said}");
    assert!(!capacity.steps[2].holds && !capacity.steps[3].holds);
    assert_eq!(capacity.steps[2].load, capacity.steps[3].load);
    assert_eq!(found.summary.len(), 1);
    assert_eq!(found.summary[0].parameters.rate, maximum);
    let limit = capacity.limit.as_ref().unwrap();
    assert!(
        limit.reason.starts_with("published < 60 failed"),
        "{limit:?}"
    );
    assert!(said.contains("SSE bears "), "{said}");
}

#[test]
fn a_search_that_cannot_begin_says_so() {
    let (code, found, said) = searched(
        SHORT,
        &["--find-max", "clients", "--slo", "latency.min > 1h"],
    );
    let found = found.unwrap();
    assert_eq!(
        code,
        Some(if found.verdict.valid { 99 } else { 96 }),
        "{said}"
    );
    assert_eq!(found.capacity[0].maximum, None);
    assert_eq!(found.capacity[0].steps.len(), 2, "a step is tried twice");
    assert!(
        said.contains("does not bear the load to begin with"),
        "{said}"
    );
}

#[test]
fn a_search_without_sense_is_refused() {
    let swept = SHORT.replace("clients = 4", "clients = [4, 8]");
    let cases = [
        (
            &swept,
            &["--find-max", "clients", "--slo", "p99<1s"][..],
            "load.clients: a list cannot be searched",
        ),
        (&SHORT.to_owned(), &["--find-max", "clients"], "--slo"),
        (&SHORT.to_owned(), &["--slo", "p99<1s"], "--find-max"),
        (
            &SHORT.to_owned(),
            &["--find-max", "rate", "--slo", "p98<1s"],
            "--slo: no figure is called",
        ),
        (
            &SHORT.to_owned(),
            &["--find-max", "rate", "--slo", "p99<1s", "--repeats", "2"],
            "--repeats",
        ),
    ];
    for (scenario, arguments, message) in cases {
        let (code, found, said) = searched(scenario, arguments);
        assert_eq!(code, Some(104), "{said}");
        assert!(found.is_none() && said.contains(message), "{said}");
    }
}

/// Answers every connection with `answer`, or never.
fn stranger(answer: Option<&'static [u8]>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            match answer {
                Some(answer) => {
                    let _ = stream.read(&mut [0; 1024]);
                    stream.write_all(answer).unwrap();
                }
                None => kept.push(stream),
            }
        }
    });
    format!("http://{address}")
}

#[test]
fn a_target_that_cannot_be_measured_is_said_and_nothing_is_written() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", taken.local_addr().unwrap());
    drop(taken);
    let text = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
    let other =
        b"HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n{\"name\":\"other\",\"version\":\"1\"}";
    let cases = [
        (nobody, "cannot be reached: Connection refused"),
        (
            stranger(Some(text)),
            "is not a pushlab server: GET /health answers something else",
        ),
        (
            stranger(Some(other)),
            "is not a pushlab server: it calls itself \"other\"",
        ),
        (
            stranger(Some(b"SSH-2.0-OpenSSH_9.9\r\n")),
            "is not a pushlab server: GET /health is not answered in HTTP",
        ),
        (
            stranger(None),
            "cannot be reached: GET /health has no answer within 5s",
        ),
    ];
    for (url, message) in cases {
        let home = home(SHORT);
        (loadgen(home.path())
            .args(["run", "x.toml", "--target", &url])
            .assert())
        .code(1)
        .stdout(is_empty())
        .stderr(contains(message).and(contains(&url)));
        assert_eq!(names(home.path()), ["x.toml"]);
    }
}

#[test]
fn too_few_file_descriptors_are_said_before_anything_starts() {
    let home = home(&SHORT.replace("clients = 4", "clients = 1000"));
    let output = Command::new("sh")
        .args(["-c", "ulimit -n 256; exec \"$0\" run x.toml"])
        .arg(env!("CARGO_BIN_EXE_loadgen"))
        .current_dir(home.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(96), "{said}");
    // 1,000 clients, the connection that publishes, and 100 beside.
    assert!(said.contains("`ulimit -n 1101`"), "{said}");
    assert!(said.contains("the limit is 256"), "{said}");
    assert_eq!(names(home.path()), ["x.toml"]);
}

#[test]
fn a_folder_that_is_read_only_is_refused_before_anything_starts() {
    let home = home(SHORT);
    let locked = home.path().join("locked");
    fs::create_dir(&locked).unwrap();
    let mut permissions = fs::metadata(&locked).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&locked, permissions).unwrap();
    if fs::write(locked.join("probe"), "").is_ok() {
        eprintln!("skipped: this user (root?) may write to read-only folders");
        return;
    }
    (loadgen(home.path())
        .args(["run", "x.toml", "--out", "locked/report"])
        .assert())
    .code(1)
    .stderr(contains("the report cannot be written there").and(contains("trial").not()));
}

/// A run under way, whose progress is read line by line.
struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
}

impl Running {
    fn start(home: &TempDir) -> Running {
        let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
        command.args(["run", "x.toml", "--out", "out"]);
        command.current_dir(home.path());
        let pipes = command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = pipes.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Running { child, stderr }
    }

    /// Until a line of its progress holds `mark`.
    fn wait_for(&mut self, mark: &str) {
        let mut said = String::new();
        while !said.lines().last().unwrap_or_default().contains(mark) {
            let read = self.stderr.read_line(&mut said).unwrap();
            assert!(read > 0, "it ended before {mark:?}: {said}");
        }
    }

    fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = nix::unistd::Pid::from_raw(self.child.id() as i32);
        nix::sys::signal::kill(pid, signal).unwrap();
    }

    /// Its exit code, and what it went on to say.
    fn end(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        self.stderr.read_to_string(&mut said).unwrap();
        (self.child.wait().unwrap().code(), said)
    }
}

/// A test that fails leaves no run behind.
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn an_interrupted_run_keeps_what_it_measured() {
    let home = home(&SHORT.replace("duration = \"500ms\"", "duration = \"120s\""));
    let mut run = Running::start(&home);
    // A calibration comes first.
    run.wait_for("trial 1/2");
    run.wait_for("measuring");
    run.signal(nix::sys::signal::Signal::SIGINT);
    let (code, said) = run.end();
    assert_eq!(code, Some(105), "{said}");
    let results = results(&home.path().join("out"));
    assert!(results.interrupted);
    assert_eq!(results.trials.len(), 1);
    let trial = &results.trials[0];
    assert!(!trial.valid && trial.reasons[0] == "interrupted");
    assert!(trial.delivered > 0 && trial.window_s > 0.0);
    assert_eq!(trial.expected, trial.delivered + trial.lost);
    assert!(said.contains("stopped by a signal: 1 of 2 trials ran"));
    assert!(home.path().join("out/report.html").exists());
}

#[test]
fn a_run_that_is_interrupted_before_it_measured_leaves_nothing() {
    let home = home(&SHORT.replace("ramp = \"0ms\"", "ramp = \"120s\""));
    let mut run = Running::start(&home);
    run.wait_for("connecting");
    run.signal(nix::sys::signal::Signal::SIGTERM);
    let (code, said) = run.end();
    assert_eq!(code, Some(105), "{said}");
    assert!(said.contains("stopped before anything was measured"));
    assert_eq!(names(home.path()), ["x.toml"]);
}

/// The processes whose parent is `pid`.
#[cfg(target_os = "linux")]
fn children(pid: u32) -> Vec<nix::unistd::Pid> {
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let parent = format!("PPid:\t{pid}");
    processes
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|child: &i32| {
            let status = fs::read_to_string(format!("/proc/{child}/status"));
            status.is_ok_and(|status| status.lines().any(|line| line == parent))
        })
        .map(nix::unistd::Pid::from_raw)
        .collect()
}

/// The server of the first of `repeats` trials is killed in the middle of it.
#[cfg(target_os = "linux")]
fn with_a_killed_server(repeats: u32) -> (Option<i32>, Results) {
    let scenario = SHORT.replace("duration = \"500ms\"", "duration = \"4s\"");
    let scenario = scenario.replace("repeats = 1", &format!("repeats = {repeats}"));
    let scenario = scenario.replace("[[transports]]\nkind = \"sse\"\n", "");
    let home = home(&scenario);
    let mut run = Running::start(&home);
    run.wait_for("measuring");
    let servers = children(run.child.id());
    assert_eq!(servers.len(), 1, "one embedded server a trial");
    nix::sys::signal::kill(servers[0], nix::sys::signal::Signal::SIGKILL).unwrap();
    let (code, _) = run.end();
    let results = results(&home.path().join("out"));
    assert_eq!(results.trials.len(), repeats as usize, "the run goes on");
    let trial = &results.trials[0];
    assert!(!trial.valid);
    assert_eq!(
        trial.reasons[0],
        "the server ended during the trial (signal 9)"
    );
    assert_eq!(trial.expected, trial.delivered + trial.lost);
    for trial in &results.trials[1..] {
        assert!(trial.delivered > 0 && trial.lost == 0);
    }
    (code, results)
}

#[cfg(target_os = "linux")]
#[test]
fn a_killed_server_costs_its_trial_and_not_the_run() {
    let (code, results) = with_a_killed_server(3);
    assert_eq!(code, Some(exit_of(&results)), "two of three are enough");
}

#[cfg(target_os = "linux")]
#[test]
fn a_killed_server_costs_the_run_where_too_few_trials_are_left() {
    let (code, results) = with_a_killed_server(2);
    assert_eq!(code, Some(96));
    let reason = &results.verdict.reasons[0];
    assert!(reason.contains("1 of 2 repeats are valid"), "{reason}");
    assert!(reason.contains("signal 9"), "{reason}");
}
