//! Published tables that the clock has a part in: the shipped scenarios, shortened, run by the command
//! line as a person would. A machine that was too busy may try again; a wrong figure may not pass.

use super::lab::turn;
use loadgen::results::{PublishedRow, Results};
use std::process::Command;

/// What a shortened scenario has in place of the shipped text.
type Change = (&'static str, &'static str);

fn rows(name: &str, changes: &[Change], flags: &[&str]) -> Vec<PublishedRow> {
    let shipped = format!("{}/../scenarios/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    let mut text = std::fs::read_to_string(shipped).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{name} has no {from}");
        text = text.replace(from, to);
    }
    let home = tempfile::tempdir().unwrap();
    let (scenario, out) = (home.path().join("shortened.toml"), home.path().join("out"));
    std::fs::write(&scenario, text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_loadgen"))
        .args(["run", "--no-progress", "--repeats", "1", "--out"])
        .args([&out, &scenario])
        .args(flags)
        .output()
        .unwrap();
    let results = std::fs::read(out.join("results.json"));
    let results = results.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let results: Results = serde_json::from_slice(&results).unwrap();
    results.published
}

/// Every row that is judged is within its tolerance, in one of three runs.
fn holds(name: &str, changes: &[Change], flags: &[&str]) -> Vec<PublishedRow> {
    for run in 1..=3 {
        let rows = rows(name, changes, flags);
        for row in &rows {
            println!(
                "{name}, run {run}: {}, {}: model {:.3?} ± {:.3?}, measured {:.3?}, within: {:?}",
                row.case, row.figure, row.model, row.tolerance, row.measured, row.within
            );
        }
        let mut judged = rows.iter().filter(|row| row.tolerance.is_some());
        if judged.all(|row| row.within == Some(true)) {
            return rows;
        }
    }
    panic!("{name} is outside in three runs");
}

/// d = 25 and 50 ms; one event in 5 or 10 re-request gaps, and 5 or 10 in each.
#[test]
fn rfc6202_transits_are_on_the_formula() {
    let Some(_turn) = turn() else { return };
    let changes = [
        (
            "[\"10/s\", \"100/s\", \"1000/s\"]",
            "[\"20/s\", \"1000/s\"]",
        ),
        ("[\"10ms\", \"50ms\", \"100ms\"]", "[\"50ms\", \"100ms\"]"),
    ];
    let rows = holds("rfc6202-transits", &changes, &["-d", "3s", "-w", "500ms"]);
    let judged = |figure: &str| {
        let of = rows.iter().filter(|row| row.figure == figure);
        of.filter(|row| row.within == Some(true)).count()
    };
    assert_eq!((judged("p50"), judged("mean"), judged("p99.5")), (8, 4, 2));
}

/// An item every 50 s, asked for every second, 50 times as fast: 98 % in vain, ± 1 point.
#[test]
fn delft_pulls_in_vain_98_times_in_100() {
    let Some(_turn) = turn() else { return };
    let changes = [(
        "[\"20ms\", \"100ms\", \"300ms\", \"600ms\", \"1s\"]",
        "[\"20ms\", \"100ms\"]",
    )];
    let rows = holds("delft", &changes, &[]);
    let wasted = rows.iter().find(|row| row.figure == "unnecessary pulls");
    let wasted = wasted.unwrap();
    assert_eq!((wasted.model, wasted.tolerance), (Some(98.0), Some(1.0)));
}

/// 166.7 requests and 1.13 Mbit a second, and half an interval of waiting.
#[test]
fn hpbn_asks_167_times_a_second() {
    let Some(_turn) = turn() else { return };
    holds("hpbn", &[], &["-d", "6s"]);
}
