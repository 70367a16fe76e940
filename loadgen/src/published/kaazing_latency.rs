//! The latency part of the same article: 50 ms one way, so 150 ms for a long poll and 50 for a
//! WebSocket. True of the unluckiest event, and of no average.

use super::evidence::{Evidence, max_ms, mean_ms};
use crate::model::{Coming, Forecast, Situation, Sizes};
use crate::results::{PublishedRow, Trial};
use pushlab_server::wire::transport::Transport;

pub(super) const FOOTNOTES: [&str; 2] = [
    "“3 : 1” (150 against 50 ms) is the worst case: the mean of long polling runs from 1 : 1 when events are rare to 2 : 1 under load.",
    "Polling once a second is 550 : 50 = 11 : 1 on average; asking again at once, which the article draws, is 100 : 50.",
];

pub(super) fn rows(evidence: &Evidence<'_>) -> Vec<PublishedRow> {
    let row = |name: &str, figure: &str, of: fn(&Trial) -> Option<f64>| {
        let measured = evidence.named(name).median(of);
        PublishedRow::new(name, figure, "ms").measured(measured)
    };
    let mut rows = vec![
        row("websocket", "mean", mean_ms)
            .published(50.0)
            .model(50.0)
            .within(3.0),
        row("long-polling", "max", max_ms)
            .published(150.0)
            .model(150.0)
            .within(3.0),
    ];
    let model = (evidence.named("long-polling").first())
        .and_then(|trial| long_poll(trial).latency)
        .map(|law| law.mean_s() * 1000.0);
    rows.extend(model.map(|mean| row("long-polling", "mean", mean_ms).model(mean).within(3.0)));
    rows.push(
        row("back-to-back", "mean", mean_ms)
            .model(100.0)
            .within(3.0),
    );
    rows.push(
        row("interval-polling", "mean", mean_ms)
            .model(550.0)
            .within_share(0.03),
    );
    rows
}

fn long_poll(trial: &Trial) -> Forecast {
    let rtt_s = trial.parameters.rtt_s.unwrap_or(0.0);
    transits(Transport::LongPolling, &trial.parameters, rtt_s)
}

/// The model over a line of `rtt_s`: sizes do not matter to latency.
pub(super) fn transits(
    transport: Transport,
    parameters: &crate::results::Parameters,
    rtt_s: f64,
) -> Forecast {
    Situation {
        transport,
        held: false,
        coming: Coming::Poisson,
        events_per_s: parameters.rate / parameters.rooms as f64,
        interval_s: parameters.interval_s.unwrap_or(0.0),
        transit_s: rtt_s / 2.0,
        gap_s: rtt_s,
        hold_s: parameters.hold_s.unwrap_or(f64::INFINITY),
        latest_value: false,
        sizes: Sizes {
            event: 0.0,
            separator: 0.0,
            heads: 0.0,
            empty_heads: 0.0,
            envelope: 0.0,
            id_line: 0.0,
            packet: 0.0,
            record: 0.0,
        },
    }
    .forecast()
}
