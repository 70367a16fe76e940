//! G5: bytes to the byte. The truth server's own framing is known, and so is what its sockets
//! carried; the contract tests hold the same counts against a proxy in the middle.

use crate::assert_complete;
use crate::lab::{plan, run, turn};
use crate::server::{Script, TruthServer};
use loadgen::plan::TrialPlan;
use loadgen::results::Trial;
use pushlab_server::wire::transport::Transport;
use std::time::Duration;

/// Payloads at the edges of frame and chunk lengths.
const PAYLOADS: [usize; 6] = [125, 126, 247, 248, 65_535, 65_536];

fn bare(kind: Transport, payload: usize) -> TrialPlan {
    let mut plan = plan(kind);
    plan.server.bare = true;
    plan.publish.payload = payload;
    plan.clients = 4;
    plan.rooms = 2;
    plan.ramp = Duration::ZERO;
    // Half-way between two events: none is on its way when the window opens or closes.
    plan.warm_up = Duration::from_millis(110);
    plan.duration = Duration::from_millis(400);
    plan.transport.interval = Duration::from_millis(50);
    plan
}

fn carried(plan: &TrialPlan) -> Trial {
    let server = TruthServer::start(Script {
        bare: plan.server.bare,
        ..Script::default()
    });
    let trial = run(&server.target(), plan);
    assert_complete(&trial);
    let bytes = &trial.bytes;
    let name = &trial.name;
    assert_eq!((bytes.up, bytes.down), server.carried(), "{name}");
    assert_eq!(bytes.by_kind.total(), bytes.up + bytes.down, "{name}");
    assert_eq!(bytes.by_kind.tls + bytes.by_kind.upgrade, 0, "{name}");
    trial
}

/// Bytes of an event on the wire beyond its payload.
fn framing(kind: Transport, payload: usize) -> Option<usize> {
    let chunk = |content: usize| format!("{content:x}").len() + 4;
    match kind {
        Transport::Websocket => Some(match payload {
            0..=125 => 2,
            126..=65_535 => 4,
            _ => 10,
        }),
        // `data: ` and two line ends.
        Transport::Sse => Some(8 + chunk(payload + 8)),
        Transport::HttpStreaming => Some(1 + chunk(payload + 1)),
        // What is polled comes with heads, and many at once.
        Transport::IntervalPolling | Transport::LongPolling | Transport::Socketio => None,
    }
}

#[test]
fn a_pushed_event_costs_its_payload_and_its_framing() {
    let Some(_turn) = turn() else { return };
    for payload in PAYLOADS {
        for kind in Transport::in_rooms() {
            let Some(framing) = framing(kind, payload) else {
                continue;
            };
            let trial = carried(&bare(kind, payload));
            let truth = (payload + framing) as f64;
            println!("{kind}, n = {payload}: {:?} B", trial.bytes.per_delivery);
            assert_eq!(
                trial.bytes.per_delivery,
                Some(truth),
                "{kind}, n = {payload}"
            );
            let by_kind = trial.bytes.per_delivery_by_kind.unwrap();
            assert_eq!(by_kind["payload"], payload as f64, "{kind}, n = {payload}");
            assert_eq!(by_kind["framing"], framing as f64, "{kind}, n = {payload}");
        }
    }
}

/// Every byte of a poll has its place: the request and the head by whether it brought something.
#[test]
fn a_poll_costs_its_heads_and_what_it_brings() {
    let Some(_turn) = turn() else { return };
    for kind in [Transport::IntervalPolling, Transport::LongPolling] {
        for payload in [24, 65_536] {
            let trial = carried(&bare(kind, payload));
            let kinds = &trial.bytes.by_kind;
            assert_eq!(kinds.keep_alive, 0, "{kind}");
            // `HTTP/1.1 204 No Content` and its two line ends are 27 bytes; a request has more.
            let least = 27 * trial.empty_responses;
            assert!(kinds.empty_polls > least, "{kind}: {kinds:?}");
            assert!(kinds.http_headers > 0 && kinds.payload > 0, "{kind}");
        }
    }
}

/// With envelopes and greetings, and events of any size among one another.
#[test]
fn all_bytes_are_the_servers_on_every_transport() {
    let Some(_turn) = turn() else { return };
    for kind in Transport::in_rooms() {
        let mut plan = bare(kind, 100);
        plan.server.bare = false;
        let trial = carried(&plan);
        let kinds = &trial.bytes.by_kind;
        println!("{kind}: {kinds:?}");
        assert!(kinds.payload > 0 && kinds.framing > 0, "{kind}: {kinds:?}");
    }
}
