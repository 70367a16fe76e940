//! A scenario as it stands in its TOML file (DESIGN §7): shapes, defaults, and what can be refused
//! by looking at one setting beside its neighbours. It resolves nothing and sweeps nothing: that is
//! the plan's. A setting that would do nothing is an error, never ignored.

mod read;
mod sweep;
pub mod units;

pub use read::ScenarioError;
pub use sweep::OneOrMany;

use pushlab_server::wire::transport::Transport;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::fmt;
use std::time::Duration;
use strum::IntoEnumIterator;
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
    pub load: Load,
    pub publish: Publish,
    /// What is compared: each becomes a trial per repeat and parameter set
    #[schemars(length(min = 1))]
    pub transports: Vec<TransportEntry>,
    /// Settings of the embedded server
    #[serde(default, skip_serializing_if = "is_default")]
    pub server: ServerEntry,
    /// A server that runs already; without it loadgen starts one for each trial
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetEntry>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub trouble: Trouble,
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

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransportEntry {
    #[schemars(schema_with = "kinds")]
    pub kind: Transport,
    /// Unique in the scenario; its kind unless given
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// Period of interval polling; a list sweeps
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval: Option<OneOrMany<Time>>,
    /// How long long polling asks to be held; a list sweeps
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<OneOrMany<Time>>,
    /// Whether a client that was cut comes back with its cursor
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume: Option<bool>,
    /// Whether polls send If-None-Match
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditional: Option<bool>,
    /// Encoding on a WebSocket
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subprotocol: Option<Subprotocol>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Subprotocol {
    Json,
    Msgpack,
}

/// Settings of the embedded server; what is left out keeps the server's default
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServerEntry {
    /// Worker threads; half of the cores unless given, for the generator needs the others
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 1024))]
    pub workers: Option<u16>,
    /// Events that a room keeps
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub history: Option<u32>,
    /// Bytes of events that a room keeps
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history_bytes: Option<Size>,
    /// Sends the data of events alone; a server that runs already must run with --bare too
    #[serde(default, skip_serializing_if = "is_default")]
    pub bare: bool,
    /// Share by which a hold is shortened at random
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub hold_jitter: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetEntry {
    /// Such as http://127.0.0.1:8080
    pub url: String,
    /// Where its /lab/usage is, if not on the public port
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<String>,
}

/// What goes wrong on purpose
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trouble {
    /// Instants after the opening of the measure window at which all connections are cut at once
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut_at: Option<OneOrMany<Time>>,
}

/// `[A-Za-z0-9_-]{1,64}`: it becomes a folder, a file, a key.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Name(String);

impl Name {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Transport> for Name {
    fn from(kind: Transport) -> Self {
        Name(kind.name().to_owned())
    }
}

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if (1..=64).contains(&text.len()) && text.chars().all(fits) {
            return Ok(Name(text));
        }
        Err(format!(
            "{text:?} cannot be a name: use 1 to 64 letters, digits, - and _ (a title is free)"
        ))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for Name {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Name".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$" })
    }
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

fn kinds(_: &mut SchemaGenerator) -> Schema {
    let kinds: Vec<_> = Transport::iter().map(Transport::name).collect();
    json_schema!({ "type": "string", "enum": kinds })
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
        self.publish.check()?;
        self.server.check(self.target.is_some())
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

impl TransportEntry {
    pub fn name(&self) -> Name {
        self.name.clone().unwrap_or_else(|| self.kind.into())
    }

    fn check(&self, at: usize) -> Result<(), Misfit> {
        let settings = [
            (
                "interval",
                self.interval.is_some(),
                self.polls_by_interval(),
            ),
            ("hold", self.hold.is_some(), self.is_held()),
            (
                "conditional",
                self.conditional.is_some(),
                !self.kind.is_push(),
            ),
            (
                "subprotocol",
                self.subprotocol.is_some(),
                self.kind == Transport::Websocket,
            ),
        ];
        for (key, given, fits) in settings {
            if given && !fits {
                return misfit(
                    &["transports", &at.to_string(), key],
                    format!("\"{key}\" does nothing on {}; remove it", self.kind),
                );
            }
        }
        let times = [("interval", &self.interval), ("hold", &self.hold)];
        for (key, times) in times {
            let mut times = times.iter().flat_map(OneOrMany::values);
            if times.any(|time| time.0 < Duration::from_millis(1)) {
                return misfit(
                    &["transports", &at.to_string(), key],
                    format!("\"{key}\" is at least 1ms; write {key} = \"1s\""),
                );
            }
        }
        Ok(())
    }

    pub(crate) fn polls_by_interval(&self) -> bool {
        self.kind == Transport::IntervalPolling
    }

    pub(crate) fn is_held(&self) -> bool {
        self.kind == Transport::LongPolling
    }
}

impl ServerEntry {
    fn check(&self, has_target: bool) -> Result<(), Misfit> {
        let settings = [
            ("workers", self.workers.is_some()),
            ("history", self.history.is_some()),
            ("history_bytes", self.history_bytes.is_some()),
            ("hold_jitter", self.hold_jitter.is_some()),
        ];
        if let Some((key, _)) = settings.into_iter().find(|(_, given)| *given && has_target) {
            return misfit(
                &["server", key],
                format!("\"{key}\" is for the embedded server; remove it, or remove [target]"),
            );
        }
        if self
            .workers
            .is_some_and(|workers| !(1..=1024).contains(&workers))
        {
            return misfit(&["server", "workers"], "give 1 to 1024 workers");
        }
        if self.history == Some(0) {
            return misfit(&["server", "history"], "a room keeps at least 1 event");
        }
        if self
            .hold_jitter
            .is_some_and(|share| !(0.0..=1.0).contains(&share))
        {
            return misfit(
                &["server", "hold_jitter"],
                "give a share from 0 to 1, such as 0.1",
            );
        }
        Ok(())
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
