//! Expectations against plans and trials: what is compared with what, what counts as measured, and
//! when a failure ends a run.

use super::*;
use crate::plan::{Overrides, Plan};
use crate::results::Distribution;
use crate::scenario::Scenario;

const POLLING_AND_PUSH: &str = "name = \"x\"\n[load]\nclients = [10, 20]\nrepeats = 3\n[publish]\nrate = 1\n\
    [[transports]]\nkind = \"websocket\"\n\
    [[transports]]\nkind = \"interval-polling\"\ninterval = [\"200ms\", \"1s\"]\n[expect]\n";

fn plan(expect: &str) -> Plan {
    let scenario = Scenario::parse(&format!("{POLLING_AND_PUSH}{expect}\n"), "x.toml").unwrap();
    Plan::resolve(&scenario, &Overrides::default()).unwrap()
}

/// A trial for each that the plan has, with this p99 by transport and repeat.
fn trials(plan: &Plan, p99_ms: impl Fn(&str, u32) -> i64) -> Vec<Trial> {
    let trial = |planned: &crate::plan::TrialPlan| {
        let mut trial = crate::outcome::tests::empty(planned);
        trial.valid = true;
        trial.latency_us.delivery = Distribution {
            count: 100,
            p99: Some(p99_ms(&planned.name, planned.repeat) * 1000),
            p999: Some(1),
            ..Distribution::default()
        };
        trial.expected = 100;
        trial.lost = 1;
        trial
    };
    plan.trials.iter().map(trial).collect()
}

fn judged(plan: &Plan, trials: &[Trial]) -> Vec<Expectation> {
    plan.checks
        .iter()
        .map(|check| check.judge(trials))
        .collect()
}

#[test]
fn figures_are_medians_and_counts_are_sums_over_valid_trials() {
    let plan =
        plan("\"websocket.latency.p99\" = \"< 50ms\"\n\"websocket.lost\" = [\"<= 2\", \"> 2\"]");
    // Repeats of 10, 20 and 90 ms; the last is invalid at 20 clients.
    let mut trials = trials(&plan, |_, repeat| [10, 20, 90][repeat as usize - 1]);
    for trial in &mut trials {
        trial.valid = trial.clients == 10 || trial.repeat != 3;
    }
    let found: Vec<_> = (judged(&plan, &trials).into_iter())
        .map(|one| {
            (
                one.parameters.clients,
                one.expression,
                one.measured.unwrap(),
                one.holds,
            )
        })
        .collect();
    let row = |clients, text: &str, measured, holds| (clients, text.to_owned(), measured, holds);
    assert_eq!(
        found,
        [
            row(10, "websocket.latency.p99 < 50ms", 20_000.0, true),
            row(20, "websocket.latency.p99 < 50ms", 15_000.0, true),
            row(10, "websocket.lost <= 2", 3.0, false),
            row(20, "websocket.lost <= 2", 2.0, true),
            row(10, "websocket.lost > 2", 3.0, true),
            row(20, "websocket.lost > 2", 2.0, false),
        ]
    );
}

#[test]
fn a_transport_is_compared_with_another_under_the_same_load() {
    let plan = plan("\"websocket.latency.p99\" = \"< 0.5 * interval-polling.latency.p99\"");
    let mut trials = trials(&plan, |name, _| if name == "websocket" { 60 } else { 100 });
    for trial in &mut trials {
        if trial.clients == 20 && trial.parameters.interval_s == Some(1.0) {
            trial.latency_us.delivery.p99 = Some(1_000_000);
        }
    }
    let found: Vec<_> = (judged(&plan, &trials).into_iter())
        .map(|one| (one.parameters.clients, one.threshold.unwrap(), one.holds))
        .collect();
    // Each of both intervals must be beaten.
    let expected = [
        (10, 50_000.0, false),
        (10, 50_000.0, false),
        (20, 50_000.0, false),
        (20, 500_000.0, true),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_bare_figure_is_expected_of_each_and_compared_with_its_own() {
    let plan = plan("\"latency.p99\" = \"<= 1 * latency.p99\"");
    let trials = trials(&plan, |_, repeat| i64::from(repeat));
    let judged = judged(&plan, &trials);
    assert_eq!(judged.len(), 6);
    assert!(
        judged
            .iter()
            .all(|one| one.holds && one.threshold == Some(2_000.0))
    );
}

#[test]
fn what_was_not_measured_does_not_hold() {
    let plan = plan(
        "\"websocket.connect.p99\" = \"!= 1\"\n\"websocket.latency.p999\" = \"< 1s\"\n\
         \"websocket.latency.p99\" = \"< interval-polling.connect.p50\"",
    );
    let some = trials(&plan, |_, _| 1);
    let problems = |trials: &[Trial]| -> Vec<String> {
        let judged = judged(&plan, trials);
        assert!(judged.iter().all(|one| !one.holds));
        judged.into_iter().map(|one| one.problem.unwrap()).collect()
    };
    let found = problems(&some);
    assert_eq!(found[0], "connect.p99 could not be measured");
    assert_eq!(
        found[2],
        "interval-polling: connect.p50 could not be measured"
    );
    assert_eq!(found[6], "latency.p999 needs 10000 samples in each trial");
    assert!(
        problems(&[])
            .iter()
            .all(|problem| problem == "no valid trial")
    );
}

#[test]
fn only_what_asks_for_it_ends_a_run_and_only_when_it_is_known_to_fail() {
    let long = "{ threshold = \"< 5ms\", abort_on_fail = true, delay_abort_eval = \"10s\" }";
    let plan = plan(&format!("\"websocket.latency.p99\" = [{long}, \"< 1ms\"]"));
    let aborts = |seconds, trials: &[Trial]| {
        let aborts = |check: &Check| check.aborts(Duration::from_secs(seconds), trials);
        plan.checks.iter().map(aborts).collect::<Vec<_>>()
    };
    let slow = trials(&plan, |_, _| 100);
    // Two sets for each of the two thresholds.
    assert_eq!(aborts(9, &slow), [false; 4]);
    assert_eq!(aborts(10, &slow), [true, true, false, false]);
    assert_eq!(aborts(10, &trials(&plan, |_, _| 4)), [false; 4]);
    assert_eq!(aborts(10, &[]), [false; 4]);
}

#[test]
fn two_pollers_that_both_sweep_are_compared_interval_by_interval() {
    let text = "name = \"x\"\n[load]\nclients = 10\n[publish]\nrate = 1\n\
        [[transports]]\nkind = \"interval-polling\"\nname = \"a\"\ninterval = [\"200ms\", \"1s\"]\n\
        [[transports]]\nkind = \"interval-polling\"\nname = \"b\"\ninterval = [\"200ms\", \"1s\"]\n\
        [expect]\n\"a.lost\" = \"<= b.lost\"\n";
    let scenario = Scenario::parse(text, "x.toml").unwrap();
    let plan = Plan::resolve(&scenario, &Overrides::default()).unwrap();
    let partner = |check: &Check| check.terms[0].reference.clone().unwrap().0.1.interval_s;
    let partners: Vec<_> = plan.checks.iter().map(partner).collect();
    assert_eq!(partners, [Some(0.2), Some(1.0)]);
}

#[test]
fn a_load_that_the_other_never_sees_is_refused() {
    let scenario = format!("{POLLING_AND_PUSH}\"websocket.lost\" = \"<= interval-polling.lost\"\n");
    let scenario = Scenario::parse(&scenario, "x.toml").unwrap();
    let names = scenario.transport_names();
    let mut rows = plan("").rows();
    rows.retain(|(name, parameters)| name == "websocket" || parameters.clients == 10);
    let refusal = checks(&scenario.expect, &names, &rows).unwrap_err();
    assert!(
        refusal.contains("interval-polling never runs with 20 clients"),
        "{refusal}"
    );
}

#[test]
fn expectations_of_a_transport_that_is_left_out_are_told_and_not_judged() {
    let text = format!(
        "{POLLING_AND_PUSH}lost = [\"== 0\", \"<= interval-polling.lost\"]\n\"interval-polling.lost\" = \"== 0\"\n"
    );
    let overrides = Overrides {
        only: vec!["websocket".to_owned()],
        ..Overrides::default()
    };
    let plan = Plan::resolve(&Scenario::parse(&text, "x.toml").unwrap(), &overrides).unwrap();
    let gone = [
        "interval-polling.lost == 0",
        "lost <= interval-polling.lost",
    ];
    assert_eq!(plan.left_out, gone);
    assert_eq!(plan.checks.len(), 2);
    // What ran is a scenario that can run again.
    Scenario::parse(&plan.scenario.to_toml(), "again.toml").unwrap();
}

#[test]
fn a_flag_names_a_point_of_latency_or_any_figure() {
    let transports = ["websocket".to_owned()];
    let read = |text| key_and_threshold(text, &transports);
    let both = |key: &str, threshold: &str| Ok((key.to_owned(), threshold.to_owned()));
    assert_eq!(read("p99<250ms"), both("latency.p99", "< 250ms"));
    assert_eq!(read("p(99.9) <= 1s"), both("latency.p999", "<= 1s"));
    assert_eq!(read("lost == 0"), both("lost", "== 0"));
    assert_eq!(
        read("websocket.latency.max<5"),
        both("websocket.latency.max", "< 5")
    );
    let refusal = |text| read(text).unwrap_err();
    assert!(refusal("p99").contains("compares nothing"));
    assert!(refusal("lots == 0").contains("did you mean \"lost\"?"));
    assert!(refusal("p99 < websocket.latency.p50").contains("compare with a number"));
}
