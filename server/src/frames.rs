//! One event encoded once per framing and shared by every subscriber that reads it in that framing.
//! The SSE form is made at publish; the JSON object and the NDJSON line are slices of it, and the
//! WebSocket frames and Socket.IO packets are made when a first subscriber asks. Server frames bear no
//! mask (RFC 6455 §5.1), so one frame serves all.

pub mod socketio;

use crate::identity::User;
use crate::value::Plain;
use crate::wire::cursor::Cursor;
use crate::wire::socketio::attachments;
use bytes::{BufMut, Bytes, BytesMut};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// An event of a room, as the history keeps it.
pub struct Event {
    pub offset: u64,
    /// The name of its room; only Socket.IO, which carries several rooms, says it.
    room: Arc<str>,
    /// One chunk (RFC 9112 §7.1) with the event's SSE form in it.
    sse_chunk: Bytes,
    /// Where the SSE form stands within `sse_chunk`.
    sse: Range<usize>,
    /// Where the JSON object stands within `sse_chunk`; a newline follows it.
    json: Range<usize>,
    line_chunk: OnceLock<Bytes>,
    websocket: OnceLock<Bytes>,
    msgpack: OnceLock<Bytes>,
    is_bare: bool,
    may_hold_binary: bool,
    socketio: OnceLock<Box<socketio::Encoded>>,
}

/// What the publisher gave, checked and compacted.
pub struct Draft {
    /// Who it is, where he has said so.
    pub user: Option<Arc<User>>,
    /// By what a second copy of it is known, as the publisher wrote it.
    pub key: Option<Box<str>>,
    /// The `type` as a JSON string, quotes included.
    pub kind_json: String,
    /// The `data` as compact JSON: no newline can stand in it.
    pub data_json: String,
}

impl Draft {
    /// The same, published by this user.
    pub fn by(self, user: Option<Arc<User>>) -> Draft {
        Draft { user, ..self }
    }

    /// The key as the history has it. A user's keys are his own: one who knows another's cannot have it
    /// answered, or swallow an event by it.
    pub fn key(&self) -> Option<Cow<'_, str>> {
        let key = self.key.as_deref()?;
        Some(match &self.user {
            None => key.into(),
            // No key holds a newline.
            Some(user) => format!("{}\n{key}", user.id).into(),
        })
    }
}

impl Event {
    /// Encodes `draft` at `cursor` of `room`; `bare` leaves all but the data out.
    pub fn new(room: &Arc<str>, cursor: Cursor, draft: &Draft, bare: bool) -> Event {
        let mut sse = String::with_capacity(draft.data_json.len() + draft.kind_json.len() + 80);
        if !bare {
            sse.push_str(&format!("id: {cursor}\n"));
        }
        sse.push_str("data: ");
        let start = sse.len();
        if bare {
            sse.push_str(&draft.data_json);
        } else {
            sse.push_str(&format!(r#"{{"id":{},"type":"#, cursor.offset));
            sse.push_str(&draft.kind_json);
            if let Some(user) = &draft.user {
                sse.push_str(r#","user":"#);
                sse.push_str(&user.json());
            }
            sse.push_str(r#","data":"#);
            sse.push_str(&draft.data_json);
            sse.push('}');
        }
        let end = sse.len();
        sse.push_str("\n\n");
        let (sse_chunk, head) = chunk(sse.as_bytes());
        Event {
            offset: cursor.offset,
            room: Arc::clone(room),
            sse: head..head + sse.len(),
            json: head + start..head + end,
            sse_chunk,
            line_chunk: OnceLock::new(),
            websocket: OnceLock::new(),
            msgpack: OnceLock::new(),
            is_bare: bare,
            may_hold_binary: attachments::may_hold_binary(draft.data_json.as_bytes()),
            socketio: OnceLock::new(),
        }
    }

    /// `{"id":7,"type":"chat","data":…}`, or the data alone on a bare server.
    pub fn json(&self) -> &[u8] {
        &self.sse_chunk[self.json.clone()]
    }

    /// `id:` and `data:` lines and the empty line that dispatches them.
    pub fn sse(&self) -> Bytes {
        self.sse_chunk.slice(self.sse.clone())
    }

    /// The same as one chunk of a chunked body.
    pub fn sse_chunk(&self) -> &Bytes {
        &self.sse_chunk
    }

    /// The JSON object and a newline.
    pub fn line(&self) -> Bytes {
        self.sse_chunk.slice(self.json.start..self.json.end + 1)
    }

    /// The same as one chunk of a chunked body.
    pub fn line_chunk(&self) -> &Bytes {
        self.line_chunk.get_or_init(|| chunk(&self.line()).0)
    }

    /// A text frame with the JSON object.
    pub fn websocket(&self) -> &Bytes {
        self.websocket
            .get_or_init(|| frame(Opcode::Text, self.json()))
    }

    /// A binary frame with the same object as MessagePack.
    pub fn msgpack(&self) -> &Bytes {
        self.msgpack
            .get_or_init(|| frame(Opcode::Binary, &json_to_msgpack(self.json())))
    }

    /// A text frame with the packet of Socket.IO, and a binary one for each of its attachments.
    pub fn socketio(&self) -> &Bytes {
        &self.encoded().frames
    }

    /// The same as packets of a poll's payload.
    pub fn socketio_packet(&self) -> &Bytes {
        &self.encoded().packet
    }

    fn encoded(&self) -> &socketio::Encoded {
        self.socketio.get_or_init(|| {
            let place = (!self.is_bare).then(|| (&*self.room, self.cursor()));
            let encoded = socketio::encode(self.json(), place, self.may_hold_binary);
            Box::new(encoded)
        })
    }

    /// The cursor as it stands in the `id:` line, which a bare event has not.
    fn cursor(&self) -> &str {
        let line = &self.sse_chunk[self.sse.start + "id: ".len()..self.json.start];
        let cursor = &line[..line.len() - "\ndata: ".len()];
        std::str::from_utf8(cursor).expect("a cursor is ASCII")
    }

    /// Most that this event can come to hold: four encodings, none longer than the first, and those of
    /// Socket.IO.
    pub fn size(&self) -> usize {
        let first = self.sse_chunk.len();
        let socketio = socketio::most(first, &self.room, self.may_hold_binary);
        4 * first + socketio + size_of::<Event>()
    }
}

/// One chunk of a chunked body, and where in it `content` begins. Written as actix writes it, so
/// that a client cannot tell which way an event came.
fn chunk(content: &[u8]) -> (Bytes, usize) {
    let head = format!("{:X}\r\n", content.len());
    let chunk = [head.as_bytes(), content, b"\r\n"].concat();
    (Bytes::from(chunk.into_boxed_slice()), head.len())
}

/// MessagePack of a JSON text that publishing has checked.
pub fn json_to_msgpack(json: &[u8]) -> Vec<u8> {
    let Plain(value) =
        serde_json::from_slice(json).expect("publishing refuses what does not parse");
    rmp_serde::to_vec_named(&value).expect("a JSON value has a MessagePack form")
}

/// The envelope of a poll: `{"cursor":"e-9","missed":0,"events":[…]}`, and `"more":true` where the
/// batch was capped.
pub fn answer<'a>(
    cursor: Cursor,
    missed: Option<u64>,
    events: impl Iterator<Item = &'a [u8]>,
    more: bool,
) -> Bytes {
    let missed = known(missed);
    let mut body = format!(r#"{{"cursor":"{cursor}","missed":{missed},"events":["#).into_bytes();
    join(&mut body, events, b',');
    body.extend_from_slice(if more { br#"],"more":true}"# } else { b"]}" });
    body.into()
}

/// The data of the events, one a line.
pub fn bare_answer<'a>(events: impl Iterator<Item = &'a [u8]>) -> Bytes {
    let mut body = Vec::new();
    join(&mut body, events, b'\n');
    body.into()
}

fn join<'a>(body: &mut Vec<u8>, parts: impl Iterator<Item = &'a [u8]>, separator: u8) {
    for (index, part) in parts.enumerate() {
        if index > 0 {
            body.push(separator);
        }
        body.extend_from_slice(part);
    }
}

/// The first message of a connection.
pub fn hello(cursor: Cursor, missed: Option<u64>) -> String {
    format!(
        r#"{{"type":"hello","cursor":"{cursor}","missed":{}}}"#,
        known(missed)
    )
}

/// Who is in the room, `members` being JSON.
pub fn list(members: &str) -> String {
    format!(r#"{{"type":"list","data":{members}}}"#)
}

/// Events fell off the history unread.
pub fn gap(cursor: Cursor, missed: u64) -> String {
    format!(r#"{{"type":"gap","missed":{missed},"cursor":"{cursor}"}}"#)
}

fn known(count: Option<u64>) -> String {
    count.map_or_else(|| "null".to_owned(), |count| count.to_string())
}

/// RFC 6455 §5.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

impl Opcode {
    /// `None` for a reserved one.
    pub fn of(number: u8) -> Option<Opcode> {
        Some(match number {
            0 => Opcode::Continuation,
            1 => Opcode::Text,
            2 => Opcode::Binary,
            8 => Opcode::Close,
            9 => Opcode::Ping,
            10 => Opcode::Pong,
            _ => return None,
        })
    }

    pub fn is_control(self) -> bool {
        self as u8 & 0x08 != 0
    }
}

/// One unmasked, unfragmented frame: 2, 4 or 10 bytes and the payload.
pub fn frame(opcode: Opcode, payload: &[u8]) -> Bytes {
    let mut frame = BytesMut::with_capacity(payload.len() + 10);
    put_head(&mut frame, opcode, payload.len());
    frame.put_slice(payload);
    frame.freeze()
}

/// What stands before a payload of this length in such a frame.
pub fn frame_head(opcode: Opcode, length: usize) -> Bytes {
    let mut head = BytesMut::with_capacity(10);
    put_head(&mut head, opcode, length);
    head.freeze()
}

fn put_head(frame: &mut BytesMut, opcode: Opcode, length: usize) {
    const FIN: u8 = 0x80;
    frame.put_u8(FIN | opcode as u8);
    match length {
        0..=125 => frame.put_u8(length as u8),
        126..=0xffff => {
            frame.put_u8(126);
            frame.put_u16(length as u16);
        }
        _ => {
            frame.put_u8(127);
            frame.put_u64(length as u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::publish;
    use crate::wire::cursor::Epoch;

    fn event(bare: bool) -> Event {
        let draft = publish::trusted("chat", r#"{"text":"瑶"}"#.into());
        let cursor = Cursor {
            epoch: Epoch(10),
            offset: 7,
        };
        Event::new(&"峡谷".into(), cursor, &draft, bare)
    }

    #[test]
    fn every_framing_holds_the_same_object() {
        let event = event(false);
        let json = r#"{"id":7,"type":"chat","data":{"text":"瑶"}}"#;
        assert_eq!(event.json(), json.as_bytes());
        assert_eq!(event.line(), format!("{json}\n"));
        let sse = format!("id: a-7\ndata: {json}\n\n");
        assert_eq!(event.sse(), sse);
        assert_eq!(*event.sse_chunk(), format!("{:X}\r\n{sse}\r\n", sse.len()));
        assert_eq!(
            *event.line_chunk(),
            format!("{:X}\r\n{json}\n\r\n", json.len() + 1)
        );
        assert_eq!(&event.websocket()[..2], [0x81, json.len() as u8]);
        assert_eq!(&event.websocket()[2..], json.as_bytes());
        let packed: serde_json::Value = rmp_serde::from_slice(&event.msgpack()[2..]).unwrap();
        assert_eq!(
            packed,
            serde_json::from_str::<serde_json::Value>(json).unwrap()
        );
    }

    #[test]
    fn a_named_publisher_stands_between_type_and_data() {
        let user = User {
            id: "0123456789ab".into(),
            name: r#"<瑶> "y""#.into(),
        };
        let draft = publish::trusted("chat", "1".into()).by(Some(Arc::new(user)));
        let cursor = Cursor {
            epoch: Epoch(10),
            offset: 7,
        };
        let json =
            r#"{"id":7,"type":"chat","user":{"id":"0123456789ab","name":"<瑶> \"y\""},"data":1}"#;
        let event = |bare| Event::new(&"峡谷".into(), cursor, &draft, bare);
        assert_eq!(event(false).json(), json.as_bytes());
        assert_eq!(event(true).json(), b"1");
    }

    #[test]
    fn a_bare_event_is_its_data() {
        assert_eq!(event(true).sse(), "data: {\"text\":\"瑶\"}\n\n");
        assert_eq!(event(true).line(), "{\"text\":\"瑶\"}\n");
    }

    #[test]
    fn frame_headers_grow_at_126_and_65536() {
        for (length, header) in [(0, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let frame = frame(Opcode::Text, &vec![b'x'; length]);
            assert_eq!(frame.len(), length + header, "payload of {length}");
        }
    }
}
