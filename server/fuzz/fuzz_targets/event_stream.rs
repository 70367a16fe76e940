//! Server-sent events as a client reads them: how they are cut changes nothing. The first byte says how.
#![no_main]

use libfuzzer_sys::fuzz_target;
use loadgen::net::event_stream::Decoder;

fn blocks(bytes: &[u8], piece: usize) -> (Vec<String>, Option<u64>, u64) {
    let mut decoder = Decoder::default();
    let (mut blocks, mut taken) = (Vec::new(), 0);
    for piece in bytes.chunks(piece) {
        decoder.decode(piece, |block| {
            taken += block.bytes;
            assert!(block.data_bytes + block.comment_bytes <= block.bytes);
            blocks.push(format!("{:?} {:?} {:?}", block.data, block.event, block.id));
        });
    }
    assert!(taken <= bytes.len() as u64);
    (blocks, decoder.retry_ms(), decoder.last_event_id().len() as u64)
}

fuzz_target!(|bytes: &[u8]| {
    if let Some((&piece, rest)) = bytes.split_first() {
        let whole = blocks(rest, rest.len().max(1));
        assert_eq!(blocks(rest, usize::from(piece).max(1)), whole);
    }
});
