//! A worked table, every cell, and the limits of the formulas.

use super::*;

fn situation(transport: Transport, events_per_s: f64) -> Situation {
    Situation {
        transport,
        held: false,
        coming: Coming::Poisson,
        events_per_s,
        interval_s: 1.0,
        transit_s: 0.05,
        gap_s: 0.1,
        hold_s: f64::INFINITY,
        latest_value: false,
        sizes: Sizes {
            event: 21.0,
            separator: 0.0,
            heads: 909.0,
            empty_heads: 909.0,
            envelope: 0.0,
            id_line: 0.0,
            packet: match transport {
                Transport::Socketio => socketio_packet(1.0, &[]),
                _ => 0.0,
            },
            record: 0.0,
        },
    }
}

fn close(found: f64, printed: f64, half_a_digit: f64, what: &str) {
    let off = (found - printed).abs();
    assert!(
        off <= half_a_digit * 1.001,
        "{what}: {found}, printed {printed}"
    );
}

#[test]
fn every_cell_of_the_worked_table() {
    use Transport::{HttpStreaming, IntervalPolling, LongPolling, Socketio, Sse, Websocket};
    // λ, transport, mean ms ± half a digit, app B/s ±, IP B/s ±.
    let cells = [
        (0.1, IntervalPolling, 550.0, 911.0, 1067.0),
        (1.0, IntervalPolling, 550.0, 930.0, 1086.0),
        (10.0, IntervalPolling, 550.0, 1119.0, 1275.0),
        (0.1, LongPolling, 50.5, 93.0, 109.0),
        (1.0, LongPolling, 55.0, 926.0, 1081.0),
        (10.0, LongPolling, 86.6, 6855.0, 7996.0),
        (0.1, Sse, 50.0, 3.5, 13.9),
        (1.0, Sse, 50.0, 35.0, 139.0),
        (10.0, Sse, 50.0, 350.0, 1390.0),
        (0.1, HttpStreaming, 50.0, 2.8, 13.2),
        (1.0, HttpStreaming, 50.0, 28.0, 132.0),
        (10.0, HttpStreaming, 50.0, 280.0, 1320.0),
        (0.1, Websocket, 50.0, 2.3, 12.7),
        (1.0, Websocket, 50.0, 23.0, 127.0),
        (10.0, Websocket, 50.0, 230.0, 1270.0),
        (0.1, Socketio, 50.0, 3.1, 13.5),
        (1.0, Socketio, 50.0, 31.0, 135.0),
        (10.0, Socketio, 50.0, 310.0, 1350.0),
    ];
    for (rate, transport, mean, app, ip) in cells {
        let found = situation(transport, rate).forecast();
        let what = format!("{transport:?} at {rate}");
        close(found.latency.unwrap().mean_s() * 1e3, mean, 0.05, &what);
        let digit = if app < 4.0 { 0.05 } else { 0.5 };
        close(found.app_bytes_per_s.unwrap(), app, digit, &what);
        close(
            found.ip_bytes_per_s.unwrap(),
            ip,
            if ip < 14.0 { 0.05 } else { 0.5 },
            &what,
        );
    }
    for (rate, empty) in [(0.1, 0.905), (1.0, 0.368), (10.0, 0.0)] {
        let found = situation(IntervalPolling, rate).forecast().empty_share;
        close(found.unwrap(), empty, 5e-4, "empty polls");
    }
}

#[test]
fn polling_is_even_over_its_interval() {
    let law = situation(Transport::IntervalPolling, 1.0)
        .forecast()
        .latency
        .unwrap();
    close(law.quantile_s(0.5), 0.55, 1e-12, "p50 = d + T/2");
    close(law.quantile_s(0.99), 1.04, 1e-12, "p99 = d + 0.99 T");
    close(law.most_s(), 1.05, 1e-12, "max = d + T");
    close(law.deviation_s(), 1.0 / 12f64.sqrt(), 1e-12, "sd = T/√12");
}

#[test]
fn a_beat_fills_polls_by_its_own_law() {
    let on_a_beat = |events_per_s, chance| {
        let coming = Coming::Beat { chance };
        let polling = Situation {
            coming,
            ..situation(Transport::IntervalPolling, events_per_s)
        };
        polling.forecast().empty_share.unwrap()
    };
    for (rate, empty) in [(0.1, 0.9), (1.0, 0.0), (10.0, 0.0)] {
        close(on_a_beat(rate, 1.0), empty, 1e-12, "max(0, 1 − λT)");
    }
    close(on_a_beat(1.5, 0.5), 0.125, 1e-12, "three beats, one in two");
    close(
        on_a_beat(1.0, 1e-6),
        (-1f64).exp(),
        1e-5,
        "rare chances are Poisson",
    );
}

#[test]
fn a_latest_value_server_tells_of_the_youngest() {
    let mut latest = situation(Transport::IntervalPolling, 2.0);
    latest.latest_value = true;
    let found = latest.forecast();
    let gone = (-2f64).exp();
    close(
        found.delivered_share.unwrap(),
        (1.0 - gone) / 2.0,
        1e-12,
        "share",
    );
    let mean = 0.05 + 0.5 - gone / (1.0 - gone);
    close(found.latency.unwrap().mean_s(), mean, 1e-12, "mean");
    let median = 0.05 - (1.0 - 0.5 * (1.0 - gone)).ln() / 2.0;
    close(
        found.latency.unwrap().quantile_s(0.5),
        median,
        1e-12,
        "median",
    );
    assert_eq!(found.app_bytes_per_s, None);
    latest.coming = Coming::Beat { chance: 1.0 };
    close(
        latest.forecast().delivered_share.unwrap(),
        0.5,
        1e-12,
        "1/(λT)",
    );
    close(latest.forecast().latency.unwrap().most_s(), 0.55, 1e-12, "");
    // A ring of one is a latest-value server; a long ring loses nothing.
    close(ring_share(2.0, 1), latest_value_share(2.0), 1e-12, "Q = 1");
    close(ring_share(2.0, 50), 1.0, 1e-9, "long ring");
}

#[test]
fn long_polling_has_the_limits_of_push_and_of_polling() {
    let law = |rate: f64| {
        situation(Transport::LongPolling, rate)
            .forecast()
            .latency
            .unwrap()
    };
    let pace = |rate: f64| {
        situation(Transport::LongPolling, rate)
            .forecast()
            .requests_per_s
            .unwrap()
    };
    close(law(1e-6).mean_s(), 0.05, 1e-6, "λR → 0: d");
    close(pace(1e-6) / 1e-6, 1.0, 1e-6, "λR → 0: r = λ");
    close(law(1e6).mean_s(), 0.1, 1e-6, "λR → ∞: d + R/2");
    close(pace(1e6), 10.0, 1e-6, "λR → ∞: 1/R");
    close(law(10.0).mean_s() / 0.05, 1.73, 0.005, "λR = 1: 1.73 d");
    close(law(5.0).most_s(), 0.15, 1e-12, "max = 3d");
    // p50 leaves d at λR = 0.567, p99 at about 0.01.
    assert_eq!(law(5.66).quantile_s(0.5), 0.05);
    assert!(law(5.69).quantile_s(0.5) > 0.05);
    assert_eq!(law(0.1).quantile_s(0.99), 0.05);
    assert!(law(0.11).quantile_s(0.99) > 0.05);
    // Rate times mean batch is the event rate.
    let batch = 2.0 * 0.1 + (-2.0 * 0.1f64).exp();
    close(pace(2.0) * batch, 2.0, 1e-12, "mean batch λR + a");
}

#[test]
fn a_hold_that_ends_costs_empty_answers() {
    let mut held = situation(Transport::LongPolling, 0.04);
    held.hold_s = 25.0;
    let found = held.forecast();
    close(
        found.empty_share.unwrap(),
        (-0.04f64 * 25.1).exp(),
        1e-12,
        "e^(−λ(R+H))",
    );
    let r = found.requests_per_s.unwrap();
    // Answers with an event per second, times the mean batch, is the event rate; the batch of an
    // answer that came of waiting is 1.
    let mean = 0.05 + 0.04 * 0.01 / 2.0 * r / 0.04;
    close(found.latency.unwrap().mean_s(), mean, 1e-12, "mean");
    held.events_per_s = 0.0;
    let idle = held.forecast();
    close(
        idle.app_bytes_per_s.unwrap(),
        909.0 / 25.1,
        1e-9,
        "idle cost",
    );
    assert_eq!(idle.empty_share, Some(1.0));
}

#[test]
fn socketio_by_polling_is_long_polling_with_packets() {
    let held = Situation {
        held: true,
        ..situation(Transport::Socketio, 1.0)
    };
    let (packets, plain) = (
        held.forecast(),
        situation(Transport::LongPolling, 1.0).forecast(),
    );
    assert_eq!(packets.latency, plain.latency);
    let packet = packets.app_bytes_per_s.unwrap() - plain.app_bytes_per_s.unwrap();
    close(packet, 8.0, 1e-9, "42[\"m\",] an event");
    // A hold that ends brings a ping, and its pong is a request too; neither is the formula's.
    let quiet = Situation {
        hold_s: 25.0,
        events_per_s: 0.0,
        ..held
    };
    let found = quiet.forecast();
    close(
        found.requests_per_s.unwrap(),
        2.0 / 25.1,
        1e-12,
        "ping and pong",
    );
    assert_eq!(
        (found.empty_share, found.app_bytes_per_s),
        (Some(0.5), Some(0.0))
    );
}

#[test]
fn a_beat_finds_long_polls_waiting_or_back_to_back() {
    let on_a_beat = |events_per_s, chance| {
        let coming = Coming::Beat { chance };
        Situation {
            coming,
            ..situation(Transport::LongPolling, events_per_s)
        }
        .forecast()
    };
    let slow = on_a_beat(4.0, 1.0);
    assert_eq!(slow.requests_per_s, Some(4.0));
    assert_eq!(
        slow.latency,
        Some(Law::Spread {
            from_s: 0.05,
            width_s: 0.1,
            at_once: 1.0
        })
    );
    let fast = on_a_beat(50.0, 1.0);
    assert_eq!(fast.requests_per_s, Some(10.0));
    close(fast.latency.unwrap().mean_s(), 0.1, 1e-12, "back to back");
    assert_eq!(on_a_beat(50.0, 0.5).latency, None);
    assert_eq!(on_a_beat(2.0, 0.5).requests_per_s, Some(2.0));
}

#[test]
fn one_message_a_response_queues() {
    let mean = one_a_response_mean_s(0.05, 5.0, 0.1).unwrap();
    close(mean, 0.05 + 0.5 * 0.1 / (2.0 * 0.5), 1e-12, "M/D/1");
    assert_eq!(one_a_response_mean_s(0.05, 10.0, 0.1), None);
    close(one_a_response_capacity(0.1), 10.0, 1e-12, "10/s at 100 ms");
}

#[test]
fn transports_break_even_where_the_model_says() {
    close(break_even(909.0, 2.0, 2.0), 10.05, 0.005, "909 B");
    close(break_even(538.0, 2.0, 2.0), 6.5, 0.05, "538 B");
    close(break_even(909.0, 2.0, 1.5), 13.3, 0.05, "delayed ACKs");
    close(clients_within(2520.0, 2.0), 5040.0, 1e-9, "MAL");
    close(
        poll_matches_push_at(25_000.0, 2520.0),
        10.0,
        0.1,
        "MAL ≈ 10 s",
    );
    close(head_of_line_s(125_000.0, 1e6), 1.0, 1e-12, "8B/C");
    let law = broadcast_latency(0.05, 1000.0, 1e-5);
    close(law.mean_s(), 0.055, 1e-12, "mean + N·c/2");
    close(law.quantile_s(0.99), 0.0599, 1e-12, "p99 = d + 0.99 N·c");
}

#[test]
fn long_polling_overtakes_polling_at_one_event_an_interval() {
    let more = |rate| {
        let long = situation(Transport::LongPolling, rate).forecast();
        let short = situation(Transport::IntervalPolling, rate).forecast();
        long.requests_per_s > short.requests_per_s
    };
    assert!(!more(0.95) && more(1.05));
}
