//! A server that a command starts, afresh for each trial. This binary again keeps it, as a child process:
//! whatever the command starts ends when this process lets go of the keeper's stdin, and so it outlives
//! neither a trial nor a run that is killed. The order has secrets, so it goes by stdin, not by arguments.

mod keeper;

pub use keeper::keep_program;

use super::TargetError;
use super::child::Keeper;
use super::processes::Processes;
use crate::scenario::without_secrets;
use serde::{Deserialize, Serialize};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The hidden subcommand that the binary must hand to [`keep_program`].
pub const PROGRAM_SUBCOMMAND: &str = "program-keeper";

const UP: &str = "it listens";
const FAILED: &str = "failed: ";
const ENDED: &str = "ended: ";

/// How long a server may take until its port accepts.
const START_PATIENCE: Duration = Duration::from_secs(10);

/// What the keeper is told, in a line of JSON.
#[derive(Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) command: Vec<String>,
    pub(super) folder: PathBuf,
    /// Where it is to listen.
    pub(super) address: SocketAddr,
    /// What nothing that it says is shown with.
    pub(super) secrets: Vec<String>,
}

/// A server, running, and its keeper.
pub(super) struct Program {
    keeper: Keeper,
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
        let mut program = Program {
            keeper: Keeper::start(program, PROGRAM_SUBCOMMAND, order)?,
            secrets: order.secrets.clone(),
        };
        match program.hear() {
            up if up == UP => Ok(program),
            failed => Err(TargetError::Command(
                failed.strip_prefix(FAILED).unwrap_or(&failed).to_owned(),
            )),
        }
    }

    /// The next line that the keeper says; it says little, but the server's last words may be in it.
    fn hear(&mut self) -> String {
        // One that cannot be heard has ended, which its silence tells.
        let line = self.keeper.hear().unwrap_or_default();
        without_secrets(&line, &self.secrets)
    }

    pub(super) fn processes(&self) -> Processes {
        Processes::below(self.keeper.id())
    }

    /// How the server ended, if it has.
    pub(super) fn ended(&mut self) -> Option<String> {
        match self.keeper.ended() {
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
