//! `compare` and baselines from outside: the shipped example run against copies of itself that were
//! made worse, and short runs against what they kept.

use super::runs::{SHORT, exit_of, results};
use super::{home, loadgen, names};
use predicates::prelude::PredicateBooleanExt;
use predicates::str::{contains, is_empty};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// The shipped example with p50 and p99 as told, repeat by repeat, and no other latency or cost: what
/// a comparison finds must not hang on how quiet the machine was that day.
fn example(p99s_us: [i64; 5]) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../reports/example/results.json");
    let mut results: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    results["verdict"] = json!({"valid": true, "reasons": []});
    for trial in results["trials"].as_array_mut().unwrap() {
        let repeat = trial["repeat"].as_u64().unwrap() as usize;
        let p99_us = p99s_us[repeat - 1];
        let none = json!({"count": 0, "negative": 0, "hdr": ""});
        let mut delivery = none.clone();
        delivery["p50"] = json!(p99_us / 2);
        delivery["p99"] = json!(p99_us);
        trial["valid"] = json!(true);
        trial["latency_us"] = json!({"delivery": delivery, "uncorrected": none,
            "publish_lag": none, "publish_ack": none, "connect": none});
        trial["bandwidth_bytes_per_s"] = none;
        trial["bytes"]["per_delivery"] = Value::Null;
        trial["server"] = json!({});
        trial["generator"] = json!({"threads": 1});
    }
    results
}

/// `a.json`, and as `b.json` what `change` makes of a run like it.
fn pair(change: impl Fn(&mut Value)) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let a = example([1_000, 1_008, 994, 1_002, 990]);
    fs::write(home.path().join("a.json"), a.to_string()).unwrap();
    let mut b = example([1_004, 996, 1_000, 1_006, 992]);
    change(&mut b);
    fs::write(home.path().join("b.json"), b.to_string()).unwrap();
    home
}

fn slower(results: &mut Value) {
    for trial in results["trials"].as_array_mut().unwrap() {
        if trial["name"] == "websocket" {
            let p99 = &mut trial["latency_us"]["delivery"]["p99"];
            *p99 = json!(p99.as_i64().unwrap() * 105 / 100);
        }
    }
}

#[test]
fn a_regression_exits_with_95_where_that_is_asked_for() {
    let home = pair(slower);
    let compare = |arguments: &[&str]| {
        let mut command = loadgen(home.path());
        command.args(["compare"]).args(arguments).assert()
    };
    let said = || contains("regression: WebSocket, latency p99: ").and(contains(", slower\n"));
    compare(&["a.json", "b.json"])
        .code(0)
        .stdout(contains("1 figure is worse, none better."))
        .stderr(said());
    compare(&["a.json", "b.json", "--fail-on-regression"])
        .code(95)
        .stderr(said());
    compare(&["b.json", "a.json", "--fail-on-regression"])
        .code(0)
        .stdout(contains("1 figure is better, none worse."))
        .stderr(is_empty());
    compare(&["a.json", "a.json", "--fail-on-regression"])
        .code(0)
        .stdout(contains("No difference seen."));
    // What no change could exceed is no threshold.
    compare(&["a.json", "b.json", "--noise-threshold", "999%"]).code(104);
}

#[test]
fn a_comparison_is_written_where_it_is_asked_for() {
    let home = pair(slower);
    let output = loadgen(home.path())
        .args(["compare", "a.json", "b.json", "--output-format", "json"])
        .args(["--export-markdown", "c.md", "--html", "c.html"])
        .output()
        .unwrap();
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(json["regressed"], true);
    assert_eq!(json["comparison"]["rows"].as_array().unwrap().len(), 5);
    let markdown = fs::read_to_string(home.path().join("c.md")).unwrap();
    assert!(markdown.contains("**1 figure is worse, none better.**"));
    let page = fs::read_to_string(home.path().join("c.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("slower"));
    (loadgen(home.path())
        .args(["compare", "a.json", "b.json", "--html", "no/such/c.html"])
        .assert())
    .code(1)
    .stderr(contains("no/such/c.html: cannot be written"));
}

#[test]
fn runs_whose_figures_mean_something_else_are_refused() {
    type Change = fn(&mut Value);
    let cases: [(Change, &str); 3] = [
        (
            |results| results["scenario"]["load"]["clients"] = 7.into(),
            "  scenario.load.clients: 500 | 7\n",
        ),
        (
            |results| results["environment"]["cores"] = 64.into(),
            "  environment.cores: 2 | 64\n",
        ),
        (
            |results| {
                results["verdict"] = json!({"valid": false, "reasons": ["too busy"]});
            },
            "b.json: is invalid (too busy)",
        ),
    ];
    for (change, reason) in cases {
        let home = pair(change);
        let command = || {
            let mut command = loadgen(home.path());
            command.args(["compare", "a.json", "b.json"]);
            command
        };
        (command().assert())
            .code(104)
            .stdout(is_empty())
            .stderr(contains(reason).and(contains("--force")));
        (command().arg("--force").assert())
            .code(0)
            .stdout(contains("No difference seen."));
    }
}

#[test]
fn what_is_no_run_is_said_with_what_there_is() {
    let home = pair(|_| {});
    let compare = |a: &str, b: &str| {
        let mut command = loadgen(home.path());
        command.args(["compare", a, b]).assert().code(104)
    };
    compare("nightly", "b.json").stderr(contains("nightly: is no file, no folder and no baseline"));
    fs::create_dir_all(home.path().join("reports/baselines")).unwrap();
    fs::rename(
        home.path().join("a.json"),
        home.path().join("reports/baselines/nightly.json"),
    )
    .unwrap();
    (loadgen(home.path())
        .args(["compare", "nightly", "b.json"])
        .assert())
    .code(0)
    .stdout(contains("A: nightly, measured "));
    compare("weekly", "b.json").stderr(contains("there are nightly"));
    fs::write(home.path().join("x.toml"), "name = \"x\"").unwrap();
    compare("x.toml", "b.json").stderr(contains("x.toml: give the results.json of a run"));
}

#[test]
fn a_run_keeps_a_baseline_and_is_compared_with_it() {
    let home = home(SHORT);
    let run = |arguments: &[&str]| {
        let mut command = loadgen(home.path());
        command.args(["run", "x.toml", "--only", "sse", "--out", "out"]);
        command.args(arguments).output().unwrap()
    };
    let kept = run(&["--save-baseline", "main"]);
    let valid = results(&home.path().join("out")).verdict.valid;
    assert_eq!(
        kept.status.code(),
        Some(exit_of(&results(&home.path().join("out"))))
    );
    if !valid {
        assert!(
            !home.path().join("reports").exists(),
            "an invalid run is no baseline"
        );
        eprintln!("skipped: this machine was too busy for a baseline");
        return;
    }
    assert_eq!(names(&home.path().join("reports/baselines")), ["main.json"]);
    let guard = run(&["--baseline", "main", "--fail-on-regression"]);
    assert_eq!(guard.status.code(), Some(104), "one repeat guards nothing");
    let said = String::from_utf8_lossy(&guard.stderr).into_owned();
    assert!(said.contains("has 1 of the 5 repeats"), "{said}");
    let again = run(&["--baseline", "main"]);
    let said = String::from_utf8_lossy(&again.stdout).into_owned();
    let again_results = results(&home.path().join("out"));
    // One repeat is too few for any statement.
    assert_eq!(again.status.code(), Some(exit_of(&again_results)));
    if again_results.verdict.valid {
        assert!(
            said.contains("A: main, measured ") && said.contains("B: this run"),
            "{said}"
        );
        assert!(said.contains("too few repeats"), "{said}");
    }
    let other = run(&["--baseline", "main", "--clients", "5"]);
    let said = String::from_utf8_lossy(&other.stderr).into_owned();
    assert_eq!(other.status.code(), Some(104), "{said}");
    assert!(said.contains("scenario.load.clients: 4 | 5"), "{said}");
    assert!(
        !said.contains("trial 1/1"),
        "refused before anything starts: {said}"
    );
}

#[test]
fn a_flag_that_would_do_nothing_is_refused() {
    let home = home(SHORT);
    for flag in [
        &["--fail-on-regression"][..],
        &["--noise-threshold", "2%"],
        &["--force"],
    ] {
        (loadgen(home.path())
            .args(["run", "x.toml"])
            .args(flag)
            .assert())
        .code(104)
        .stderr(contains(flag[0]).and(contains("give --baseline NAME too")));
    }
    (loadgen(home.path())
        .args(["run", "x.toml", "--save-baseline", "../x"])
        .assert())
    .code(104);
    assert_eq!(names(home.path()), ["x.toml"]);
}
