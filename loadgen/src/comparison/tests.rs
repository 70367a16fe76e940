//! Comparisons of small runs whose outcome is plain.

use super::*;
use crate::plan::{Overrides, Plan};
use crate::results::{
    Bytes, Distribution, GeneratorFigures, Latencies, ServerFigures, Verdict as RunVerdict,
};
use crate::scenario::Scenario;
use std::collections::BTreeMap;

/// A run of SSE whose repeats have these p99 in microseconds.
fn run(p99s: &[i64], change: impl Fn(usize, &mut Trial)) -> Results {
    let text = format!(
        "name = \"x\"\n[load]\nclients = 5\nrepeats = {}\n[publish]\nrate = 1\n[[transports]]\nkind = \"sse\"\n",
        p99s.len()
    );
    let scenario = Scenario::parse(&text, "x").unwrap();
    let plan = Plan::resolve(&scenario, &Overrides::default()).unwrap();
    let trials: Vec<Trial> = (plan.trials.iter().zip(p99s).enumerate())
        .map(|(at, (planned, p99))| {
            let mut trial = trial(p99);
            trial.parameters = planned.parameters();
            trial.repeat = planned.repeat;
            change(at, &mut trial);
            trial
        })
        .collect();
    Results {
        schema: String::new(),
        schema_version: 1,
        generated_at: String::new(),
        scenario: serde_json::to_value(&plan.scenario).unwrap(),
        environment: crate::results::Environment::default(),
        verdict: RunVerdict::default(),
        interrupted: false,
        summary: statistics::summarise(&plan, &trials),
        trials,
        calibration: Vec::new(),
        capacity: Vec::new(),
        timeline: Vec::new(),
        expectations: Vec::new(),
        model: Vec::new(),
        published: Vec::new(),
        predicted: Vec::new(),
    }
}

fn trial(p99: &i64) -> Trial {
    Trial {
        name: "sse".to_owned(),
        transport: Transport::Sse,
        parameters: Parameters::default(),
        clients: 5,
        repeat: 1,
        valid: true,
        reasons: Vec::new(),
        window_s: 5.0,
        published: 20,
        expected: 100,
        delivered: 100,
        lost: 0,
        duplicated: 0,
        repeated: 0,
        out_of_order: 0,
        missed: 0,
        reconnects: 0,
        away: 0,
        errors: BTreeMap::new(),
        requests: 0,
        empty_responses: 0,
        connects: 0,
        window_deliveries: 100,
        latency_us: Latencies {
            delivery: Distribution {
                count: 100,
                p99: Some(*p99),
                p999: Some(*p99 * 2),
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

const STEADY: [i64; 5] = [1_000, 1_004, 997, 1_001, 995];

fn of<'a>(comparison: &'a Comparison, figure: &str) -> &'a FigureComparison {
    let mut figures = comparison.rows[0].figures.iter();
    figures.find(|found| found.figure == figure).unwrap()
}

fn p99(b: &[i64], noise_threshold: f64) -> FigureComparison {
    let (a, b) = (run(&STEADY, |_, _| {}), run(b, |_, _| {}));
    of(&compare(&a, &b, noise_threshold), "latency_p99_us").clone()
}

#[test]
fn a_change_is_found_named_and_bounded() {
    let slower = p99(&[1_050, 1_054, 1_046, 1_051, 1_049], 0.01);
    assert_eq!((slower.a, slower.b), (Some(1_000.0), Some(1_050.0)));
    assert_eq!(slower.verdict(), "slower");
    assert!(slower.p.unwrap() < 0.01);
    let ratio = slower.ratio.unwrap();
    assert_eq!(ratio.median, 1.05);
    assert!(ratio.low > 1.03 && ratio.low < 1.05 && ratio.high > 1.05 && ratio.high < 1.07);
    assert_eq!(p99(&[950, 954, 946, 951, 949], 0.01).verdict(), "faster");
    assert_eq!(
        p99(&[1_002, 998, 1_000, 1_003, 996], 0.01).verdict(),
        "no difference seen"
    );
}

#[test]
fn a_change_below_the_noise_threshold_or_the_clocks_step_is_none() {
    let b = [1_050, 1_054, 1_046, 1_051, 1_049];
    assert_eq!(p99(&b, 0.06).finding, Finding::NoDifference);
    assert_eq!(p99(&b, 0.0).finding, Finding::Worse);
    let tiny = compare(&run(&[45; 5], |_, _| {}), &run(&[46; 5], |_, _| {}), 0.0);
    assert_eq!(of(&tiny, "latency_p99_us").finding, Finding::NoDifference);
}

#[test]
fn four_repeats_are_too_few_for_a_statement() {
    let few = p99(&[2_000, 2_001, 2_002, 2_003], 0.01);
    assert_eq!(few.verdict(), "too few repeats");
    assert_eq!((few.ratio, few.p), (None, None));
    // Invalid repeats do not count.
    let b = run(&[2_000; 6], |at, trial| trial.valid = at > 1);
    let compared = compare(&run(&STEADY, |_, _| {}), &b, 0.01);
    assert_eq!(
        of(&compared, "latency_p99_us").finding,
        Finding::TooFewRepeats
    );
    assert_eq!((compared.rows[0].valid_repeats_b, compared.tested), (4, 0));
}

#[test]
fn a_p999_needs_its_samples() {
    let a = run(&STEADY, |_, _| {});
    assert_eq!(
        of(&compare(&a, &a, 0.01), "latency_p999_us").verdict(),
        "too few samples"
    );
    let many = run(&STEADY, |_, trial| trial.latency_us.delivery.count = 10_000);
    let compared = compare(&many, &many, 0.01);
    assert_eq!(
        of(&compared, "latency_p999_us").verdict(),
        "no difference seen"
    );
}

#[test]
fn a_figure_of_one_side_alone_is_said() {
    let a = run(&STEADY, |_, trial| {
        trial.server.cpu_s_per_million = Some(9.0)
    });
    let b = run(&STEADY, |_, _| {});
    let figure = "server_cpu_s_per_million";
    assert_eq!(of(&compare(&a, &b, 0.01), figure).verdict(), "only in A");
    assert_eq!(of(&compare(&b, &a, 0.01), figure).verdict(), "only in B");
    assert!(!compare(&a, &b, 0.01).regressed());
}

#[test]
fn one_lost_delivery_breaks_a_promise_that_held() {
    let whole = run(&STEADY, |_, _| {});
    let lossy = run(&STEADY, |at, trial| trial.lost = u64::from(at == 2));
    let compared = compare(&whole, &lossy, 0.01);
    let lost = of(&compared, "lost_share");
    assert_eq!(
        (lost.a, lost.b, lost.verdict()),
        (Some(0.0), Some(0.002), "more")
    );
    assert!(compared.regressed());
    // Where A lost some too, it is a figure like any other.
    assert!(!compare(&lossy, &lossy, 0.01).regressed());
    assert_eq!(
        of(&compare(&lossy, &whole, 0.01), "lost_share").finding,
        Finding::NoDifference
    );
    let errors = run(&STEADY, |at, trial| {
        trial.errors = BTreeMap::from([("connect".to_owned(), u64::from(at == 2))]);
    });
    assert!(!compare(&whole, &errors, 0.01).regressed());
}

#[test]
fn more_is_better_for_deliveries_alone() {
    let a = run(&STEADY, |at, trial| {
        trial.window_deliveries = 1_000 + at as u64
    });
    let b = run(&STEADY, |at, trial| {
        trial.window_deliveries = 900 + at as u64
    });
    let figure = "deliveries_per_s";
    assert_eq!(of(&compare(&a, &b, 0.01), figure).finding, Finding::Worse);
    assert_eq!(of(&compare(&b, &a, 0.01), figure).verdict(), "more");
}

#[test]
fn rows_without_a_partner_are_named() {
    let a = run(&STEADY, |_, _| {});
    let mut b = run(&STEADY, |_, _| {});
    b.summary[0].parameters.clients = 50;
    let compared = compare(&a, &b, 0.01);
    assert!(compared.rows.is_empty());
    assert_eq!(compared.only_in_a, ["sse, 5 clients"]);
    assert_eq!(compared.only_in_b, ["sse, 50 clients"]);
}

/// Log-normal repeats, B's 5 % higher: the interval holds the true ratio in about 95 of 100.
#[test]
fn the_interval_of_a_ratio_covers_it() {
    use rand::{RngExt, SeedableRng};
    let mut random = rand::rngs::Xoshiro256PlusPlus::seed_from_u64(5);
    let mut values = |middle: f64| -> Vec<f64> {
        (0..5)
            .map(|_| {
                let (u, v): (f64, f64) = (1.0 - random.random::<f64>(), random.random());
                let normal = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
                middle * (0.02 * normal).exp()
            })
            .collect()
    };
    let covered = (0..200)
        .filter(|seed| {
            let ratio = statistics::ratio(&values(100.0), &values(105.0), *seed).unwrap();
            (ratio.low..=ratio.high).contains(&1.05)
        })
        .count();
    assert!((180..=200).contains(&covered), "{covered} of 200");
}
