//! G4: what interval polling costs follows from its interval alone.

use crate::lab::{Lab, plan, turn};
use crate::{assert_complete, kolmogorov, p50_ms};
use loadgen::plan::Arrivals;
use pushlab_server::wire::transport::Transport;
use std::time::Duration;

/// Every T = 200 ms at a phase of its own, each client asks for events that come at instants of a
/// Poisson process: they have waited for a time uniform on [0, T] (PASTA). A room a client, so that
/// no two samples share an event.
#[test]
fn interval_polling_waits_uniformly() {
    let Some(_turn) = turn() else { return };
    const INTERVAL_MS: f64 = 200.0;
    const CLIENTS: usize = 350;
    const RATE: f64 = 1_400.0;
    let set_up = |kind| {
        let mut plan = plan(kind);
        plan.clients = CLIENTS;
        plan.rooms = CLIENTS;
        plan.publish.rate = RATE;
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
    let p50 = p50_ms(&polled) - floor;
    let empty = polled.empty_responses as f64 / polled.requests as f64;
    // Nothing has come in an interval.
    let truth = (-RATE / CLIENTS as f64 * INTERVAL_MS / 1_000.0).exp();
    let tolerance = 3.0 * (truth * (1.0 - truth) / polled.requests as f64).sqrt();
    println!(
        "interval polling, T = {INTERVAL_MS} ms: n = {}, floor {floor:.3} ms, p50 {p50:.2} ms, KS D = {distance:.4}, p = {p:.4}; {:.2} % of {} polls empty, {:.2} % ± {:.2} by the formula",
        waits.count(),
        100.0 * empty,
        polled.requests,
        100.0 * truth,
        100.0 * tolerance,
    );
    assert!(waits.count() >= 3_500);
    assert!(p > 0.001, "the waits are not uniform: p = {p}");
    assert!(
        (p50 / (INTERVAL_MS / 2.0) - 1.0).abs() < 0.03,
        "a median wait of {p50} ms"
    );
    assert!((empty - truth).abs() < tolerance, "{empty} against {truth}");
}
