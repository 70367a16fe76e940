//! loadgen's Socket.IO client against the library that defines Socket.IO, on Node: each path, nothing
//! lost, every byte known by its kind. Where node or `npm ci` is missing it says so and passes, except
//! in CI.

// A test fails by it.
#![allow(clippy::unwrap_used)]

mod node;

use loadgen::net::tls::Trust;
use loadgen::plan::{PublishBy, SocketioPlan, TrialPlan};
use loadgen::progress::Live;
use loadgen::results::Trial;
use loadgen::scenario::{Dialect, SocketioPath, TargetEntry};
use loadgen::target::{Described, Source, Target};
use loadgen::trial::{self, Options};
use node::Node;
use pushlab_server::wire::transport::Transport;
use std::collections::BTreeMap;
use std::time::Duration;
use strum::IntoEnumIterator;
use tokio::sync::watch;

fn plan(path: SocketioPath) -> TrialPlan {
    let mut plan = TrialPlan::new(Transport::Socketio);
    plan.clients = 8;
    plan.warm_up = Duration::from_millis(200);
    plan.duration = Duration::from_millis(1500);
    plan.publish.rate = 60.0;
    plan.publish.by = PublishBy::Clients;
    plan.transport.socketio = SocketioPlan {
        path,
        rooms: false,
        ..SocketioPlan::default()
    };
    plan
}

fn run(node: &Node, plan: &TrialPlan) -> Trial {
    run_with(node, plan, BTreeMap::new())
}

/// With what CONNECT bears.
fn run_with(node: &Node, plan: &TrialPlan, auth: BTreeMap<String, String>) -> Trial {
    let target = Target::Described(Box::new(Described {
        url: node.url(),
        admin: None,
        trust: Trust::System,
        source: Source::Runs,
        entry: TargetEntry {
            dialect: Some(Dialect::Socketio),
            auth,
            ..TargetEntry::default()
        },
    }));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (_stop, stopped) = watch::channel(false);
    let options = Options {
        threads: 2,
        program: None,
    };
    let live = Live::default();
    let outcome = runtime.block_on(trial::run_with(plan, &target, &live, stopped, &options));
    outcome.unwrap().trial
}

fn assert_sound(trial: &Trial, path: SocketioPath) {
    let bottleneck = |reason: &String| reason.starts_with("the generator was the bottleneck");
    assert!(
        trial.reasons.iter().all(bottleneck),
        "{path:?}: {:?} {:?}",
        trial.reasons,
        trial.errors
    );
    assert_eq!(trial.errors.len(), 0, "{path:?}: {:?}", trial.errors);
    assert!(trial.published > 50, "{path:?}");
    assert_eq!(trial.delivered, trial.published * trial.clients, "{path:?}");
    let faults = (trial.lost, trial.duplicated, trial.out_of_order);
    assert_eq!(faults, (0, 0, 0), "{path:?}");
    assert_eq!(trial.latency_us.publish_ack.count, trial.published);
    let bytes = &trial.bytes;
    assert_eq!(bytes.by_kind.total(), bytes.up + bytes.down, "{path:?}");
}

#[test]
fn every_path_to_the_real_server_loses_nothing() {
    let Some(node) = Node::start(&[]) else { return };
    for path in SocketioPath::iter() {
        let trial = run(&node, &plan(path));
        assert_sound(&trial, path);
        let parts = trial.latency_us.connect_parts.unwrap();
        assert_eq!(parts.handshake.count, trial.clients, "{path:?}");
        assert_eq!(parts.namespace.count, trial.clients, "{path:?}");
        let upgrades = path == SocketioPath::Upgrade;
        let upgraded = if upgrades { trial.clients } else { 0 };
        assert_eq!(parts.upgrade.count, upgraded, "{path:?}");
        let kinds = &trial.bytes.by_kind;
        assert_eq!(kinds.probes > 0, upgrades, "{path:?}: {kinds:?}");
        assert_eq!(kinds.upgrade > 0, upgrades, "{path:?}: {kinds:?}");
        // A poll that brings an event has heads; a frame has none.
        let polls = path == SocketioPath::Polling;
        assert_eq!(trial.requests > 0, polls, "{path:?}");
        let per_delivery = trial.bytes.per_delivery_by_kind.unwrap();
        assert_eq!(per_delivery["http_headers"] > 0.0, polls, "{path:?}");
        if !polls {
            // 42["event", …] around a string of 128 bytes, in a frame with a header of four.
            let frames = trial.bytes.exchanges.with_event_bytes;
            assert_eq!((frames.least, frames.most), (Some(144), Some(144)));
        }
    }
}

#[test]
fn a_namespace_and_what_it_asks_for() {
    let Some(node) = Node::start(&[]) else { return };
    for path in SocketioPath::iter() {
        let mut plan = plan(path);
        plan.transport.socketio.namespace = "/guarded".to_owned();
        let auth = BTreeMap::from([("token".to_owned(), "abracadabra".to_owned())]);
        assert_sound(&run_with(&node, &plan, auth), path);
        let refused = run(&node, &plan);
        assert_eq!(refused.delivered, 0, "{path:?}");
        assert!(
            refused.errors.contains_key("connect-error"),
            "{path:?}: {:?}",
            refused.errors
        );
    }
}

/// Heartbeats go both ways, whoever carries them.
#[test]
fn heartbeats_are_answered_and_counted() {
    let Some(node) = Node::start(&[("PING_INTERVAL", "200")]) else {
        return;
    };
    for path in SocketioPath::iter() {
        let trial = run(&node, &plan(path));
        assert_sound(&trial, path);
        assert!(trial.bytes.by_kind.keep_alive > 0, "{path:?}");
    }
}

#[test]
fn clients_that_are_cut_come_back() {
    let Some(node) = Node::start(&[]) else { return };
    for path in SocketioPath::iter() {
        let mut plan = plan(path);
        plan.cuts = vec![Duration::from_millis(500)];
        // What is broadcast meanwhile is gone: this server keeps no history.
        plan.graceful_stop = Duration::from_millis(300);
        let trial = run(&node, &plan);
        assert_eq!(
            trial.reconnects, trial.clients,
            "{path:?}: {:?}",
            trial.errors
        );
        assert_eq!((trial.duplicated, trial.away), (0, 0), "{path:?}");
    }
}
