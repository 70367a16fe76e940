//! A client that reads more slowly than its room talks: for it there is always one more event, and it is
//! heard and asked all the same.

use crate::harness::{Client, LIMIT, Server};
use crate::socketio;
use crate::websocket::{self, masked};
use std::thread;
use std::time::Duration;

/// Far more than the buffers of both sockets take, 12.8 MB.
const EVENTS: usize = 400;
const DATA: usize = 32_000;

fn server() -> Server {
    let server = Server::start(&[
        "--history-bytes",
        "100000000",
        "--eio-ping-interval",
        "500ms",
        "--eio-ping-timeout",
        "30s",
    ]);
    let mut publisher = server.connect();
    let body = format!(r#"{{"type":"chat","data":"{}"}}"#, "x".repeat(DATA));
    for _ in 0..EVENTS {
        assert_eq!(publisher.post("KPL", &body).status, 201);
    }
    server
}

/// A frame's first byte, and its text if it is no event.
fn next(client: &mut Client) -> (u8, Option<String>) {
    let frame = websocket::read(client);
    let is_event = frame.payload.len() > DATA;
    (frame.first, (!is_event).then(|| frame.text().to_owned()))
}

#[test]
fn over_socket_io_it_is_pinged_and_answered() {
    let server = server();
    let mut client = socketio::connect(&server);
    websocket::send_text(&mut client, r#"420["join",{"room":"KPL","cursor":"0"}]"#);
    // More than are taken in at a time.
    for _ in 0..200 {
        client.send(masked(0x81, b"431[]"));
    }
    thread::sleep(Duration::from_secs(1));
    websocket::send_text(
        &mut client,
        r#"427["publish",{"room":"KPL","type":"chat","data":1}]"#,
    );
    let (mut events, mut pinged, mut answered) = (0, None, None);
    while events < EVENTS {
        match next(&mut client) {
            (_, None) => events += 1,
            (_, Some(said)) if said == "2" => pinged = pinged.or(Some(events)),
            (_, Some(said)) if said.starts_with("437[") => answered = Some(events),
            (_, Some(_)) => {}
        }
    }
    let early = |events: Option<usize>| events.is_some_and(|events| events < EVENTS * 3 / 4);
    assert!(early(pinged), "pinged after {pinged:?} of {EVENTS} events");
    assert!(early(answered), "answered after {answered:?}");
}

#[test]
fn over_a_websocket_its_ping_is_answered() {
    let server = server();
    let mut client = server.connect();
    websocket::ask(&mut client, "/rooms/KPL/ws?cursor=0", "");
    assert_eq!(client.head().status, 101);
    // More than are taken in at a time, and none that is answered.
    for _ in 0..90 {
        client.send(masked(0x8a, b""));
    }
    client.send(masked(0x89, b""));
    thread::sleep(Duration::from_millis(300));
    let mut events = 0;
    loop {
        match next(&mut client) {
            (0x8a, _) => break,
            (_, None) => events += 1,
            (_, Some(_)) => {}
        }
    }
    assert!(events < EVENTS * 3 / 4, "after {events} of {EVENTS} events");
    client.reset();
    server.wait_for_figure("websocket", "open", 0, LIMIT);
}
