//! From trials to a summary and a verdict: medians over valid repeats with bootstrap intervals. The
//! run is the sample; percentiles are never averaged over messages.

mod outliers;

use crate::plan::Plan;
use crate::results::{
    ConnectParts, Counts, FIGURES, Figure, Outlier, Parameters, SummaryRow, Trial, Verdict,
};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};

const RESAMPLES: usize = 2_000;

/// Valid repeats below which nothing is said about a difference.
pub const LEAST_REPEATS: usize = 5;

/// Samples that every repeat needs before its p99.9 is spoken of.
pub const SAMPLES_FOR_P999: u64 = 10_000;

/// Share of its repeats that each (name, parameters) must keep for the run to count.
const LEAST_KEPT: f64 = 0.6;

/// The middle value, or the mean of the two middle ones; `None` of nothing.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    middle(&sorted)
}

fn middle(sorted: &[f64]) -> Option<f64> {
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        n if n % 2 == 1 => Some(sorted[half]),
        _ => Some(f64::midpoint(sorted[half - 1], sorted[half])),
    }
}

/// The median and the 2.5th and 97.5th percentile of 2,000 resampled medians (Efron's percentile
/// interval). With one value all three are equal; with few it is too narrow, which a report says.
pub fn figure(values: &[f64], seed: u64) -> Option<Figure> {
    let median = median(values)?;
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let (low, high) = interval(resampled_medians(values, &mut random));
    Some(Figure { median, low, high })
}

/// How much larger `b` is than `a`: the ratio of their medians, with a bootstrap interval in which
/// both are resampled. `None` where a value is not above 0, or there is none.
pub fn ratio(a: &[f64], b: &[f64], seed: u64) -> Option<Figure> {
    if a.iter().chain(b).any(|value| *value <= 0.0) {
        return None;
    }
    let median = median(b)? / median(a)?;
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let of_a = resampled_medians(a, &mut random);
    let of_b = resampled_medians(b, &mut random);
    let (low, high) = interval(of_b.iter().zip(of_a).map(|(b, a)| b / a).collect());
    Some(Figure { median, low, high })
}

fn resampled_medians(values: &[f64], random: &mut Xoshiro256PlusPlus) -> Vec<f64> {
    let mut medians = Vec::with_capacity(RESAMPLES);
    let mut resample = vec![0.0; values.len()];
    for _ in 0..RESAMPLES {
        for value in &mut resample {
            *value = values[random.random_range(0..values.len())];
        }
        resample.sort_by(f64::total_cmp);
        medians.extend(middle(&resample));
    }
    medians
}

/// The 2.5th and 97.5th percentile.
fn interval(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
    (at(0.025), at(0.975))
}

/// Every repeat must have the samples, for the figure is a median over repeats.
pub fn has_p999<'a>(trials: impl IntoIterator<Item = &'a Trial>) -> bool {
    let counts = trials
        .into_iter()
        .map(|trial| trial.latency_us.delivery.count);
    counts.min().is_some_and(|count| count >= SAMPLES_FOR_P999)
}

/// A row for every (name, parameters) that ran, in the order of `plan`.
pub fn summarise(plan: &Plan, trials: &[Trial]) -> Vec<SummaryRow> {
    (plan.rows().into_iter())
        .filter_map(|(name, parameters)| {
            let ran = repeats_of(trials, &name, &parameters);
            let first = ran.first()?;
            let valid: Vec<&Trial> = ran.iter().copied().filter(|trial| trial.valid).collect();
            Some(SummaryRow {
                transport: first.transport,
                repeats_valid: valid.len() as u32,
                repeats: ran.len() as u32,
                counts: counts(&valid),
                figures: figures(&valid, plan.scenario.seed),
                outliers: outlying(&valid),
                name,
                parameters,
            })
        })
        .collect()
}

/// Valid if every (name, parameters) kept 60 % of the repeats that the plan gave it. Repeats that are
/// left out are told either way.
pub fn verdict(plan: &Plan, trials: &[Trial]) -> Verdict {
    let planned = plan.scenario.load.repeats;
    let mut valid = true;
    let mut reasons = Vec::new();
    for (name, parameters) in plan.rows() {
        let ran = repeats_of(trials, &name, &parameters);
        let kept = ran.iter().filter(|trial| trial.valid).count();
        valid &= (kept as f64) >= LEAST_KEPT * f64::from(planned);
        if kept < ran.len() || (kept as f64) < LEAST_KEPT * f64::from(planned) {
            let causes: BTreeSet<&str> = (ran.iter())
                .flat_map(|trial| trial.reasons.iter().map(String::as_str))
                .collect();
            reasons.push(too_few(&name, &parameters, kept, planned, &causes));
        }
    }
    Verdict { valid, reasons }
}

fn too_few(
    name: &str,
    parameters: &Parameters,
    kept: usize,
    planned: u32,
    causes: &BTreeSet<&str>,
) -> String {
    let clients = parameters.clients;
    let mut reason = format!("{name}, {clients} clients: {kept} of {planned} repeats are valid");
    if !causes.is_empty() {
        let causes: Vec<&str> = causes.iter().copied().collect();
        reason.push_str(&format!(" ({})", causes.join("; ")));
    }
    reason
}

fn repeats_of<'a>(trials: &'a [Trial], name: &str, parameters: &Parameters) -> Vec<&'a Trial> {
    (trials.iter())
        .filter(|trial| trial.name == name && trial.parameters == *parameters)
        .collect()
}

fn counts(trials: &[&Trial]) -> Counts {
    let sum = |count: fn(&Trial) -> u64| trials.iter().map(|trial| count(trial)).sum();
    Counts {
        published: sum(|t| t.published),
        expected: sum(|t| t.expected),
        delivered: sum(|t| t.delivered),
        lost: sum(|t| t.lost),
        duplicated: sum(|t| t.duplicated),
        repeated: sum(|t| t.repeated),
        out_of_order: sum(|t| t.out_of_order),
        missed: sum(|t| t.missed),
        errors: sum(|t| t.errors.values().sum()),
    }
}

/// Every figure that at least one trial has.
fn figures(trials: &[&Trial], seed: u64) -> BTreeMap<String, Figure> {
    let mut figures = BTreeMap::new();
    for name in FIGURES {
        let values: Vec<f64> = trials
            .iter()
            .filter_map(|trial| value(trial, name))
            .collect();
        if let Some(figure) = figure(&values, seed) {
            figures.insert(name.to_owned(), figure);
        }
    }
    figures
}

/// Repeats that stand apart, in figures of what was measured; the generator's own are the verdict's.
fn outlying(trials: &[&Trial]) -> Vec<Outlier> {
    let values = |name: &str| -> Vec<(u32, f64)> {
        let numbered = |trial: &&Trial| Some((trial.repeat, value(trial, name)?));
        trials.iter().filter_map(numbered).collect()
    };
    let own = ["generator_", "control_", "publish_lag_"];
    (FIGURES.iter())
        .filter(|name| !own.iter().any(|start| name.starts_with(start)))
        .flat_map(|name| outliers::outliers(name, &values(name)))
        .collect()
}

/// One figure of one trial; `None` where it could not be taken.
pub fn value(trial: &Trial, figure: &str) -> Option<f64> {
    let latency = &trial.latency_us;
    let whole = |value: Option<i64>| value.map(|value| value as f64);
    let part = |of: fn(&ConnectParts) -> Option<i64>| whole(of(latency.connect_parts.as_ref()?));
    match figure {
        "latency_mean_us" => latency.delivery.mean,
        "latency_p50_us" => whole(latency.delivery.p50),
        "latency_p75_us" => whole(latency.delivery.p75),
        "latency_p90_us" => whole(latency.delivery.p90),
        "latency_p95_us" => whole(latency.delivery.p95),
        "latency_p99_us" => whole(latency.delivery.p99),
        "latency_p999_us" => whole(latency.delivery.p999),
        "latency_max_us" => whole(latency.delivery.max),
        "uncorrected_p50_us" => whole(latency.uncorrected.p50),
        "uncorrected_p99_us" => whole(latency.uncorrected.p99),
        "publish_lag_p99_us" => whole(latency.publish_lag.p99),
        "publish_ack_p50_us" => whole(latency.publish_ack.p50),
        "publish_ack_p99_us" => whole(latency.publish_ack.p99),
        "connect_p50_us" => whole(latency.connect.p50),
        "connect_p99_us" => whole(latency.connect.p99),
        "connect_handshake_p50_us" => part(|parts| parts.handshake.p50),
        "connect_handshake_p99_us" => part(|parts| parts.handshake.p99),
        "connect_namespace_p50_us" => part(|parts| parts.namespace.p50),
        "connect_namespace_p99_us" => part(|parts| parts.namespace.p99),
        "connect_upgrade_p50_us" => part(|parts| parts.upgrade.p50),
        "connect_upgrade_p99_us" => part(|parts| parts.upgrade.p99),
        "recovery_p50_us" => whole(latency.recovery.p50),
        "recovery_max_us" => whole(latency.recovery.max),
        "bytes_per_delivery" => trial.bytes.per_delivery,
        "ip_bytes_per_delivery" => trial.bytes.ip_per_delivery,
        // All that is not the event itself: heads, framing, empty polls, heartbeats.
        "overhead_bytes_per_delivery" => {
            let payload = trial.bytes.per_delivery_by_kind.as_ref()?.get("payload")?;
            Some(trial.bytes.per_delivery? - payload)
        }
        "delivered_share" => share(trial.delivered as f64, trial.expected as f64),
        "requests_per_delivery" => share(trial.requests as f64, trial.window_deliveries as f64),
        "connects_per_request" => share(trial.connects as f64, trial.requests as f64),
        "empty_share" => share(trial.empty_responses as f64, trial.requests as f64),
        "deliveries_per_s" => share(trial.window_deliveries as f64, trial.window_s),
        "bandwidth_mean_bytes_per_s" => trial.bandwidth_bytes_per_s.mean,
        "server_cpu_s_per_million" => trial.server.cpu_s_per_million,
        "server_rss_per_connection" => trial.server.rss_per_connection,
        "server_threads" => trial.server.threads.map(|threads| threads as f64),
        "server_context_switches_per_delivery" => {
            let switches = trial.server.context_switches? as f64;
            share(switches, trial.window_deliveries as f64)
        }
        "generator_cpu_s_per_million" => trial.generator.cpu_s_per_million,
        "generator_rss_per_client" => trial.generator.rss_per_client,
        "control_p50_us" => whole(trial.generator.control_us.p50),
        "control_p99_us" => whole(trial.generator.control_us.p99),
        _ => None,
    }
}

fn share(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

#[cfg(test)]
mod tests;
