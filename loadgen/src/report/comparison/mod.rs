//! A comparison for people and for programs: text for a terminal, Markdown for a pull request, one
//! HTML file, JSON. Results and findings in, text out; what counts as a finding is not decided here.

mod text;
mod markdown;
mod page;

pub use markdown::markdown;
pub use page::html;
pub use text::text;

use super::format::{ABSENT, percent, quantity};
use super::rows::rows;
use crate::comparison::{Comparison, Difference, FigureComparison, Finding, RowComparison};
use crate::results::Results;
use crate::scenario::units::grouped;
use crate::statistics::{LEAST_REPEATS, SAMPLES_FOR_P999};
use serde::Serialize;
use std::collections::BTreeMap;

/// One run, and what the user called it.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    pub said: &'a str,
    pub results: &'a Results,
}

/// Everything that a comparison is told from.
#[derive(Clone, Copy)]
pub struct Compared<'a> {
    pub a: Side<'a>,
    pub b: Side<'a>,
    /// What must not differ and does; only where the comparison was forced.
    pub differences: &'a [Difference],
    pub comparison: &'a Comparison,
}

/// Figures that are always shown; the others where something was found.
const MAIN: [&str; 6] = [
    "latency_p50_us",
    "latency_p99_us",
    "latency_max_us",
    "bytes_per_delivery",
    "server_cpu_s_per_million",
    "lost_share",
];

#[derive(Serialize)]
struct Document<'a> {
    a: Run<'a>,
    b: Run<'a>,
    differences: &'a [Difference],
    regressed: bool,
    comparison: &'a Comparison,
}

#[derive(Serialize)]
struct Run<'a> {
    said: &'a str,
    generated_at: &'a str,
    git_revision: Option<&'a str>,
    labels: &'a BTreeMap<String, String>,
}

/// The comparison as JSON, with what it compares.
pub fn json(compared: &Compared<'_>) -> Vec<u8> {
    let document = Document {
        a: compared.a.in_short(),
        b: compared.b.in_short(),
        differences: compared.differences,
        regressed: compared.comparison.regressed(),
        comparison: compared.comparison,
    };
    let mut text = serde_json::to_vec_pretty(&document)
        .expect("a comparison holds nothing that JSON cannot say");
    text.push(b'\n');
    text
}

impl Side<'_> {
    fn in_short(&self) -> Run<'_> {
        let environment = &self.results.environment;
        Run {
            said: self.said,
            generated_at: &self.results.generated_at,
            git_revision: environment.git_revision.as_deref(),
            labels: &environment.labels,
        }
    }
}

/// One sentence per regression, for stderr.
pub fn regressions(compared: &Compared<'_>) -> Vec<String> {
    let mut said = Vec::new();
    for (row, label) in compared.comparison.rows.iter().zip(labels(compared)) {
        let worse = (row.figures.iter()).filter(|figure| figure.finding == Finding::Worse);
        said.extend(worse.map(|figure| {
            let (a, b) = (value(figure, figure.a), value(figure, figure.b));
            format!(
                "{label}, {}: {a} → {b}, {}",
                figure.label(),
                figure.verdict()
            )
        }));
    }
    said
}

/// What came of it, in a line.
fn headline(comparison: &Comparison) -> String {
    let (worse, better) = (
        comparison.found(Finding::Worse),
        comparison.found(Finding::Better),
    );
    let figures = |count: usize| match count {
        1 => "1 figure is".to_owned(),
        many => format!("{} figures are", grouped(many as u64)),
    };
    let said = match (worse, better) {
        (0, 0) if comparison.tested == 0 => "Nothing could be tested".to_owned(),
        (0, 0) => "No difference seen".to_owned(),
        (0, _) => format!("{} better, none worse", figures(better)),
        (_, 0) => format!("{} worse, none better", figures(worse)),
        (_, _) => format!("{} worse, {better} better", figures(worse)),
    };
    format!("{said}.")
}

/// How sure that is, and why a figure may have no verdict.
fn reservations(comparison: &Comparison) -> Vec<String> {
    let mut said = vec![format!(
        "{} figures were tested together over repeats, corrected for their number: if nothing \
         differed, any finding at all would come up in 5 of 100 comparisons. Changes up to {} are \
         taken for noise; a delivery lost, doubled or out of order where none was is always a \
         finding.",
        grouped(comparison.tested as u64),
        percent(comparison.noise_threshold),
    )];
    if comparison.found(Finding::TooFewRepeats) > 0 {
        said.push(format!(
            "Fewer than {LEAST_REPEATS} valid repeats on a side are too few for a statement; run \
             with --repeats {LEAST_REPEATS} or more."
        ));
    }
    if comparison.found(Finding::TooFewSamples) > 0 {
        let samples = grouped(SAMPLES_FOR_P999);
        said.push(format!("A p99.9 needs {samples} samples in each repeat."));
    }
    for (side, rows) in [("A", &comparison.only_in_a), ("B", &comparison.only_in_b)] {
        said.extend(rows.iter().map(|row| format!("Only {side} has {row}.")));
    }
    said
}

/// Where and when a run was taken.
fn origin(side: &Side<'_>) -> String {
    let results = side.results;
    let mut said = format!("{}, measured {}", side.said, results.generated_at);
    if let Some(revision) = &results.environment.git_revision {
        let short: String = revision.chars().take(10).collect();
        said.push_str(&format!(", revision {short}"));
    }
    for (key, value) in &results.environment.labels {
        said.push_str(&format!(", {key}={value}"));
    }
    if !results.verdict.valid {
        said.push_str(", INVALID");
    }
    said
}

/// The rows as the report of A calls them.
fn labels(compared: &Compared<'_>) -> Vec<String> {
    let known = rows(compared.a.results);
    let label = |row: &RowComparison| {
        let same = (known.iter()).find(|known| {
            known.summary.name == row.name && known.summary.parameters == row.parameters
        });
        same.map_or_else(|| row.name.clone(), |known| known.label.clone())
    };
    compared.comparison.rows.iter().map(label).collect()
}

fn is_main(figure: &FigureComparison) -> bool {
    MAIN.contains(&figure.figure.as_str()) || was_found(figure)
}

fn was_found(figure: &FigureComparison) -> bool {
    matches!(figure.finding, Finding::Better | Finding::Worse)
}

fn value(figure: &FigureComparison, value: Option<f64>) -> String {
    value.map_or_else(|| ABSENT.to_owned(), |value| quantity(value, figure.unit()))
}

/// `1.050 (1.031 – 1.069)`.
fn ratio(figure: &FigureComparison) -> String {
    figure.ratio.map_or_else(
        || ABSENT.to_owned(),
        |ratio| format!("{:.3} ({:.3} – {:.3})", ratio.median, ratio.low, ratio.high),
    )
}

fn p(figure: &FigureComparison) -> String {
    figure
        .p
        .map_or_else(|| ABSENT.to_owned(), |p| format!("{p:.3}"))
}

#[cfg(test)]
mod tests;
