//! Frames of a WebSocket client. The first byte says how the rest is cut.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pushlab_server::fuzz;

fuzz_target!(|bytes: &[u8]| {
    let Some((&piece, rest)) = bytes.split_first() else {
        return;
    };
    fuzz::frames(rest, piece.into());
    if let Some((&mask, payload)) = rest.split_first_chunk() {
        fuzz::masked(payload, mask, piece.into());
    }
});
