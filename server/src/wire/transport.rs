//! The one list of transports. The server's `transports/`, loadgen's `clients/` and every report
//! follow this enum by exhaustive `match`; nothing else lists them.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumCount, EnumIter, EnumString, IntoEnumIterator, IntoStaticStr};

/// A way of reading a room's history over HTTP/1.1.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    Display,
    EnumCount,
    EnumIter,
    EnumString,
    IntoStaticStr,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Transport {
    IntervalPolling,
    LongPolling,
    HttpStreaming,
    Sse,
    Websocket,
    Socketio,
}

impl Transport {
    /// The name that scenarios, results and `/lab/usage` use.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The name a person reads.
    pub fn title(self) -> &'static str {
        match self {
            Transport::IntervalPolling => "Interval polling",
            Transport::LongPolling => "Long polling",
            Transport::HttpStreaming => "HTTP streaming",
            Transport::Sse => "SSE",
            Transport::Websocket => "WebSocket",
            Transport::Socketio => "Socket.IO",
        }
    }

    /// The last segment of the route: `/rooms/{room}/<segment>`. Socket.IO has a path of its own, and says
    /// within it which rooms it joins.
    pub fn segment(self) -> Option<&'static str> {
        Some(match self {
            Transport::IntervalPolling => "poll",
            Transport::LongPolling => "long-poll",
            Transport::HttpStreaming => "stream",
            Transport::Sse => "sse",
            Transport::Websocket => "ws",
            Transport::Socketio => return None,
        })
    }

    /// Those that have a route in each room.
    pub fn in_rooms() -> impl Iterator<Item = Transport> + Clone {
        Transport::iter().filter(|transport| transport.segment().is_some())
    }

    /// Whether the server sends an event without being asked for each answer.
    pub fn is_push(self) -> bool {
        match self {
            Transport::IntervalPolling | Transport::LongPolling => false,
            Transport::HttpStreaming
            | Transport::Sse
            | Transport::Websocket
            | Transport::Socketio => true,
        }
    }

    /// Whether a client publishes on the connection it listens on.
    pub fn is_bidirectional(self) -> bool {
        match self {
            Transport::IntervalPolling
            | Transport::LongPolling
            | Transport::HttpStreaming
            | Transport::Sse => false,
            Transport::Websocket | Transport::Socketio => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_fixed_kinds() {
        let names: Vec<_> = Transport::iter().map(Transport::name).collect();
        assert_eq!(
            names,
            [
                "interval-polling",
                "long-polling",
                "http-streaming",
                "sse",
                "websocket",
                "socketio"
            ]
        );
    }
}
