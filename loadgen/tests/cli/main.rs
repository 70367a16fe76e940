//! The command line from outside: what a person types, reads and gets as exit code; `runs.rs`
//! alone starts trials.

// clippy takes only functions marked #[test] for tests, not what they call.
#![allow(clippy::unwrap_used)]

mod shipped;
mod runs;
mod several;
mod compare;
mod published;
mod stored;

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::{contains, is_empty};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const GOOD: &str =
    "name = \"x\"\n[load]\nclients = 5\n[publish]\nrate = 1\n[[transports]]\nkind = \"sse\"\n";

/// In an empty folder, with nothing of the caller's environment that loadgen reads.
fn loadgen(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    command.current_dir(home);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LOADGEN_") {
            command.env_remove(name);
        }
    }
    command
}

fn home(scenario: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("x.toml"), scenario).unwrap();
    home
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = (fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_is_wrong_with_a_scenario_is_said_before_anything_starts() {
    let cases = [
        (
            GOOD.replace("[load]", "[load"),
            "error: x.toml:2:6: unclosed table, expected `]`",
        ),
        (
            GOOD.replace("clients", "cleints"),
            "unknown key \"cleints\" in [load]; did you mean \"clients\"?",
        ),
        (
            GOOD.replace("rate", "rate = 1\nraet"),
            "x.toml:6:1: unknown key \"raet\" in [publish]; did you mean \"rate\"?",
        ),
        (
            GOOD.replace("clients = 5", "clients = 5\nduration = 5"),
            "x.toml:4:12: load.duration: a duration needs a unit, write \"5s\"",
        ),
        (
            GOOD.replace("clients = 5", "clients = 0"),
            "error: x.toml: load.clients: nobody would listen",
        ),
        (
            GOOD.replace("rate = 1", "rate = 1\npayload = \"5B\""),
            "x.toml: publish.payload: 5 bytes have no room",
        ),
        (
            format!("{GOOD}[expect]\n\"sse.latency.p98\" = \"< 5ms\"\n"),
            "error: x.toml:9:1: expect.sse.latency.p98: no figure is called \"sse.latency.p98\"; did you mean",
        ),
        (
            format!("{GOOD}[expect]\nlost = [\"= 0\"]\n"),
            "error: x.toml:9:9: expect.lost[0]: \"=\" is no operator; use <, <=, >, >=, == or !=",
        ),
    ];
    for (scenario, message) in cases {
        let home = home(&scenario);
        for verb in ["run", "validate"] {
            (loadgen(home.path()).args([verb, "x.toml"]).assert())
                .code(104)
                .stdout(is_empty())
                .stderr(contains(message));
        }
        assert_eq!(names(home.path()), ["x.toml"]);
    }
}

#[test]
fn a_scenario_that_is_not_there_names_itself_and_the_remedy() {
    let home = home(GOOD);
    (loadgen(home.path()).args(["run", "y.toml"]).assert())
        .code(104)
        .stderr(contains("y.toml: ").and(contains("`loadgen new y.toml`")));
}

#[test]
fn a_place_that_cannot_be_written_is_refused_before_the_run() {
    let home = home(GOOD);
    (loadgen(home.path())
        .args(["run", "x.toml", "--out", "x.toml/report"])
        .assert())
    .code(1)
    .stdout(is_empty())
    .stderr(contains("the report cannot be written there").and(contains("trial").not()));
    fs::write(home.path().join("reports"), "a file").unwrap();
    (loadgen(home.path()).args(["run", "x.toml"]).assert())
        .code(1)
        .stderr(contains("the report cannot be written there").and(contains("trial").not()));
}

#[test]
fn somebody_elses_folder_is_not_written_to() {
    let home = home(GOOD);
    (loadgen(home.path())
        .args(["run", "x.toml", "--out", "."])
        .assert())
    .code(104)
    .stderr(contains("holds files and no results.json"));
    assert_eq!(names(home.path()), ["x.toml"]);
}

#[test]
fn a_limit_that_makes_the_run_impossible_is_said_before_it() {
    let home = home(&GOOD.replace("clients = 5", "clients = 4000000"));
    for verb in ["run", "validate"] {
        (loadgen(home.path()).args([verb, "x.toml"]).assert())
            .code(96)
            .stderr(contains("or lower clients to"));
    }
    assert_eq!(names(home.path()), ["x.toml"]);
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    let home = home(GOOD);
    for arguments in [
        &["frobnicate"][..],
        &["run"],
        &["run", "x.toml", "--duration", "5"],
        &["run", "x.toml", "--clients", "many"],
        &["run", "x.toml", "--only", "websocket"],
        &["run", "x.toml", "--admin", "http://127.0.0.1:1"],
        &["run", "x.toml", "--label", "novalue"],
    ] {
        loadgen(home.path()).args(arguments).assert().code(104);
    }
}

#[test]
fn help_and_version_are_no_error() {
    let home = home(GOOD);
    (loadgen(home.path()).arg("--help").assert())
        .success()
        .stdout(contains("validate").and(contains("embedded-server").not()));
    (loadgen(home.path()).args(["run", "--help"]).assert())
        .success()
        .stdout(
            contains("Core:")
                .and(contains("Output:"))
                .and(contains("LOADGEN_CLIENTS")),
        );
    loadgen(home.path()).arg("--version").assert().success();
}

#[test]
fn flags_beat_variables_and_variables_beat_the_file() {
    let home = home(GOOD);
    let clients = |variable: Option<&str>, flag: Option<&str>| {
        let mut command = loadgen(home.path());
        command.args(["validate", "x.toml"]).args(flag);
        if let Some(variable) = variable {
            command.env("LOADGEN_CLIENTS", variable);
        }
        command.assert().success()
    };
    clients(None, None).stdout(contains(" 5 clients,"));
    clients(Some("7"), None).stdout(contains(" 7 clients,"));
    clients(Some("7"), Some("-c1k")).stdout(contains(" 1,000 clients,"));
}

#[test]
fn validate_prints_the_plan() {
    let home = home(&format!(
        "{GOOD}[[transports]]\nkind = \"interval-polling\"\ninterval = [\"200ms\", \"1s\"]\n"
    ));
    let output = loadgen(home.path())
        .args(["validate", "x.toml"])
        .assert()
        .success();
    insta::assert_snapshot!(String::from_utf8_lossy(&output.get_output().stdout), @"
    x
    3 trials: 3 parameter sets × 1 repeat, about 25s, seed 1
    target: embedded server, fresh for each trial

    name              parameters                                  connections  files here  files there  deliveries/s  requests/s  ≈ bytes/s
    sse               5 clients, 1 room, 1/s, 128 B                         6         106          106             5           –        935
    interval-polling  5 clients, 1 room, 1/s, 128 B, every 200ms            6         106          106             5          25      5,866
    interval-polling  5 clients, 1 room, 1/s, 128 B, every 1s               6         106          106             5           5      2,169
    ");
}

#[test]
fn validate_names_what_is_expected() {
    let home = home(&format!("{GOOD}[expect]\nlost = [\"== 0\", \"rate<1%\"]\n"));
    (loadgen(home.path()).args(["validate", "x.toml"]).assert())
        .success()
        .stdout(contains("expects: lost == 0; lost rate<1%\n\nname"));
}

#[test]
fn a_new_scenario_validates_and_is_never_overwritten() {
    let home = home(GOOD);
    loadgen(home.path())
        .args(["new", "mine.toml"])
        .assert()
        .success();
    let written = fs::read_to_string(home.path().join("mine.toml")).unwrap();
    assert!(written.contains("name = \"mine\""));
    loadgen(home.path())
        .args(["validate", "mine.toml"])
        .assert()
        .success();

    fs::write(home.path().join("mine.toml"), "precious").unwrap();
    (loadgen(home.path()).args(["new", "mine.toml"]).assert())
        .failure()
        .stderr(contains("--force"));
    assert_eq!(
        fs::read_to_string(home.path().join("mine.toml")).unwrap(),
        "precious"
    );
    loadgen(home.path())
        .args(["new", "mine.toml", "--force"])
        .assert()
        .success();
    loadgen(home.path())
        .arg("new")
        .assert()
        .success()
        .stdout(contains("name = \"my-run\""));
}

#[test]
fn a_password_is_never_repeated() {
    let home = home(GOOD);
    for target in ["http://me:secret@127.0.0.1:1", "ftp://me:secret@host"] {
        let output = loadgen(home.path())
            .args(["validate", "x.toml"])
            .env("LOADGEN_TARGET", target)
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        assert!(!String::from_utf8_lossy(&said).contains("secret"));
    }
}

const RESULTS: &str = r#"{
    "schema_version": 1, "generated_at": "2026-11-21T03:02:01Z", "scenario": {"name": "x"},
    "environment": {"loadgen_version": "0.1.0", "git_revision": null, "os": "linux", "kernel": null,
        "cpu": null, "cores": 2, "memory_bytes": null, "fd_limit": null, "clock": "monotonic",
        "sysctls": {}, "target": "embedded", "target_version": null, "labels": {}},
    "verdict": {"valid": true, "reasons": []},
    "trials": [], "summary": [], "timeline": [], "a_later_key": 1
}"#;

#[test]
fn a_report_is_drawn_again_from_its_results() {
    let home = home(GOOD);
    let run = home.path().join("run");
    fs::create_dir(&run).unwrap();
    fs::write(run.join("results.json"), RESULTS).unwrap();
    for results in ["run", "run/results.json"] {
        (loadgen(home.path()).args(["report", results]).assert())
            .success()
            .stdout(contains("run/report.html"));
    }
    loadgen(home.path())
        .args(["report", "run", "--out", "again"])
        .assert()
        .success();
    assert_eq!(
        fs::read_to_string(home.path().join("again/results.json")).unwrap(),
        RESULTS
    );
}

#[test]
fn results_of_a_newer_loadgen_are_not_guessed_at() {
    let home = home(GOOD);
    let newer = RESULTS.replace("\"schema_version\": 1", "\"schema_version\": 99");
    fs::write(home.path().join("results.json"), newer).unwrap();
    (loadgen(home.path())
        .args(["report", "results.json"])
        .assert())
    .failure()
    .stderr(contains("results.json: has schema version 99"));
    (loadgen(home.path()).args(["report", "x.toml"]).assert())
        .failure()
        .stderr(contains("x.toml: give the results.json of a run"));
}
