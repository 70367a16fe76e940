//! `report.html`: one file without network, light and dark, for a wide screen and for a phone. maud
//! escapes every text, so a scenario's title may hold anything.

mod figures;
mod expectations;
mod capacity;
mod published;
mod ledger;
mod connecting;
mod model;
mod context;

pub(super) use model::named;

use super::charts::{Drawing, stylesheet, transport_colour};
use super::rows::{Row, rows};
use super::text::sentence;
use crate::results::Results;
use maud::{DOCTYPE, Markup, PreEscaped, html};

const STYLE: &str = include_str!("style.css");

pub(super) fn html(results: &Results, drawings: &[Drawing]) -> String {
    let rows = rows(results);
    let main = html! {
        (verdict(results))
        (findings(&rows))
        (capacity::section(results))
        (expectations::section(results, &rows))
        (published::section(results))
        (figures::section(&rows))
        (reservations(results))
        (charts(&rows, drawings))
        (model::section(&rows))
        (model::predicted(&rows))
        (ledger::section(results, &rows))
        (context::section(results, &rows))
    };
    page(super::title(results), &[origin(results)], &main)
}

/// A whole page, with all that it needs in it; `origins` say below the title where it is from.
pub(super) fn page(title: &str, origins: &[Markup], main: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " – pushlab" }
                style { (PreEscaped(stylesheet())) (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 dir="auto" { (title) }
                    @for origin in origins { p.muted { (origin) } }
                }
                main { (main) }
            }
        }
    };
    page.into_string()
}

fn origin(results: &Results) -> Markup {
    let name = results.scenario.get("name").and_then(|name| name.as_str());
    html! {
        @if let Some(name) = name { "Scenario " bdi { (name) } ", " }
        "measured " time { (results.generated_at) } " by loadgen " (results.environment.loadgen_version)
    }
}

fn verdict(results: &Results) -> Markup {
    let class = if results.verdict.valid {
        "valid"
    } else {
        "invalid"
    };
    html! {
        section.verdict.(class) aria-label="Verdict" {
            @if results.verdict.valid {
                p { strong { "Valid run." } " The generator kept its plan; the figures may be used." }
            } @else {
                p { strong { "Invalid run." } " Do not use these figures." }
            }
            @if results.environment.profile == "debug" {
                p { "loadgen was built for debugging: its figures are slower than those of a release build." }
            }
            @if results.interrupted {
                p { strong { "Interrupted." } " The run was stopped; this is what was measured until then." }
            }
            @if !results.verdict.reasons.is_empty() {
                ul { @for reason in &results.verdict.reasons { li dir="auto" { (reason) } } }
            }
        }
    }
}

fn reservations(results: &Results) -> Markup {
    let said = super::reservations::reservations(results);
    html! {
        @if !said.is_empty() { ul { @for sentence in said { li dir="auto" { (sentence) } } } }
    }
}

fn findings(rows: &[Row<'_>]) -> Markup {
    html! {
        section aria-labelledby="findings" {
            h2 #findings { "Findings" }
            @if rows.is_empty() { p { "No trial ended, so there is nothing to say." } }
            ul.findings {
                @for row in rows { li dir="auto" { (swatch(row)) (sentence(row)) } }
            }
        }
    }
}

/// The colour that a row has in every chart.
fn swatch(row: &Row<'_>) -> Markup {
    let style = format!(
        "background:var(--c-{})",
        transport_colour(row.summary.transport).name
    );
    html! { span.swatch style=(style) aria-hidden="true" {} }
}

/// A row's name as the first cell of a table.
fn row_head(row: &Row<'_>) -> Markup {
    html! { th scope="row" { (swatch(row)) bdi { (row.label) } } }
}

fn charts(rows: &[Row<'_>], drawings: &[Drawing]) -> Markup {
    html! {
        section aria-labelledby="charts" {
            h2 #charts { "Charts" }
            (chart_names(rows))
            @for drawing in drawings {
                figure {
                    figcaption {
                        h3 { (drawing.chart.title()) }
                        p { (drawing.chart.explanation()) }
                    }
                    div.wide { (PreEscaped(&drawing.wide)) }
                    div.narrow { (PreEscaped(&drawing.narrow)) }
                }
            }
        }
    }
}

/// Charts know only our own names: where the scenario gave others, say which is which.
fn chart_names(rows: &[Row<'_>]) -> Markup {
    let renamed: Vec<&Row<'_>> = rows
        .iter()
        .filter(|row| row.label != row.chart_label)
        .collect();
    html! {
        @if !renamed.is_empty() {
            p { "In the charts:" }
            ul {
                @for row in renamed { li { (swatch(row)) (row.chart_label) " is " bdi { (row.label) } } }
            }
        }
    }
}
