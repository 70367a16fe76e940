//! A scenario as it stands in its TOML file: shapes, defaults, and what can be refused
//! by looking at one setting beside its neighbours. It resolves nothing and sweeps nothing: that is
//! the plan's. A setting that would do nothing is an error, never ignored.

mod name;
mod transports;
mod server;
mod target;
mod secret;
mod headers;
mod link;
mod trouble;
mod gateway;
mod expect;
mod read;
mod sweep;
pub mod units;

pub use expect::{Expect, ThresholdEntry};
pub use gateway::GatewayEntry;
pub(crate) use gateway::{LISTENS, PASSES_ON, directive};
pub use headers::{HeadSizes, Headers};
pub use link::{LinkEntry, LinkPreset};
pub use name::Name;
pub use read::ScenarioError;
pub(crate) use read::nearest;
pub use secret::{filled_in, without_secrets};
pub use server::ServerEntry;
pub use sweep::OneOrMany;
pub(crate) use target::header;
pub use target::{Dialect, TargetEntry};
pub use transports::{CursorUse, Fallback, SocketioPath, Subprotocol, TransportEntry};
pub use trouble::{Blocking, Trouble};

use crate::published::PublishedTable;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::time::Duration;
use units::{Rate, Size, Time};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Names the folder of its runs
    pub name: Name,
    /// What a person reads at the head of the report
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Draws the schedule, the phases and the order of the trials
    #[serde(default = "default_seed")]
    #[schemars(range(max = 9_223_372_036_854_775_807u64))]
    pub seed: u64,
    /// The published measurement that this scenario replays: its table joins the report
    #[serde(skip_serializing_if = "Option::is_none")]
    pub published: Option<PublishedTable>,
    pub load: Load,
    pub publish: Publish,
    /// What is compared: each becomes a trial per repeat and parameter set
    #[schemars(length(min = 1))]
    pub transports: Vec<TransportEntry>,
    /// The line between each client and the server; none without it
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<LinkEntry>,
    /// Settings of the embedded server
    #[serde(default, skip_serializing_if = "is_default")]
    pub server: ServerEntry,
    /// Another server than the embedded one, which loadgen starts for each trial
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetEntry>,
    /// A real nginx before the embedded server; none without it
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<GatewayEntry>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub trouble: Trouble,
    #[serde(default, skip_serializing_if = "is_default")]
    pub expect: Expect,
}

/// Who listens, and for how long
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Load {
    /// Simulated browsers per trial; a list sweeps
    pub clients: OneOrMany<u32>,
    /// Clients are dealt round-robin over the rooms; a list sweeps
    #[serde(default = "default_rooms")]
    pub rooms: OneOrMany<u32>,
    /// Signs each client in before it connects, by its own cookie; otherwise nobody has a name
    #[serde(default, skip_serializing_if = "is_default")]
    pub named: bool,
    /// Time over which the clients connect
    #[serde(default = "one_second")]
    pub ramp: Time,
    /// Time before measuring, on the same connections, thrown away
    #[serde(default = "one_second")]
    pub warm_up: Time,
    /// Length of the measure window
    #[serde(default = "default_duration")]
    pub duration: Time,
    /// Trials of each transport and parameter set, interleaved; 5 or more give an interval
    #[serde(default = "default_repeats")]
    #[schemars(range(min = 1))]
    pub repeats: u32,
    /// Longest wait for the last events after publishing stops
    #[serde(default = "default_graceful_stop")]
    pub graceful_stop: Time,
}

/// What is said
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Publish {
    /// Events per second over all rooms; a list sweeps
    pub rate: OneOrMany<Rate>,
    /// How the events come
    #[serde(default)]
    pub arrivals: ArrivalLaw,
    /// Events in a group; only with arrivals = "burst"
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub burst: Option<u32>,
    /// Bytes of the event's data, its quotes included; a list sweeps
    #[serde(default = "default_payload")]
    pub payload: OneOrMany<Size>,
    /// Who publishes: the clients over their own transport, or one connection of its own
    #[serde(default)]
    pub by: Speaker,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ArrivalLaw {
    #[default]
    Constant,
    Poisson,
    Burst,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Speaker {
    Clients,
    #[default]
    Publisher,
}

/// The JSON Schema of a scenario, for editors.
fn schema() -> Schema {
    let mut schema = schemars::schema_for!(Scenario);
    schema.insert("title".to_owned(), "A scenario of loadgen".into());
    schema
}

/// As it stands in `scenarios/scenario.schema.json`.
pub fn schema_text() -> String {
    let mut text = serde_json::to_string_pretty(&schema()).expect("a schema is JSON");
    text.push('\n');
    text
}

/// A setting that contradicts its neighbours: where it stands, and what to do.
#[derive(Debug, PartialEq)]
pub(crate) struct Misfit {
    /// Keys and indices from the top, such as `["transports", "3", "interval"]`.
    pub(crate) path: Vec<String>,
    pub(crate) problem: String,
}

fn misfit<T>(path: &[&str], problem: impl Into<String>) -> Result<T, Misfit> {
    Err(Misfit {
        path: path.iter().map(|&key| key.to_owned()).collect(),
        problem: problem.into(),
    })
}

impl Scenario {
    fn check(&self) -> Result<(), Misfit> {
        if self.transports.is_empty() {
            return misfit(
                &["transports"],
                "no transport to measure; add [[transports]] with kind = \"websocket\"",
            );
        }
        let mut names = HashSet::new();
        for (at, entry) in self.transports.iter().enumerate() {
            entry.check(at)?;
            if self.server.bare {
                entry.check_bare(at)?;
            }
            let target = self.target_of(entry);
            if target.is_some() {
                entry.check_remote(at)?;
            }
            self.check_target_of(at, entry)?;
            entry.check_fallback(at, self.publish.by)?;
            entry.check_latest(at, &self.server, target.is_some())?;
            if !names.insert(entry.name()) {
                return misfit(
                    &["transports", &at.to_string()],
                    format!(
                        "two transports are called \"{}\"; give one another name = \"…\"",
                        entry.name()
                    ),
                );
            }
        }
        if self.load.named && self.server.bare {
            return misfit(
                &["load", "named"],
                "a bare server sends no names; remove named or bare",
            );
        }
        self.publish.check()?;
        if let Some(link) = &self.link {
            link.check()?;
        }
        let mut targets = self.transports.iter().map(|entry| self.target_of(entry));
        let has_target = targets.any(|target| target.is_some());
        self.server.check(self.has_no_embedded_server())?;
        if let Some(target) = &self.target {
            target.check(&["target"])?;
        }
        self.check_tls()?;
        if let Some(gateway) = &self.gateway {
            gateway.check(has_target)?;
        }
        self.trouble.check(&self.transports, has_target)?;
        self.expect.check(&self.transport_names())
    }

    /// What is measured by a transport, where that is not the embedded server: its own keys before the
    /// run's.
    pub fn target_of(&self, entry: &TransportEntry) -> Option<TargetEntry> {
        match (&entry.target, &self.target) {
            (Some(own), run) => Some(own.over(run.as_ref())),
            (None, run) => run.clone(),
        }
    }

    fn has_no_embedded_server(&self) -> bool {
        (self.transports.iter()).all(|entry| self.target_of(entry).is_some())
    }

    /// Flags may still say where a server is; the plan asks again for the rest.
    fn check_target_of(&self, at: usize, entry: &TransportEntry) -> Result<(), Misfit> {
        let at = at.to_string();
        if let Some(own) = &entry.target {
            own.check(&["transports", &at, "target"])?;
        }
        let Some(target) = self.target_of(entry) else {
            return Ok(());
        };
        entry.check_foreign(&at, target.dialect())?;
        match target.problem(entry, &self.load, &self.publish) {
            Some((key, problem)) if entry.target.is_some() => {
                misfit(&["transports", &at, "target", key], problem)
            }
            Some((key, problem)) => misfit(&["target", key], problem),
            None => Ok(()),
        }
    }

    /// A proxy that reads what passes has nothing to read over TLS.
    fn check_tls(&self) -> Result<(), Misfit> {
        let secure = |entry: &TransportEntry| entry.tls.unwrap_or(self.server.tls);
        match self.transports.iter().find(|entry| secure(entry)) {
            Some(entry) if self.trouble.needs_a_proxy() => misfit(
                &["trouble"],
                format!(
                    "the proxy that makes it reads plain HTTP, and {} speaks TLS; remove tls, or all of it but cut_at",
                    entry.name()
                ),
            ),
            Some(_) if self.gateway.is_some() => misfit(
                &["gateway"],
                "a gateway speaks plain HTTP to the server and to clients; remove tls, or [gateway]",
            ),
            Some(_) | None => Ok(()),
        }
    }

    pub(crate) fn transport_names(&self) -> Vec<String> {
        (self.transports.iter())
            .map(|entry| entry.name().to_string())
            .collect()
    }
}

impl Publish {
    fn check(&self) -> Result<(), Misfit> {
        match (self.arrivals, self.burst) {
            (ArrivalLaw::Burst, None) => misfit(
                &["publish", "arrivals"],
                "a burst needs its size; add burst = 50",
            ),
            (_, Some(0)) => misfit(&["publish", "burst"], "a group has at least 1 event"),
            (ArrivalLaw::Constant | ArrivalLaw::Poisson, Some(_)) => misfit(
                &["publish", "burst"],
                "only a burst has a size; remove it or write arrivals = \"burst\"",
            ),
            (ArrivalLaw::Constant | ArrivalLaw::Poisson, None) | (ArrivalLaw::Burst, Some(_)) => {
                Ok(())
            }
        }
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

fn default_seed() -> u64 {
    1
}

fn default_rooms() -> OneOrMany<u32> {
    OneOrMany::one(1)
}

fn default_payload() -> OneOrMany<Size> {
    OneOrMany::one(Size(128))
}

fn default_repeats() -> u32 {
    1
}

fn one_second() -> Time {
    Time(Duration::from_secs(1))
}

fn default_duration() -> Time {
    Time(Duration::from_secs(5))
}

/// k6's.
fn default_graceful_stop() -> Time {
    Time(Duration::from_secs(30))
}

#[cfg(test)]
mod tests;
