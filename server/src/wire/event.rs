//! The JSON that both ends exchange: what a publisher sends, what a subscriber receives, and the
//! envelope of a poll. Shapes only; SSE fields, lines and frames belong to each end.

use super::cursor::Cursor;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Types of messages that only the server may send.
pub const RESERVED_TYPES: [&str; 6] = ["hello", "error", "join", "left", "list", "gap"];

/// Longest `type`, in characters.
pub const MAX_TYPE_CHARS: usize = 64;

/// The body of a publish: `{"type":"chat","data":…}`, and a `key` where it may be sent again.
#[derive(Debug, Deserialize, Serialize)]
pub struct Publish<'a> {
    #[serde(rename = "type", borrow)]
    pub kind: Cow<'a, str>,
    #[serde(borrow)]
    pub data: &'a RawValue,
    /// By what a second copy is known, as by an `Idempotency-Key`: a frame has no header.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Cow<'a, str>>,
}

/// The answer to a publish by POST.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Published {
    pub cursor: String,
    pub offset: u64,
}

/// The answer of both polls. `missed` is `None` where the count cannot be known.
#[derive(Debug, Deserialize, Serialize)]
pub struct PollAnswer<'a> {
    #[serde(borrow)]
    pub cursor: Cow<'a, str>,
    pub missed: Option<u64>,
    #[serde(borrow)]
    pub events: Vec<&'a RawValue>,
    /// The batch was capped: ask again at once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
}

/// One message of a stream or a WebSocket, as far as a client must understand it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// First message of a connection.
    Hello { cursor: Cursor, missed: Option<u64> },
    /// Events fell off the history before this subscriber read them.
    Gap { cursor: Cursor, missed: Option<u64> },
    /// An event of the room; its offset.
    Event { id: u64 },
    /// A publish of this client was refused.
    Error { status: u16 },
}

/// What tells one message from another, in whichever format it came.
#[derive(Deserialize)]
pub struct Probe<'a> {
    #[serde(default)]
    id: Option<u64>,
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    cursor: Option<Cow<'a, str>>,
    #[serde(default)]
    missed: Option<u64>,
    #[serde(default)]
    status: Option<u16>,
}

impl Message {
    /// Reads one JSON message; `None` if it is not one of ours.
    pub fn parse(text: &[u8]) -> Option<Message> {
        if let Some(id) = leading_id(text) {
            return Some(Message::Event { id });
        }
        serde_json::from_slice::<Probe<'_>>(text).ok()?.message()
    }
}

impl Probe<'_> {
    /// `None` if it is not one of ours.
    pub fn message(&self) -> Option<Message> {
        let cursor = self.cursor.as_deref().and_then(|c| c.parse().ok());
        let missed = self.missed;
        match (self.id, &*self.kind) {
            (Some(id), _) => Some(Message::Event { id }),
            (None, "hello") => Some(Message::Hello {
                cursor: cursor?,
                missed,
            }),
            (None, "gap") => Some(Message::Gap {
                cursor: cursor?,
                missed,
            }),
            (None, "error") => Some(Message::Error {
                status: self.status?,
            }),
            (None, _) => None,
        }
    }
}

/// The server writes `{"id":7,` first, so most messages need no JSON parser.
fn leading_id(text: &[u8]) -> Option<u64> {
    let rest = text.strip_prefix(br#"{"id":"#)?;
    let digits = rest.iter().position(|b| !b.is_ascii_digit())?;
    if digits == 0 || digits > 19 || rest[digits] != b',' {
        return None;
    }
    Some(
        rest[..digits]
            .iter()
            .fold(0, |n, b| n * 10 + u64::from(b - b'0')),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::cursor::Epoch;

    #[test]
    fn messages_are_told_apart() {
        let cursor = Cursor {
            epoch: Epoch(10),
            offset: 4,
        };
        let cases: [(&str, Option<Message>); 8] = [
            (
                r#"{"id":7,"type":"chat","data":1}"#,
                Some(Message::Event { id: 7 }),
            ),
            (
                r#"{"type":"chat","id":8,"data":{"id":1}}"#,
                Some(Message::Event { id: 8 }),
            ),
            (
                r#"{"type":"hello","cursor":"a-4","missed":0}"#,
                Some(Message::Hello {
                    cursor,
                    missed: Some(0),
                }),
            ),
            (
                r#"{"type":"gap","missed":null,"cursor":"a-4"}"#,
                Some(Message::Gap {
                    cursor,
                    missed: None,
                }),
            ),
            (
                r#"{"type":"error","status":413,"title":"x"}"#,
                Some(Message::Error { status: 413 }),
            ),
            (r#"{"type":"hello","cursor":"瑶"}"#, None),
            ("plain text", None),
            (r#"{"id":99999999999999999999,"type":"x"}"#, None),
        ];
        for (text, expected) in cases {
            assert_eq!(Message::parse(text.as_bytes()), expected, "{text}");
        }
    }
}
