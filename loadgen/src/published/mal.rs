//! Van de Vyvere, Colpaert and Verborgh: how many users polling serves if they accept some delay (MAL,
//! maximum acceptable latency). The shape alone: their machine is not this one.

use super::evidence::{Evidence, requests_per_s};
use crate::model::poll_matches_push_at;
use crate::results::{Parameters, PublishedRow};

pub(super) const SOURCE: &str = "B. Van de Vyvere, P. Colpaert, R. Verborgh, “Comparing a Polling and Push-Based Approach for Live Open Data Interfaces”, ICWE 2020";

pub(super) const FOOTNOTES: [&str; 3] = [
    "Theirs: 5.2 kB every 5 s from one thread of an ARM m400; 5,000 clients polling, 25,000 over SSE. Time runs 5 times as fast here.",
    "The rule is Rmax ≥ users ÷ MAL: what polling serves grows with the MAL, what push serves does not, and the lines cross.",
    "Numbers of clients are the largest of the sweep that still kept the MAL, so no more than a lower bound.",
];

pub(super) fn rows(evidence: &Evidence<'_>) -> Vec<PublishedRow> {
    let polls = evidence.named("interval-polling");
    let pushed = evidence.named("sse");
    let mut intervals: Vec<f64> = Vec::new();
    for set in polls.sets(|set| set.interval_s.unwrap_or(0.0)) {
        let interval = set.interval_s.unwrap_or(0.0);
        if !intervals.contains(&interval) {
            intervals.push(interval);
        }
    }
    let mut rows = Vec::new();
    for mal in intervals {
        let polling = polls.only(|trial| trial.parameters.interval_s == Some(mal));
        for (name, of) in [("polling", polling), ("SSE", pushed.only(|_| true))] {
            let case = format!("MAL = {mal} s");
            rows.push(
                PublishedRow::new(case, &format!("clients over {name}, at least"), "")
                    .measured(most_within(&of, mal)),
            );
        }
    }
    rows.push(
        PublishedRow::new("all", "requests answered", "1/s")
            .published(2_520.0)
            .measured(most(&polls, |of| of.median(requests_per_s)))
            .note("the highest rate of the sweep, not the limit of the machine"),
    );
    rows.push(
        PublishedRow::new("all", "MAL from which polling serves as many as SSE", "s")
            .quoted("about 10 s")
            .model(poll_matches_push_at(25_000.0, 2_520.0)),
    );
    rows
}

/// The most clients whose p99 was within the MAL and who lost nothing.
fn most_within(of: &Evidence<'_>, mal_s: f64) -> Option<f64> {
    let kept = |of: &Evidence<'_>, set: &Parameters| {
        let of = of.at(set);
        let p99 = of.median(|trial| trial.latency_us.delivery.p99.map(|us| us as f64 / 1e6))?;
        // A beat late by what the machine adds is no broken promise.
        (p99 <= mal_s).then_some(set.clients as f64)
    };
    let sets = of.sets(|set| set.clients as f64);
    sets.into_iter()
        .filter_map(|set| kept(of, set))
        .reduce(f64::max)
}

fn most(of: &Evidence<'_>, figure: impl Fn(&Evidence<'_>) -> Option<f64>) -> Option<f64> {
    let sets = of.sets(|set| set.clients as f64);
    sets.into_iter()
        .filter_map(|set| figure(&of.at(set)))
        .reduce(f64::max)
}
