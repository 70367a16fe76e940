//! Tables over results that are known: which rows they have, and what they make of a wrong figure.

use super::*;
use crate::report::fixture;
use crate::results::{Exchanges, Parameters, Trial};

fn named(name: &str, change: impl Fn(&mut Trial)) -> Trial {
    let mut trial = fixture::one_trial().trials.remove(0);
    trial.name = name.to_owned();
    trial.valid = true;
    change(&mut trial);
    trial
}

fn results(table: &str, trials: Vec<Trial>) -> Results {
    let mut results = fixture::one_trial();
    results.scenario = serde_json::json!({ "name": "x", "published": table });
    results.trials = trials;
    results
}

fn exchanges(header: u64, whole: u64) -> Exchanges {
    let mut exchanges = Exchanges::default();
    (0..10).for_each(|_| exchanges.note(header, whole, true));
    exchanges
}

fn find<'a>(rows: &'a [PublishedRow], case: &str, figure: &str) -> &'a PublishedRow {
    let found = rows
        .iter()
        .find(|row| row.case == case && row.figure == figure);
    found.unwrap_or_else(|| panic!("no {case} {figure} in {rows:#?}"))
}

#[test]
fn only_a_scenario_that_names_a_table_has_one() {
    let mut plain = fixture::one_trial();
    assert!(rows(&plain).is_empty());
    plain.scenario = serde_json::json!({ "published": "hpbn" });
    plain.trials.clear();
    assert!(
        rows(&plain)
            .iter()
            .all(|row| row.table == "hpbn" && row.within.is_none())
    );
}

#[test]
fn one_byte_more_a_poll_is_outside() {
    let run = |heads: u64| {
        let polls = named("interval-polling", |trial| {
            trial.clients = 100;
            trial.window_s = 10.0;
            trial.requests = 1_000;
            trial.bytes.exchanges = exchanges(heads, heads + 21);
        });
        rows(&results("kaazing", vec![polls]))
    };
    let exact = run(909);
    let poll = find(&exact, "each", "headers of a poll");
    assert_eq!((poll.measured, poll.within), (Some(909.0), Some(true)));
    let large = find(&exact, "C", "polling, headers");
    assert!((large.measured.unwrap() - 727.2).abs() < 1e-6);
    assert_eq!(large.note.as_deref(), Some("extrapolated from 100 clients"));
    assert_eq!(
        find(&exact, "each", "header of a WebSocket message").within,
        None
    );
    let one_more = run(910);
    assert_eq!(
        find(&one_more, "each", "headers of a poll").within,
        Some(false)
    );
}

#[test]
fn five_updates_take_what_the_har_files_say() {
    let short = named("short-polling", |trial| {
        trial.bytes.exchanges = exchanges(538, 588)
    });
    let long = named("long-polling", |trial| {
        trial.bytes.exchanges = exchanges(536, 587)
    });
    let rows = rows(&results("aquilio", vec![short, long]));
    let of_15 = find(&rows, "short-polling", "15 of them, for 5 updates");
    assert_eq!((of_15.measured, of_15.within), (Some(8_820.0), Some(true)));
    let of_5 = find(&rows, "long-polling", "5 of them, for 5 updates");
    assert_eq!((of_5.model, of_5.within), (Some(2_930.0), Some(false)));
}

#[test]
fn pulls_in_vain_are_those_without_news() {
    let pull = named("pull", |trial| {
        trial.parameters = Parameters {
            rate: 1.0,
            interval_s: Some(0.02),
            ..Parameters::default()
        };
        (trial.requests, trial.delivered) = (10_000, 200);
    });
    let rows = rows(&results("delft", vec![pull]));
    let row = find(
        &rows,
        "pull every 1 s, publish every 50 s",
        "unnecessary pulls",
    );
    assert_eq!(
        (row.model, row.measured, row.within),
        (Some(98.0), Some(98.0), Some(true))
    );
}

#[test]
fn invalid_trials_are_no_evidence() {
    let spoilt = named("short-polling", |trial| {
        trial.valid = false;
        trial.bytes.exchanges = exchanges(538, 588);
    });
    let rows = rows(&results("aquilio", vec![spoilt]));
    assert!(rows.iter().all(|row| row.measured.is_none()));
}

#[test]
fn a_crossing_lies_on_the_line_between_two_points() {
    assert_eq!(
        evidence::crossing(&[(1.0, 2.0), (3.0, -2.0), (5.0, 1.0)]),
        Some(2.0)
    );
    assert_eq!(evidence::crossing(&[(1.0, 2.0), (3.0, 1.0)]), None);
}
