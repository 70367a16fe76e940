//! A scenario resolved into trials: every default filled in, every list swept, the order drawn.
//! Pure: it reads no clock, no file and no limit of the machine but those handed to it.

use pushlab_server::wire::transport::Transport;
use std::time::Duration;

/// One transport under one set of parameters, once.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialPlan {
    /// Unique among the transports of the scenario.
    pub name: String,
    pub repeat: u32,
    /// Seeds schedule, phases and payload of this trial; equal for all transports of one repeat,
    /// so that they carry the same events at the same instants.
    pub seed: u64,
    pub transport: TransportPlan,
    pub clients: usize,
    pub rooms: usize,
    pub ramp: Duration,
    pub warm_up: Duration,
    pub duration: Duration,
    pub graceful_stop: Duration,
    pub publish: PublishPlan,
    /// Instants after the opening of the measure window at which every connection is cut.
    pub cuts: Vec<Duration>,
    pub server: ServerPlan,
}

#[derive(Clone, Debug, PartialEq)]
pub struct TransportPlan {
    pub kind: Transport,
    /// Period of interval polling.
    pub interval: Duration,
    /// Hold asked for by long polling.
    pub hold: Duration,
    /// Whether a client that was cut comes back with its cursor.
    pub resume: bool,
    /// Whether polls send `If-None-Match`.
    pub conditional: bool,
    /// WebSocket only: the `pushlab.msgpack` subprotocol instead of JSON text.
    pub msgpack: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PublishPlan {
    /// Events per second over all rooms; 0 = nothing is published but probes.
    pub rate: f64,
    pub arrivals: Arrivals,
    /// Bytes of `data`, its quotes included.
    pub payload: usize,
    pub by: PublishBy,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arrivals {
    Constant,
    Poisson,
    /// Groups of `size` events at one instant; the groups come at a constant rate.
    Burst {
        size: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishBy {
    /// Each event is sent by a client of its room, over its own transport.
    Clients,
    /// One connection of its own POSTs all events.
    Publisher,
}

/// Settings of the embedded server; `None` leaves its default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServerPlan {
    pub workers: Option<usize>,
    pub history: Option<usize>,
    pub history_bytes: Option<usize>,
    pub bare: bool,
    pub hold_jitter: Option<f64>,
}
