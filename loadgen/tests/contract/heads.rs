//! What a scenario asks of heads and cursors, to the byte: published heads on both sides of every
//! exchange, frames of two bytes, and polls for the current value.

use super::assert_valid;
use super::harness::{Lab, plan};
use loadgen::plan::TrialPlan;
use loadgen::results::{Spread, Trial};
use loadgen::scenario::{HeadSizes, Headers};
use pushlab_server::wire::transport::Transport;
use std::time::Duration;

const PRESETS: [Headers; 3] = [
    Headers::Kaazing,
    Headers::Chrome60,
    Headers::Sizes(HeadSizes {
        request: 218,
        response: 134,
    }),
];

/// The server with what the plan wants of its answers.
fn run(plan: &TrialPlan, more: &[&str]) -> Trial {
    let answers = plan.transport.headers.response();
    let answers = answers.map(|headers| headers.to_string());
    let mut flags = vec!["--bare"];
    if let Some(answers) = &answers {
        flags.extend(["--lab-headers", answers]);
    }
    flags.extend(more);
    let mut plan = plan.clone();
    plan.server.bare = true;
    Lab::start_with(&flags).run(&plan).trial
}

fn all_of(spread: Spread, bytes: u64) {
    assert!(spread.count > 0);
    assert_eq!((spread.least, spread.most), (Some(bytes), Some(bytes)));
    assert_eq!(spread.total, spread.count * bytes);
}

#[test]
fn every_poll_has_the_heads_of_its_preset() {
    for headers in PRESETS {
        for kind in [Transport::IntervalPolling, Transport::LongPolling] {
            let mut plan = plan(kind);
            plan.transport.headers = headers;
            plan.transport.hold = Duration::from_millis(150);
            plan.publish.rate = 20.0;
            let trial = run(&plan, &[]);
            assert_valid(&trial);
            assert_eq!(trial.errors.len(), 0, "{kind}: {:?}", trial.errors);
            let bytes = match (headers, kind) {
                (Headers::Kaazing, _) => 716 + 193,
                (Headers::Chrome60, Transport::IntervalPolling) => 430 + 108,
                (Headers::Chrome60, _) => 428 + 108,
                (_, _) => 218 + 134,
            };
            all_of(trial.bytes.exchanges.header_bytes, bytes);
            assert!(trial.empty_responses > 0, "{kind}: empty ones count too");
        }
    }
}

#[test]
fn streams_begin_with_the_heads_of_their_preset() {
    for headers in PRESETS {
        for kind in [Transport::Sse, Transport::HttpStreaming] {
            let mut plan = plan(kind);
            plan.transport.headers = headers;
            let trial = run(&plan, &[]);
            assert_valid(&trial);
            assert_eq!(trial.errors.len(), 0, "{kind}: {:?}", trial.errors);
            let each = match headers {
                Headers::Kaazing => 716 + 193,
                Headers::Chrome60 => 450 + 166,
                Headers::Lean | Headers::Sizes(_) => 218 + 134,
            };
            // Bare streams greet with nothing else, but for SSE's retry time, which they leave out.
            assert_eq!(trial.bytes.by_kind.handshake, 12 * each, "{kind}");
        }
    }
}

#[test]
fn a_websocket_takes_the_headers_of_a_preset_and_two_bytes_a_frame() {
    let mut lean = plan(Transport::Websocket);
    lean.publish.payload = 21;
    let mut dressed = lean.clone();
    dressed.transport.headers = Headers::Kaazing;
    let (lean, dressed) = (run(&lean, &[]), run(&dressed, &[]));
    for trial in [&lean, &dressed] {
        assert_valid(trial);
        assert_eq!(trial.errors.len(), 0, "{:?}", trial.errors);
        all_of(trial.bytes.exchanges.header_bytes, 2);
        all_of(trial.bytes.exchanges.with_event_bytes, 2 + 21);
    }
    let more = dressed.bytes.by_kind.handshake - lean.bytes.by_kind.handshake;
    assert!(more > 12 * 500, "{more} bytes of a browser's headers");
}

#[test]
fn a_server_that_was_not_told_spoils_the_trial_and_the_reason_says_what_to_do() {
    let mut plan = plan(Transport::IntervalPolling);
    plan.transport.headers = Headers::Kaazing;
    plan.server.lab_headers = Headers::Kaazing.response();
    let trial = Lab::start(false).run(&plan).trial;
    assert!(!trial.valid);
    assert!(
        trial
            .reasons
            .iter()
            .any(|reason| reason.ends_with("start the server with --lab-headers kaazing")),
        "{:?}",
        trial.reasons
    );
}

/// Ten events a second, asked for every 20 ms at a server that keeps one: each comes first once, and
/// again with every further poll.
#[test]
fn polls_for_the_current_value_count_repeats() {
    let mut plan = plan(Transport::IntervalPolling);
    plan.rooms = 1;
    plan.transport.latest = true;
    plan.transport.interval = Duration::from_millis(20);
    plan.publish.rate = 10.0;
    for bare in [true, false] {
        plan.server.bare = bare;
        let mut flags = vec!["--history", "1"];
        flags.extend(bare.then_some("--bare"));
        let trial = Lab::start_with(&flags).run(&plan).trial;
        assert_valid(&trial);
        assert_eq!(trial.expected, trial.delivered + trial.lost);
        assert!(trial.repeated > trial.delivered, "{}", trial.repeated);
        assert_eq!((trial.duplicated, trial.missed), (0, 0));
        assert_eq!(trial.empty_responses, 0);
    }
}

/// The other way round: what is overwritten before it is asked for is lost, and nothing else.
#[test]
fn what_the_current_value_overwrites_is_lost() {
    let mut plan = plan(Transport::IntervalPolling);
    plan.rooms = 1;
    plan.transport.latest = true;
    plan.transport.interval = Duration::from_millis(200);
    plan.publish.rate = 100.0;
    plan.graceful_stop = Duration::from_secs(600);
    plan.server.bare = true;
    let trial = Lab::start_with(&["--history", "1", "--bare"])
        .run(&plan)
        .trial;
    assert_valid(&trial);
    assert_eq!(trial.expected, trial.delivered + trial.lost);
    assert!(trial.lost > trial.delivered * 5, "{} lost", trial.lost);
    assert_eq!((trial.missed, trial.duplicated), (0, 0));
    assert_eq!(trial.errors.len(), 0, "{:?}", trial.errors);
}

#[cfg(target_os = "linux")]
#[test]
fn segments_of_the_window_stand_beside_its_bytes() {
    for kind in [
        Transport::IntervalPolling,
        Transport::Sse,
        Transport::Websocket,
    ] {
        let trial = run(&plan(kind), &[]);
        let bytes = &trial.bytes;
        let (app, ip) = (bytes.per_delivery.unwrap(), bytes.ip_per_delivery.unwrap());
        let segments = bytes.segments.unwrap() as f64 / trial.window_deliveries as f64;
        // A push is a segment and at most an acknowledgement; a poll's answer one and its request.
        assert!(segments >= 1.0, "{kind}: {segments}");
        let sum = app + 52.0 * segments;
        assert!((ip / sum - 1.0).abs() < 0.1, "{kind}: {ip} is not {sum}");
    }
}
