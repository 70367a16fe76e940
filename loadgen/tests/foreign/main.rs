//! Servers that are not ours, measured by the command line with a `[target]`: tiny ones written here, what
//! Node and nginx have, and a pushlab-server that a command starts. What a test needs and this machine
//! lacks is said, and the test passes; except in CI.

// A test fails by it.
#![allow(clippy::unwrap_used)]

mod broadcast;
mod command;
mod nchan;
mod node;

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

const LOAD: &str = "name = \"foreign\"\n[load]\nclients = 4\nramp = \"100ms\"\nwarm_up = \"200ms\"\nduration = \"1s\"\ngraceful_stop = \"10s\"\n[publish]\nrate = 40\npayload = \"64B\"\n";

/// A folder with a scenario of `rest` in it.
fn home(rest: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("x.toml"), format!("{LOAD}{rest}")).unwrap();
    home
}

fn loadgen(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
    command.current_dir(home);
    command
}

fn run(home: &Path, more: &[&str]) -> Output {
    let fixed = ["run", "x.toml", "--out", "out", "--no-progress"];
    loadgen(home).args(fixed).args(more).output().unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn results(home: &Path) -> Value {
    let text = fs::read(home.join("out/results.json")).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// Runs and looks that everything came once, and that every byte has its kind. A machine that is busy
/// with other tests may make a run invalid, which is no matter here.
fn run_and_lose_nothing(home: &Path, more: &[&str]) -> Value {
    let output = run(home, more);
    let code = output.status.code();
    assert!(matches!(code, Some(0 | 96)), "{code:?}: {}", told(&output));
    let results = results(home);
    for trial in results["trials"].as_array().unwrap() {
        let name = &trial["name"];
        let number = |key: &str| trial[key].as_u64().unwrap();
        assert!(number("delivered") > 0, "{name}: {}", told(&output));
        assert_eq!(number("expected"), number("delivered"), "{name}: {trial}");
        assert_eq!((number("lost"), number("duplicated")), (0, 0), "{name}");
        let kinds = trial["bytes"]["by_kind"].as_object().unwrap();
        let sum: u64 = kinds.values().map(|bytes| bytes.as_u64().unwrap()).sum();
        let of = |key: &str| trial["bytes"][key].as_u64().unwrap();
        assert_eq!(sum, of("up") + of("down"), "{name}");
        assert!(
            trial["server"]["bytes_tx"].is_null() || is_ours(trial),
            "{name}"
        );
    }
    results
}

/// Those keep books themselves.
fn is_ours(trial: &Value) -> bool {
    trial["name"].as_str().unwrap().starts_with("pushlab")
}

/// `missing` is what would have to be installed, and how; `true` if there is nothing.
fn is_here(missing: Option<&str>) -> bool {
    if let Some(missing) = missing {
        let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
        assert!(!in_ci, "CI has no {missing}");
        println!("skipped: no {missing}");
    }
    missing.is_none()
}
