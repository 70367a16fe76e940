//! G2: a server that stands still for 2 s of 10 s delays a fifth of all events, by times uniform on
//! [0, 2 s], on top of what they take anyway. A generator that waited with it would see one slow
//! event (coordinated omission), as the uncorrected column shows.

use crate::lab::{Lab, milliseconds, plan, run_disturbed, turn};
use crate::server::{Script, TruthServer};
use crate::{PUSHED, assert_complete};
use loadgen::plan::TrialPlan;
use loadgen::results::{Distribution, Trial};
use pushlab_server::wire::transport::Transport;
use std::thread;
use std::time::Duration;

const FROZEN: Duration = Duration::from_secs(2);
const AFTER: Duration = Duration::from_secs(3);

/// All four at once: fifty events a second leave the machine idle, and a figure of a second bears
/// what they do to one another.
fn each_frozen(run: impl Fn(&TrialPlan) -> Trial + Sync) {
    let frozen = |kind: Transport| {
        let mut plan = plan(kind);
        plan.publish.rate = 50.0;
        plan.duration = FROZEN * 5;
        run(&plan)
    };
    let trials = thread::scope(|scope| {
        let running = PUSHED.map(|kind| scope.spawn(move || frozen(kind)));
        running.map(|trial| trial.join().unwrap())
    });
    trials.iter().for_each(assert_oracle);
}

fn assert_oracle(trial: &Trial) {
    assert_complete(trial);
    let kind = trial.transport;
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
    // Waiting for a frozen target is latency, never saturation.
    assert!(trial.valid, "{kind}: {:?}", trial.reasons);
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

#[test]
fn a_stopped_process_delays_every_event_that_was_due_meanwhile() {
    let Some(_turn) = turn() else { return };
    each_frozen(|plan| Lab::start().run_frozen(plan, AFTER, FROZEN));
}

#[test]
fn a_server_that_stands_still_delays_them_alike() {
    let Some(_turn) = turn() else { return };
    each_frozen(|plan| {
        let server = TruthServer::start(Script::default());
        run_disturbed(&server.target(), plan, AFTER, || server.freeze(FROZEN))
    });
}
