//! What the scenario expected, and what came of it on each transport.

use super::super::expectations::{label, measured, threshold, written};
use super::super::rows::Row;
use crate::results::{Expectation, Results};
use maud::{Markup, html};

pub(super) fn section(results: &Results, rows: &[Row<'_>]) -> Markup {
    html! {
        @if !results.expectations.is_empty() {
            section aria-labelledby="expectations" {
                h2 #expectations { "Expectations" }
                div.scroll role="region" aria-labelledby="expectations" tabindex="0" {
                    table {
                        caption {
                            "What the scenario expected. Figures are medians over valid trials, counts \
                             sums; a figure that could not be measured does not hold."
                        }
                        thead { tr {
                            @for head in ["expected", "transport", "measured", "threshold", ""] {
                                th scope="col" { (head) }
                            }
                        } }
                        tbody {
                            @for written in written(results) { @for (at, one) in written.judged.iter().enumerate() {
                                (line((at == 0).then_some(written.expression), one, rows))
                            } }
                        }
                    }
                }
            }
        }
    }
}

/// The expression stands at the first of its lines alone.
fn line(expression: Option<&str>, one: &Expectation, rows: &[Row<'_>]) -> Markup {
    html! {
        tr {
            th scope="row" dir="auto" { @if let Some(expression) = expression { (expression) } }
            td { bdi { (label(one, rows)) } }
            td { (measured(one)) }
            td { (threshold(one)) }
            td.bad[!one.holds] {
                @if one.holds { "✓ holds" } @else { "✗ fails" }
                @if one.aborted { small { "ended the run" } }
            }
        }
    }
}
