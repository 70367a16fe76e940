//! Socket.IO 5 packets (`docs/socket.io-protocol/v5-current.md` of socketio/socket.io): the text
//! `<type>[<attachments>-][<namespace>,][<ack id>][JSON]`, and the binary attachments that follow it.
//! The JSON stays as it was written: who needs a value of it parses that one.
//!
//! Which namespaces there are, who may connect and what an event means is the application's.

pub mod attachments;

use bytes::Bytes;
use serde_json::value::RawValue;
use std::fmt::Write;
use std::mem;

/// Attachments of one packet, as in Socket.IO's own parser.
pub const MAX_ATTACHMENTS: usize = 10;

/// The namespace that is not written.
pub const MAIN: &str = "/";

/// Names that no event has: the client's own events.
pub const RESERVED_EVENTS: [&str; 6] = [
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
];

/// One packet with all that belongs to it.
#[derive(Clone, Debug)]
pub struct Packet<'a> {
    pub namespace: &'a str,
    pub body: Body<'a>,
    /// In the place of the placeholders within the arguments.
    pub attachments: &'a [Bytes],
}

#[derive(Clone, Debug)]
pub enum Body<'a> {
    /// With an object, or nothing.
    Connect(Option<&'a RawValue>),
    Disconnect,
    /// The first argument is the event's name.
    Event {
        id: Option<u64>,
        arguments: Vec<&'a RawValue>,
    },
    Ack {
        id: u64,
        arguments: Vec<&'a RawValue>,
    },
    /// With an object or a string.
    ConnectError(&'a RawValue),
}

/// A packet by its first digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    Connect = b'0',
    Disconnect = b'1',
    Event = b'2',
    Ack = b'3',
    ConnectError = b'4',
    BinaryEvent = b'5',
    BinaryAck = b'6',
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("a packet begins with a digit from 0 to 6")]
    UnknownType,
    #[error("a binary packet names its attachments: digits and a dash")]
    NoCount,
    #[error("a packet has at most {MAX_ATTACHMENTS} attachments")]
    TooManyAttachments,
    #[error("an ack id is a whole number below 2^64")]
    BadId,
    #[error("an acknowledgement names the event that it is for")]
    NoId,
    #[error("this packet is acknowledged by nobody")]
    IdOutOfPlace,
    #[error("the payload is not the JSON that a packet of this type has")]
    BadPayload,
    #[error("this name belongs to the client's own events")]
    ReservedEvent,
    #[error("attachments of the packet before are still to come")]
    TextTooEarly,
    #[error("no packet asked for binary data")]
    BinaryOutOfPlace,
    #[error("a packet and its attachments have at most {0} bytes")]
    TooLarge(usize),
    #[error("each attachment stands at one place of the arguments")]
    BadPlaceholder,
}

/// What stands before the JSON.
struct Head<'a> {
    kind: Kind,
    attachments: usize,
    namespace: &'a str,
    id: Option<u64>,
    payload: &'a str,
}

impl Kind {
    fn of(digit: u8) -> Option<Kind> {
        Some(match digit {
            b'0' => Kind::Connect,
            b'1' => Kind::Disconnect,
            b'2' => Kind::Event,
            b'3' => Kind::Ack,
            b'4' => Kind::ConnectError,
            b'5' => Kind::BinaryEvent,
            b'6' => Kind::BinaryAck,
            _ => return None,
        })
    }

    fn is_binary(self) -> bool {
        matches!(self, Kind::BinaryEvent | Kind::BinaryAck)
    }
}

impl<'a> Head<'a> {
    fn read(text: &'a str) -> Result<Head<'a>, Fault> {
        let kind = text.bytes().next().and_then(Kind::of);
        let kind = kind.ok_or(Fault::UnknownType)?;
        // The type is one ASCII digit, so that a character begins behind it.
        let rest = &text[1..];
        let (attachments, rest) = match kind.is_binary() {
            true => count(rest)?,
            false => (0, rest),
        };
        let (namespace, rest) = match rest.starts_with('/') {
            true => rest.split_once(',').unwrap_or((rest, "")),
            false => (MAIN, rest),
        };
        let (id, payload) = digits(rest);
        let id = match id {
            "" => None,
            id => Some(id.parse().map_err(|_| Fault::BadId)?),
        };
        Ok(Head {
            kind,
            attachments,
            namespace,
            id,
            payload,
        })
    }

    fn body(&self) -> Result<Body<'a>, Fault> {
        match self.kind {
            Kind::Connect => self.without_id().and_then(|()| self.connect()),
            Kind::Disconnect => self.without_id().and_then(|()| self.disconnect()),
            Kind::ConnectError => self.without_id().and_then(|()| self.connect_error()),
            Kind::Event | Kind::BinaryEvent => self.event(),
            Kind::Ack | Kind::BinaryAck => Ok(Body::Ack {
                id: self.id.ok_or(Fault::NoId)?,
                arguments: self.arguments()?,
            }),
        }
    }

    fn without_id(&self) -> Result<(), Fault> {
        match self.id {
            None => Ok(()),
            Some(_) => Err(Fault::IdOutOfPlace),
        }
    }

    fn connect(&self) -> Result<Body<'a>, Fault> {
        if self.payload.is_empty() {
            return Ok(Body::Connect(None));
        }
        match json(self.payload)? {
            object if object.get().starts_with('{') => Ok(Body::Connect(Some(object))),
            _ => Err(Fault::BadPayload),
        }
    }

    fn disconnect(&self) -> Result<Body<'a>, Fault> {
        match self.payload {
            "" => Ok(Body::Disconnect),
            _ => Err(Fault::BadPayload),
        }
    }

    fn connect_error(&self) -> Result<Body<'a>, Fault> {
        let said = json(self.payload)?;
        match said.get().starts_with(['{', '"']) {
            true => Ok(Body::ConnectError(said)),
            false => Err(Fault::BadPayload),
        }
    }

    fn event(&self) -> Result<Body<'a>, Fault> {
        let arguments = self.arguments()?;
        let name = arguments.first().ok_or(Fault::BadPayload)?.get();
        let is_number = name.starts_with(|first: char| first == '-' || first.is_ascii_digit());
        if !is_number {
            let name: String = serde_json::from_str(name).map_err(|_| Fault::BadPayload)?;
            if RESERVED_EVENTS.contains(&&*name) {
                return Err(Fault::ReservedEvent);
            }
        }
        Ok(Body::Event {
            id: self.id,
            arguments,
        })
    }

    fn arguments(&self) -> Result<Vec<&'a RawValue>, Fault> {
        serde_json::from_str(self.payload).map_err(|_| Fault::BadPayload)
    }
}

fn json(text: &str) -> Result<&RawValue, Fault> {
    serde_json::from_str(text).map_err(|_| Fault::BadPayload)
}

/// The digits that `text` begins with, and the rest.
fn digits(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit());
    text.split_at(end.unwrap_or(text.len()))
}

fn count(text: &str) -> Result<(usize, &str), Fault> {
    let (digits, rest) = digits(text);
    let rest = rest.strip_prefix('-').ok_or(Fault::NoCount)?;
    if digits.is_empty() {
        return Err(Fault::NoCount);
    }
    match digits.parse() {
        Ok(count @ 0..=MAX_ATTACHMENTS) => Ok((count, rest)),
        _ => Err(Fault::TooManyAttachments),
    }
}

/// Appends what stands before the JSON of a packet. `attachments` are of the binary kinds alone.
pub fn write_head(
    text: &mut String,
    kind: Kind,
    attachments: usize,
    namespace: &str,
    id: Option<u64>,
) {
    text.push(char::from(kind as u8));
    if kind.is_binary() {
        write!(text, "{attachments}-").expect("a string takes all");
    }
    if namespace != MAIN {
        text.push_str(namespace);
        text.push(',');
    }
    if let Some(id) = id {
        write!(text, "{id}").expect("a string takes all");
    }
}

impl Packet<'_> {
    pub fn kind(&self) -> Kind {
        let is_binary = !self.attachments.is_empty();
        match self.body {
            Body::Connect(_) => Kind::Connect,
            Body::Disconnect => Kind::Disconnect,
            Body::ConnectError(_) => Kind::ConnectError,
            Body::Event { .. } if is_binary => Kind::BinaryEvent,
            Body::Event { .. } => Kind::Event,
            Body::Ack { .. } if is_binary => Kind::BinaryAck,
            Body::Ack { .. } => Kind::Ack,
        }
    }

    /// The packet's text; its attachments follow as they are.
    pub fn text(&self) -> String {
        let id = match self.body {
            Body::Event { id, .. } => id,
            Body::Ack { id, .. } => Some(id),
            Body::Connect(_) | Body::Disconnect | Body::ConnectError(_) => None,
        };
        let mut text = String::new();
        let attachments = self.attachments.len();
        write_head(&mut text, self.kind(), attachments, self.namespace, id);
        match &self.body {
            Body::Connect(None) | Body::Disconnect => {}
            Body::Connect(Some(said)) | Body::ConnectError(said) => text.push_str(said.get()),
            Body::Event { arguments, .. } | Body::Ack { arguments, .. } => {
                write_array(&mut text, arguments);
            }
        }
        text
    }
}

fn write_array(text: &mut String, arguments: &[&RawValue]) {
    text.push('[');
    for (at, argument) in arguments.iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        text.push_str(argument.get());
    }
    text.push(']');
}

/// A packet whose attachments have all come.
#[derive(Debug)]
pub struct Whole {
    text: String,
    attachments: Vec<Bytes>,
}

impl Whole {
    pub fn packet(&self) -> Packet<'_> {
        let head = Head::read(&self.text).expect("it was read when it came");
        Packet {
            namespace: head.namespace,
            body: head.body().expect("it was read when it came"),
            attachments: &self.attachments,
        }
    }
}

/// Puts texts and binary messages together to packets. After a fault it is of no use.
#[derive(Debug)]
pub struct Reassembly {
    max_bytes: usize,
    /// A text, the attachments that came for it, and how many are still to come: never none. Boxed, for
    /// most connections never have one.
    waiting: Option<Box<(Whole, usize)>>,
}

impl Reassembly {
    /// For packets that have at most so many bytes with all their attachments.
    pub fn new(max_bytes: usize) -> Reassembly {
        Reassembly {
            max_bytes,
            waiting: None,
        }
    }

    /// Whether attachments are to come.
    pub fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Takes a text: a packet, or `None` where its attachments are to come.
    pub fn text<'a>(&mut self, text: &'a str) -> Result<Option<Packet<'a>>, Fault> {
        if self.waiting.is_some() {
            return Err(Fault::TextTooEarly);
        }
        if text.len() > self.max_bytes {
            return Err(Fault::TooLarge(self.max_bytes));
        }
        let head = Head::read(text)?;
        let body = head.body()?;
        if head.attachments == 0 {
            return Ok(Some(Packet {
                namespace: head.namespace,
                body,
                attachments: &[],
            }));
        }
        let whole = Whole {
            text: text.to_owned(),
            attachments: Vec::new(),
        };
        self.waiting = Some(Box::new((whole, head.attachments)));
        Ok(None)
    }

    /// Takes binary data: the packet that it completes, or `None` where more is to come.
    pub fn binary(&mut self, data: Bytes) -> Result<Option<Whole>, Fault> {
        let waiting = self.waiting.as_mut().ok_or(Fault::BinaryOutOfPlace)?;
        let (whole, missing) = &mut **waiting;
        let had: usize = whole.attachments.iter().map(Bytes::len).sum();
        if whole.text.len() + had + data.len() > self.max_bytes {
            return Err(Fault::TooLarge(self.max_bytes));
        }
        whole.attachments.push(data);
        *missing -= 1;
        if *missing > 0 {
            return Ok(None);
        }
        Ok(mem::take(&mut self.waiting).map(|waiting| waiting.0))
    }
}

#[cfg(test)]
mod tests;
