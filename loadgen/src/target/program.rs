//! A server that a command starts, afresh for each trial. This binary again keeps it, as a child process:
//! whatever the command starts ends when this process lets go of the keeper's stdin, and so it outlives
//! neither a trial nor a run that is killed. The order has secrets, so it goes by stdin, not by arguments.

mod keeper;

pub use keeper::keep_program;

use super::TargetError;
use super::processes::Processes;
use crate::scenario::without_secrets;
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// The hidden subcommand that the binary must hand to [`keep_program`].
pub const PROGRAM_SUBCOMMAND: &str = "program-keeper";

const UP: &str = "it listens";
const FAILED: &str = "failed: ";
const ENDED: &str = "ended: ";

/// How long a server may take until its port accepts.
const START_PATIENCE: Duration = Duration::from_secs(10);
/// Longer than the keeper's own patience with what it keeps.
const END_PATIENCE: Duration = Duration::from_secs(5);

/// What the keeper is told, in a line of JSON.
#[derive(Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) command: Vec<String>,
    pub(super) folder: PathBuf,
    /// Where it is to listen.
    pub(super) address: SocketAddr,
    /// What nothing that it says is shown with.
    #[serde(skip)]
    pub(super) secrets: Vec<String>,
}

/// A server, running, and its keeper.
pub(super) struct Program {
    keeper: Child,
    /// Held open for as long as the server shall live.
    stdin: Option<ChildStdin>,
    stdout: Option<BufReader<ChildStdout>>,
    secrets: Vec<String>,
}

/// A port of this machine that nobody has.
pub(super) fn free_port() -> io::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?
        .local_addr()?
        .port())
}

impl Program {
    /// `program` keeps it in place of this binary. Returns when the server's port accepts.
    pub(super) async fn start(
        order: Order,
        program: Option<&Path>,
    ) -> Result<Program, TargetError> {
        let program = program.map(Path::to_owned);
        let started =
            tokio::task::spawn_blocking(move || Program::spawn(&order, program.as_deref()));
        match tokio::time::timeout(START_PATIENCE * 2, started).await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => Err(TargetError::Command(error.to_string())),
            Err(_) => Err(TargetError::Command("its keeper says nothing".to_owned())),
        }
    }

    fn spawn(order: &Order, program: Option<&Path>) -> Result<Program, TargetError> {
        let mut command = match program {
            Some(program) => Command::new(program),
            None => Command::new(std::env::current_exe().map_err(TargetError::Spawn)?),
        };
        command
            .arg(PROGRAM_SUBCOMMAND)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        #[cfg(unix)]
        {
            use std::os::unix::process::CommandExt;
            // Ctrl-C in a terminal goes to the whole group; the trial must end before its server does.
            command.process_group(0);
        }
        let mut keeper = command.spawn().map_err(TargetError::Spawn)?;
        let mut program = Program {
            stdin: keeper.stdin.take(),
            stdout: keeper.stdout.take().map(BufReader::new),
            secrets: order.secrets.clone(),
            keeper,
        };
        program.say(order)?;
        match program.hear() {
            up if up == UP => Ok(program),
            failed => Err(TargetError::Command(
                failed.strip_prefix(FAILED).unwrap_or(&failed).to_owned(),
            )),
        }
    }

    fn say(&mut self, order: &Order) -> Result<(), TargetError> {
        let mut line = serde_json::to_vec(order).expect("an order is plain JSON");
        line.push(b'\n');
        let told = self.stdin.as_mut().map(|stdin| stdin.write_all(&line));
        told.unwrap_or(Ok(())).map_err(TargetError::Spawn)
    }

    /// The next line that the keeper says; it says little, but the server's last words may be in it.
    fn hear(&mut self) -> String {
        let mut line = String::new();
        if let Some(stdout) = &mut self.stdout {
            // One that cannot be heard has ended, which its silence tells.
            let _ = stdout.read_line(&mut line);
        }
        without_secrets(line.trim(), &self.secrets)
    }

    pub(super) fn processes(&self) -> Processes {
        Processes::below(self.keeper.id())
    }

    /// How the server ended, if it has.
    pub(super) fn ended(&mut self) -> Option<String> {
        match self.keeper.try_wait() {
            Ok(Some(status)) => {
                let said = self.hear();
                let how = said.strip_prefix(ENDED).map(str::to_owned);
                Some(how.unwrap_or_else(|| format!("its keeper ended, {status}")))
            }
            Ok(None) => None,
            Err(error) => Some(error.to_string()),
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.stdin = None;
        let begun = Instant::now();
        while matches!(self.keeper.try_wait(), Ok(None)) && begun.elapsed() < END_PATIENCE {
            std::thread::sleep(Duration::from_millis(5));
        }
        // Both fail only if it has ended and been reaped already.
        let _ = self.keeper.kill();
        let _ = self.keeper.wait();
    }
}
