//! What a figure means nothing without: how it was measured, on what, and the scenario as resolved.

use super::super::format::{count, duration, memory, significant};
use super::super::rows::Row;
use crate::results::{Environment, Results};
use crate::scenario::LinkEntry;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

pub(super) fn section(results: &Results, rows: &[Row<'_>]) -> Markup {
    html! {
        section aria-labelledby="measured" {
            h2 #measured { "How it was measured" }
            (method(results, rows))
        }
        section aria-labelledby="environment" {
            h2 #environment { "Environment" }
            (environment(results))
        }
        section aria-labelledby="scenario" {
            h2 #scenario { "Scenario as resolved" }
            details open {
                summary { "Every default filled in" }
                pre.scroll tabindex="0" dir="auto" { (pretty(&results.scenario)) }
            }
        }
    }
}

fn method(results: &Results, rows: &[Row<'_>]) -> Markup {
    let lags = rows
        .iter()
        .filter_map(|row| row.figure("publish_lag_p99_us"));
    let floor = lags.map(|figure| figure.median).reduce(f64::max);
    let controls = rows.iter().filter_map(|row| row.figure("control_p99_us"));
    let control = controls.map(|figure| figure.median).reduce(f64::max);
    let negative: u64 = results
        .trials
        .iter()
        .map(|trial| trial.latency_us.delivery.negative)
        .sum();
    html! {
        ul {
            li {
                "The publisher runs open loop: instants are planned before the run and a slow server \
                 does not slow them. Latency counts from the intended publish instant, so coordinated \
                 omission is avoided; waiting for the next poll is part of it."
            }
            li {
                "No trial is measured before every client has received a probe. Warm-up runs on the \
                 same connections and counts in no figure; after the window, late events are awaited \
                 before they count as lost."
            }
            li {
                "Every client is measured and checks its own sequence. A trial has a fresh server if \
                 the target is embedded; the transports are interleaved over the repeats, and the run, \
                 not the event, is the sample behind an interval."
            }
            @if let Some(link) = link(&results.scenario) {
                li {
                    "Between each client and the server lies an emulated line: " (link) ". Connecting \
                     and every round trip pay for it, on every transport alike; it loses nothing and \
                     knows no slow start. A publisher of its own has none."
                }
            }
            @if let Some(floor) = floor {
                li {
                    "The floor: the generator sent 99 % of events within " (duration(floor))
                    " of their plan (the worst row). Differences smaller than this are not the transports'."
                }
            }
            @if let Some(control) = control {
                li {
                    "The resolution: events that crossed no socket, only a channel inside loadgen, were \
                     received within " (duration(control)) " in 99 of 100 cases (the worst row)."
                }
            }
            @if negative > 0 {
                li { (count(negative)) " samples were negative; they are kept and counted." }
            }
        }
    }
}

/// The line as its scenario says it; `None` without one.
fn link(scenario: &Value) -> Option<String> {
    let link = LinkEntry::deserialize(scenario.get("link")?).ok()?;
    Some(link.to_string())
}

fn environment(results: &Results) -> Markup {
    let machine = &results.environment;
    let mut facts: Vec<(String, String)> = vec![
        ("System".to_string(), machine.os.clone()),
        ("Cores".to_string(), machine.cores.to_string()),
        ("Clock".to_string(), machine.clock.clone()),
        ("Target".to_string(), machine.target.clone()),
        ("loadgen".to_string(), built(machine)),
    ];
    let perhaps = [
        ("Kernel", machine.kernel.clone()),
        ("CPU", machine.cpu.clone()),
        (
            "Memory",
            machine.memory_bytes.map(|bytes| memory(bytes as f64)),
        ),
        ("Open files allowed", machine.fd_limit.map(count)),
        ("CPU governor", machine.cpu_governor.clone()),
        ("Load before the run", machine.load_average.map(significant)),
        ("Target version", machine.target_version.clone()),
        ("Gateway", machine.gateway.clone()),
        ("Git revision", revision(machine)),
    ];
    let known = perhaps
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_string(), value?)));
    facts.extend(known);
    let listed = machine.sysctls.iter().chain(&machine.labels);
    facts.extend(listed.map(|(name, value)| (name.clone(), value.clone())));
    html! {
        dl { @for (name, value) in &facts { div { dt { (name) } dd { bdi { (value) } } } } }
    }
}

/// Version, profile and compiler, as far as they are known.
fn built(machine: &Environment) -> String {
    let parts = [&machine.loadgen_version, &machine.profile, &machine.rustc];
    let known: Vec<&str> = (parts.into_iter().map(String::as_str))
        .filter(|part| !part.is_empty())
        .collect();
    known.join(", ")
}

fn revision(machine: &Environment) -> Option<String> {
    let revision = machine.git_revision.as_ref()?;
    Some(match machine.git_dirty {
        Some(true) => format!("{revision}, with changes"),
        Some(false) | None => revision.clone(),
    })
}

fn pretty(scenario: &Value) -> String {
    serde_json::to_string_pretty(scenario).expect("a JSON value can be written as JSON")
}
