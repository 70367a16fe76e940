//! A laboratory whose noise is known: log-normal service times, a factor of its own for each repeat
//! and figure, and an effect put in on purpose. It leaves `Results` as a run does, through the real
//! histograms and the real summary.

use loadgen::histogram::Samples;
use loadgen::plan::{Overrides, Plan, TrialPlan};
use loadgen::results::{
    Bytes, Distribution, Environment, GeneratorFigures, Latencies, Results, SCHEMA_VERSION,
    ServerFigures, Trial, Verdict,
};
use loadgen::scenario::Scenario;
use loadgen::statistics;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;
use std::fmt;

pub const REPEATS: u32 = 5;

/// Median and spread of the service times of the first transport; each next one is slower by half.
const MEDIAN_US: f64 = 20_000.0;
const SPREAD: f64 = 0.25;

pub struct Laboratory {
    pub transports: usize,
    /// Deliveries of a trial.
    samples: usize,
    /// Standard deviation, as a share, of what a whole repeat is slower or faster by.
    noise: f64,
    /// Of costs, which real machines know less well than latencies.
    cost_noise: f64,
    apart: Apart,
}

/// Which repeats a neighbour makes 30 % slower as a whole.
#[derive(Clone, Copy, PartialEq)]
enum Apart {
    None,
    OneInTen,
    First,
}

/// What was done to the last transport of a run.
#[derive(Clone, Copy)]
pub enum Effect {
    None,
    /// Every event takes this much longer.
    Everything(f64),
    /// The slowest 3 % do.
    Tail(f64),
}

impl Laboratory {
    /// As a machine with nothing else to do.
    pub fn quiet(transports: usize, samples: usize) -> Self {
        Laboratory {
            transports,
            samples,
            noise: 0.005,
            cost_noise: 0.02,
            apart: Apart::None,
        }
    }

    /// As a shared machine.
    pub fn noisy(transports: usize, samples: usize) -> Self {
        Laboratory {
            noise: 0.05,
            cost_noise: 0.1,
            ..Laboratory::quiet(transports, samples)
        }
    }

    pub fn with_outliers(self) -> Self {
        Laboratory {
            apart: Apart::OneInTen,
            ..self
        }
    }

    pub fn with_one_outlier(self) -> Self {
        Laboratory {
            apart: Apart::First,
            ..self
        }
    }

    pub fn run(&self, seed: u64, effect: Effect) -> Results {
        let plan = self.plan();
        let mut dice = Dice(Xoshiro256PlusPlus::seed_from_u64(seed));
        let last = plan.sets.last().unwrap().name.clone();
        let trials: Vec<Trial> = (plan.trials.iter())
            .map(|planned| {
                let own = if planned.name == last {
                    effect
                } else {
                    Effect::None
                };
                self.trial(planned, own, &mut dice)
            })
            .collect();
        Results {
            schema: String::new(),
            schema_version: SCHEMA_VERSION,
            generated_at: "2026-11-21T03:02:01Z".to_owned(),
            scenario: serde_json::to_value(&plan.scenario).unwrap(),
            environment: Environment::default(),
            verdict: Verdict::default(),
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

    fn plan(&self) -> Plan {
        let mut text = format!(
            "name = \"g8\"\n[load]\nclients = 50\nrepeats = {REPEATS}\n[publish]\nrate = 100\n"
        );
        for at in 0..self.transports {
            text.push_str(&format!(
                "[[transports]]\nkind = \"sse\"\nname = \"sse-{at}\"\n"
            ));
        }
        let scenario = Scenario::parse(&text, "g8.toml").unwrap();
        Plan::resolve(&scenario, &Overrides::default()).unwrap()
    }

    fn delivery(&self, median_us: f64, effect: Effect, dice: &mut Dice) -> Distribution {
        // 97 % of normal values lie below 1.881 standard deviations.
        let tail_from_us = median_us * (1.881 * SPREAD).exp();
        let mut delivery = Samples::default();
        for _ in 0..self.samples {
            let latency_us = dice.log_normal(median_us, SPREAD);
            let slower = match effect {
                Effect::Everything(factor) => factor,
                Effect::Tail(factor) if latency_us > tail_from_us => factor,
                Effect::None | Effect::Tail(_) => 1.0,
            };
            delivery.record((latency_us * slower) as i64);
        }
        delivery.distribution()
    }

    fn trial(&self, planned: &TrialPlan, effect: Effect, dice: &mut Dice) -> Trial {
        let slowed = match self.apart {
            Apart::None => false,
            Apart::OneInTen => dice.uniform() < 0.1,
            Apart::First => planned.repeat == 1,
        };
        let apart = if slowed { 1.3 } else { 1.0 };
        let repeat = apart * dice.log_normal(1.0, self.noise);
        let place: i32 = planned.name["sse-".len()..].parse().unwrap();
        let median_us = MEDIAN_US * 1.5f64.powi(place) * repeat;
        let delivery = self.delivery(median_us, effect, dice);
        let mut few = |median: f64| -> Distribution {
            let mut samples = Samples::default();
            (0..200).for_each(|_| samples.record(dice.log_normal(median * repeat, 0.3) as i64));
            samples.distribution()
        };
        let (publish_lag, publish_ack, connect) = (few(60.0), few(900.0), few(2_000.0));
        let bandwidth = few(30_000.0);
        let mut cost = |middle: f64| Some(apart * dice.log_normal(middle, self.cost_noise));
        let deliveries = self.samples as u64;
        Trial {
            name: planned.name.clone(),
            transport: planned.transport.kind,
            parameters: planned.parameters(),
            clients: 50,
            repeat: planned.repeat,
            valid: true,
            reasons: Vec::new(),
            window_s: 5.0,
            published: deliveries / 50,
            expected: deliveries,
            delivered: deliveries,
            lost: 0,
            duplicated: 0,
            repeated: 0,
            out_of_order: 0,
            missed: 0,
            reconnects: 0,
            away: 0,
            errors: BTreeMap::new(),
            requests: deliveries + (cost(100.0).unwrap() as u64),
            empty_responses: cost(300.0).unwrap() as u64,
            connects: 0,
            window_deliveries: deliveries - cost(20.0).unwrap() as u64,
            bytes: Bytes {
                // Bytes hardly vary.
                per_delivery: Some(165.0 + cost(0.1).unwrap()),
                ..Bytes::default()
            },
            server: ServerFigures {
                cpu_s_per_million: cost(20.0),
                rss_per_connection: cost(14_000.0),
                ..ServerFigures::default()
            },
            generator: GeneratorFigures {
                cpu_s_per_million: cost(30.0),
                rss_per_client: cost(9_000.0),
                ..GeneratorFigures::default()
            },
            latency_us: Latencies {
                connect_parts: None,
                uncorrected: delivery.clone(),
                delivery,
                publish_lag,
                publish_ack,
                connect,
                recovery: Distribution::default(),
            },
            bandwidth_bytes_per_s: bandwidth,
        }
    }
}

impl fmt::Display for Laboratory {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} transports, {REPEATS} repeats of {} deliveries, noise between runs {} %{}",
            self.transports,
            self.samples,
            self.noise * 100.0,
            match self.apart {
                Apart::None => "",
                Apart::OneInTen => ", one repeat in ten 30 % apart",
                Apart::First => ", the first repeat 30 % apart",
            },
        )
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Effect::None => write!(out, "no effect"),
            Effect::Everything(factor) => write!(out, "every event × {factor}"),
            Effect::Tail(factor) => write!(out, "the slowest 3 % × {factor}"),
        }
    }
}

struct Dice(Xoshiro256PlusPlus);

impl Dice {
    fn uniform(&mut self) -> f64 {
        self.0.random()
    }

    fn log_normal(&mut self, median: f64, spread: f64) -> f64 {
        // Box and Muller.
        let (u, v) = (1.0 - self.uniform(), self.uniform());
        let normal = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
        median * (spread * normal).exp()
    }
}
