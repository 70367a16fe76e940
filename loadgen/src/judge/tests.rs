//! Trials made by hand, of which it is known whether the model holds.

use super::*;
use crate::histogram::Samples;
use crate::plan::Overrides;
use crate::results::{Bytes, Distribution, GeneratorFigures, Latencies, ServerFigures};
use crate::scenario::Scenario;
use std::collections::BTreeMap;

const CLIENTS: u64 = 200;
const WINDOW_S: f64 = 10.0;

fn plan(transport: &str, publish: &str) -> Plan {
    let text = format!(
        "name = \"x\"\n[load]\nclients = {CLIENTS}\nrooms = 200\nduration = \"10s\"\n\
         [publish]\nrate = 400\n{publish}\n[[transports]]\n{transport}\n"
    );
    let scenario = Scenario::parse(&text, "x").unwrap();
    Plan::resolve(&scenario, &Overrides::default()).unwrap()
}

const POLLING: &str = "kind = \"interval-polling\"\ninterval = \"1s\"";
const POISSON: &str = "arrivals = \"poisson\"";

fn floor(plan: &Plan) -> Calibration {
    Calibration {
        parameters: plan.sets[0].parameters().load(),
        valid: true,
        reasons: Vec::new(),
        deliveries: 800,
        floor: Floor {
            mean_us: 300.0,
            p50_us: 250.0,
            p99_us: 900.0,
        },
    }
}

/// A trial of polling in which `events` waited for `from_us` and then evenly up to a second.
fn trial(plan: &Plan, events: u64, from_us: i64) -> Trial {
    let mut samples = Samples::default();
    for event in 0..events {
        let wait = (event as f64 + 0.5) / events as f64 * 1e6;
        samples.record(from_us + wait as i64);
    }
    let requests = CLIENTS * WINDOW_S as u64;
    Trial {
        published: events,
        expected: events,
        delivered: events,
        window_deliveries: events,
        window_s: WINDOW_S,
        requests,
        empty_responses: (requests as f64 * (-2f64).exp()).round() as u64,
        connects: 0,
        latency_us: Latencies {
            delivery: samples.distribution(),
            ..Latencies::default()
        },
        valid: true,
        name: plan.sets[0].name.clone(),
        transport: plan.sets[0].transport.kind,
        parameters: plan.sets[0].parameters(),
        clients: CLIENTS,
        repeat: 1,
        reasons: Vec::new(),
        lost: 0,
        duplicated: 0,
        repeated: 0,
        out_of_order: 0,
        missed: 0,
        reconnects: 0,
        away: 0,
        errors: BTreeMap::new(),
        bytes: Bytes::default(),
        bandwidth_bytes_per_s: Distribution::default(),
        server: ServerFigures::default(),
        generator: GeneratorFigures::default(),
    }
}

fn verdict(row: &ModelRow, figure: &str) -> Holds {
    row.figure(figure).unwrap().verdict
}

#[test]
fn polls_that_wait_evenly_hold_and_others_do_not() {
    let plan = plan(POLLING, POISSON);
    let judged = |from_us| {
        let trials = [trial(&plan, 4_000, from_us)];
        judge(&plan, &trials, &[floor(&plan)]).remove(0)
    };
    let good = judged(300);
    for figure in [
        "latency_mean_us",
        "latency_p50_us",
        "latency_p99_us",
        "requests_per_delivery",
        "empty_share",
    ] {
        assert_eq!(verdict(&good, figure), Holds::Holds, "{figure}");
    }
    assert_eq!(good.events, 4_000);
    // 3 · 288,675 µs / √4,000 + 300 µs = 13,993 µs.
    let mean = good.figure("latency_mean_us").unwrap();
    assert!((mean.high - 513_993.0).abs() < 1.0, "{}", mean.high);
    let late = judged(15_300);
    assert_eq!(verdict(&late, "latency_mean_us"), Holds::DoesNot);
    assert_eq!(late.verdict(), Some(Holds::DoesNot));
}

#[test]
fn below_a_thousand_events_nothing_is_decided() {
    let plan = plan(POLLING, POISSON);
    let row = judge(&plan, &[trial(&plan, 999, 900_000)], &[floor(&plan)]).remove(0);
    assert!(row.figures.iter().all(|f| f.verdict == Holds::TooFewEvents));
    let row = judge(&plan, &[trial(&plan, 1_000, 900_000)], &[floor(&plan)]).remove(0);
    assert_eq!(verdict(&row, "latency_mean_us"), Holds::DoesNot);
}

#[test]
fn without_a_floor_or_a_closed_form_latency_is_not_judged() {
    let poisson = plan(POLLING, POISSON);
    let row = judge(&poisson, &[trial(&poisson, 4_000, 300)], &[]).remove(0);
    assert!(row.figure("latency_mean_us").is_none() && row.figure("empty_share").is_some());
    assert!(row.notes[0].contains("no floor"), "{:?}", row.notes);
    let burst = plan(POLLING, "arrivals = \"burst\"\nburst = 50");
    let row = judge(&burst, &[trial(&burst, 4_000, 300)], &[floor(&burst)]).remove(0);
    assert!(row.latency.is_none() && row.figure("latency_mean_us").is_none());
    assert!(row.notes[0].contains("burst"), "{:?}", row.notes);
}

#[test]
fn invalid_trials_bear_on_nothing() {
    let plan = plan(POLLING, POISSON);
    let mut broken = trial(&plan, 4_000, 900_000);
    broken.valid = false;
    let row = judge(&plan, &[trial(&plan, 4_000, 300), broken], &[floor(&plan)]).remove(0);
    assert_eq!(row.events, 4_000);
    assert_eq!(verdict(&row, "latency_mean_us"), Holds::Holds);
}

#[test]
fn bytes_hold_to_the_digits_of_cursors() {
    let plan = plan("kind = \"websocket\"", POISSON);
    let judged = |bytes: f64| {
        let mut trial = trial(&plan, 4_000, 0);
        let kinds = [("payload", bytes), ("framing", 4.0), ("keep_alive", 9.0)];
        trial.bytes.per_delivery_by_kind = Some(BTreeMap::from(
            kinds.map(|(kind, bytes)| (kind.to_owned(), bytes)),
        ));
        judge(&plan, &[trial], &[floor(&plan)]).remove(0)
    };
    // `{"id":,"type":"chat","data":}`, 128 bytes of data and an offset of one or two digits.
    let row = judged(128.0 + 29.0 + 1.8);
    assert_eq!(verdict(&row, "bytes_per_delivery"), Holds::Holds);
    assert_eq!(
        verdict(&judged(161.0), "bytes_per_delivery"),
        Holds::DoesNot
    );
}
