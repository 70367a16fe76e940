//! The main table: every figure of every row, with its interval over repeats.

use super::super::format::{ABSENT, count, duration, interval, median, memory, significant};
use super::super::rows::Row;
use super::row_head;
use maud::{Markup, html};

type Unit = fn(f64) -> String;

const COLUMNS: [(&str, &str, Unit); 10] = [
    ("p50", "latency_p50_us", duration),
    ("p90", "latency_p90_us", duration),
    ("p99", "latency_p99_us", duration),
    ("p99 uncorrected", "uncorrected_p99_us", duration),
    ("p99.9", "latency_p999_us", duration),
    ("max", "latency_max_us", duration),
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
                        "Medians over valid repeats; below each its 95 % interval (bootstrap over \
                         repeats). Latency is receipt − intended publish; the uncorrected column is \
                         receipt − actual send. p99.9 needs 10,000 samples in each repeat. Counts \
                         are sums over valid repeats."
                    }
                    thead { (heads()) }
                    tbody { @for row in rows { (line(row)) } }
                }
            }
        }
    }
}

fn heads() -> Markup {
    html! {
        tr {
            th scope="col" { "transport" }
            th scope="col" { "repeats" }
            th scope="col" { "delivered / expected" }
            th scope="col" { "lost" }
            th scope="col" { "dupl." }
            th scope="col" { "out of order" }
            @for (head, _, _) in COLUMNS { th scope="col" { (head) } }
        }
    }
}

fn line(row: &Row<'_>) -> Markup {
    let counts = &row.summary.counts;
    html! {
        tr {
            (row_head(row))
            td { (row.summary.repeats_valid) " of " (row.summary.repeats) }
            td { (count(counts.delivered)) small { "of " (count(counts.expected)) } }
            td.bad[counts.lost > 0] { (count(counts.lost)) }
            td.bad[counts.duplicated > 0] { (count(counts.duplicated)) }
            td.bad[counts.out_of_order > 0] { (count(counts.out_of_order)) }
            @for (_, name, unit) in COLUMNS { (cell(row, name, unit)) }
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
