//! The header of a frame (RFC 6455 §5.2), byte by byte, so that what is wrong with it is known before
//! anything of its payload is kept. What depends on the frames before it is the decoder's business.

use super::close::Fault;
use crate::frames::Opcode;

const FIN: u8 = 0x80;
const RESERVED_BITS: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;

/// Longest payload of a control frame (§5.5).
const MAX_CONTROL: u64 = 125;

/// A header that is being read.
#[derive(Default)]
pub struct Header {
    bytes: [u8; 14],
    filled: usize,
}

/// What a byte has told.
#[derive(Debug, PartialEq, Eq)]
pub enum Part {
    /// Nothing yet.
    More,
    Opening {
        last: bool,
        opcode: Opcode,
    },
    Length(u64),
    /// The header is whole.
    Mask([u8; 4]),
}

impl Header {
    /// Some of it has come, and not all.
    pub fn is_begun(&self) -> bool {
        self.filled > 0
    }

    pub fn take(&mut self, byte: u8) -> Result<Part, Fault> {
        self.bytes[self.filled] = byte;
        self.filled += 1;
        if self.filled == 1 {
            return self.opening();
        }
        if self.filled == 2 && self.bytes[1] & MASKED == 0 {
            return Err(Fault::Unmasked);
        }
        let start = self.mask_start();
        if self.filled == start {
            return self.length().map(Part::Length);
        }
        if self.filled < start + 4 {
            return Ok(Part::More);
        }
        self.filled = 0;
        let mask = self.bytes[start..].first_chunk();
        Ok(Part::Mask(
            *mask.expect("a mask ends within the longest header"),
        ))
    }

    fn opening(&self) -> Result<Part, Fault> {
        let first = self.bytes[0];
        if first & RESERVED_BITS != 0 {
            return Err(Fault::ReservedBit);
        }
        let opcode = Opcode::of(first & OPCODE).ok_or(Fault::ReservedOpcode)?;
        let last = first & FIN != 0;
        if opcode.is_control() && !last {
            return Err(Fault::FragmentedControl);
        }
        Ok(Part::Opening { last, opcode })
    }

    /// Where the mask begins, by the second byte.
    fn mask_start(&self) -> usize {
        match self.bytes[1] & !MASKED {
            126 => 4,
            127 => 10,
            _ => 2,
        }
    }

    fn length(&self) -> Result<u64, Fault> {
        let (length, least) = match self.mask_start() {
            2 => ((self.bytes[1] & !MASKED).into(), 0),
            4 => (big_endian(&self.bytes[2..4]), 126),
            _ => (big_endian(&self.bytes[2..10]), 0x1_0000),
        };
        // The opening has passed, so the opcode is one.
        if Opcode::of(self.bytes[0] & OPCODE).is_some_and(Opcode::is_control)
            && (length > MAX_CONTROL || least > 0)
        {
            return Err(Fault::LongControl);
        }
        if length < least || length > i64::MAX as u64 {
            return Err(Fault::WastefulLength);
        }
        Ok(length)
    }
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |length, &byte| length << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the bytes tell, without those that tell nothing.
    fn parts(bytes: &[u8]) -> Result<Vec<Part>, Fault> {
        let mut header = Header::default();
        let parts: Result<Vec<Part>, Fault> = bytes.iter().map(|&byte| header.take(byte)).collect();
        parts.map(|parts| {
            parts
                .into_iter()
                .filter(|part| *part != Part::More)
                .collect()
        })
    }

    fn length_of(bytes: &[u8]) -> Result<Part, Fault> {
        parts(bytes).map(|mut parts| parts.remove(1))
    }

    #[test]
    fn lengths_in_one_byte_two_and_eight() {
        for (bytes, length) in [
            (&[0x81, 0x80][..], 0),
            (&[0x81, 0xfd], 125),
            (&[0x81, 0xfe, 0, 126], 126),
            (&[0x81, 0xfe, 0xff, 0xff], 65_535),
            (&[0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 0], 65_536),
            (
                &[0x81, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255],
                u64::MAX / 2,
            ),
        ] {
            assert_eq!(length_of(bytes), Ok(Part::Length(length)), "{bytes:x?}");
            let whole = [bytes, b"mask"].concat();
            assert_eq!(parts(&whole).unwrap()[2], Part::Mask(*b"mask"));
        }
    }

    #[test]
    fn a_length_in_more_bytes_than_it_takes_is_refused() {
        for bytes in [
            &[0x81, 0xfe, 0, 125][..],
            &[0x81, 0xff, 0, 0, 0, 0, 0, 0, 255, 255],
            &[0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0],
        ] {
            assert_eq!(parts(bytes), Err(Fault::WastefulLength), "{bytes:x?}");
        }
    }

    #[test]
    fn every_first_byte_is_known_or_refused_at_once() {
        for first in 0..=u8::MAX {
            let told = Header::default().take(first);
            let known = matches!(first & 0x0f, 0..=2 | 8..=10);
            let expected = match first {
                _ if first & 0x70 != 0 => Err(Fault::ReservedBit),
                _ if !known => Err(Fault::ReservedOpcode),
                0x08..=0x0f => Err(Fault::FragmentedControl),
                _ => Ok(Part::Opening {
                    last: first & 0x80 != 0,
                    opcode: Opcode::of(first & 0x0f).unwrap(),
                }),
            };
            assert_eq!(told, expected, "{first:#x}");
        }
    }

    #[test]
    fn a_control_frame_is_short_and_every_frame_masked() {
        assert_eq!(parts(&[0x89, 0xfe, 0, 126]), Err(Fault::LongControl));
        assert_eq!(
            parts(&[0x89, 0xff, 0, 0, 0, 0, 64, 0, 0, 0]),
            Err(Fault::LongControl)
        );
        assert_eq!(parts(&[0x89, 0x05]), Err(Fault::Unmasked));
    }
}
