//! The calibrations of a run: how much of a latency is the harness and the machine, before anything
//! is compared. A calibration that does not count leaves its load without a floor; it spoils no trial.

use super::Session;
use crate::plan::Plan;
use crate::progress::Live;
use crate::results::{Calibration, Floor, Trial};
use crate::scenario::units::grouped;
use crate::trial::{self, TrialError};
use std::sync::Arc;

pub(super) async fn calibrate(
    plan: &Plan,
    session: &Session<'_>,
) -> Result<Vec<Calibration>, TrialError> {
    let mut found = Vec::new();
    for planned in plan.calibrations() {
        if *session.stop.borrow() {
            break;
        }
        let live = Arc::new(Live::default());
        let headline = format!("calibration · {} clients", grouped(planned.clients as u64));
        let watch = session
            .display
            .begin(headline, planned.estimated_time(), Arc::clone(&live));
        let stop = session.stop.clone();
        let target = plan.target_of_calibration(&planned);
        match trial::run_with(&planned, target, &live, stop, session.options).await {
            Ok(outcome) => {
                let calibration = of(outcome.trial);
                watch.end(&format!("floor {:.0} µs", calibration.floor.mean_us));
                found.push(calibration);
            }
            Err(error) => {
                watch.end("could not begin");
                return Err(error);
            }
        }
    }
    Ok(found)
}

fn of(trial: Trial) -> Calibration {
    let latency = &trial.latency_us.delivery;
    let whole = |value: Option<i64>| value.unwrap_or(0) as f64;
    Calibration {
        valid: trial.valid && latency.count > 0,
        floor: Floor {
            mean_us: latency.mean.unwrap_or(0.0),
            p50_us: whole(latency.p50),
            p99_us: whole(latency.p99),
        },
        parameters: trial.parameters.load(),
        deliveries: trial.delivered,
        reasons: trial.reasons,
    }
}
