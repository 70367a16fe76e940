//! Bytes are counted, never guessed: what a raw client sent and received is what `/lab/usage` says
//! that the sockets carried, to the byte and under the right name.

use crate::harness::{Client, LIMIT, Server};
use crate::websocket;
use pushlab_server::wire::transport::Transport;
use serde_json::Value;
use std::time::Instant;

/// Usage once the server has seen the end of every connection: nothing is counted after that.
fn usage_at_rest(server: &Server) -> Value {
    let deadline = Instant::now() + LIMIT;
    loop {
        let usage = server.usage();
        let open: u64 = usage["transports"]
            .as_object()
            .unwrap()
            .values()
            .map(|class| class["open"].as_u64().unwrap())
            .sum();
        if open == 0 {
            return usage;
        }
        assert!(Instant::now() < deadline, "{usage}");
        std::thread::yield_now();
    }
}

/// Asserts that `class` carried these bytes (sent and received by clients) and no other did
/// beside those of `others`.
fn expect_bytes(usage: &Value, expected: &[(&str, u64, u64)]) {
    for (class, traffic) in usage["transports"].as_object().unwrap() {
        let (rx, tx) = expected
            .iter()
            .find(|(name, ..)| name == class)
            .map_or((0, 0), |(_, sent, received)| (*sent, *received));
        assert_eq!(
            (traffic["rx"].as_u64(), traffic["tx"].as_u64()),
            (Some(rx), Some(tx)),
            "{class} in {usage}"
        );
    }
}

/// Publishes over `publisher` while `client` listens; both end cleanly.
fn exchange(transport: Transport, client: &mut Client, publisher: &mut Client) {
    let path = format!("/rooms/KPL/{}", transport.segment().unwrap());
    let mut publish = || {
        let body = format!(r#"{{"type":"n","data":"{}"}}"#, "瑶".repeat(1_000));
        assert_eq!(publisher.post("KPL", &body).status, 201);
    };
    match transport {
        Transport::IntervalPolling | Transport::LongPolling => {
            let mut cursor = client.get(&path, "").cursor();
            for _ in 0..3 {
                publish();
                let path = format!("{path}?cursor={cursor}&hold=1ms");
                cursor = client.get(&path, "").cursor();
            }
            let path = format!("{path}?cursor={cursor}&hold=1ms");
            assert_eq!(client.get(&path, "").status, 204);
        }
        Transport::HttpStreaming | Transport::Sse => {
            client.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
            client.head();
            client.chunk();
            for _ in 0..3 {
                publish();
                client.chunk();
            }
        }
        Transport::Websocket => {
            websocket::ask(client, &path, "");
            client.head();
            websocket::read(client);
            for _ in 0..3 {
                publish();
                websocket::read(client);
            }
            websocket::send_text(client, "a publish of its own");
            websocket::read(client);
            client.send(websocket::masked(0x89, b"ping"));
            websocket::read(client);
            client.send(websocket::masked(0x88, b""));
        }
        Transport::Socketio => unreachable!("its connections are no requests in a room"),
    }
}

#[test]
fn every_byte_of_every_transport_is_counted() {
    for transport in Transport::in_rooms() {
        let server = Server::start(&[]);
        let (mut client, mut publisher) = (server.connect(), server.connect());
        exchange(transport, &mut client, &mut publisher);
        for client in [&mut client, &mut publisher] {
            client.finish();
            client.read_to_end();
        }
        let usage = usage_at_rest(&server);
        expect_bytes(
            &usage,
            &[
                (transport.name(), client.sent, client.received),
                ("publish", publisher.sent, publisher.received),
            ],
        );
        let traffic = &usage["transports"][transport.name()];
        assert_eq!(traffic["opened"], 1, "{transport}");
        let (requests, deliveries, empty) = match transport {
            Transport::IntervalPolling | Transport::LongPolling => (5, 3, 2),
            Transport::HttpStreaming | Transport::Sse => (1, 3, 0),
            Transport::Websocket | Transport::Socketio => (1, 4, 0),
        };
        assert_eq!(traffic["requests"], requests, "{transport}");
        assert_eq!(traffic["deliveries"], deliveries, "{transport}");
        assert_eq!(traffic["empty"], empty, "{transport}");
        assert_eq!(usage["transports"]["publish"]["requests"], 3);
    }
}

/// What one request cost its client, in bytes sent and received.
fn cost(client: &mut Client, request: impl FnOnce(&mut Client)) -> (u64, u64) {
    let before = (client.sent, client.received);
    request(client);
    (client.sent - before.0, client.received - before.1)
}

fn add(sum: &mut (u64, u64), cost: (u64, u64)) {
    *sum = (sum.0 + cost.0, sum.1 + cost.1);
}

#[test]
fn a_connection_that_polls_and_publishes_in_turn_splits_its_bytes() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let (mut polls, mut publishes, mut control) = ((0, 0), (0, 0), (0, 0));
    for round in 0..5 {
        let publish = |client: &mut Client| {
            let body = format!(r#"{{"type":"n","data":{round}}}"#);
            assert_eq!(client.post("KPL", &body).status, 201);
        };
        add(&mut publishes, cost(&mut client, publish));
        let poll = |client: &mut Client| {
            let answer = client.get("/rooms/KPL/poll?cursor=0", "");
            assert_eq!(answer.status, 200);
        };
        add(&mut polls, cost(&mut client, poll));
        let health = |client: &mut Client| {
            assert_eq!(client.get("/health", "").status, 200);
        };
        add(&mut control, cost(&mut client, health));
    }
    client.finish();
    client.expect_end();
    expect_bytes(
        &usage_at_rest(&server),
        &[
            ("interval-polling", polls.0, polls.1),
            ("publish", publishes.0, publishes.1),
            ("control", control.0, control.1),
        ],
    );
}

#[test]
fn refusals_are_counted_where_they_belong() {
    let server = Server::start(&["--max-event-bytes", "100"]);
    let mut client = server.connect();
    let (mut publishes, mut control, mut polls) = ((0, 0), (0, 0), (0, 0));
    let bad_publish = |client: &mut Client| client.post("KPL", "{").expect_problem(400);
    add(&mut publishes, cost(&mut client, bad_publish));
    let bad_poll = |client: &mut Client| {
        let answer = client.get("/rooms/KPL/poll?cursor=x", "");
        answer.expect_problem(400);
    };
    add(&mut polls, cost(&mut client, bad_poll));
    let unknown = |client: &mut Client| client.get("/nothing", "").expect_problem(404);
    add(&mut control, cost(&mut client, unknown));
    add(&mut polls, cost(&mut client, bad_poll));
    let bad_stream = |client: &mut Client| {
        let answer = client.get("/rooms/KPL/sse?cursor=x", "");
        answer.expect_problem(400);
    };
    let stream = cost(&mut client, bad_stream);
    add(&mut polls, cost(&mut client, bad_poll));
    let no_upgrade = |client: &mut Client| {
        client.get("/rooms/KPL/ws", "").expect_problem(426);
    };
    let websocket = cost(&mut client, no_upgrade);
    let wrong_method = |client: &mut Client| {
        client.send("PUT /rooms/KPL/poll HTTP/1.1\r\nHost: test\r\n\r\n");
        client.answer().expect_problem(405);
    };
    add(&mut control, cost(&mut client, wrong_method));
    client.finish();
    client.expect_end();
    expect_bytes(
        &usage_at_rest(&server),
        &[
            ("interval-polling", polls.0, polls.1),
            ("publish", publishes.0, publishes.1),
            ("sse", stream.0, stream.1),
            ("websocket", websocket.0, websocket.1),
            ("control", control.0, control.1),
        ],
    );
}

#[test]
fn a_publish_that_is_refused_before_its_body_is_counted_whole() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let body = "x".repeat(10_000);
    let answer = client.post_with("KPL", "Content-Type: text/plain\r\n", &body);
    answer.expect_problem(415);
    client.finish();
    client.expect_end();
    let expected = [("publish", client.sent, client.received)];
    expect_bytes(&usage_at_rest(&server), &expected);
}

#[test]
fn a_body_in_pieces_after_100_continue_is_a_publish_too() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let body = r#"{"type":"n","data":1}"#;
    client.send(format!(
        "POST /rooms/KPL/events HTTP/1.1\r\nHost: test\r\nExpect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    ));
    assert_eq!(client.head().status, 100);
    for byte in body.bytes() {
        client.send([byte]);
    }
    assert_eq!(client.answer().status, 201);
    client.finish();
    client.expect_end();
    let expected = [("publish", client.sent, client.received)];
    expect_bytes(&usage_at_rest(&server), &expected);
}

#[test]
fn a_stream_that_is_cut_has_counted_what_was_read() {
    let server = Server::start(&[]);
    server.publish_numbers("KPL", 10);
    let before = usage_at_rest(&server)["transports"]["publish"].clone();
    let mut client = server.connect();
    client.send("GET /rooms/KPL/stream?cursor=0 HTTP/1.1\r\nHost: test\r\n\r\n");
    client.head();
    (0..11).for_each(|_| drop(client.chunk()));
    let (sent, received) = (client.sent, client.received);
    client.reset();
    let usage = usage_at_rest(&server);
    let publish = |figure: &str| before[figure].as_u64().unwrap();
    expect_bytes(
        &usage,
        &[
            ("http-streaming", sent, received),
            ("publish", publish("rx"), publish("tx")),
        ],
    );
}

#[test]
fn an_admin_port_takes_usage_off_the_public_one_and_is_not_counted() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    for path in ["/lab/usage", "/metrics"] {
        client.get(path, "").expect_problem(404);
    }
    client.finish();
    client.expect_end();
    for _ in 0..3 {
        let expected = [("control", client.sent, client.received)];
        expect_bytes(&usage_at_rest(&server), &expected);
    }
    let mut admin = Client::connect(server.admin.unwrap());
    assert_eq!(admin.get("/metrics", "").status, 200);
    admin.get("/rooms/KPL/poll", "").expect_problem(404);
}

#[test]
fn without_an_admin_port_usage_counts_itself_as_control() {
    let server = Server::start_with(&["--workers", "1"]);
    let first = server.get("/lab/usage").json();
    assert_eq!(first["transports"]["control"]["requests"], 1);
    let second = server.get("/lab/usage").json();
    assert_eq!(second["transports"]["control"]["requests"], 2);
    assert_eq!(server.get("/metrics").status, 200);
}
