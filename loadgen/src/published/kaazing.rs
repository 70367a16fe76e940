//! Lubbers and Greco: a stock price asked for every second over headers of 871 bytes, against a frame
//! of 2. The table that made WebSocket famous, with the payload and the network put back.

use super::evidence::{
    Evidence, app_bytes_per_s, deliveries_per_s, ip_bytes_per_s, megabits, requests_per_s,
};
use crate::model::SEGMENT_BYTES;
use crate::results::{PublishedRow, Trial};

pub(super) const SOURCE: &str = "P. Lubbers, F. Greco (Kaazing), “HTML5 WebSocket: A Quantum Leap in Scalability for the Web”, about 2010, websocket.org/quantum.html";

pub(super) const FOOTNOTES: [&str; 5] = [
    "871 bytes leave out the line ends: the request printed as 692 and the answer printed as 179 take 716 and 193 on the wire, 909 together.",
    "“Mbps” there is Mibit/s (÷ 1,048,576): 6,968,000 bit/s is printed as 6.6; here Mbit/s are decimal, so the same is 6.968.",
    "435 : 1 compares headers alone. With the payload it is 930 : 23 = 40 : 1, on the IP layer 1,086 : 127 = 8.6 : 1, and at 10 events a second 1.0 : 1, for a poll then brings ten at once.",
    "The “500 : 1 or even 1000 : 1” of the text needs headers of about 1,000 and 2,000 bytes.",
    "2 bytes a message was the framing of a draft; RFC 6455 has it for what a server sends, up to 125 bytes, and 4 bytes more the other way.",
];

const HEADS: f64 = 909.0;
const PAYLOAD: f64 = 21.0;
const FRAME: f64 = 2.0;

/// Clients, and what was printed for them.
const CASES: [(&str, f64, &str, &str); 3] = [
    (
        "A",
        1_000.0,
        "6,968,000 bit/s, “6.6 Mbps”",
        "16,000 bit/s, “0.015 Mbps”",
    ),
    (
        "B",
        10_000.0,
        "69,680,000 bit/s, “66 Mbps”",
        "160,000 bit/s, “0.153 Mbps”",
    ),
    (
        "C",
        100_000.0,
        "696,800,000 bit/s, “665 Mbps”",
        "1,600,000 bit/s, “1.526 Mbps”",
    ),
];

pub(super) fn rows(evidence: &Evidence<'_>) -> Vec<PublishedRow> {
    let polls = evidence.named("interval-polling");
    let frames = evidence.named("websocket");
    let heads = polls.size(|trial| trial.bytes.exchanges.header_bytes);
    let frame = frames.size(|trial| trial.bytes.exchanges.header_bytes);
    let mut rows = vec![
        PublishedRow::new("each", "headers of a poll", "B")
            .published(871.0)
            .model(HEADS)
            .measured(heads)
            .within(0.0),
        PublishedRow::new("each", "header of a WebSocket message", "B")
            .published(2.0)
            .model(FRAME)
            .measured(frame)
            .within(0.0),
    ];
    for (case, clients, polling, websocket) in CASES {
        let polled = header_layer(&polls, clients, heads, requests_per_s);
        let pushed = header_layer(&frames, clients, frame, deliveries_per_s);
        let note = scaled(evidence, clients);
        let row = |figure: &str, quoted: &str, model: f64, measured| {
            let row = PublishedRow::new(case, figure, "Mbit/s");
            let row = row.quoted(quoted).model(model).measured(measured);
            PublishedRow {
                note: note.clone(),
                ..row.within_share(0.005)
            }
        };
        rows.push(row(
            "polling, headers",
            polling,
            megabits(HEADS * clients),
            polled,
        ));
        rows.push(row(
            "WebSocket, headers",
            websocket,
            megabits(FRAME * clients),
            pushed,
        ));
    }
    rows.extend(layers(evidence, &polls, &frames));
    rows
}

/// Case A on every layer, and the ratio that is left of 435 : 1.
fn layers(
    evidence: &Evidence<'_>,
    polls: &Evidence<'_>,
    frames: &Evidence<'_>,
) -> Vec<PublishedRow> {
    type Measure = fn(&Trial) -> Option<f64>;
    let clients = CASES[0].1;
    let layers: [(&str, f64, f64, Measure, f64); 2] = [
        (
            "app",
            HEADS + PAYLOAD,
            FRAME + PAYLOAD,
            app_bytes_per_s,
            0.005,
        ),
        (
            "IP",
            HEADS + PAYLOAD + 3.0 * SEGMENT_BYTES,
            FRAME + PAYLOAD + 2.0 * SEGMENT_BYTES,
            ip_bytes_per_s,
            0.03,
        ),
    ];
    let note = scaled(evidence, clients);
    let ratio = |layer: &str, model: f64, measured: Option<f64>| {
        let figure = format!("polling : WebSocket, {layer}");
        PublishedRow::new("A", &figure, "")
            .model(model)
            .measured(measured)
    };
    let heads = polls.size(|trial| trial.bytes.exchanges.header_bytes);
    let frame = frames.size(|trial| trial.bytes.exchanges.header_bytes);
    let header_ratio = heads.zip(frame).map(|(heads, frame)| heads / frame);
    let mut rows = vec![ratio("headers", HEADS / FRAME, header_ratio).published(435.5)];
    for (layer, polled, pushed, measure, tolerance) in layers {
        let each =
            |of: &Evidence<'_>| of.median(|trial| Some(measure(trial)? / trial.clients as f64));
        for (name, of, model) in [("polling", polls, polled), ("WebSocket", frames, pushed)] {
            let measured = each(of).map(|each| megabits(each * clients));
            let row = PublishedRow::new("A", &format!("{name}, {layer}"), "Mbit/s")
                .model(megabits(model * clients))
                .measured(measured)
                .within_share(tolerance);
            rows.push(PublishedRow {
                note: note.clone(),
                ..row
            });
        }
        let measured = each(polls)
            .zip(each(frames))
            .map(|(polled, pushed)| polled / pushed);
        rows.push(ratio(layer, polled / pushed, measured));
    }
    rows
}

/// Mbit/s for so many clients, from the exact size of one exchange and the rate of one client.
fn header_layer(
    of: &Evidence<'_>,
    clients: f64,
    bytes: Option<f64>,
    per_s: fn(&Trial) -> Option<f64>,
) -> Option<f64> {
    let each = of.median(|trial| Some(per_s(trial)? / trial.clients as f64))?;
    Some(megabits(bytes? * each * clients))
}

/// Says so where the figure is not of so many clients.
fn scaled(evidence: &Evidence<'_>, clients: f64) -> Option<String> {
    let ran = evidence.first()?.clients as f64;
    let way = if ran < clients {
        "extrapolated"
    } else {
        "scaled down"
    };
    (ran != clients).then(|| format!("{way} from {ran} clients"))
}
