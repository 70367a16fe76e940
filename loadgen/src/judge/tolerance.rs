//! How far the measured may lie from the model, figure by figure, and why: the draw
//! of the events, the digits of lengths and cursors, and what stands at the edges of a window.

use super::Case;
use crate::merged::Merged;
use crate::model::Coming;
use crate::plan::{EPOCH_DEVIATION, offset_digits};
use crate::results::Floor;
use pushlab_server::wire::transport::Transport;

/// Of rates.
const RATE_TOLERANCE: f64 = 0.01;

impl Case<'_> {
    /// Independent draws behind a mean: events, or phases where a beat makes each client's waits alike.
    pub(super) fn draws(&self) -> f64 {
        let phases = (self.set.clients * self.trials.len()) as f64;
        let phased = self.set.transport.kind == Transport::IntervalPolling;
        match self.situation.coming {
            Coming::Beat { .. } if phased => phases.min(self.events as f64),
            Coming::Beat { .. } | Coming::Poisson | Coming::Bursts => self.events as f64,
        }
    }

    /// The harness in these very trials, by their control subscriptions: what the machine had to do
    /// beside them shows there and not in the calibration.
    pub(super) fn harness(&self) -> Floor {
        let all = || self.trials.iter().map(|trial| &trial.generator.control_us);
        let count: u64 = all().map(|part| part.count).sum();
        let sums = all().filter_map(|part| Some(part.mean? * part.count as f64));
        let merged = Merged::of(all());
        let at = |q| merged.as_ref().and_then(|merged| merged.at(q)).unwrap_or(0) as f64;
        Floor {
            mean_us: sums.sum::<f64>() / count.max(1) as f64,
            p50_us: at(0.5),
            p99_us: at(0.99),
        }
    }

    /// Answers are held until there is something.
    pub(super) fn is_held(&self) -> bool {
        self.set.transport.kind == Transport::LongPolling || self.situation.held
    }

    /// Polls of one client of each room: others of its room see the same events.
    pub(super) fn independent_polls(&self) -> f64 {
        let clients = self.set.clients.max(1) as f64;
        self.requests * (self.set.rooms as f64 / clients).min(1.0)
    }

    /// 3√(p(1 − p)/n), and one poll for a share of 0 or 1.
    pub(super) fn empty_deviation(&self, share: f64) -> f64 {
        let n = self.independent_polls().max(1.0);
        3.0 * (share * (1.0 - share) / n).sqrt() + 1.0 / n
    }

    /// ± 1 %, and what the draw of the events leaves open: how many answers brought several, and how
    /// many events stood at the edges of the window.
    pub(super) fn rate_tolerance(&self, each: f64) -> f64 {
        let events = self.events.max(1) as f64;
        let batches = match self.set.transport.kind {
            _ if self.is_held() && each < 1.0 => ((1.0 - each) / (each * events)).sqrt(),
            Transport::LongPolling
            | Transport::IntervalPolling
            | Transport::HttpStreaming
            | Transport::Sse
            | Transport::Websocket
            | Transport::Socketio => 0.0,
        };
        RATE_TOLERANCE + 3.0 * batches + self.edges()
    }

    /// Events that cross an edge of the window between publish and receipt, as a share of all: two
    /// edges, each with a Poisson number of events under way.
    pub(super) fn edges(&self) -> f64 {
        let (Some(law), Some(up)) = (self.law(), self.way_up) else {
            return 0.0;
        };
        let per_s = self.events as f64 / self.window_s.max(1e-9);
        let under_way = per_s * (law.mean_s() + up.sure_s + up.waits_s);
        let edges = 2.0 * self.trials.len() as f64;
        3.0 * (under_way * edges).sqrt() / self.events.max(1) as f64
    }

    /// What an event and its exchange may have more or less by the digits of cursors, offsets and
    /// lengths: nothing on a bare server's pushes.
    pub(super) fn digits(&self) -> f64 {
        let polls = self.forecast.requests_per_s.unwrap_or(0.0) / self.situation.events_per_s;
        let offsets = match offset_digits(self.set, self.situation.events_per_s).even {
            true => 0.0,
            false => 0.25,
        };
        let rooms = (self.set.rooms * self.trials.len()).max(1) as f64;
        let epoch = 3.0 * EPOCH_DEVIATION / rooms.sqrt();
        let (cursors, lengths) = match self.set.transport.kind {
            // In the request, in the tag and, of an answer with events, in the envelope.
            Transport::IntervalPolling | Transport::LongPolling => (3.0 * polls, polls),
            Transport::Sse => (1.0, 0.0),
            // Behind each event, and the length of an answer.
            Transport::Socketio => (1.0, polls),
            Transport::HttpStreaming | Transport::Websocket => (0.0, 0.0),
        };
        match self.set.server.bare {
            true => (offsets + 1.0) * lengths,
            false => offsets + cursors * (epoch + offsets) + lengths + self.room_names(),
        }
    }

    /// Socket.IO names the room with each event, and which rooms the events fall to is drawn.
    fn room_names(&self) -> f64 {
        match self.set.transport.kind {
            Transport::Socketio if self.set.rooms > 10 => 1.5 / (self.events.max(1) as f64).sqrt(),
            _ => 0.0,
        }
    }

    /// Polls more or less by the tolerance of rates, and full or empty by that of shares.
    pub(super) fn heads(&self, rate: f64) -> f64 {
        let Some(requests) = self.forecast.requests_per_s.filter(|rate| *rate > 0.0) else {
            return 0.0;
        };
        let (sizes, polls) = (&self.situation.sizes, requests / rate);
        let full = sizes.heads + sizes.envelope;
        let shares = (self.forecast.empty_share).map_or(0.0, |share| self.empty_deviation(share));
        polls * (full * self.rate_tolerance(polls) + (full - sizes.empty_heads).abs() * shares)
    }

    /// A message that stands in a buffer while the window opens or closes: one each thread and edge.
    pub(super) fn cut_messages(&self) -> f64 {
        let sizes = &self.situation.sizes;
        let message = sizes.event + sizes.packet + sizes.heads;
        let threads = crate::worker::default_threads() * self.trials.len();
        2.0 * threads as f64 * message / self.deliveries.max(1.0)
    }
}
