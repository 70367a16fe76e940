//! Doors for the fuzz targets in `server/fuzz`, and what must hold behind each whatever comes. They
//! exist under `cfg(fuzzing)` alone, which cargo-fuzz sets, so that no parser is public for its sake.

use crate::frames::{Draft, Opcode};
use crate::identity::{Keys, Purpose, User};
use crate::lab::messages::Command;
use crate::lab::proxy::http::{Body, Messages, Piece};
use crate::publish;
use crate::session;
use crate::transports;
use crate::transports::websocket::decoder::{Decoder, Limits, Message};
use crate::value::Plain;
use crate::wire::engineio;
use crate::wire::socketio::{self, Reassembly, attachments};
use actix_web::http::Uri;
use actix_web::http::header::{AUTHORIZATION, COOKIE, HeaderValue};
use actix_web::test::TestRequest;
use bytes::Bytes;
use std::fmt::Debug;
use std::time::{Duration, UNIX_EPOCH};

const LIMITS: Limits = Limits {
    bytes: 4096,
    fragments: 16,
};

/// What comes of a connection's bytes in pieces of one size: its messages, and how it ended.
fn messages(bytes: &[u8], piece: usize) -> (Vec<Message>, Option<String>) {
    let mut decoder = Decoder::new(LIMITS);
    let mut found = Vec::new();
    for mut piece in bytes.chunks(piece) {
        loop {
            match decoder.decode(&mut piece) {
                Ok(Some(message)) => found.push(message),
                Ok(None) => break,
                Err(fault) => return (found, Some(format!("{} {fault:?}", fault.code()))),
            }
        }
    }
    (found, None)
}

/// A client's frames: how the bytes are cut changes nothing, and no message is above the limit.
pub fn frames(bytes: &[u8], piece: usize) {
    let whole = messages(bytes, bytes.len().max(1));
    same(&whole, &messages(bytes, piece.max(1)));
    for message in whole.0 {
        match message {
            Message::Text(text) => assert!(text.len() <= LIMITS.bytes),
            Message::Binary(data) => assert!(data.len() <= LIMITS.bytes),
            Message::Ping(data) => assert!(data.len() <= 125),
            Message::Pong | Message::Close(_) => {}
        }
    }
}

/// What a client masks and cuts into fragments comes out as it was.
pub fn masked(payload: &[u8], mask: [u8; 4], fragments: usize) {
    let size = payload.len().div_ceil(fragments.clamp(1, 16)).max(1);
    let mut pieces: Vec<&[u8]> = payload.chunks(size).collect();
    if pieces.is_empty() {
        pieces.push(&[]);
    }
    let mut wire = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        let opcode = if at == 0 {
            Opcode::Binary
        } else {
            Opcode::Continuation
        };
        let last = u8::from(at + 1 == pieces.len()) << 7;
        wire.push(last | opcode as u8);
        match u16::try_from(piece.len()) {
            Ok(short @ 0..126) => wire.push(0x80 | short as u8),
            Ok(length) => {
                wire.push(0x80 | 126);
                wire.extend(length.to_be_bytes());
            }
            Err(_) => return,
        }
        wire.extend(mask);
        wire.extend(
            piece
                .iter()
                .zip(mask.iter().cycle())
                .map(|(byte, mask)| byte ^ mask),
        );
    }
    let found = messages(&wire, wire.len());
    match payload.len() <= LIMITS.bytes {
        true => same(&found, &(vec![Message::Binary(payload.to_vec())], None)),
        false => assert!(found.1.is_some(), "a message above the limit"),
    }
}

/// A publish in each of its three forms. What is taken is JSON on one line that is taken again as it is.
pub fn publish(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes);
    let drafts = [
        publish::from_json(bytes).ok(),
        publish::from_msgpack(bytes).ok(),
        text.ok().and_then(|text| publish::from_text(text).ok()),
    ];
    for draft in drafts.into_iter().flatten() {
        let Draft {
            kind_json,
            data_json,
            ..
        } = &draft;
        assert!(!data_json.contains(['\n', '\r']), "{data_json:?}");
        let body = format!(r#"{{"type":{kind_json},"data":{data_json}}}"#);
        let again = publish::from_json(body.as_bytes());
        let Ok(again) = again else {
            panic!("taken, and then refused: {body:?}");
        };
        same(
            &(&again.kind_json, &again.data_json),
            &(kind_json, data_json),
        );
    }
}

/// The body of a poll: its packets are written as they are read, and no more of them come than may.
pub fn engineio_payload(bytes: &[u8]) {
    let limits = engineio::Limits {
        packets: 100,
        bytes: 4096,
    };
    let Ok(packets) = engineio::read_payload(bytes, limits) else {
        return;
    };
    assert!(packets.len() <= limits.packets && bytes.len() <= limits.bytes);
    let again = engineio::write_payload(&packets);
    let wide = engineio::Limits {
        bytes: usize::MAX,
        ..limits
    };
    same(
        &engineio::read_payload(again.as_bytes(), wide),
        &Ok(packets),
    );
}

/// Messages of a Socket.IO connection, cut at 0xff, which no UTF-8 holds: texts, and what is none as an
/// attachment. A packet is read again as it is written, and its attachments go in and come out.
pub fn socketio_packet(bytes: &[u8]) {
    const MAX_BYTES: usize = 4096;
    let mut reassembly = Reassembly::new(MAX_BYTES);
    for message in bytes.split(|&byte| byte == 0xff) {
        let is_text = !reassembly.is_waiting();
        match std::str::from_utf8(message) {
            Ok(text) if is_text => match reassembly.text(text) {
                Ok(Some(packet)) => check_packet(&packet),
                Ok(None) => {}
                Err(_) => return,
            },
            _ => match reassembly.binary(Bytes::copy_from_slice(message)) {
                Ok(Some(whole)) => check_packet(&whole.packet()),
                Ok(None) => {}
                Err(_) => return,
            },
        }
    }
}

fn check_packet(packet: &socketio::Packet<'_>) {
    assert!(packet.attachments.len() <= socketio::MAX_ATTACHMENTS);
    let text = packet.text();
    let mut reassembly = Reassembly::new(usize::MAX);
    match reassembly.text(&text) {
        Ok(Some(again)) => same(&again.text(), &text),
        Ok(None) => assert!(!packet.attachments.is_empty()),
        Err(fault) => panic!("{text:?} was read, and then not: {fault}"),
    }
    let (socketio::Body::Event { arguments, .. } | socketio::Body::Ack { arguments, .. }) =
        &packet.body
    else {
        return;
    };
    let all: Vec<&str> = arguments.iter().map(|argument| argument.get()).collect();
    let Ok(Plain(mut value)) = serde_json::from_str(&format!("[{}]", all.join(","))) else {
        return;
    };
    if attachments::put_in(&mut value, packet.attachments).is_err() {
        return;
    }
    let with = value.clone();
    if let Some(taken) = attachments::take_out(&mut value) {
        let put = attachments::put_in(&mut value, &taken);
        same(&(put, value), &(Ok(()), with));
    }
}

/// A request's target as a room is named by it, and its query.
pub fn address(bytes: &[u8]) {
    let Ok(uri) = Uri::try_from(bytes) else {
        return;
    };
    if uri.path_and_query().is_none() {
        return;
    }
    let request = TestRequest::default()
        .uri(&uri.to_string())
        .to_http_request();
    if let Ok(name) = transports::room_name(&request) {
        assert!((1..=64).contains(&name.len()) && !name.chars().any(char::is_control));
    }
    let _ = transports::query(&request, "cursor");
    let _ = transports::query(&request, "hold");
}

/// A credential as it may stand in a header: none is taken that was not signed.
pub fn credential(bytes: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(bytes) else {
        return;
    };
    let keys =
        Keys::read("a key of the fuzz target that is long enough").expect("it is long enough");
    let headers = [(COOKIE, Purpose::Cookie), (AUTHORIZATION, Purpose::Token)];
    for (name, purpose) in headers {
        let request = TestRequest::default()
            .insert_header((name, value.clone()))
            .to_http_request();
        let found = match purpose {
            Purpose::Cookie => session::cookie_values(&request).next(),
            Purpose::Token => session::bearer(&request),
        };
        if let Some(Ok(text)) = found.map(std::str::from_utf8) {
            assert!(keys.verify(purpose, text, UNIX_EPOCH).is_err(), "{text}");
        }
    }
    forged(&keys, bytes);
}

/// A signed credential of which one byte is another.
fn forged(keys: &Keys, bytes: &[u8]) {
    let (&[at, byte], name) = (bytes.first_chunk().unwrap_or(&[0, b'A']), bytes);
    let name = String::from_utf8_lossy(name.get(2..).unwrap_or_default());
    let Ok(user) = User::new(&name) else {
        return;
    };
    let lifetime = Duration::from_secs(60);
    let signed = keys.sign(Purpose::Token, &user, lifetime, UNIX_EPOCH);
    let read = keys.verify(Purpose::Token, &signed, UNIX_EPOCH);
    same(&read.as_ref(), &Ok(&user));
    let mut other = signed.clone().into_bytes();
    let at = usize::from(at) % other.len();
    other[at] = byte;
    match std::str::from_utf8(&other) {
        Ok(other) if other != signed => {
            assert!(
                keys.verify(Purpose::Token, other, UNIX_EPOCH).is_err(),
                "{other}"
            );
        }
        _ => {}
    }
}

/// What the teaching page says to its session.
pub fn command(bytes: &[u8]) {
    let _ = serde_json::from_slice::<Command>(bytes);
}

/// HTTP as the lab's proxy reads it: nothing is added, dropped or moved, however it is cut.
pub fn proxied(bytes: &[u8], piece: usize) {
    let (first, whole) = passed(bytes, bytes.len().max(1));
    let (second, cut) = passed(bytes, piece.max(1));
    assert_eq!(first, bytes, "whole");
    assert_eq!(second, bytes, "in pieces of {piece}");
    same(&whole, &cut);
}

/// All that comes out, and the heads of it.
fn passed(bytes: &[u8], piece: usize) -> (Vec<u8>, Vec<Vec<u8>>) {
    let mut messages = Messages::default();
    let (mut out, mut heads) = (Vec::new(), Vec::new());
    for mut piece in bytes.chunks(piece) {
        while let Some(next) = messages.next(&mut piece) {
            match next {
                Piece::Head(head) => {
                    out.extend_from_slice(&head);
                    messages.body(match head.len() % 5 {
                        0 => Body::Bytes(head.len() as u64),
                        1 => Body::Bytes(0),
                        2 => Body::Endless,
                        3 => Body::Foreign,
                        _ => Body::Chunked,
                    });
                    heads.push(head.to_vec());
                }
                Piece::Body(data, _) | Piece::Foreign(data) => out.extend_from_slice(data),
            }
        }
    }
    out.extend_from_slice(&messages.rest());
    (out, heads)
}

fn same<T: PartialEq + Debug + ?Sized>(one: &T, other: &T) {
    assert_eq!(one, other);
}
