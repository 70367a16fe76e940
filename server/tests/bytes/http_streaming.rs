//! HTTP streaming on the wire: each event exactly one chunk and one line, and how the stream
//! begins, stays alive, resumes and ends.

use crate::harness::{Client, LIMIT, Server, at};
use std::time::Duration;

fn open(server: &Server, path: &str) -> Client {
    let mut client = server.connect();
    client.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
    assert_eq!(client.head().status, 200);
    client
}

#[test]
fn head_hello_and_events_byte_by_byte() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send("GET /rooms/KPL/stream HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(
        client.head().lines(),
        [
            "HTTP/1.1 200 OK",
            "cache-control: no-store",
            "content-type: application/x-ndjson",
            "date: *",
            "transfer-encoding: chunked",
            "x-accel-buffering: no",
        ]
    );
    let hello = client.chunk();
    let cursor = server.head_cursor("KPL");
    assert_eq!(
        hello,
        format!("{{\"type\":\"hello\",\"cursor\":\"{cursor}\",\"missed\":0}}\n")
    );
    server.publish("KPL", r#"{"type":"chat","data":"瑶"}"#);
    let line = "{\"id\":1,\"type\":\"chat\",\"data\":\"瑶\"}\n";
    let chunk = format!("{:X}\r\n{line}\r\n", line.len());
    assert_eq!(client.read_exactly(chunk.len()), chunk.as_bytes());
}

#[test]
fn a_history_is_one_chunk_an_event() {
    let server = Server::start(&[]);
    server.publish_numbers("KPL", 50);
    let mut client = open(&server, "/rooms/KPL/stream?cursor=0");
    client.chunk();
    for number in 1..=50 {
        assert_eq!(
            client.chunk(),
            format!("{{\"id\":{number},\"type\":\"n\",\"data\":{number}}}\n")
        );
    }
}

#[test]
fn silence_is_kept_alive_by_empty_lines() {
    let server = Server::start(&["--stream-heartbeat", "0.2"]);
    let mut client = open(&server, "/rooms/KPL/stream");
    client.chunk();
    assert_eq!(client.read_exactly(6), b"1\r\n\n\r\n");
    server.publish("KPL", r#"{"type":"n","data":1}"#);
    while client.chunk() == "\n" {}
    assert_eq!([client.chunk(), client.chunk()], ["\n", "\n"]);
}

#[test]
fn a_stream_that_resumes_is_told_what_it_missed() {
    let server = Server::start(&["--history", "3"]);
    let start = server.head_cursor("KPL");
    server.publish_numbers("KPL", 10);
    for (cursor, missed, after) in [
        (at(&start, 8), "0", 8),
        (at(&start, 4), "3", 7),
        (at(&start, 11), "null", 7),
        ("0-9".to_owned(), "null", 7),
    ] {
        let mut client = open(&server, &format!("/rooms/KPL/stream?cursor={cursor}"));
        assert_eq!(
            client.chunk(),
            format!(
                "{{\"type\":\"hello\",\"cursor\":\"{}\",\"missed\":{missed}}}\n",
                at(&start, after)
            )
        );
        let next = after + 1;
        assert!(client.chunk().starts_with(&format!("{{\"id\":{next},")));
    }
}

/// A client that does not read while the history runs past it: events, then one gap that says
/// exactly how many are missing, then events again without a hole.
#[test]
fn a_reader_that_falls_off_the_history_gets_an_exact_gap() {
    let server = Server::start(&["--history", "10"]);
    let mut client = open(&server, "/rooms/KPL/stream");
    client.chunk();
    let mut publisher = server.connect();
    let data = "x".repeat(60_000);
    for _ in 0..300 {
        publisher.post("KPL", &format!(r#"{{"type":"n","data":"{data}"}}"#));
    }
    let mut expected = 1;
    let mut gaps = 0;
    while expected <= 300 {
        let line = client.chunk();
        let message: serde_json::Value = serde_json::from_str(&line).unwrap();
        if message["type"] == "gap" {
            let missed = message["missed"].as_u64().unwrap();
            expected += missed;
            gaps += 1;
            let cursor = at(&server.head_cursor("KPL"), expected - 1);
            assert_eq!(
                line,
                format!("{{\"type\":\"gap\",\"missed\":{missed},\"cursor\":\"{cursor}\"}}\n")
            );
        } else {
            assert_eq!(message["id"], expected);
            expected += 1;
        }
    }
    assert!(gaps > 0, "18 MB fitted into the kernel's buffers");
}

#[test]
fn http_1_0_has_neither_chunks_nor_a_length_and_ends_by_closing() {
    let server = Server::start(&[]);
    server.publish_numbers("KPL", 2);
    let mut client = server.connect();
    client.send("GET /rooms/KPL/stream?cursor=0 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let head = client.head();
    assert!(
        head.head.starts_with("HTTP/1.0 200 OK\r\n"),
        "{}",
        head.head
    );
    assert_eq!(head.header("transfer-encoding"), None);
    assert_eq!(head.header("content-length"), None);
    assert_ne!(head.header("connection"), Some("keep-alive"));
    let hello = client.read_until(b"\n");
    assert!(hello.starts_with(b"{\"type\":\"hello\","));
    for number in 1..=2 {
        let line = format!("{{\"id\":{number},\"type\":\"n\",\"data\":{number}}}\n");
        assert_eq!(client.read_until(b"\n"), line.as_bytes());
    }
    client.finish();
    client.expect_end();
}

#[test]
fn a_bare_stream_is_the_data_alone() {
    let server = Server::start(&["--bare"]);
    server.publish("KPL", r#"{"type":"n","data":"瑶"}"#);
    let mut client = server.connect();
    client.send("GET /rooms/KPL/stream?cursor=0 HTTP/1.1\r\nHost: test\r\n\r\n");
    let head = client.head();
    assert_eq!(head.header("cache-control"), None);
    assert_eq!(head.header("etag"), None);
    assert_eq!(client.chunk(), "\"瑶\"\n");
}

#[test]
fn a_client_that_left_frees_its_stream() {
    let server = Server::start(&[]);
    for reset in [false, true] {
        let mut client = open(&server, "/rooms/KPL/stream");
        client.chunk();
        assert_eq!(server.figure("http-streaming", "open"), 1);
        if reset {
            client.reset();
            server.wait_for_figure("http-streaming", "open", 0, Duration::from_secs(1));
        } else {
            client.finish();
            server.wait_for_figure("http-streaming", "open", 0, Duration::from_secs(1));
        }
    }
    assert_eq!(server.figure("http-streaming", "opened"), 2);
}

#[test]
fn a_second_request_on_a_stream_is_not_answered_within_it() {
    let server = Server::start(&[]);
    let mut client = open(&server, "/rooms/KPL/stream");
    client.chunk();
    client.send("GET /health HTTP/1.1\r\nHost: test\r\n\r\n");
    server.publish("KPL", r#"{"type":"n","data":1}"#);
    assert_eq!(client.chunk(), "{\"id\":1,\"type\":\"n\",\"data\":1}\n");
    server.wait_for_figure("http-streaming", "deliveries", 1, LIMIT);
    assert!(client.is_silent());
}

/// actix takes the connection for an upgraded one, so nothing on it may be a chunk.
#[test]
fn a_stream_that_was_asked_for_with_an_upgrade_has_no_chunks() {
    let server = Server::start(&["--stream-heartbeat", "0.2"]);
    let mut client = server.connect();
    client.send(
        "GET /rooms/KPL/stream HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\n\r\n",
    );
    let head = client.head();
    assert_eq!(head.status, 200);
    assert_eq!(head.header("transfer-encoding"), None);
    assert!(client.read_until(b"\n").starts_with(b"{\"type\":\"hello\""));
    server.publish("KPL", r#"{"type":"n","data":1}"#);
    let mut line = client.read_until(b"\n");
    while line == b"\n" {
        line = client.read_until(b"\n");
    }
    assert_eq!(line, b"{\"id\":1,\"type\":\"n\",\"data\":1}\n");
}
