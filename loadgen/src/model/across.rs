//! Formulas that set transports beside one another.

use super::{Law, SEGMENT_BYTES};

/// λT at which interval polling and a push transport of `framing` bytes cost the same on the IP
/// layer. `segments` a pushed message: 2, or 1.5 where one delayed ACK stands for two.
pub fn break_even(heads_bytes: f64, framing_bytes: f64, segments: f64) -> f64 {
    (heads_bytes + 3.0 * SEGMENT_BYTES) / (segments * SEGMENT_BYTES + framing_bytes)
}

/// Of a broadcast to `clients`, at `each_s` CPU seconds: even from the first to the last.
pub fn broadcast_latency(transit_s: f64, clients: f64, each_s: f64) -> Law {
    Law::evenly(transit_s, clients * each_s)
}

/// Clients that polling can serve within a maximum acceptable latency (MAL).
pub fn clients_within(requests_per_s: f64, acceptable_s: f64) -> f64 {
    requests_per_s * acceptable_s
}

/// The MAL from which polling serves as many clients as a push transport does.
pub fn poll_matches_push_at(push_clients: f64, requests_per_s: f64) -> f64 {
    push_clients / requests_per_s
}

/// How long a message of `bytes` keeps the next one waiting on a link of `bits_per_s`.
pub fn head_of_line_s(bytes: f64, bits_per_s: f64) -> f64 {
    8.0 * bytes / bits_per_s
}
