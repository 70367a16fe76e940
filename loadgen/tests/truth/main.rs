//! Truth tests: set-ups whose right answer is known beforehand, measured on the wall clock. They are
//! the one place where a wall-clock figure decides, so they run serially, optimised, and only where
//! asked for: `PUSHLAB_TRUTH=1 cargo test -p loadgen --test truth --release -- --nocapture`.

// A test fails by it.
#![allow(clippy::unwrap_used)]

mod lab;
mod kolmogorov;
mod null_path;
mod published;
mod link;

use lab::{Lab, milliseconds, plan, turn};
use loadgen::plan::Arrivals;
use loadgen::results::{Distribution, Trial};
use pushlab_server::wire::transport::Transport;
use std::time::Duration;

const PUSHED: [Transport; 4] = [
    Transport::LongPolling,
    Transport::HttpStreaming,
    Transport::Sse,
    Transport::Websocket,
];

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn p50_ms(trial: &Trial) -> f64 {
    milliseconds(trial.latency_us.delivery.p50)
}

fn assert_complete(trial: &Trial) {
    assert!(
        trial.delivered > 0,
        "{:?} {:?}",
        trial.reasons,
        trial.errors
    );
    assert_eq!((trial.lost, trial.delivered), (0, trial.expected));
}

/// Every T = 200 ms at a phase of its own, each client asks for events that come at instants of a
/// Poisson process: they have waited for a time uniform on [0, T] (PASTA). A room a client, so that
/// no two samples share an event.
#[test]
fn interval_polling_waits_uniformly() {
    let Some(_turn) = turn() else { return };
    const INTERVAL_MS: f64 = 200.0;
    let set_up = |kind| {
        let mut plan = plan(kind);
        plan.clients = 350;
        plan.rooms = 350;
        plan.publish.rate = 700.0;
        plan.publish.arrivals = Arrivals::Poisson;
        plan.transport.interval = Duration::from_millis(INTERVAL_MS as u64);
        plan.duration = Duration::from_secs(10);
        plan
    };
    let pushed = Lab::start().run(&set_up(Transport::Sse));
    let polled = Lab::start().run(&set_up(Transport::IntervalPolling));
    assert_complete(&pushed);
    assert_complete(&polled);
    let floor = p50_ms(&pushed);
    let waits = kolmogorov::Sample::of(&polled.latency_us.delivery, floor);
    let (distance, p) = waits.against_uniform(INTERVAL_MS);
    let mean = polled.latency_us.delivery.mean.unwrap() / 1000.0 - floor;
    println!(
        "interval polling, T = {INTERVAL_MS} ms: n = {}, floor {floor:.3} ms, mean {mean:.2} ms, KS D = {distance:.4}, p = {p:.4}",
        waits.count()
    );
    assert!(waits.count() >= 3_500);
    assert!(p > 0.001, "the waits are not uniform: p = {p}");
    assert!(
        (mean / (INTERVAL_MS / 2.0) - 1.0).abs() < 0.03,
        "a mean wait of {mean} ms"
    );
}

/// At a low rate the next long poll always waits already, so nothing tells it from a stream.
#[test]
fn long_polling_at_a_low_rate_is_as_fast_as_sse() {
    let Some(_turn) = turn() else { return };
    let p50 = |kind| {
        let mut plan = plan(kind);
        plan.clients = 20;
        plan.rooms = 20;
        plan.publish.rate = 50.0;
        plan.publish.arrivals = Arrivals::Poisson;
        plan.duration = Duration::from_secs(4);
        let trial = Lab::start().run(&plan);
        assert_complete(&trial);
        p50_ms(&trial)
    };
    let pairs: Vec<(f64, f64)> = (0..3)
        .map(|_| (p50(Transport::LongPolling), p50(Transport::Sse)))
        .collect();
    let (held, streamed): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
    println!("p50, ms: long polling {held:.3?}, SSE {streamed:.3?}");
    let difference = median(held) - median(streamed);
    assert!(difference.abs() < 0.5, "they differ by {difference} ms");
}

/// A server that stands still for 2 s of 10 s delays a fifth of all events, by times uniform on
/// [0, 2 s], on top of what they take anyway. A generator that waited with it would see one slow event (coordinated omission).
#[test]
fn a_freeze_delays_every_event_that_was_due_in_it() {
    let Some(_turn) = turn() else { return };
    const FROZEN: Duration = Duration::from_secs(2);
    for kind in PUSHED {
        let mut plan = plan(kind);
        plan.publish.rate = 50.0;
        plan.duration = FROZEN * 5;
        let lab = Lab::start();
        let trial = lab.run_frozen(&plan, Duration::from_secs(3), FROZEN);
        assert_complete(&trial);
        let (corrected, raw) = (&trial.latency_us.delivery, &trial.latency_us.uncorrected);
        println!(
            "{kind}, frozen: {}; uncorrected: {}",
            shown(corrected),
            shown(raw)
        );
        let about = |figure: f64, truth: f64| (figure / truth - 1.0).abs() <= 0.05;
        assert!(milliseconds(corrected.p75) < 50.0, "{kind}");
        assert!(about(milliseconds(corrected.p90), 1_000.0), "{kind}");
        assert!(about(milliseconds(corrected.p99), 1_900.0), "{kind}");
        let mean = corrected.mean.unwrap() / 1000.0 - milliseconds(corrected.p50);
        assert!((mean - 200.0).abs() <= 10.0, "{kind}");
        assert!(milliseconds(raw.p90) < 100.0, "{kind}");
    }
}

fn shown(figures: &Distribution) -> String {
    format!(
        "p50 {:.1} ms, p75 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, mean {:.2} ms",
        milliseconds(figures.p50),
        milliseconds(figures.p75),
        milliseconds(figures.p90),
        milliseconds(figures.p99),
        figures.mean.unwrap() / 1000.0
    )
}

/// The best of three: what else the machine does is no fault of the pacer's.
#[test]
fn events_are_sent_when_they_are_due() {
    let Some(_turn) = turn() else { return };
    let lag = || {
        let mut plan = plan(Transport::Websocket);
        plan.publish.rate = 500.0;
        plan.duration = Duration::from_secs(4);
        let trial = Lab::start().run(&plan);
        assert_complete(&trial);
        let (lag, answer) = (&trial.latency_us.publish_lag, &trial.latency_us.publish_ack);
        println!(
            "publish lag at 500/s: p50 {:.3} ms, p99 {:.3} ms; answers p99 {:.3} ms",
            milliseconds(lag.p50),
            milliseconds(lag.p99),
            milliseconds(answer.p99)
        );
        milliseconds(lag.p99)
    };
    let best = (0..3).map(|_| lag()).fold(f64::MAX, f64::min);
    assert!(best < 1.0, "the best p99 is {best} ms");
}
