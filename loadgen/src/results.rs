//! What a run found, as it stands in `results.json` (these names are fixed: programs read them). Everything
//! that a report shows can be drawn from this alone. Durations and bytes carry their unit in the
//! name; a figure that could not be taken is `null`, never 0.

mod exchanges;
mod model;
mod capacity;
mod expectation;
mod published;
mod schema;

pub use capacity::{Capacity, CapacityStep, Dimension, Limit, Side};
pub use exchanges::{Exchanges, Spread};
pub use expectation::{Expectation, Operator, Unit};
pub use model::{Calibration, Floor, Holds, ModelFigure, ModelRow};
pub use published::{PublishedRow, Quoted};
pub use schema::{SCHEMA_NAME, schema_text};

use pushlab_server::wire::transport::Transport;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub const SCHEMA_VERSION: u32 = 1;

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Results {
    /// Names the schema, for editors and whoever checks.
    #[serde(rename = "$schema", default = "schema::name")]
    pub schema: String,
    pub schema_version: u32,
    /// UTC, RFC 3339.
    pub generated_at: String,
    /// The scenario as resolved: every default filled in.
    pub scenario: serde_json::Value,
    pub environment: Environment,
    pub verdict: Verdict,
    /// True when the run was stopped by a signal before all trials ended.
    #[serde(default)]
    pub interrupted: bool,
    pub trials: Vec<Trial>,
    pub summary: Vec<SummaryRow>,
    pub timeline: Vec<TimelineRow>,
    #[serde(default)]
    pub expectations: Vec<Expectation>,
    /// Of `--find-max`; the summary then has each transport at its maximum.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capacity: Vec<Capacity>,
    #[serde(default)]
    pub model: Vec<ModelRow>,
    /// Apart from `trials`: what the floor of the model was taken from.
    #[serde(default)]
    pub calibration: Vec<Calibration>,
    #[serde(default)]
    pub published: Vec<PublishedRow>,
    #[serde(default)]
    pub predicted: Vec<Prediction>,
}

/// The machine and the programs; never the command line, which may hold secrets.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    pub loadgen_version: String,
    /// `release` or `debug`: how loadgen, and with it the embedded server, was built.
    #[serde(default)]
    pub profile: String,
    #[serde(default)]
    pub rustc: String,
    pub git_revision: Option<String>,
    /// Whether tracked files differed from it.
    #[serde(default)]
    pub git_dirty: Option<bool>,
    pub os: String,
    pub kernel: Option<String>,
    pub cpu: Option<String>,
    #[serde(default)]
    pub cpu_governor: Option<String>,
    /// Of the minute before the run.
    #[serde(default)]
    pub load_average: Option<f64>,
    pub cores: usize,
    pub memory_bytes: Option<u64>,
    pub fd_limit: Option<u64>,
    pub clock: String,
    /// Sysctls that bear on sockets, by name.
    pub sysctls: BTreeMap<String, String>,
    /// `embedded` or the target's URL without credentials and query.
    pub target: String,
    pub target_version: Option<String>,
    /// The nginx between clients and server, such as `nginx/1.22.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    pub labels: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    pub valid: bool,
    pub reasons: Vec<String>,
}

/// The parameters that tell one trial of a name from another.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Parameters {
    pub clients: u64,
    pub rooms: u64,
    /// Events per second over all rooms.
    pub rate: f64,
    /// Bytes of `data`.
    pub payload: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interval_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_s: Option<f64>,
    /// Of the emulated link; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt_s: Option<f64>,
}

impl Parameters {
    /// Those of the load alone, whichever transport and line carry it.
    pub fn load(&self) -> Parameters {
        Parameters {
            interval_s: None,
            hold_s: None,
            rtt_s: None,
            ..self.clone()
        }
    }
}

/// One transport, one set of parameters, one fresh server.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Trial {
    pub name: String,
    #[schemars(schema_with = "schema::kinds")]
    pub transport: Transport,
    pub parameters: Parameters,
    pub clients: u64,
    /// From 1.
    pub repeat: u32,
    pub valid: bool,
    pub reasons: Vec<String>,
    /// Length of the measure window, in seconds.
    pub window_s: f64,
    /// Events whose intended instant lies in the measure window and that the server took.
    pub published: u64,
    /// `published` × the subscribers of each event's room.
    pub expected: u64,
    pub delivered: u64,
    pub lost: u64,
    pub duplicated: u64,
    pub repeated: u64,
    pub out_of_order: u64,
    /// Events that the server said it no longer had.
    pub missed: u64,
    /// Connections cut and opened again.
    #[serde(default)]
    pub reconnects: u64,
    /// Clients that lost their connection and were not back when the trial ended.
    #[serde(default)]
    pub away: u64,
    pub errors: BTreeMap<String, u64>,
    /// Requests in the measure window, publishing aside.
    pub requests: u64,
    /// Of these, answered without an event.
    pub empty_responses: u64,
    /// Connections opened in the measure window, publishing aside.
    #[serde(default)]
    pub connects: u64,
    /// Deliveries received while the measure window was open: the divisor of `per_delivery`.
    pub window_deliveries: u64,
    pub latency_us: Latencies,
    pub bytes: Bytes,
    /// Bytes a client's sockets carried in one second, over clients and seconds of the window.
    pub bandwidth_bytes_per_s: Distribution,
    pub server: ServerFigures,
    pub generator: GeneratorFigures,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Latencies {
    /// Receipt − intended publish.
    pub delivery: Distribution,
    /// Receipt − actual send.
    pub uncorrected: Distribution,
    /// Actual send − intended publish.
    pub publish_lag: Distribution,
    /// Answer to a publish − actual send.
    pub publish_ack: Distribution,
    /// Connected and greeted − start of the connect.
    pub connect: Distribution,
    /// What that was made of; of Socket.IO alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_parts: Option<ConnectParts>,
    /// Back and greeted − the cut, or the instant at which the client noticed that it was cut off: its
    /// maximum is how long it took until the last one was back.
    #[serde(default)]
    pub recovery: Distribution,
}

/// The parts of connecting by Socket.IO. A WebSocket is tried out beside the rest, so they overlap;
/// what they leave of the whole is the join of a room.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct ConnectParts {
    /// The session's first packet − start of the connect.
    pub handshake: Distribution,
    /// The WebSocket has taken over − its start; empty without an upgrade.
    pub upgrade: Distribution,
    /// The answer to CONNECT, which asks for a namespace − the session's first packet.
    pub namespace: Distribution,
}

/// A histogram and its usual figures. `hdr` is base64 of HDR V2Deflate and holds the samples that
/// are not negative; `negative` counts the others, which `min`, `mean` and the percentiles take in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Distribution {
    pub count: u64,
    pub negative: u64,
    pub min: Option<i64>,
    pub mean: Option<f64>,
    pub p50: Option<i64>,
    pub p75: Option<i64>,
    pub p90: Option<i64>,
    pub p95: Option<i64>,
    pub p99: Option<i64>,
    pub p999: Option<i64>,
    pub max: Option<i64>,
    pub hdr: String,
}

/// Bytes below HTTP and TLS, over the whole life of the trial's connections.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Bytes {
    pub up: u64,
    pub down: u64,
    /// With TCP and IP headers, from the kernel's segment counts.
    pub ip_up: Option<u64>,
    pub ip_down: Option<u64>,
    pub publish: UpDown,
    pub by_kind: ByKind,
    /// Bytes in the measure window over deliveries in it, publishing aside.
    pub per_delivery: Option<f64>,
    /// The same, split.
    pub per_delivery_by_kind: Option<BTreeMap<String, f64>>,
    /// The bytes of `per_delivery` with TCP and IP headers; absent where the kernel does not tell, and
    /// where clients publish on the connection that they listen on.
    #[serde(default)]
    pub ip_per_delivery: Option<f64>,
    /// TCP segments both ways in the measure window, of the same connections.
    #[serde(default)]
    pub segments: Option<u64>,
    #[serde(default)]
    pub exchanges: Exchanges,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UpDown {
    pub up: u64,
    pub down: u64,
}

/// Exclusive kinds that add up to `up + down` (publishing included, under its own kinds).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ByKind {
    /// The event objects.
    pub payload: u64,
    /// What wraps an event in a body: chunk lines, SSE fields, frame headers, the poll envelope.
    pub framing: u64,
    /// Request and response heads that are not of another kind.
    pub http_headers: u64,
    /// The whole exchange of a poll that brought nothing.
    pub empty_polls: u64,
    /// Upgrade request and answer, first requests of streams, hello, close.
    pub handshake: u64,
    /// Heartbeats both ways.
    pub keep_alive: u64,
    /// Engine.IO and Socket.IO around an event, in a body or a frame: packet types, event and room names,
    /// separators, the growth of base64.
    #[serde(default)]
    pub packets: u64,
    /// What tries a WebSocket out before Socket.IO goes on by it, and the polls answered meanwhile.
    #[serde(default)]
    pub probes: u64,
    /// Request and answer that open that WebSocket.
    pub upgrade: u64,
    pub tls: u64,
}

impl ByKind {
    pub fn total(&self) -> u64 {
        self.entries().iter().map(|(_, bytes)| bytes).sum()
    }

    /// In the order that charts stack them.
    pub fn entries(&self) -> [(&'static str, u64); 10] {
        [
            ("payload", self.payload),
            ("framing", self.framing),
            ("http_headers", self.http_headers),
            ("empty_polls", self.empty_polls),
            ("handshake", self.handshake),
            ("keep_alive", self.keep_alive),
            ("packets", self.packets),
            ("probes", self.probes),
            ("upgrade", self.upgrade),
            ("tls", self.tls),
        ]
    }
}

/// From `/lab/usage`; all absent where the target does not tell.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct ServerFigures {
    /// CPU seconds in the measure window.
    pub cpu_s: Option<f64>,
    pub cpu_s_per_million: Option<f64>,
    pub rss_start: Option<u64>,
    pub rss_ready: Option<u64>,
    pub rss_per_connection: Option<f64>,
    pub threads: Option<u64>,
    pub context_switches: Option<u64>,
    /// Measured connections that had sent something, and all open files, when every client was ready.
    #[serde(default)]
    pub connections: Option<u64>,
    #[serde(default)]
    pub fds: Option<u64>,
    /// Over the trial's whole connections, as the server's sockets counted.
    pub bytes_rx: Option<u64>,
    pub bytes_tx: Option<u64>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct GeneratorFigures {
    /// CPU seconds of loadgen in the measure window.
    pub cpu_s: Option<f64>,
    pub cpu_s_per_million: Option<f64>,
    pub rss_start: Option<u64>,
    pub rss_ready: Option<u64>,
    pub rss_per_client: Option<f64>,
    pub threads: u64,
    /// Open files when every client was ready.
    #[serde(default)]
    pub fds: Option<u64>,
    /// The floor of the harness: receipt − intended publish of events that crossed no socket.
    #[serde(default)]
    pub control_us: Distribution,
}

/// Median over valid repeats, with a 95 % interval (bootstrap over repeats).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Figure {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct SummaryRow {
    pub name: String,
    #[schemars(schema_with = "schema::kinds")]
    pub transport: Transport,
    pub parameters: Parameters,
    /// Valid repeats behind the figures, and all that ran.
    pub repeats_valid: u32,
    pub repeats: u32,
    /// Sums over valid repeats.
    pub counts: Counts,
    /// Repeats that stand apart from the others; they count all the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub outliers: Vec<Outlier>,
    /// By figure name, such as `latency_p50_us`, `bytes_per_delivery`, `server_cpu_s_per_million`;
    /// a figure that no repeat has is absent.
    #[serde(flatten)]
    pub figures: BTreeMap<String, Figure>,
}

/// A repeat whose value of a figure is far from those of the other repeats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Outlier {
    pub repeat: u32,
    pub figure: String,
    pub value: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    pub published: u64,
    pub expected: u64,
    pub delivered: u64,
    pub lost: u64,
    pub duplicated: u64,
    pub repeated: u64,
    pub out_of_order: u64,
    pub missed: u64,
    pub errors: u64,
}

/// One second of one trial, counted from the opening of the measure window.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct TimelineRow {
    /// Index into `trials`.
    pub trial: usize,
    /// Negative during warm-up.
    pub second: i64,
    pub deliveries: u64,
    pub p50_us: Option<i64>,
    pub p99_us: Option<i64>,
    pub max_us: Option<i64>,
    /// Bytes up and down, publishing included.
    pub bytes: u64,
    /// base64 of HDR V2Deflate, to two digits: the delivery latencies of events received in this
    /// second.
    pub hdr: String,
}

/// What `validate` says a trial will need.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Prediction {
    pub name: String,
    #[schemars(schema_with = "schema::kinds")]
    pub transport: Transport,
    pub parameters: Parameters,
    pub connections: u64,
    pub fds_generator: u64,
    pub fds_server: u64,
    pub deliveries_per_s: f64,
    pub requests_per_s: Option<f64>,
    pub bytes_per_s: Option<f64>,
}

/// The figures of a summary row, by name; latencies in microseconds.
pub const FIGURES: [&str; 40] = [
    "latency_mean_us",
    "latency_p50_us",
    "latency_p75_us",
    "latency_p90_us",
    "latency_p95_us",
    "latency_p99_us",
    "latency_p999_us",
    "latency_max_us",
    "uncorrected_p50_us",
    "uncorrected_p99_us",
    "publish_lag_p99_us",
    "publish_ack_p50_us",
    "publish_ack_p99_us",
    "connect_p50_us",
    "connect_p99_us",
    "connect_handshake_p50_us",
    "connect_handshake_p99_us",
    "connect_namespace_p50_us",
    "connect_namespace_p99_us",
    "connect_upgrade_p50_us",
    "connect_upgrade_p99_us",
    "recovery_p50_us",
    "recovery_max_us",
    "bytes_per_delivery",
    "ip_bytes_per_delivery",
    "overhead_bytes_per_delivery",
    "delivered_share",
    "requests_per_delivery",
    "connects_per_request",
    "empty_share",
    "deliveries_per_s",
    "bandwidth_mean_bytes_per_s",
    "server_cpu_s_per_million",
    "server_rss_per_connection",
    "server_threads",
    "server_context_switches_per_delivery",
    "generator_cpu_s_per_million",
    "generator_rss_per_client",
    "control_p50_us",
    "control_p99_us",
];
