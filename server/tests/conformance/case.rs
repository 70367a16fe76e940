//! One case: frames that are sent, frames that must come back, and how it ends; and what runs it against
//! a server.

pub use crate::frame::*;
use crate::harness::{Client, Server};

pub const PROTOCOL_ERROR: &[u16] = &[1002];
pub const NOT_UTF8: &[u16] = &[1007];

/// How the frames between two answers are written.
#[derive(Clone, Copy)]
enum Writes {
    ByFrame,
    AtOnce,
    Pieces(usize),
}

enum Step {
    Send(Vec<u8>),
    Hear(u8, Vec<u8>),
}

enum End {
    /// We close with 1000, which is echoed.
    Ours,
    /// The server closes with one of these codes.
    Theirs(&'static [u16]),
}

pub struct Case {
    name: String,
    steps: Vec<Step>,
    writes: Writes,
    end: End,
}

pub fn case(name: impl Into<String>) -> Case {
    Case {
        name: name.into(),
        steps: Vec::new(),
        writes: Writes::ByFrame,
        end: End::Ours,
    }
}

impl Case {
    pub fn send(mut self, first: u8, payload: impl AsRef<[u8]>) -> Case {
        self.steps.push(Step::Send(masked(first, payload.as_ref())));
        self
    }

    /// Bytes that are no whole frame.
    pub fn send_bytes(mut self, bytes: &[u8]) -> Case {
        self.steps.push(Step::Send(bytes.to_vec()));
        self
    }

    pub fn send_close(self, code: u16, reason: impl AsRef<[u8]>) -> Case {
        let payload = [&code.to_be_bytes()[..], reason.as_ref()].concat();
        self.send(FIN | CLOSE, payload)
    }

    /// What must come next. Nothing else may come before it.
    pub fn hear(mut self, opcode: u8, payload: impl AsRef<[u8]>) -> Case {
        self.steps
            .push(Step::Hear(FIN | opcode, payload.as_ref().to_vec()));
        self
    }

    pub fn at_once(mut self) -> Case {
        self.writes = Writes::AtOnce;
        self
    }

    pub fn in_pieces(mut self, size: usize) -> Case {
        self.writes = Writes::Pieces(size);
        self
    }

    pub fn closed_with(mut self, codes: &'static [u16]) -> Case {
        self.end = End::Theirs(codes);
        self
    }

    /// Whether it is about what is refused alone, so that any WebSocket must pass it.
    fn is_refusal(&self) -> bool {
        let hears = |step: &Step| matches!(step, Step::Hear(..));
        matches!(self.end, End::Theirs(_)) && !self.steps.iter().any(hears)
    }

    fn run(&self, mut client: Client) {
        let mut waiting = Vec::new();
        for step in &self.steps {
            match step {
                Step::Send(bytes) if matches!(self.writes, Writes::ByFrame) => client.send(bytes),
                Step::Send(bytes) => waiting.extend(bytes),
                Step::Hear(first, payload) => {
                    self.write(&mut client, &std::mem::take(&mut waiting));
                    let (heard, bytes) = read(&mut client);
                    let start = &bytes[..bytes.len().min(60)];
                    assert_eq!(heard, *first, "{}: {start:x?}", self.name);
                    assert!(bytes == *payload, "{}: {start:x?}", self.name);
                }
            }
        }
        self.write(&mut client, &waiting);
        let codes = match self.end {
            End::Ours => {
                client.send(masked(FIN | CLOSE, &1000_u16.to_be_bytes()));
                &[1000]
            }
            End::Theirs(codes) => codes,
        };
        let (first, payload) = read(&mut client);
        assert_eq!(first, FIN | CLOSE, "{}: {payload:x?}", self.name);
        let (code, reason) = payload.split_first_chunk().unwrap();
        let code = u16::from_be_bytes(*code);
        assert!(codes.contains(&code), "{}: {code}", self.name);
        assert!(std::str::from_utf8(reason).is_ok(), "{}", self.name);
        client.expect_end();
    }

    fn write(&self, client: &mut Client, bytes: &[u8]) {
        match self.writes {
            Writes::ByFrame | Writes::AtOnce if bytes.is_empty() => {}
            Writes::ByFrame | Writes::AtOnce => client.send(bytes),
            Writes::Pieces(size) => bytes.chunks(size).for_each(|piece| client.send(piece)),
        }
    }
}

/// Runs all of a category, which has so many.
pub fn run(cases: &[Case], count: usize) {
    assert_eq!(cases.len(), count, "cases of the category");
    let server = Server::start(&["--conformance"]);
    for case in cases {
        case.run(open(&server, "/lab/echo"));
        if case.is_refusal() {
            let mut client = open(&server, "/rooms/KPL/ws");
            let (first, hello) = read(&mut client);
            assert_eq!(first, FIN | TEXT, "{}: {hello:x?}", case.name);
            case.run(client);
        }
    }
    assert_eq!(server.figure("websocket", "deliveries"), 0);
}

pub fn open(server: &Server, path: &str) -> Client {
    let mut client = server.connect();
    client.send(format!(
        "GET {path} HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ));
    assert_eq!(client.head().status, 101);
    client
}
