//! Named promises × every transport, against the real server on a port of its own. Nothing here
//! asserts a duration.

// A test fails by it.
#![allow(clippy::unwrap_used)]

mod dissector;
mod fallback;
mod harness;
mod heads;
mod keep_alive;
mod named;
mod proxy;
mod socketio;
mod tls;
mod trouble;

use harness::{Lab, plan};
use loadgen::plan::{LinkPlan, PublishBy, StallPlan};
use loadgen::results::Trial;
use pushlab_server::wire::transport::Transport;
use std::time::Duration;
use strum::IntoEnumIterator;

/// A machine that is busy with other tests may hold up this one: no duration decides here.
fn assert_valid(trial: &Trial) {
    let mut reasons = trial.reasons.iter();
    assert!(
        reasons.all(|reason| reason.starts_with("the generator was the bottleneck")),
        "{}: {:?} {:?}",
        trial.name,
        trial.reasons,
        trial.errors
    );
}

/// Accounts of a trial that nothing disturbed.
fn assert_sound(trial: &Trial) {
    let name = &trial.name;
    assert_valid(trial);
    assert!(trial.published > 0, "{name}");
    assert_eq!(trial.expected, trial.delivered + trial.lost, "{name}");
    assert_eq!(
        (
            trial.lost,
            trial.duplicated,
            trial.out_of_order,
            trial.missed
        ),
        (0, 0, 0, 0),
        "{name}: {:?}",
        trial.errors
    );
    let bytes = &trial.bytes;
    assert_eq!(bytes.by_kind.total(), bytes.up + bytes.down, "{name}");
    let delivery = &trial.latency_us.delivery;
    assert_eq!(delivery.count, trial.delivered, "{name}");
    assert_eq!(delivery.negative, 0, "{name}");
    assert_eq!(
        trial.latency_us.publish_lag.count, trial.published,
        "{name}"
    );
}

#[test]
fn everything_published_is_delivered_once() {
    for kind in Transport::iter() {
        for by in [PublishBy::Publisher, PublishBy::Clients] {
            let lab = Lab::start(false);
            let mut plan = plan(kind);
            plan.publish.by = by;
            let trial = lab.run(&plan).trial;
            assert_sound(&trial);
            assert_eq!(trial.errors.len(), 0, "{kind}: {:?}", trial.errors);
            assert_eq!(
                trial.latency_us.publish_ack.count, trial.published,
                "{kind}"
            );
            assert_eq!(trial.latency_us.connect.count, trial.clients, "{kind}");
        }
    }
}

/// The seed is the same, and so is what is published.
#[test]
fn threads_deliver_what_tasks_do() {
    let [tasks, threads] = ["tasks", "threads"].map(|mode| {
        let lab = Lab::start_with(&["--hold-on", mode, "--hold-jitter", "0"]);
        let trial = lab.run(&plan(Transport::LongPolling)).trial;
        assert_sound(&trial);
        assert_eq!(trial.errors.len(), 0, "{mode}: {:?}", trial.errors);
        let server = (trial.server.bytes_rx, trial.server.bytes_tx);
        let client = (Some(trial.bytes.up), Some(trial.bytes.down));
        assert_eq!(server, client, "{mode}");
        trial
    });
    assert_eq!(tasks.published, threads.published);
    assert_eq!(tasks.delivered, threads.delivered);
}

#[test]
fn both_ends_count_the_same_bytes() {
    for kind in Transport::iter() {
        let lab = Lab::start(false);
        let trial = lab.run(&plan(kind)).trial;
        assert_sound(&trial);
        assert_eq!(trial.server.bytes_rx, Some(trial.bytes.up), "{kind}");
        assert_eq!(trial.server.bytes_tx, Some(trial.bytes.down), "{kind}");
        let segments = (trial.bytes.ip_up, trial.bytes.ip_down);
        if cfg!(target_os = "linux") {
            assert!(segments.0 > Some(trial.bytes.up), "{kind}");
            assert!(segments.1 > Some(trial.bytes.down), "{kind}");
        }
    }
}

/// Also while the line stalls, jitters and is narrow.
#[test]
fn over_a_line_nothing_is_lost_and_both_ends_count_the_same() {
    let ms = Duration::from_millis;
    let plain = LinkPlan {
        rtt: ms(20),
        ..LinkPlan::default()
    };
    let crooked = LinkPlan {
        jitter: ms(10),
        bytes_per_s: Some(200_000),
        stall: Some(StallPlan {
            every: ms(300),
            lasts: ms(100),
        }),
        ..plain
    };
    for kind in Transport::iter() {
        for (by, link) in [
            (PublishBy::Publisher, &plain),
            (PublishBy::Clients, &plain),
            (PublishBy::Clients, &crooked),
        ] {
            let lab = Lab::start(false);
            let mut plan = plan(kind);
            plan.publish.by = by;
            plan.link = link.clone();
            let trial = lab.run(&plan).trial;
            assert_sound(&trial);
            assert_eq!(trial.errors.len(), 0, "{kind}: {:?}", trial.errors);
            assert_eq!(trial.server.bytes_rx, Some(trial.bytes.up), "{kind}");
            assert_eq!(trial.server.bytes_tx, Some(trial.bytes.down), "{kind}");
            // Never sooner than the line allows, however idle the machine.
            let ways = match by {
                PublishBy::Publisher => 1,
                PublishBy::Clients => 2,
            };
            let least_us = ((plan.link.rtt / 2 - plan.link.jitter) * ways).as_micros() as i64;
            assert!(trial.latency_us.delivery.min >= Some(least_us), "{kind}");
        }
    }
}

#[test]
fn a_bare_server_is_measured_too() {
    for kind in Transport::iter() {
        let lab = Lab::start(true);
        let mut plan = plan(kind);
        plan.server.bare = true;
        plan.publish.payload = 100;
        let trial = lab.run(&plan).trial;
        assert_sound(&trial);
        assert_eq!(trial.server.bytes_tx, Some(trial.bytes.down), "{kind}");
        if kind == Transport::Websocket {
            let frames = trial.bytes.exchanges.with_event_bytes;
            assert_eq!((frames.least, frames.most), (Some(102), Some(102)));
        }
    }
}

#[test]
fn cut_connections_resume_without_a_loss() {
    for kind in Transport::iter() {
        let lab = Lab::start(false);
        let mut plan = plan(kind);
        plan.duration = Duration::from_millis(1500);
        plan.cuts = vec![Duration::from_millis(300), Duration::from_millis(800)];
        let trial = lab.run(&plan).trial;
        assert_sound(&trial);
        assert_eq!(
            trial.reconnects,
            2 * trial.clients,
            "{kind}: {:?}",
            trial.errors
        );
    }
}

/// The time until the last is back runs from the cut; an EventSource that heeds `retry:` is away for at
/// least the second that the server asks for.
#[test]
fn a_return_is_timed_from_the_cut() {
    for (kind, retry, shortest) in [
        (Transport::Websocket, false, 10_000),
        (Transport::LongPolling, false, 10_000),
        (Transport::Sse, true, 1_000_000),
    ] {
        let lab = Lab::start(false);
        let mut plan = plan(kind);
        plan.transport.retry = retry;
        plan.cuts = vec![Duration::from_millis(300)];
        let trial = lab.run(&plan).trial;
        assert_sound(&trial);
        let recovery = &trial.latency_us.recovery;
        assert_eq!((recovery.count, trial.away), (trial.clients, 0), "{kind}");
        assert!(recovery.min >= Some(shortest), "{kind}: {recovery:?}");
    }
}

/// What is on its way when a connection is cut is gone, and comes again.
#[test]
fn cut_connections_resume_over_a_line_too() {
    for kind in Transport::iter() {
        let lab = Lab::start(false);
        let mut plan = plan(kind);
        plan.link.rtt = Duration::from_millis(60);
        plan.duration = Duration::from_millis(1200);
        plan.cuts = vec![Duration::from_millis(400)];
        let trial = lab.run(&plan).trial;
        assert_sound(&trial);
        assert_eq!(
            trial.reconnects, trial.clients,
            "{kind}: {:?}",
            trial.errors
        );
    }
}

/// An event that waits for the next poll is late, not lost, however short the grace.
#[test]
fn the_drain_waits_for_the_next_poll() {
    let lab = Lab::start(false);
    let mut plan = plan(Transport::IntervalPolling);
    plan.transport.interval = Duration::from_millis(1500);
    plan.graceful_stop = Duration::from_millis(400);
    assert_sound(&lab.run(&plan).trial);
}

#[test]
fn clients_that_forget_their_place_lose_and_say_so() {
    let lab = Lab::start(false);
    let mut plan = plan(Transport::Websocket);
    plan.transport.resume = false;
    plan.publish.rate = 400.0;
    plan.graceful_stop = Duration::from_millis(300);
    plan.cuts = vec![Duration::from_millis(300)];
    let trial = lab.run(&plan).trial;
    assert_valid(&trial);
    assert!(trial.lost > 0);
    assert_eq!(trial.expected, trial.delivered + trial.lost);
    assert_eq!(trial.duplicated, 0);
}

#[test]
fn messagepack_carries_the_same_events() {
    let lab = Lab::start(false);
    let mut plan = plan(Transport::Websocket);
    plan.transport.msgpack = true;
    assert_sound(&lab.run(&plan).trial);
}

#[test]
fn the_timeline_has_every_delivery() {
    let lab = Lab::start(false);
    let outcome = lab.run(&plan(Transport::Sse));
    let in_window: u64 = (outcome.timeline.iter())
        .filter(|row| row.second >= 0)
        .map(|row| row.deliveries)
        .sum();
    assert!(in_window >= outcome.trial.delivered, "{in_window}");
    assert!(outcome.timeline.iter().any(|row| row.second < 0));
}

#[test]
fn a_refused_publish_is_counted_and_not_due() {
    let lab = Lab::start(false);
    for by in [PublishBy::Publisher, PublishBy::Clients] {
        let mut plan = plan(Transport::Websocket);
        plan.publish.by = by;
        plan.publish.payload = 70_000;
        let trial = lab.run(&plan).trial;
        assert!(!trial.valid);
        assert!(
            trial.errors.contains_key("publish-413"),
            "{:?}",
            trial.errors
        );
        assert!(
            trial.reasons[0].contains("publish-413"),
            "{:?}",
            trial.reasons
        );
    }
}

#[test]
fn a_stopped_trial_keeps_what_it_measured() {
    let lab = Lab::start(false);
    let mut plan = plan(Transport::LongPolling);
    plan.duration = Duration::from_secs(60);
    let trial = lab.run_for(&plan, Duration::from_secs(2)).trial;
    assert!(!trial.valid);
    assert_eq!(trial.reasons[0], "interrupted");
    assert!(trial.delivered > 0);
    assert_eq!(trial.expected, trial.delivered + trial.lost);
    assert_eq!(
        trial.bytes.by_kind.total(),
        trial.bytes.up + trial.bytes.down
    );
}

#[test]
fn without_a_server_there_is_no_trial_but_a_reason() {
    let lab = Lab::start(false);
    let plan = plan(Transport::Sse);
    lab.stop();
    let trial = lab.run_for(&plan, Duration::from_secs(1)).trial;
    assert!(!trial.valid);
    assert_eq!((trial.published, trial.delivered), (0, 0));
    assert!(
        trial.errors.contains_key("connect-connection-refused"),
        "{:?}",
        trial.errors
    );
}

/// The embedded server of this test kills itself when it has served for a while.
#[cfg(unix)]
#[test]
fn a_server_that_dies_ends_the_trial_at_once() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("mortal-server");
    let loadgen = env!("CARGO_BIN_EXE_loadgen");
    let script = format!("#!/bin/sh\n(sleep 1; kill -9 $$) &\nexec '{loadgen}' \"$@\"\n");
    std::fs::write(&program, script).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut plan = plan(Transport::Websocket);
    plan.duration = Duration::from_secs(600);
    let trial = harness::run_embedded(&plan, program).trial;
    assert!(!trial.valid);
    assert_eq!(
        trial.reasons[0],
        "the server ended during the trial (signal 9)"
    );
    assert_eq!(trial.expected, trial.delivered + trial.lost);
    assert_eq!(
        trial.bytes.by_kind.total(),
        trial.bytes.up + trial.bytes.down
    );
}
