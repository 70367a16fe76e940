//! Clients that ask and do not read: the server resets them within `--unread-timeout` and says so, and
//! nobody else loses an event. One that reads slowly is left alone.

use crate::harness::{Client, LIMIT, Server};
use crate::subscribe::{STREAMS, open, request, until};
use pushlab_server::wire::transport::Transport;
use std::thread;
use std::time::Duration;

/// Of 60,000 bytes each: more in all than the kernel holds for both ends.
const EVENTS: usize = 200;

fn publish(server: &Server, events: usize) {
    let mut publisher = server.connect();
    let padding = "x".repeat(60_000);
    for number in 1..=events {
        let body = format!(r#"{{"type":"n","data":[{number},"{padding}"]}}"#);
        assert_eq!(publisher.post("KPL", &body).status, 201);
    }
}

fn server(timeout: &str) -> Server {
    Server::start(&["--unread-timeout", timeout, "--history-bytes", "100000000"])
}

fn unread(server: &Server) -> u64 {
    server.usage()["ended"]["unread"].as_u64().unwrap()
}

/// Reads until it has met `needle` so often.
fn read_times(client: &mut Client, needle: &str, count: usize) {
    let (mut met, mut tail) = (0, Vec::new());
    while met < count {
        let more = client.some();
        assert!(!more.is_empty(), "ended after {met} of {count}");
        tail.extend(more);
        let text = String::from_utf8_lossy(&tail);
        met += text.matches(needle).count();
        let end = text.rfind(needle).map_or(0, |at| at + needle.len());
        let rest = &text.as_bytes()[end..];
        tail = rest[rest.len().saturating_sub(needle.len() - 1)..].to_vec();
    }
}

#[test]
fn a_stream_that_is_not_read_is_reset_and_nobody_else_loses_anything() {
    for transport in STREAMS {
        let server = server("1");
        let mut reader = open(&server, transport, "KPL");
        let mut silent = open(&server, transport, "KPL");
        let reading = thread::spawn(move || {
            read_times(&mut reader, r#""type":"n""#, EVENTS);
            reader
        });
        publish(&server, EVENTS);
        let reader = reading.join().unwrap();
        server.wait_for_figure(transport.name(), "open", 1, LIMIT);
        assert_eq!(unread(&server), 1, "{transport:?}");
        silent.read_to_end_or_reset();
        drop(reader);
        server.wait_for_figure(transport.name(), "open", 0, LIMIT);
        assert_eq!(
            unread(&server),
            1,
            "a client that leaves is not the server's doing"
        );
    }
}

#[test]
fn polls_that_are_not_read_are_reset() {
    let server = server("1");
    publish(&server, EVENTS);
    for (count, transport) in [Transport::IntervalPolling, Transport::LongPolling]
        .iter()
        .enumerate()
    {
        let mut client = server.connect();
        let poll = request(*transport, "KPL", Some("0"));
        client.send(poll.repeat(100));
        server.wait_for_figure(transport.name(), "open", 1, LIMIT);
        until("the poll is reset", LIMIT, || {
            unread(&server) == count as u64 + 1
        });
        server.wait_for_figure(transport.name(), "open", 0, LIMIT);
    }
}

/// Few bytes fill no buffer of the server's own: the kernel keeps the deadline alone.
#[test]
fn a_closed_window_is_seen_though_no_write_is_blocked() {
    let server = server("1");
    let silent = open(&server, Transport::Sse, "KPL");
    silent.shrink_receive_buffer();
    publish(&server, 5);
    until("the window's end is seen", LIMIT, || unread(&server) == 1);
    server.wait_for_figure("sse", "open", 0, LIMIT);
}

/// Slower than the kernel calls a socket writable again: its buffer of megabytes would have to be a
/// third empty.
#[test]
fn a_slow_reader_is_not_a_silent_one() {
    let server = server("2");
    let mut slow = open(&server, Transport::HttpStreaming, "KPL");
    publish(&server, EVENTS);
    assert!(server.figure("http-streaming", "deliveries") < EVENTS as u64);
    for _ in 0..12 {
        slow.read_exactly(64 * 1024);
        thread::sleep(Duration::from_millis(500));
    }
    read_times(&mut slow, &format!(r#""data":[{EVENTS},"#), 1);
    assert_eq!(unread(&server), 0);
}
