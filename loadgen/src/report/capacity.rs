//! What a search for the greatest load found, in words and as one table that the text, Markdown and
//! HTML share; every step stands in the HTML alone.

use super::format::{ABSENT, count, duration, percent, significant};
use super::rows::labels;
use crate::results::{Capacity, CapacityStep, Dimension, Limit, Results, Side};

pub(super) const HEADS: [&str; 6] = [
    "transport",
    "maximum",
    "p99 there",
    "deliveries/s",
    "server CPU",
    "limited by",
];

/// One line for each transport, in the order of the scenario.
pub(super) fn table(results: &Results) -> Vec<[String; 6]> {
    let labels = labels(&results.capacity).into_iter();
    (labels.zip(&results.capacity))
        .map(|(label, found)| line(label, found))
        .collect()
}

fn line(label: String, found: &Capacity) -> [String; 6] {
    let best = best(found);
    let perhaps = |value: Option<String>| value.unwrap_or_else(|| ABSENT.to_owned());
    [
        label,
        found
            .maximum
            .map_or_else(|| ABSENT.to_owned(), |most| load(most, found.dimension)),
        perhaps(best.and_then(|step| Some(duration(step.p99_us? as f64)))),
        perhaps(best.and_then(|step| Some(significant(step.deliveries_per_s?)))),
        perhaps(best.and_then(|step| Some(percent(step.server_cpu_share?)))),
        found.limit.as_ref().map_or_else(
            || "stopped before".to_owned(),
            |limit| side(limit.side).to_owned(),
        ),
    ]
}

/// The step that held with the greatest load.
fn best(found: &Capacity) -> Option<&CapacityStep> {
    let held = found.steps.iter().filter(|step| step.holds);
    held.max_by(|one, other| one.load.total_cmp(&other.load))
}

/// `1,600 clients`, `320/s`
pub(super) fn load(load: f64, dimension: Dimension) -> String {
    match dimension {
        Dimension::Clients if load == 1.0 => "1 client".to_owned(),
        Dimension::Clients => format!("{} clients", count(load as u64)),
        Dimension::Rate => format!("{}/s", significant(load)),
    }
}

/// Who is in the way, as a table says it.
pub(super) fn side(side: Side) -> &'static str {
    match side {
        Side::Server => "the server",
        Side::Generator => "the generator",
        Side::Machine => "the machine",
        Side::Connections => "connections",
        Side::Slo => "the expectation",
        Side::Search => "the search",
    }
}

/// One sentence for each transport, with the reason.
pub(super) fn sentences(results: &Results) -> Vec<String> {
    let labels = labels(&results.capacity).into_iter();
    (labels.zip(&results.capacity))
        .map(|(label, found)| sentence(&label, found))
        .collect()
}

fn sentence(name: &str, found: &Capacity) -> String {
    let kept = found.slo.join(", ");
    let reached = match found.maximum {
        Some(most) => format!("{name} bears {} ({kept})", load(most, found.dimension)),
        None => format!("{name} does not even bear the load to begin with ({kept})"),
    };
    match &found.limit {
        None => format!("{reached}, as far as the search came."),
        Some(limit) => format!("{reached}. {}", reason(found, limit)),
    }
}

fn reason(found: &Capacity, Limit { side, reason }: &Limit) -> String {
    let failed = found.steps.iter().filter(|step| !step.holds);
    let least = failed.map(|step| step.load).reduce(f64::min);
    let at = least.map_or(String::new(), |least| {
        format!("At {}: ", load(least, found.dimension))
    });
    let who = match side {
        Side::Server => "The server is in the way",
        Side::Generator => "The generator is in the way, so there may be more",
        Side::Machine => "The machine is in the way, so there may be more",
        Side::Connections => "Connections are in the way",
        Side::Slo => "Nobody was at work to the full",
        Side::Search => "The search ended there",
    };
    format!("{who}. {at}{reason}.")
}

/// Whether a step held, and otherwise what failed.
pub(super) fn outcome(step: &CapacityStep) -> String {
    match step.holds {
        true => "✓ holds".to_owned(),
        false => format!("✗ {}", step.failures.join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn what_was_found_and_who_was_in_the_way_is_said() {
        let results = fixture::capacity();
        assert_eq!(
            sentences(&results),
            [
                "SSE bears 1,600 clients (latency.p99 < 250ms, lost == 0). The server is in the way. \
                 At 2,000 clients: latency.p99 < 250ms failed, with the server's workers at 92 % of their CPU.",
                "Interval polling does not even bear the load to begin with (latency.p99 < 250ms, \
                 lost == 0). Nobody was at work to the full. At 400 clients: latency.p99 < 250ms failed.",
            ]
        );
        assert_eq!(
            table(&results),
            [
                [
                    "SSE",
                    "1,600 clients",
                    "160 ms",
                    "16,000",
                    "64 %",
                    "the server"
                ],
                ["Interval polling", "–", "–", "–", "–", "the expectation"],
            ]
            .map(|line| line.map(str::to_owned))
        );
    }
}
