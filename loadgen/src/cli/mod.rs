//! The command line: one file per command, and what they share: how a failure is told and which
//! exit code it gets. Results go to stdout, everything else to stderr.

mod run;
mod several;
mod validate;
mod new;
mod report;
mod compare;
mod baseline;
mod schema;
mod lab;
mod overrides;

use crate::environment;
use crate::plan::PlanError;
use crate::run::RunError;
use crate::run::folder::FolderError;
use crate::run::stored::StoredError;
use crate::scenario::ScenarioError;
use crate::target::{self, TargetError};
use clap::{Parser, Subcommand};
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

/// Measures what pushing an event costs over each transport
#[derive(Parser)]
#[command(
    name = "loadgen",
    version,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 ok, 1 internal error, 95 regression, 96 invalid run or one that this machine cannot start (its limits, no nginx), 99 expectations not met, 104 usage or scenario error, 105 stopped by a signal (what was measured is kept)."
)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,

    /// Writes no colors; so does NO_COLOR in the environment
    #[arg(long, global = true, help_heading = "Output")]
    no_color: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Runs scenarios and writes a report of each
    Run(run::Arguments),
    /// Prints what scenarios would do and need, and starts nothing
    Validate(validate::Arguments),
    /// Writes a scenario to begin with
    New(new::Arguments),
    /// Draws the report of a run again from its results.json
    Report(report::Arguments),
    /// Compares two runs, figure by figure
    Compare(compare::Arguments),
    /// Prints the JSON Schema of a scenario, or of results
    Schema(schema::Arguments),
    /// Serves the teaching page, with this program as its generator
    Lab(pushlab_server::config::Config),
    /// Runs the server under test; `run` starts it for each trial
    #[command(hide = true)]
    EmbeddedServer(pushlab_server::config::Config),
    /// Keeps the nginx before it
    #[command(hide = true)]
    GatewayKeeper,
    /// Keeps a server that [target] starts
    #[command(hide = true)]
    ProgramKeeper,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    Ok = 0,
    Internal = 1,
    Regression = 95,
    InvalidRun = 96,
    Unexpected = 99,
    Usage = 104,
    Aborted = 105,
}

impl Exit {
    /// Of two ends, the one that says what is wrong with both: nothing can be said of a run that
    /// could not be read, was stopped, broke off or is invalid, and the most is told by one that ran.
    fn worse(self, other: Exit) -> Exit {
        let rank = |exit: Exit| match exit {
            Exit::Usage => 6,
            Exit::Aborted => 5,
            Exit::Internal => 4,
            Exit::InvalidRun => 3,
            Exit::Unexpected => 2,
            Exit::Regression => 1,
            Exit::Ok => 0,
        };
        if rank(other) > rank(self) {
            other
        } else {
            self
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Reads the command line, does what it says and tells what failed.
pub fn main() -> ExitCode {
    let command_line = match CommandLine::try_parse() {
        Ok(command_line) => command_line,
        Err(error) => return refuse(&error).into(),
    };
    log_to_stderr();
    environment::raise_descriptor_limit();
    let color = colors(command_line.no_color);
    let done = match command_line.command {
        Command::Run(arguments) => run::run(arguments, color),
        Command::Validate(arguments) => validate::validate(&arguments, color),
        Command::New(arguments) => new::new(&arguments),
        Command::Report(arguments) => report::report(&arguments),
        Command::Compare(arguments) => compare::compare(&arguments),
        Command::Schema(arguments) => schema::schema(&arguments),
        Command::Lab(config) => lab::lab(config),
        Command::EmbeddedServer(config) => target::serve_embedded(config)
            .map(|()| Exit::Ok)
            .map_err(anyhow::Error::from),
        Command::GatewayKeeper => target::keep_gateway()
            .map(|()| Exit::Ok)
            .map_err(anyhow::Error::from),
        Command::ProgramKeeper => target::keep_program()
            .map(|()| Exit::Ok)
            .map_err(anyhow::Error::from),
    };
    told(done, color).into()
}

/// A failure is told, and is an exit code from then on.
fn told(done: anyhow::Result<Exit>, color: bool) -> Exit {
    done.unwrap_or_else(|error| {
        tell(&error, color);
        exit_of(&error)
    })
}

/// clap's own code for a wrong command line is 2; help and version are no error.
fn refuse(error: &clap::Error) -> Exit {
    // Nothing is left to tell if stderr is closed.
    let _ = error.print();
    if error.use_stderr() {
        Exit::Usage
    } else {
        Exit::Ok
    }
}

fn colors(off: bool) -> bool {
    let forbidden = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !off && !forbidden && io::stderr().is_terminal()
}

fn tell(error: &anyhow::Error, color: bool) {
    let label = if color {
        "\x1b[1;31merror:\x1b[0m"
    } else {
        "error:"
    };
    eprintln!("{label} {error:#}");
}

fn exit_of(error: &anyhow::Error) -> Exit {
    if error.is::<ScenarioError>() {
        return Exit::Usage;
    }
    if let Some(error) = error.downcast_ref::<PlanError>() {
        return match error {
            PlanError::Impossible(_) => Exit::InvalidRun,
            PlanError::Refused { .. } | PlanError::NoSuchTransport { .. } => Exit::Usage,
        };
    }
    if error.is::<compare::NotComparable>() {
        return Exit::Usage;
    }
    if let Some(error) = error.downcast_ref::<StoredError>() {
        return match error {
            StoredError::NotThere { .. }
            | StoredError::Unreadable { .. }
            | StoredError::NotResults { .. }
            | StoredError::Newer { .. } => Exit::Usage,
            StoredError::NotKept { .. } => Exit::Internal,
        };
    }
    match error.downcast_ref::<RunError>() {
        Some(RunError::Folder(FolderError::Occupied { .. })) => Exit::Usage,
        Some(RunError::Stopped) => Exit::Aborted,
        Some(RunError::Target(TargetError::NoNginx)) => Exit::InvalidRun,
        Some(
            RunError::Target(_)
            | RunError::NoTrial(_)
            | RunError::NotWritten { .. }
            | RunError::Folder(_),
        )
        | None => Exit::Internal,
    }
}

/// What a library has to say, by `RUST_LOG`; warnings unless told otherwise.
fn log_to_stderr() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(false)
        .init();
}

/// To stdout; a reader that has gone away (`| head`) is no error.
fn print(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn of_several_runs_the_worst_decides() {
        let by_rank = [
            Exit::Ok,
            Exit::Regression,
            Exit::Unexpected,
            Exit::InvalidRun,
            Exit::Internal,
            Exit::Aborted,
            Exit::Usage,
        ];
        for (at, exit) in by_rank.into_iter().enumerate() {
            for other in &by_rank[..=at] {
                assert_eq!((exit.worse(*other), other.worse(exit)), (exit, exit));
            }
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }
}
