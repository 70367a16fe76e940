//! The calibrations of a run: how much of a latency is the harness and the machine, before anything
//! is compared. A calibration that does not count leaves its load without a floor; it spoils no trial.

use crate::plan::Plan;
use crate::progress::{Display, Live};
use crate::results::{Calibration, Floor, Trial};
use crate::scenario::units::grouped;
use crate::trial::{self, Options, TrialError};
use std::sync::Arc;
use tokio::sync::watch;

pub(super) async fn calibrate(
    plan: &Plan,
    display: Display,
    options: &Options,
    stop: &watch::Receiver<bool>,
) -> Result<Vec<Calibration>, TrialError> {
    let mut found = Vec::new();
    for planned in plan.calibrations() {
        if *stop.borrow() {
            break;
        }
        let live = Arc::new(Live::default());
        let headline = format!("calibration · {} clients", grouped(planned.clients as u64));
        let watch = display.begin(headline, planned.estimated_time(), Arc::clone(&live));
        match trial::run_with(&planned, &plan.target, &live, stop.clone(), options).await {
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
