//! What the model says of each row of a run, beside what was measured, and the calibration that the
//! comparison rests on. Latencies in microseconds.

use super::Parameters;
use crate::model::Law;
use pushlab_server::wire::transport::Transport;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A trial before the others, of WebSocket without an emulated line: what server, client and machine
/// add at this load where the model has d = 0. Its figures are the floor.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Calibration {
    /// Of the load: those of a transport are absent.
    pub parameters: Parameters,
    pub valid: bool,
    pub reasons: Vec<String>,
    pub deliveries: u64,
    pub floor: Floor,
}

/// Delivery latency where the model says 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Floor {
    pub mean_us: f64,
    pub p50_us: f64,
    pub p99_us: f64,
}

/// One (name, parameters).
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ModelRow {
    pub name: String,
    #[schemars(schema_with = "super::schema::kinds")]
    pub transport: Transport,
    pub parameters: Parameters,
    /// n: events published in the windows of valid repeats. Deliveries of one event are not
    /// independent samples.
    pub events: u64,
    /// Subtracted from measured latency, and allowed for once more; absent without a calibration.
    pub floor: Option<Floor>,
    /// The model's latency without the floor, the publisher's way up included; absent where there is
    /// no closed form, and `notes` say why.
    pub latency: Option<Law>,
    pub figures: Vec<ModelFigure>,
    pub notes: Vec<String>,
}

/// A figure of the summary by its name there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelFigure {
    pub figure: String,
    pub model: f64,
    /// Over all valid repeats together; latency less its floor.
    pub measured: Option<f64>,
    /// What measured may be if the model holds.
    pub low: f64,
    pub high: f64,
    pub verdict: Holds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, strum::Display)]
#[serde(rename_all = "kebab-case")]
pub enum Holds {
    #[strum(serialize = "holds")]
    Holds,
    #[strum(serialize = "does not")]
    DoesNot,
    /// Below 1,000 events nothing is decided.
    #[strum(serialize = "too few events")]
    TooFewEvents,
}

impl ModelRow {
    pub fn figure(&self, name: &str) -> Option<&ModelFigure> {
        self.figures.iter().find(|figure| figure.figure == name)
    }

    /// Of all figures together: one that does not hold decides.
    pub fn verdict(&self) -> Option<Holds> {
        let any = |verdict| self.figures.iter().any(|figure| figure.verdict == verdict);
        [Holds::DoesNot, Holds::TooFewEvents, Holds::Holds]
            .into_iter()
            .find(|verdict| any(*verdict))
    }
}
