//! How a WebSocket ends (RFC 6455 §7): what a client's close frame may hold, what of its frames is a
//! fault and which code says so, and our own close frames. It sends nothing.

use crate::frames::{Opcode, frame};
use bytes::Bytes;

/// Codes that we send (RFC 6455 §7.4.1).
pub const NORMAL: u16 = 1000;
pub const GOING_AWAY: u16 = 1001;
pub const PROTOCOL_ERROR: u16 = 1002;
pub const NOT_UTF8: u16 = 1007;
pub const POLICY: u16 = 1008;
pub const TOO_BIG: u16 = 1009;
/// Free for applications (§7.4.2): of who may not take part.
pub const INVALID_USER: u16 = 4001;

/// Longest reason: what a control frame holds (§5.5) without the code.
const MAX_REASON: usize = 123;

/// What a client may not send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("a reserved bit is set and no extension was agreed on")]
    ReservedBit,
    #[error("a reserved opcode")]
    ReservedOpcode,
    #[error("a client masks its frames")]
    Unmasked,
    #[error("a control frame is not fragmented")]
    FragmentedControl,
    #[error("a control frame has at most 125 bytes")]
    LongControl,
    #[error("a length is written in as few bytes as it takes")]
    WastefulLength,
    #[error("a continuation of nothing")]
    NothingToContinue,
    #[error("a new message before the end of the last one")]
    Unfinished,
    #[error("a message has at most {0} bytes")]
    TooBig(usize),
    #[error("a message has at most {0} fragments")]
    TooManyFragments(u32),
    #[error("text that is not UTF-8")]
    NotUtf8,
    #[error("a close frame holds nothing, or a code that may be sent and a reason")]
    BadClose,
}

impl Fault {
    pub fn code(self) -> u16 {
        match self {
            Fault::TooBig(_) => TOO_BIG,
            Fault::TooManyFragments(_) => POLICY,
            Fault::NotUtf8 => NOT_UTF8,
            Fault::ReservedBit
            | Fault::ReservedOpcode
            | Fault::Unmasked
            | Fault::FragmentedControl
            | Fault::LongControl
            | Fault::WastefulLength
            | Fault::NothingToContinue
            | Fault::Unfinished
            | Fault::BadClose => PROTOCOL_ERROR,
        }
    }

    /// The close frame that says it.
    pub fn frame(self) -> Bytes {
        close(self.code(), &self.to_string())
    }
}

/// The code in a close frame's payload; `None` for a close without one.
pub fn code(payload: &[u8]) -> Result<Option<u16>, Fault> {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return match payload.is_empty() {
            true => Ok(None),
            false => Err(Fault::BadClose),
        };
    };
    let code = u16::from_be_bytes(*code);
    if !may_be_sent(code) {
        return Err(Fault::BadClose);
    }
    match std::str::from_utf8(reason) {
        Ok(_) => Ok(Some(code)),
        Err(_) => Err(Fault::NotUtf8),
    }
}

/// Defined by the RFC or registered since (1012 to 1014), or free for libraries and applications
/// (§7.4.2). 1004 to 1006 and 1015 are never on the wire.
fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// The close frame that answers a client's.
pub fn echo(code: Option<u16>) -> Bytes {
    close(code.unwrap_or(NORMAL), "")
}

/// A close frame; a long reason is cut.
pub fn close(code: u16, reason: &str) -> Bytes {
    let mut end = reason.len().min(MAX_REASON);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    let reason = &reason.as_bytes()[..end];
    frame(Opcode::Close, &[&code.to_be_bytes(), reason].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_either_sent_or_never() {
        let valid = [(1000, 1003), (1007, 1014), (3000, 4999)];
        for number in 0..=u16::MAX {
            let expected = match valid.iter().any(|(a, b)| (*a..=*b).contains(&number)) {
                true => Ok(Some(number)),
                false => Err(Fault::BadClose),
            };
            assert_eq!(code(&number.to_be_bytes()), expected);
        }
    }

    #[test]
    fn a_payload_is_nothing_or_a_code_and_text() {
        assert_eq!(code(b""), Ok(None));
        assert_eq!(code(b"\x03"), Err(Fault::BadClose));
        assert_eq!(code("\u{3}\u{e8}瑶".as_bytes()), Err(Fault::BadClose));
        assert_eq!(code(b"\x03\xe8\xe7\x91\xb6"), Ok(Some(1000)));
        assert_eq!(code(b"\x03\xe8\xe7\x91"), Err(Fault::NotUtf8));
    }

    #[test]
    fn a_reason_fits_into_a_control_frame_and_stays_text() {
        let frame = close(1008, &"瑶".repeat(100));
        assert_eq!(frame[..4], [0x88, 2 + 123, 3, 0xf0]);
        assert_eq!(std::str::from_utf8(&frame[4..]), Ok(&*"瑶".repeat(41)));
        let frame = close(1008, &format!("x{}", "瑶".repeat(100)));
        assert_eq!(frame.len(), 4 + 121);
    }
}
