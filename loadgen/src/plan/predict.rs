//! What a trial will need, before it runs: connections, file descriptors, deliveries, requests and
//! about how many bytes. Formulas of MODEL.md §2, for a target with negligible service time.

use super::{Arrivals, Plan, PublishBy, TransportPlan, TrialPlan};
use crate::model::{Coming, Situation, Sizes};
use crate::results::Prediction;

/// Descriptors beside the clients' sockets: listeners, epoll, pipes, control connections, files.
pub(super) const DESCRIPTORS_BESIDE: u64 = 100;

/// Gap between an answer to a long poll and the next request reaching the server, but for the line.
const RE_REQUEST_S: f64 = 0.001;

/// `GET /rooms/…/poll?cursor=…` with `Host`, and the head of an answer, in bytes; both within a
/// few tens of what the server sends.
const REQUEST_HEAD: f64 = 80.0;
const ANSWER_HEAD: f64 = 170.0;

/// `{"cursor":"…","missed":0,"events":[]}`.
const POLL_ENVELOPE: f64 = 52.0;

/// `{"id":1234,"type":"chat","data":…}` around `data`.
const EVENT_ENVELOPE: f64 = 34.0;

impl Plan {
    /// One for each (name, parameters), in the order of the scenario.
    pub fn predictions(&self) -> Vec<Prediction> {
        self.sets.iter().map(TrialPlan::prediction).collect()
    }
}

impl TrialPlan {
    pub fn prediction(&self) -> Prediction {
        let connections = self.connections();
        let deliveries_per_s = self.publish.rate * self.clients as f64 / self.rooms as f64;
        let forecast = self.situation().forecast();
        let all = |each: f64| each * self.clients as f64;
        Prediction {
            name: self.name.clone(),
            transport: self.transport.kind,
            parameters: self.parameters(),
            connections,
            fds_generator: connections + DESCRIPTORS_BESIDE,
            fds_server: connections + DESCRIPTORS_BESIDE,
            deliveries_per_s,
            requests_per_s: (forecast.requests_per_s.map(all)).filter(|rate| *rate > 0.0),
            bytes_per_s: forecast.app_bytes_per_s.map(all),
        }
    }

    /// A client that cannot publish on its own connection opens a second one; the publisher (of
    /// probes alone, where clients do the talking) has one too.
    fn connections(&self) -> u64 {
        self.clients as u64 * self.connections_per_client() + 1
    }

    pub(super) fn connections_per_client(&self) -> u64 {
        match self.publish.by {
            PublishBy::Clients if !self.transport.kind.is_bidirectional() => 2,
            PublishBy::Clients | PublishBy::Publisher => 1,
        }
    }

    /// Bytes of a request's head and its answer's.
    fn heads(&self) -> f64 {
        let TransportPlan { kind, headers, .. } = self.transport;
        let asked = headers.request().map(|headers| headers.request(kind).bytes);
        let answered = (headers.response()).and_then(|headers| headers.response(kind));
        asked.map_or(REQUEST_HEAD, |bytes| bytes as f64)
            + answered.map_or(ANSWER_HEAD, |head| head.bytes as f64)
    }

    /// What the model is asked about one client; on one machine and by sizes that are about right.
    fn situation(&self) -> Situation {
        let (publish, transport) = (&self.publish, &self.transport);
        let envelope = |bytes: f64| if self.server.bare { 0.0 } else { bytes };
        Situation {
            transport: transport.kind,
            coming: match publish.arrivals {
                Arrivals::Constant => Coming::Beat {
                    chance: 1.0 / self.rooms as f64,
                },
                Arrivals::Poisson | Arrivals::Burst { .. } => Coming::Poisson,
            },
            events_per_s: publish.rate / self.rooms as f64,
            interval_s: transport.interval.as_secs_f64(),
            transit_s: self.link.rtt.as_secs_f64() / 2.0,
            gap_s: RE_REQUEST_S + self.link.rtt.as_secs_f64(),
            hold_s: transport.hold.as_secs_f64(),
            latest_value: self.server.history == Some(1),
            sizes: Sizes {
                event: publish.payload as f64 + envelope(EVENT_ENVELOPE),
                separator: 1.0,
                heads: self.heads(),
                empty_heads: self.heads(),
                envelope: envelope(POLL_ENVELOPE),
                id_line: 12.0,
            },
        }
    }
}
