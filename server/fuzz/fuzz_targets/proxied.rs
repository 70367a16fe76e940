//! HTTP as the lab's proxy reads it. The first byte says how the rest is cut.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Some((&piece, rest)) = bytes.split_first() {
        pushlab_server::fuzz::proxied(rest, piece.into());
    }
});
