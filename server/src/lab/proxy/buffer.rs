//! A proxy that buffers answers, as nginx does with `proxy_buffering on` (RFC 6202 §3.2): head and
//! body are held until there are enough bytes or the answer ends, and then pass all at once. Polls
//! feel nothing of it, streams come in steps, and a WebSocket is past it after its 101. It heeds no
//! `X-Accel-Buffering: no`, as the boxes that one does not run oneself do not.

use super::dialogue::Dialogue;
use super::http::{self, Body, Messages, Piece};
use bytes::{Bytes, BytesMut};

/// The answers of one connection.
#[derive(Default)]
pub struct Answers {
    messages: Messages,
    held: BytesMut,
}

impl Answers {
    /// What may pass on of all that has come. `enough` = bytes to wait for; `None` = nothing waits.
    pub fn pass(&mut self, mut bytes: &[u8], enough: Option<u32>, dialogue: &Dialogue) -> Bytes {
        let mut passed = BytesMut::new();
        while let Some(piece) = self.messages.next(&mut bytes) {
            let ends = match piece {
                Piece::Head(head) => {
                    self.held.extend_from_slice(&head);
                    let body = self.body(&head, dialogue);
                    self.messages.body(body);
                    matches!(body, Body::Bytes(0) | Body::Foreign)
                }
                Piece::Body(bytes, ended) => {
                    self.held.extend_from_slice(bytes);
                    ended
                }
                Piece::Foreign(bytes) => {
                    self.held.extend_from_slice(bytes);
                    true
                }
            };
            if ends {
                passed.unsplit(self.held.split());
            }
        }
        if enough.is_none_or(|enough| self.held.len() >= enough as usize) {
            passed.unsplit(self.held.split());
        }
        passed.freeze()
    }

    /// What was kept back, when no more comes.
    pub fn rest(&mut self) -> Bytes {
        self.held.extend_from_slice(&self.messages.rest());
        self.held.split().freeze()
    }

    fn body(&self, head: &[u8], dialogue: &Dialogue) -> Body {
        let to_head = match http::status(head) {
            // The answer proper is still to come.
            100 | 102..=199 => false,
            _ => dialogue.answered(),
        };
        let body = http::body_of_answer(head, to_head);
        if body == Body::Foreign {
            dialogue.switch();
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLL: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npoll";
    const STREAM: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    const CHUNK: &[u8] = b"5\r\nevent\r\n";

    #[test]
    fn a_poll_passes_and_a_stream_comes_in_steps() {
        let dialogue = Dialogue::default();
        let mut answers = Answers::default();
        let mut pass = |bytes: &[u8]| answers.pass(bytes, Some(66), &dialogue).len();
        assert_eq!(pass(&POLL[..40]), 0);
        assert_eq!(pass(&POLL[40..]), POLL.len());
        assert_eq!(STREAM.len(), 47);
        assert_eq!(pass(STREAM), 0);
        assert_eq!((pass(CHUNK), pass(CHUNK)), (0, 67));
        let steps: Vec<usize> = (0..14).map(|_| pass(CHUNK)).collect();
        assert_eq!(steps, [0, 0, 0, 0, 0, 0, 70, 0, 0, 0, 0, 0, 0, 70]);
        assert_eq!((pass(CHUNK), pass(b"0\r\n\r\n")), (0, 15));
    }

    #[test]
    fn a_websocket_is_past_it_after_its_101() {
        let dialogue = Dialogue::default();
        let mut answers = Answers::default();
        let head = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
        assert_eq!(&answers.pass(head, Some(4096), &dialogue)[..], head);
        assert!(dialogue.has_switched());
        assert_eq!(
            &answers.pass(b"\x81\x02ab", Some(4096), &dialogue)[..],
            b"\x81\x02ab"
        );
    }

    #[test]
    fn what_is_held_passes_when_it_is_turned_off_and_when_the_end_comes() {
        let dialogue = Dialogue::default();
        let mut answers = Answers::default();
        assert_eq!(answers.pass(STREAM, Some(4096), &dialogue).len(), 0);
        assert_eq!(&answers.pass(&[], None, &dialogue)[..], STREAM);
        assert_eq!(answers.pass(CHUNK, Some(4096), &dialogue).len(), 0);
        assert_eq!(&answers.rest()[..], CHUNK);
    }

    #[test]
    fn an_answer_to_head_has_no_body_whatever_its_length_says() {
        let dialogue = Dialogue::default();
        dialogue.asked(true);
        dialogue.asked(false);
        let head = &POLL[..POLL.len() - 4];
        let mut answers = Answers::default();
        assert_eq!(answers.pass(head, Some(4096), &dialogue).len(), head.len());
        assert_eq!(answers.pass(POLL, Some(4096), &dialogue).len(), POLL.len());
    }
}
