//! Abril and others: five updates of 39 bytes in the headers of Chrome 60 and Node 8, summed from the
//! HAR files that they published. Exact to the byte, or the row says so.

use super::evidence::Evidence;
use crate::results::{PublishedRow, Trial};

pub(super) const SOURCE: &str = "A. Abril and others, “Real-time methods”, 2017, repository Aquilio/09-23-17-real-time-methods, results/*.har";

pub(super) const FOOTNOTES: [&str; 4] = [
    "An answer is 108 bytes of head and 50 of body: 39 of payload in 11 of chunk framing. Every poll asks for the current value, so none is empty.",
    "Theirs stopped at the fifth change, after 15 polls every 250 ms; five whole seconds give 20. So bytes of one poll × 15 are compared.",
    "The SSE heads replay exactly. The HAR has a body of 286 bytes for 271 of content, 15 of framing, where the server’s published code writes more: it is printed and not judged.",
    "HAR files hold no WebSocket frames, so browser exports cannot measure those. HTTP/2 (1,036, 410 and 318 bytes down) is not for this lab.",
];

pub(super) fn rows(evidence: &Evidence<'_>) -> Vec<PublishedRow> {
    let exchange = |trial: &Trial| trial.bytes.exchanges.with_event_bytes;
    let mut rows = Vec::new();
    for (name, count, published, model) in [
        ("short-polling", 15.0, 8_820.0, 588.0),
        ("long-polling", 5.0, 2_930.0, 586.0),
    ] {
        let each = evidence.named(name).size(exchange);
        rows.push(
            PublishedRow::new(name, "one poll and its answer", "B")
                .published(model)
                .model(model)
                .measured(each)
                .within(0.0),
        );
        rows.push(
            PublishedRow::new(name, &format!("{count} of them, for 5 updates"), "B")
                .published(published)
                .model(model * count)
                .measured(each.map(|each| each * count))
                .within(0.0),
        );
    }
    rows.extend(streamed(&evidence.named("sse")));
    rows
}

fn streamed(of: &Evidence<'_>) -> [PublishedRow; 2] {
    let heads = of.median(|trial| {
        let connections = trial.clients + trial.reconnects;
        Some(trial.bytes.by_kind.handshake as f64 / connections as f64)
    });
    let body = of.median(|trial| {
        let kinds = trial.bytes.per_delivery_by_kind.as_ref()?;
        Some((kinds.get("payload")? + kinds.get("framing")?) * 5.0)
    });
    [
        PublishedRow::new("sse", "heads of request and answer", "B")
            .published(616.0)
            .model(616.0)
            .measured(heads)
            .within(0.0),
        PublishedRow::new("sse", "body of 5 updates", "B")
            .published(286.0)
            .measured(body)
            .note("not judged: the HAR frames its body otherwise than its server’s published code"),
    ]
}
