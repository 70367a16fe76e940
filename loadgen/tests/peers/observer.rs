//! Runs `observer.mjs` against a server of its own, and reads what it found.

use super::server::Peer;
use serde::Deserialize;
use std::path::Path;
use std::process::Command;

#[derive(Deserialize)]
pub struct Observed {
    pub lost: u64,
    pub repeated: u64,
    pub p50_us: f64,
    /// Absent where a client has many connections, or asks for each event.
    pub bytes_per_delivery: Option<f64>,
}

pub fn observe(peer: &Peer, clients: u32, rate: u32, seconds: u32) -> Observed {
    let server = peer.start();
    let way = peer.way.as_deref().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/observer.mjs");
    let output = Command::new("node")
        .arg(script)
        .arg(way)
        .args(peer.urls(server.address))
        .args([clients, rate, seconds].map(|number| number.to_string()))
        .output()
        .unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {complaint}", peer.name);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}: {complaint}", peer.name))
}
