//! Streams, SSE and WebSocket: an event goes out when it comes.

use super::framing::pushed;
use super::{Coming, Forecast, Law, SEGMENT_BYTES, Situation};

pub(super) fn forecast(situation: &Situation) -> Forecast {
    let (rate, sizes) = (situation.events_per_s, &situation.sizes);
    let framed = sizes.event + pushed(situation.transport, sizes.event, sizes.id_line);
    Forecast {
        latency: (situation.coming != Coming::Bursts).then(|| Law::exactly(situation.transit_s)),
        requests_per_s: Some(0.0),
        empty_share: None,
        delivered_share: Some(1.0),
        app_bytes_per_s: Some(rate * framed),
        // A segment for the event and one that acknowledges it.
        ip_bytes_per_s: Some(rate * (framed + 2.0 * SEGMENT_BYTES)),
    }
}
