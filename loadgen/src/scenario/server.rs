//! The embedded server's settings.

use super::units::{Size, Time};
use super::{Misfit, is_default, misfit};
use pushlab_server::wire::hold_on::HoldOn;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use strum::VariantNames;

/// The server takes no longer times.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

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
    /// Silence after which streams send a heartbeat, and the time between WebSocket pings
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<Time>,
    /// What waits while a long poll is held: a task, or an OS thread for each poll; a long-polling
    /// transport may have one of its own
    #[serde(default, skip_serializing_if = "is_default")]
    #[schemars(schema_with = "hold_on")]
    pub hold_on: HoldOn,
    /// Whether it speaks https and wss, with a certificate that it makes for itself and that clients
    /// trust alone; a transport may have its own word on it
    #[serde(default, skip_serializing_if = "is_default")]
    pub tls: bool,
}

pub(super) fn heartbeat_problem(Time(time): Time) -> Option<&'static str> {
    let taken = (Duration::from_millis(10)..=LONGEST).contains(&time);
    (!taken).then_some("give 10ms to 24h, such as heartbeat = \"15s\"")
}

pub(super) fn hold_on(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": HoldOn::VARIANTS })
}

impl ServerEntry {
    pub(super) fn check(&self, has_target: bool) -> Result<(), Misfit> {
        let settings = [
            ("workers", self.workers.is_some()),
            ("history", self.history.is_some()),
            ("history_bytes", self.history_bytes.is_some()),
            ("hold_jitter", self.hold_jitter.is_some()),
            ("heartbeat", self.heartbeat.is_some()),
            ("hold_on", self.hold_on != HoldOn::default()),
            ("tls", self.tls),
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
        match self.heartbeat.and_then(heartbeat_problem) {
            Some(problem) => misfit(&["server", "heartbeat"], problem),
            None => Ok(()),
        }
    }
}
