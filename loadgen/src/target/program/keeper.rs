//! The process that keeps a server: it starts the command, waits until the port accepts, and ends all
//! that came of it when stdin closes. What a command leaves behind as orphans comes to it too.

use super::super::processes::Processes;
use super::{ENDED, FAILED, Order, START_PATIENCE, UP};
use crate::scenario::without_secrets;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const LOOK: Duration = Duration::from_millis(10);
/// For the server to end by itself once it was asked to.
const END_PATIENCE: Duration = Duration::from_secs(3);
/// For the system to end what did not.
const KILL_PATIENCE: Duration = Duration::from_secs(1);
const CONNECT_PATIENCE: Duration = Duration::from_millis(500);
/// Longest wait for its memory to stay as it is.
const SETTLING_PATIENCE: Duration = Duration::from_secs(1);
/// What is kept of what the server says on stderr.
const LINES: usize = 8;
const LINE_CHARS: usize = 400;
/// Nothing is shown of a longer one: a part of it may begin or end within a secret.
const MOST_LINE_BYTES: u64 = 64 * 1024;

/// What the hidden subcommand does: reads its order, keeps the server until stdin closes. What goes wrong
/// is told on stdout, where the order came from.
pub fn keep_program() -> io::Result<()> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let order: Order = serde_json::from_str(&line)?;
    // Elsewhere than on Linux an orphan is init's.
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_child_subreaper(true)?;
    let mut kept = match Kept::start(&order, let_go()) {
        Ok(kept) => kept,
        Err(reason) => return say(&format!("{FAILED}{reason}")),
    };
    let up = kept.listens(&order);
    let told = match up {
        Ok(()) => say(UP).and_then(|()| kept.keep()),
        Err(reason) => say(&format!("{FAILED}{reason}")),
    };
    kept.end();
    told
}

/// Turns true when stdin closes: whoever ordered a server is done with it, or dead.
fn let_go() -> Arc<AtomicBool> {
    let closed = Arc::new(AtomicBool::new(false));
    let closes = closed.clone();
    std::thread::spawn(move || {
        // An error is an end too.
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        closes.store(true, Ordering::Release);
    });
    closed
}

/// In one line, whatever it is.
fn say(what: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", what.replace('\n', " | "))?;
    stdout.flush()
}

struct Kept {
    first: Pid,
    /// Its name, for people.
    name: String,
    /// How the first process ended, if it has.
    status: Option<WaitStatus>,
    said: Arc<Mutex<VecDeque<String>>>,
    let_go: Arc<AtomicBool>,
}

impl Kept {
    fn start(order: &Order, let_go: Arc<AtomicBool>) -> Result<Kept, String> {
        let (name, arguments) = order.command.split_first().ok_or("there is no command")?;
        if TcpStream::connect_timeout(&order.address, CONNECT_PATIENCE).is_ok() {
            return Err(format!(
                "something listens on {} already; end it, or let {{port}} stand in the URL and in the command",
                order.address
            ));
        }
        let mut command = Command::new(name);
        command
            .args(arguments)
            .env("PORT", order.address.port().to_string())
            .env("PATH", path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        if !order.folder.as_os_str().is_empty() {
            command.current_dir(&order.folder);
        }
        let mut child = (command.spawn()).map_err(|error| format!("{name}: {error}"))?;
        let said: Arc<Mutex<VecDeque<String>>> = Arc::default();
        if let Some(stderr) = child.stderr.take() {
            let said = said.clone();
            let secrets = order.secrets.clone();
            std::thread::spawn(move || listen(stderr, &said, &secrets));
        }
        Ok(Kept {
            first: Pid::from_raw(child.id() as i32),
            name: name.clone(),
            status: None,
            said,
            let_go,
        })
    }

    fn listens(&mut self, order: &Order) -> Result<(), String> {
        let begun = Instant::now();
        while begun.elapsed() < START_PATIENCE {
            if self.is_let_go() {
                return Err("nobody waits for it any more".to_owned());
            }
            if self.has_ended() {
                return Err(self.how_it_ended());
            }
            if TcpStream::connect_timeout(&order.address, CONNECT_PATIENCE).is_ok() {
                settle();
                return Ok(());
            }
            std::thread::sleep(LOOK);
        }
        Err(format!(
            "{} does not listen on {} within {START_PATIENCE:?}{}",
            self.name,
            order.address,
            self.last_words()
        ))
    }

    /// Until stdin closes, or nothing is left to keep.
    fn keep(&mut self) -> io::Result<()> {
        while !self.is_let_go() {
            if self.has_ended() {
                return say(&format!("{ENDED}{}", self.how_it_ended()));
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    fn is_let_go(&self) -> bool {
        self.let_go.load(Ordering::Acquire)
    }

    /// One that starts another and goes has not ended for that.
    fn has_ended(&mut self) -> bool {
        self.reap();
        self.status.is_some() && processes().pids().is_empty()
    }

    fn reap(&mut self) {
        loop {
            match waitpid(Pid::from_raw(-1), Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return,
                Ok(status) if status.pid() == Some(self.first) => self.status = Some(status),
                Ok(_) | Err(_) => {}
            }
        }
    }

    fn how_it_ended(&self) -> String {
        let how = match self.status {
            Some(WaitStatus::Exited(_, code)) => format!("exit code {code}"),
            Some(WaitStatus::Signaled(_, signal, _)) => signal.to_string(),
            Some(_) | None => "nobody knows how".to_owned(),
        };
        format!("{} ended, {how}{}", self.name, self.last_words())
    }

    fn last_words(&self) -> String {
        // What it said last may still be on its way through the pipe.
        std::thread::sleep(LOOK * 2);
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        match said.is_empty() {
            true => String::new(),
            false => format!("; it said: {}", Vec::from(said.clone()).join(" | ")),
        }
    }

    /// Asks all of them to end, and ends those that do not.
    fn end(&mut self) {
        tell_all(Signal::SIGTERM);
        if self.are_gone_within(END_PATIENCE, || {}) {
            return;
        }
        // Whoever is born while the others are killed is killed as well.
        if !self.are_gone_within(KILL_PATIENCE, || tell_all(Signal::SIGKILL)) {
            let pids = processes().pids();
            eprintln!("{}: processes {pids:?} could not be ended", self.name);
        }
    }

    fn are_gone_within(&mut self, patience: Duration, meanwhile: impl Fn()) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < patience {
            meanwhile();
            self.reap();
            if processes().pids().is_empty() {
                return true;
            }
            std::thread::sleep(LOOK);
        }
        false
    }
}

fn tell_all(signal: Signal) {
    for pid in processes().pids() {
        // It fails only for one that has ended meanwhile.
        let _ = kill(Pid::from_raw(pid as i32), signal);
    }
}

/// A port may accept before all workers are there; what they bring with them is no client's doing.
fn settle() {
    let figures = || processes().usage().map(|usage| (usage.threads, usage.rss));
    let begun = Instant::now();
    let mut before = figures();
    while begun.elapsed() < SETTLING_PATIENCE {
        std::thread::sleep(LOOK * 10);
        let now = figures();
        if now == before {
            return;
        }
        before = now;
    }
}

fn processes() -> Processes {
    Processes::below(std::process::id())
}

/// Debian keeps servers where only root looks.
fn path() -> OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/local/sbin:/usr/sbin");
    path
}

/// Keeps the last lines, each without these secrets before it is cut.
fn listen(stderr: impl Read, said: &Mutex<VecDeque<String>>, secrets: &[String]) {
    let mut stderr = BufReader::new(stderr);
    let mut goes_on = false;
    loop {
        let mut line = Vec::new();
        match (&mut stderr)
            .take(MOST_LINE_BYTES)
            .read_until(b'\n', &mut line)
        {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        let went_on = std::mem::replace(&mut goes_on, !line.ends_with(b"\n"));
        if went_on || line.len() as u64 == MOST_LINE_BYTES {
            continue;
        }
        let line = without_secrets(String::from_utf8_lossy(&line).trim(), secrets);
        let line: String = line.chars().take(LINE_CHARS).collect();
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.len() == LINES {
            said.pop_front();
        }
        if !line.is_empty() {
            said.push_back(line);
        }
    }
}
