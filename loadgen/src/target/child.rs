//! This binary again, as a child process in a hidden role. One that keeps another program is told in a line of
//! JSON what to start, says in lines how that went, and ends it when its stdin closes: so what it keeps
//! outlives neither a trial nor a run that is killed.

use super::TargetError;
use serde::Serialize;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Longer than a keeper's own patience with what it keeps.
const END_PATIENCE: Duration = Duration::from_secs(5);

/// `program` plays the role in place of this binary.
pub(super) fn command(program: Option<&Path>, subcommand: &str) -> Result<Command, TargetError> {
    let mut command = match program {
        Some(program) => Command::new(program),
        None => Command::new(std::env::current_exe().map_err(TargetError::Spawn)?),
    };
    command
        .arg(subcommand)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        // Ctrl-C in a terminal goes to the whole group; the trial must end before its server does.
        command.process_group(0);
    }
    Ok(command)
}

pub(super) struct Keeper {
    process: Child,
    /// Held open for as long as what it keeps shall live.
    stdin: Option<ChildStdin>,
    stdout: Option<BufReader<ChildStdout>>,
}

impl Keeper {
    pub(super) fn start(
        program: Option<&Path>,
        subcommand: &str,
        order: &impl Serialize,
    ) -> Result<Keeper, TargetError> {
        let mut process = command(program, subcommand)?
            .spawn()
            .map_err(TargetError::Spawn)?;
        let mut keeper = Keeper {
            stdin: process.stdin.take(),
            stdout: process.stdout.take().map(BufReader::new),
            process,
        };
        let mut line = serde_json::to_vec(order).expect("an order is plain JSON");
        line.push(b'\n');
        let told = keeper.stdin.as_mut().map(|stdin| stdin.write_all(&line));
        told.unwrap_or(Ok(())).map_err(TargetError::Spawn)?;
        Ok(keeper)
    }

    /// The next line that it says; empty if it has ended.
    pub(super) fn hear(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if let Some(stdout) = &mut self.stdout {
            stdout.read_line(&mut line)?;
        }
        Ok(line.trim().to_owned())
    }

    pub(super) fn id(&self) -> u32 {
        self.process.id()
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.process.try_wait()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stdin = None;
        let begun = Instant::now();
        while matches!(self.process.try_wait(), Ok(None)) && begun.elapsed() < END_PATIENCE {
            std::thread::sleep(Duration::from_millis(5));
        }
        // Both fail only if it has ended and been reaped already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
