//! Data that breaks careless framings: line separators, invisible characters, escapes and blanks
//! between tokens must come out of every transport as one message of one line.

use crate::harness::Server;
use crate::sequence::{Listener, Way};
use crate::websocket;
use serde_json::Value;
use std::ops::RangeInclusive;

/// Publishes `data` as it stands, and asserts that every transport gives `expected` for it.
fn expect_everywhere(server: &Server, data: &str, expected: &str) {
    let before = server.head_cursor("KPL");
    server.publish("KPL", &format!(r#"{{"type":"n","data":{data}}}"#));
    for way in Way::all() {
        let mut listener = Listener::open(server, way, "KPL", &before);
        let event = listener.next();
        assert!(!event.contains(['\n', '\r']), "{way:?}: {event:?}");
        let (_, rest) = event.split_once(r#""data":"#).unwrap();
        assert_eq!(rest, format!("{expected}}}"), "{way:?}");
    }
}

fn range(characters: RangeInclusive<char>) -> String {
    format!("\"{}\"", String::from_iter(characters))
}

#[test]
fn separators_and_invisible_characters_survive() {
    let server = Server::start(&[]);
    for characters in [
        '\u{200c}'..='\u{200f}',
        '\u{2028}'..='\u{202f}',
        '\u{2060}'..='\u{206f}',
        '\u{fff0}'..='\u{ffff}',
        '\u{7f}'..='\u{a0}',
        '\u{feff}'..='\u{feff}',
        '\u{1f600}'..='\u{1f64f}',
    ] {
        let data = range(characters);
        expect_everywhere(&server, &data, &data);
    }
}

#[test]
fn escapes_stay_as_they_were_written() {
    let server = Server::start(&[]);
    for data in [
        r#""\u0000""#,
        r#""\r\n\r\ndata: x\n\n""#,
        r#""\u000d\u000aid: 0-0""#,
        r#""\u2028\ud83d\ude00""#,
        r#""\"\\\/\b\f\t""#,
        r#"" leading and trailing ""#,
        r#"{"id":99,"type":"hello"}"#,
        "1.50",
        "-0.0",
        "1e2",
        "12345678901234567890123",
        "null",
    ] {
        expect_everywhere(&server, data, data);
    }
}

#[test]
fn blanks_between_tokens_go() {
    let server = Server::start(&[]);
    let data = "\r\n\t [ 1 ,\r\n\"a\\r\\n b\" ,\n{ \"x y\" : { } }\r]\n\n";
    expect_everywhere(&server, data, r#"[1,"a\r\n b",{"x y":{}}]"#);
}

/// Every framing can carry what publishing accepts: nesting must not depend on who listens.
#[test]
fn nesting_is_carried_by_every_framing_or_refused() {
    let server = Server::start(&[]);
    let mut packed = server.connect();
    let offer = "Sec-WebSocket-Protocol: pushlab.msgpack\r\n";
    websocket::ask(&mut packed, "/rooms/KPL/ws", offer);
    packed.head();
    websocket::read(&mut packed);
    for depth in 100..=200 {
        let data = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let body = format!(r#"{{"type":"n","data":{data}}}"#);
        match server.connect().post("KPL", &body) {
            answer if answer.status == 201 => {
                assert!(
                    websocket::read(&mut packed).payload.len() > depth,
                    "{depth}"
                );
            }
            answer => answer.expect_problem(400),
        }
    }
    server.publish("KPL", r#"{"type":"end","data":1}"#);
    assert!(
        websocket::read(&mut packed)
            .payload
            .ends_with(b"\xa3end\xa4data\x01")
    );
}

#[test]
fn nesting_in_message_pack_is_carried_by_every_framing_or_refused() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let offer = "Sec-WebSocket-Protocol: pushlab.msgpack\r\n";
    websocket::ask(&mut client, "/rooms/KPL/ws", offer);
    client.head();
    websocket::read(&mut client);
    for depth in [1, 100, 124, 125, 128, 500, 5_000] {
        let mut body = b"\x82\xa4type\xa1n\xa4data".to_vec();
        body.extend(std::iter::repeat_n(0x91, depth));
        body.push(0xc0);
        client.send(websocket::masked(0x82, &body));
        let answer = websocket::read(&mut client).payload;
        let refused = answer.windows(5).any(|window| window == b"error");
        assert_eq!(refused, depth > 124, "{depth}");
    }
    let json: Value = server.get("/rooms/KPL/poll?cursor=0").json();
    assert_eq!(json["events"].as_array().unwrap().len(), 3);
}
