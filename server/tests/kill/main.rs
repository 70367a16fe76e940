//! The kill-test: a seeded proxy breaks connections at random points, clients come back with their
//! cursor, and what they received must equal what was published: event for event, or with gaps that
//! say exactly what is not there. `PUSHLAB_KILL_POINTS=10000` breaks so many per transport;
//! `PUSHLAB_KILL_SEED` draws the points of an earlier run again.

#![allow(clippy::unwrap_used)]

// It belongs to the bytes tests; not all of it is needed here.
#[allow(dead_code)]
#[path = "../bytes/harness.rs"]
mod harness;
mod points;
mod proxy;
mod line;
mod journal;
mod clients;
mod publisher;
mod count;
mod ordeal;
mod writers;

use ordeal::{LONG_HISTORY, Ordeal};
use pushlab_server::wire::transport::Transport;
use std::time::Duration;
use writers::By;

fn survives(transport: Transport) {
    let report = Ordeal {
        name: transport.name(),
        transports: vec![transport],
        history: LONG_HISTORY,
        share_of_points: 1.0,
        events: 0,
        pause: Duration::from_millis(4),
    }
    .run();
    assert_eq!(report.missed, 0, "a history that keeps all has no gap");
}

#[test]
fn interval_polling_loses_nothing() {
    survives(Transport::IntervalPolling);
}

#[test]
fn long_polling_loses_nothing() {
    survives(Transport::LongPolling);
}

#[test]
fn http_streaming_loses_nothing() {
    survives(Transport::HttpStreaming);
}

#[test]
fn sse_loses_nothing() {
    survives(Transport::Sse);
}

#[test]
fn websocket_loses_nothing() {
    survives(Transport::Websocket);
}

/// Another transport at each return, the cursor handed over.
#[test]
fn switching_transports_loses_nothing() {
    let report = Ordeal {
        name: "switching",
        transports: Transport::in_rooms().collect(),
        history: LONG_HISTORY,
        share_of_points: 1.0,
        events: 0,
        pause: Duration::from_millis(4),
    }
    .run();
    assert_eq!(report.missed, 0, "a history that keeps all has no gap");
}

/// A client that stalls comes back to a history that has gone on without it.
#[test]
fn a_short_history_says_exactly_what_was_missed() {
    for transport in Transport::in_rooms() {
        let report = Ordeal {
            name: &format!("{transport} and a short history"),
            transports: vec![transport],
            history: 30,
            share_of_points: 0.2,
            events: 250,
            pause: Duration::from_millis(2),
        }
        .run();
        assert!(report.missed > 0, "no gap was met, so nothing was shown");
    }
}

#[test]
fn what_is_posted_again_is_published_once() {
    writers::write("publishing by POST", By::Post);
}

#[test]
fn what_is_said_again_is_published_once() {
    writers::write("publishing by WebSocket", By::Websocket);
}
