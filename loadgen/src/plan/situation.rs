//! A trial as the model sees it: what one of its clients hears, waits for and carries.

use super::{Arrivals, PublishBy, TrialPlan, wire_sizes};
use crate::model::{Coming, Situation};
use crate::scenario::SocketioPath;
use pushlab_server::wire::transport::Transport;

/// What an event has behind it when the server takes it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WayUp {
    /// u: carried for certain, and by how much more on average.
    pub sure_s: f64,
    pub waits_s: f64,
    /// Share of the events that wait at all: behind the POST before them.
    pub waiting: f64,
    /// Standard deviation of the wait.
    pub deviation_s: f64,
}

impl TrialPlan {
    /// With `heard_per_s` events for each client, and `service_s` for what server and client do in an
    /// exchange.
    pub fn situation(&self, heard_per_s: f64, service_s: f64) -> Situation {
        let (transport, rtt_s) = (&self.transport, self.link.rtt.as_secs_f64());
        // A connection of its own takes a round trip before there is anything to ask on.
        let round_trips = if transport.keep_alive { 1.0 } else { 2.0 };
        let gap_s = round_trips * rtt_s + service_s;
        // A beat that falls into an exchange is left out.
        let beats = (gap_s / transport.interval.as_secs_f64()).ceil().max(1.0);
        Situation {
            transport: transport.kind,
            held: self.polls_packets(),
            coming: match self.publish.arrivals {
                Arrivals::Constant => Coming::Beat {
                    chance: 1.0 / self.rooms as f64,
                },
                Arrivals::Poisson => Coming::Poisson,
                Arrivals::Burst { .. } => Coming::Bursts,
            },
            events_per_s: heard_per_s,
            interval_s: transport.interval.as_secs_f64() * beats,
            transit_s: rtt_s / 2.0,
            gap_s,
            hold_s: self.hold_s(),
            latest_value: self.server.history == Some(1) || transport.latest,
            sizes: wire_sizes::of(self, heard_per_s),
        }
    }

    /// A client's events go out as they come, and wait for no answer.
    fn publishes_where_it_listens(&self) -> bool {
        self.transport.is_bidirectional() && !self.polls_packets()
    }

    /// Socket.IO without a WebSocket.
    pub fn polls_packets(&self) -> bool {
        self.transport.kind == Transport::Socketio
            && self.transport.socketio.path == SocketioPath::Polling
    }

    /// How long a request waits for nothing: by Socket.IO until the server's ping.
    fn hold_s(&self) -> f64 {
        match self.transport.kind {
            Transport::Socketio => self.server.ping_interval().as_secs_f64(),
            _ => self.transport.hold.as_secs_f64() * self.mean_hold_share(),
        }
    }

    /// The server shortens holds evenly by up to its jitter.
    fn mean_hold_share(&self) -> f64 {
        const DEFAULT_JITTER: f64 = 0.1;
        1.0 - self.server.hold_jitter.unwrap_or(DEFAULT_JITTER) / 2.0
    }

    /// A publisher of its own has no line before it; a client's event crosses the client's. POSTs
    /// wait for one another, which makes a queue with fixed service of one round trip (M/D/1);
    /// `None` where that has no end.
    pub fn way_up(&self) -> Option<WayUp> {
        let rtt_s = self.link.rtt.as_secs_f64();
        let open = WayUp {
            sure_s: rtt_s / 2.0,
            waits_s: 0.0,
            waiting: 0.0,
            deviation_s: 0.0,
        };
        match self.publish.by {
            PublishBy::Publisher => Some(WayUp {
                sure_s: 0.0,
                ..open
            }),
            PublishBy::Clients if self.publishes_where_it_listens() => Some(open),
            PublishBy::Clients => {
                let load = self.publish.rate / self.clients as f64 * rtt_s;
                let mean = load * rtt_s / (2.0 * (1.0 - load));
                let square = load * rtt_s.powi(2) / (3.0 * (1.0 - load)) + 2.0 * mean.powi(2);
                (load < 1.0).then(|| WayUp {
                    waits_s: mean,
                    waiting: load,
                    deviation_s: (square - mean.powi(2)).sqrt(),
                    ..open
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::LinkPlan;
    use std::time::Duration;

    fn trial(kind: Transport, by: PublishBy) -> TrialPlan {
        let mut trial = TrialPlan::new(kind);
        trial.clients = 100;
        trial.publish.rate = 40.0;
        trial.publish.by = by;
        trial.link = LinkPlan {
            rtt: Duration::from_millis(100),
            ..LinkPlan::default()
        };
        trial
    }

    #[test]
    fn the_way_up_is_the_publishers() {
        let up = |kind, by| trial(kind, by).way_up().unwrap();
        assert_eq!(up(Transport::Sse, PublishBy::Publisher).sure_s, 0.0);
        let socket = up(Transport::Websocket, PublishBy::Clients);
        assert_eq!((socket.sure_s, socket.waiting), (0.05, 0.0));
        // 0.4 POSTs a second of 100 ms each: ρ = 0.04, W = ρR/(2(1 − ρ)).
        let posts = up(Transport::Sse, PublishBy::Clients);
        assert!((posts.waits_s - 0.04 * 0.1 / 1.92).abs() < 1e-12);
        assert!(posts.sure_s == 0.05 && (posts.waiting - 0.04).abs() < 1e-12);
        assert!(posts.deviation_s > posts.waits_s);
    }

    #[test]
    fn a_beat_within_an_exchange_is_left_out() {
        let mut polling = trial(Transport::IntervalPolling, PublishBy::Publisher);
        polling.transport.interval = Duration::from_millis(80);
        assert!((polling.situation(1.0, 0.0).interval_s - 0.16).abs() < 1e-12);
        polling.transport.interval = Duration::from_millis(200);
        assert!((polling.situation(1.0, 0.0).interval_s - 0.2).abs() < 1e-12);
    }

    #[test]
    fn holds_are_shortened_by_half_the_jitter_on_average() {
        let mut held = trial(Transport::LongPolling, PublishBy::Publisher);
        assert!((held.situation(1.0, 0.0).hold_s - 23.75).abs() < 1e-9);
        held.server.hold_jitter = Some(0.0);
        assert!((held.situation(1.0, 0.0).hold_s - 25.0).abs() < 1e-9);
    }
}
