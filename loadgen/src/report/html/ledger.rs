//! What was counted exactly: the ledger of deliveries, the bytes by kind, and every trial.

use super::super::charts::kind_colour;
use super::super::format::{ABSENT, count, duration, significant};
use super::super::rows::Row;
use super::{connecting, row_head};
use crate::results::{ByKind, Results, Trial};
use maud::{Markup, html};

pub(super) fn section(results: &Results, rows: &[Row<'_>]) -> Markup {
    html! {
        section aria-labelledby="ledger" {
            h2 #ledger { "Ledger" }
            (deliveries(rows))
            h2 #bytes { "Bytes" }
            (bytes(rows))
            (connecting::section(rows))
            h2 #trials { "Trials" }
            (trials(results))
        }
    }
}

fn deliveries(rows: &[Row<'_>]) -> Markup {
    html! {
        div.scroll role="region" aria-labelledby="ledger" tabindex="0" {
            table {
                caption {
                    "Published × subscribers = delivered + lost, summed over valid repeats. Missed \
                     events are those that the server said it no longer had."
                }
                thead { tr {
                    @for head in [
                        "transport", "published", "expected", "delivered", "lost", "sum",
                        "duplicated", "repeated", "out of order", "missed", "errors",
                    ] { th scope="col" { (head) } }
                } }
                tbody { @for row in rows { (delivery(row)) } }
            }
        }
    }
}

fn delivery(row: &Row<'_>) -> Markup {
    let counts = &row.summary.counts;
    let accounted = counts.delivered + counts.lost == counts.expected;
    html! {
        tr {
            (row_head(row))
            td { (count(counts.published)) }
            td { (count(counts.expected)) }
            td { (count(counts.delivered)) }
            td.bad[counts.lost > 0] { (count(counts.lost)) }
            td.bad[!accounted] { @if accounted { "equal" } @else { "differs" } }
            @for value in [counts.duplicated, counts.repeated, counts.out_of_order, counts.missed, counts.errors] {
                td { (count(value)) }
            }
        }
    }
}

fn bytes(rows: &[Row<'_>]) -> Markup {
    let kinds = ByKind::default().entries().map(|(kind, _)| kind);
    html! {
        div.scroll role="region" aria-labelledby="bytes" tabindex="0" {
            table {
                caption {
                    "Bytes below HTTP and TLS over the whole life of the connections, summed over \
                     valid repeats; publishing is within up, down and the kinds. IP counts every \
                     header and is known only where the kernel tells."
                }
                thead { tr {
                    th scope="col" { "transport" }
                    @for head in ["up", "down", "publish up", "publish down", "IP up", "IP down"] {
                        th scope="col" { (head) }
                    }
                    @for kind in kinds { (kind_head(kind)) }
                } }
                tbody { @for row in rows { (bytes_line(row)) } }
            }
        }
    }
}

fn kind_head(kind: &str) -> Markup {
    let style = format!("background:var(--c-{})", kind_colour(kind).name);
    html! {
        th scope="col" { span.swatch style=(style) aria-hidden="true" {} (kind.replace('_', " ")) }
    }
}

fn bytes_line(row: &Row<'_>) -> Markup {
    let trials: Vec<&Trial> = row.valid_trials().collect();
    let sum = |of: fn(&Trial) -> u64| count(trials.iter().map(|trial| of(trial)).sum());
    // One repeat without the figure leaves no sum.
    let known = |of: fn(&Trial) -> Option<u64>| {
        let sum: Option<u64> = trials.iter().map(|trial| of(trial)).sum();
        sum.filter(|_| !trials.is_empty())
            .map_or_else(|| ABSENT.to_string(), count)
    };
    let of_kind = |index: usize| {
        let parts = trials
            .iter()
            .map(|trial| trial.bytes.by_kind.entries()[index].1);
        count(parts.sum())
    };
    html! {
        tr {
            (row_head(row))
            td { (sum(|trial| trial.bytes.up)) }
            td { (sum(|trial| trial.bytes.down)) }
            td { (sum(|trial| trial.bytes.publish.up)) }
            td { (sum(|trial| trial.bytes.publish.down)) }
            td { (known(|trial| trial.bytes.ip_up)) }
            td { (known(|trial| trial.bytes.ip_down)) }
            @for index in 0..ByKind::default().entries().len() { td { (of_kind(index)) } }
        }
    }
}

fn trials(results: &Results) -> Markup {
    html! {
        div.scroll role="region" aria-labelledby="trials" tabindex="0" {
            table {
                caption { "Every trial in the order it ran; invalid ones count in no figure." }
                thead { tr {
                    @for head in [
                        "transport", "clients", "repeat", "verdict", "published", "delivered", "lost",
                        "p50", "p99", "max", "bytes / event", "reconnects", "last back", "errors",
                    ] { th scope="col" { (head) } }
                } }
                tbody { @for trial in &results.trials { (trial_line(trial)) } }
            }
        }
    }
}

/// How long it took until all were back from a cut.
fn last_back(trial: &Trial) -> String {
    match (trial.away, trial.latency_us.recovery.max) {
        (0, None) => ABSENT.to_string(),
        (0, Some(longest)) => duration(longest as f64),
        (away, _) => format!("{} away", count(away)),
    }
}

fn trial_line(trial: &Trial) -> Markup {
    let latency = &trial.latency_us.delivery;
    let time = |value: Option<i64>| {
        value.map_or_else(|| ABSENT.to_string(), |value| duration(value as f64))
    };
    let per_event = trial
        .bytes
        .per_delivery
        .map_or_else(|| ABSENT.to_string(), significant);
    let errors = trial
        .errors
        .iter()
        .map(|(class, number)| format!("{} {class}", count(*number)));
    let errors = errors.collect::<Vec<_>>().join(", ");
    html! {
        tr.invalid[!trial.valid] {
            th scope="row" { bdi { (trial.name) } }
            td { (count(trial.clients)) }
            td { (trial.repeat) }
            td.reason { @if trial.valid { "valid" } @else { "invalid: " (trial.reasons.join("; ")) } }
            td { (count(trial.published)) }
            td { (count(trial.delivered)) }
            td.bad[trial.lost > 0] { (count(trial.lost)) }
            td { (time(latency.p50)) }
            td { (time(latency.p99)) }
            td { (time(latency.max)) }
            td { (per_event) }
            td { (count(trial.reconnects)) }
            td.bad[trial.away > 0] { (last_back(trial)) }
            td { @if errors.is_empty() { "0" } @else { (errors) } }
        }
    }
}
