//! A page as the session sees one: a WebSocket of its own hand-written frames, JSON each way.

use crate::harness::{Client, LIMIT, Server};
use crate::masked::masked;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Instant;

pub struct Page {
    pub client: Client,
    /// The last `session` message.
    pub session: Value,
    pub origin: String,
    /// Every message so far.
    pub heard: Vec<Value>,
}

/// The head of a request for a session.
pub fn handshake(host: &str, origin: &str) -> String {
    format!(
        "GET /lab/session HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

impl Page {
    /// Opens a session, as a page that came from this server.
    pub fn open(server: &Server) -> Page {
        Page::open_at(server.public)
    }

    pub fn open_at(address: SocketAddr) -> Page {
        let mut client = Client::connect(address);
        let host = address.to_string();
        let origin = format!("http://{host}");
        client.send(handshake(&host, &origin));
        let answer = client.answer();
        assert_eq!(answer.status, 101, "{}", answer.head);
        let mut page = Page {
            client,
            session: Value::Null,
            origin,
            heard: Vec::new(),
        };
        page.session = page.hear("session");
        page
    }

    pub fn say(&mut self, message: &Value) {
        self.say_text(message.to_string().as_bytes());
    }

    pub fn say_text(&mut self, text: &[u8]) {
        self.client.send(masked(0x81, text));
    }

    /// The next message, whatever it is.
    pub fn next(&mut self) -> Value {
        loop {
            let (opcode, payload) = read_frame(&mut self.client);
            match opcode {
                1 => {
                    let message: Value = serde_json::from_slice(&payload).unwrap();
                    self.heard.push(message.clone());
                    return message;
                }
                9 => self.client.send(masked(0x8a, &payload)),
                other => panic!("opcode {other}: {payload:?}"),
            }
        }
    }

    /// The next message of this kind.
    pub fn hear(&mut self, kind: &str) -> Value {
        loop {
            let message = self.next();
            if message["kind"] == kind {
                return message;
            }
        }
    }

    pub fn room(&self) -> String {
        self.session["room"].as_str().unwrap().to_owned()
    }

    /// A connection to one of the session's lanes.
    pub fn lane(&self, transport: &str) -> Client {
        Client::connect(self.lane_address(transport))
    }

    pub fn lane_address(&self, transport: &str) -> SocketAddr {
        let port = self.session["lanes"][transport]["port"].as_u64().unwrap();
        SocketAddr::from(([127, 0, 0, 1], u16::try_from(port).unwrap()))
    }

    pub fn reset(&mut self) {
        self.say(&json!({"do": "reset"}));
        self.session = self.hear("session");
    }

    /// The meters of the lanes, once no lane connection is open.
    pub fn meters_at_rest(&mut self) -> Value {
        let deadline = Instant::now() + LIMIT;
        loop {
            self.say(&json!({"do": "meter"}));
            let lanes = self.hear("meter")["lanes"].take();
            let open = |lane: &Value| lane["open"].as_u64().unwrap();
            if lanes
                .as_object()
                .unwrap()
                .values()
                .all(|lane| open(lane) == 0)
            {
                return lanes;
            }
            assert!(Instant::now() < deadline, "{lanes}");
        }
    }

    /// All wire records heard so far.
    pub fn records(&self) -> Vec<Value> {
        let wire = self
            .heard
            .iter()
            .filter(|message| message["kind"] == "wire");
        wire.flat_map(|message| {
            assert!(message["dropped"].is_null(), "{message}");
            message["records"].as_array().unwrap().clone()
        })
        .collect()
    }

    /// The bytes of one lane in one direction, all connections after each other.
    pub fn bytes(&self, lane: &str, direction: &str) -> Vec<u8> {
        let records = self.records();
        let bytes = records
            .iter()
            .filter(|record| record["lane"] == lane && record["what"] == direction)
            .flat_map(|record| base64(record["bytes"].as_str().unwrap()));
        bytes.collect()
    }
}

/// Opcode and payload of a server's frame.
pub fn read_frame(client: &mut Client) -> (u8, Vec<u8>) {
    let head = client.read_exactly(2);
    assert_eq!(head[0] & 0xf0, 0x80, "a whole frame without extensions");
    let length = match head[1] {
        126 => u64::from(u16::from_be_bytes(
            client.read_exactly(2).try_into().unwrap(),
        )),
        127 => u64::from_be_bytes(client.read_exactly(8).try_into().unwrap()),
        short => u64::from(short),
    };
    (head[0] & 0x0f, client.read_exactly(length as usize))
}

/// RFC 4648 §4, by hand.
fn base64(text: &str) -> Vec<u8> {
    let value = |byte: u8| -> u32 {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            other => panic!("{other} in base64"),
        };
        u32::from(digit)
    };
    let mut bytes = Vec::new();
    for group in text.as_bytes().chunks(4) {
        let digits = group.iter().take_while(|byte| **byte != b'=').count();
        let bits = group[..digits]
            .iter()
            .fold(0, |bits, byte| bits << 6 | value(*byte))
            << (6 * (4 - digits));
        bytes.extend(&bits.to_be_bytes()[1..digits]);
    }
    bytes
}

/// Opens a WebSocket in a room and reads its hello.
pub fn ask_for_socket(client: &mut Client, room: &str) {
    client.send(format!(
        "GET /rooms/{room}/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ));
    assert_eq!(client.answer().status, 101);
    read_frame(client);
}
