//! The contract between the teaching page and its session: every message of the WebSocket
//! `/lab/session`, one JSON object a text frame. All `…_ms` are milliseconds since the Unix epoch by the
//! server's clock, unless they are a length of time. Nothing here does anything.

use super::proxy::Settings;
use crate::wire::transport::Transport;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;

/// Page → server, told apart by `do`.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Command {
    /// An open loop of events into the session's room; one at a time.
    Publish(Publish),
    /// Ends the publisher's run.
    Stop,
    /// One event by hand, of the type `chat`.
    Event { data: String },
    /// A fresh room, zeroed meters, all lane connections closed; answered by a new `session`.
    Reset,
    /// How many events the session's room keeps (1 = the latest value alone), and how often a stream on
    /// a lane says that it lives: for connections made from now on, after a `reset` too. `null` or
    /// absent = the server's own.
    Room {
        history: Option<u32>,
        heartbeat_ms: Option<f64>,
    },
    /// What the way to one lane is like; at once, also for connections that are open. Absent = off.
    Lane {
        lane: Transport,
        #[serde(flatten)]
        settings: Settings,
    },
    /// Closes the connections of one lane.
    Cut { lane: Transport },
    /// Acts a restart of the server: all lane connections are closed, new ones are reset for `down_ms`,
    /// and the room has lost its events and has a new epoch. Its offsets go on, so that no two events of
    /// a run bear the same one; what the publisher has planned meanwhile it sends when the server is back.
    Restart { down_ms: f64 },
    /// Answered by `clock`.
    Clock { sent: f64 },
    /// Answered by `meter`.
    Meter,
}

#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Publish {
    /// Events a second, above 0 and up to 1,000.
    pub rate: f64,
    pub arrivals: Arrivals,
    /// Bytes of an event's `data` as JSON text, its quotes included, as loadgen counts them.
    pub payload: usize,
    pub seed: u64,
    /// Up to 3,600.
    pub duration_s: f64,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Arrivals {
    Constant,
    Poisson,
    /// Ten at once, as often as the rate makes it.
    Burst,
}

/// Server → page, told apart by `kind`.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Message<'a> {
    /// The first message, and the answer to `reset`.
    Session {
        id: &'a str,
        room: &'a str,
        lanes: BTreeMap<Transport, LanePort>,
        /// Whether `generate` can be asked for.
        loadgen: bool,
        server: ServerFacts,
        max_hold_s: f64,
    },
    Clock {
        /// As the page sent it.
        sent: f64,
        server_ms: f64,
    },
    /// What the session's own connections carried, in order.
    Wire { records: &'a [Record] },
    /// So many records were lost since the last time, because the page did not read: byte figures that
    /// the page adds up are void.
    #[serde(rename = "wire")]
    Dropped { dropped: u64 },
    /// What the publisher published.
    Events { events: &'a [Event] },
    /// A publisher's run has ended with so many events.
    Published { count: u64 },
    /// The server's own count of the lanes' bytes since the session or its last `reset` began; each
    /// second while something runs.
    Meter { lanes: BTreeMap<Transport, Traffic> },
    /// What was done to a lane, or to one connection of it.
    Trouble {
        #[serde(flatten)]
        trouble: &'a Trouble,
    },
    /// A command that was not done, and what to do about it.
    Refused {
        #[serde(rename = "do")]
        command: &'a str,
        why: &'a str,
    },
}

#[derive(Serialize)]
pub struct LanePort {
    pub port: u16,
}

#[derive(Serialize)]
pub struct ServerFacts {
    pub version: &'static str,
    pub cores: usize,
    /// `debug` or `release`: a debug build's latencies are no measurement.
    pub profile: &'static str,
}

#[derive(Clone, Copy, Serialize)]
pub struct Event {
    pub offset: u64,
    pub planned_ms: f64,
    pub sent_ms: f64,
}

#[derive(Serialize)]
pub struct Record {
    pub lane: Transport,
    /// Counts the session's connections from 1 over all lanes; a `reset` does not begin anew.
    pub connection: u64,
    pub at_ms: f64,
    #[serde(flatten)]
    pub what: What,
}

/// What the server's meter saw of a connection.
#[derive(Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum What {
    Opened,
    /// Browser → server, as one read filled it.
    Up {
        #[serde(serialize_with = "base64")]
        bytes: Box<[u8]>,
    },
    /// Server → browser, as the socket accepted it.
    Down {
        #[serde(serialize_with = "base64")]
        bytes: Box<[u8]>,
    },
    Ended,
}

fn base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

#[derive(Serialize)]
pub struct Trouble {
    pub lane: Transport,
    pub at_ms: f64,
    /// `cut`, `restart`, `back` (the end of a restart), or what the proxy has done, such as `idle-cut`.
    pub what: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connection: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Traffic {
    pub rx: u64,
    pub tx: u64,
    pub opened: u64,
    pub open: u64,
}

impl Message<'_> {
    pub fn text(&self) -> String {
        serde_json::to_string(self).expect("every message has string keys and finite numbers")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_page_may_say_this() {
        for (text, command) in [
            (r#"{"do":"stop"}"#, Command::Stop),
            (
                r#"{"do":"clock","sent":12.5}"#,
                Command::Clock { sent: 12.5 },
            ),
            (
                r#"{"do":"publish","rate":10,"arrivals":"poisson","payload":128,"seed":7,"duration_s":30}"#,
                Command::Publish(Publish {
                    rate: 10.0,
                    arrivals: Arrivals::Poisson,
                    payload: 128,
                    seed: 7,
                    duration_s: 30.0,
                }),
            ),
            (
                r#"{"do":"lane","lane":"sse","rtt_ms":100,"trouble":{"idle_cut_ms":5000}}"#,
                Command::Lane {
                    lane: Transport::Sse,
                    settings: serde_json::from_str(
                        r#"{"rtt_ms":100,"trouble":{"idle_cut_ms":5000}}"#,
                    )
                    .unwrap(),
                },
            ),
        ] {
            assert_eq!(serde_json::from_str::<Command>(text).unwrap(), command);
        }
    }

    #[test]
    fn the_server_says_this() {
        let records = [
            Record {
                lane: Transport::Sse,
                connection: 3,
                at_ms: 1_795_000_000_000.125,
                what: What::Down {
                    bytes: (*b"HTTP/1.1").into(),
                },
            },
            Record {
                lane: Transport::Sse,
                connection: 3,
                at_ms: 1_795_000_000_001.0,
                what: What::Ended,
            },
        ];
        let said = |message: Message<'_>| -> serde_json::Value {
            serde_json::from_str(&message.text()).unwrap()
        };
        assert_eq!(
            said(Message::Wire { records: &records }),
            json!({"kind": "wire", "records": [
                {"lane": "sse", "connection": 3, "at_ms": 1_795_000_000_000.125,
                 "what": "down", "bytes": "SFRUUC8xLjE="},
                {"lane": "sse", "connection": 3, "at_ms": 1_795_000_000_001.0, "what": "ended"},
            ]})
        );
        assert_eq!(
            said(Message::Dropped { dropped: 4 }),
            json!({"kind": "wire", "dropped": 4})
        );
        let lanes = BTreeMap::from([(Transport::LongPolling, Traffic::default())]);
        assert_eq!(
            said(Message::Meter { lanes }),
            json!({"kind": "meter", "lanes": {"long-polling": {"rx": 0, "tx": 0, "opened": 0, "open": 0}}})
        );
    }
}
