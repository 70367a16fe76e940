//! G1: a server that holds each event for a time D. Nothing may be seen below D, the median lies
//! within 2 ms and the floor above it, and how long a run takes changes nothing.

use crate::lab::{milliseconds, plan, run, turn};
use crate::server::{Script, TruthServer};
use crate::{PUSHED, assert_complete, kolmogorov, median, p50_ms};
use loadgen::plan::{Arrivals, TrialPlan};
use loadgen::results::Trial;
use pushlab_server::wire::transport::Transport;
use std::time::Duration;

const DELAYS_MS: [u64; 3] = [5, 50, 500];

fn held(plan: &TrialPlan, delay_ms: u64) -> Trial {
    let script = Script {
        delay: Duration::from_millis(delay_ms),
        ..Script::default()
    };
    let trial = run(&TruthServer::start(script).target(), plan);
    assert_complete(&trial);
    let (latency, name) = (&trial.latency_us, &trial.name);
    // Samples are events, no more and no less, each from its plan.
    assert_eq!(
        trial.expected,
        trial.published * plan.subscribers(),
        "{name}"
    );
    assert_eq!(latency.delivery.count, trial.expected, "{name}");
    assert_eq!(latency.publish_lag.count, trial.published, "{name}");
    assert!(
        milliseconds(latency.delivery.min) >= delay_ms as f64,
        "{name}: an event came before {delay_ms} ms"
    );
    trial
}

trait Rooms {
    fn subscribers(&self) -> u64;
}

impl Rooms for TrialPlan {
    /// Of each room.
    fn subscribers(&self) -> u64 {
        (self.clients / self.rooms) as u64
    }
}

fn pushed(kind: Transport) -> TrialPlan {
    let mut plan = plan(kind);
    plan.clients = 8;
    plan.rooms = 4;
    plan.ramp = Duration::from_millis(50);
    plan.warm_up = Duration::from_millis(200);
    plan.duration = Duration::from_millis(1_500);
    plan
}

/// The best of three medians: what else the machine does is no fault of the generator's.
#[test]
fn a_known_delay_is_measured_as_it_is() {
    let Some(_turn) = turn() else { return };
    for kind in PUSHED {
        let plan = pushed(kind);
        let floor = median((0..3).map(|_| p50_ms(&held(&plan, 0))).collect());
        for delay_ms in DELAYS_MS {
            let truth = delay_ms as f64;
            let within = truth..=truth + 2.0 + floor;
            let tries = (0..3).map(|_| p50_ms(&held(&plan, delay_ms)));
            let mut seen = Vec::new();
            let found = tries
                .inspect(|p50| seen.push(*p50))
                .find(|p50| within.contains(p50));
            println!("{kind}, D = {delay_ms} ms: p50 {seen:.3?} ms, floor {floor:.3} ms");
            assert!(found.is_some(), "{kind}, D = {delay_ms} ms: {seen:?}");
        }
    }
}

/// Interval polling adds its own wait, uniform on [0, T] (G4), to the delay.
#[test]
fn interval_polling_adds_its_wait_to_a_known_delay() {
    let Some(_turn) = turn() else { return };
    const INTERVAL_MS: f64 = 100.0;
    let mut plan = plan(Transport::IntervalPolling);
    plan.clients = 120;
    plan.rooms = 120;
    plan.publish.rate = 1_200.0;
    plan.publish.arrivals = Arrivals::Poisson;
    plan.transport.interval = Duration::from_millis(INTERVAL_MS as u64);
    plan.duration = Duration::from_secs(4);
    let mut push = plan.clone();
    push.transport.kind = Transport::Sse;
    let floor = p50_ms(&held(&push, 0));
    for delay_ms in DELAYS_MS {
        let polled = held(&plan, delay_ms);
        let known = delay_ms as f64 + floor;
        let waits = kolmogorov::Sample::of(&polled.latency_us.delivery, known);
        let (distance, p) = waits.against_uniform(INTERVAL_MS);
        let wait = p50_ms(&polled) - known;
        println!(
            "interval polling, D = {delay_ms} ms: n = {}, p50 = D + {floor:.3} + {wait:.2} ms, KS D = {distance:.4}, p = {p:.4}",
            waits.count()
        );
        assert!(waits.count() >= 3_500);
        assert!(p > 0.001, "D = {delay_ms} ms: p = {p}");
        // Four standard errors of a median of 4,800.
        assert!((wait / (INTERVAL_MS / 2.0) - 1.0).abs() < 0.06, "{wait} ms");
    }
}

/// A tool that takes the life of a connection for a latency grows with the run.
#[test]
fn a_longer_run_has_the_same_latency() {
    let Some(_turn) = turn() else { return };
    for kind in PUSHED {
        let mut plan = pushed(kind);
        let p50 = |plan: &TrialPlan| median((0..3).map(|_| p50_ms(&held(plan, 5))).collect());
        plan.duration = Duration::from_millis(500);
        let short = p50(&plan);
        plan.duration *= 5;
        let long = p50(&plan);
        println!("{kind}: p50 {short:.3} ms in 0.5 s, {long:.3} ms in 2.5 s");
        assert!((short - long).abs() < 1.0, "{kind}: {short} and {long} ms");
    }
}
