//! Where a head ends and where WebSocket frames begin, told from the bytes that pass (RFC 6455
//! §5.2). It keeps none of them: the WebSocket library does the protocol, this only counts, so that
//! pongs it sends by itself and frames that a cut breaks off are counted exactly.

use crate::results::Exchanges;

/// Bytes of one run, by what they were part of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Up to and with the empty line that ends the HTTP head.
    pub head: u64,
    /// The header of the connection's first data frame, which may be a greeting.
    pub first_header: u64,
    /// Headers of further data frames.
    pub header: u64,
    /// What data frames carry.
    pub payload: u64,
    /// Pings and pongs, headers included.
    pub ping_pong: u64,
    /// Close frames, headers included.
    pub close: u64,
    /// The connection's first data frame, and further ones, whose headers ended in this run.
    pub first_frame: Exchanges,
    pub frames: Exchanges,
}

/// One direction of a WebSocket connection.
#[derive(Debug, Default)]
pub struct FrameWalk {
    /// Bytes of `\r\n\r\n` seen, until the head has ended.
    head: HeadEnd,
    frame: Frame,
    data_frames: u64,
}

#[derive(Debug, Default)]
struct Frame {
    header: [u8; 10],
    /// Bytes of the header seen so far, the mask included.
    have: usize,
    payload_left: u64,
}

/// Finds the first empty line.
#[derive(Debug, Default)]
pub struct HeadEnd {
    matched: u8,
}

const END: &[u8; 4] = b"\r\n\r\n";

impl HeadEnd {
    fn reached(&self) -> bool {
        usize::from(self.matched) == END.len()
    }

    /// Takes bytes up to the end of the head; returns how many belonged to it.
    pub fn walk(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0;
        while taken < bytes.len() && !self.reached() {
            let byte = bytes[taken];
            self.matched = if byte == END[usize::from(self.matched)] {
                self.matched + 1
            } else {
                u8::from(byte == b'\r')
            };
            taken += 1;
        }
        taken
    }
}

const OPCODE: u8 = 0x0f;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;

impl FrameWalk {
    pub fn walk(&mut self, mut bytes: &[u8]) -> Counted {
        let mut counted = Counted::default();
        let head = self.head.walk(bytes);
        counted.head = head as u64;
        bytes = &bytes[head..];
        while let Some(&byte) = bytes.first() {
            if self.frame.payload_left > 0 {
                let run = usize::try_from(self.frame.payload_left)
                    .map_or(bytes.len(), |left| left.min(bytes.len()));
                self.frame.payload_left -= run as u64;
                *self.payload_counter(&mut counted) += run as u64;
                bytes = &bytes[run..];
            } else {
                self.frame.begin_or_go_on(byte);
                *self.header_counter(&mut counted) += 1;
                self.count_if_data(&mut counted);
                bytes = &bytes[1..];
            }
        }
        counted
    }

    fn opcode(&self) -> u8 {
        self.frame.header[0] & OPCODE
    }

    fn payload_counter<'a>(&self, counted: &'a mut Counted) -> &'a mut u64 {
        match self.opcode() {
            CLOSE => &mut counted.close,
            PING | PONG => &mut counted.ping_pong,
            _ => &mut counted.payload,
        }
    }

    fn header_counter<'a>(&self, counted: &'a mut Counted) -> &'a mut u64 {
        match self.opcode() {
            CLOSE => &mut counted.close,
            PING | PONG => &mut counted.ping_pong,
            _ if self.data_frames == 0 => &mut counted.first_header,
            _ => &mut counted.header,
        }
    }

    fn count_if_data(&mut self, counted: &mut Counted) {
        if self.frame.is_complete() && !matches!(self.opcode(), CLOSE | PING | PONG) {
            let header = self.frame.have as u64;
            let frames = match self.data_frames {
                0 => &mut counted.first_frame,
                _ => &mut counted.frames,
            };
            // A server may announce more than a number holds.
            let whole = header.saturating_add(self.frame.payload_left);
            frames.note(header, whole, true);
            self.data_frames += 1;
        }
    }
}

impl Frame {
    fn begin_or_go_on(&mut self, byte: u8) {
        if self.is_complete() {
            self.have = 0;
        }
        if let Some(slot) = self.header.get_mut(self.have) {
            *slot = byte;
        }
        self.have += 1;
        if self.is_complete() {
            self.payload_left = self.length();
        }
    }

    /// Bytes of this header, once its second byte is known.
    fn size(&self) -> Option<usize> {
        let second = (self.have >= 2).then_some(self.header[1])?;
        let mask = if second & 0x80 != 0 { 4 } else { 0 };
        Some(2 + self.length_bytes() + mask)
    }

    fn is_complete(&self) -> bool {
        self.size() == Some(self.have)
    }

    fn length_bytes(&self) -> usize {
        match self.header[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        }
    }

    fn length(&self) -> u64 {
        match self.length_bytes() {
            0 => u64::from(self.header[1] & 0x7f),
            bytes => self.header[2..2 + bytes]
                .iter()
                .fold(0, |length, byte| length << 8 | u64::from(*byte)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(mut a: Exchanges, b: Exchanges) -> Exchanges {
        a.add(b);
        a
    }

    fn add(a: Counted, b: Counted) -> Counted {
        Counted {
            head: a.head + b.head,
            first_header: a.first_header + b.first_header,
            header: a.header + b.header,
            payload: a.payload + b.payload,
            ping_pong: a.ping_pong + b.ping_pong,
            close: a.close + b.close,
            first_frame: both(a.first_frame, b.first_frame),
            frames: both(a.frames, b.frames),
        }
    }

    fn of(frames: &[(u64, u64)]) -> Exchanges {
        let mut exchanges = Exchanges::default();
        for (header, whole) in frames {
            exchanges.note(*header, *whole, true);
        }
        exchanges
    }

    /// A head, a greeting, a masked frame, a ping, 16-bit and 64-bit lengths, an empty frame, close.
    fn stream() -> (Vec<u8>, Counted) {
        let mut bytes = b"HTTP/1.1 101 x\r\na: \r\r\n\r\n".to_vec();
        let head = bytes.len() as u64;
        bytes.extend([0x81, 5]);
        bytes.extend(b"hello");
        bytes.extend([0x81, 0x83, 1, 2, 3, 4, b'a', b'b', b'c']);
        bytes.extend([0x89, 2, 0, 0]);
        bytes.extend([0x82, 126, 0, 200]);
        bytes.extend([7; 200]);
        bytes.extend([0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
        bytes.extend([7; 65_536]);
        bytes.extend([0x81, 0]);
        bytes.extend([0x8a, 0x80, 1, 2, 3, 4]);
        bytes.extend([0x88, 2, 3, 232]);
        let counted = Counted {
            head,
            first_header: 2,
            header: 6 + 4 + 10 + 2,
            payload: 5 + 3 + 200 + 65_536,
            ping_pong: 4 + 6,
            close: 4,
            first_frame: of(&[(2, 7)]),
            frames: of(&[(6, 9), (4, 204), (10, 65_546), (2, 2)]),
        };
        (bytes, counted)
    }

    #[test]
    fn every_byte_has_its_place() {
        let (bytes, expected) = stream();
        assert_eq!(FrameWalk::default().walk(&bytes), expected);
    }

    #[test]
    fn any_cut_between_reads_counts_the_same() {
        let (bytes, expected) = stream();
        for size in [1, 2, 3, 7, 64, 1000] {
            let mut walk = FrameWalk::default();
            let sum = bytes
                .chunks(size)
                .map(|run| walk.walk(run))
                .fold(Counted::default(), add);
            assert_eq!(sum, expected, "runs of {size}");
        }
    }

    #[test]
    fn a_frame_that_announces_all_there_is_is_counted() {
        let mut bytes = b"HTTP/1.1 101 x\r\n\r\n\x82\x7f".to_vec();
        bytes.extend([0xff; 8]);
        let counted = FrameWalk::default().walk(&bytes);
        assert_eq!(counted.first_frame, of(&[(10, u64::MAX)]));
        assert_eq!(
            both(counted.first_frame, of(&[(10, 20)]))
                .with_event_bytes
                .count,
            2
        );
    }

    #[test]
    fn a_head_ends_at_its_first_empty_line() {
        for (text, length) in [
            ("a\r\n\r\nrest", 5),
            ("\r\r\n\r\nrest", 5),
            ("a\r\n\n\r\n\r\n", 8),
            ("a\r\n", 3),
        ] {
            assert_eq!(HeadEnd::default().walk(text.as_bytes()), length, "{text:?}");
        }
    }
}
