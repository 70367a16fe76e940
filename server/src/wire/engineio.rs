//! Engine.IO 4 packets (`docs/engine.io-protocol/v4-current.md` of socketio/socket.io): as the text of a
//! WebSocket message, and joined by 0x1e in the body of a poll. Binary data stands raw in a WebSocket
//! message of its own, so that only a payload has a form for it: `b` and base64.
//!
//! No session, no timer and no HTTP stand here. What a packet says is borrowed from where it was read.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Stands between the packets of a payload.
pub const SEPARATOR: char = '\x1e';

/// The version that `?EIO=` names.
pub const VERSION: &str = "4";

/// What the packets of an upgrade bear.
pub const PROBE: &str = "probe";

/// Some clients leave the padding away.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// The server's first, with the JSON of an [`Open`].
    Open(&'a str),
    Close,
    Ping(&'a str),
    Pong(&'a str),
    Message(&'a str),
    Binary(Cow<'a, [u8]>),
    Upgrade,
    Noop,
}

/// What the server says of itself first; times in milliseconds, size in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Open<'a> {
    #[serde(borrow)]
    pub sid: Cow<'a, str>,
    #[serde(borrow)]
    pub upgrades: Vec<Cow<'a, str>>,
    pub ping_interval: u64,
    pub ping_timeout: u64,
    /// Absent where the server is older than protocol 4.1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_payload: Option<u64>,
}

/// What one payload may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub packets: usize,
    pub bytes: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("a packet has at least its type")]
    Empty,
    #[error("no packet has the type {0:?}; it is a digit from 0 to 6")]
    UnknownType(char),
    #[error("a packet of type {0} says nothing else")]
    NotAlone(char),
    #[error("binary data in a payload is b and base64")]
    NotBase64,
    #[error("a payload is UTF-8")]
    NotText,
    #[error("a payload has at most {0} packets")]
    TooMany(usize),
    #[error("a payload has at most {0} bytes")]
    TooLarge(usize),
}

impl<'a> Packet<'a> {
    /// Reads the text of a WebSocket message.
    pub fn from_text(text: &'a str) -> Result<Packet<'a>, Fault> {
        let mut characters = text.chars();
        let kind = characters.next().ok_or(Fault::Empty)?;
        let data = characters.as_str();
        let alone = |packet| match data {
            "" => Ok(packet),
            _ => Err(Fault::NotAlone(kind)),
        };
        match kind {
            '0' => Ok(Packet::Open(data)),
            '1' => alone(Packet::Close),
            '2' => Ok(Packet::Ping(data)),
            '3' => Ok(Packet::Pong(data)),
            '4' => Ok(Packet::Message(data)),
            '5' => alone(Packet::Upgrade),
            '6' => alone(Packet::Noop),
            other => Err(Fault::UnknownType(other)),
        }
    }

    /// Reads one packet of a payload, which may be binary too.
    fn from_part(part: &'a str) -> Result<Packet<'a>, Fault> {
        match part.strip_prefix('b') {
            None => Packet::from_text(part),
            Some(base64) => match BASE64.decode(base64) {
                Ok(data) => Ok(Packet::Binary(data.into())),
                Err(_) => Err(Fault::NotBase64),
            },
        }
    }

    /// Appends the packet as a payload has it; but for binary data this is the text of a WebSocket
    /// message too.
    pub fn write(&self, payload: &mut String) {
        let (kind, data) = match *self {
            Packet::Open(data) => ('0', data),
            Packet::Close => ('1', ""),
            Packet::Ping(data) => ('2', data),
            Packet::Pong(data) => ('3', data),
            Packet::Message(data) => ('4', data),
            Packet::Upgrade => ('5', ""),
            Packet::Noop => ('6', ""),
            Packet::Binary(ref data) => {
                payload.push('b');
                return BASE64.encode_string(data, payload);
            }
        };
        payload.push(kind);
        payload.push_str(data);
    }

    /// The same by itself.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text);
        text
    }
}

/// The packets of a payload, all or none; an empty payload has none.
pub fn read_payload(payload: &[u8], limits: Limits) -> Result<Vec<Packet<'_>>, Fault> {
    if payload.len() > limits.bytes {
        return Err(Fault::TooLarge(limits.bytes));
    }
    let text = std::str::from_utf8(payload).map_err(|_| Fault::NotText)?;
    if text.is_empty() {
        return Ok(Vec::new());
    }
    // Before any is read: a megabyte of separators is refused for the price of its first hundred.
    if text.split(SEPARATOR).nth(limits.packets).is_some() {
        return Err(Fault::TooMany(limits.packets));
    }
    text.split(SEPARATOR).map(Packet::from_part).collect()
}

/// Packets as a payload has them.
pub fn write_payload<'a, 'b: 'a>(packets: impl IntoIterator<Item = &'a Packet<'b>>) -> String {
    let mut payload = String::new();
    for packet in packets {
        if !payload.is_empty() {
            payload.push(SEPARATOR);
        }
        packet.write(&mut payload);
    }
    payload
}

impl<'a> Open<'a> {
    /// What stands behind the `0`.
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("strings and numbers have a JSON form")
    }

    /// Reads the same.
    pub fn from_json(json: &'a str) -> serde_json::Result<Open<'a>> {
        serde_json::from_str(json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMITS: Limits = Limits {
        packets: 100,
        bytes: 1_000,
    };

    #[test]
    fn packets_read_as_the_protocol_writes_them() {
        for (text, packet) in [
            ("0{}", Packet::Open("{}")),
            ("1", Packet::Close),
            ("2", Packet::Ping("")),
            ("2probe", Packet::Ping("probe")),
            ("3probe", Packet::Pong("probe")),
            ("4峡谷", Packet::Message("峡谷")),
            ("4", Packet::Message("")),
            ("5", Packet::Upgrade),
            ("6", Packet::Noop),
        ] {
            assert_eq!(Packet::from_text(text).as_ref(), Ok(&packet), "{text}");
            assert_eq!(packet.text(), text);
        }
    }

    #[test]
    fn what_is_no_packet_is_refused() {
        for (text, fault) in [
            ("", Fault::Empty),
            ("abc", Fault::UnknownType('a')),
            ("7", Fault::UnknownType('7')),
            ("瑶", Fault::UnknownType('瑶')),
            ("bAQID", Fault::UnknownType('b')),
            ("1x", Fault::NotAlone('1')),
            ("5probe", Fault::NotAlone('5')),
        ] {
            assert_eq!(Packet::from_text(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn a_payload_is_read_whole_or_not_at_all() {
        let packets = read_payload(b"4hello\x1ebAQIDBA==\x1e1", LIMITS);
        let binary = Packet::Binary(vec![1, 2, 3, 4].into());
        let hello = Packet::Message("hello");
        assert_eq!(packets, Ok(vec![hello, binary, Packet::Close]));
        assert_eq!(read_payload(b"", LIMITS), Ok(Vec::new()));
        for (payload, fault) in [
            (b"abc".to_vec(), Fault::UnknownType('a')),
            (b"4a\x1e".to_vec(), Fault::Empty),
            (b"4a\x1eb!".to_vec(), Fault::NotBase64),
            (b"4a\x1ebAQIDBA=x".to_vec(), Fault::NotBase64),
            (b"4\xff".to_vec(), Fault::NotText),
            (vec![b'4'; 1_001], Fault::TooLarge(1_000)),
            (vec![0x1e; 100], Fault::TooMany(100)),
        ] {
            assert_eq!(read_payload(&payload, LIMITS), Err(fault), "{payload:?}");
        }
        assert_eq!(read_payload(b"bAQIDBA", LIMITS).map(|all| all.len()), Ok(1));
        let hundred = ["4"; 100].join("\x1e");
        let packets = read_payload(hundred.as_bytes(), LIMITS);
        assert_eq!(packets.map(|packets| packets.len()), Ok(100));
    }

    #[test]
    fn the_first_packet_has_five_keys() {
        let open = Open {
            sid: "abc".into(),
            upgrades: vec!["websocket".into()],
            ping_interval: 25_000,
            ping_timeout: 20_000,
            max_payload: Some(131_072),
        };
        let json = r#"{"sid":"abc","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":131072}"#;
        assert_eq!(open.json(), json);
        assert_eq!(Open::from_json(json).unwrap(), open);
        let older = r#"{"sid":"a","upgrades":[],"pingInterval":1,"pingTimeout":2}"#;
        assert_eq!(Open::from_json(older).unwrap().max_payload, None);
    }

    /// A separator within a message would be two packets: Socket.IO's JSON escapes it.
    fn any_packet() -> impl Strategy<Value = (u8, String, Vec<u8>)> {
        (0..8u8, "[^\x1e]{0,20}", any::<Vec<u8>>())
    }

    fn packet<'a>(kind: u8, text: &'a str, data: &'a [u8]) -> Packet<'a> {
        match kind {
            0 => Packet::Open(text),
            1 => Packet::Close,
            2 => Packet::Ping(text),
            3 => Packet::Pong(text),
            4 => Packet::Message(text),
            5 => Packet::Upgrade,
            6 => Packet::Noop,
            _ => Packet::Binary(data.into()),
        }
    }

    proptest! {
        #[test]
        fn a_payload_survives_its_text(parts in prop::collection::vec(any_packet(), 0..20)) {
            let packets: Vec<Packet<'_>> = parts
                .iter()
                .map(|(kind, text, data)| packet(*kind, text, data))
                .collect();
            let payload = write_payload(&packets);
            let limits = Limits { packets: 20, bytes: usize::MAX };
            prop_assert_eq!(read_payload(payload.as_bytes(), limits), Ok(packets));
        }

        #[test]
        fn any_bytes_are_packets_or_a_fault(bytes: Vec<u8>) {
            if let Ok(packets) = read_payload(&bytes, LIMITS) {
                let again = write_payload(&packets);
                let read = read_payload(again.as_bytes(), LIMITS);
                prop_assert_eq!(read, Ok(packets));
            }
        }
    }
}
