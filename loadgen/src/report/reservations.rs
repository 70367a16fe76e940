//! What a reader of the figures should know before leaning on them: too few repeats for a statement,
//! and repeats that stand apart. Nothing is left out of a figure for it.

use super::format::quantity;
use super::rows::{Row, rows};
use crate::comparison::FigureKind;
use crate::results::{Outlier, Results};
use crate::scenario::Scenario;
use crate::statistics::LEAST_REPEATS;
use std::collections::BTreeMap;

/// Sentences, those about all rows first.
pub(super) fn reservations(results: &Results) -> Vec<String> {
    let rows = rows(results);
    let few: Vec<String> = (rows.iter())
        .filter(|row| (row.summary.repeats_valid as usize) < LEAST_REPEATS)
        .map(|row| format!("{} ({})", row.label, row.summary.repeats_valid))
        .collect();
    let mut said = Vec::new();
    if !few.is_empty() {
        said.push(format!(
            "Fewer than {LEAST_REPEATS} valid repeats are too few for a statement about a \
             difference, and an interval over them is too narrow: {}.",
            few.join(", ")
        ));
    }
    said.extend(gateway(results));
    said.extend(trouble(results));
    said.extend(believed(results));
    said.extend(outliers(&rows));
    said
}

/// What stands between, and what it means for the figures.
fn gateway(results: &Results) -> Option<String> {
    let scenario: Scenario = serde_json::from_value(results.scenario.clone()).ok()?;
    let version = results.environment.gateway.as_deref().unwrap_or("nginx");
    let by = scenario.gateway?.to_string();
    Some(format!(
        "Clients reach the server through a gateway, {version} ({by}). Bytes are those between clients and \
         gateway, which has heads and connections of its own to the server; the server's own count, \
         CPU and memory are its part alone."
    ))
}

/// What went wrong on purpose, and who could not notice.
fn trouble(results: &Results) -> Option<String> {
    let scenario: Scenario = serde_json::from_value(results.scenario.clone()).ok()?;
    let trouble = scenario.trouble.to_string();
    if trouble.is_empty() {
        return None;
    }
    let deaf: Vec<String> = (scenario.transports.iter())
        .filter(|entry| scenario.trouble.silent && entry.max_silence.is_none())
        .map(|entry| entry.name().to_string())
        .collect();
    let unnoticed = match deaf.is_empty() {
        true => String::new(),
        false => format!(
            " Without max_silence a client waits for ever on a connection that died silently: {}.",
            deaf.join(", ")
        ),
    };
    let proxy = match scenario.trouble.needs_a_proxy() {
        true => " CPU and memory of the server include the proxy that makes it.",
        false => "",
    };
    Some(format!(
        "Trouble on purpose in the measure window: {trouble}.{proxy}{unnoticed}"
    ))
}

/// Nobody knows who was measured.
fn believed(results: &Results) -> Option<String> {
    let insecure = results.scenario.pointer("/target/insecure")?.as_bool()?;
    insecure.then(|| {
        "The target's certificate was not verified (insecure): who answered is not known."
            .to_owned()
    })
}

/// A sentence for each repeat that stands apart in any figure.
pub(super) fn outliers(rows: &[Row<'_>]) -> Vec<String> {
    let mut said = Vec::new();
    for row in rows {
        let mut repeats: BTreeMap<u32, Vec<String>> = BTreeMap::new();
        // A p99.9 of too few samples is not shown, so nothing stands apart in it.
        let shown = |outlier: &&Outlier| {
            row.figure(&outlier.figure).is_some() || outlier.figure != "latency_p999_us"
        };
        for outlier in row.summary.outliers.iter().filter(shown) {
            repeats
                .entry(outlier.repeat)
                .or_default()
                .push(told(outlier));
        }
        said.extend(repeats.into_iter().map(|(repeat, figures)| {
            let figures = figures.join(", ");
            format!(
                "{}, repeat {repeat} stands apart from the others and is kept: {figures}.",
                row.label
            )
        }));
    }
    said
}

fn told(outlier: &Outlier) -> String {
    let kind = FigureKind::of(&outlier.figure);
    format!("{} {}", kind.label(), quantity(outlier.value, kind.unit))
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn few_repeats_and_those_that_stand_apart_are_named() {
        let mut results = fixture::every_transport();
        for trial in &mut results.trials {
            trial.latency_us.delivery.count = 9_999;
        }
        let apart = [
            (4, "latency_p99_us", 815.0),
            (4, "latency_max_us", 9e6),
            (2, "latency_p999_us", 9e6),
        ];
        for (repeat, figure, value) in apart {
            results.summary[4].outliers.push(Outlier {
                repeat,
                figure: figure.to_owned(),
                value,
            });
        }
        assert_eq!(
            reservations(&results),
            [
                "Fewer than 5 valid repeats are too few for a statement about a difference, and an \
                 interval over them is too narrow: Long polling (4).",
                "WebSocket, repeat 4 stands apart from the others and is kept: latency p99 815 µs, \
                 latency max 9 s.",
            ]
        );
        let page = String::from_utf8(super::super::files(&results).swap_remove(0).bytes).unwrap();
        assert!(page.contains("repeat 4 stands apart"));
    }

    #[test]
    fn a_target_that_was_believed_is_told() {
        let mut results = fixture::every_transport();
        assert_eq!(believed(&results), None);
        results.scenario["target"] =
            serde_json::json!({"url": "https://127.0.0.1", "insecure": true});
        assert!(believed(&results).unwrap().contains("not verified"));
    }

    #[test]
    fn trouble_is_told_and_who_cannot_notice() {
        let text = "name = \"x\"\n[load]\nclients = 2\n[publish]\nrate = 1\n[[transports]]\nkind = \"sse\"\n[[transports]]\nkind = \"websocket\"\nmax_silence = \"2s\"\n[trouble]\nidle_cut = \"5s\"\nsilent = true\n";
        let scenario = Scenario::parse(text, "x").unwrap();
        let mut results = fixture::every_transport();
        assert_eq!(trouble(&results), None);
        results.scenario = serde_json::to_value(&scenario).unwrap();
        assert_eq!(
            trouble(&results).unwrap(),
            "Trouble on purpose in the measure window: connections idle for 5s cut silently. CPU and \
             memory of the server include the proxy that makes it. Without max_silence a client waits \
             for ever on a connection that died silently: sse."
        );
    }
}
