//! The server of `server.mjs`, for as long as a test needs it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

pub struct Node {
    process: Child,
    port: u16,
}

fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty())
}

impl Node {
    /// `None`, and a line that says why, where this machine lacks what it needs.
    pub fn start(environment: &[(&str, &str)]) -> Option<Node> {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
        let packages = tests.join("browser/package.json");
        let version = Command::new("node").arg("--version").output();
        let missing = if !version.is_ok_and(|output| output.status.success()) {
            Some("node (apt-get install nodejs)")
        } else if !tests.join("browser/node_modules/socket.io").is_dir() {
            Some("socket.io (npm ci --prefix loadgen/tests/browser)")
        } else {
            None
        };
        if let Some(missing) = missing {
            assert!(!in_ci(), "CI has no {missing}");
            println!("skipped: no {missing}");
            return None;
        }
        let mut process = Command::new("node")
            .arg(tests.join("socketio/server.mjs"))
            .env("PACKAGES", packages)
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let port = line.trim().parse().unwrap();
        Some(Node { process, port })
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Both fail only if it has ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
