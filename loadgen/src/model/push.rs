//! Streams, SSE, WebSocket and Socket.IO over it: an event goes out when it comes.

use super::framing::pushed;
use super::{Coming, Forecast, Law, SEGMENT_BYTES, Situation};

pub(super) fn forecast(situation: &Situation) -> Forecast {
    let rate = situation.events_per_s;
    let framed = framed(situation);
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

/// S + h, and what TLS adds.
fn framed(situation: &Situation) -> f64 {
    let sizes = &situation.sizes;
    let message = sizes.event + sizes.packet;
    message + pushed(situation.transport, message, sizes.id_line) + sizes.record
}

/// Behind a proxy that holds B bytes they are there with every nth event, n = ⌈B/(S+h)⌉, and the
/// first of these waits n − 1 gaps: B/(2λ(S+h)) in the mean, less half a gap. Where the gaps are not
/// even, the mean is the same, but not the quantiles.
pub(super) fn buffered(situation: &Situation, bytes: f64) -> Option<Law> {
    let waits = (bytes / framed(situation)).ceil() - 1.0;
    (situation.is_on_a_beat())
        .then(|| Law::evenly(situation.transit_s, waits / situation.events_per_s))
}

#[cfg(test)]
mod tests {
    use super::super::{Sizes, Transport};
    use super::*;

    #[test]
    fn a_buffer_holds_a_stream_for_half_of_what_fills_it() {
        let mut situation = Situation {
            transport: Transport::Sse,
            held: false,
            coming: Coming::Beat { chance: 1.0 },
            events_per_s: 50.0,
            interval_s: 1.0,
            transit_s: 0.05,
            gap_s: 0.1,
            hold_s: 25.0,
            latest_value: false,
            sizes: Sizes {
                event: 184.0,
                separator: 0.0,
                heads: 0.0,
                empty_heads: 0.0,
                envelope: 0.0,
                id_line: 2.0,
                packet: 0.0,
                record: 0.0,
            },
        };
        let framed = framed(&situation);
        let law = buffered(&situation, 20.0 * framed).unwrap();
        assert!((law.mean_s() - (0.05 + 19.0 / 100.0)).abs() < 1e-9);
        assert!((law.most_s() - (0.05 + 19.0 / 50.0)).abs() < 1e-9);
        assert_eq!(buffered(&situation, framed).unwrap().most_s(), 0.05);
        situation.coming = Coming::Poisson;
        assert_eq!(buffered(&situation, 4096.0), None);
    }
}
