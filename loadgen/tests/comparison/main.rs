//! How often two runs that are alike raise an alarm, and how often one that is
//! slower goes unnoticed. Service times and the noise between runs are simulated and seeded;
//! histograms, summary and comparison are those of a real run. No wall clock decides anything here.
//!
//! `cargo test` runs a reduced form; the whole one, some minutes without optimisation, is
//! `cargo test --release -p loadgen --test comparison -- --ignored --nocapture`.

// A test fails by it.
#![allow(clippy::unwrap_used)]

mod simulation;
mod welch;

use loadgen::comparison::{Comparison, Finding, NOISE_THRESHOLD, compare};
use loadgen::results::Results;
use simulation::{Effect, Laboratory};

const PAIRS: u64 = 60;

fn compared(
    (of_a, of_b): (&Laboratory, &Laboratory),
    pair: u64,
    effect: Effect,
) -> (Results, Results, Comparison) {
    let a = of_a.run(2 * pair, Effect::None);
    let b = of_b.run(2 * pair + 1, effect);
    let comparison = compare(&a, &b, NOISE_THRESHOLD);
    (a, b, comparison)
}

/// An alarm is what `--fail-on-regression` exits with 95 for.
fn assert_rare_alarms(laboratory: &Laboratory) {
    let (mut alarms, mut findings, mut tested) = (0, 0, 0);
    let mut by_messages = 0;
    for pair in 0..PAIRS {
        let (a, b, comparison) = compared((laboratory, laboratory), pair, Effect::None);
        alarms += u64::from(comparison.regressed());
        findings +=
            u64::from(comparison.found(Finding::Worse) + comparison.found(Finding::Better) > 0);
        by_messages += u64::from(welch::alarm(&a, &b));
        tested = comparison.tested;
    }
    println!(
        "A/A, {laboratory}: {alarms} of {PAIRS} pairs raise an alarm, {findings} any finding, over \
         {tested} figures each; autocannon-compare's t-test over the messages of one run raises \
         {by_messages}"
    );
    assert!(alarms <= 6, "{alarms} false alarms of {PAIRS}");
    assert!(
        tested > 20 * laboratory.transports,
        "{tested} figures tested"
    );
    assert!(
        by_messages > 4 * alarms.max(3),
        "the recorded baseline should be far worse: {by_messages}"
    );
}

/// Found: the p99 of the transport that got slower, and nothing else is asked for.
fn assert_found(of_a: &Laboratory, of_b: &Laboratory, pairs: u64, effect: Effect) {
    let found = (0..pairs).filter(|pair| {
        let (_, _, comparison) = compared((of_a, of_b), 1_000 + pair, effect);
        let slower = comparison.rows.last().unwrap();
        let p99 = slower.figures.iter().find(|f| f.figure == "latency_p99_us");
        p99.unwrap().finding == Finding::Worse && comparison.regressed()
    });
    let found = found.count() as u64;
    println!("A/B, A: {of_a}, B: {effect}: found in {found} of {pairs} pairs");
    assert!(found * 10 >= pairs * 9, "{found} of {pairs}");
}

/// Noise between runs of 5 %, as on a shared machine.
#[test]
fn runs_that_are_alike_seldom_raise_an_alarm() {
    assert_rare_alarms(&Laboratory::noisy(2, 2_000));
}

/// The same with tails far from normal.
#[test]
fn runs_with_outlying_repeats_seldom_raise_an_alarm() {
    assert_rare_alarms(&Laboratory::noisy(2, 2_000).with_outliers());
}

#[test]
fn a_slower_tail_is_found() {
    let laboratory = Laboratory::quiet(2, 50_000);
    assert_found(&laboratory, &laboratory, 10, Effect::Tail(1.05));
}

#[test]
#[ignore = "some minutes without optimisation"]
fn every_transport_seldom_raise_an_alarm() {
    assert_rare_alarms(&Laboratory::noisy(5, 20_000));
    assert_rare_alarms(&Laboratory::noisy(5, 20_000).with_outliers());
    assert_rare_alarms(&Laboratory::quiet(5, 50_000));
}

#[test]
#[ignore = "some minutes without optimisation"]
fn a_slower_server_or_tail_is_found_among_every_transport() {
    let laboratory = Laboratory::quiet(5, 100_000);
    assert_found(&laboratory, &laboratory, PAIRS, Effect::Everything(1.05));
    assert_found(&laboratory, &laboratory, PAIRS, Effect::Tail(1.05));
    let spoiled = Laboratory::quiet(5, 100_000).with_one_outlier();
    assert_found(&spoiled, &laboratory, PAIRS, Effect::Tail(1.05));
}
