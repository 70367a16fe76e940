//! The main figures, in two tables that fit a screen: how late events were, and what they cost. Each
//! figure stands over its interval over repeats. Duplicates and disorder are the ledger's.

use super::super::format::{ABSENT, count, duration, interval, median, memory, significant};
use super::super::rows::Row;
use super::row_head;
use crate::statistics::SAMPLES_FOR_P999;
use maud::{Markup, html};

type Unit = fn(f64) -> String;

/// A column's head, its figure, and how that is written.
type Column = (&'static str, &'static str, Unit);

const LATENCY: [Column; 6] = [
    ("p50", "latency_p50_us", duration),
    ("p90", "latency_p90_us", duration),
    ("p99", "latency_p99_us", duration),
    ("p99.9", "latency_p999_us", duration),
    ("max", "latency_max_us", duration),
    ("p99 uncorrected", "uncorrected_p99_us", duration),
];

const COST: [Column; 4] = [
    ("bytes / event", "bytes_per_delivery", significant),
    ("requests / event", "requests_per_delivery", significant),
    ("CPU s / million", "server_cpu_s_per_million", significant),
    ("RSS / connection", "server_rss_per_connection", memory),
];

pub(super) fn section(rows: &[Row<'_>]) -> Markup {
    html! {
        section aria-labelledby="figures" {
            h2 #figures { "Figures" }
            div.scroll role="region" aria-labelledby="figures" tabindex="0" {
                table {
                    caption {
                        "How late. Medians over valid repeats; below each its 95 % interval \
                         (bootstrap over repeats). Latency is receipt − intended publish; the \
                         uncorrected column is receipt − actual send. p99.9 needs "
                        (count(SAMPLES_FOR_P999)) " samples in each repeat."
                    }
                    thead { tr {
                        th scope="col" { "transport" }
                        @for (head, _, _) in LATENCY { th scope="col" { (head) } }
                    } }
                    tbody { @for row in rows { tr {
                        (row_head(row))
                        @for (_, name, unit) in LATENCY { (cell(row, name, unit)) }
                    } } }
                }
            }
            div.scroll role="region" aria-labelledby="figures" tabindex="0" {
                table {
                    caption { "What it cost. Deliveries are sums over valid repeats." }
                    thead { tr {
                        @for head in ["transport", "repeats", "delivered", "lost"] {
                            th scope="col" { (head) }
                        }
                        @for (head, _, _) in COST { th scope="col" { (head) } }
                    } }
                    tbody { @for row in rows { (cost(row)) } }
                }
            }
        }
    }
}

fn cost(row: &Row<'_>) -> Markup {
    let counts = &row.summary.counts;
    html! {
        tr {
            (row_head(row))
            td { (row.summary.repeats_valid) " of " (row.summary.repeats) }
            td { (count(counts.delivered)) small { "of " (count(counts.expected)) } }
            td.bad[counts.lost > 0] { (count(counts.lost)) }
            @for (_, name, unit) in COST { (cell(row, name, unit)) }
        }
    }
}

fn cell(row: &Row<'_>, name: &str, unit: Unit) -> Markup {
    let figure = row.figure(name);
    let measured = row.summary.figures.contains_key(name);
    html! {
        td {
            @if figure.is_none() && measured { (ABSENT) small { "too few samples" } }
            @else { (median(figure, unit)) }
            @if let Some(interval) = interval(figure, unit) { small { (interval) } }
        }
    }
}
