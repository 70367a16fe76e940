//! What a client sends by WebSocket.

/// A frame as a client must send it (RFC 6455 §5.2, §5.3), in one part.
pub fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..=125 => frame.push(0x80 | length as u8),
        length @ 126..=0xffff => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(MASK);
    let start = frame.len();
    frame.extend_from_slice(payload);
    // By words: some cases are many MiB, and the tests are not optimised.
    let (words, rest) = frame[start..].as_chunks_mut::<4>();
    for word in words {
        *word = (u32::from_ne_bytes(*word) ^ u32::from_ne_bytes(MASK)).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(MASK) {
        *byte ^= mask;
    }
    frame
}
