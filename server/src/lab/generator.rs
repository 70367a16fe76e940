//! Runs of loadgen that a page asks for: a shipped scenario by its name, or clients in the background
//! made from numbers alone. Each is a child process that writes its report below `--reports`; it is told
//! to end by closing its stdin, so it also ends when this process does. Nothing here measures.

use super::background::Background;
use super::scenarios;
use crate::config::Config;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tempfile::NamedTempFile;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::Instant;

/// Runs of all pages at once: more would only measure each other.
const MAX_RUNS: usize = 2;

/// How long a run waits for one that is just ending.
const TURN: Duration = Duration::from_secs(15);

/// How long a run that shall end may take to write its report.
const GRACE: Duration = Duration::from_secs(10);

/// Notes on their way to the page.
const IN_FLIGHT: usize = 16;

/// Longest line of progress that is passed on, in characters.
const MAX_LINE: usize = 400;

/// Largest results that go to the page; larger ones are in the report.
const MAX_RESULTS: u64 = 8 * 1024 * 1024;

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
    /// Where its report is, or will be, below `/lab/reports/`: `NAME/STAMP`.
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
        Ok(Order {
            program,
            text,
            out: self.reports.join(&run),
            run,
            seats: Arc::clone(&self.seats),
        })
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

/// A run that was accepted.
struct Order {
    program: PathBuf,
    text: String,
    run: String,
    out: PathBuf,
    seats: Arc<Semaphore>,
}

/// What a child said and was told.
#[derive(Default)]
struct Heard {
    stopped: bool,
    /// Its last line.
    last: String,
}

/// How a run ended: state, text, results.
type Ending = (&'static str, String, Option<Box<RawValue>>);

impl Order {
    /// From waiting for its turn to its results. `stopped` also ends when the session does.
    async fn carry_out(
        self,
        turn: Arc<Semaphore>,
        mut stopped: oneshot::Receiver<()>,
        tell: mpsc::Sender<Note>,
    ) {
        let (state, text, results) = tokio::select! {
            seats = self.seats(turn) => match seats {
                Some(_held) => self.attend(&mut stopped, &tell).await,
                None => (
                    "failed",
                    format!("{MAX_RUNS} runs are under way already; wait for them to end"),
                    None,
                ),
            },
            _ = &mut stopped => ("stopped", String::new(), None),
        };
        // The session may be gone.
        let _ = tell.send(self.note(state, text, results)).await;
    }

    /// A turn of this session and one of all sessions.
    async fn seats(
        &self,
        turn: Arc<Semaphore>,
    ) -> Option<(OwnedSemaphorePermit, OwnedSemaphorePermit)> {
        let both = async {
            Some((
                turn.acquire_owned().await.ok()?,
                Arc::clone(&self.seats).acquire_owned().await.ok()?,
            ))
        };
        tokio::time::timeout(TURN, both).await.ok()?
    }

    async fn attend(
        &self,
        stopped: &mut oneshot::Receiver<()>,
        tell: &mpsc::Sender<Note>,
    ) -> Ending {
        let (mut child, _scenario) = match self.start() {
            Ok(started) => started,
            Err(error) => {
                let text = format!("loadgen cannot be started: {error}");
                return ("failed", text, None);
            }
        };
        // The session may be gone; then `stopped` says so.
        let _ = tell.send(self.note("started", String::new(), None)).await;
        let heard = self.listen(&mut child, stopped, tell).await;
        let code = child.wait().await.ok().and_then(|status| status.code());
        let results = self.results().await;
        match (code, heard.stopped) {
            (_, true) => ("stopped", heard.last, results),
            // Also where expectations fail, where it regressed or where it is invalid: results say so.
            (Some(0 | 95 | 96 | 99), false) if results.is_some() => ("done", heard.last, results),
            (Some(0), false) => ("done", "its results are in the report".to_owned(), None),
            (_, false) => ("failed", heard.last, results),
        }
    }

    /// The child, and the file that it reads: gone when that is dropped.
    fn start(&self) -> io::Result<(Child, NamedTempFile)> {
        let mut scenario = tempfile::Builder::new()
            .prefix("pushlab-")
            .suffix(".toml")
            .tempfile()?;
        scenario.write_all(self.text.as_bytes())?;
        let mut command = Command::new(&self.program);
        // Variables for runs of the user's own are not meant for this one.
        for (name, _) in std::env::vars_os() {
            let name_text = name.to_string_lossy();
            if name_text.starts_with("PUSHLAB_") || name_text.starts_with("LOADGEN_") {
                command.env_remove(name);
            }
        }
        command
            .arg("run")
            .arg(scenario.path())
            .arg("--out")
            .arg(&self.out)
            .args(["--output-format", "quiet", "--stop-with-stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        Ok((command.spawn()?, scenario))
    }

    /// Passes on what loadgen says, until it says no more or has had its grace.
    async fn listen(
        &self,
        child: &mut Child,
        stopped: &mut oneshot::Receiver<()>,
        tell: &mpsc::Sender<Note>,
    ) -> Heard {
        let mut stdin = child.stdin.take();
        let stderr = child.stderr.take().expect("it was piped");
        let mut lines = BufReader::new(stderr).lines();
        let mut heard = Heard::default();
        let mut deadline = Instant::now();
        loop {
            tokio::select! {
                line = lines.next_line() => {
                    let Ok(Some(line)) = line else { return heard };
                    let line: String = line.chars().take(MAX_LINE).collect();
                    let _ = tell.send(self.note("progress", line.clone(), None)).await;
                    heard.last = line;
                }
                _ = &mut *stopped, if !heard.stopped => {
                    heard.stopped = true;
                    deadline = Instant::now() + GRACE;
                    drop(stdin.take());
                }
                () = tokio::time::sleep_until(deadline), if heard.stopped => {
                    // It fails only where it has ended by itself.
                    let _ = child.start_kill();
                    return heard;
                }
            }
        }
    }

    async fn results(&self) -> Option<Box<RawValue>> {
        let path = self.out.join("results.json");
        let read = move || {
            if std::fs::metadata(&path).ok()?.len() > MAX_RESULTS {
                return None;
            }
            let mut results = serde_json::from_slice(&std::fs::read(&path).ok()?).ok()?;
            keep_delivery(&mut results);
            RawValue::from_string(results.to_string()).ok()
        };
        tokio::task::spawn_blocking(read).await.ok()?
    }

    fn note(&self, state: &'static str, text: String, results: Option<Box<RawValue>>) -> Note {
        Note {
            run: self.run.clone(),
            state,
            text,
            results,
        }
    }
}

/// Takes every histogram out but those of delivery, which the page draws curves from.
fn keep_delivery(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields.iter_mut() {
                match value {
                    Value::Object(figures) if key != "delivery" => {
                        drop(figures.shift_remove("hdr"))
                    }
                    _ => {}
                }
                keep_delivery(value);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(keep_delivery),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn histograms_go_but_those_of_delivery() {
        let mut results = json!({"trials": [{"latency_us": {
            "delivery": {"p50": 1, "hdr": "a"}, "connect": {"p50": 2, "hdr": "b"}}}],
            "timeline": [{"delivery": {"hdr": "c"}, "x": {"y": {"hdr": "d"}}}]});
        keep_delivery(&mut results);
        assert_eq!(
            results,
            json!({"trials": [{"latency_us": {
                "delivery": {"p50": 1, "hdr": "a"}, "connect": {"p50": 2}}}],
                "timeline": [{"delivery": {"hdr": "c"}, "x": {"y": {}}}]})
        );
    }

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
