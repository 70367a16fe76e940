//! Whether events are sent when the plan says, and answers are taken when they come.

use crate::lab::{Lab, milliseconds, plan, turn};
use crate::{assert_complete, median, p50_ms};
use loadgen::plan::Arrivals;
use pushlab_server::wire::transport::Transport;
use std::time::Duration;

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
