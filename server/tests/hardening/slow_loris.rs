//! Requests that do not come to their end: each is answered 408 and closed when its deadline has passed,
//! and what waits rightly is left alone.

use crate::harness::{Client, LIMIT, Server};
use std::thread::sleep;
use std::time::Duration;

const DEADLINE: Duration = Duration::from_millis(300);

/// Longer than a deadline.
const LONGER: Duration = Duration::from_millis(700);

const HALF: &str = "GET /rooms/KPL/poll HTTP/1.1\r\nHost: te";

fn server() -> Server {
    Server::start(&["--head-timeout", "0.3", "--body-timeout", "0.3"])
}

/// That the client is told why, and then that its connection is over; nothing stays behind.
fn expect_given_up(server: &Server, mut client: Client) {
    let answer = client.answer();
    answer.expect_problem(408);
    assert_eq!(answer.header("connection"), Some("close"));
    client.expect_end();
    drop(client);
    server.wait_for_figure("control", "open", 0, LIMIT);
}

/// Sends one byte after the other until there is an answer.
fn trickle(client: &mut Client, bytes: &[u8]) {
    for byte in bytes {
        if !client.is_silent() {
            return;
        }
        client.send([*byte]);
        sleep(DEADLINE / 10);
    }
    panic!("all was sent and nothing came");
}

#[test]
fn one_who_says_nothing() {
    let server = server();
    expect_given_up(&server, server.connect());
    assert_eq!(server.usage()["ended"]["too-slow"], 1);
}

#[test]
fn half_a_head_for_ever() {
    let server = server();
    let mut client = server.connect();
    client.send(HALF);
    expect_given_up(&server, client);
}

/// The deadline runs until the head is whole, not to the next byte.
#[test]
fn a_head_one_byte_at_a_time() {
    let server = server();
    let mut client = server.connect();
    let endless = format!("{HALF}st\r\n{}", "X: y\r\n".repeat(100));
    trickle(&mut client, endless.as_bytes());
    expect_given_up(&server, client);
}

#[test]
fn half_a_websocket_handshake() {
    let server = server();
    let mut client = server.connect();
    client.send("GET /rooms/KPL/ws HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: webs");
    expect_given_up(&server, client);
    assert_eq!(server.figure("websocket", "opened"), 0);
}

/// actix has a deadline for the first head alone.
#[test]
fn the_second_head_of_a_connection() {
    let server = server();
    for second in [HALF, "G"] {
        let mut client = server.connect();
        assert_eq!(client.get("/health", "").status, 200);
        client.send(second);
        expect_given_up(&server, client);
    }
    let mut client = server.connect();
    assert_eq!(client.get("/rooms/KPL/poll", "").status, 200);
    trickle(&mut client, HALF.repeat(3).as_bytes());
    let answer = client.answer();
    answer.expect_problem(408);
    client.expect_end();
    assert_eq!(server.usage()["ended"]["too-slow"], 3);
}

#[test]
fn half_a_body() {
    let server = server();
    let head = "POST /rooms/KPL/events HTTP/1.1\r\nHost: test\r\nContent-Length: 21\r\n\r\n";
    let mut client = server.connect();
    client.send(format!("{head}{{\"type\""));
    let answer = client.answer();
    answer.expect_problem(408);
    client.expect_end();
    let mut client = server.connect();
    client.send(head.replace("21", "1000"));
    trickle(&mut client, "x".repeat(999).as_bytes());
    client.answer().expect_problem(408);
    client.expect_end();
    let chunked =
        "POST /session HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"nam";
    let mut client = server.connect();
    client.send(chunked);
    client.answer().expect_problem(408);
    client.expect_end();
    for class in ["publish", "control"] {
        server.wait_for_figure(class, "open", 0, LIMIT);
    }
    assert_eq!(server.usage()["rooms"], 0);
    assert_eq!(server.usage()["ended"]["too-slow"], 3);
}

/// What is left of a body that nobody reads has the deadline of a head.
#[test]
fn the_rest_of_a_body_that_was_refused() {
    let server = server();
    for connection in ["keep-alive", "close"] {
        let mut client = server.connect();
        client.send(format!(
            "POST /rooms/KPL/events HTTP/1.1\r\nHost: test\r\nConnection: {connection}\r\n\
             Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12"
        ));
        client.answer().expect_problem(415);
        client.read_to_end();
    }
    server.wait_for_figure("publish", "open", 0, LIMIT);
}

/// Only a head that has begun has a deadline; a connection at rest has its own.
#[test]
fn a_connection_at_rest_is_kept() {
    let server = server();
    let mut client = server.connect();
    for _ in 0..2 {
        assert_eq!(client.get("/health", "").status, 200);
        assert_eq!(client.post("KPL", r#"{"type":"n","data":1}"#).status, 201);
        sleep(LONGER);
    }
    assert_eq!(client.get("/health", "").status, 200);
    let brief = Server::start(&["--keep-alive", "0.3"]);
    let mut client = brief.connect();
    assert_eq!(client.get("/health", "").status, 200);
    client.expect_end();
}

/// What waits for events has sent its head long ago.
#[test]
fn who_waits_for_events_is_kept() {
    let server = server();
    let mut clients: Vec<Client> = ["long-poll", "stream", "sse"]
        .map(|what| {
            let mut client = server.connect();
            let cursor = server.head_cursor("KPL");
            client.send(format!(
                "GET /rooms/KPL/{what}?cursor={cursor} HTTP/1.1\r\nHost: test\r\n\r\n"
            ));
            client
        })
        .into();
    let mut websocket = server.connect();
    websocket.send(
        "GET /rooms/KPL/ws HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    );
    clients.push(websocket);
    // The next request, behind one that is held, has until that one is answered.
    clients[0].send("GET /he");
    sleep(LONGER);
    server.publish("KPL", r#"{"type":"n","data":"瑶"}"#);
    for client in &mut clients {
        client.read_until("瑶".as_bytes());
    }
    clients[0].send("alth HTTP/1.1\r\nHost: test\r\n\r\n");
    clients[0].read_until(b"pushlab-server");
    assert_eq!(server.usage()["ended"]["too-slow"], 0);
}

#[test]
fn many_at_once_hold_nothing() {
    let server = server();
    let clients: Vec<Client> = (0..200)
        .map(|number| {
            let mut client = server.connect();
            client.send(&HALF[..number % HALF.len()]);
            client
        })
        .collect();
    server.wait_for_figure("control", "open", 200, LIMIT);
    for mut client in clients {
        client.answer().expect_problem(408);
        client.expect_end();
    }
    server.wait_for_figure("control", "open", 0, LIMIT);
    assert_eq!(server.usage()["ended"]["too-slow"], 200);
}
