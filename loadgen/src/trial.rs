//! One trial: connect, barrier, warm-up, measure, drain, close.

use crate::plan::TrialPlan;
use crate::progress::Live;
use crate::results::{TimelineRow, Trial};
use crate::target::Target;
use tokio::sync::watch;

/// What one trial found. `TimelineRow::trial` is left 0 for the caller to fill in.
pub struct Outcome {
    pub trial: Trial,
    pub timeline: Vec<TimelineRow>,
}

/// Why a trial could not begin at all. What goes wrong after that is part of the [`Outcome`].
#[derive(Debug, thiserror::Error)]
pub enum TrialError {}

/// Runs `plan` against `target`. When `stop` turns true the trial ends early, keeps what it
/// measured and says so in its reasons.
pub async fn run(
    _plan: &TrialPlan,
    _target: &Target,
    _live: &Live,
    _stop: watch::Receiver<bool>,
) -> Result<Outcome, TrialError> {
    Err(match () {
        () => std::process::abort(),
    })
}
