//! WebSocket frames (RFC 6455 §5.2) as a client writes and reads them, by hand: no codec of the server's
//! is used, so that none can hide its own fault. No handshake, no messages of several frames.

use crate::harness::Client;

pub use crate::masked::masked;

pub const TEXT: u8 = 1;
pub const BINARY: u8 = 2;
pub const CLOSE: u8 = 8;
pub const PING: u8 = 9;
pub const PONG: u8 = 10;
pub const FIN: u8 = 0x80;

/// First byte and payload of the next frame, nothing where the connection ends before; a server does not
/// mask, nor waste bytes on a length.
pub fn try_read(client: &mut Client) -> Option<(u8, Vec<u8>)> {
    let head = client.try_exactly(2)?;
    let (length, least) = match head[1] {
        126 => {
            let length = client.try_exactly(2)?.try_into().unwrap();
            (u16::from_be_bytes(length).into(), 126)
        }
        127 => {
            let length = client.try_exactly(8)?.try_into().unwrap();
            (u64::from_be_bytes(length), 0x1_0000)
        }
        length => (length.into(), 0),
    };
    assert!(head[1] < 0x80, "a masked frame from the server");
    assert!(length >= least, "a wasteful length from the server");
    Some((head[0], client.try_exactly(length as usize)?))
}

/// The same where one must come.
pub fn read(client: &mut Client) -> (u8, Vec<u8>) {
    try_read(client).expect("a frame before the end")
}
