//! What `--find-max` found: a sentence and a line for each transport, and every step behind it.

use super::super::capacity::{HEADS, load, outcome, sentences, table};
use super::super::format::{ABSENT, duration, percent, significant};
use super::super::rows::labels;
use crate::results::{Capacity, CapacityStep, Results};
use maud::{Markup, html};

pub(super) fn section(results: &Results) -> Markup {
    html! {
        @if !results.capacity.is_empty() {
            section aria-labelledby="capacity" {
                h2 #capacity { "Greatest load" }
                ul { @for sentence in sentences(results) { li dir="auto" { (sentence) } } }
                div.scroll role="region" aria-labelledby="capacity" tabindex="0" {
                    table {
                        caption {
                            "The load doubles until a step fails twice, then the gap is halved to \
                             within 10 %. A step is one trial with a fresh server if the target is \
                             embedded. All other sections show each transport at its maximum."
                        }
                        thead { tr { @for head in HEADS { th scope="col" { (head) } } } }
                        tbody { @for line in table(results) { tr {
                            @for (at, cell) in line.iter().enumerate() {
                                @if at == 0 { th scope="row" { (cell) } } @else { td { (cell) } }
                            }
                        } } }
                    }
                }
                details {
                    summary { "Every step" }
                    @for (label, found) in labels(&results.capacity).iter().zip(&results.capacity) {
                        (steps(label, found))
                    }
                }
            }
        }
    }
}

fn steps(label: &str, found: &Capacity) -> Markup {
    html! {
        div.scroll role="region" aria-labelledby="capacity" tabindex="0" {
            table {
                caption { (label) }
                thead { tr {
                    @for head in ["load", "p99", "deliveries/s", "server CPU", "machine CPU", "outcome"] {
                        th scope="col" { (head) }
                    }
                } }
                tbody { @for step in &found.steps { (line(found, step)) } }
            }
        }
    }
}

fn line(found: &Capacity, step: &CapacityStep) -> Markup {
    let perhaps = |value: Option<f64>, words: fn(f64) -> String| {
        value.map_or_else(|| ABSENT.to_owned(), words)
    };
    html! {
        tr {
            th scope="row" { (load(step.load, found.dimension)) }
            td { (perhaps(step.p99_us.map(|p99| p99 as f64), duration)) }
            td { (perhaps(step.deliveries_per_s, significant)) }
            td { (perhaps(step.server_cpu_share, percent)) }
            td { (perhaps(step.machine_cpu_share, percent)) }
            td.reason.bad[!step.holds] { (outcome(step)) }
        }
    }
}
