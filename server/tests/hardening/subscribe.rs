//! Requests of every transport as text, and subscribers that have read the head of their answer.

use crate::harness::{Client, Server};
use pushlab_server::wire::transport::Transport;
use std::time::{Duration, Instant};

/// The request of a client of `transport` that asks for what comes after `cursor`, or from now.
pub fn request(transport: Transport, room: &str, cursor: Option<&str>) -> String {
    let upgrade = match transport {
        Transport::Websocket => {
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        }
        Transport::IntervalPolling
        | Transport::LongPolling
        | Transport::HttpStreaming
        | Transport::Sse
        | Transport::Socketio => "",
    };
    let query = cursor.map_or(String::new(), |cursor| format!("?cursor={cursor}"));
    let segment = transport.segment().expect("a transport of rooms");
    format!("GET /rooms/{room}/{segment}{query} HTTP/1.1\r\nHost: test\r\n{upgrade}\r\n")
}

/// The transports whose answer has no end.
pub const STREAMS: [Transport; 3] = [
    Transport::HttpStreaming,
    Transport::Sse,
    Transport::Websocket,
];

/// Asks for a stream; has its head then, and maybe some of what follows.
pub fn ask(client: &mut Client, transport: Transport, room: &str) {
    client.send(request(transport, room, None));
    assert!(matches!(client.head().status, 101 | 200));
}

/// A client that has the head of its stream.
pub fn open(server: &Server, transport: Transport, room: &str) -> Client {
    let mut client = server.connect();
    ask(&mut client, transport, room);
    client
}

/// Looks until it holds; `limit` is generous, no passing test comes near it.
pub fn until(what: &str, limit: Duration, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + limit;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
