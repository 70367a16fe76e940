//! What a trial will need, before it runs: connections, file descriptors, deliveries, requests and
//! about how many bytes. Formulas of MODEL.md §2, for a target with negligible service time.

use super::{Plan, PublishBy, TransportPlan, TrialPlan};
use crate::results::Prediction;
use pushlab_server::wire::transport::Transport;

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
        let requests_per_s = self.requests_per_s();
        Prediction {
            name: self.name.clone(),
            transport: self.transport.kind,
            parameters: self.parameters(),
            connections,
            fds_generator: connections + DESCRIPTORS_BESIDE,
            fds_server: connections + DESCRIPTORS_BESIDE,
            deliveries_per_s,
            requests_per_s,
            bytes_per_s: Some(self.bytes_per_s(deliveries_per_s, requests_per_s)),
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

    /// Events a second that one client hears.
    fn heard_per_s(&self) -> f64 {
        self.publish.rate / self.rooms as f64
    }

    /// Publishing aside; `None` where a client asks once.
    fn requests_per_s(&self) -> Option<f64> {
        let heard = self.heard_per_s();
        let each = match self.transport.kind {
            Transport::IntervalPolling => 1.0 / self.transport.interval.as_secs_f64(),
            Transport::LongPolling => {
                let gap_s = RE_REQUEST_S + self.link.rtt.as_secs_f64();
                long_polls_per_s(heard, self.transport.hold.as_secs_f64(), gap_s)
            }
            Transport::HttpStreaming | Transport::Sse | Transport::Websocket => return None,
        };
        Some(each * self.clients as f64)
    }

    /// Bytes of a request's head and its answer's.
    fn heads(&self) -> f64 {
        let TransportPlan { kind, headers, .. } = self.transport;
        let asked = headers.request().map(|headers| headers.request(kind).bytes);
        let answered = headers
            .response()
            .and_then(|headers| headers.response(kind));
        asked.map_or(REQUEST_HEAD, |bytes| bytes as f64)
            + answered.map_or(ANSWER_HEAD, |head| head.bytes as f64)
    }

    fn bytes_per_s(&self, deliveries_per_s: f64, requests_per_s: Option<f64>) -> f64 {
        let event = self.publish.payload as f64
            + if self.server.bare {
                0.0
            } else {
                EVENT_ENVELOPE
            };
        let framing = match self.transport.kind {
            Transport::IntervalPolling | Transport::LongPolling => 1.0,
            Transport::HttpStreaming => 1.0 + chunk_framing(event),
            // `id: `, the cursor, `data: ` and three line ends.
            Transport::Sse => 28.0 + chunk_framing(event + 28.0),
            Transport::Websocket => websocket_framing(event),
        };
        let requests = requests_per_s.unwrap_or(0.0);
        let answers_with_events = requests.min(deliveries_per_s);
        deliveries_per_s * (event + framing)
            + requests * self.heads()
            + answers_with_events * POLL_ENVELOPE
    }
}

/// MODEL.md §2 (2), with hold timeout: r = 1/(R + a(1 − e^(−λH))/λ), a = e^(−λR).
fn long_polls_per_s(heard_per_s: f64, hold_s: f64, gap_s: f64) -> f64 {
    if heard_per_s == 0.0 {
        return 1.0 / (gap_s + hold_s);
    }
    let waiting = (-heard_per_s * gap_s).exp();
    let held = waiting * -(-heard_per_s * hold_s).exp_m1() / heard_per_s;
    1.0 / (gap_s + held)
}

/// RFC 9112 §7.1: the length in hexadecimal and two line ends.
fn chunk_framing(bytes: f64) -> f64 {
    let digits = (bytes.max(1.0).log2() / 4.0).floor() + 1.0;
    digits + 4.0
}

/// RFC 6455 §5.2, server to client.
fn websocket_framing(bytes: f64) -> f64 {
    match bytes {
        bytes if bytes <= 125.0 => 2.0,
        bytes if bytes <= 65_535.0 => 4.0,
        _ => 10.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_polls_follow_the_model() {
        // MODEL.md §2 (7): R = 100 ms; λ = 0.1, 1, 10. App bytes are r·909 + λ·21.
        for (heard, bytes) in [(0.1, 93.0), (1.0, 926.0), (10.0, 6855.0)] {
            let model = long_polls_per_s(heard, f64::INFINITY, 0.1) * 909.0 + heard * 21.0;
            assert!((model - bytes).abs() < 0.6, "{heard}: {model}");
        }
        assert!((long_polls_per_s(0.0, 25.0, 0.0) - 0.04).abs() < 1e-12);
    }

    #[test]
    fn framing_follows_the_specifications() {
        for (bytes, framing) in [(15.0, 5.0), (16.0, 6.0), (255.0, 6.0), (256.0, 7.0)] {
            assert_eq!(chunk_framing(bytes), framing, "{bytes}");
        }
        for (bytes, framing) in [(125.0, 2.0), (126.0, 4.0), (65_536.0, 10.0)] {
            assert_eq!(websocket_framing(bytes), framing, "{bytes}");
        }
    }
}
