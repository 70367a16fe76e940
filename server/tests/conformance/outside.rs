//! Clients that others wrote: the npm package ws and the Python package websockets, each with a script of
//! this folder. Where node, Python or the package is missing it says so and passes, except in CI;
//! `.ci/browser` brings both.

use crate::harness::Server;
use std::path::{Path, PathBuf};
use std::process::Command;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn script(name: &str) -> PathBuf {
    workspace().join("server/tests/conformance").join(name)
}

fn skip(missing: &str) {
    let ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    assert!(!ci, "CI has no {missing}");
    println!("skipped: no {missing} (.ci/browser brings it)");
}

fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// Runs a script against a server whose pings come often.
fn check(mut command: Command) {
    let server = Server::start(&["--conformance", "--ping-interval", "0.5"]);
    let status = command.arg(server.public.to_string()).status().unwrap();
    assert!(status.success(), "its output says why");
}

#[test]
fn the_npm_package_ws() {
    let folder = workspace().join("loadgen/tests/browser");
    if !succeeds(Command::new("node").arg("--version")) {
        return skip("node");
    }
    if !folder.join("node_modules/ws").is_dir() {
        return skip("ws");
    }
    let mut node = Command::new("node");
    node.arg(script("outside.mjs")).arg(folder);
    check(node);
}

#[test]
fn the_python_package_websockets() {
    // The one of `.ci/browser`, else the system's.
    let installed = workspace().join("target/outside/bin/python");
    let has_it = |python: &Path| {
        let module = "import websockets.asyncio.client";
        succeeds(Command::new(python).args(["-c", module]))
    };
    let pythons = [installed, PathBuf::from("python3")];
    let Some(python) = pythons.into_iter().find(|python| has_it(python)) else {
        return skip("Python package websockets");
    };
    let mut command = Command::new(python);
    command.arg(script("outside.py"));
    check(command);
}
