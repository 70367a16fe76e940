//! What each transport should do, by arithmetic alone: the closed formulas, to stand
//! beside what was measured. Pure, and blind to the measurement: nothing here was fitted to the
//! lab. Where no closed form is known there is none, rather than a wrong one. Numbers are seconds,
//! bytes and rates a second, as `f64`; one client is meant unless a name says otherwise.

mod law;
mod framing;
mod polling;
mod long_polling;
mod push;
mod across;
#[cfg(test)]
mod table;

pub use across::{
    break_even, broadcast_latency, clients_within, head_of_line_s, poll_matches_push_at,
};
pub use framing::{chunk_framing, socketio_packet, stream_framing, websocket_framing};
pub use law::Law;
pub use long_polling::{one_a_response_capacity, one_a_response_mean_s};
pub use polling::{latest_value_share, ring_share};

use pushlab_server::wire::transport::Transport;

/// IP and TCP headers of one segment: 20 + 20, and 12 of timestamps (P).
pub const SEGMENT_BYTES: f64 = 52.0;

/// How the events of a room come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Coming {
    Poisson,
    /// On a beat; each beat's event falls to the room with this chance (1 = all are the room's).
    Beat {
        chance: f64,
    },
    /// Many at one instant: they wait for one another, so latency has no closed form.
    Bursts,
}

/// All that the formulas ask about one client.
#[derive(Clone, Debug, PartialEq)]
pub struct Situation {
    pub transport: Transport,
    /// Socket.IO by polling: events wait for a held request, as in long polling.
    pub held: bool,
    pub coming: Coming,
    /// λ, events a second that a client hears.
    pub events_per_s: f64,
    /// T.
    pub interval_s: f64,
    /// d, one way.
    pub transit_s: f64,
    /// R, from an answer's leaving the server to the next request's reaching it.
    pub gap_s: f64,
    /// H; infinite where a hold never ends.
    pub hold_s: f64,
    /// Keeps one event only, and answers a poll with it.
    pub latest_value: bool,
    pub sizes: Sizes,
}

/// Bytes on the wire.
#[derive(Clone, Debug, PartialEq)]
pub struct Sizes {
    /// S, one event; a mean where its digits vary.
    pub event: f64,
    /// b, between events of one answer.
    pub separator: f64,
    /// Hq + Hr of a poll that brings something.
    pub heads: f64,
    /// Hq + Hr of a poll that brings nothing.
    pub empty_heads: f64,
    /// E, around the events of one answer.
    pub envelope: f64,
    /// What a pushed event bears beside its transport's own framing: the `id:` line of SSE.
    pub id_line: f64,
    /// What Socket.IO puts around an event, whatever carries it; see [`socketio_packet`].
    pub packet: f64,
    /// What TLS adds to whatever is written at once; 0 without it.
    pub record: f64,
}

/// What a client should see. `None` where there is no closed form.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// From the server's taking an event to the client's having it.
    pub latency: Option<Law>,
    /// r; 0 for a transport that asks once.
    pub requests_per_s: Option<f64>,
    /// Of the requests; `None` also for a transport that asks once.
    pub empty_share: Option<f64>,
    /// Share of the events that reach the client at all.
    pub delivered_share: Option<f64>,
    pub app_bytes_per_s: Option<f64>,
    pub ip_bytes_per_s: Option<f64>,
}

impl Situation {
    pub fn forecast(&self) -> Forecast {
        match self.transport {
            Transport::IntervalPolling => polling::forecast(self),
            Transport::LongPolling => long_polling::forecast(self),
            Transport::Socketio if self.held => long_polling::packets(self),
            Transport::HttpStreaming
            | Transport::Sse
            | Transport::Websocket
            | Transport::Socketio => push::forecast(self),
        }
    }

    /// Of a stream behind a proxy that holds so many bytes, where that has a closed form.
    pub fn buffered(&self, bytes: f64) -> Option<Law> {
        push::buffered(self, bytes)
    }

    /// Every beat's event is the room's.
    pub fn is_on_a_beat(&self) -> bool {
        self.coming == (Coming::Beat { chance: 1.0 })
    }

    /// Events on a beat: how many beats a second, whoever they fall to.
    fn beats_per_s(&self, chance: f64) -> f64 {
        self.events_per_s / chance
    }

    /// The bytes of polls: `requests` a second, `empty` of them without an event.
    fn polled_bytes(&self, requests: f64, empty: f64) -> (f64, f64) {
        let sizes = &self.sizes;
        let full = (1.0 - empty) * (sizes.heads + sizes.envelope - sizes.separator);
        let event = sizes.event + sizes.packet + sizes.separator;
        let events = self.events_per_s * event;
        // The request is written at once, and so is the answer.
        let records = 2.0 * sizes.record;
        let app = requests * (full + empty * sizes.empty_heads + records) + events;
        (app, app + requests * 3.0 * SEGMENT_BYTES)
    }
}
