//! Grigorik: what 10,000 clients cost that ask once a minute, and what headers weigh. Run with a
//! hundredth of the clients a hundred times as often, which is the same number of requests.

use super::evidence::{Evidence, mean_ms, megabits, requests_per_s};
use crate::model::{stream_framing, websocket_framing};
use crate::results::PublishedRow;

pub(super) const SOURCE: &str = "I. Grigorik, “High Performance Browser Networking”, 2013, hpbn.co, chapters XHR, SSE and WebSocket";

pub(super) const FOOTNOTES: [&str; 3] = [
    "Scaled: 100 clients every 600 ms ask as often as 10,000 every 60 s, so requests and bytes a second compare as they are; waits are multiplied by 100.",
    "“~800 bytes” of headers without cookies: the preset of Chrome 60 and Node 8 has 538 with one.",
    "“As little as 5 bytes” for an SSE message counts `data:` alone; line ends make it 7 or 8, the chunk around it 5 to 7 more.",
];

/// Clients for one.
const SCALE: f64 = 100.0;

pub(super) fn rows(evidence: &Evidence<'_>) -> Vec<PublishedRow> {
    let mut rows = Vec::new();
    rows.extend(
        once_a_minute(&evidence.named("poll-850"))
            .into_iter()
            .flatten(),
    );
    rows.extend(curl(&evidence.named("curl")));
    rows.extend(overheads(evidence));
    rows
}

fn once_a_minute(polls: &Evidence<'_>) -> Option<[PublishedRow; 5]> {
    let trial = polls.first()?;
    let interval_s = trial.parameters.interval_s?;
    let heads = polls.size(|trial| trial.bytes.exchanges.header_bytes);
    let asked = polls.median(requests_per_s);
    let events = trial.latency_us.delivery.count as f64;
    let row = |figure: &str, unit: &str| PublishedRow::new("10,000 clients, 60 s", figure, unit);
    // The spread of a uniform wait, over events that all clients share in.
    let chance_s = 3.0 * interval_s * SCALE / (12.0 * events.max(1.0)).sqrt();
    let layer = heads
        .zip(asked)
        .map(|(heads, asked)| megabits(heads * asked));
    Some([
        row("headers of a poll", "B")
            .published(850.0)
            .model(850.0)
            .measured(heads)
            .within(0.0),
        row("requests", "1/s")
            .published(167.0)
            .model(1e4 / 60.0)
            .measured(asked)
            .within_share(0.01),
        row("headers", "Mbit/s")
            .published(1.13)
            .model(megabits(850.0 * 1e4 / 60.0))
            .measured(layer)
            .within_share(0.01),
        row("average wait", "s")
            .published(30.0)
            .model(30.0)
            .measured(polls.median(mean_ms).map(|ms| ms / 1000.0 * SCALE))
            .within(chance_s + FLOOR_S * SCALE)
            .note("time-scaled 1 : 100"),
        PublishedRow::new("10,000 clients, 1 s", "headers", "Mbit/s")
            .quoted("over 60 Mbps")
            .model(megabits(850.0 * 1e4))
            .measured(heads.map(|heads| megabits(heads * 1e4)))
            .within_share(0.01)
            .note("extrapolated from the measured bytes of a poll"),
    ])
}

/// What the machine itself may add to a wait.
const FLOOR_S: f64 = 0.002;

fn curl(replayed: &Evidence<'_>) -> [PublishedRow; 2] {
    let row = |figure: &str| PublishedRow::new("curl example", figure, "B");
    // Several events in one answer would make it longer.
    let least = replayed.median(|trial| {
        trial
            .bytes
            .exchanges
            .with_event_bytes
            .least
            .map(|b| b as f64)
    });
    [
        row("headers of request and answer")
            .published(352.0)
            .model(352.0)
            .measured(replayed.size(|trial| trial.bytes.exchanges.header_bytes))
            .within(0.0),
        row("with its JSON of 15 bytes")
            .published(367.0)
            .model(367.0)
            .measured(least)
            .within(0.0),
    ]
}

fn overheads(evidence: &Evidence<'_>) -> Vec<PublishedRow> {
    let Some(payload) = evidence
        .first()
        .map(|trial| trial.parameters.payload as f64)
    else {
        return Vec::new();
    };
    let frames = evidence.named("websocket");
    let streams = evidence.named("sse");
    let framing = streams.median(|trial| {
        let kinds = trial.bytes.per_delivery_by_kind.as_ref()?;
        kinds.get("framing").copied()
    });
    vec![
        PublishedRow::new("overhead", "header of a WebSocket message", "B")
            .quoted("2–10 down, 6–14 up")
            .model(websocket_framing(payload))
            .measured(frames.size(|trial| trial.bytes.exchanges.header_bytes))
            .within(0.0)
            .note("down"),
        PublishedRow::new("overhead", "framing of an SSE message", "B")
            .quoted("as little as 5")
            .model(stream_framing(true, payload, 0.0))
            .measured(framing)
            .within(0.5),
    ]
}
