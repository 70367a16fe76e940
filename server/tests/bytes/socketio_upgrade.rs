//! From polls to a WebSocket, byte by byte: probes, what is on the way meanwhile, upgrades that fail, and a
//! second WebSocket. Rooms and recovery stand in `socketio_rooms.rs`.

use crate::harness::{Client, Server};
use crate::socketio::{Polled, number, read, wait_for_sessions};
use crate::websocket;

/// A WebSocket that came after another: accepted, and closed.
fn expect_second(mut socket: Client) {
    assert_eq!(socket.head().status, 101);
    websocket::expect_close(&mut socket, 1008);
}

#[test]
fn an_upgrade_lets_go_of_the_poll_and_loses_nothing() {
    let server = Server::start(&["--conformance"]);
    let mut polled = Polled::open(&server, "/engine.io/");
    polled.ask();
    let mut socket = polled.upgrade(&server);
    assert_eq!(socket.head().status, 101);
    assert!(polled.client.is_silent());
    websocket::send_text(&mut socket, "2probe");
    assert_eq!(read(&mut socket), "3probe");
    assert_eq!(polled.client.answer().text(), "6");
    assert_eq!(polled.get().text(), "6");
    polled.say(&server, "4on the way");
    websocket::send_text(&mut socket, "5");
    assert_eq!(read(&mut socket), "4on the way");
    assert_eq!(polled.get().status, 400);
    assert_eq!(polled.post(&server, "4late").status, 400);
    expect_second(polled.upgrade(&server));
    websocket::send_text(&mut socket, "4there");
    assert_eq!(read(&mut socket), "4there");
    drop(socket);
    wait_for_sessions(&server, 0);
}

#[test]
fn a_post_that_breaks_off_after_the_upgrade_ends_nothing() {
    let server = Server::start(&["--conformance"]);
    let polled = Polled::open(&server, "/engine.io/");
    let mut half = server.connect();
    half.send(format!(
        "POST {} HTTP/1.1\r\nHost: test\r\nContent-Length: 100\r\n\r\n4half",
        polled.path
    ));
    let mut socket = polled.upgrade(&server);
    assert_eq!(socket.head().status, 101);
    websocket::send_text(&mut socket, "2probe");
    assert_eq!(read(&mut socket), "3probe");
    websocket::send_text(&mut socket, "5");
    websocket::send_text(&mut socket, "4before");
    assert_eq!(read(&mut socket), "4before");
    half.reset();
    std::thread::sleep(std::time::Duration::from_millis(200));
    websocket::send_text(&mut socket, "4after");
    assert_eq!(read(&mut socket), "4after");
}

#[test]
fn of_two_websockets_the_first_has_the_session_until_it_gives_up() {
    let server = Server::start(&["--conformance"]);
    let polled = Polled::open(&server, "/engine.io/");
    let mut first = polled.upgrade(&server);
    assert_eq!(first.head().status, 101);
    expect_second(polled.upgrade(&server));
    websocket::send_text(&mut first, "abc");
    websocket::expect_close(&mut first, 1002);
    let mut next = polled.upgrade(&server);
    assert_eq!(next.head().status, 101);
    websocket::send_text(&mut next, "2probe");
    assert_eq!(read(&mut next), "3probe");
    websocket::send_text(&mut next, "5");
    websocket::send_text(&mut next, "4there");
    assert_eq!(read(&mut next), "4there");
}

#[test]
fn an_upgrade_that_fails_eats_nothing() {
    let server = Server::start(&["--conformance"]);
    let mut polled = Polled::open(&server, "/engine.io/");
    for fail in ["4too early", "5", "2", "abc"] {
        let mut socket = polled.upgrade(&server);
        assert_eq!(socket.head().status, 101);
        websocket::send_text(&mut socket, fail);
        websocket::expect_close(&mut socket, 1002);
    }
    let mut socket = polled.upgrade(&server);
    assert_eq!(socket.head().status, 101);
    websocket::send_text(&mut socket, "2probe");
    assert_eq!(read(&mut socket), "3probe");
    // One at a time.
    expect_second(polled.upgrade(&server));
    assert_eq!(polled.get().text(), "6");
    socket.reset();
    polled.say(&server, "4still here");
    assert_eq!(polled.get().text(), "4still here");
    polled.ask();
    assert!(polled.client.is_silent());
    polled.say(&server, "4and held");
    assert_eq!(polled.client.answer().text(), "4and held");
}

#[test]
fn events_go_on_where_they_were_while_the_carrier_changes() {
    let server = Server::start(&["--workers", "2"]);
    let mut polled = Polled::open(&server, "/socket.io/");
    polled.say(&server, "40\u{1e}420[\"join\",{\"room\":\"KPL\"}]");
    let mut told: Vec<u64> = Vec::new();
    let mut hear = |text: &str| {
        let events = text
            .split('\u{1e}')
            .filter(|packet| packet.starts_with("42"));
        told.extend(events.map(number));
    };
    hear(polled.get().text());
    let mut publish = 0..;
    let mut publish = || {
        let data = publish.next().unwrap();
        server.publish("KPL", &format!(r#"{{"type":"n","data":{data}}}"#));
    };
    publish();
    hear(polled.get().text());
    let mut socket = polled.upgrade(&server);
    assert_eq!(socket.head().status, 101);
    publish();
    websocket::send_text(&mut socket, "2probe");
    assert_eq!(read(&mut socket), "3probe");
    publish();
    hear(polled.get().text());
    publish();
    websocket::send_text(&mut socket, "5");
    publish();
    for _ in 0..2 {
        hear(&read(&mut socket));
    }
    publish();
    hear(&read(&mut socket));
    assert_eq!(told, [0, 1, 2, 3, 4, 5]);
}
