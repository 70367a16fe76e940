//! A client of Engine.IO 4 as bytes: its polls, each over a connection of its own, and its WebSocket. It
//! answers no ping by itself, repeats nothing and reads no packet: what comes is given as it came.

use crate::frame::{BINARY, CLOSE, FIN, TEXT, masked, try_read};
use crate::harness::{Answer, Client};
use serde_json::Value;
use std::net::SocketAddr;

/// What separates the packets of a payload.
pub const SEPARATOR: char = '\x1e';

pub const POLLING: &str = "EIO=4&transport=polling";
pub const WEBSOCKET: &str = "EIO=4&transport=websocket";

const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// Where an Engine.IO server listens, and under which path.
#[derive(Clone, Copy)]
pub struct Place {
    pub address: SocketAddr,
    pub path: &'static str,
}

impl Place {
    /// Sends a request whose answer is not read yet; `headers` are whole lines.
    pub fn ask(&self, method: &str, query: &str, headers: &str, body: impl AsRef<[u8]>) -> Client {
        let mut client = Client::connect(self.address);
        let (path, body) = (self.path, body.as_ref());
        let head = format!(
            "{method} {path}?{query} HTTP/1.1\r\nHost: test\r\n{headers}Content-Length: {}\r\n\r\n",
            body.len()
        );
        // A server may have refused the head before it has the body.
        client.send(head);
        client.try_send(body);
        client
    }

    pub fn get(&self, query: &str) -> Answer {
        answer(&mut self.ask("GET", query, "", "")).expect("an answer to the GET")
    }

    pub fn post(&self, query: &str, body: impl AsRef<[u8]>) -> Option<Answer> {
        let text = "Content-Type: text/plain;charset=UTF-8\r\n";
        answer(&mut self.ask("POST", query, text, body))
    }

    /// A session over polling that has had its open packet.
    pub fn poll(&self) -> Polling {
        let opened = self.get(POLLING);
        assert_eq!(opened.status, 200, "{}", opened.text());
        Polling {
            place: *self,
            sid: sid(opened.text()),
        }
    }

    /// A WebSocket, or what the handshake was answered with; nothing where it was cut.
    pub fn upgrade(&self, query: &str) -> Result<Socket, Option<Answer>> {
        let mut client = Client::connect(self.address);
        let path = self.path;
        client.send(format!(
            "GET {path}?{query} HTTP/1.1\r\nHost: test\r\n{UPGRADE}\r\n"
        ));
        match head(&mut client) {
            Some(head) if head.status == 101 => Ok(Socket { client }),
            Some(head) => Err(with_body(&mut client, head)),
            None => Err(None),
        }
    }

    /// A WebSocket that has had its open packet.
    pub fn socket(&self) -> Socket {
        let mut socket = self.fresh();
        let opened = socket.text();
        assert!(opened.starts_with("0{"), "{opened}");
        socket
    }

    /// A WebSocket of which nothing has been read.
    pub fn fresh(&self) -> Socket {
        let opened = self.upgrade(WEBSOCKET);
        opened.unwrap_or_else(|answer| panic!("no WebSocket: {:?}", answer.map(|it| it.head)))
    }
}

/// The sid in an open packet.
pub fn sid(open: &str) -> String {
    let open: Value =
        serde_json::from_str(open.strip_prefix('0').expect("an open packet")).unwrap();
    open["sid"].as_str().unwrap().to_owned()
}

fn head(client: &mut Client) -> Option<Answer> {
    let head = String::from_utf8(client.try_until(b"\r\n\r\n")?).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let body = Vec::new();
    Some(Answer { status, head, body })
}

/// The body by its length, by chunks (RFC 9112 §7.1) or up to the end of the connection.
fn with_body(client: &mut Client, mut answer: Answer) -> Option<Answer> {
    if let Some(length) = answer.header("content-length") {
        answer.body = client.try_exactly(length.parse().unwrap())?;
    } else if answer.header("transfer-encoding").is_some() {
        loop {
            let size = String::from_utf8(client.try_until(b"\r\n")?).unwrap();
            let size = usize::from_str_radix(size.trim_end(), 16).unwrap();
            let chunk = client.try_exactly(size + 2)?;
            answer.body.extend(&chunk[..size]);
            if size == 0 {
                break;
            }
        }
    } else {
        while let Some(byte) = client.try_exactly(1) {
            answer.body.extend(byte);
        }
    }
    Some(answer)
}

/// The whole answer to what was asked; nothing where the connection ends before.
pub fn answer(client: &mut Client) -> Option<Answer> {
    let head = head(client)?;
    with_body(client, head)
}

/// A session over polling.
#[derive(Clone)]
pub struct Polling {
    pub place: Place,
    pub sid: String,
}

impl Polling {
    pub fn query(&self) -> String {
        format!("{POLLING}&sid={}", self.sid)
    }

    /// A GET whose answer is not read yet.
    pub fn hang(&self) -> Client {
        self.place.ask("GET", &self.query(), "", "")
    }

    pub fn get(&self) -> Answer {
        self.place.get(&self.query())
    }

    /// The payload of a good GET.
    pub fn take(&self) -> String {
        let answer = self.get();
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.text().to_owned()
    }

    pub fn post(&self, body: impl AsRef<[u8]>) -> Option<Answer> {
        self.place.post(&self.query(), body)
    }

    /// A POST that must be good.
    pub fn give(&self, body: impl AsRef<[u8]>) {
        let answer = self.post(body).expect("an answer to the POST");
        assert_eq!((answer.status, answer.text()), (200, "ok"));
    }

    /// That nothing more can be had of this session.
    pub fn expect_gone(&self) {
        let answer = self.get();
        assert_eq!(answer.status, 400, "{}", answer.text());
    }

    /// A WebSocket for this session, before its probe.
    pub fn upgrade(&self) -> Result<Socket, Option<Answer>> {
        self.place.upgrade(&format!("{WEBSOCKET}&sid={}", self.sid))
    }

    /// The same where there must be one.
    pub fn second(&self) -> Socket {
        let opened = self.upgrade();
        opened.unwrap_or_else(|answer| panic!("no WebSocket: {:?}", answer.map(|it| it.head)))
    }

    /// Goes over to the WebSocket, with all that belongs to it.
    pub fn upgraded(&self) -> Socket {
        let mut socket = self.second();
        socket.say("2probe");
        assert_eq!(socket.text(), "3probe");
        socket.say("5");
        socket
    }
}

#[derive(Debug, PartialEq)]
pub enum Heard {
    Text(String),
    Binary(Vec<u8>),
    /// With the code of the close frame, if there was one.
    Closed(Option<u16>),
}

pub struct Socket {
    pub client: Client,
}

impl Socket {
    pub fn say(&mut self, packet: &str) {
        self.client.send(masked(FIN | TEXT, packet.as_bytes()));
    }

    /// The same, to a server that may have hung up.
    pub fn try_say(&mut self, packet: &str) -> bool {
        self.client.try_send(masked(FIN | TEXT, packet.as_bytes()))
    }

    pub fn say_binary(&mut self, bytes: &[u8]) {
        self.client.send(masked(FIN | BINARY, bytes));
    }

    pub fn try_say_binary(&mut self, bytes: &[u8]) -> bool {
        self.client.try_send(masked(FIN | BINARY, bytes))
    }

    pub fn hear(&mut self) -> Heard {
        let Some((first, payload)) = try_read(&mut self.client) else {
            return Heard::Closed(None);
        };
        match first & !FIN {
            TEXT => Heard::Text(String::from_utf8(payload).unwrap()),
            BINARY => Heard::Binary(payload),
            CLOSE => {
                let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                Heard::Closed(code)
            }
            _ => panic!("a frame that begins with {first:#x}: {payload:x?}"),
        }
    }

    /// The next packet, which must be text.
    pub fn text(&mut self) -> String {
        match self.hear() {
            Heard::Text(text) => text,
            other => panic!("no text: {other:?}"),
        }
    }

    /// The next packet but pings, which are answered.
    pub fn text_but_pings(&mut self) -> String {
        loop {
            match self.text() {
                ping if ping == "2" => self.say("3"),
                text => return text,
            }
        }
    }

    pub fn binary(&mut self) -> Vec<u8> {
        match self.hear() {
            Heard::Binary(bytes) => bytes,
            other => panic!("no binary: {other:?}"),
        }
    }

    /// That the connection ends, whatever is still said before.
    pub fn expect_closed(&mut self) {
        while !matches!(self.hear(), Heard::Closed(_)) {}
    }

    /// That it ends, and nothing is said before but `packets`.
    pub fn expect_closed_after(&mut self, packets: &[&str]) {
        let mut said = Vec::new();
        loop {
            match self.hear() {
                Heard::Closed(_) => break,
                Heard::Text(text) => said.push(text),
                Heard::Binary(bytes) => panic!("{bytes:x?}"),
            }
        }
        assert_eq!(said, packets);
    }
}
