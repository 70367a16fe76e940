//! The token that opens the `data` of every event: run, publisher, sequence. It is all that the
//! generator needs back, so any server that passes the payload on can be measured.
//!
//! `k3j9x0.1c.2f;` and padding; at most 20 characters.

use std::io::Write;

/// Tells this trial's events from any other's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunTag([u8; 6]);

/// Who sent an event, and which of the sender's events it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token {
    /// The event that shows a room's subscribers to be ready.
    Probe {
        room: u32,
    },
    Event {
        publisher: u32,
        sequence: u32,
    },
}

const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const MAX_TOKEN: usize = 20;

/// Smallest `data` that every token of `publishers` with `events` each fits in, its quotes included.
pub fn least_payload(publishers: u64, events: u64) -> usize {
    let digits = |number: u64| number.checked_ilog(36).unwrap_or(0) as usize + 1;
    // Tag, publisher and sequence, each with its mark; a probe has the room for a sequence.
    let token = 6 + 1 + digits(publishers) + 1 + digits(events.max(publishers)) + 1;
    token.min(MAX_TOKEN) + 2
}

impl RunTag {
    pub fn from_number(mut number: u64) -> RunTag {
        let mut tag = [0; 6];
        for digit in &mut tag {
            *digit = DIGITS[(number % 36) as usize];
            number /= 36;
        }
        RunTag(tag)
    }

    /// Finds the token in what was received, wherever the payload stands in it.
    pub fn find(&self, bytes: &[u8]) -> Option<Token> {
        let at = memchr::memmem::find(bytes, &self.0)?;
        self.at(&bytes[at..])
    }

    /// All of them, in their order.
    pub fn find_all(&self, bytes: &[u8]) -> impl Iterator<Item = Token> {
        memchr::memmem::find_iter(bytes, &self.0).filter_map(move |at| self.at(&bytes[at..]))
    }

    fn at(&self, bytes: &[u8]) -> Option<Token> {
        let mut parts = bytes[self.0.len()..].strip_prefix(b".")?;
        let publisher = number(&mut parts, b'.')?;
        let sequence = number(&mut parts, b';')?;
        Some(match publisher.checked_sub(1) {
            None => Token::Probe { room: sequence },
            Some(publisher) => Token::Event {
                publisher,
                sequence,
            },
        })
    }

    /// Writes the body of a publish whose `data` has `payload` bytes, its quotes included.
    pub fn write_publish(&self, token: Token, payload: usize, body: &mut Vec<u8>) {
        body.extend_from_slice(br#"{"type":"chat","data":"#);
        self.write_data(token, payload, body);
        body.push(b'}');
    }

    /// Writes `payload` bytes of plain text, for a server that is not ours.
    pub fn write_text(&self, token: Token, payload: usize, out: &mut Vec<u8>) {
        let start = out.len();
        self.write(token, out);
        out.resize((start + payload).max(out.len()), b'x');
    }

    /// Writes that `data` alone, a JSON string.
    pub fn write_data(&self, token: Token, payload: usize, out: &mut Vec<u8>) {
        let start = out.len();
        out.push(b'"');
        self.write(token, out);
        let end = (start + payload).saturating_sub(1).max(out.len());
        out.resize(end, b'x');
        out.push(b'"');
    }

    fn write(&self, token: Token, out: &mut Vec<u8>) {
        let (publisher, sequence) = match token {
            Token::Probe { room } => (0, room),
            Token::Event {
                publisher,
                sequence,
            } => (u64::from(publisher) + 1, sequence),
        };
        out.extend_from_slice(&self.0);
        out.push(b'.');
        write_base36(publisher, out);
        out.push(b'.');
        write_base36(u64::from(sequence), out);
        out.push(b';');
    }
}

/// A request with an event.
pub struct Post<'a> {
    pub path: &'a str,
    pub host: &'a str,
    pub media_type: &'a str,
    pub body: &'a [u8],
}

impl Post<'_> {
    /// With these headers beside those that it needs.
    pub fn write<'a>(&self, headers: impl Iterator<Item = (&'a str, &'a str)>, out: &mut Vec<u8>) {
        let to_vec = "writing to a Vec cannot fail";
        let Post {
            path,
            host,
            media_type,
            body,
        } = self;
        write!(
            out,
            "POST {path} HTTP/1.1\r\nHost: {host}\r\n\
             Content-Type: {media_type}\r\nContent-Length: {}\r\n",
            body.len()
        )
        .expect(to_vec);
        for (name, value) in headers {
            write!(out, "{name}: {value}\r\n").expect(to_vec);
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(body);
    }
}

fn write_base36(mut number: u64, out: &mut Vec<u8>) {
    let start = out.len();
    loop {
        out.push(DIGITS[(number % 36) as usize]);
        number /= 36;
        if number == 0 {
            break;
        }
    }
    out[start..].reverse();
}

/// Takes base-36 digits up to `end`.
fn number(bytes: &mut &[u8], end: u8) -> Option<u32> {
    let mut number: u64 = 0;
    for (at, byte) in bytes.iter().take(8).enumerate() {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'a'..=b'z' => byte - b'a' + 10,
            _ if *byte == end && at > 0 => {
                *bytes = &bytes[at + 1..];
                return u32::try_from(number).ok();
            }
            _ => return None,
        };
        number = number * 36 + u64::from(digit);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_survives_its_payload() {
        let tag = RunTag::from_number(0x1234_5678_9abc);
        let tokens = [
            Token::Probe { room: 0 },
            Token::Probe { room: 99_999 },
            Token::Event {
                publisher: 0,
                sequence: 0,
            },
            Token::Event {
                publisher: 60_000_000,
                sequence: 1_000_000_000,
            },
        ];
        for token in tokens {
            for payload in [MAX_TOKEN + 2, 24, 128, 60_000] {
                let mut body = Vec::new();
                tag.write_publish(token, payload, &mut body);
                assert_eq!(tag.find(&body), Some(token));
                let parsed: serde_json::Value = serde_json::from_slice(&body).unwrap();
                assert_eq!(parsed["data"].as_str().unwrap().len() + 2, payload);
            }
        }
    }

    #[test]
    fn the_least_payload_is_that_of_the_longest_token() {
        let tag = RunTag::from_number(1);
        let longest = |publishers: u64, events: u64| {
            let mut body = Vec::new();
            let token = Token::Event {
                publisher: publishers as u32 - 1,
                sequence: events as u32 - 1,
            };
            tag.write_publish(token, 0, &mut body);
            let parsed: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(tag.find(&body), Some(token));
            parsed["data"].as_str().unwrap().len() + 2
        };
        for (publishers, events, least) in [(1, 35, 13), (1, 1_000, 14), (36, 2_000, 16)] {
            assert!(longest(publishers, events) <= least_payload(publishers, events));
            assert_eq!(
                least_payload(publishers, events),
                least,
                "{publishers} {events}"
            );
        }
    }

    #[test]
    fn what_is_not_ours_is_not_found() {
        let tag = RunTag::from_number(7);
        let mut body = Vec::new();
        RunTag::from_number(8).write_publish(Token::Probe { room: 1 }, 64, &mut body);
        assert_eq!(tag.find(&body), None);
        for text in [
            "700000",
            "700000.",
            "700000..1;",
            "700000.1.",
            "700000.1.zzzzzzzz;",
        ] {
            assert_eq!(tag.find(text.as_bytes()), None, "{text}");
        }
        assert_eq!(
            tag.find(b"700000.1.z;"),
            Some(Token::Event {
                publisher: 0,
                sequence: 35
            })
        );
    }
}
