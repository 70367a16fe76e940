//! Truth tests: set-ups whose right answer is known beforehand, measured on the wall clock. They are
//! the one place where a wall-clock figure decides, so they run serially, optimised, and only where
//! asked for: `PUSHLAB_TRUTH=1 cargo test -p loadgen --test truth --release -- --nocapture`; or in CI.

// A test fails by it.
#![allow(clippy::unwrap_used)]

mod lab;
mod server;
mod kolmogorov;
mod null_path;
mod published;
mod link;
mod known_delay;
mod freeze;
mod faults;
mod polling;
mod bytes;
mod pacing;
mod saturation;
mod simulation;
mod merge;

use lab::milliseconds;
use loadgen::results::Trial;
use pushlab_server::wire::transport::Transport;

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
