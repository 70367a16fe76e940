//! WebSocket frames on the wire (RFC 6455 §5–§7), written and read here by hand: what events cost,
//! what control frames are answered with, and how a connection ends.

use crate::harness::{Client, LIMIT, Server, at};
pub use crate::masked::masked;
use serde_json::Value;
use std::time::Duration;

pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
const FIN: u8 = 0x80;

/// The key of RFC 6455 §1.3.
pub const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// A frame from the server: its first byte, and its payload.
#[derive(Debug, PartialEq)]
pub struct Frame {
    pub first: u8,
    pub payload: Vec<u8>,
}

impl Frame {
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.payload).unwrap()
    }
}

pub fn ask(client: &mut Client, path: &str, headers: &str) {
    client.send(format!(
        "GET {path} HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
    ));
}

/// A connection that has had its hello.
pub fn open(server: &Server, path: &str) -> Client {
    let mut client = server.connect();
    ask(&mut client, path, "");
    assert_eq!(client.head().status, 101);
    let hello = read(&mut client);
    assert!(hello.text().starts_with(r#"{"type":"hello","#));
    client
}

pub fn send_text(client: &mut Client, text: &str) {
    client.send(masked(FIN | TEXT, text.as_bytes()));
}

/// The next frame; a server must not mask (§5.1).
pub fn read(client: &mut Client) -> Frame {
    let head = client.read_exactly(2);
    let length = match head[1] {
        126 => u64::from(u16::from_be_bytes(
            client.read_exactly(2).try_into().unwrap(),
        )),
        127 => u64::from_be_bytes(client.read_exactly(8).try_into().unwrap()),
        length => {
            assert!(length < 126, "a masked frame from the server");
            length.into()
        }
    };
    Frame {
        first: head[0],
        payload: client.read_exactly(length as usize),
    }
}

/// Asserts that the server closes with `code`, then ends the connection.
pub fn expect_close(client: &mut Client, code: u16) {
    let frame = read(client);
    assert_eq!(frame.first, FIN | CLOSE, "{frame:?}");
    let (given, reason) = frame.payload.split_at(2);
    assert_eq!(given, code.to_be_bytes(), "{frame:?}");
    assert!(std::str::from_utf8(reason).is_ok());
    client.expect_end();
}

fn expect_closed_after(bytes: &[u8], code: u16) {
    let server = Server::start(&[]);
    let mut client = open(&server, "/rooms/KPL/ws");
    client.send(bytes);
    expect_close(&mut client, code);
    drop(client);
    server.wait_for_figure("websocket", "open", 0, LIMIT);
}

#[test]
fn hello_and_events_byte_by_byte() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    ask(&mut client, "/rooms/KPL/ws", "");
    client.head();
    let cursor = server.head_cursor("KPL");
    let hello = format!(r#"{{"type":"hello","cursor":"{cursor}","missed":0}}"#);
    let bytes = [&[0x81, hello.len() as u8], hello.as_bytes()].concat();
    assert_eq!(client.read_exactly(bytes.len()), bytes);
    server.publish("KPL", r#"{"type":"chat","data":"瑶"}"#);
    let event = r#"{"id":1,"type":"chat","data":"瑶"}"#;
    let bytes = [&[0x81, event.len() as u8], event.as_bytes()].concat();
    assert_eq!(client.read_exactly(bytes.len()), bytes);
}

#[test]
fn a_frame_costs_two_bytes_four_or_ten() {
    let server = Server::start(&["--max-event-bytes", "100000"]);
    let mut client = open(&server, "/rooms/KPL/ws");
    for (id, (payload, header)) in [
        (125, vec![0x81, 125]),
        (126, vec![0x81, 126, 0, 126]),
        (65_535, vec![0x81, 126, 0xff, 0xff]),
        (65_536, vec![0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
    ]
    .into_iter()
    .enumerate()
    {
        let envelope = format!(r#"{{"id":{},"type":"n","data":""}}"#, id + 1);
        let data = "x".repeat(payload - envelope.len());
        server.publish("KPL", &format!(r#"{{"type":"n","data":"{data}"}}"#));
        assert_eq!(client.read_exactly(header.len()), header);
        assert!(client.read_exactly(payload).ends_with(b"x\"}"));
        assert!(client.is_silent());
    }
}

#[test]
fn a_connection_that_resumes_is_told_what_it_missed() {
    let server = Server::start(&["--history", "3"]);
    let start = server.head_cursor("KPL");
    server.publish_numbers("KPL", 10);
    for (cursor, missed) in [(at(&start, 4), "3"), ("0-9".to_owned(), "null")] {
        let mut client = server.connect();
        ask(&mut client, &format!("/rooms/KPL/ws?cursor={cursor}"), "");
        client.head();
        let after = at(&start, 7);
        assert_eq!(
            read(&mut client).text(),
            format!(r#"{{"type":"hello","cursor":"{after}","missed":{missed}}}"#)
        );
        assert_eq!(read(&mut client).text(), r#"{"id":8,"type":"n","data":8}"#);
    }
}

#[test]
fn a_publisher_receives_its_own_event() {
    let server = Server::start(&[]);
    let mut client = open(&server, "/rooms/KPL/ws");
    let mut other = open(&server, "/rooms/KPL/ws");
    send_text(
        &mut client,
        "{\"type\":\"move\",\r\n\"data\": [ 1, \"瑶\" ]}",
    );
    send_text(&mut client, "no JSON, \"just\"\ntext");
    send_text(&mut client, "[1]");
    for client in [&mut client, &mut other] {
        for event in [
            r#"{"id":1,"type":"move","data":[1,"瑶"]}"#,
            r#"{"id":2,"type":"chat","data":"no JSON, \"just\"\ntext"}"#,
            r#"{"id":3,"type":"chat","data":"[1]"}"#,
        ] {
            let frame = read(client);
            assert_eq!((frame.first, frame.text()), (FIN | TEXT, event));
        }
    }
}

#[test]
fn a_bad_publish_is_answered_and_the_connection_lives() {
    let server = Server::start(&["--max-event-bytes", "100"]);
    let mut client = open(&server, "/rooms/KPL/ws");
    let too_large = format!(r#"{{"type":"n","data":"{}"}}"#, "x".repeat(100));
    for (text, status) in [
        (r#"{"type":"hello","data":1}"#, 400),
        (r#"{"type":"n"}"#, 400),
        (r#"{"data":1}"#, 400),
        (&too_large, 413),
    ] {
        send_text(&mut client, text);
        let frame = read(&mut client);
        assert_eq!(frame.first, FIN | TEXT);
        let error: Value = serde_json::from_slice(&frame.payload).unwrap();
        assert_eq!(error["type"], "error", "{text}");
        assert_eq!(error["status"], status, "{text}");
        assert!(!error["title"].as_str().unwrap().is_empty());
    }
    client.send(masked(FIN | BINARY, b"\x01"));
    let error: Value = serde_json::from_slice(&read(&mut client).payload).unwrap();
    assert_eq!(error["status"], 400);
    send_text(&mut client, "still here");
    assert!(read(&mut client).text().contains("still here"));
}

/// Escaped, or with its bytes as base64, a message is longer than it came; what counts is what is sent on.
#[test]
fn what_grows_beyond_an_event_when_it_is_json_is_413() {
    let server = Server::start(&["--max-event-bytes", "100"]);
    let mut text = open(&server, "/rooms/KPL/ws");
    send_text(&mut text, &"\u{1}".repeat(40));
    let mut packed = server.connect();
    let offer = "Sec-WebSocket-Protocol: pushlab.msgpack\r\n";
    ask(&mut packed, "/rooms/KPL/ws", offer);
    packed.head();
    read(&mut packed);
    let head = b"\x82\xa4type\xa3img\xa4data\xc4\x50";
    packed.send(masked(FIN | BINARY, &[&head[..], &[0; 80]].concat()));
    assert!(read(&mut text).text().contains(r#""status":413"#));
    let error = read(&mut packed).payload;
    assert!(error.windows(9).any(|part| part == b"status\xcd\x01\x9d"));
    send_text(&mut text, "still here");
    assert!(read(&mut text).text().contains("still here"));
}

#[test]
fn a_ping_is_answered_with_its_own_payload() {
    let server = Server::start(&[]);
    let mut client = open(&server, "/rooms/KPL/ws");
    for payload in [&b""[..], b"ping", b"\x00\xff\xfe", &[b'x'; 125]] {
        client.send(masked(FIN | PING, payload));
        let frame = read(&mut client);
        assert_eq!((frame.first, &*frame.payload), (FIN | PONG, payload));
    }
    client.send(masked(FIN | PONG, b"nobody asked"));
    client.send(masked(FIN | PING, b"next"));
    assert_eq!(read(&mut client).payload, b"next");
}

#[test]
fn a_ping_between_fragments_is_answered_first() {
    let server = Server::start(&[]);
    let mut client = open(&server, "/rooms/KPL/ws");
    let text = r#"{"type":"chat","data":"瑶"}"#.as_bytes();
    // Cut within a character.
    let (one, two) = text.split_at(24);
    assert!(std::str::from_utf8(one).is_err());
    client.send(masked(TEXT, one));
    client.send(masked(FIN | PING, b"!"));
    client.send(masked(FIN, two));
    assert_eq!(read(&mut client).first, FIN | PONG);
    assert_eq!(
        read(&mut client).text(),
        r#"{"id":1,"type":"chat","data":"瑶"}"#
    );
}

/// Neither a ping nor a close waits until all that lies before it in the history has been sent.
#[test]
fn a_ping_and_a_close_overtake_a_long_backlog() {
    const BACKLOG: u64 = 3_000;
    let server = Server::start(&[]);
    server.publish_numbers("KPL", BACKLOG);
    for (first, answer) in [(FIN | PING, FIN | PONG), (FIN | CLOSE, FIN | CLOSE)] {
        let mut client = server.connect();
        let handshake = format!(
            "GET /rooms/KPL/ws?cursor=0 HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        );
        client.send([handshake.as_bytes(), &masked(first, b"")].concat());
        client.head();
        let before = (0..).find(|_| read(&mut client).first == answer);
        assert!(
            before.unwrap() < BACKLOG / 10,
            "{before:?} frames came first"
        );
    }
}

#[test]
fn a_close_is_echoed_and_the_server_ends_the_connection() {
    let server = Server::start(&[]);
    for code in [1000, 1001, 1002, 1003, 1007, 1011, 3000, 3999, 4000, 4999] {
        let mut client = open(&server, "/rooms/KPL/ws");
        let payload = [&u16::to_be_bytes(code)[..], b"bye"].concat();
        client.send(masked(FIN | CLOSE, &payload));
        // What follows a close is ignored.
        client.send(masked(FIN | TEXT, b"too late"));
        expect_close(&mut client, code);
    }
    server.wait_for_figure("websocket", "open", 0, LIMIT);
    assert_eq!(server.usage()["published"], 0);
}

#[test]
fn a_close_without_a_code_is_answered_too() {
    let server = Server::start(&[]);
    let mut client = open(&server, "/rooms/KPL/ws");
    client.send(masked(FIN | CLOSE, b""));
    let frame = read(&mut client);
    assert_eq!(frame.first, FIN | CLOSE);
    assert!(frame.payload.is_empty() || frame.payload == 1000_u16.to_be_bytes());
    client.expect_end();
}

#[test]
fn a_broken_close_is_a_protocol_error() {
    for code in [0_u16, 999, 1004, 1005, 1006, 1015, 1016, 2999] {
        expect_closed_after(&masked(FIN | CLOSE, &code.to_be_bytes()), 1002);
    }
    expect_closed_after(&masked(FIN | CLOSE, &[3]), 1002);
}

#[test]
fn an_unmasked_frame_is_a_protocol_error() {
    expect_closed_after(b"\x81\x02hi", 1002);
}

#[test]
fn reserved_opcodes_and_bits_are_protocol_errors() {
    for opcode in [3, 7, 11, 15] {
        expect_closed_after(&masked(FIN | opcode, b""), 1002);
    }
    for bit in [0x40, 0x20, 0x10] {
        expect_closed_after(&masked(FIN | bit | TEXT, b"hi"), 1002);
    }
}

#[test]
fn broken_fragments_are_protocol_errors() {
    expect_closed_after(&masked(FIN, b"continues nothing"), 1002);
    expect_closed_after(&masked(PING, b"a fragmented ping"), 1002);
    let two_first = [masked(TEXT, b"one"), masked(FIN | TEXT, b"two")].concat();
    expect_closed_after(&two_first, 1002);
    expect_closed_after(&masked(FIN | PING, &[b'x'; 126]), 1002);
}

#[test]
fn text_that_is_not_utf_8_closes_with_1007() {
    expect_closed_after(&masked(FIN | TEXT, b"\xff\xfe"), 1007);
    expect_closed_after(&masked(FIN | TEXT, b"\xed\xa0\x80"), 1007);
    let cut = [masked(TEXT, b"\xe7\x91"), masked(FIN, b"x")].concat();
    expect_closed_after(&cut, 1007);
}

/// The header alone must do: no byte of the payload is sent.
#[test]
fn a_frame_announced_too_big_closes_with_1009() {
    let mut gibibyte = vec![FIN | TEXT, 0x80 | 127];
    gibibyte.extend((1_u64 << 30).to_be_bytes());
    gibibyte.extend([0; 4]);
    expect_closed_after(&gibibyte, 1009);
    gibibyte[0] = FIN | PING;
    expect_closed_after(&gibibyte, 1002);
}

#[test]
fn fragments_that_add_up_to_too_much_close_with_1009() {
    let server = Server::start(&["--max-event-bytes", "1000"]);
    let mut client = open(&server, "/rooms/KPL/ws");
    client.send(masked(TEXT, &[b'x'; 1_500]));
    client.send(masked(FIN, &[b'x'; 1_500]));
    expect_close(&mut client, 1009);
}

#[test]
fn message_pack_both_ways() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let offer = "Sec-WebSocket-Protocol: pushlab.msgpack\r\n";
    ask(&mut client, "/rooms/KPL/ws", offer);
    client.head();
    let hello = read(&mut client);
    assert_eq!(hello.first, FIN | BINARY);
    assert!(
        hello
            .payload
            .starts_with(b"\x83\xa4type\xa5hello\xa6cursor")
    );
    client.send(masked(
        FIN | BINARY,
        b"\x82\xa4type\xa4chat\xa4data\xa3\xe7\x91\xb6",
    ));
    let frame = read(&mut client);
    assert_eq!(frame.first, FIN | BINARY);
    assert_eq!(
        frame.payload,
        b"\x83\xa2id\x01\xa4type\xa4chat\xa4data\xa3\xe7\x91\xb6"
    );
    client.send(masked(
        FIN | BINARY,
        b"\x82\xa4type\xa3img\xa4data\xc4\x03\x01\x02\x03",
    ));
    assert_eq!(
        read(&mut client).payload,
        b"\x83\xa2id\x02\xa4type\xa3img\xa4data\x81\xa7$binary\xa4AQID"
    );
    client.send(masked(FIN | BINARY, b"\xc1"));
    let error = read(&mut client).payload;
    assert!(
        error
            .windows(11)
            .any(|w| w == b"\xa6status\xcd\x01\x90\xa5")
    );
    let json = server.get("/rooms/KPL/poll?cursor=0").json();
    assert_eq!(json["events"][1]["data"]["$binary"], "AQID");
}

#[test]
fn a_server_ping_without_a_pong_ends_the_connection() {
    let server = Server::start(&["--ping-interval", "0.2"]);
    let mut client = open(&server, "/rooms/KPL/ws");
    assert_eq!(client.read_exactly(2), [FIN | PING, 0]);
    client.expect_end();
    server.wait_for_figure("websocket", "open", 0, LIMIT);
}

#[test]
fn pongs_keep_the_connection() {
    let server = Server::start(&["--ping-interval", "0.5"]);
    let mut client = open(&server, "/rooms/KPL/ws");
    for _ in 0..4 {
        let ping = read(&mut client);
        assert_eq!(ping.first, FIN | PING);
        client.send(masked(FIN | PONG, &ping.payload));
    }
    send_text(&mut client, "alive");
    assert!(read(&mut client).text().contains("alive"));
}

#[test]
fn a_client_that_left_frees_its_connection() {
    let server = Server::start(&[]);
    for reset in [false, true] {
        let mut client = open(&server, "/rooms/KPL/ws");
        assert_eq!(server.figure("websocket", "open"), 1);
        if reset {
            client.reset();
            server.wait_for_figure("websocket", "open", 0, Duration::from_secs(1));
        } else {
            client.finish();
            server.wait_for_figure("websocket", "open", 0, Duration::from_secs(1));
        }
    }
}

#[test]
fn a_bare_frame_is_the_data_alone() {
    let server = Server::start(&["--bare"]);
    server.publish("KPL", r#"{"type":"n","data":"瑶"}"#);
    let mut client = server.connect();
    ask(&mut client, "/rooms/KPL/ws?cursor=0", "");
    assert_eq!(client.head().status, 101);
    assert_eq!(read(&mut client).text(), "\"瑶\"");
}

/// A frame whose echo was lost is sent again on the next connection, or by POST.
#[test]
fn a_frame_that_bears_a_key_is_taken_once() {
    let server = Server::start(&[]);
    let mut client = open(&server, "/rooms/KPL/ws");
    send_text(&mut client, r#"{"type":"n","data":1,"key":"k-1"}"#);
    assert_eq!(read(&mut client).text(), r#"{"id":1,"type":"n","data":1}"#);
    send_text(&mut client, r#"{"type":"n","data":1,"key":"k-1"}"#);
    send_text(&mut client, r#"{"type":"n","data":2,"key":"k-2"}"#);
    assert_eq!(read(&mut client).text(), r#"{"id":2,"type":"n","data":2}"#);
    let headers = "Content-Type: application/json\r\nIdempotency-Key: k-2\r\n";
    let answer = server
        .connect()
        .post_with("KPL", headers, r#"{"type":"n","data":2}"#);
    assert_eq!(answer.json()["offset"], 2);
    for bad in [r#""""#, r#""峡谷""#, r#""a\nb""#] {
        send_text(
            &mut client,
            &format!(r#"{{"type":"n","data":3,"key":{bad}}}"#),
        );
        let refused = read(&mut client);
        assert!(refused.text().contains(r#""status":400"#), "{bad}");
    }
}
