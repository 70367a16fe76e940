//! The answer of `GET /lab/usage`: what the server process and its sockets have spent so far.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    pub uptime_s: f64,
    pub process: Process,
    /// By transport name, and `publish` and `control` for what is neither.
    pub transports: BTreeMap<String, Traffic>,
    /// Connections that the server itself ended, by its reason.
    #[serde(default)]
    pub ended: BTreeMap<String, u64>,
    /// Events published since the start.
    pub published: u64,
    /// Rooms that exist now.
    pub rooms: u64,
    /// What the histories of all rooms hold, as `--history-bytes-in-all` counts it.
    #[serde(default)]
    pub history_bytes: u64,
    /// Sessions of Engine.IO that are open now, with a connection or between two of them.
    #[serde(default)]
    pub sessions: u64,
    /// Long polls answered 503 because no thread could be had; only threads can run out.
    #[serde(default)]
    pub unheld: u64,
}

/// Figures of the operating system; absent where it does not tell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Process {
    pub cpu_s: Option<f64>,
    /// Resident memory in bytes.
    pub rss: Option<u64>,
    pub threads: Option<u64>,
    /// Voluntary and involuntary, of all threads.
    pub context_switches: Option<u64>,
    /// Open file descriptors.
    pub fds: Option<u64>,
}

/// What one transport's sockets carried and did. `rx` and `tx` are bytes below HTTP.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    pub rx: u64,
    pub tx: u64,
    /// Connections (of `control`: not yet classed ones too) open now.
    pub open: u64,
    pub opened: u64,
    pub requests: u64,
    /// Answers without an event (204 and 304).
    pub empty: u64,
    /// Events handed to subscribers.
    pub deliveries: u64,
}

impl Usage {
    /// Bytes of all measured sockets, (received, sent).
    pub fn bytes(&self) -> (u64, u64) {
        self.transports
            .values()
            .fold((0, 0), |(rx, tx), t| (rx + t.rx, tx + t.tx))
    }
}
