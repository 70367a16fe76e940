//! A `[[transports]]` entry: its settings, and which of them do something on which kind.

use super::name::Name;
use super::sweep::OneOrMany;
use super::units::Time;
use super::{Misfit, misfit};
use pushlab_server::wire::transport::Transport;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use strum::IntoEnumIterator;

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

impl TransportEntry {
    pub fn name(&self) -> Name {
        self.name.clone().unwrap_or_else(|| self.kind.into())
    }

    pub(super) fn check(&self, at: usize) -> Result<(), Misfit> {
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

fn kinds(_: &mut SchemaGenerator) -> Schema {
    let kinds: Vec<_> = Transport::iter().map(Transport::name).collect();
    json_schema!({ "type": "string", "enum": kinds })
}
