//! The same events in the same order by every transport: read in one go, resumed after every
//! event, and with another transport after every event.

use crate::harness::{Client, Server, at};
use crate::websocket;
use pushlab_server::wire::transport::Transport;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;

/// One subscriber over one transport, which may be cut at any time and resumed by its cursor.
pub struct Listener {
    client: Client,
    transport: Transport,
    path: String,
    pub cursor: String,
    /// Events of a poll's answer that nobody has asked for yet.
    batch: VecDeque<String>,
}

impl Listener {
    pub fn open(server: &Server, transport: Transport, room: &str, cursor: &str) -> Listener {
        let mut listener = Listener {
            client: server.connect(),
            transport,
            path: format!("/rooms/{room}/{}", transport.segment().unwrap()),
            cursor: cursor.to_owned(),
            batch: VecDeque::new(),
        };
        let path = format!("{}?cursor={cursor}", listener.path);
        let client = &mut listener.client;
        match transport {
            Transport::IntervalPolling | Transport::LongPolling => return listener,
            Transport::HttpStreaming | Transport::Sse => {
                client.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
                assert_eq!(client.head().status, 200);
            }
            Transport::Websocket => {
                websocket::ask(client, &path, "");
                assert_eq!(client.head().status, 101);
            }
            Transport::Socketio => unreachable!("its connections are no requests in a room"),
        }
        let hello = listener.message();
        let hello: serde_json::Value = serde_json::from_str(&hello).unwrap();
        assert_eq!(hello["type"], "hello");
        assert_eq!(hello["missed"], 0);
        listener.cursor = hello["cursor"].as_str().unwrap().to_owned();
        listener
    }

    /// The next event as JSON text; moves the cursor past it.
    pub fn next(&mut self) -> String {
        let event = self.message();
        let value: serde_json::Value = serde_json::from_str(&event).unwrap();
        let id = value["id"].as_u64().unwrap_or_else(|| panic!("{event}"));
        self.cursor = at(&self.cursor, id);
        event
    }

    fn message(&mut self) -> String {
        match self.transport {
            Transport::IntervalPolling | Transport::LongPolling => self.poll(),
            Transport::HttpStreaming => self.client.chunk().strip_suffix('\n').unwrap().to_owned(),
            Transport::Sse => {
                let block = self.client.chunk();
                let (_, data) = block.split_once("data: ").unwrap();
                data.strip_suffix("\n\n").unwrap().to_owned()
            }
            Transport::Websocket => websocket::read(&mut self.client).text().to_owned(),
            Transport::Socketio => unreachable!("its connections are no requests in a room"),
        }
    }

    fn poll(&mut self) -> String {
        loop {
            if let Some(event) = self.batch.pop_front() {
                return event;
            }
            let path = format!("{}?cursor={}", self.path, self.cursor);
            let answer = self.client.get(&path, "");
            if answer.status == 204 {
                continue;
            }
            self.cursor = answer.cursor();
            assert_eq!(answer.json()["missed"], 0);
            self.batch = poll_events(answer.text()).into();
        }
    }
}

/// The events of a poll's answer, each as it was written.
fn poll_events(body: &str) -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Body {
        events: Vec<Box<RawValue>>,
    }
    let body: Body = serde_json::from_str(body).unwrap();
    body.events
        .iter()
        .map(|event| event.get().to_owned())
        .collect()
}

/// Events of many scripts and of the sizes where framings change.
fn publish_all(server: &Server) -> usize {
    let texts = [
        "",
        "瑶",
        "峡谷 \u{2028}\u{200d}\u{fff0}",
        "👨‍👩‍👧",
        "a\\r\\nb\\u0000c",
        "\u{feff}",
    ];
    let sizes = [1, 90, 91, 92, 93, 1_000, 4_096, 16_384, 60_000, 65_000];
    let mut publisher = server.connect();
    let texts = texts.map(str::to_owned);
    let padded = sizes.map(|size| "é".repeat(size / 2));
    let mut published = 0;
    for data in texts.into_iter().chain(padded) {
        let body = format!("{{\"type\" : \"n\",\r\n \"data\":\n[ \"{data}\" , 1.50, {{ }} ]}}");
        assert_eq!(publisher.post("KPL", &body).status, 201);
        published += 1;
    }
    published
}

fn digest(events: &[String]) -> String {
    Sha256::digest(events.join("\n"))
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// What a client that is never cut reads by interval polling.
fn reference(server: &Server, count: usize) -> String {
    let mut listener = Listener::open(server, Transport::IntervalPolling, "KPL", "0");
    digest(&Vec::from_iter((0..count).map(|_| listener.next())))
}

#[test]
fn every_transport_gives_the_same_sequence() {
    let server = Server::start(&[]);
    let count = publish_all(&server);
    let reference = reference(&server, count);
    for transport in Transport::in_rooms() {
        let mut listener = Listener::open(&server, transport, "KPL", "0");
        let events = Vec::from_iter((0..count).map(|_| listener.next()));
        assert_eq!(digest(&events), reference, "{transport}");
        assert_eq!(listener.cursor, server.head_cursor("KPL"));
    }
}

#[test]
fn a_subscriber_that_is_cut_after_each_event_resumes_by_its_cursor() {
    let server = Server::start(&[]);
    let count = publish_all(&server);
    let reference = reference(&server, count);
    for transport in Transport::in_rooms() {
        let mut cursor = "0".to_owned();
        let mut events = Vec::new();
        while events.len() < count {
            let mut listener = Listener::open(&server, transport, "KPL", &cursor);
            events.push(listener.next());
            cursor = listener.cursor.clone();
            listener.client.reset();
        }
        assert_eq!(digest(&events), reference, "{transport}");
    }
}

#[test]
fn a_subscriber_may_change_its_transport_after_each_event() {
    let server = Server::start(&[]);
    let count = publish_all(&server);
    let reference = reference(&server, count);
    for first in 0..5 {
        let mut transports = Transport::in_rooms().cycle().skip(first);
        let mut cursor = "0".to_owned();
        let mut events = Vec::new();
        while events.len() < count {
            let transport = transports.next().unwrap();
            let mut listener = Listener::open(&server, transport, "KPL", &cursor);
            events.push(listener.next());
            cursor = listener.cursor.clone();
        }
        assert_eq!(
            digest(&events),
            reference,
            "starting with transport {first}"
        );
    }
}

/// Replay and live delivery race here: the publisher does not wait for the cuts.
#[test]
fn cuts_while_events_come_lose_and_repeat_nothing() {
    const EVENTS: u64 = 300;
    let server = Server::start(&["--workers", "2"]);
    let start = server.head_cursor("KPL");
    std::thread::scope(|scope| {
        for offset in 0..5 {
            let (server, start) = (&server, &start);
            scope.spawn(move || {
                let mut transports = Transport::in_rooms().cycle().skip(offset);
                let mut cursor = start.clone();
                for expected in 1..=EVENTS {
                    let transport = transports.next().unwrap();
                    let mut listener = Listener::open(server, transport, "KPL", &cursor);
                    let event = listener.next();
                    assert!(
                        event.starts_with(&format!(r#"{{"id":{expected},"#)),
                        "{transport}: {event}"
                    );
                    cursor = listener.cursor.clone();
                }
            });
        }
        server.publish_numbers("KPL", EVENTS);
    });
}
