//! Intended instants of a trial's events. (Stands in until the real one is merged.)

use crate::plan::PublishPlan;
use std::time::Duration;

/// Offsets from the origin of all events over `length`, ascending.
pub fn instants(publish: &PublishPlan, length: Duration, _seed: u64) -> Vec<Duration> {
    let count = (publish.rate * length.as_secs_f64()).floor() as u64;
    (0..count)
        .map(|k| Duration::from_secs_f64((k as f64 + 0.5) / publish.rate))
        .collect()
}
