//! What `--find-max` found for one transport: every step of the climb, the greatest load that held,
//! and what stood in the way of more.

use super::Parameters;
use pushlab_server::wire::transport::Transport;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Capacity {
    pub name: String,
    #[schemars(schema_with = "super::schema::kinds")]
    pub transport: Transport,
    /// At the maximum; those of the start where not even that held.
    pub parameters: Parameters,
    /// What was raised.
    pub dimension: Dimension,
    /// What every step had to keep, as written.
    pub slo: Vec<String>,
    /// Clients or events per second; absent where not even the start held.
    pub maximum: Option<f64>,
    /// Absent while the search is under way, or where it was stopped.
    pub limit: Option<Limit>,
    pub steps: Vec<CapacityStep>,
}

#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema,
    clap::ValueEnum,
    strum::Display,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Dimension {
    /// Simulated browsers
    Clients,
    /// Events per second over all rooms
    Rate,
}

/// Why there is no more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Limit {
    pub side: Side,
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Side {
    /// The server's workers had no CPU left, or publishes were taken too slowly.
    Server,
    /// loadgen could not measure more: the transport may bear it.
    Generator,
    /// CPU, file descriptors or ports of this machine, which both ends share.
    Machine,
    /// Clients could not connect, or lost the server.
    Connections,
    /// The expectation failed with nobody at work to the full.
    Slo,
    /// The search ended before it found a limit.
    Search,
}

/// One trial of the search.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CapacityStep {
    pub load: f64,
    /// Index into `trials`.
    pub trial: usize,
    pub holds: bool,
    pub p99_us: Option<i64>,
    pub deliveries_per_s: Option<f64>,
    /// CPU of the embedded server over that of its workers.
    pub server_cpu_share: Option<f64>,
    /// CPU of server and generator over that of the machine, where both run on it.
    pub machine_cpu_share: Option<f64>,
    /// Expectations that failed and reasons for which the trial does not count.
    pub failures: Vec<String>,
}
