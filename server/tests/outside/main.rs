//! Clients that others wrote, each a script of this folder that starts servers of ours: the npm packages
//! socket.io-client, engine.io-client and ws, and a real browser. Where node, chromium or `npm ci` is missing it
//! says so and passes, except in CI; `.ci/browser` brings them.

// A test fails by it.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use std::process::Command;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn runs(program: &str) -> bool {
    let version = Command::new(program).arg("--version").output();
    version.is_ok_and(|output| output.status.success())
}

/// What this machine lacks.
fn missing(needs_browser: bool) -> Option<&'static str> {
    let packages = workspace().join("loadgen/tests/browser/node_modules");
    let chromium = std::env::var("PUSHLAB_CHROMIUM").unwrap_or("/usr/bin/chromium".to_owned());
    if !runs("node") {
        Some("node")
    } else if !packages.join("socket.io-client").is_dir() {
        Some("npm packages")
    } else if needs_browser && !runs(&chromium) {
        Some("chromium")
    } else {
        None
    }
}

/// Runs those checks of a script whose name has these words in it.
fn run(script: &str, words: &str, needs_browser: bool) {
    if let Some(missing) = missing(needs_browser) {
        let ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
        assert!(!ci, "CI has no {missing}");
        println!("skipped: no {missing} (.ci/browser brings it)");
        return;
    }
    let status = Command::new("node")
        .arg(workspace().join("server/tests/outside/check.mjs"))
        .args([script, words])
        .env("PUSHLAB_SERVER", env!("CARGO_BIN_EXE_pushlab-server"))
        .status()
        .unwrap();
    assert!(status.success(), "{script}: its output says why");
}

fn check(script: &str) {
    run(script, "", false);
}

#[test]
fn socket_io_client_on_each_of_its_paths() {
    check("paths");
}

#[test]
fn socket_io_client_after_its_connection_is_lost() {
    check("recovery");
}

#[test]
fn engine_io_client() {
    check("engineio");
}

#[test]
fn the_examples_of_tutorials_in_node() {
    run("tutorials", "in Node", false);
}

#[test]
fn the_examples_of_tutorials_in_a_browser() {
    run("tutorials", "in a browser", true);
}

#[test]
fn a_room_of_all_transports_hears_one_sequence() {
    run("mixed", "", true);
}
