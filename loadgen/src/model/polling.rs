//! Interval polling with a fixed period and a random phase.

use super::{Coming, Forecast, Law, Situation};

pub(super) fn forecast(situation: &Situation) -> Forecast {
    let rate = 1.0 / situation.interval_s;
    let empty = empty_share(situation);
    let bytes = empty.map(|empty| situation.polled_bytes(rate, empty));
    Forecast {
        latency: latency(situation),
        requests_per_s: Some(rate),
        empty_share: empty,
        delivered_share: delivered_share(situation),
        // A latest-value answer carries one event however many came: not these formulas.
        app_bytes_per_s: bytes
            .filter(|_| !situation.latest_value)
            .map(|(app, _)| app),
        ip_bytes_per_s: bytes.filter(|_| !situation.latest_value).map(|(_, ip)| ip),
    }
}

fn latency(situation: &Situation) -> Option<Law> {
    let (d, period) = (situation.transit_s, situation.interval_s);
    match situation.coming {
        Coming::Bursts => None,
        Coming::Poisson | Coming::Beat { .. } if !situation.latest_value => {
            Some(Law::evenly(d, period))
        }
        Coming::Poisson => Some(Law::Youngest {
            from_s: d,
            width_s: period,
            rate_per_s: situation.events_per_s,
        }),
        Coming::Beat { chance: 1.0 } => {
            Some(Law::evenly(d, period.min(1.0 / situation.events_per_s)))
        }
        Coming::Beat { .. } => None,
    }
}

/// Poisson: e^(−λT). On a beat, T·beats = m + f whole and part: m beats fall into an interval, m + 1
/// with chance f, and all pass the room by; for a room that gets them all this is max(0, 1 − λT).
fn empty_share(situation: &Situation) -> Option<f64> {
    let heard = situation.events_per_s * situation.interval_s;
    if heard == 0.0 {
        return Some(1.0);
    }
    match situation.coming {
        Coming::Bursts => None,
        Coming::Poisson => Some((-heard).exp()),
        Coming::Beat { chance } => {
            let beats = situation.beats_per_s(chance) * situation.interval_s;
            let passed_by = (1.0 - chance).powi(beats.floor() as i32);
            Some(passed_by * (1.0 - beats.fract() * chance))
        }
    }
}

fn delivered_share(situation: &Situation) -> Option<f64> {
    let heard = situation.events_per_s * situation.interval_s;
    if !situation.latest_value || heard == 0.0 {
        return Some(1.0);
    }
    match situation.coming {
        Coming::Poisson => Some(latest_value_share(heard)),
        Coming::Beat { .. } => empty_share(situation).map(|empty| (1.0 - empty) / heard),
        Coming::Bursts => None,
    }
}

/// (1b) Poisson: the share of events that a latest-value server ever tells of, `heard` = λT.
pub fn latest_value_share(heard: f64) -> f64 {
    -(-heard).exp_m1() / heard
}

/// (1b) A history of `ring` events: E[min(K, Q)]/(λT) with K Poisson of mean λT = `heard`.
pub fn ring_share(heard: f64, ring: u32) -> f64 {
    let mut chance = (-heard).exp();
    let mut short_by = 0.0;
    for events in 0..ring {
        short_by += chance * f64::from(ring - events);
        chance *= heard / f64::from(events + 1);
    }
    (f64::from(ring) - short_by) / heard
}
