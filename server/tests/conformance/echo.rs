//! What `/lab/echo` promises beside the cases: it is there where it was asked for, its bounds hold, and a
//! client that does not read costs no more than the message that it does not read.

use crate::case::*;
use crate::harness::{LIMIT, Server};
use std::time::Instant;

const MIB: usize = 1024 * 1024;

#[test]
fn without_the_flag_there_is_no_echo() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send(
        "GET /lab/echo HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    );
    client.answer().expect_problem(404);
    server.get("/lab/echo").expect_problem(404);
}

#[test]
fn with_the_flag_what_is_no_handshake_is_refused() {
    let server = Server::start(&["--conformance"]);
    server.get("/lab/echo").expect_problem(426);
    let mut client = server.connect();
    client.send("POST /lab/echo HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n");
    client.answer().expect_problem(405);
}

#[test]
fn a_byte_or_a_frame_too_many_is_refused_with_the_bound() {
    let server = Server::start(&["--conformance"]);
    let mut long = vec![FIN | BINARY, 0x80 | 127];
    long.extend((16 * MIB as u64 + 1).to_be_bytes());
    let fragments = [masked(BINARY, b""), masked(0, b"").repeat(131_072)].concat();
    for (bytes, code, bound) in [(long, 1009_u16, "16777216"), (fragments, 1008, "131072")] {
        let mut client = open(&server, "/lab/echo");
        client.send(bytes);
        let (first, payload) = read(&mut client);
        assert_eq!(
            (first, &payload[..2]),
            (FIN | CLOSE, &code.to_be_bytes()[..])
        );
        let reason = std::str::from_utf8(&payload[2..]).unwrap();
        assert!(reason.contains(bound), "{reason}");
        client.expect_end();
    }
}

/// What the kernel and one message hold is all that is taken of a client that does not read.
#[test]
fn one_that_does_not_read_is_not_read() {
    let server = Server::start(&["--conformance", "--unread-timeout", "60"]);
    let mut client = open(&server, "/lab/echo");
    let message = masked(FIN | BINARY, &vec![7; MIB]);
    let sent = client.send_while_taken(&message, 256 * MIB);
    assert!(sent < 64 * MIB, "{sent} bytes were taken");
    let (first, payload) = read(&mut client);
    assert_eq!((first, payload.len()), (FIN | BINARY, MIB));
    drop(client);
    let deadline = Instant::now() + LIMIT;
    while server.figure("control", "open") > 0 {
        assert!(Instant::now() < deadline, "the connection is still there");
    }
}

/// What a client did wrong is counted as the reason; a client's own close is none.
#[test]
fn bad_frames_are_counted_as_the_reason() {
    let server = Server::start(&["--conformance"]);
    for (frame, counted) in [
        (masked(FIN | CLOSE, &1000_u16.to_be_bytes()), 0),
        (masked(FIN | TEXT, b"\xff"), 1),
        (masked(FIN | CLOSE, &1007_u16.to_be_bytes()), 1),
        (masked(FIN | 3, b""), 2),
    ] {
        let mut client = open(&server, "/lab/echo");
        client.send(frame);
        read(&mut client);
        client.expect_end();
        assert_eq!(server.usage()["ended"]["bad-frame"], counted);
    }
    let mut client = open(&server, "/rooms/KPL/ws");
    client.send(masked(0, b"of what?"));
    read(&mut client);
    read(&mut client);
    client.expect_end();
    assert_eq!(server.usage()["ended"]["bad-frame"], 3);
}
