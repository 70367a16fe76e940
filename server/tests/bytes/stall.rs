//! Clients that stop reading while events are published, and go on later: the kernel's buffers fill
//! in the middle of an event, and what comes out in the end is whole and in order all the same.

use crate::harness::{Client, LIMIT, Server};
use crate::websocket;
use serde_json::Value;

/// Of 60,000 bytes each: more in all than the kernel holds for both ends.
const EVENTS: u64 = 200;

fn stalled(server: &Server, open: impl Fn() -> Client, class: &str) -> Client {
    let client = open();
    server.wait_for_figure(class, "open", 1, LIMIT);
    let mut publisher = server.connect();
    let padding = "x".repeat(60_000);
    for number in 1..=EVENTS {
        let body = format!(r#"{{"type":"n","data":[{number},"{padding}"]}}"#);
        assert_eq!(publisher.post("KPL", &body).status, 201);
    }
    assert!(
        server.figure(class, "deliveries") < EVENTS,
        "nothing stalled"
    );
    client
}

fn server() -> Server {
    Server::start(&["--history-bytes", "100000000"])
}

fn assert_number(json: &str, number: u64) {
    let event: Value = serde_json::from_str(json).unwrap();
    assert_eq!(event["id"], number);
    assert_eq!(event["data"][0], number);
    assert_eq!(event["data"][1].as_str().unwrap().len(), 60_000);
}

fn get(server: &Server, path: &str) -> Client {
    let mut client = server.connect();
    client.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
    assert_eq!(client.head().status, 200);
    client.chunk();
    client
}

#[test]
fn http_streaming() {
    let server = server();
    let open = || get(&server, "/rooms/KPL/stream");
    let mut client = stalled(&server, open, "http-streaming");
    for number in 1..=EVENTS {
        assert_number(&client.chunk(), number);
    }
}

#[test]
fn sse() {
    let server = server();
    let mut client = stalled(&server, || get(&server, "/rooms/KPL/sse"), "sse");
    for number in 1..=EVENTS {
        let block = client.chunk();
        let data = block.split_once("\ndata: ").unwrap().1;
        assert_number(data.strip_suffix("\n\n").unwrap(), number);
    }
}

#[test]
fn websocket() {
    let server = server();
    let open = || websocket::open(&server, "/rooms/KPL/ws");
    let mut client = stalled(&server, open, "websocket");
    for number in 1..=EVENTS {
        assert_number(websocket::read(&mut client).text(), number);
    }
}
