//! A `[[transports]]` entry: its settings, and which of them do something on which kind.

use super::headers::Headers;
use super::name::Name;
use super::server::{self, ServerEntry};
use super::sweep::OneOrMany;
use super::target::{Dialect, TargetEntry};
use super::units::Time;
use super::{Misfit, Speaker, misfit};
use pushlab_server::wire::hold_on::HoldOn;
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
    /// What the embedded server holds a long poll on: a task, or an OS thread for each poll; that of
    /// [server] unless given
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "server::hold_on")]
    pub hold_on: Option<HoldOn>,
    /// Silence after which the embedded server says that it lives, and the time between WebSocket
    /// pings; that of [server] unless given
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat: Option<Time>,
    /// Whether a client that was cut comes back with its cursor
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resume: Option<bool>,
    /// Whether an EventSource stays away for as long as the stream's `retry:` says, as a browser does;
    /// otherwise it comes back as soon as all others do
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<bool>,
    /// A client that waits and hears nothing for so long, no heartbeat either, gives its connection up
    /// and comes back; without it a client waits for ever, as a browser's own does
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_silence: Option<Time>,
    /// Whether polls send If-None-Match
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditional: Option<bool>,
    /// Whether polls share one connection, or each opens one of its own
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_alive: Option<bool>,
    /// Encoding on a WebSocket
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subprotocol: Option<Subprotocol>,
    /// How Socket.IO goes: by polling and then on by WebSocket, as its own client does, or by one of both
    /// alone
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<SocketioPath>,
    /// What a client goes on by, for good, where its WebSocket is refused or not answered in time
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Fallback>,
    /// How long a client with a fallback waits for its WebSocket; 10 s unless given
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upgrade_patience: Option<Time>,
    /// Heads that both sides send; publishing keeps its own
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<Headers>,
    /// Whether polls go on from where they were, or ask for the current value each time
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<CursorUse>,
    /// Whether the embedded server speaks https and wss to it; that of [server] unless given
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<bool>,
    /// A server of its own, or keys that take the place of those of [target]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetEntry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Subprotocol {
    Json,
    Msgpack,
}

/// The way of a Socket.IO client
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema,
    strum::EnumIter,
    strum::IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum SocketioPath {
    /// Polling first; a WebSocket is tried beside it and taken once it works
    #[default]
    Upgrade,
    Websocket,
    Polling,
}

impl SocketioPath {
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What is left where no WebSocket passes
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fallback {
    LongPolling,
}

/// What a poll asks for
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CursorUse {
    /// What came since the last one
    Kept,
    /// The current value, whether it is known or not
    None,
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
            ("hold_on", self.hold_on.is_some(), self.is_held()),
            ("heartbeat", self.heartbeat.is_some(), self.kind.is_push()),
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
            (
                "path",
                self.path.is_some(),
                self.kind == Transport::Socketio,
            ),
            ("cursor", self.cursor.is_some(), !self.kind.is_push()),
            ("retry", self.retry.is_some(), self.kind == Transport::Sse),
            (
                "fallback",
                self.fallback.is_some(),
                self.kind == Transport::Websocket,
            ),
            (
                "upgrade_patience",
                self.upgrade_patience.is_some(),
                self.fallback.is_some(),
            ),
            (
                "keep_alive",
                self.keep_alive.is_some(),
                !self.kind.is_push(),
            ),
        ];
        for (key, given, fits) in settings {
            if given && !fits {
                let there = match key {
                    "upgrade_patience" => "without a fallback".to_owned(),
                    _ => format!("on {}", self.kind),
                };
                return misfit(
                    &["transports", &at.to_string(), key],
                    format!("\"{key}\" does nothing {there}; remove it"),
                );
            }
        }
        if let (Transport::Websocket | Transport::Socketio, Some(Headers::Sizes(_))) =
            (self.kind, self.headers)
        {
            return misfit(
                &["transports", &at.to_string(), "headers"],
                "a handshake has headers of its own and no size to give; write headers = \"kaazing\" or \"chrome60\", which ride on it, or remove it",
            );
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
        if let Some(problem) = self.heartbeat.and_then(server::heartbeat_problem) {
            return misfit(&["transports", &at.to_string(), "heartbeat"], problem);
        }
        self.check_silence(at)
    }

    /// A poll says nothing until it is answered, so patience must be longer than that.
    fn check_silence(&self, at: usize) -> Result<(), Misfit> {
        let Some(max_silence) = self.max_silence else {
            return Ok(());
        };
        let second = OneOrMany::one(Time(Duration::from_secs(1)));
        let hold = OneOrMany::one(Time(Duration::from_secs(25)));
        let quiet = match self.kind {
            Transport::IntervalPolling => self.interval.as_ref().unwrap_or(&second).values(),
            Transport::LongPolling => self.hold.as_ref().unwrap_or(&hold).values(),
            Transport::HttpStreaming
            | Transport::Sse
            | Transport::Websocket
            | Transport::Socketio => &[],
        };
        let longest = quiet.iter().map(|time| time.0).max().unwrap_or_default();
        if max_silence.0 > longest.max(Duration::from_millis(9)) {
            return Ok(());
        }
        misfit(
            &["transports", &at.to_string(), "max_silence"],
            format!(
                "{} is quiet for {} by itself; write a longer max_silence",
                self.name(),
                Time(longest.max(Duration::from_millis(10)))
            ),
        )
    }

    /// What runs already has been told by its own flags.
    pub(super) fn check_remote(&self, at: usize) -> Result<(), Misfit> {
        let told = [
            ("hold_on", self.hold_on.is_some(), "--hold-on"),
            (
                "heartbeat",
                self.heartbeat.is_some(),
                "--stream-heartbeat and --ping-interval",
            ),
        ];
        match told.into_iter().find(|(_, given, _)| *given) {
            Some((key, _, flags)) => misfit(
                &["transports", &at.to_string(), key],
                format!(
                    "\"{key}\" is for the embedded server; start the other with {flags} and remove it here"
                ),
            ),
            None if self.tls.is_some() => misfit(
                &["transports", &at.to_string(), "tls"],
                "\"tls\" is for the embedded server; the URL of the other says http or https",
            ),
            None => Ok(()),
        }
    }

    /// What only a server of ours understands.
    pub(super) fn check_foreign(&self, at: &str, dialect: Dialect) -> Result<(), Misfit> {
        if !dialect.is_foreign() {
            return Ok(());
        }
        let ours = [
            ("hold", self.hold.is_some()),
            ("conditional", self.conditional.is_some()),
            ("cursor", self.cursor.is_some()),
            ("subprotocol", self.subprotocol.is_some()),
            ("fallback", self.fallback.is_some()),
            (
                "headers",
                self.headers.is_some_and(|headers| headers != Headers::Lean),
            ),
            (
                "resume",
                self.resume == Some(true) && !dialect.resumes(self.kind),
            ),
        ];
        match ours.into_iter().find(|(_, given)| *given) {
            Some((key, _)) => misfit(
                &["transports", at, key],
                format!(
                    "\"{key}\" is not in dialect = \"{dialect}\" over {}; remove it",
                    self.kind
                ),
            ),
            None => Ok(()),
        }
    }

    /// Without a cursor there is nothing to go on from, and only a history of one event is its
    /// current value.
    /// A bare server tells no cursor: a client counts what it has seen.
    pub(super) fn check_bare(&self, at: usize) -> Result<(), Misfit> {
        let polls = !self.kind.is_push();
        let settings = [
            ("conditional", self.conditional == Some(true)),
            ("resume", self.resume == Some(false) && polls),
            ("fallback", self.fallback.is_some()),
        ];
        for (key, given) in settings {
            if given {
                return misfit(
                    &["transports", &at.to_string(), key],
                    format!(
                        "\"{key}\" needs cursors, which a bare server does not tell; remove it or bare"
                    ),
                );
            }
        }
        Ok(())
    }

    /// A client that speaks on its WebSocket has nothing to speak on after it fell back.
    pub(super) fn check_fallback(&self, at: usize, by: Speaker) -> Result<(), Misfit> {
        if self.fallback.is_some() && by == Speaker::Clients {
            return misfit(
                &["transports", &at.to_string(), "fallback"],
                "clients publish on their WebSockets, which may not be there; write by = \"publisher\" or remove fallback",
            );
        }
        Ok(())
    }

    pub(super) fn check_latest(
        &self,
        at: usize,
        server: &ServerEntry,
        has_target: bool,
    ) -> Result<(), Misfit> {
        if !self.asks_for_latest() {
            return Ok(());
        }
        let at = at.to_string();
        for (key, given) in [
            ("resume", self.resume.is_some()),
            ("conditional", self.conditional.is_some()),
        ] {
            if given {
                return misfit(
                    &["transports", &at, key],
                    format!("\"{key}\" does nothing without a cursor; remove one of the two"),
                );
            }
        }
        if self.is_held() {
            return misfit(
                &["transports", &at, "cursor"],
                "a poll for the current value is answered at once, so nothing is held; write kind = \"interval-polling\" or remove cursor",
            );
        }
        if server.history != Some(1) && !has_target {
            return misfit(
                &["transports", &at, "cursor"],
                "the current value is the only one kept by a history of 1; add [server] with history = 1",
            );
        }
        Ok(())
    }

    pub(crate) fn asks_for_latest(&self) -> bool {
        self.cursor == Some(CursorUse::None)
    }

    /// Opens a WebSocket at some time.
    pub(super) fn asks_for_upgrade(&self) -> bool {
        match self.kind {
            Transport::Websocket => true,
            Transport::Socketio => self.path != Some(SocketioPath::Polling),
            Transport::IntervalPolling
            | Transport::LongPolling
            | Transport::HttpStreaming
            | Transport::Sse => false,
        }
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
