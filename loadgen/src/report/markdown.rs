//! `summary.md`: verdict, findings and one table, short enough for a pull request.

use super::capacity;
use super::expectations::lines;
use super::format::{count, duration, interval, median, memory, significant};
use super::reservations::reservations;
use super::rows::{Row, rows};
use super::tables::{HEADS, Table, cells};
use super::text::sentence;
use crate::results::{Figure, Holds, Results};
use std::fmt::Write;

pub(super) fn markdown(results: &Results) -> String {
    let rows = rows(results);
    let mut out = format!("## {}\n\n", escape(super::title(results)));
    out.push_str(&verdict(results));
    if !rows.is_empty() {
        out.push_str(&table(&rows));
        out.push('\n');
        for row in &rows {
            put(&mut out, &format!("- {}\n", escape(&sentence(row))));
        }
        out.push('\n');
    }
    out.push_str(&model(&rows));
    out.push_str(&greatest_load(results));
    out.push_str(&expectations(results, &rows));
    out.push_str(&notes(&reservations(results)));
    if let Some(table) = Table::of(results) {
        out.push_str(&published(&table));
    }
    out.push_str(&resolution(&rows));
    out.push_str(&environment(results));
    out
}

/// The worst row's: differences below it are not the transports'.
fn resolution(rows: &[Row<'_>]) -> String {
    let controls = rows.iter().filter_map(|row| row.figure("control_p99_us"));
    let worst = controls.map(|figure| figure.median).reduce(f64::max);
    worst.map_or_else(String::new, |worst| {
        let worst = duration(worst);
        format!("Resolution: {worst} (p99 of events that crossed no socket).\n\n")
    })
}

fn notes(said: &[String]) -> String {
    if said.is_empty() {
        return String::new();
    }
    let lines: String = said
        .iter()
        .map(|said| format!("- {}\n", escape(said)))
        .collect();
    format!(
        "<details><summary>Before leaning on these figures</summary>\n\n{lines}\n</details>\n\n"
    )
}

/// One line: for whom the model holds.
fn model(rows: &[Row<'_>]) -> String {
    let said = rows.iter().filter_map(|row| {
        let model = row.model?;
        let verdict = model.verdict()?;
        let failed = (model.figures.iter()).filter(|figure| figure.verdict == Holds::DoesNot);
        let failed: Vec<&str> = failed
            .map(|figure| super::html::named(&figure.figure).0)
            .collect();
        Some(match failed.is_empty() {
            true => format!("{} {verdict}", row.label),
            false => format!("{} {verdict} ({})", row.label, failed.join(", ")),
        })
    });
    let said: Vec<String> = said.collect();
    match said.is_empty() {
        true => String::new(),
        false => format!("Model: {}.\n\n", escape(&said.join("; "))),
    }
}

fn greatest_load(results: &Results) -> String {
    if results.capacity.is_empty() {
        return String::new();
    }
    let row = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut out = row(&capacity::HEADS.map(str::to_owned));
    out.push_str("|:--|--:|--:|--:|--:|:--|\n");
    for line in capacity::table(results) {
        out.push_str(&row(&line.map(|cell| escape(&cell))));
    }
    out.push('\n');
    for sentence in capacity::sentences(results) {
        put(&mut out, &format!("- {}\n", escape(&sentence)));
    }
    out.push('\n');
    out
}

fn expectations(results: &Results, rows: &[Row<'_>]) -> String {
    let mut out = String::new();
    for line in lines(results, rows) {
        put(&mut out, &format!("- {}\n", escape(&line)));
    }
    match out.is_empty() {
        true => out,
        false => format!("**Expected**\n\n{out}\n"),
    }
}

fn verdict(results: &Results) -> String {
    let mut out = match results.verdict.valid {
        true => "**Valid run.**".to_string(),
        false => "**INVALID run.**".to_string(),
    };
    if results.interrupted {
        out.push_str(" Interrupted: what was measured until then.");
    }
    out.push_str("\n\n");
    for reason in &results.verdict.reasons {
        put(&mut out, &format!("- {}\n", escape(reason)));
    }
    if !results.verdict.reasons.is_empty() {
        out.push('\n');
    }
    out
}

fn table(rows: &[Row<'_>]) -> String {
    let mut out = String::from(
        "| transport | delivered | lost | p50 | p99 (95 % interval) | max | bytes/event \
         | requests/event | CPU s/M | RSS/conn |\n|:--|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for row in rows {
        let counts = &row.summary.counts;
        let cells = [
            escape(&row.label),
            format!("{} / {}", count(counts.delivered), count(counts.expected)),
            count(counts.lost),
            median(row.figure("latency_p50_us"), duration),
            with_interval(row.figure("latency_p99_us")),
            median(row.figure("latency_max_us"), duration),
            median(row.figure("bytes_per_delivery"), significant),
            median(row.figure("requests_per_delivery"), significant),
            median(row.figure("server_cpu_s_per_million"), significant),
            median(row.figure("server_rss_per_connection"), memory),
        ];
        put(&mut out, &format!("| {} |\n", cells.join(" | ")));
    }
    out
}

fn published(table: &Table<'_>) -> String {
    let rule = ":--|:--|:--|:--|--:|--:|:--";
    let mut out = format!(
        "### Published, model, measured\n\n{}\n\n",
        escape(table.source)
    );
    put(&mut out, &format!("| {} |\n|{rule}|\n", HEADS.join(" | ")));
    for row in table.rows {
        let cells = cells(row).map(|cell| escape(&cell));
        put(&mut out, &format!("| {} |\n", cells.join(" | ")));
    }
    out.push('\n');
    for (number, note) in (1..).zip(table.footnotes) {
        put(&mut out, &format!("{number}. {}\n", escape(note)));
    }
    out.push('\n');
    out
}

fn with_interval(figure: Option<Figure>) -> String {
    let median = median(figure, duration);
    match interval(figure, duration) {
        Some(interval) => format!("{median} ({interval})"),
        None => median,
    }
}

fn environment(results: &Results) -> String {
    let machine = &results.environment;
    let cpu = machine.cpu.as_deref().unwrap_or("unknown CPU");
    let kernel = machine.kernel.as_deref().unwrap_or("");
    let debug = match machine.profile.as_str() {
        "debug" => " (debug build)",
        _ => "",
    };
    let text = format!(
        "{} {kernel}, {cpu}, {} cores; loadgen {}{debug}; target {}; {}",
        machine.os, machine.cores, machine.loadgen_version, machine.target, results.generated_at
    );
    format!("<sub>{}</sub>\n", escape(&text.replace("  ", " ")))
}

fn put(out: &mut String, text: &str) {
    write!(out, "{text}").expect("a string takes every text");
}

/// Scenario text as text: no markup, no HTML, no new table cell or line.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' => out.extend(['\\', c]),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
