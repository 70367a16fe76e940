//! A Socket.IO client that is nothing but a socket: it connects to `/` by polling or by WebSocket, joins a
//! room at a cursor, and reads one message after the other. It neither upgrades nor answers pings: what
//! it does is over before the first one.

use crate::harness::{Client, Server};
use crate::websocket;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::VecDeque;

/// What carries the packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    Polling,
    Websocket,
}

/// One Engine.IO session over connections that its caller holds.
pub struct Guest {
    path: Path,
    /// Of a polling session, the URL of every request.
    url: String,
    /// Came in one answer, and nobody has asked for them yet.
    packets: VecDeque<String>,
}

/// `["event", event, room, cursor]`, as it was written.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    pub event: String,
    pub room: String,
    pub cursor: String,
}

impl Guest {
    /// Opens a session and connects to the main namespace.
    pub fn connect(client: &mut Client, path: Path) -> Guest {
        let transport = match path {
            Path::Polling => "polling",
            Path::Websocket => "websocket",
        };
        let mut guest = Guest {
            path,
            url: format!("/socket.io/?EIO=4&transport={transport}"),
            packets: VecDeque::new(),
        };
        if path == Path::Websocket {
            websocket::ask(client, &guest.url, "");
            assert_eq!(client.head().status, 101);
        }
        let open = guest.packet(client);
        let open: Value = serde_json::from_str(open.strip_prefix('0').unwrap()).unwrap();
        guest.url += &format!("&sid={}", open["sid"].as_str().unwrap());
        guest.send(client, "40");
        let connected = guest.packet(client);
        assert!(connected.starts_with(r#"40{"sid":"#), "{connected}");
        guest
    }

    /// Joins a room after `cursor`; gives what that is acknowledged with.
    pub fn join(&mut self, client: &mut Client, room: &str, cursor: &str) -> Value {
        let join = json!(["join", {"room": room, "cursor": cursor}]);
        self.send(client, &format!("420{join}"));
        let answer = self.packet(client);
        let answer = answer
            .strip_prefix("430")
            .unwrap_or_else(|| panic!("{answer}"));
        let [answer]: [Value; 1] = serde_json::from_str(answer).unwrap();
        assert!(answer["cursor"].is_string(), "{answer}");
        answer
    }

    pub fn message(&mut self, client: &mut Client) -> Message {
        let packet = self.packet(client);
        let arguments = packet
            .strip_prefix("42")
            .unwrap_or_else(|| panic!("{packet}"));
        let arguments: Vec<Box<RawValue>> = serde_json::from_str(arguments).unwrap();
        let [name, event, room, cursor] = &arguments[..] else {
            panic!("{packet}");
        };
        let text = |json: &RawValue| serde_json::from_str(json.get()).unwrap();
        assert_eq!(name.get(), r#""event""#);
        Message {
            event: event.get().to_owned(),
            room: text(room),
            cursor: text(cursor),
        }
    }

    fn send(&mut self, client: &mut Client, packet: &str) {
        match self.path {
            Path::Websocket => websocket::send_text(client, packet),
            Path::Polling => {
                client.send(format!(
                    "POST {} HTTP/1.1\r\nHost: test\r\nContent-Type: text/plain;charset=UTF-8\r\n\
                     Content-Length: {}\r\n\r\n{packet}",
                    self.url,
                    packet.len()
                ));
                let answer = client.answer();
                assert_eq!((answer.status, answer.text()), (200, "ok"));
            }
        }
    }

    fn packet(&mut self, client: &mut Client) -> String {
        if self.path == Path::Websocket {
            return websocket::read(client).text().to_owned();
        }
        while self.packets.is_empty() {
            let answer = client.get(&self.url, "");
            assert_eq!(answer.status, 200, "{}", answer.text());
            self.packets = answer.text().split('\x1e').map(str::to_owned).collect();
        }
        self.packets.pop_front().unwrap()
    }
}

/// Both paths: what a join is told, and the messages, as they stand on the wire.
#[test]
fn a_message_names_its_event_its_room_and_its_place() {
    let server = Server::start(&[]);
    let room = "峡谷";
    let in_url = "%E5%B3%A1%E8%B0%B7";
    let first = server.publish(in_url, r#"{"type":"chat","data":[ 1.50, "瑶" ]}"#);
    for path in [Path::Polling, Path::Websocket] {
        let mut client = server.connect();
        let mut guest = Guest::connect(&mut client, path);
        let answer = guest.join(&mut client, room, "0");
        assert_eq!(answer["missed"], 0);
        let expected = Message {
            event: r#"{"id":1,"type":"chat","data":[1.50,"瑶"]}"#.to_owned(),
            room: room.to_owned(),
            cursor: first.clone(),
        };
        assert_eq!(guest.message(&mut client), expected, "{path:?}");
    }
}
