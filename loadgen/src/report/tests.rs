//! The report as a whole: its files, odd inputs, and the text that people read.

use super::{files, fixture, sentences, table};
use crate::results::Results;
use std::path::Path;

fn content(results: &Results, path: &str) -> String {
    let found = files(results)
        .into_iter()
        .find(|file| file.path == path)
        .unwrap();
    String::from_utf8(found.bytes).unwrap()
}

/// `LOOK=dir cargo test -p loadgen --lib report` writes the files there, for eyes.
#[test]
fn the_files_of_a_run() {
    let all = [
        ("five", fixture::every_transport()),
        ("sweep", fixture::sweep()),
        ("zero", fixture::zero_deliveries()),
        ("capacity", fixture::capacity()),
    ];
    for (name, results) in all {
        let files = files(&results);
        let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(
            paths[..4],
            ["report.html", "summary.md", "results.csv", "latency.hlog"]
        );
        let charts = if results.capacity.is_empty() { 7 } else { 8 };
        assert_eq!(paths.len(), 4 + 2 * charts);
        assert!(
            files[0].bytes.len() < 1 << 20,
            "{} bytes",
            files[0].bytes.len()
        );
        if let Some(directory) = std::env::var_os("LOOK") {
            for file in files {
                let path = Path::new(&directory).join(name).join(file.path);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, file.bytes).unwrap();
            }
        }
    }
}

#[test]
fn odd_results_leave_whole_files() {
    let mut all_invalid = fixture::one_trial();
    all_invalid.trials[0].valid = false;
    all_invalid.summary[0].repeats_valid = 0;
    all_invalid.summary[0].figures.clear();
    let mut unreadable = fixture::one_trial();
    unreadable.trials[0].latency_us.delivery.hdr = "?".to_string();
    for results in [
        fixture::nothing(),
        fixture::one_trial(),
        fixture::zero_deliveries(),
        all_invalid,
        unreadable,
    ] {
        for file in files(&results) {
            assert!(!file.bytes.is_empty(), "{}", file.path);
        }
        assert_eq!(sentences(&results).len(), results.summary.len());
    }
}

#[test]
fn the_page_loads_nothing_and_escapes_everything() {
    let evil = "<script>alert('聊天 مرحبا')</script>|";
    let mut results = fixture::every_transport();
    results.scenario["title"] = evil.into();
    results.environment.target = evil.to_string();
    results.verdict.reasons.push(evil.to_string());
    for trial in results.trials.iter_mut().take(1) {
        trial.reasons.push(evil.to_string());
    }
    for index in (0..30).step_by(6) {
        results.trials[index].name = evil.to_string();
    }
    results.summary[0].name = evil.to_string();
    let page = content(&results, "report.html");
    assert!(!page.contains("<script"));
    assert!(page.contains("聊天 مرحبا"));
    for load in ["http://", "https://", "src=", "@import", "url(", "<link"] {
        assert!(!page.contains(load), "{load}");
    }
    let summary = content(&results, "summary.md");
    assert!(!summary.contains("<script"));
    assert!(summary.contains("&lt;script&gt;alert('聊天 مرحبا')&lt;/script&gt;\\|"));
    // Charts carry no text of the scenario's.
    assert!(!content(&results, "charts/latency-cdf.svg").contains("alert"));
}

#[test]
fn the_table_fits_a_terminal() {
    let table = table(&fixture::every_transport());
    let widest = table
        .lines()
        .map(|line| line.chars().count())
        .max()
        .unwrap();
    assert!(widest <= 100, "{widest}\n{table}");
    let heads = table.lines().nth(1).unwrap();
    let names: Vec<&str> = heads.split_whitespace().collect();
    let expected = [
        "transport",
        "delivered",
        "lost",
        "p50",
        "p99",
        "max",
        "event",
        "event",
        "s/M",
        "conn",
    ];
    assert_eq!(names, expected, "{table}");
    assert_eq!(table.lines().count(), 2 + 6);
}

#[test]
fn sentences_say_only_what_is_known() {
    let mut results = fixture::every_transport();
    let figures = &mut results.summary[0].figures;
    for (name, median) in [
        ("latency_p50_us", 498_000.0),
        ("latency_p99_us", 987_000.0),
        ("bytes_per_delivery", 1_204.0),
        ("requests_per_delivery", 2.5),
        ("empty_share", 0.6),
    ] {
        figures.get_mut(name).unwrap().median = median;
    }
    assert_eq!(
        sentences(&results)[0],
        "Interval polling: half the events arrive within 498 ms, 1 in 100 takes over 987 ms; each \
         event costs 1,204 bytes and 2.5 requests, 60 % of polls came back empty."
    );
    let empty = sentences(&fixture::zero_deliveries());
    assert_eq!(empty, ["SSE: 12,500 of 12,500 deliveries were lost."]);
}

#[test]
fn rows_of_a_sweep_name_what_differs() {
    let table = table(&fixture::sweep());
    assert!(table.contains("SSE (clients=2000)"), "{table}");
}

#[test]
fn the_summary_is_a_markdown_table() {
    let summary = content(&fixture::every_transport(), "summary.md");
    assert!(summary.starts_with("## Five heroes a room, everyone talks\n\n**Valid run.**\n\n| "));
    let rows: Vec<&str> = summary
        .lines()
        .filter(|line| line.starts_with('|'))
        .collect();
    assert_eq!(rows.len(), 2 + 6);
    assert!(
        rows.iter().all(|row| row.matches('|').count() == 11),
        "{summary}"
    );
    assert!(
        rows[3].starts_with("| Long polling | 50,000 / 50,000 | 0 | "),
        "{summary}"
    );
}

#[test]
fn no_p999_below_ten_thousand_samples() {
    let mut results = fixture::one_trial();
    assert!(super::rows(&results)[0].figure("latency_p999_us").is_some());
    results.trials[0].latency_us.delivery.count = 9_999;
    assert!(super::rows(&results)[0].figure("latency_p999_us").is_none());
}

#[test]
fn a_model_is_drawn_and_judged_where_there_is_one() {
    let (with, without) = (fixture::modelled(), fixture::one_trial());
    for chart in ["latency-percentiles", "latency-cdf", "bytes-per-event"] {
        let path = format!("charts/{chart}.svg");
        assert!(content(&with, &path).contains("\nmodel\n"), "{chart}");
        assert!(!content(&without, &path).contains("\nmodel\n"), "{chart}");
    }
    let page = content(&with, "report.html");
    for part in [
        "id=\"model\"",
        ">holds<",
        ">does not<",
        "12,500",
        "no closed form for p99: a test.",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!content(&without, "report.html").contains("id=\"model\""));
    let summary = content(&with, "summary.md");
    assert!(
        summary.contains("Model: SSE does not (bytes / event)."),
        "{summary}"
    );
}
