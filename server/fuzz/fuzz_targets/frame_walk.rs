//! The count of a WebSocket's bytes by what they are: all of them, however they are cut. The first byte
//! says how.
#![no_main]

use libfuzzer_sys::fuzz_target;
use loadgen::net::frames::FrameWalk;

fn counted(bytes: &[u8], piece: usize) -> [u64; 6] {
    let mut walk = FrameWalk::default();
    let mut sum = [0; 6];
    for piece in bytes.chunks(piece) {
        let counted = walk.walk(piece);
        let parts = [
            counted.head,
            counted.first_header,
            counted.header,
            counted.payload,
            counted.ping_pong,
            counted.close,
        ];
        assert_eq!(parts.iter().sum::<u64>(), piece.len() as u64);
        for (sum, part) in sum.iter_mut().zip(parts) {
            *sum += part;
        }
    }
    sum
}

fuzz_target!(|bytes: &[u8]| {
    if let Some((&piece, rest)) = bytes.split_first() {
        let whole = counted(rest, rest.len().max(1));
        assert_eq!(counted(rest, usize::from(piece).max(1)), whole);
    }
});
