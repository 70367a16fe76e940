//! Where the order of transports turns as events come faster: long polling asks more often than
//! polling, and polling costs no more than a WebSocket on the IP layer.

use super::evidence::{Evidence, crossing, ip_bytes_per_s, requests_per_s};
use crate::model::break_even;
use crate::results::{PublishedRow, Trial};

pub(super) const FOOTNOTES: [&str; 2] = [
    "Long polling “will issue more XHR requests than periodic polling” above one event an interval.",
    "The tie with WebSocket counts two segments a push, the event and its acknowledgement; where one delayed acknowledgement stands for two, it is at 13.3 events an interval.",
];

/// Most that the line between two measured rates may miss the crossing by.
const TOLERANCE: f64 = 0.05;

pub(super) fn rows(evidence: &Evidence<'_>) -> Vec<PublishedRow> {
    let polls = evidence.named("interval-polling");
    let Some(interval_s) = polls.first().and_then(|trial| trial.parameters.interval_s) else {
        return Vec::new();
    };
    let held = evidence.named("long-polling");
    let pushed = evidence.named("websocket");
    let per_interval = |rate: f64| rate * interval_s;
    let more_requests = meets(&held, &polls, requests_per_s).map(per_interval);
    let tie = meets(&pushed, &polls, ip_bytes_per_s).map(per_interval);
    let row = |figure: &str| PublishedRow::new("events an interval", figure, "");
    vec![
        row("long polling asks as often as polling")
            .quoted("“at high rate”")
            .model(1.0)
            .measured(more_requests)
            .within(TOLERANCE),
        row("WebSocket costs as much as polling on the IP layer")
            .model(break_even(909.0, 2.0, 2.0))
            .measured(tie)
            .within_share(TOLERANCE),
    ]
}

/// The rate of events to one client at which `figure` of `one` comes to that of `other`.
fn meets(
    one: &Evidence<'_>,
    other: &Evidence<'_>,
    figure: fn(&Trial) -> Option<f64>,
) -> Option<f64> {
    let heard = |trial: &Trial| trial.parameters.rate / trial.parameters.rooms as f64;
    let mut points = Vec::new();
    for set in one.sets(|set| set.rate) {
        let rate = set.rate / set.rooms as f64;
        let at = |of: &Evidence<'_>| of.only(|trial| heard(trial) == rate).median(figure);
        if let (Some(one), Some(other)) = (at(one), at(other)) {
            points.push((rate, one - other));
        }
    }
    crossing(&points)
}
