//! A client's bytes become messages (RFC 6455 §5, §8.1). Strict, and early: a fault is told at the first
//! byte that shows it, and what is too long is refused by its header, before anything of it is kept. A
//! decoder between two messages holds no memory. It reads no socket, answers nothing and knows no limit
//! of its own.

use super::close::{self, Fault};
use super::header::{Header, Part};
use crate::frames::Opcode;

/// What a message may have.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub bytes: usize,
    /// Frames of one message, empty ones too.
    pub fragments: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong,
    /// The code, where there is one. Nothing follows.
    Close(Option<u16>),
}

pub struct Decoder {
    limits: Limits,
    header: Header,
    frame: Frame,
    /// What has come of a message in text or binary frames.
    message: Option<Partial>,
    /// What has come of a control frame, which may stand between two frames of a message.
    control: Vec<u8>,
    /// Which message and which control frame come next.
    turn: Unfinished,
    /// A close or a fault has come: the rest is not looked at.
    over: bool,
}

/// What has begun and has not ended: as long as it is the same, nothing has become whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unfinished {
    message: u32,
    control: u32,
}

/// The frame that is being read.
struct Frame {
    last: bool,
    opcode: Opcode,
    /// Bytes still to come; known before the mask is.
    left: u64,
    /// Turned so that it begins with the byte for the next one; `None` within a header.
    mask: Option<[u8; 4]>,
}

struct Partial {
    text: bool,
    bytes: Vec<u8>,
    /// So many of them are whole characters.
    checked: usize,
    fragments: u32,
}

impl Decoder {
    pub fn new(limits: Limits) -> Decoder {
        Decoder {
            limits,
            header: Header::default(),
            frame: Frame {
                last: true,
                opcode: Opcode::Continuation,
                left: 0,
                mask: None,
            },
            message: None,
            control: Vec::new(),
            turn: Unfinished::default(),
            over: false,
        }
    }

    /// What is being read; `None` between two messages. Control frames within a message do not finish it.
    pub fn unfinished(&self) -> Option<Unfinished> {
        let Unfinished { message, control } = self.turn;
        if self.over {
            return None;
        }
        if self.message.is_some() {
            return Some(Unfinished {
                message,
                control: 0,
            });
        }
        let is_within = self.header.is_begun() || self.frame.mask.is_some();
        is_within.then_some(Unfinished {
            message,
            control: control.wrapping_add(1).max(1),
        })
    }

    /// The next message; takes from `bytes` what it has read. `None`: all is read, more must come.
    /// After a fault or a close there are no more messages.
    pub fn decode(&mut self, bytes: &mut &[u8]) -> Result<Option<Message>, Fault> {
        if self.over {
            *bytes = &[];
            return Ok(None);
        }
        let decoded = self.read_frames(bytes);
        if matches!(decoded, Err(_) | Ok(Some(Message::Close(_)))) {
            self.over = true;
            self.message = None;
            self.control = Vec::new();
        }
        decoded
    }

    fn read_frames(&mut self, bytes: &mut &[u8]) -> Result<Option<Message>, Fault> {
        loop {
            let Some(mask) = self.read_header(bytes)? else {
                return Ok(None);
            };
            if !self.read_payload(bytes, mask)? {
                return Ok(None);
            }
            self.frame.mask = None;
            if let Some(message) = self.end_frame()? {
                return Ok(Some(message));
            }
        }
    }

    /// The mask, which ends a header; `None` where more of it must come.
    fn read_header(&mut self, bytes: &mut &[u8]) -> Result<Option<[u8; 4]>, Fault> {
        while self.frame.mask.is_none() {
            let Some((&byte, rest)) = bytes.split_first() else {
                return Ok(None);
            };
            *bytes = rest;
            match self.header.take(byte)? {
                Part::More => {}
                Part::Opening { last, opcode } => self.open(last, opcode)?,
                Part::Length(length) => self.announce(length)?,
                Part::Mask(mask) => self.frame.mask = Some(mask),
            }
        }
        Ok(self.frame.mask)
    }

    /// Whether a frame of this kind may stand here (§5.4).
    fn open(&mut self, last: bool, opcode: Opcode) -> Result<(), Fault> {
        self.frame.last = last;
        self.frame.opcode = opcode;
        match (opcode, &mut self.message) {
            (Opcode::Continuation, None) => Err(Fault::NothingToContinue),
            (Opcode::Continuation, Some(message)) => {
                message.fragments += 1;
                match message.fragments > self.limits.fragments {
                    true => Err(Fault::TooManyFragments(self.limits.fragments)),
                    false => Ok(()),
                }
            }
            (Opcode::Text | Opcode::Binary, Some(_)) => Err(Fault::Unfinished),
            (Opcode::Text | Opcode::Binary, None) => {
                self.message = Some(Partial {
                    text: opcode == Opcode::Text,
                    bytes: Vec::new(),
                    checked: 0,
                    fragments: 1,
                });
                Ok(())
            }
            (Opcode::Close | Opcode::Ping | Opcode::Pong, _) => Ok(()),
        }
    }

    fn announce(&mut self, length: u64) -> Result<(), Fault> {
        self.frame.left = length;
        let message = self
            .message
            .as_ref()
            .map_or(0, |message| message.bytes.len());
        let room = self.limits.bytes.saturating_sub(message);
        if !self.frame.opcode.is_control() && length > room as u64 {
            return Err(Fault::TooBig(self.limits.bytes));
        }
        Ok(())
    }

    /// Whether the frame is whole now.
    fn read_payload(&mut self, bytes: &mut &[u8], mask: [u8; 4]) -> Result<bool, Fault> {
        let here = bytes
            .len()
            .min(usize::try_from(self.frame.left).unwrap_or(usize::MAX));
        let (piece, rest) = bytes.split_at(here);
        *bytes = rest;
        match (&mut self.message, self.frame.opcode.is_control()) {
            (Some(message), false) => {
                message.make_room(piece.len(), self.limits.bytes);
                append(&mut message.bytes, piece, mask);
                message.check_text()?;
            }
            _ => append(&mut self.control, piece, mask),
        }
        self.frame.left -= here as u64;
        let mut turned = mask;
        turned.rotate_left(here % 4);
        self.frame.mask = Some(turned);
        Ok(self.frame.left == 0)
    }

    fn end_frame(&mut self) -> Result<Option<Message>, Fault> {
        if self.frame.opcode.is_control() {
            self.turn.control = self.turn.control.wrapping_add(1);
        } else if self.frame.last {
            self.turn.message = self.turn.message.wrapping_add(1);
        }
        match self.frame.opcode {
            Opcode::Close => close::code(&self.control).map(|code| Some(Message::Close(code))),
            Opcode::Ping => Ok(Some(Message::Ping(std::mem::take(&mut self.control)))),
            Opcode::Pong => {
                self.control = Vec::new();
                Ok(Some(Message::Pong))
            }
            Opcode::Continuation | Opcode::Text | Opcode::Binary if self.frame.last => {
                self.message.take().map(Partial::whole).transpose()
            }
            Opcode::Continuation | Opcode::Text | Opcode::Binary => Ok(None),
        }
    }
}

impl Partial {
    /// Grows by doubling, as vectors do, but not beyond what a message may have.
    fn make_room(&mut self, more: usize, most: usize) {
        let (length, capacity) = (self.bytes.len(), self.bytes.capacity());
        if length + more > capacity {
            let wanted = (2 * capacity).min(most).max(length + more);
            self.bytes.reserve_exact(wanted - length);
        }
    }

    /// Finds the first byte that no text could have there. A character that is cut is looked at again
    /// with what follows.
    fn check_text(&mut self) -> Result<(), Fault> {
        if !self.text {
            return Ok(());
        }
        match std::str::from_utf8(&self.bytes[self.checked..]) {
            Ok(text) => self.checked += text.len(),
            Err(error) if error.error_len().is_some() => return Err(Fault::NotUtf8),
            Err(error) => self.checked += error.valid_up_to(),
        }
        Ok(())
    }

    /// Fails where the last character is cut.
    fn whole(self) -> Result<Message, Fault> {
        if !self.text {
            return Ok(Message::Binary(self.bytes));
        }
        match String::from_utf8(self.bytes) {
            Ok(text) => Ok(Message::Text(text)),
            Err(_) => Err(Fault::NotUtf8),
        }
    }
}

/// Appends `piece` and takes its mask off, eight bytes at a time (§5.3).
fn append(bytes: &mut Vec<u8>, piece: &[u8], mask: [u8; 4]) {
    let start = bytes.len();
    bytes.extend_from_slice(piece);
    let (words, rest) = bytes[start..].as_chunks_mut::<8>();
    let [a, b, c, d] = mask;
    let key = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ key).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests;
