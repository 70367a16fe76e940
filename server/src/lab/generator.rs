//! Runs of loadgen that a page asks for: a shipped scenario by its name, or clients in the background
//! made from numbers alone. A scenario leaves its report below `--reports`, background clients none: they
//! are only there to be beside. What becomes of a run is in `order`. Nothing here measures.

use super::background::Background;
use super::order::Order;
use super::scenarios;
use crate::config::Config;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Semaphore, mpsc, oneshot};

/// Runs of all pages at once: more would only measure each other.
pub const MAX_RUNS: usize = 2;

/// Notes on their way to the page.
const IN_FLIGHT: usize = 16;

/// What a page may ask for; exactly one of the three.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
pub struct Generate {
    /// Name of a shipped scenario, such as `lessons/l12-held-memory`.
    pub scenario: Option<String>,
    pub background: Option<Background>,
    /// Ends what runs; what it measured so far is kept.
    #[serde(default)]
    pub stop: bool,
}

/// What became of a run.
pub struct Note {
    /// `NAME/STAMP`; where a scenario's report is, or will be, below `/lab/reports/`. That of background
    /// clients is nowhere.
    pub run: String,
    /// `started`, `progress`, `done`, `failed` or `stopped`.
    pub state: &'static str,
    pub text: String,
    /// Its `results.json`, without histograms but those of delivery.
    pub results: Option<Box<RawValue>>,
}

/// What all sessions share.
pub struct Generator {
    program: Option<PathBuf>,
    reports: PathBuf,
    seats: Arc<Semaphore>,
    /// Where background clients go.
    public: SocketAddr,
    admin: Option<SocketAddr>,
    /// Runs begun in the second that the last stamp names.
    stamps: Mutex<HashMap<String, u32>>,
}

impl Generator {
    pub fn new(config: &Config, public: SocketAddr, admin: Option<SocketAddr>) -> Generator {
        let reports = std::path::absolute(&config.reports);
        Generator {
            program: (config.loadgen.clone().or_else(beside)).filter(|program| program.is_file()),
            reports: reports.unwrap_or_else(|_| config.reports.clone()),
            seats: Arc::new(Semaphore::new(MAX_RUNS)),
            public: reachable(public),
            admin: admin.map(reachable),
            stamps: Mutex::default(),
        }
    }

    pub fn is_there(&self) -> bool {
        self.program.is_some()
    }

    pub fn reports(&self) -> &Path {
        &self.reports
    }

    fn order(&self, ask: &Generate) -> Result<Order, String> {
        let program = self.program.clone().ok_or(
            "no loadgen beside this server: build it (cargo build -p loadgen), or name it by --loadgen",
        )?;
        let (name, text) = match (&ask.scenario, &ask.background) {
            (Some(name), None) => {
                let text = scenarios::text(name).ok_or_else(|| {
                    "no scenario of that name is shipped; GET /lab/scenarios lists them".to_owned()
                })?;
                (name.rsplit('/').next().unwrap_or(name).to_owned(), text)
            }
            (None, Some(background)) => (
                "background".to_owned(),
                background.toml(self.public, self.admin)?,
            ),
            _ => return Err("ask for a scenario, for background clients, or to stop".to_owned()),
        };
        let run = format!("{name}/{}", self.stamp());
        let reports = ask.scenario.is_some().then(|| self.reports.clone());
        let order = Order::new(program, text, run, reports, Arc::clone(&self.seats));
        order.map_err(|error| format!("no folder for what it measures: {error}"))
    }

    /// As loadgen stamps its runs; two runs in one second differ.
    fn stamp(&self) -> String {
        let now = jiff::Timestamp::now()
            .strftime("%Y%m%dT%H%M%SZ")
            .to_string();
        let mut stamps = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        stamps.retain(|stamp, _| *stamp == now);
        let count = stamps.entry(now.clone()).or_default();
        *count += 1;
        match *count {
            1 => now,
            count => format!("{now}-{count}"),
        }
    }
}

/// An executable called loadgen in the folder of this one.
fn beside() -> Option<PathBuf> {
    Some(std::env::current_exe().ok()?.with_file_name("loadgen"))
}

/// An address that means any is reached by this host's own.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// The runs of one session: one at a time. When it is dropped they end.
pub struct Runs {
    generator: Arc<Generator>,
    /// One at a time: the next waits until the last has written its report.
    turn: Arc<Semaphore>,
    tell: mpsc::Sender<Note>,
    notes: mpsc::Receiver<Note>,
    /// Closed when the run has ended.
    current: Option<oneshot::Sender<()>>,
}

impl Runs {
    pub fn new(generator: Arc<Generator>) -> Runs {
        let (tell, notes) = mpsc::channel(IN_FLIGHT);
        Runs {
            generator,
            turn: Arc::new(Semaphore::new(1)),
            tell,
            notes,
            current: None,
        }
    }

    /// Does what the page asks. Must be called within a local task set.
    pub fn take(&mut self, ask: &Generate) -> Result<(), String> {
        if ask.stop {
            if let Some(current) = self.current.take() {
                // It may have ended by itself.
                let _ = current.send(());
            }
            return Ok(());
        }
        if self.current.as_ref().is_some_and(|run| !run.is_closed()) {
            return Err("a run of this page is under way; stop it first".to_owned());
        }
        let order = self.generator.order(ask)?;
        let (stop, stopped) = oneshot::channel();
        self.current = Some(stop);
        let (turn, tell) = (Arc::clone(&self.turn), self.tell.clone());
        tokio::task::spawn_local(order.carry_out(turn, stopped, tell));
        Ok(())
    }

    /// The next thing that happens to a run.
    pub async fn next(&mut self) -> Note {
        match self.notes.recv().await {
            Some(note) => note,
            // Never: one sender is our own.
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_means_any_is_reached_by_our_own() {
        for (listened, reached) in [
            ("0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", "[::1]:80"),
            ("10.0.0.7:80", "10.0.0.7:80"),
        ] {
            let address: SocketAddr = listened.parse().unwrap();
            assert_eq!(reachable(address).to_string(), reached);
        }
    }
}
