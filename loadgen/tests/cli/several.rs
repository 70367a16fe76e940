//! Several scenarios in one command: a report folder each, a line each, and the worst exit code.

use super::runs::{SHORT, exit_of, results};
use super::{home, loadgen, names};
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use std::fs;

fn named(name: &str) -> String {
    SHORT.replace(
        "\"short\"",
        &format!("\"{name}\"\ntitle = \"About {name}\""),
    )
}

#[test]
fn each_has_a_folder_and_a_line_and_the_worst_decides() {
    let home = home(&format!("{}[expect]\nlost = \"== 0\"\n", named("holds")));
    let cannot = format!("{}[expect]\ndelivered = \"== 1\"\n", named("not"));
    fs::write(home.path().join("y.toml"), cannot).unwrap();
    let output = (loadgen(home.path()).args(["run", "y.toml", "x.toml", "--out", "all"]))
        .output()
        .unwrap();
    let all = home.path().join("all");
    assert_eq!(names(&all), ["holds", "not"]);
    let (held, not) = (results(&all.join("holds")), results(&all.join("not")));
    assert!(!held.expectations.is_empty() && !not.expectations.is_empty());
    let worst = exit_of(&held).max(exit_of(&not));
    let expected = if worst == 0 { 99 } else { worst };
    assert_eq!(output.status.code(), Some(expected));
    let said = String::from_utf8(output.stdout).unwrap();
    let (_, summary) = said.rsplit_once("\n\n").unwrap();
    assert!(summary.contains("of 2 scenarios hold"), "{summary}");
    assert!(
        said.contains("About holds") && said.contains("About not"),
        "{said}"
    );
    if worst == 0 {
        assert!(said.contains("does not hold  0/2  not"), "{said}");
        assert!(said.contains("holds          2/2  holds"), "{said}");
    }
}

#[test]
fn what_is_wrong_with_the_last_is_known_before_the_first_begins() {
    let home = home(SHORT);
    fs::write(
        home.path().join("y.toml"),
        SHORT.replace("[load]", "[laod]"),
    )
    .unwrap();
    (loadgen(home.path()).args(["run", "x.toml", "y.toml"]))
        .assert()
        .code(104)
        .stderr(contains("y.toml"));
    (loadgen(home.path()).args(["validate", "x.toml", "y.toml"]))
        .assert()
        .code(104);
    assert_eq!(names(home.path()), ["x.toml", "y.toml"]);
}

#[test]
fn one_that_the_machine_cannot_run_does_not_keep_the_others_from_running() {
    let home = home(SHORT);
    let vast = named("vast").replace("clients = 4", "clients = 4000000000");
    fs::write(home.path().join("y.toml"), vast).unwrap();
    (loadgen(home.path()).args(["run", "y.toml", "x.toml", "--out", "all"]))
        .assert()
        .code(96)
        .stderr(contains("y.toml: "));
    assert_eq!(names(&home.path().join("all")), ["short"]);
    (loadgen(home.path()).args(["validate", "y.toml", "x.toml"]))
        .assert()
        .code(96)
        .stdout(contains("4,000,000,000 clients").and(contains("4 clients")));
}

#[test]
fn what_is_of_one_run_alone_is_refused_for_several() {
    let home = home(SHORT);
    for (more, expected) in [
        (
            ["--output-format", "json"],
            "--output-format: stdout takes the results of one run",
        ),
        (
            ["--baseline", "main"],
            "--baseline: a baseline is of one run",
        ),
        (
            ["--save-baseline", "main"],
            "--save-baseline: a baseline is of one run",
        ),
        (["--out", "there"], "--out: two scenarios have one name"),
    ] {
        (loadgen(home.path())
            .args(["run", "x.toml", "x.toml"])
            .args(more))
        .assert()
        .code(104)
        .stderr(contains(expected));
    }
    assert_eq!(names(home.path()), ["x.toml"]);
}
