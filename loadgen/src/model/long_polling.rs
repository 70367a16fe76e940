//! Long polling with every waiting event in one answer.

use super::{Coming, Forecast, Law, Situation};

/// Socket.IO: the server's ping ends a hold, and is answered by a POST. These are heartbeats, whose
/// bytes are in no formula.
pub(super) fn packets(situation: &Situation) -> Forecast {
    let mut forecast = forecast(situation);
    if let (Some(requests), Some(empty)) = (forecast.requests_per_s, forecast.empty_share) {
        let full = requests * (1.0 - empty);
        let (app, ip) = situation.polled_bytes(full, 0.0);
        forecast.app_bytes_per_s = Some(app);
        forecast.ip_bytes_per_s = Some(ip);
        forecast.requests_per_s = Some(requests * (1.0 + empty));
        forecast.empty_share = Some(empty / (1.0 + empty));
    }
    forecast
}

/// Rate of requests and empty share for one way of coming.
struct Pace {
    requests_per_s: f64,
    empty: f64,
    /// z, the share of events that find a request waiting.
    at_once: f64,
}

pub(super) fn forecast(situation: &Situation) -> Forecast {
    let pace = match situation.coming {
        _ if situation.events_per_s == 0.0 => Some(idle(situation)),
        Coming::Poisson => Some(poisson(situation)),
        Coming::Beat { chance } => on_a_beat(situation, chance),
        Coming::Bursts => None,
    }
    // What waits for a request is cut to one event: no closed form but where nothing waits.
    .filter(|pace| !situation.latest_value || pace.at_once == 1.0);
    let bytes = (pace.as_ref()).map(|pace| situation.polled_bytes(pace.requests_per_s, pace.empty));
    Forecast {
        latency: pace.as_ref().map(|pace| Law::Spread {
            from_s: situation.transit_s,
            width_s: situation.gap_s,
            at_once: pace.at_once,
        }),
        requests_per_s: pace.as_ref().map(|pace| pace.requests_per_s),
        empty_share: pace.as_ref().map(|pace| pace.empty),
        delivered_share: pace.as_ref().map(|_| 1.0),
        app_bytes_per_s: bytes.map(|(app, _)| app),
        ip_bytes_per_s: bytes.map(|(_, ip)| ip),
    }
}

/// Every request waits its hold out.
fn idle(situation: &Situation) -> Pace {
    Pace {
        requests_per_s: 1.0 / (situation.gap_s + situation.hold_s),
        empty: 1.0,
        at_once: 1.0,
    }
}

/// r = 1/(R + a(1 − e^(−λH))/λ), a = e^(−λR); empty share e^(−λ(R + H)); z = 1 − rR.
fn poisson(situation: &Situation) -> Pace {
    let (rate, gap, hold) = (situation.events_per_s, situation.gap_s, situation.hold_s);
    let held = (-rate * gap).exp() * -(-rate * hold).exp_m1() / rate;
    let requests_per_s = 1.0 / (gap + held);
    Pace {
        requests_per_s,
        empty: (-rate * (gap + hold)).exp(),
        at_once: 1.0 - requests_per_s * gap,
    }
}

/// Beats further apart than the gap all find a request waiting. Closer beats, if all are the
/// room's, find something in every gap: requests go back to back. Otherwise no closed form.
fn on_a_beat(situation: &Situation, chance: f64) -> Option<Pace> {
    let (rate, gap, hold) = (situation.events_per_s, situation.gap_s, situation.hold_s);
    let between = 1.0 / situation.beats_per_s(chance);
    let holds_to_the_next = between <= gap + hold;
    match between > gap {
        // A hold that ends before the next event moves the grid of requests: not worked out.
        true if chance == 1.0 && !holds_to_the_next => None,
        // Beats that pass the room by may outlast a hold; as rare as e^(−λH).
        true if chance < 1.0 && (-rate * hold).exp() > 1e-3 => None,
        true => Some(Pace {
            requests_per_s: rate,
            empty: 0.0,
            at_once: 1.0,
        }),
        false if chance == 1.0 => Some(Pace {
            requests_per_s: 1.0 / gap,
            empty: 0.0,
            at_once: 0.0,
        }),
        false => None,
    }
}

/// One message a response is a queue with fixed service R (M/D/1, ρ = λR): the mean, or `None`
/// where it has no end. Other moments and quantiles are not closed.
pub fn one_a_response_mean_s(transit_s: f64, events_per_s: f64, gap_s: f64) -> Option<f64> {
    let load = events_per_s * gap_s;
    (load < 1.0).then(|| transit_s + load * gap_s / (2.0 * (1.0 - load)))
}

/// Messages a second that one message a response can carry.
pub fn one_a_response_capacity(gap_s: f64) -> f64 {
    1.0 / gap_s
}
