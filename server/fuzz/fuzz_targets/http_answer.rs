//! An HTTP answer as a client reads it: how it is cut changes nothing. The first byte says how.
#![no_main]

use libfuzzer_sys::fuzz_target;
use loadgen::net::http1::{self, Body, Step};

/// Status, content and bytes of framing; `None` if it is refused.
fn read(bytes: &[u8], piece: usize) -> Option<(u16, Vec<u8>, usize)> {
    let (mut input, mut body) = (Vec::new(), None);
    let (mut status, mut content, mut framing) = (0, Vec::new(), 0);
    for piece in bytes.chunks(piece) {
        input.extend_from_slice(piece);
        if body.is_none() {
            let Some(head) = http1::head(&input).ok()? else {
                continue;
            };
            input.drain(..head.length);
            (status, body) = (head.status, Some(head.body));
        }
        let body: &mut Body = body.as_mut()?;
        loop {
            match body.step(&input).ok()? {
                Step::More | Step::Done => break,
                Step::Data(run) => content.extend(input.drain(..run)),
                Step::ChunkLine(run) | Step::ChunkEnd(run) => {
                    framing += run;
                    input.drain(..run);
                }
            }
        }
    }
    Some((status, content, framing))
}

fuzz_target!(|bytes: &[u8]| {
    if let Some((&piece, rest)) = bytes.split_first() {
        let whole = read(rest, rest.len().max(1));
        assert_eq!(read(rest, usize::from(piece).max(1)), whole);
    }
});
