//! One run of loadgen, from waiting for its turn to its results. The child is told to end by closing its
//! stdin, so it also ends when this process does; it reads its scenario from a file that has no name, so
//! nothing stays behind either. Whatever it says or keeps from saying, it is gone a grace after its stop.

use super::generator::{MAX_RUNS, Note};
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use serde_json::Value;
use serde_json::value::RawValue;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::Instant;

/// How long a run waits for one that is just ending.
const TURN: Duration = Duration::from_secs(15);

/// How long a run that shall end may take to write its report.
const GRACE: Duration = Duration::from_secs(10);

/// How long its last words may take once it has ended.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Longest line of progress that is passed on, in characters.
const MAX_LINE: usize = 400;

/// What is kept of a line, in bytes.
const MAX_LINE_BYTES: usize = 4 * MAX_LINE;

/// Largest results that go to the page; larger ones are in the report.
const MAX_RESULTS: u64 = 8 * 1024 * 1024;

/// A run that was accepted.
pub struct Order {
    program: PathBuf,
    text: String,
    run: String,
    out: PathBuf,
    /// Where nobody keeps its report: it goes with the order.
    passing: Option<TempDir>,
    seats: Arc<Semaphore>,
}

/// What a child said, was told, and ended with.
#[derive(Default)]
struct Heard {
    stopped: bool,
    /// Its last line.
    last: String,
    code: Option<i32>,
}

/// How a run ended: state, text, results.
type Ending = (&'static str, String, Option<Box<RawValue>>);

impl Order {
    /// `text` is the scenario; its report is kept in the folder `run` below `reports`, if there is one.
    pub fn new(
        program: PathBuf,
        text: String,
        run: String,
        reports: Option<PathBuf>,
        seats: Arc<Semaphore>,
    ) -> io::Result<Order> {
        let (out, passing) = match reports {
            Some(reports) => (reports.join(&run), None),
            None => {
                let folder = tempfile::Builder::new().prefix("pushlab-").tempdir()?;
                (folder.path().join("run"), Some(folder))
            }
        };
        Ok(Order {
            program,
            text,
            run,
            out,
            passing,
            seats,
        })
    }

    /// From waiting for its turn to its results. `stopped` also ends when the session does.
    pub async fn carry_out(
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
        let mut child = match self.start() {
            Ok(child) => child,
            Err(error) => {
                let text = format!("loadgen cannot be started: {error}");
                return ("failed", text, None);
            }
        };
        // The session may be gone; then `stopped` says so.
        let _ = tell.send(self.note("started", String::new(), None)).await;
        let heard = self.listen(&mut child, stopped, tell).await;
        let results = self.results().await;
        match (heard.code, heard.stopped) {
            (_, true) => ("stopped", heard.last, results),
            // Also where expectations fail, where it regressed or where it is invalid: results say so.
            (Some(0 | 95 | 96 | 99), false) if results.is_some() => ("done", heard.last, results),
            (Some(0), false) if self.passing.is_some() => ("done", heard.last, None),
            (Some(0), false) => ("done", "its results are in the report".to_owned(), None),
            (_, false) => ("failed", heard.last, results),
        }
    }

    fn start(&self) -> io::Result<Child> {
        let scenario = unnamed(&self.text)?;
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
            .arg(format!("/dev/fd/{}", scenario.as_raw_fd()))
            .arg("--out")
            .arg(&self.out)
            .args(["--output-format", "quiet", "--stop-with-stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command.spawn()
    }

    /// Passes on what loadgen says, until it has ended, by itself or when its grace is over.
    async fn listen(
        &self,
        child: &mut Child,
        stopped: &mut oneshot::Receiver<()>,
        tell: &mpsc::Sender<Note>,
    ) -> Heard {
        let mut stdin = child.stdin.take();
        let stderr = child.stderr.take().expect("it was piped");
        let mut lines = Lines::new(BufReader::new(stderr));
        let mut heard = Heard::default();
        let (mut says_more, mut has_ended) = (true, false);
        let mut deadline = Instant::now();
        while says_more || !has_ended {
            tokio::select! {
                line = lines.next(), if says_more => match line {
                    Some(line) => {
                        let _ = tell.send(self.note("progress", line.clone(), None)).await;
                        heard.last = line;
                    }
                    None => says_more = false,
                },
                status = child.wait(), if !has_ended => {
                    has_ended = true;
                    heard.code = status.ok().and_then(|status| status.code());
                    // One that it started may hold the other end of its stderr for ever.
                    deadline = Instant::now() + LAST_WORDS;
                }
                _ = &mut *stopped, if !heard.stopped => {
                    heard.stopped = true;
                    if !has_ended {
                        deadline = Instant::now() + GRACE;
                    }
                    drop(stdin.take());
                }
                () = tokio::time::sleep_until(deadline), if has_ended || heard.stopped => {
                    // It fails only where it has ended by itself; where it has not, it is dead now.
                    let _ = child.start_kill();
                    return heard;
                }
            }
        }
        heard
    }

    async fn results(&self) -> Option<Box<RawValue>> {
        let path = self.out.join("results.json");
        let read = move || {
            let mut text = Vec::new();
            let file = File::open(&path).ok()?;
            file.take(MAX_RESULTS + 1).read_to_end(&mut text).ok()?;
            if text.len() as u64 > MAX_RESULTS {
                return None;
            }
            let mut results = serde_json::from_slice(&text).ok()?;
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

/// A file that holds `text`, has no name, and that a child may read: gone when nobody has it open.
fn unnamed(text: &str) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(text.as_bytes())?;
    // Some systems open what is open once more at the place where it stands.
    file.rewind()?;
    fcntl(&file, FcntlArg::F_SETFD(FdFlag::empty()))?;
    Ok(file)
}

/// Lines of any bytes and of any length: what is no text is replaced, what is too much left out.
struct Lines<R> {
    from: R,
    line: Vec<u8>,
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    fn new(from: R) -> Lines<R> {
        Lines {
            from,
            line: Vec::new(),
        }
    }

    /// The next line, or nothing at the end. Nothing is lost where this is dropped before it ends.
    async fn next(&mut self) -> Option<String> {
        loop {
            // What cannot be read has ended.
            let read = self.from.fill_buf().await.unwrap_or_default();
            if read.is_empty() && self.line.is_empty() {
                return None;
            }
            let end = read.iter().position(|byte| *byte == b'\n');
            let piece = &read[..end.unwrap_or(read.len())];
            let room = MAX_LINE_BYTES - self.line.len();
            self.line.extend_from_slice(&piece[..piece.len().min(room)]);
            let taken = end.map_or(read.len(), |end| end + 1);
            self.from.consume(taken);
            if end.is_some() || taken == 0 {
                let line = std::mem::take(&mut self.line);
                let line = String::from_utf8_lossy(&line);
                return Some(line.trim_end_matches('\r').chars().take(MAX_LINE).collect());
            }
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

    #[tokio::test]
    async fn lines_may_hold_anything_and_be_of_any_length() {
        let mut said = b"one\r\n\xff\xfe two\n\n".to_vec();
        said.extend(vec![b'x'; 1_000_000]);
        said.extend(b"\nlast");
        let mut lines = Lines::new(&said[..]);
        let mut heard = Vec::new();
        while let Some(line) = lines.next().await {
            assert!(lines.line.capacity() <= 2 * MAX_LINE_BYTES);
            heard.push(line);
        }
        let long = "x".repeat(MAX_LINE);
        assert_eq!(heard, ["one", "\u{fffd}\u{fffd} two", "", &long, "last"]);
    }
}
