//! A scenario resolved into trials: every default filled in, every list swept, the order drawn.
//! Pure: it reads no clock, no file and no limit of the machine but those handed to it.

mod resolve;
mod targets;
mod sets;
mod link;
mod socketio;
mod predict;
mod situation;
mod calibration;
mod wire_sizes;
mod limits;

pub use limits::{Limits, MostClients};
pub use link::{LinkPlan, StallPlan};
pub use situation::WayUp;
pub use socketio::SocketioPlan;
pub use wire_sizes::{EPOCH_DEVIATION, OffsetDigits, offset_digits};

use crate::expect::{self, Check};
use crate::results::{Dimension, Parameters};
use crate::scenario::{Blocking, Dialect, Headers, LinkPreset, Scenario};
use crate::target::Target;
use pushlab_server::wire::hold_on::HoldOn;
use pushlab_server::wire::lab_headers::LabHeaders;
use pushlab_server::wire::transport::Transport;
use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// The embedded server takes publishes of 64 KiB; the JSON around `data` needs some of it.
const MOST_PAYLOAD: usize = 64 * 1024 - 64;

/// A run: what was asked for, and the trials in the order they will run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// As resolved: defaults, variables and flags filled in, URLs without credentials.
    pub scenario: Scenario,
    /// What each transport of the scenario is measured against, by its name; with credentials, if URLs or
    /// headers had any.
    pub targets: Vec<(String, Target)>,
    /// The first trial of every (name, parameters), in the order of the scenario.
    pub sets: Vec<TrialPlan>,
    /// Repeats interleaved: every (name, parameters) once, in random order, then all again.
    pub trials: Vec<TrialPlan>,
    /// What decides the exit code.
    pub checks: Vec<Check>,
    /// Expectations, as written, that name a transport which was left out.
    pub left_out: Vec<String>,
    /// What is raised until it fails, from the load of `sets` on; `trials` are then the first steps.
    pub search: Option<Dimension>,
}

/// What variables and flags put in place of the scenario's own values.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    pub clients: Option<u32>,
    pub duration: Option<Duration>,
    pub warm_up: Option<Duration>,
    pub repeats: Option<u32>,
    pub seed: Option<u64>,
    /// Names of the transports to keep; empty = all.
    pub only: Vec<String>,
    pub target: Option<String>,
    pub admin: Option<String>,
    pub cacert: Option<PathBuf>,
    pub insecure: bool,
    pub dialect: Option<Dialect>,
    /// Program and arguments.
    pub command: Option<Vec<String>>,
    pub pid: Option<u32>,
    /// Lines, beside those of the scenario.
    pub headers: Vec<String>,
    pub link: Option<LinkChoice>,
    pub rtt: Option<Duration>,
    pub find_max: Option<FindMax>,
}

/// A line put in place of the scenario's whole `[link]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkChoice {
    None,
    Preset(LinkPreset),
}

/// A search for the greatest load in place of a measurement.
#[derive(Clone, Debug)]
pub struct FindMax {
    pub dimension: Dimension,
    /// What each step must keep, such as `p99<250ms`; takes the place of `[expect]`.
    pub slo: Vec<String>,
}

/// Why a scenario cannot be run as asked. `file` and flags are the caller's to name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error("{key}: {problem}")]
    Refused { key: &'static str, problem: String },
    #[error("no transport is called \"{name}\"; the scenario has {}", known.join(", "))]
    NoSuchTransport { name: String, known: Vec<String> },
    #[error("{0}")]
    Impossible(limits::Shortage),
}

fn refused<T>(key: &'static str, problem: impl Into<String>) -> Result<T, PlanError> {
    Err(PlanError::Refused {
        key,
        problem: problem.into(),
    })
}

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
    pub link: LinkPlan,
    pub server: ServerPlan,
    /// Whether each client has a name, and its room a member.
    pub named: bool,
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
    /// Whether it stays away for as long as an event stream's `retry:` says.
    pub retry: bool,
    /// Whether polls send `If-None-Match`.
    pub conditional: bool,
    /// Whether polls share a connection; otherwise each opens and closes one of its own.
    pub keep_alive: bool,
    /// WebSocket only: the `pushlab.msgpack` subprotocol instead of JSON text.
    pub msgpack: bool,
    /// WebSocket only: how long an upgrade may take before the client goes on by long polling.
    pub fallback_after: Option<Duration>,
    pub headers: Headers,
    /// Whether polls ask for the current value instead of what is new.
    pub latest: bool,
    /// How long a client waits for a sign of life; `None` = for ever.
    pub max_silence: Option<Duration>,
    /// What the server understands.
    pub dialect: Dialect,
    /// Whether clients POST what they publish, where they could do it on their own connection.
    pub posts: bool,
    /// Of the kind `socketio`.
    pub socketio: SocketioPlan,
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
    pub heartbeat: Option<Duration>,
    pub hold_on: HoldOn,
    /// Whether it speaks TLS; a target's URL says that by itself.
    pub tls: bool,
    /// Heads of its answers, if not its own.
    pub lab_headers: Option<LabHeaders>,
    pub trouble: TroublePlan,
    pub gateway: Option<GatewayPlan>,
    /// Rooms may have as many members as there are clients.
    pub crowds: bool,
}

impl ServerPlan {
    /// Of Engine.IO; 25 s unless told otherwise.
    pub fn ping_interval(&self) -> Duration {
        self.heartbeat.unwrap_or(Duration::from_secs(25))
    }
}

/// A real nginx before the public port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GatewayPlan {
    /// As it stands in its file.
    pub configuration: String,
    /// In place of the configuration's own `proxy_read_timeout`.
    pub idle_timeout: Option<Duration>,
    /// Most connections that clients have at a time.
    pub connections: u64,
}

/// What a proxy before the public port does during the measure window; nothing by default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TroublePlan {
    pub idle_cut: Option<Duration>,
    /// Idle connections are forgotten, and nobody is told.
    pub silent: bool,
    /// Bytes for which answers are held.
    pub buffer: Option<usize>,
    /// From the beginning, not only in the window.
    pub block_upgrade: Option<Blocking>,
    pub cut_every: Option<Duration>,
    pub cut_for: Option<Duration>,
}

impl TroublePlan {
    pub fn is_none(&self) -> bool {
        *self == TroublePlan::default()
    }

    /// Connections may be lost by it.
    pub fn cuts(&self) -> bool {
        self.idle_cut.is_some() || self.cut_every.is_some()
    }
}

impl Plan {
    pub fn resolve(scenario: &Scenario, overrides: &Overrides) -> Result<Plan, PlanError> {
        let resolve::Resolved {
            scenario,
            targets,
            left_out,
        } = resolve::resolved(scenario, overrides)?;
        let sets = sets::sets(&scenario)?;
        let rows: Vec<_> = sets.iter().map(|(_, trial)| trial.row()).collect();
        let checks = expect::checks(&scenario.expect, &scenario.transport_names(), &rows)
            .or_else(|problem| refused("expect", problem))?;
        let mut trials = Vec::with_capacity(sets.len() * scenario.load.repeats as usize);
        for repeat in 1..=scenario.load.repeats {
            let mut round: Vec<TrialPlan> = (sets.iter())
                .map(|(load, trial)| TrialPlan {
                    repeat,
                    seed: mix(scenario.seed, u64::from(repeat), *load),
                    ..trial.clone()
                })
                .collect();
            round.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(mix(
                scenario.seed,
                u64::from(repeat),
                u64::MAX,
            )));
            trials.append(&mut round);
        }
        Ok(Plan {
            scenario,
            targets,
            sets: sets.into_iter().map(|(_, trial)| trial).collect(),
            trials,
            checks,
            left_out,
            search: overrides.find_max.as_ref().map(|find| find.dimension),
        })
    }

    /// Of the transport of this name.
    pub fn target_of(&self, name: &str) -> &Target {
        let found = self.targets.iter().find(|(of, _)| of == name);
        found.map_or(&Target::Embedded, |(_, target)| target)
    }

    /// Every (name, parameters) once, in the order of the scenario: the rows of a summary.
    pub fn rows(&self) -> Vec<(String, Parameters)> {
        self.sets.iter().map(TrialPlan::row).collect()
    }

    /// The plan as if it had asked for no more than its first `ran` trials: a run that an
    /// expectation ended is judged by these. A round that was begun does not count.
    pub fn until(&self, ran: usize) -> Plan {
        let mut plan = self.clone();
        plan.trials.truncate(ran);
        let rounds = ran / self.sets.len().max(1);
        plan.scenario.load.repeats = u32::try_from(rounds).unwrap_or(u32::MAX).max(1);
        let rows: Vec<_> = plan.trials.iter().map(TrialPlan::row).collect();
        plan.sets.retain(|set| rows.contains(&set.row()));
        plan
    }

    /// About how long all trials and calibrations take: their phases, and half a second to start and stop a server.
    pub fn estimated_time(&self) -> Duration {
        let trials = self.trials.iter().map(TrialPlan::estimated_time);
        let calibrations = self.calibrations();
        trials
            .chain(calibrations.iter().map(TrialPlan::estimated_time))
            .sum()
    }
}

impl TransportPlan {
    /// With the defaults of its kind.
    pub fn new(kind: Transport) -> Self {
        TransportPlan {
            kind,
            interval: Duration::from_secs(1),
            hold: Duration::from_secs(25),
            resume: true,
            retry: false,
            conditional: false,
            keep_alive: true,
            msgpack: false,
            fallback_after: None,
            headers: Headers::Lean,
            latest: false,
            max_silence: None,
            dialect: Dialect::Pushlab,
            posts: false,
            socketio: SocketioPlan::default(),
        }
    }

    /// Whether a client publishes on the connection it listens on.
    pub fn is_bidirectional(&self) -> bool {
        self.kind.is_bidirectional() && !self.posts
    }

    /// The hold as a long poll asks for it.
    pub fn hold_text(&self) -> String {
        match self.hold {
            whole if whole.subsec_millis() == 0 => format!("{}s", whole.as_secs()),
            other => format!("{}ms", other.as_millis()),
        }
    }
}

impl TrialPlan {
    /// A small trial to begin with: a second of ten events to five clients of one room.
    pub fn new(kind: Transport) -> Self {
        let second = Duration::from_secs(1);
        TrialPlan {
            name: kind.name().to_owned(),
            repeat: 1,
            seed: 1,
            transport: TransportPlan::new(kind),
            clients: 5,
            rooms: 1,
            ramp: Duration::ZERO,
            warm_up: Duration::ZERO,
            duration: second,
            graceful_stop: second * 10,
            publish: PublishPlan {
                rate: 10.0,
                arrivals: Arrivals::Constant,
                payload: 128,
                by: PublishBy::Publisher,
            },
            cuts: Vec::new(),
            link: LinkPlan::default(),
            server: ServerPlan::default(),
            named: false,
        }
    }

    /// Its name and parameters: what its repeats share.
    pub fn row(&self) -> (String, Parameters) {
        (self.name.clone(), self.parameters())
    }

    /// What tells it from other trials of its name.
    pub fn parameters(&self) -> Parameters {
        let kind = self.transport.kind;
        let only_for =
            |fitting: Transport, time: Duration| (kind == fitting).then_some(time.as_secs_f64());
        Parameters {
            clients: self.clients as u64,
            rooms: self.rooms as u64,
            rate: self.publish.rate,
            payload: self.publish.payload as u64,
            interval_s: only_for(Transport::IntervalPolling, self.transport.interval),
            // How long others hold is theirs to say.
            hold_s: only_for(Transport::LongPolling, self.transport.hold)
                .filter(|_| !self.transport.dialect.is_foreign()),
            rtt_s: (!self.link.rtt.is_zero()).then_some(self.link.rtt.as_secs_f64()),
        }
    }

    pub fn estimated_time(&self) -> Duration {
        let polled_out = self.until_asked() * 2;
        // Dialling, asking and being probed; the last event; saying goodbye.
        let round_trips = self.link.rtt * 6;
        let own = self.ramp + self.warm_up + self.duration;
        own + polled_out + round_trips + Duration::from_millis(500)
    }

    /// The longest that a request with an event, or its answer, is on its way there and back.
    pub fn on_the_way(&self) -> Duration {
        const HEADS: usize = 1024;
        self.link.exchange(self.publish.payload + HEADS)
    }

    /// How long an event that the server has may wait to be asked for; nothing it does is slow.
    pub fn until_asked(&self) -> Duration {
        match self.transport.kind {
            Transport::IntervalPolling => self.transport.interval,
            Transport::LongPolling
            | Transport::HttpStreaming
            | Transport::Sse
            | Transport::Websocket
            | Transport::Socketio => Duration::ZERO,
        }
    }
}

/// A seed of its own for each (repeat, load), by the finaliser of SplitMix64 (Steele et al. 2014).
fn mix(seed: u64, repeat: u64, load: u64) -> u64 {
    [repeat, load].into_iter().fold(seed, |state, word| {
        let mut z = (state ^ word).wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    })
}

#[cfg(test)]
mod tests;
