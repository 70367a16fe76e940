//! Results in, bytes out: no file, no clock and no sample here.

mod format;
mod rows;
mod expectations;
mod capacity;
mod reservations;
mod tables;
mod text;
mod markdown;
mod csv;
mod hlog;
mod charts;
mod html;
pub mod comparison;
#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

use crate::results::Results;
use rows::rows;

/// One file of a run's folder: its path within it, and its bytes.
pub struct ReportFile {
    pub path: String,
    pub bytes: Vec<u8>,
}

/// Every file of a run but `results.json` and `scenario.toml`.
pub fn files(results: &Results) -> Vec<ReportFile> {
    let drawings = charts::draw(results);
    let mut files = vec![
        file("report.html", html::html(results, &drawings)),
        file("summary.md", markdown::markdown(results)),
        file("results.csv", csv::csv(results)),
        file("latency.hlog", hlog::hlog(results)),
    ];
    for drawing in drawings {
        let name = drawing.chart.name();
        files.push(file(format!("charts/{name}.svg"), drawing.svg));
        files.push(file(format!("charts/{name}.png"), drawing.png));
    }
    files
}

/// The table that ends a run on stdout.
pub fn table(results: &Results) -> String {
    text::table(&rows(results))
}

/// What was expected and what came of it, a line each with its mark; nothing if nothing was.
pub fn expectations(results: &Results) -> Vec<String> {
    expectations::lines(results, &rows(results))
}

/// What a search found: a table and a sentence per transport; nothing if none ran.
pub fn capacity(results: &Results) -> String {
    if results.capacity.is_empty() {
        return String::new();
    }
    let lines = [capacity::HEADS.map(str::to_owned)].into_iter();
    let table = text::aligned_table(lines.chain(capacity::table(results)));
    format!("{table}\n{}\n", capacity::sentences(results).join("\n"))
}

/// One sentence for each expectation that did not hold.
pub fn failures(results: &Results) -> Vec<String> {
    expectations::failures(results, &rows(results))
}

/// The published table that the scenario replays, with its footnotes; empty for any other.
pub fn published(results: &Results) -> String {
    tables::Table::of(results).map_or(String::new(), |table| text::published(&table))
}

/// One sentence per transport that a person can repeat at lunch.
pub fn sentences(results: &Results) -> Vec<String> {
    rows(results).iter().map(text::sentence).collect()
}

/// Repeats that stand apart from the others, a sentence each.
pub fn outliers(results: &Results) -> Vec<String> {
    reservations::outliers(&rows(results))
}

fn file(path: impl Into<String>, bytes: impl Into<Vec<u8>>) -> ReportFile {
    ReportFile {
        path: path.into(),
        bytes: bytes.into(),
    }
}

/// The scenario's title, or its name where it has none.
fn title(results: &Results) -> &str {
    let text = |key: &str| results.scenario.get(key).and_then(|value| value.as_str());
    let said = text("title").filter(|title| !title.is_empty());
    said.or_else(|| text("name")).unwrap_or("Untitled run")
}
