//! Socket.IO on each of its paths: the promises of every kind, bytes three times counted, and each kind
//! of them where it belongs.

use crate::assert_sound;
use crate::harness::{Lab, plan as any_plan, run_embedded};
use crate::proxy::Proxy;
use loadgen::plan::{LinkPlan, PublishBy, TrialPlan, TroublePlan};
use loadgen::results::Trial;
use loadgen::scenario::{Blocking, SocketioPath};
use pushlab_server::wire::transport::Transport;
use std::time::Duration;
use strum::IntoEnumIterator;

fn plan(path: SocketioPath) -> TrialPlan {
    let mut plan = any_plan(Transport::Socketio);
    plan.name = format!("socketio by {}", path.name());
    plan.transport.socketio.path = path;
    plan
}

fn assert_counted_alike(trial: &Trial) {
    let name = &trial.name;
    assert_sound(trial);
    assert_eq!(trial.errors.len(), 0, "{name}: {:?}", trial.errors);
    let server = (trial.server.bytes_rx, trial.server.bytes_tx);
    let client = (Some(trial.bytes.up), Some(trial.bytes.down));
    assert_eq!(client, server, "{name}");
}

#[test]
fn every_path_delivers_once_and_three_counts_agree() {
    for path in SocketioPath::iter() {
        for (by, piece) in [
            (PublishBy::Publisher, 16 * 1024),
            (PublishBy::Clients, 16 * 1024),
            (PublishBy::Clients, 7),
        ] {
            let lab = Lab::start(false);
            let proxy = Proxy::start(lab.public(), piece);
            let mut plan = plan(path);
            plan.publish.by = by;
            let trial = lab.run_through(proxy.address, &plan).trial;
            assert_counted_alike(&trial);
            let bytes = &trial.bytes;
            assert_eq!((bytes.up, bytes.down), proxy.counted(), "{}", trial.name);
            assert!(bytes.publish.up > 0 && bytes.publish.up < bytes.up);
            assert_eq!(trial.latency_us.publish_ack.count, trial.published);
        }
    }
}

#[test]
fn packets_probes_and_the_change_are_kinds_of_their_own() {
    for path in SocketioPath::iter() {
        let lab = Lab::start(false);
        let trial = lab.run(&plan(path)).trial;
        assert_counted_alike(&trial);
        let kinds = &trial.bytes.by_kind;
        let upgrades = path == SocketioPath::Upgrade;
        assert!(kinds.packets > 0 && kinds.handshake > 0, "{kinds:?}");
        assert_eq!(kinds.probes > 0, upgrades, "{}: {kinds:?}", trial.name);
        assert_eq!(kinds.upgrade > 0, upgrades, "{}: {kinds:?}", trial.name);
        let parts = trial.latency_us.connect_parts.unwrap();
        let counts = [&parts.handshake, &parts.namespace].map(|part| part.count);
        assert_eq!(counts, [trial.clients; 2], "{}", trial.name);
        let upgraded = if upgrades { trial.clients } else { 0 };
        assert_eq!(parts.upgrade.count, upgraded, "{}", trial.name);
    }
}

/// `42["event",x]` and a frame's header, to the byte.
#[test]
fn an_event_of_a_bare_server_costs_12_bytes_and_its_frame() {
    for path in [SocketioPath::Websocket, SocketioPath::Upgrade] {
        let lab = Lab::start(true);
        let mut plan = plan(path);
        plan.server.bare = true;
        plan.publish.payload = 100;
        let trial = lab.run(&plan).trial;
        assert_counted_alike(&trial);
        let frames = trial.bytes.exchanges.with_event_bytes;
        assert_eq!((frames.least, frames.most), (Some(114), Some(114)));
        assert_eq!(trial.bytes.by_kind.packets % 12, 0);
        // A frame that was read when the window began or ended, and not yet understood, is all payload.
        let edges = (2 * trial.clients * 12) as f64 / trial.delivered as f64;
        let each = trial.bytes.per_delivery_by_kind.unwrap();
        assert!((each["payload"] - 100.0).abs() <= edges, "{each:?}");
        assert!((each["packets"] - 12.0).abs() <= edges, "{each:?}");
        assert_eq!(each["framing"], 2.0);
    }
}

#[test]
fn every_path_crosses_a_line_and_tls() {
    for path in SocketioPath::iter() {
        let mut plan = plan(path);
        plan.publish.by = PublishBy::Clients;
        let secure = Lab::start_secure(&[]).run(&plan).trial;
        assert_counted_alike(&secure);
        assert!(secure.bytes.by_kind.tls > 0, "{}", secure.name);
        plan.link = LinkPlan {
            rtt: Duration::from_millis(20),
            ..LinkPlan::default()
        };
        assert_counted_alike(&Lab::start(false).run(&plan).trial);
    }
}

#[test]
fn every_path_comes_back_to_its_place() {
    for path in SocketioPath::iter() {
        let lab = Lab::start(false);
        let mut plan = plan(path);
        plan.duration = Duration::from_millis(1500);
        plan.cuts = vec![Duration::from_millis(300), Duration::from_millis(800)];
        let trial = lab.run(&plan).trial;
        assert_sound(&trial);
        assert_eq!(
            trial.reconnects,
            2 * trial.clients,
            "{}: {:?}",
            trial.name,
            trial.errors
        );
    }
}

#[test]
fn heartbeats_are_answered_on_every_path_and_cost_what_the_model_says() {
    for path in SocketioPath::iter() {
        let lab = Lab::start_with(&["--eio-ping-interval", "200ms"]);
        let mut plan = plan(path);
        plan.transport.max_silence = Some(Duration::from_millis(1500));
        plan.publish.rate = 5.0;
        let trial = lab.run(&plan).trial;
        assert_counted_alike(&trial);
        let bytes = trial.bytes.by_kind.keep_alive;
        assert!(bytes > 0, "{}", trial.name);
        if path == SocketioPath::Websocket {
            // Three bytes down and seven up, each time.
            assert_eq!(bytes % 10, 0);
        }
    }
}

/// Without a WebSocket a client of Socket.IO stays where it is, and nobody waits for that.
#[test]
fn a_blocked_upgrade_leaves_polling() {
    for blocking in [Blocking::Refuse, Blocking::Swallow] {
        let mut plan = plan(SocketioPath::Upgrade);
        plan.server.trouble = TroublePlan {
            block_upgrade: Some(blocking),
            ..TroublePlan::default()
        };
        let trial = run_embedded(&plan, env!("CARGO_BIN_EXE_loadgen").into()).trial;
        assert_sound(&trial);
        assert_eq!(
            trial.errors["upgrade-blocked"], trial.clients,
            "{blocking:?}"
        );
        assert_eq!(trial.errors.len(), 1, "{blocking:?}: {:?}", trial.errors);
        assert!(trial.requests > 0, "{blocking:?}");
        // The first event does not wait for a WebSocket that never comes.
        let connect = trial.latency_us.connect.max.unwrap();
        assert!(connect < 9_000_000, "{blocking:?}: {connect}");
    }
}
