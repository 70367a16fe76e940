//! The same events in the same order by every transport: read in one go, resumed after every
//! event, and with another transport after every event.

use crate::guest::{Guest, Path};
use crate::harness::{Client, Server, at};
use crate::websocket;
use pushlab_server::wire::transport::Transport;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;

/// A way to the events of a room; Socket.IO has two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    InRoom(Transport),
    Socketio(Path),
}

impl Way {
    pub fn all() -> impl Iterator<Item = Way> + Clone {
        let socketio = [Path::Polling, Path::Websocket].map(Way::Socketio);
        Transport::in_rooms().map(Way::InRoom).chain(socketio)
    }
}

/// One subscriber, which may be cut at any time and resumed by its cursor.
pub struct Listener {
    client: Client,
    kind: Kind,
    path: String,
    pub cursor: String,
    /// Events of a poll's answer that nobody has asked for yet.
    batch: VecDeque<String>,
}

enum Kind {
    InRoom(Transport),
    Socketio(Guest),
}

impl Listener {
    pub fn open(server: &Server, way: Way, room: &str, cursor: &str) -> Listener {
        match way {
            Way::InRoom(transport) => Listener::open_in_room(server, transport, room, cursor),
            Way::Socketio(path) => Listener::open_socketio(server, path, room, cursor),
        }
    }

    fn open_socketio(server: &Server, path: Path, room: &str, cursor: &str) -> Listener {
        let mut client = server.connect();
        let mut guest = Guest::connect(&mut client, path);
        let joined = guest.join(&mut client, room, cursor);
        assert_eq!(joined["missed"], 0);
        Listener {
            client,
            kind: Kind::Socketio(guest),
            path: String::new(),
            cursor: joined["cursor"].as_str().unwrap().to_owned(),
            batch: VecDeque::new(),
        }
    }

    fn open_in_room(server: &Server, transport: Transport, room: &str, cursor: &str) -> Listener {
        let mut listener = Listener {
            client: server.connect(),
            kind: Kind::InRoom(transport),
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
            Transport::Socketio => unreachable!("it has a kind of its own"),
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
        let transport = match &mut self.kind {
            Kind::InRoom(transport) => *transport,
            Kind::Socketio(guest) => return guest.message(&mut self.client).event,
        };
        match transport {
            Transport::IntervalPolling | Transport::LongPolling => self.poll(),
            Transport::HttpStreaming => self.client.chunk().strip_suffix('\n').unwrap().to_owned(),
            Transport::Sse => {
                let block = self.client.chunk();
                let (_, data) = block.split_once("data: ").unwrap();
                data.strip_suffix("\n\n").unwrap().to_owned()
            }
            Transport::Websocket => websocket::read(&mut self.client).text().to_owned(),
            Transport::Socketio => unreachable!("it has a kind of its own"),
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
    let mut listener = Listener::open(server, Way::InRoom(Transport::IntervalPolling), "KPL", "0");
    digest(&Vec::from_iter((0..count).map(|_| listener.next())))
}

#[test]
fn every_transport_gives_the_same_sequence() {
    let server = Server::start(&[]);
    let count = publish_all(&server);
    let reference = reference(&server, count);
    for way in Way::all() {
        let mut listener = Listener::open(&server, way, "KPL", "0");
        let events = Vec::from_iter((0..count).map(|_| listener.next()));
        assert_eq!(digest(&events), reference, "{way:?}");
        assert_eq!(listener.cursor, server.head_cursor("KPL"));
    }
}

#[test]
fn a_subscriber_that_is_cut_after_each_event_resumes_by_its_cursor() {
    let server = Server::start(&[]);
    let count = publish_all(&server);
    let reference = reference(&server, count);
    for way in Way::all() {
        let mut cursor = "0".to_owned();
        let mut events = Vec::new();
        while events.len() < count {
            let mut listener = Listener::open(&server, way, "KPL", &cursor);
            events.push(listener.next());
            cursor = listener.cursor.clone();
            listener.client.reset();
        }
        assert_eq!(digest(&events), reference, "{way:?}");
    }
}

#[test]
fn a_subscriber_may_change_its_transport_after_each_event() {
    let server = Server::start(&[]);
    let count = publish_all(&server);
    let reference = reference(&server, count);
    for first in 0..Way::all().count() {
        let mut ways = Way::all().cycle().skip(first);
        let mut cursor = "0".to_owned();
        let mut events = Vec::new();
        while events.len() < count {
            let way = ways.next().unwrap();
            let mut listener = Listener::open(&server, way, "KPL", &cursor);
            events.push(listener.next());
            cursor = listener.cursor.clone();
        }
        assert_eq!(digest(&events), reference, "starting with way {first}");
    }
}

/// Replay and live delivery race here: the publisher does not wait for the cuts.
#[test]
fn cuts_while_events_come_lose_and_repeat_nothing() {
    const EVENTS: u64 = 300;
    let server = Server::start(&["--workers", "2"]);
    let start = server.head_cursor("KPL");
    std::thread::scope(|scope| {
        for offset in 0..Way::all().count() {
            let (server, start) = (&server, &start);
            scope.spawn(move || {
                let mut ways = Way::all().cycle().skip(offset);
                let mut cursor = start.clone();
                for expected in 1..=EVENTS {
                    let way = ways.next().unwrap();
                    let mut listener = Listener::open(server, way, "KPL", &cursor);
                    let event = listener.next();
                    assert!(
                        event.starts_with(&format!(r#"{{"id":{expected},"#)),
                        "{way:?}: {event}"
                    );
                    cursor = listener.cursor.clone();
                }
            });
        }
        server.publish_numbers("KPL", EVENTS);
    });
}
