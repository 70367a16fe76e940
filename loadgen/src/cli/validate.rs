//! `loadgen validate`: what a scenario would do and need; nothing is started.

use super::overrides::{Flags, named};
use super::{Exit, print, told};
use crate::environment;
use crate::plan::Plan;
use crate::results::Prediction;
use crate::scenario::units::{Time, grouped};
use crate::scenario::{Scenario, TransportEntry, Trouble};
use anyhow::Context;
use clap::Args;
use std::time::Duration;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    flags: Flags,
}

/// Exits as `run` would before its first trial.
pub(super) fn validate(arguments: &Arguments, color: bool) -> anyhow::Result<Exit> {
    let limits = environment::limits();
    let mut exit = Exit::Ok;
    for (at, (file, plan)) in arguments.flags.plans(None)?.into_iter().enumerate() {
        let apart = if at == 0 { "" } else { "\n" };
        print(format!("{apart}{}", describe(&plan)).as_bytes())?;
        let found = plan.check_limits(&limits).with_context(|| named(&file));
        exit = exit.worse(told(found.map(|()| Exit::Ok), color));
    }
    Ok(exit)
}

fn describe(plan: &Plan) -> String {
    let scenario = &plan.scenario;
    let seconds = plan.estimated_time().as_secs_f64().ceil() as u64;
    let target = targets(scenario);
    format!(
        "{}{}\n{}: {} × {}, about {}, seed {}\ntarget: {target}\n{}{}{}{}\n{}",
        scenario.name,
        scenario
            .title
            .as_ref()
            .map_or(String::new(), |title| format!(": {title}")),
        counted(plan.trials.len() as u64, "trial"),
        counted(plan.sets.len() as u64, "parameter set"),
        counted(scenario.load.repeats.into(), "repeat"),
        Time(Duration::from_secs(seconds)),
        scenario.seed,
        (scenario.link.as_ref()).map_or(String::new(), |link| format!("link: {link}\n")),
        (scenario.gateway.as_ref())
            .map_or(String::new(), |gateway| format!("gateway: {gateway}\n")),
        troubled(&scenario.trouble),
        expected(plan),
        table(&plan.predictions()),
    )
}

/// One, or one for each transport.
fn targets(scenario: &Scenario) -> String {
    let of = |entry| match scenario.target_of(entry) {
        Some(target) => target.described(),
        None => "embedded server, fresh for each trial".to_owned(),
    };
    let all: Vec<String> = scenario.transports.iter().map(of).collect();
    let names = scenario.transports.iter().map(TransportEntry::name);
    match all.iter().all(|one| *one == all[0]) {
        true => all.into_iter().next().unwrap_or_default(),
        false => (names.zip(all))
            .map(|(name, target)| format!("\n  {name}: {target}"))
            .collect(),
    }
}

/// A line of its own, if anything goes wrong on purpose.
fn troubled(trouble: &Trouble) -> String {
    match trouble.to_string() {
        none if none.is_empty() => none,
        some => format!("trouble: {some}\n"),
    }
}

/// A line of its own, if there is anything to say.
fn expected(plan: &Plan) -> String {
    let thresholds = plan.scenario.expect.thresholds();
    let all: Vec<String> = thresholds
        .map(|(key, entry)| format!("{key} {}", entry.threshold))
        .collect();
    match all.is_empty() {
        true => String::new(),
        false => format!("expects: {}\n", all.join("; ")),
    }
}

fn table(predictions: &[Prediction]) -> String {
    let head = [
        "name",
        "parameters",
        "connections",
        "files here",
        "files there",
        "deliveries/s",
        "requests/s",
        "≈ bytes/s",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(predictions.iter().map(row));
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(column, (cell, &width))| {
                if column < 2 {
                    format!("{cell:<width$}")
                } else {
                    format!("{cell:>width$}")
                }
            });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

fn row(prediction: &Prediction) -> [String; 8] {
    let rate = |rate: Option<f64>| rate.map_or("–".to_owned(), per_second);
    [
        prediction.name.clone(),
        parameters(prediction),
        grouped(prediction.connections),
        grouped(prediction.fds_generator),
        grouped(prediction.fds_server),
        per_second(prediction.deliveries_per_s),
        rate(prediction.requests_per_s),
        rate(prediction.bytes_per_s),
    ]
}

fn parameters(prediction: &Prediction) -> String {
    let parameters = &prediction.parameters;
    let mut text = format!(
        "{}, {}, {}/s, {} B",
        counted(parameters.clients, "client"),
        counted(parameters.rooms, "room"),
        parameters.rate,
        parameters.payload
    );
    for (name, seconds) in [
        ("every", parameters.interval_s),
        ("hold", parameters.hold_s),
        ("rtt", parameters.rtt_s),
    ] {
        if let Some(seconds) = seconds {
            text.push_str(&format!(
                ", {name} {}",
                Time(Duration::from_secs_f64(seconds))
            ));
        }
    }
    text
}

fn counted(number: u64, thing: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {thing}{ending}", grouped(number))
}

fn per_second(rate: f64) -> String {
    if rate < 10.0 && rate.fract() != 0.0 {
        return format!("{rate:.1}");
    }
    grouped(rate.round() as u64)
}
