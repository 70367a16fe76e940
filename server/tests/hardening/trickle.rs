//! WebSocket messages that never end, and pings that never stop: who sends them is closed with 1008, and
//! nobody else waits for it.

use crate::harness::{Client, LIMIT, Server};

const QUICK: [&str; 2] = ["--ping-interval", "0.3"];
const PONG: [u8; 6] = [0x8a, 0x80, 0, 0, 0, 0];
const PING: [u8; 6] = [0x89, 0x80, 0, 0, 0, 0];

fn websocket(server: &Server) -> Client {
    let mut client = server.connect();
    client.send(
        "GET /rooms/KPL/ws HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    );
    client.read_until(b"hello");
    client.read_until(b"}");
    client
}

/// A frame of a text message, masked with zeros, whose payload is so many letters.
fn frame(first: u8, length: u8) -> Vec<u8> {
    let mut frame = vec![first, 0x80 | length, 0, 0, 0, 0];
    frame.extend(vec![b'x'; length.into()]);
    frame
}

/// Answers each ping and sends a piece with it, until the server ends it; what it said last.
fn go_on(server: &Server, client: &mut Client, piece: &[u8]) -> Vec<u8> {
    while client.read_exactly(2) == [0x89, 0] {
        client.send(piece);
    }
    let said = client.read_to_end();
    assert_eq!(said[..2], 1008u16.to_be_bytes());
    assert_eq!(server.usage()["ended"]["too-slow"], 1);
    server.wait_for_figure("websocket", "open", 0, LIMIT);
    said
}

#[test]
fn a_message_without_an_end_is_ended() {
    let server = Server::start(&QUICK);
    let mut client = websocket(&server);
    client.send(frame(0x01, 100));
    let piece = [&PONG[..], &frame(0x00, 5)].concat();
    assert!(go_on(&server, &mut client, &piece).ends_with(b"a ping interval"));
}

#[test]
fn a_frame_whose_payload_trickles_is_ended() {
    let server = Server::start(&QUICK);
    let mut client = websocket(&server);
    // The header of a frame within a message, and less than it announces, for ever.
    client.send(frame(0x01, 1));
    client.send(PONG);
    client.send(&frame(0x00, 125)[..20]);
    client.read_to_end();
    // Within a frame there is no place for a pong.
    assert_eq!(server.usage()["ended"]["no-pong"], 1);
    server.wait_for_figure("websocket", "open", 0, LIMIT);
}

/// One message after the other, each begun before a ping and ended after it.
#[test]
fn slow_messages_that_end_may_go_on() {
    let server = Server::start(&QUICK);
    let mut client = websocket(&server);
    for _ in 0..5 {
        client.send([&PONG[..], &frame(0x01, 1)].concat());
        client.read_until(&[0x89, 0]);
        client.send([&PONG[..], &frame(0x80, 1)].concat());
        client.read_until(b"\"xx\"");
    }
    assert_eq!(server.usage()["ended"]["too-slow"], 0);
}

#[test]
fn some_hundred_pings_are_answered_and_more_are_too_many() {
    let server = Server::start(&["--workers", "1"]);
    let mut client = websocket(&server);
    client.send(PING.repeat(150));
    let answers = client.read_exactly(150 * 2);
    assert_eq!(answers, [0x8a, 0].repeat(150));
    for control in [PING, PONG] {
        let mut flood = websocket(&server);
        flood.send(control.repeat(400));
        let other = server.get("/health");
        assert_eq!(other.status, 200);
        assert!(flood.read_to_end().ends_with(b"pings too fast"));
    }
    assert_eq!(server.usage()["ended"]["flooding"], 2);
}
