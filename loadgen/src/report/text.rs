//! What a run says on a terminal: the closing table, and one sentence per row that a person can
//! repeat at lunch. A sentence says nothing it has no number for.

use super::format::{ABSENT, count, duration, median, memory, percent, significant};
use super::rows::Row;
use super::tables::{self, HEADS, Table};

/// The columns' heads, on two lines to keep five transports within 100 columns.
const TABLE_HEADS: [(&str, &str); 10] = [
    ("", "transport"),
    ("", "delivered"),
    ("", "lost"),
    ("", "p50"),
    ("", "p99"),
    ("", "max"),
    ("bytes/", "event"),
    ("requests/", "event"),
    ("CPU", "s/M"),
    ("RSS/", "conn"),
];

pub(super) fn table(rows: &[Row<'_>]) -> String {
    let mut lines: Vec<Vec<String>> = vec![
        TABLE_HEADS
            .iter()
            .map(|(upper, _)| upper.to_string())
            .collect(),
        TABLE_HEADS
            .iter()
            .map(|(_, lower)| lower.to_string())
            .collect(),
    ];
    lines.extend(rows.iter().map(cells));
    aligned_table(lines)
}

/// Lines of equally many cells.
pub(super) fn aligned_table<L: AsRef<[String]>>(lines: impl IntoIterator<Item = L>) -> String {
    let lines: Vec<L> = lines.into_iter().collect();
    let columns = lines.first().map_or(0, |line| line.as_ref().len());
    let width = |column: usize| {
        let cells = lines
            .iter()
            .map(|line| line.as_ref()[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    (lines.iter())
        .map(|line| aligned(line.as_ref(), &widths))
        .collect()
}

fn cells(row: &Row<'_>) -> Vec<String> {
    let counts = &row.summary.counts;
    let no_trial = row.summary.repeats_valid == 0;
    let counted = |value: u64| match no_trial {
        true => ABSENT.to_string(),
        false => count(value),
    };
    vec![
        row.label.replace(char::is_control, " "),
        counted(counts.delivered),
        counted(counts.lost),
        median(row.figure("latency_p50_us"), duration),
        median(row.figure("latency_p99_us"), duration),
        median(row.figure("latency_max_us"), duration),
        median(row.figure("bytes_per_delivery"), significant),
        median(row.figure("requests_per_delivery"), significant),
        median(row.figure("server_cpu_s_per_million"), significant),
        median(row.figure("server_rss_per_connection"), memory),
    ]
}

/// The first column to the left, numbers to the right.
fn aligned(line: &[String], widths: &[usize]) -> String {
    let mut out = format!("{:<width$}", line[0], width = widths[0]);
    for (cell, width) in line.iter().zip(widths).skip(1) {
        out.push_str(&format!("  {cell:>width$}"));
    }
    format!("{}\n", out.trim_end())
}

pub(super) fn published(table: &Table<'_>) -> String {
    let lines = [HEADS.map(str::to_owned)].into_iter();
    let cells = table.rows.iter().map(tables::cells);
    let mut out = format!("published: {}\n", table.source);
    out.push_str(&aligned_table(lines.chain(cells)));
    for (number, note) in (1..).zip(table.footnotes) {
        out.push_str(&format!("{number}. {note}\n"));
    }
    out
}

pub(super) fn sentence(row: &Row<'_>) -> String {
    if row.summary.repeats_valid == 0 {
        return format!("{}: no valid repeat, so nothing can be said.", row.label);
    }
    let parts: Vec<String> = [speed(row), cost(row), losses(row)]
        .into_iter()
        .flatten()
        .collect();
    if parts.is_empty() {
        return format!("{}: nothing was measured.", row.label);
    }
    format!("{}: {}.", row.label, parts.join("; "))
}

fn speed(row: &Row<'_>) -> Option<String> {
    let half = row
        .figure("latency_p50_us")
        .map(|figure| format!("half the events arrive within {}", duration(figure.median)));
    let tail = row
        .figure("latency_p99_us")
        .map(|figure| format!("1 in 100 takes over {}", duration(figure.median)));
    joined([half, tail], ", ")
}

fn cost(row: &Row<'_>) -> Option<String> {
    let bytes = row
        .figure("bytes_per_delivery")
        .map(|figure| format!("{} bytes", significant(figure.median)));
    // A stream's few first requests say nothing per event.
    let requests = row
        .figure("requests_per_delivery")
        .filter(|figure| figure.median >= 0.01);
    let requests = requests.map(|figure| match significant(figure.median).as_str() {
        "1" => "1 request".to_owned(),
        many => format!("{many} requests"),
    });
    let price = joined([bytes, requests], " and ").map(|price| format!("each event costs {price}"));
    let polls = !row.summary.transport.is_push();
    let empty = row.figure("empty_share").filter(|_| polls).map(|figure| {
        match percent(figure.median).as_str() {
            "0 %" => "hardly a poll came back empty".to_owned(),
            share => format!("{share} of polls came back empty"),
        }
    });
    joined([price, empty], ", ")
}

fn losses(row: &Row<'_>) -> Option<String> {
    let counts = &row.summary.counts;
    let named = |value: u64, what: &str| {
        let of = count(counts.expected);
        (value > 0).then(|| format!("{} of {of} deliveries {what}", count(value)))
    };
    let wrong = [
        named(counts.lost, "were lost"),
        named(counts.duplicated, "came twice"),
        named(counts.out_of_order, "came out of order"),
    ];
    joined(wrong, ", ")
}

fn joined<const N: usize>(parts: [Option<String>; N], between: &str) -> Option<String> {
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(between))
}
