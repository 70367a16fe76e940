//! Events as Socket.IO packets: `["event", <the event>, "<room>", "<cursor>"]`, on a bare server
//! `["event", <the data>]`. The last string is what a client remembers and gives back when it comes again
//! (its `offset`). Binary data in an event goes as attachments, behind the packet's text.

use super::{Opcode, frame};
use crate::value::Plain;
use crate::wire::engineio::{Packet, SEPARATOR};
use crate::wire::socketio::{Kind, MAIN, MAX_ATTACHMENTS, attachments, write_head};
use bytes::Bytes;
use serde_json::Value;

/// The name under which everything of a room comes.
pub const EVENT: &str = "event";

/// What an attachment takes more than the base64 that it stands for: `{"_placeholder":true,"num":0}` and
/// a frame's head, or a separator and a `b`, for `{"$binary":""}`; data makes the frame shorter.
const GROWTH: usize = 17;

/// Most that all of them take more, with how many they are.
const ATTACHED: usize = MAX_ATTACHMENTS * GROWTH + "10-".len();

/// One event in both forms.
pub struct Encoded {
    /// WebSocket frames: of the text, and of each attachment.
    pub frames: Bytes,
    /// What a poll's payload has; without attachments, a part of `frames`.
    pub packet: Bytes,
}

/// Most that [`encode`] can come to for an event whose SSE chunk has so many bytes.
pub fn most(sse_chunk: usize, room: &str, may_hold_binary: bool) -> usize {
    // A name holds no control characters: at worst each byte has a backslash before it.
    let one = sse_chunk + 2 * room.len() + 12;
    let both = match may_hold_binary {
        false => one,
        true => 2 * (one + ATTACHED),
    };
    both + size_of::<Encoded>()
}

/// Encodes an event of the room and cursor that `place` names; none on a bare server.
pub fn encode(json: &[u8], place: Option<(&str, &str)>, may_hold_binary: bool) -> Encoded {
    let text = std::str::from_utf8(json).expect("JSON is UTF-8");
    let packet = packet(text, place);
    let frames = frame(Opcode::Text, packet.as_bytes());
    // Numbers are written anew, and may be longer than they came: what the event counts for is not exceeded.
    if may_hold_binary
        && let Some(encoded) = with_attachments(json, place)
        && encoded.frames.len().max(encoded.packet.len()) <= frames.len() + ATTACHED
    {
        return encoded;
    }
    Encoded {
        packet: frames.slice(frames.len() - packet.len()..),
        frames,
    }
}

fn with_attachments(json: &[u8], place: Option<(&str, &str)>) -> Option<Encoded> {
    let Plain(mut value) =
        serde_json::from_slice(json).expect("publishing refuses what does not parse");
    let attachments = attachments::take_out(&mut value)?;
    let text = text(attachments.len(), &value.to_string(), place);
    let mut frames = frame(Opcode::Text, text.as_bytes()).to_vec();
    let mut packet = text;
    for data in &attachments {
        frames.extend_from_slice(&frame(Opcode::Binary, data));
        packet.push(SEPARATOR);
        Packet::Binary((&**data).into()).write(&mut packet);
    }
    Some(Encoded {
        frames: frames.into_boxed_slice().into(),
        packet: packet.into_boxed_str().into_boxed_bytes().into(),
    })
}

/// A message of the server's own, such as a gap, as one Engine.IO packet. `place` as for an event: it must
/// end with a cursor, for a client remembers the last string whatever it is.
pub fn packet(json: &str, place: Option<(&str, &str)>) -> String {
    text(0, json, place)
}

fn text(attachments: usize, json: &str, place: Option<(&str, &str)>) -> String {
    let mut text = String::with_capacity(json.len() + 128);
    // The digit of an Engine.IO message.
    text.push('4');
    let kind = match attachments {
        0 => Kind::Event,
        _ => Kind::BinaryEvent,
    };
    write_head(&mut text, kind, attachments, MAIN, None);
    text.push_str("[\"");
    text.push_str(EVENT);
    text.push_str("\",");
    text.push_str(json);
    if let Some((room, cursor)) = place {
        text.push(',');
        text.push_str(&Value::from(room).to_string());
        text.push_str(",\"");
        text.push_str(cursor);
        text.push('"');
    }
    text.push(']');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::Event;
    use crate::publish;
    use crate::wire::cursor::{Cursor, Epoch};

    fn event(room: &str, data: &str, bare: bool) -> Event {
        let cursor = Cursor {
            epoch: Epoch(10),
            offset: 7,
        };
        let draft = publish::trusted("chat", data.into());
        Event::new(&room.into(), cursor, &draft, bare)
    }

    #[test]
    fn an_event_comes_with_its_room_and_cursor() {
        let event = event(r#"峡"谷"#, "1.50", false);
        let packet = r#"42["event",{"id":7,"type":"chat","data":1.50},"峡\"谷","a-7"]"#;
        assert_eq!(*event.socketio_packet(), packet);
        assert_eq!(&event.socketio()[..2], [0x81, packet.len() as u8]);
        assert_eq!(&event.socketio()[2..], packet.as_bytes());
    }

    #[test]
    fn a_bare_event_is_its_data_alone() {
        let packet = r#"42["event","瑶"]"#;
        assert_eq!(event("KPL", r#""瑶""#, true).socketio_packet(), packet);
    }

    #[test]
    fn binary_data_goes_behind_the_text() {
        let data = r#"{"a":{"$binary":"AQID"},"b":[{"$binary":""}],"n":7}"#;
        let event = event("KPL", data, false);
        let text = r#"452-["event",{"id":7,"type":"chat","data":{"a":{"_placeholder":true,"num":0},"b":[{"_placeholder":true,"num":1}],"n":7}},"KPL","a-7"]"#;
        assert_eq!(*event.socketio_packet(), format!("{text}\x1ebAQID\x1eb"));
        let mut frames = frame(Opcode::Text, text.as_bytes()).to_vec();
        frames.extend([0x82, 3, 1, 2, 3, 0x82, 0]);
        assert_eq!(*event.socketio(), frames);
        // On every other transport it is as it was published.
        assert!(event.json().ends_with(format!("{data}}}").as_bytes()));
    }

    /// A client would look for an attachment that is not there, and close the connection.
    #[test]
    fn placeholders_of_a_publisher_s_own_are_data() {
        for data in [
            r#"{"_placeholder":true,"num":0}"#,
            r#"[{"$binary":"AQID"},{"_placeholder":true,"num":5}]"#,
            r#"[{"$binary":"AQID"},{"_placeh\u006flder":true,"num":5}]"#,
            r#""$binary""#,
        ] {
            let event = event("KPL", data, true);
            assert_eq!(*event.socketio_packet(), format!(r#"42["event",{data}]"#));
        }
    }

    #[test]
    fn no_event_takes_more_than_its_size_says() {
        let empty = [r#"{"$binary":""}"#; MAX_ATTACHMENTS].join(",");
        let name = "\"".repeat(64);
        let numbers = format!(r#"[{{"$binary":"AQID"}}{}]"#, ",1e15".repeat(100));
        let whole = event("KPL", &numbers, true);
        assert_eq!(
            *whole.socketio_packet(),
            format!(r#"42["event",{numbers}]"#)
        );
        for data in [
            "1",
            &format!("[{empty}]"),
            r#"{"$binary":"AQID"}"#,
            &numbers,
        ] {
            for bare in [false, true] {
                let event = event(&name, data, bare);
                let (frames, packet) = (event.socketio(), event.socketio_packet());
                let binary = attachments::may_hold_binary(data.as_bytes());
                let own = if binary { packet.len() } else { 0 };
                let held = frames.len() + own + size_of::<Encoded>();
                let most = most(event.sse_chunk().len(), &name, binary);
                assert!(held <= most, "{data} {held} {most}");
            }
        }
    }
}
