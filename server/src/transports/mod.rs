//! Each transport is a way of reading a room's history from a cursor: framing and the lifetime of
//! a response, and nothing else. They ask for a `Subscription` and touch nothing else of the hub.

pub mod interval_polling;
pub mod long_polling;
pub mod http_streaming;
pub mod sse;
pub mod websocket;
pub mod socketio;
mod poll;
mod stream;
mod dress;

use crate::desk::Desk;
use crate::frames;
use crate::hub::{Hub, Room};
use crate::identity::User;
use crate::net::admission::Address;
use crate::net::metered::Meter;
use crate::presence::Hold;
use crate::problems::Refusal;
use crate::session;
use crate::subscription::Subscription;
use crate::usage::Class;
use crate::wire::cursor::{BadCursor, Start};
use crate::wire::transport::Transport;
use actix_web::web;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

/// Bytes of a long answer that are handed on at a time: actix copies them.
const PIECE: usize = 32 * 1024;

/// Longest room name, in bytes of UTF-8.
const MAX_ROOM_BYTES: usize = 64;

/// The transport that a route's last segment names.
pub fn named(segment: &str) -> Option<Transport> {
    Transport::in_rooms().find(|transport| transport.segment() == Some(segment))
}

/// Answers a GET in a room.
pub async fn serve(
    transport: Transport,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Refusal> {
    let lab_headers = Desk::of(&request).config.lab_headers;
    let answer = match transport {
        Transport::IntervalPolling => interval_polling::serve(request).await,
        Transport::LongPolling => long_polling::serve(request).await,
        Transport::HttpStreaming => http_streaming::serve(request).await,
        Transport::Sse => sse::serve(request).await,
        Transport::Websocket => websocket::serve(request, body).await,
        Transport::Socketio => Err(Refusal::NotFound),
    }?;
    match lab_headers.and_then(|headers| headers.response(transport)) {
        Some(template) => dress::dressed(answer, transport, &template),
        None => Ok(answer),
    }
}

/// Counts a request that belongs to no transport; the admin port is not metered.
pub fn count_control(request: &HttpRequest) {
    if let Some(meter) = request.conn_data::<Rc<Meter>>() {
        meter.request(Class::Control);
    }
}

/// The meter of the connection that brought this request.
pub fn meter(request: &HttpRequest) -> &Rc<Meter> {
    request
        .conn_data::<Rc<Meter>>()
        .expect("only metered connections serve these routes")
}

/// Counts the request as one of `transport`, and opens a subscription where it asks to start.
fn subscribe(request: &HttpRequest, transport: Transport) -> Result<Subscription, Refusal> {
    meter(request).request(Class::Transport(transport));
    subscribe_as(session::who(request)?, request, transport)
}

/// The same for a user who is known, by a request that is counted.
fn subscribe_as(
    user: Option<Arc<User>>,
    request: &HttpRequest,
    transport: Transport,
) -> Result<Subscription, Refusal> {
    let desk = Desk::of(request);
    // Before the room: what is refused makes none.
    let start = start(request, transport)?;
    let room = room(request, &desk.hub)?;
    let mut subscription = Subscription::open(room, &desk.worker, start);
    if let Some(user) = user
        && !desk.config.bare
    {
        let hold = match transport.is_push() {
            true => Hold::Stream,
            false => Hold::Poll,
        };
        let address = desk.address(request);
        if desk.hub.would_join(subscription.room(), &user, address) {
            // Everybody in the room is told, as of a publish.
            desk.pace.admit(address, Instant::now())?;
        }
        subscription.name(&desk.hub, user, address, hold);
    }
    Ok(subscription)
}

/// What a connection begins with, each message as `encode` has it: where it stands, and for a
/// member all members of the room.
fn greeting(subscription: &Subscription, encode: impl Fn(&str) -> Bytes) -> Bytes {
    let hello = frames::hello(subscription.cursor(), subscription.missed());
    let hello = encode(&hello);
    match subscription.is_member() {
        false => hello,
        true => {
            let list = frames::list(&subscription.room().members().list());
            [hello, encode(&list)].concat().into()
        }
    }
}

/// The room that the path names.
pub fn room(request: &HttpRequest, hub: &Hub) -> Result<Arc<Room>, Refusal> {
    let name = room_name(request)?;
    // Most rooms are there, and then nobody's address is of interest.
    if let Some(room) = hub.known(&name) {
        return Ok(room);
    }
    let desk = Desk::of(request);
    let on_lane = meter(request).tap().is_some();
    room_of_name(&name, desk, desk.address(request), on_lane)
}

/// The room of this name, which is one. A lane leads to rooms that are there: a request that is late must
/// not make the room of a session that is over again.
pub fn room_of_name(
    name: &str,
    desk: &Desk,
    address: Option<Address>,
    on_lane: bool,
) -> Result<Arc<Room>, Refusal> {
    if let Some(room) = desk.hub.known(name) {
        return Ok(room);
    }
    if on_lane {
        return Err(Refusal::NoSuchRoom);
    }
    desk.pace.make_room(address, Instant::now())?;
    Ok(desk.hub.room(name)?)
}

/// The second segment of the path, decoded here rather than by the router, which would leave
/// `%2F` and `%25` as they are.
pub fn room_name(request: &HttpRequest) -> Result<Cow<'_, str>, Refusal> {
    let segment = request.uri().path().split('/').nth(2).unwrap_or_default();
    decode_room(segment).ok_or_else(|| {
        Refusal::BadRequest(format!(
            "a room's name has 1 to {MAX_ROOM_BYTES} bytes of percent-encoded UTF-8 without control characters"
        ))
    })
}

fn decode_room(segment: &str) -> Option<Cow<'_, str>> {
    let name = percent_decode_str(segment).decode_utf8().ok()?;
    let stray_percent = segment.match_indices('%').any(|(at, _)| {
        !segment
            .as_bytes()
            .get(at + 1..at + 3)
            .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    });
    (is_room_name(&name) && !stray_percent).then_some(name)
}

fn is_room_name(name: &str) -> bool {
    (1..=MAX_ROOM_BYTES).contains(&name.len()) && !name.chars().any(char::is_control)
}

/// The name as it stands in a message, where nothing is percent-encoded.
pub fn check_room_name(name: &str) -> Result<(), Refusal> {
    match is_room_name(name) {
        true => Ok(()),
        false => Err(Refusal::BadRequest(format!(
            "a room's name has 1 to {MAX_ROOM_BYTES} bytes of UTF-8 without control characters"
        ))),
    }
}

/// `Last-Event-ID` wins over `?cursor=`: a browser that reconnects repeats the old URL.
fn start(request: &HttpRequest, transport: Transport) -> Result<Start, Refusal> {
    let last_event_id = match transport {
        Transport::Sse => request.headers().get("last-event-id"),
        Transport::IntervalPolling
        | Transport::LongPolling
        | Transport::HttpStreaming
        | Transport::Websocket
        | Transport::Socketio => None,
    };
    let cursor = match last_event_id {
        Some(value) => Some(value.to_str().map_err(|_| BadCursor)?.into()),
        None => query(request, "cursor"),
    };
    let Some(cursor) = cursor else {
        return Ok(Start::Now);
    };
    start_at(&cursor, Desk::of(request).config.bare)
}

/// Where a cursor asks to start.
pub fn start_at(cursor: &str, bare: bool) -> Result<Start, Refusal> {
    match cursor.parse()? {
        Start::AfterOffset(_) if !bare => Err(BadCursor.into()),
        start => Ok(start),
    }
}

/// The first value of a query parameter, decoded.
pub(crate) fn query<'a>(request: &'a HttpRequest, name: &str) -> Option<Cow<'a, str>> {
    form_urlencoded::parse(request.query_string().as_bytes())
        .find_map(|(key, value)| (key == name).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_names() {
        for (segment, name) in [
            ("KPL", Some("KPL")),
            ("%E5%B3%A1%E8%B0%B7", Some("峡谷")),
            ("a%2Fb", Some("a/b")),
            ("100%25", Some("100%")),
            ("", None),
            ("%00", None),
            ("%0A", None),
            ("%C2%85", None),
            ("%ff", None),
            ("%c0%af", None),
            ("%zz", None),
            ("a%", None),
            ("a%2", None),
        ] {
            assert_eq!(decode_room(segment).as_deref(), name, "{segment}");
        }
        assert!(decode_room(&"a".repeat(64)).is_some());
        assert!(decode_room(&"a".repeat(65)).is_none());
        assert!(decode_room(&"%E7%91%B6".repeat(21)).is_some());
        assert!(decode_room(&"%E7%91%B6".repeat(22)).is_none());
    }
}
