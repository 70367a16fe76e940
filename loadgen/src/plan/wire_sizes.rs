//! Bytes that loadgen and pushlab's server write for a trial, from their wire formats alone: no
//! socket is asked. What varies by digits (offsets, cursors) is taken at its mean over the measure
//! window; a cursor's epoch is random and 7.9 characters long on average.

use super::{PublishBy, TransportPlan, TrialPlan};
use crate::lane::Setting;
use crate::model::{Sizes, socketio_packet};
use crate::net::tls::RECORD_BYTES;
use crate::target::client_name;
use pushlab_server::wire::lab_headers::Template;
use pushlab_server::wire::transport::Transport;

/// Of base-36 digits of a number even on [1, 2⁴⁰): eight but for the 7.1 % below 36⁷.
const EPOCH: f64 = 7.927;
/// Its standard deviation.
pub const EPOCH_DEVIATION: f64 = 0.27;

/// Ports that a kernel gives out by itself have five digits.
const EMBEDDED_HOST: &str = "127.0.0.1:12345";

pub(super) fn of(trial: &TrialPlan, heard_per_s: f64) -> Sizes {
    let bare = trial.server.bare;
    let offset = offset_digits(trial, heard_per_s).mean;
    // A client of a bare server asks by its own count.
    let cursor = if bare { offset } else { EPOCH + 1.0 + offset };
    let event = trial.publish.payload as f64
        + user(trial)
        + if bare {
            0.0
        } else {
            length(r#"{"id":,"type":"chat","data":}"#) + offset
        };
    let packets = trial.transport.kind == Transport::Socketio;
    let envelope = if bare || packets {
        0.0
    } else {
        length(r#"{"cursor":"","missed":0,"events":[]}"#) + cursor
    };
    let TransportPlan { kind, headers, .. } = trial.transport;
    let asked = headers.request().map(|preset| preset.request(kind));
    let answered = (headers.response()).and_then(|preset| preset.response(kind));
    let preset = |head: Option<Template>| head.map(|head| head.bytes as f64);
    let (asked, answered) = (preset(asked), preset(answered));
    let request = asked.unwrap_or_else(|| match packets {
        true => packet_request(trial),
        false => request(trial, cursor),
    });
    let batch = events_per_answer(trial, heard_per_s);
    let packet = if packets { packet(trial, cursor) } else { 0.0 };
    let body = envelope + batch * (event + packet + 1.0) - 1.0;
    let answer = |body| match packets {
        true => packets_head(body),
        false => full_head(bare, cursor, body),
    };
    Sizes {
        event,
        separator: 1.0,
        heads: request + answered.unwrap_or_else(|| answer(body)),
        empty_heads: request + answered.unwrap_or_else(|| empty_head(trial, cursor)),
        envelope,
        id_line: if bare { 0.0 } else { length("id: \n") + cursor },
        packet,
        record: if trial.server.tls { RECORD_BYTES } else { 0.0 },
    }
}

fn length(text: &str) -> f64 {
    text.len() as f64
}

/// Of a room's name, over all rooms.
fn room(trial: &TrialPlan) -> f64 {
    let rooms = (0..trial.rooms).map(|room| length(&Setting::room_name(room)));
    rooms.sum::<f64>() / trial.rooms as f64
}

/// Around an event: behind it stand the names of the room and of the place in it, but on a bare server.
fn packet(trial: &TrialPlan, cursor: f64) -> f64 {
    let event = length(&trial.transport.socketio.event);
    match trial.server.bare {
        true => socketio_packet(event, &[]),
        false => socketio_packet(event, &[room(trial) + 2.0, cursor + 2.0]),
    }
}

/// Asks for packets. A session's name is 128 bits in base64.
fn packet_request(trial: &TrialPlan) -> f64 {
    length("GET ?EIO=4&transport=polling&sid=0123456789abcdef012345 HTTP/1.1\r\nHost: \r\n\r\n")
        + length(&trial.transport.socketio.route)
        + length(EMBEDDED_HOST)
        + if trial.named { cookie() } else { 0.0 }
}

fn packets_head(body: f64) -> f64 {
    let fixed = length("HTTP/1.1 200 OK\r\ncontent-length: \r\n")
        + length("content-type: text/plain; charset=UTF-8\r\n")
        + length(NO_STORE)
        + length(DATE)
        + length("\r\n");
    fixed + digits(body.round() as u64)
}

fn request(trial: &TrialPlan, cursor: f64) -> f64 {
    let room = room(trial);
    let kind = trial.transport.kind;
    let hold = match kind {
        Transport::LongPolling => length("&hold=") + length(&trial.transport.hold_text()),
        Transport::IntervalPolling
        | Transport::HttpStreaming
        | Transport::Sse
        | Transport::Websocket
        | Transport::Socketio => 0.0,
    };
    let condition = match trial.transport.conditional {
        true => length("If-None-Match: \"\"\r\n") + cursor,
        false => 0.0,
    };
    let closing = if trial.transport.keep_alive {
        0.0
    } else {
        CLOSE
    };
    let fixed = length("GET /rooms//?cursor= HTTP/1.1\r\nHost: \r\n\r\n");
    fixed
        + room
        + length(kind.segment().unwrap_or_default())
        + cursor
        + hold
        + length(EMBEDDED_HOST)
        + condition
        + closing
        + if trial.named { cookie() } else { 0.0 }
}

/// Names and ids are all of one length.
fn user(trial: &TrialPlan) -> f64 {
    match trial.named && trial.publish.by == PublishBy::Clients {
        true => length(r#","user":{"id":"0123456789ab","name":""}"#) + length(&client_name(0)),
        false => 0.0,
    }
}

/// A credential's end is a time of ten digits until the year 2286, and its signature has 256 bits.
fn cookie() -> f64 {
    let base64 = |bytes: usize| (bytes * 4).div_ceil(3) as f64;
    let name = base64(client_name(0).len());
    length("Cookie: pushlab_session=1.0123456789ab.1234567890..\r\n") + name + base64(32)
}

/// Of `connection: close` in either head.
const CLOSE: f64 = 19.0;

const DATE: &str = "date: Sat, 21 Nov 2026 08:18:14 GMT\r\n";
const NO_STORE: &str = "cache-control: no-store\r\n";

fn full_head(bare: bool, cursor: f64, body: f64) -> f64 {
    let fixed = length("HTTP/1.1 200 OK\r\ncontent-length: \r\n")
        + length("content-type: application/json\r\n")
        + length(DATE)
        + length("\r\n");
    fixed + digits(body.round() as u64) + tag(bare, cursor)
}

fn empty_head(trial: &TrialPlan, cursor: f64) -> f64 {
    let status = match trial.transport.conditional {
        true => "HTTP/1.1 304 Not Modified\r\n",
        false => "HTTP/1.1 204 No Content\r\n",
    };
    length(status) + length(DATE) + length("\r\n") + tag(trial.server.bare, cursor)
}

fn tag(bare: bool, cursor: f64) -> f64 {
    if bare {
        return 0.0;
    }
    length("etag: \"\"\r\n") + cursor + length(NO_STORE)
}

/// In an answer that has any; long polls bring one, but for what piled up.
fn events_per_answer(trial: &TrialPlan, heard_per_s: f64) -> f64 {
    let heard = match trial.transport.kind {
        Transport::IntervalPolling => heard_per_s * trial.transport.interval.as_secs_f64(),
        Transport::LongPolling => heard_per_s * trial.link.rtt.as_secs_f64(),
        Transport::Socketio if trial.polls_packets() => heard_per_s * trial.link.rtt.as_secs_f64(),
        Transport::HttpStreaming | Transport::Sse | Transport::Websocket | Transport::Socketio => {
            0.0
        }
    };
    let any = -(-heard).exp_m1();
    if any > 0.0 {
        (heard / any).max(1.0)
    } else {
        1.0
    }
}

/// Decimal digits of the offsets that a room gives out in the measure window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OffsetDigits {
    pub mean: f64,
    /// Whether the first and the last have as many.
    pub even: bool,
}

/// A room's first event is the probe.
pub fn offset_digits(trial: &TrialPlan, heard_per_s: f64) -> OffsetDigits {
    let first = 2 + (heard_per_s * trial.warm_up.as_secs_f64()) as u64;
    let last = first + (heard_per_s * trial.duration.as_secs_f64()) as u64;
    OffsetDigits {
        mean: mean_digits(first, last),
        even: digits(first) == digits(last),
    }
}

fn digits(number: u64) -> f64 {
    f64::from(number.max(1).ilog10() + 1)
}

/// Of all whole numbers from `first` to `last`.
fn mean_digits(first: u64, last: u64) -> f64 {
    let mut sum = 0.0;
    let mut from = first;
    while from <= last {
        let to = last.min(10u64.pow(from.max(1).ilog10() + 1) - 1);
        sum += (to - from + 1) as f64 * digits(from);
        from = to + 1;
    }
    sum / (last - first + 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_averaged_over_a_range() {
        assert_eq!((digits(0), digits(9), digits(10)), (1.0, 1.0, 2.0));
        assert_eq!(mean_digits(2, 2), 1.0);
        assert_eq!(mean_digits(8, 11), 1.5);
        let slow: f64 = (7..=12_345).map(digits).sum::<f64>() / 12_339.0;
        assert!((mean_digits(7, 12_345) - slow).abs() < 1e-9);
    }

    #[test]
    fn names_cost_what_they_take_on_the_wire() {
        let mut trial = TrialPlan::new(Transport::IntervalPolling);
        let anonymous = (of(&trial, 1.0).heads, of(&trial, 1.0).event);
        trial.named = true;
        trial.publish.by = PublishBy::Clients;
        let named = (of(&trial, 1.0).heads, of(&trial, 1.0).event);
        // Taken from a connection of the server.
        let cookie = "Cookie: pushlab_session=1.9amdtqq6j2et.1797883525.Y2xpZW50LTAwMDAwMA.i-tBqN1fcg917KBmKeq_aqdPxsbNXVGgkb1jkVbQlgs\r\n";
        let user = r#","user":{"id":"9amdtqq6j2et","name":"client-000000"}"#;
        assert_eq!(named.0 - anonymous.0, cookie.len() as f64);
        assert_eq!(named.1 - anonymous.1, user.len() as f64);
    }

    #[test]
    fn heads_are_those_on_the_wire() {
        let trial = TrialPlan::new(Transport::IntervalPolling);
        // Taken from a connection of the server: cursor e-7 of 8 and 1 characters.
        let request =
            "GET /rooms/room-0/poll?cursor=32utbiof-1 HTTP/1.1\r\nHost: 127.0.0.1:18099\r\n\r\n";
        assert_eq!(super::request(&trial, 10.0), request.len() as f64);
        let full = "HTTP/1.1 200 OK\r\ncontent-length: 80\r\netag: \"32utbiof-1\"\r\ncontent-type: application/json\r\ncache-control: no-store\r\ndate: Sat, 21 Nov 2026 08:18:14 GMT\r\n\r\n";
        assert_eq!(full_head(false, 10.0, 80.0), full.len() as f64);
        let empty = "HTTP/1.1 204 No Content\r\ncache-control: no-store\r\netag: \"32utbiof-1\"\r\ndate: Sat, 21 Nov 2026 08:18:14 GMT\r\n\r\n";
        assert_eq!(empty_head(&trial, 10.0), empty.len() as f64);
    }
}
