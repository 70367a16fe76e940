//! Bozdag, Mesbah and van Deursen: how much of pulling is in vain. Time runs 50 times as fast here:
//! intervals and the publishing alike, which leaves every share what it was.

use super::evidence::{Evidence, mean_ms};
use crate::results::{Parameters, PublishedRow, Trial};

pub(super) const SOURCE: &str = "E. Bozdag, A. Mesbah, A. van Deursen, TU Delft: TUD-SERG-2007-016a (2007); corrected in J. Web Eng. 8(4), 2009";

pub(super) const FOOTNOTES: [&str; 4] = [
    "Time-scaled 1 : 50: a pull interval of 1 s is 20 ms here, a publish interval of 50 s is 1 s.",
    "98 % of pulls are unnecessary by arithmetic; theirs is 96 % because half of the 500 pulls arrived.",
    "In 2007 a push server took 7 times the CPU of one that is pulled every 15 s; G. Wilkins (webtide.com/?p=4145) objects that such pulling hides 7.5 s of mean latency, and part of it was a defect of an early Jetty. In 2009 they found the difference not significant. So CPU stands beside the mean latency that it buys.",
    "A pull takes 3 segments where pulls are 60 ms apart or more: answer, request and an acknowledgement.",
];

/// Seconds of theirs in one of ours.
const SCALE: f64 = 50.0;

/// Segments of closer pulls are acknowledged by the next request.
const APART_S: f64 = 0.06;

pub(super) fn rows(evidence: &Evidence<'_>) -> Vec<PublishedRow> {
    let pulls = evidence.named("pull");
    let pushed = evidence.named("push");
    let mut rows = Vec::new();
    for set in pulls.sets(|set| set.interval_s.unwrap_or(0.0)) {
        rows.extend(pulled(&pulls.at(set), set));
    }
    rows.push(
        PublishedRow::new("push", "packets an event", "")
            .model(2.0)
            .measured(pushed.median(|trial| segments(trial, trial.window_deliveries)))
            .within(0.1),
    );
    rows.push(cpu("push", &pushed));
    rows
}

fn pulled(of: &Evidence<'_>, set: &Parameters) -> Vec<PublishedRow> {
    let (interval_s, publish_s) = (set.interval_s.unwrap_or(0.0), 1.0 / set.rate);
    let case = format!(
        "pull every {} s, publish every {} s",
        (interval_s * SCALE).round(),
        (publish_s * SCALE).round()
    );
    let row = |figure: &str, unit: &str| PublishedRow::new(case.clone(), figure, unit);
    let unnecessary = row("unnecessary pulls", "%")
        .model((1.0 - interval_s / publish_s).max(0.0) * 100.0)
        .measured(of.median(unnecessary_percent))
        .within(1.0);
    let unnecessary = match interval_s * SCALE < 1.5 && publish_s * SCALE > 45.0 {
        true => unnecessary.published(96.0),
        false => unnecessary,
    };
    let coherence = row("items received of those published", "%")
        .model((publish_s / interval_s).min(1.0) * 100.0)
        .measured(of.median(|trial| {
            (trial.expected > 0).then(|| trial.delivered as f64 * 100.0 / trial.expected as f64)
        }))
        .within(1.0);
    let mut rows = vec![unnecessary, coherence];
    if interval_s >= APART_S {
        rows.push(
            row("packets a pull", "")
                .model(3.0)
                .measured(of.median(|trial| segments(trial, trial.requests)))
                .within(0.1),
        );
    }
    rows.push(cpu(&case, of));
    rows
}

/// Pulls that brought nothing new, whether they brought the old value or none.
fn unnecessary_percent(trial: &Trial) -> Option<f64> {
    let (pulls, news) = (trial.requests as f64, trial.delivered as f64);
    (pulls > 0.0).then(|| (1.0 - news / pulls) * 100.0)
}

fn segments(trial: &Trial, of: u64) -> Option<f64> {
    let segments = trial.bytes.segments?;
    (of > 0).then(|| segments as f64 / of as f64)
}

fn cpu(case: &str, of: &Evidence<'_>) -> PublishedRow {
    let latency = of.median(mean_ms);
    let row = PublishedRow::new(case, "server CPU per delivered event", "µs")
        .measured(of.median(|trial| trial.server.cpu_s_per_million));
    match latency {
        Some(ms) => row.note(format!("for a mean latency of {ms:.1} ms")),
        None => row,
    }
}
