//! Where the messages of one direction of an HTTP/1.1 connection begin and end (RFC 9112 §6), bytes
//! coming in any cutting. It understands no more than that needs, changes nothing, and lets what it
//! does not understand pass as it is.

use bytes::{Bytes, BytesMut};

/// A longer head is none that this server would take.
const LONGEST_HEAD: usize = 128 * 1024;

/// What follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    Bytes(u64),
    Chunked,
    /// Until the connection ends.
    Endless,
    /// Another protocol, from here on.
    Foreign,
}

/// What came next.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A head, blank line included. [`Messages::body`] must say what follows.
    Head(Bytes),
    /// Of a body; whether the message ends with it.
    Body(&'a [u8], bool),
    Foreign(&'a [u8]),
}

enum State {
    Head,
    Bytes(u64),
    ChunkSize(u64),
    ChunkExtension(u64),
    /// Data and the line end after it.
    Chunk(u64),
    /// Bytes of the present line of the trailer.
    Trailer(usize),
    Endless,
    Foreign,
}

pub struct Messages {
    state: State,
    head: BytesMut,
}

impl Default for Messages {
    fn default() -> Self {
        Messages {
            state: State::Head,
            head: BytesMut::new(),
        }
    }
}

impl Messages {
    /// The next piece of `bytes`, which are shortened by it; `None` when there is none yet.
    pub fn next<'a>(&mut self, bytes: &mut &'a [u8]) -> Option<Piece<'a>> {
        if bytes.is_empty() {
            return None;
        }
        match self.state {
            State::Head => self.next_of_head(bytes),
            State::Foreign => Some(Piece::Foreign(take(bytes, usize::MAX))),
            State::Endless => Some(Piece::Body(take(bytes, usize::MAX), false)),
            State::Bytes(left) => {
                let piece = take(bytes, usize::try_from(left).unwrap_or(usize::MAX));
                let left = left - piece.len() as u64;
                self.state = if left == 0 {
                    State::Head
                } else {
                    State::Bytes(left)
                };
                Some(Piece::Body(piece, left == 0))
            }
            State::ChunkSize(_)
            | State::ChunkExtension(_)
            | State::Chunk(_)
            | State::Trailer(_) => {
                let all = *bytes;
                let ended = self.chunks(bytes);
                Some(Piece::Body(&all[..all.len() - bytes.len()], ended))
            }
        }
    }

    /// What follows the head that was just given out.
    pub fn body(&mut self, body: Body) {
        self.state = match body {
            Body::Bytes(0) => State::Head,
            Body::Bytes(count) => State::Bytes(count),
            Body::Chunked => State::ChunkSize(0),
            Body::Endless => State::Endless,
            Body::Foreign => State::Foreign,
        };
    }

    /// What has come of a head that is not whole.
    pub fn rest(&mut self) -> Bytes {
        self.head.split().freeze()
    }

    fn next_of_head<'a>(&mut self, bytes: &mut &'a [u8]) -> Option<Piece<'a>> {
        if self.head.is_empty() && !matches!(bytes[0], b'A'..=b'Z' | b'\r' | b'\n') {
            self.state = State::Foreign;
            return Some(Piece::Foreign(take(bytes, usize::MAX)));
        }
        while let [first, rest @ ..] = *bytes {
            self.head.extend_from_slice(&[*first]);
            *bytes = rest;
            if self.head.ends_with(b"\r\n\r\n") || self.head.ends_with(b"\n\n") {
                return Some(Piece::Head(self.rest()));
            }
        }
        if self.head.len() > LONGEST_HEAD {
            self.state = State::Foreign;
            return Some(Piece::Head(self.rest()));
        }
        None
    }

    /// Goes on within a chunked body; whether it has ended.
    fn chunks(&mut self, bytes: &mut &[u8]) -> bool {
        loop {
            if let State::Chunk(left) = self.state {
                let left =
                    left - take(bytes, usize::try_from(left).unwrap_or(usize::MAX)).len() as u64;
                self.state = if left == 0 {
                    State::ChunkSize(0)
                } else {
                    State::Chunk(left)
                };
            }
            let [first, rest @ ..] = *bytes else {
                return false;
            };
            *bytes = rest;
            if matches!(self.state, State::Trailer(0)) && *first == b'\n' {
                self.state = State::Head;
                return true;
            }
            self.line(*first);
        }
    }

    /// One byte of a chunk's size or of the trailer.
    fn line(&mut self, byte: u8) {
        match (&mut self.state, byte) {
            (State::ChunkSize(size) | State::ChunkExtension(size), b'\n') => {
                self.state = match *size {
                    0 => State::Trailer(0),
                    size => State::Chunk(size.saturating_add(2)),
                };
            }
            (State::ChunkSize(size), _) => match char::from(byte).to_digit(16) {
                Some(digit) => *size = size.saturating_mul(16).saturating_add(u64::from(digit)),
                None => self.state = State::ChunkExtension(*size),
            },
            (State::Trailer(line), b'\n') => *line = 0,
            (State::Trailer(line), _) if byte != b'\r' => *line += 1,
            _ => {}
        }
    }
}

fn take<'a>(bytes: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (piece, rest) = bytes.split_at(bytes.len().min(most));
    *bytes = rest;
    piece
}

/// What follows the head of a request.
pub fn body_of_request(head: &[u8]) -> Body {
    length(head).unwrap_or(Body::Bytes(0))
}

/// What follows the head of an answer; `to_head` = it answers a HEAD request.
pub fn body_of_answer(head: &[u8], to_head: bool) -> Body {
    match status(head) {
        101 => Body::Foreign,
        100..=199 | 204 | 304 => Body::Bytes(0),
        _ if to_head => Body::Bytes(0),
        _ => length(head).unwrap_or(Body::Endless),
    }
}

/// 0 where there is none.
pub fn status(head: &[u8]) -> u16 {
    let code = head.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    std::str::from_utf8(code)
        .ok()
        .and_then(|code| code.get(..3)?.parse().ok())
        .unwrap_or(0)
}

fn length(head: &[u8]) -> Option<Body> {
    if field(head, "transfer-encoding").is_some_and(|value| value.ends_with("chunked")) {
        return Some(Body::Chunked);
    }
    let length = field(head, "content-length")?;
    Some(length.parse().map_or(Body::Foreign, Body::Bytes))
}

/// The value of a field, in lower case.
pub fn field(head: &[u8], name: &str) -> Option<String> {
    head.split(|byte| *byte == b'\n').skip(1).find_map(|line| {
        let line = std::str::from_utf8(line).ok()?;
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name)
            .then(|| value.trim().to_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of each message, fed in pieces of `size`.
    fn messages(text: &str, size: usize) -> Vec<String> {
        let mut reader = Messages::default();
        let mut found = vec![String::new()];
        for mut bytes in text.as_bytes().chunks(size) {
            while let Some(piece) = reader.next(&mut bytes) {
                let (bytes, ended) = match &piece {
                    Piece::Head(head) => {
                        let body = body_of_answer(head, false);
                        reader.body(body);
                        (&head[..], body == Body::Bytes(0))
                    }
                    Piece::Body(bytes, ended) => (*bytes, *ended),
                    Piece::Foreign(bytes) => (*bytes, false),
                };
                found
                    .last_mut()
                    .unwrap()
                    .push_str(std::str::from_utf8(bytes).unwrap());
                if ended {
                    found.push(String::new());
                }
            }
        }
        found
    }

    #[test]
    fn messages_end_where_their_framing_says_however_they_are_cut() {
        let all = [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            "HTTP/1.1 204 No Content\r\nx: y\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTRANSFER-encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\nsum: 1\r\n\r\n",
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n",
            "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n",
            "\u{1}anything\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        ];
        let text = all.concat();
        let mut expected: Vec<String> = all[..5].iter().map(|one| one.to_string()).collect();
        expected.push(all[5..].concat());
        for size in 1..=text.len() {
            assert_eq!(messages(&text, size), expected, "{size}");
        }
    }

    #[test]
    fn what_is_no_http_passes_as_it_is() {
        let mut reader = Messages::default();
        let mut bytes = &b"\x16\x03\x01\r\n\r\n"[..];
        assert_eq!(
            reader.next(&mut bytes),
            Some(Piece::Foreign(b"\x16\x03\x01\r\n\r\n"))
        );
        let mut reader = Messages::default();
        let long = Bytes::from(vec![b'A'; LONGEST_HEAD + 1]);
        assert_eq!(reader.next(&mut &long[..]), Some(Piece::Head(long.clone())));
        assert_eq!(reader.next(&mut &b"B"[..]), Some(Piece::Foreign(b"B")));
    }

    #[test]
    fn lengths_that_are_none_are_not_trusted() {
        let head = |length: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
        assert_eq!(body_of_answer(head("-1").as_bytes(), false), Body::Foreign);
        assert_eq!(body_of_answer(head("7").as_bytes(), true), Body::Bytes(0));
        assert_eq!(
            body_of_answer(b"HTTP/1.1 200 OK\r\n\r\n", false),
            Body::Endless
        );
        assert_eq!(body_of_request(b"GET / HTTP/1.1\r\n\r\n"), Body::Bytes(0));
        assert_eq!(status(b"HTTP/1.1"), 0);
    }
}
