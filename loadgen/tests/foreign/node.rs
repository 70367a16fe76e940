//! Node's `ws` and its Socket.IO, as their own tutorials have them, each started by a command.

use crate::{home, is_here, run_and_lose_nothing};
use std::path::{Path, PathBuf};
use std::process::Command;

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

fn node_is_here() -> bool {
    let version = Command::new("node").arg("--version").output();
    let modules = tests().join("browser/node_modules");
    let has = |name| modules.join(name).is_dir();
    is_here(if !version.is_ok_and(|output| output.status.success()) {
        Some("node (apt-get install nodejs)")
    } else if !has("ws") || !has("socket.io") {
        Some("ws and socket.io (npm ci --prefix loadgen/tests/browser)")
    } else {
        None
    })
}

/// Of `servers.mjs`.
fn command(kind: &str) -> String {
    let file = tests().join("foreign/servers.mjs");
    format!("command = [\"node\", {file:?}, \"{kind}\"]\n")
}

#[test]
fn node_ws_is_measured_by_frames_and_by_posts() {
    if !node_is_here() {
        return;
    }
    for (by, publish) in [("clients", ""), ("publisher", "publish = \"/publish\"\n")] {
        let home = home(&format!(
            "by = \"{by}\"\n[target]\ndialect = \"websocket\"\n{}{publish}[[transports]]\nkind = \"websocket\"\n",
            command("ws")
        ));
        let results = run_and_lose_nothing(home.path(), &[]);
        let server = &results["trials"][0]["server"];
        assert!(
            server["threads"].as_u64() > Some(1),
            "Node has several: {server}"
        );
    }
}

#[test]
fn socketio_on_node_is_measured_on_its_three_paths() {
    if !node_is_here() {
        return;
    }
    let paths = ["upgrade", "websocket", "polling"];
    let transports = paths.map(|path| {
        format!("[[transports]]\nkind = \"socketio\"\nname = \"{path}\"\npath = \"{path}\"\n")
    });
    let home = home(&format!(
        "by = \"clients\"\n[target]\ndialect = \"socketio\"\nnamespace = \"/guarded\"\nevent = \"said\"\npublish_event = \"say\"\nauth = {{ token = \"$THE_WORD\" }}\n{}{}",
        command("socketio"),
        transports.concat()
    ));
    // A word that stands in the file itself is not stored either.
    let file = home.path().join("x.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(file, text.replace("$THE_WORD", "abracadabra")).unwrap();
    let results = run_and_lose_nothing(home.path(), &[]);
    assert_eq!(results["trials"].as_array().unwrap().len(), 3);
    assert!(!results.to_string().contains("abracadabra"));
}
