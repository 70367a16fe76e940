//! A server as a `[target]` table describes it: which requests it takes, and where it comes from.

use super::manner::{Manner, Resolved};
use super::processes::Processes;
use super::program::{self, Order, Program};
use super::{Lab, Server, TargetError, control, endpoint, health, parse, reach};
use crate::net::tls::Trust;
use crate::scenario::TargetEntry;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// With credentials, if it has any.
#[derive(Clone, PartialEq)]
pub struct Described {
    /// `{port}` stands in it where a command's server has whatever port is free.
    pub url: String,
    pub admin: Option<String>,
    pub trust: Trust,
    pub source: Source,
    /// The whole table, the run's keys in it.
    pub entry: TargetEntry,
}

/// Where a server comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Runs,
    /// It runs, and is this process of this machine.
    Process(u32),
    /// A fresh one for each trial.
    Command {
        command: Vec<String>,
        folder: PathBuf,
    },
}

/// Secrets stay where they are.
impl std::fmt::Debug for Described {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Described({})", self.entry.described())
    }
}

impl Eq for Described {}

impl Described {
    /// What can be known before the first trial: that it is there, or could be started.
    pub(super) async fn check(&self) -> Result<Option<String>, TargetError> {
        let Resolved {
            subscribe, manner, ..
        } = Manner::of(&self.entry, &self.url, "80")?;
        if let Source::Command { .. } = self.source {
            return Ok(None);
        }
        if let Source::Process(pid) = self.source
            && Processes::of(pid).pids().is_empty()
        {
            return Err(TargetError::NoProcess { pid });
        }
        reach(&subscribe, &self.trust).await?;
        if self.entry.dialect().is_foreign() {
            return Ok(None);
        }
        let (asked, with) = match &self.admin {
            Some(admin) => (admin, &[][..]),
            None => (&self.url, &manner.headers[..]),
        };
        let control = control(asked, &self.trust, with)?;
        let version = health(&control, &parse(asked)?).await?;
        Ok(Some(version))
    }

    pub(super) async fn open(&self, keeper: Option<&Path>) -> Result<Server, TargetError> {
        let (port, program) = self.start(keeper).await?;
        let url = self.url.replace("{port}", &port);
        let resolved = Manner::of(&self.entry, &url, &port)?;
        let lab = match self.entry.dialect().is_foreign() {
            true => None,
            false => {
                let admin = self.admin.as_ref().map(|url| url.replace("{port}", &port));
                let headers = &resolved.manner.headers;
                Some(Lab::at(&url, admin.as_deref(), &self.trust, headers)?)
            }
        };
        Ok(Server {
            endpoint: endpoint(&resolved.subscribe, &self.trust).await?,
            direct: endpoint(&resolved.publish, &self.trust).await?,
            gateway: None,
            child: None,
            processes: match (&program, &self.source) {
                (Some(program), _) => Some(program.processes()),
                (None, Source::Process(pid)) => Some(Processes::of(*pid)),
                (None, Source::Runs | Source::Command { .. }) => None,
            },
            program,
            manner: resolved.manner,
            lab,
            keeps_books: OnceLock::new(),
        })
    }

    /// The port, and what was started on it.
    async fn start(&self, keeper: Option<&Path>) -> Result<(String, Option<Program>), TargetError> {
        let Source::Command { command, folder } = &self.source else {
            return Ok((String::new(), None));
        };
        let free = program::free_port()
            .map_err(TargetError::Spawn)?
            .to_string();
        let address = endpoint(&self.url.replace("{port}", &free), &self.trust)
            .await?
            .address;
        let port = address.port().to_string();
        let order = Order {
            command: (command.iter())
                .map(|argument| argument.replace("{port}", &port))
                .collect(),
            folder: folder.clone(),
            address,
            secrets: self.entry.secrets(|name| std::env::var(name).ok()),
        };
        Ok((port, Some(Program::start(order, keeper).await?)))
    }
}
