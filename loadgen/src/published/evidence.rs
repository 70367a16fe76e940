//! What a run measured, as the tables ask for it: the median over valid trials of one name, or of one
//! set of its parameters.

use crate::merged::Merged;
use crate::results::{Parameters, Results, Spread, Trial};
use crate::statistics;
use pushlab_server::wire::transport::Transport;

pub(super) struct Evidence<'a> {
    trials: Vec<&'a Trial>,
}

impl<'a> Evidence<'a> {
    pub(super) fn of(results: &'a Results) -> Evidence<'a> {
        Evidence {
            trials: results.trials.iter().filter(|trial| trial.valid).collect(),
        }
    }

    /// Those of one transport of the scenario, by its name.
    pub(super) fn named(&self, name: &str) -> Evidence<'a> {
        self.only(|trial| trial.name == name)
    }

    pub(super) fn at(&self, parameters: &Parameters) -> Evidence<'a> {
        self.only(|trial| trial.parameters == *parameters)
    }

    pub(super) fn only(&self, wanted: impl Fn(&Trial) -> bool) -> Evidence<'a> {
        let trials = self.trials.iter().copied();
        Evidence {
            trials: trials.filter(|trial| wanted(trial)).collect(),
        }
    }

    /// Every set of parameters that ran, in the order of `figure`.
    pub(super) fn sets(&self, figure: impl Fn(&Parameters) -> f64) -> Vec<&'a Parameters> {
        let mut sets: Vec<&Parameters> = Vec::new();
        for trial in &self.trials {
            if !sets.contains(&&trial.parameters) {
                sets.push(&trial.parameters);
            }
        }
        sets.sort_by(|a, b| figure(a).total_cmp(&figure(b)));
        sets
    }

    pub(super) fn first(&self) -> Option<&'a Trial> {
        self.trials.first().copied()
    }

    pub(super) fn median(&self, figure: impl Fn(&Trial) -> Option<f64>) -> Option<f64> {
        let values: Vec<f64> = self
            .trials
            .iter()
            .filter_map(|trial| figure(trial))
            .collect();
        statistics::median(&values)
    }

    /// The size that all exchanges of all trials had; their mean where they differ, which is then no
    /// whole number.
    pub(super) fn size(&self, spread: impl Fn(&Trial) -> Spread) -> Option<f64> {
        let mut sum = Spread::default();
        self.trials.iter().for_each(|trial| sum.add(spread(trial)));
        match (sum.least, sum.most) {
            (Some(least), Some(most)) if least == most => Some(least as f64),
            _ => sum.mean(),
        }
    }

    /// Of all delivery latencies, in milliseconds.
    pub(super) fn quantile_ms(&self, quantile: f64) -> Option<f64> {
        let latencies = self.trials.iter().map(|trial| &trial.latency_us.delivery);
        let merged = Merged::of(latencies)?;
        merged.at(quantile).map(|us| us as f64 / 1000.0)
    }
}

pub(super) fn mean_ms(trial: &Trial) -> Option<f64> {
    trial.latency_us.delivery.mean.map(|us| us / 1000.0)
}

pub(super) fn p50_ms(trial: &Trial) -> Option<f64> {
    trial.latency_us.delivery.p50.map(|us| us as f64 / 1000.0)
}

pub(super) fn max_ms(trial: &Trial) -> Option<f64> {
    trial.latency_us.delivery.max.map(|us| us as f64 / 1000.0)
}

pub(super) fn requests_per_s(trial: &Trial) -> Option<f64> {
    per_second(trial, trial.requests as f64 * whole_events(trial)?)
}

/// Of the events that were due in the window, whenever they came.
pub(super) fn deliveries_per_s(trial: &Trial) -> Option<f64> {
    per_second(trial, trial.delivered as f64)
}

/// What follows events comes at their instants, and one of those may be the window's edge, which then
/// cuts through a broadcast: counts of such traffic are for whole events. Polls on a beat of their own
/// are spread over the window.
fn whole_events(trial: &Trial) -> Option<f64> {
    match trial.transport {
        Transport::IntervalPolling => Some(1.0),
        Transport::LongPolling
        | Transport::HttpStreaming
        | Transport::Sse
        | Transport::Websocket
        | Transport::Socketio => {
            let received = trial.window_deliveries;
            (received > 0).then(|| trial.delivered as f64 / received as f64)
        }
    }
}

fn received_per_s(trial: &Trial) -> Option<f64> {
    per_second(trial, trial.window_deliveries as f64 * whole_events(trial)?)
}

/// Publishing aside.
pub(super) fn app_bytes_per_s(trial: &Trial) -> Option<f64> {
    Some(trial.bytes.per_delivery? * received_per_s(trial)?)
}

pub(super) fn ip_bytes_per_s(trial: &Trial) -> Option<f64> {
    Some(trial.bytes.ip_per_delivery? * received_per_s(trial)?)
}

fn per_second(trial: &Trial, count: f64) -> Option<f64> {
    (trial.window_s > 0.0).then(|| count / trial.window_s)
}

/// Decimal megabits.
pub(super) fn megabits(bytes: f64) -> f64 {
    bytes * 8.0 / 1e6
}

/// Where the line through measured points, in ascending order of x, crosses 0.
pub(super) fn crossing(points: &[(f64, f64)]) -> Option<f64> {
    let pairs = points.windows(2);
    let mut crossings = pairs.filter_map(|pair| {
        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
        (y0 * y1 <= 0.0 && y0 != y1).then(|| x0 + (x1 - x0) * y0 / (y0 - y1))
    });
    crossings.next()
}
