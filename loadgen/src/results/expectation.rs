//! What came of one expectation on one transport and one set of parameters, as `results.json` has
//! it. It holds what was written and what was found; how it was judged is `expect.rs`' to know.

use super::Parameters;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Expectation {
    /// As written: `websocket.latency.p99 < 50ms`.
    pub expression: String,
    pub name: String,
    pub parameters: Parameters,
    /// `latency.p99`, `lost`, …
    pub figure: String,
    /// Of both `threshold` and `measured`.
    pub unit: Unit,
    pub operator: Operator,
    /// The right side as a number; absent if it names a figure that could not be measured.
    pub threshold: Option<f64>,
    pub measured: Option<f64>,
    pub holds: bool,
    /// Why there is nothing to compare; such an expectation does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Whether it ended the run.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub aborted: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Microseconds.
    Us,
    /// Seconds, of CPU.
    S,
    Bytes,
    BytesPerS,
    PerS,
    Count,
    /// From 0 to 1, as a rule.
    Share,
    Ratio,
}

impl Unit {
    /// Of a figure, by the ending that names it.
    pub fn of(figure: &str) -> Unit {
        match figure {
            "deliveries_per_s" => Unit::PerS,
            _ if figure.ends_with("_us") => Unit::Us,
            _ if figure.ends_with("_bytes_per_s") => Unit::BytesPerS,
            _ if figure.contains("cpu_s") => Unit::S,
            _ if figure.ends_with("_share") => Unit::Share,
            _ if figure.contains("bytes") || figure.contains("rss") => Unit::Bytes,
            _ => Unit::Ratio,
        }
    }
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
    strum::Display,
    strum::EnumString,
)]
pub enum Operator {
    #[serde(rename = "<")]
    #[strum(serialize = "<")]
    Below,
    #[serde(rename = "<=")]
    #[strum(serialize = "<=")]
    AtMost,
    #[serde(rename = ">")]
    #[strum(serialize = ">")]
    Above,
    #[serde(rename = ">=")]
    #[strum(serialize = ">=")]
    AtLeast,
    /// k6 also writes `===`.
    #[serde(rename = "==")]
    #[strum(to_string = "==", serialize = "===")]
    Equal,
    #[serde(rename = "!=")]
    #[strum(serialize = "!=")]
    Unequal,
}

impl Operator {
    pub fn holds(self, measured: f64, threshold: f64) -> bool {
        match self {
            Operator::Below => measured < threshold,
            Operator::AtMost => measured <= threshold,
            Operator::Above => measured > threshold,
            Operator::AtLeast => measured >= threshold,
            Operator::Equal => measured == threshold,
            Operator::Unequal => measured != threshold,
        }
    }
}
