//! The flags that take the place of a scenario's own values, for `run` and `validate` alike. Each
//! is also a variable: default < scenario < `LOADGEN_…` < flag.

use crate::plan::{FindMax, LinkChoice, Overrides, Plan};
use crate::scenario::units::Time;
use crate::scenario::{Dialect, LinkPreset, Scenario};
use anyhow::Context;
use clap::Args;
use clap::builder::FalseyValueParser;
use std::path::{Path, PathBuf};
use std::time::Duration;
use strum::VariantNames;

/// A scenario's file, and what is to be done.
pub(super) type Planned = (PathBuf, Plan);

#[derive(Args)]
pub(super) struct Flags {
    /// Scenarios to read, one after another; `loadgen new` writes one
    #[arg(value_name = "FILE", required = true, help_heading = "Core")]
    pub(super) files: Vec<PathBuf>,

    /// Clients per trial, such as 500 or 5k
    #[arg(short, long, env = "LOADGEN_CLIENTS", value_name = "N", value_parser = count, help_heading = "Core")]
    clients: Option<u32>,

    /// Length of the measure window, such as 30s
    #[arg(short, long, env = "LOADGEN_DURATION", value_name = "TIME", value_parser = duration, help_heading = "Core")]
    duration: Option<Duration>,

    /// Time before measuring, thrown away
    #[arg(short, long, env = "LOADGEN_WARMUP", value_name = "TIME", value_parser = duration, help_heading = "Core")]
    warmup: Option<Duration>,

    /// Trials of each transport and parameter set
    #[arg(short, long, env = "LOADGEN_REPEATS", value_name = "N", value_parser = clap::value_parser!(u32), help_heading = "Core")]
    repeats: Option<u32>,

    /// Draws schedule, phases and order
    #[arg(long, env = "LOADGEN_SEED", value_name = "N", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64), help_heading = "Core")]
    seed: Option<u64>,

    /// Names of the transports to run, the others are left out
    #[arg(
        long,
        env = "LOADGEN_ONLY",
        value_name = "NAME,…",
        value_delimiter = ',',
        help_heading = "Core"
    )]
    only: Vec<String>,

    /// A server that runs already, such as http://127.0.0.1:8080
    #[arg(
        long,
        env = "LOADGEN_TARGET",
        hide_env_values = true,
        value_name = "URL",
        help_heading = "Core"
    )]
    target: Option<String>,

    /// Where the target's /lab/usage is, if not on its public port
    #[arg(
        long,
        env = "LOADGEN_ADMIN",
        hide_env_values = true,
        value_name = "URL",
        help_heading = "Core"
    )]
    admin: Option<String>,

    /// Certificates in PEM that an https target is trusted by; those of this system unless given
    #[arg(
        long,
        env = "LOADGEN_CACERT",
        value_name = "FILE",
        help_heading = "Core"
    )]
    cacert: Option<PathBuf>,

    /// Believes whoever answers at an https target, as curl does by that flag; the report says so
    #[arg(
        long,
        env = "LOADGEN_INSECURE",
        value_parser = FalseyValueParser::new(),
        conflicts_with = "cacert",
        help_heading = "Core"
    )]
    insecure: bool,

    /// What it speaks: pushlab, socketio, websocket, sse or nchan
    #[arg(long, env = "LOADGEN_DIALECT", value_name = "DIALECT", value_parser = dialect, help_heading = "Core")]
    dialect: Option<Dialect>,

    /// Command that starts the server for each trial, such as "node server.js"; its port is in PORT, and
    /// {port} in the arguments
    #[arg(long, env = "LOADGEN_COMMAND", hide_env_values = true, value_name = "COMMAND", value_parser = command, conflicts_with = "pid", help_heading = "Core")]
    command: Option<Arguments>,

    /// Process whose CPU and memory, with its children's, are the server's
    #[arg(long, env = "LOADGEN_PID", value_name = "PID", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Core")]
    pid: Option<u32>,

    /// A line for the head of each request, such as "Authorization: Bearer …"; may be given several
    /// times, and is not stored
    #[arg(
        short = 'H',
        long,
        env = "LOADGEN_HEADER",
        hide_env_values = true,
        value_name = "LINE",
        value_delimiter = '\n',
        help_heading = "Core"
    )]
    header: Vec<String>,

    /// Cookies for each request, such as session=…; not stored
    #[arg(
        long,
        env = "LOADGEN_COOKIE",
        hide_env_values = true,
        value_name = "PAIRS",
        help_heading = "Core"
    )]
    cookie: Option<String>,

    /// Line between clients and server in place of [link]: lan, wifi, 4g, 3g, satellite or none
    #[arg(long, env = "LOADGEN_LINK", value_name = "PRESET", value_parser = link, help_heading = "Core")]
    link: Option<LinkChoice>,

    /// Its time there and back, such as 100ms
    #[arg(long, env = "LOADGEN_RTT", value_name = "TIME", value_parser = duration, help_heading = "Core")]
    rtt: Option<Duration>,
}

impl Flags {
    /// Reads every scenario and resolves it, in the order given: what is wrong with the last is known
    /// before the first begins.
    pub(super) fn plans(&self, find_max: Option<&FindMax>) -> anyhow::Result<Vec<Planned>> {
        let plan = |file: &PathBuf| {
            let scenario = Scenario::read(file)?;
            let plan = Plan::resolve(&scenario, &self.overrides(find_max.cloned()))
                .with_context(|| named(file))?;
            Ok((file.clone(), plan))
        };
        self.files.iter().map(plan).collect()
    }

    fn headers(&self) -> Vec<String> {
        let cookie = self.cookie.iter().map(|pairs| format!("Cookie: {pairs}"));
        self.header.iter().cloned().chain(cookie).collect()
    }

    fn overrides(&self, find_max: Option<FindMax>) -> Overrides {
        Overrides {
            clients: self.clients,
            duration: self.duration,
            warm_up: self.warmup,
            repeats: self.repeats,
            seed: self.seed,
            only: self.only.clone(),
            target: self.target.clone(),
            admin: self.admin.clone(),
            cacert: self.cacert.clone(),
            insecure: self.insecure,
            dialect: self.dialect,
            command: self.command.clone().map(|Arguments(all)| all),
            pid: self.pid,
            headers: self.headers(),
            link: self.link,
            rtt: self.rtt,
            find_max,
        }
    }
}

/// A command line in its parts.
#[derive(Clone)]
struct Arguments(Vec<String>);

/// How errors name a file.
pub(super) fn named(file: &Path) -> String {
    file.display().to_string()
}

/// `5k` and `1m` are for the command line alone: in a file `m` would read as minutes.
fn count(text: &str) -> Result<u32, String> {
    let (digits, factor) = match text.strip_suffix(['k', 'm']) {
        Some(digits) if text.ends_with('k') => (digits, 1_000),
        Some(digits) => (digits, 1_000_000),
        None => (text, 1),
    };
    (digits.parse::<u32>().ok())
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| "give a whole number such as 500, 5k or 1m".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    text.parse().map(|Time(duration)| duration)
}

fn dialect(text: &str) -> Result<Dialect, String> {
    let known = Dialect::VARIANTS.join(", ");
    text.parse().map_err(|_| format!("give one of {known}"))
}

/// As a shell would split it; nothing is expanded.
fn command(text: &str) -> Result<Arguments, String> {
    match shlex::split(text) {
        Some(all) if !all.is_empty() => Ok(Arguments(all)),
        Some(_) | None => Err("give a program and its arguments, quotes closed".to_owned()),
    }
}

fn link(text: &str) -> Result<LinkChoice, String> {
    if text == "none" {
        return Ok(LinkChoice::None);
    }
    let known = LinkPreset::VARIANTS.join(", ");
    (text.parse().map(LinkChoice::Preset)).map_err(|_| format!("give one of {known}, or none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_preset_or_none() {
        assert_eq!(link("none"), Ok(LinkChoice::None));
        assert_eq!(link("4g"), Ok(LinkChoice::Preset(LinkPreset::FourG)));
        assert_eq!(
            link("5g"),
            Err("give one of lan, wifi, 4g, 3g, satellite, or none".to_owned())
        );
    }

    #[test]
    fn counts_take_suffixes() {
        for (text, number) in [("500", 500), ("5k", 5_000), ("1m", 1_000_000), ("0", 0)] {
            assert_eq!(count(text), Ok(number));
        }
        for text in ["", "k", "-1", "1.5k", "5kk", "9999m", "5s"] {
            assert!(count(text).is_err(), "{text}");
        }
    }
}
