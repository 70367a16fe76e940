//! Medians, intervals, summaries and verdicts, by tables.

use super::*;
use crate::plan::Overrides;
use crate::results::{Bytes, Distribution, GeneratorFigures, Latencies, ServerFigures};
use crate::scenario::Scenario;

fn plan(repeats: u32) -> Plan {
    let text = format!(
        "name = \"x\"\n[load]\nclients = 5\nrepeats = {repeats}\n[publish]\nrate = 1\n[[transports]]\nkind = \"websocket\"\n[[transports]]\nkind = \"sse\"\n"
    );
    Plan::resolve(&Scenario::parse(&text, "x").unwrap(), &Overrides::default()).unwrap()
}

fn trial(plan: &Plan, at: usize, p50: i64, valid: bool) -> Trial {
    let planned = &plan.trials[at];
    Trial {
        name: planned.name.clone(),
        transport: planned.transport.kind,
        parameters: planned.parameters(),
        clients: 5,
        repeat: planned.repeat,
        valid,
        reasons: if valid {
            vec![]
        } else {
            vec!["too slow".to_owned()]
        },
        window_s: 5.0,
        published: 5,
        expected: 25,
        delivered: 25,
        lost: 0,
        duplicated: 0,
        repeated: 0,
        out_of_order: 0,
        missed: 0,
        reconnects: 0,
        away: 0,
        errors: BTreeMap::from([("connect".to_owned(), 2)]),
        requests: 10,
        empty_responses: 5,
        connects: 0,
        window_deliveries: 25,
        latency_us: Latencies {
            delivery: Distribution {
                p50: Some(p50),
                ..Distribution::default()
            },
            ..Latencies::default()
        },
        bytes: Bytes::default(),
        bandwidth_bytes_per_s: Distribution::default(),
        server: ServerFigures::default(),
        generator: GeneratorFigures::default(),
    }
}

#[test]
fn medians_are_of_the_middle() {
    for (values, expected) in [
        (vec![], None),
        (vec![3.0], Some(3.0)),
        (vec![9.0, 1.0, 5.0], Some(5.0)),
        (vec![4.0, 1.0, 2.0, 3.0], Some(2.5)),
    ] {
        assert_eq!(median(&values), expected, "{values:?}");
    }
}

#[test]
fn an_interval_holds_its_median_and_is_drawn_by_the_seed() {
    let values = [10.0, 11.0, 12.0, 13.0, 99.0];
    let found = figure(&values, 7).unwrap();
    assert_eq!(found.median, 12.0);
    assert!(found.low >= 10.0 && found.low < 12.0 && found.high > 12.0);
    assert_eq!(figure(&values, 7), Some(found));
    let alone = figure(&[4.0], 7).unwrap();
    assert_eq!((alone.low, alone.median, alone.high), (4.0, 4.0, 4.0));
    assert_eq!(figure(&[], 7), None);
}

#[test]
fn the_interval_covers_the_median_of_a_known_law() {
    // Uniform on [0, 1): the median is 0.5. Nominal 95 %, somewhat less for n = 15.
    let mut random = Xoshiro256PlusPlus::seed_from_u64(3);
    let covered = (0..200)
        .filter(|seed| {
            let values: Vec<f64> = (0..15).map(|_| random.random()).collect();
            let found = figure(&values, *seed).unwrap();
            (found.low..=found.high).contains(&0.5)
        })
        .count();
    assert!((176..=200).contains(&covered), "{covered} of 200");
}

#[test]
fn a_summary_has_the_order_of_the_scenario_and_only_valid_repeats() {
    let plan = plan(3);
    let trials: Vec<Trial> = (0..6)
        .map(|at| {
            trial(
                &plan,
                at,
                100 * i64::from(plan.trials[at].repeat),
                plan.trials[at].repeat != 3,
            )
        })
        .collect();
    let rows = summarise(&plan, &trials);
    assert_eq!(rows[0].name, "websocket");
    assert_eq!(rows[1].name, "sse");
    assert_eq!((rows[0].repeats_valid, rows[0].repeats), (2, 3));
    assert_eq!(rows[0].figures["latency_p50_us"].median, 150.0);
    assert_eq!(rows[0].figures["empty_share"].median, 0.5);
    assert_eq!(rows[0].figures["deliveries_per_s"].median, 5.0);
    assert!(!rows[0].figures.contains_key("bytes_per_delivery"));
    assert_eq!((rows[0].counts.delivered, rows[0].counts.errors), (50, 4));
}

#[test]
fn a_run_counts_if_sixty_percent_of_each_are_kept() {
    let plan = plan(5);
    let run = |invalid: usize| -> Verdict {
        let mut left = invalid;
        let trials: Vec<Trial> = (0..10)
            .map(|at| {
                let spoil = plan.trials[at].name == "sse" && left > 0;
                left -= usize::from(spoil);
                trial(&plan, at, 1, !spoil)
            })
            .collect();
        verdict(&plan, &trials)
    };
    assert!(run(0).valid && run(2).valid);
    assert_eq!(
        run(3).reasons,
        ["sse, 5 clients: 2 of 5 repeats are valid (too slow)"]
    );
    assert!(!verdict(&plan, &[]).valid);
}

#[test]
fn every_figure_has_its_value() {
    let plan = plan(1);
    let mut whole = trial(&plan, 0, 1, true);
    let all = Distribution {
        count: 1,
        mean: Some(1.0),
        p50: Some(1),
        p75: Some(1),
        p90: Some(1),
        p95: Some(1),
        p99: Some(1),
        p999: Some(1),
        max: Some(1),
        ..Distribution::default()
    };
    whole.latency_us = Latencies {
        connect_parts: Some(ConnectParts {
            handshake: all.clone(),
            upgrade: all.clone(),
            namespace: all.clone(),
        }),
        delivery: all.clone(),
        uncorrected: all.clone(),
        publish_lag: all.clone(),
        publish_ack: all.clone(),
        connect: all.clone(),
        recovery: all.clone(),
    };
    whole.generator.control_us = all.clone();
    whole.bandwidth_bytes_per_s = all;
    whole.bytes.per_delivery = Some(1.0);
    whole.bytes.per_delivery_by_kind = Some([("payload".to_owned(), 0.5)].into());
    whole.server.threads = Some(1);
    whole.server.context_switches = Some(1);
    whole.bytes.ip_per_delivery = Some(1.0);
    whole.server.cpu_s_per_million = Some(1.0);
    whole.server.rss_per_connection = Some(1.0);
    whole.generator.cpu_s_per_million = Some(1.0);
    whole.generator.rss_per_client = Some(1.0);
    for name in FIGURES {
        assert!(value(&whole, name).is_some(), "{name}");
    }
}
