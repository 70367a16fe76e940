//! A proxy that lets no WebSocket through. What middleboxes do differs: filters answer 403 or strip
//! `Upgrade`, so that the server refuses; others take the request for a plain one and wait for an end
//! that never comes, so that the client must give up by itself. Here these are `refuse` and
//! `swallow`. Heads of requests pass whole, or not at all.

use super::dialogue::Dialogue;
use super::http::{self, Body, Messages, Piece};
use super::settings::BlockUpgrade;
use bytes::{Bytes, BytesMut};

pub const REFUSAL: &str = "HTTP/1.1 403 Forbidden\r\n\
    Content-Type: text/plain\r\n\
    Content-Length: 60\r\n\
    Connection: close\r\n\r\n\
    The proxy on the way lets no Upgrade through; poll instead.\n";

/// The requests of one connection.
#[derive(Default)]
pub struct Requests(Messages);

impl Requests {
    /// What may pass on; `Err` where an upgrade is blocked.
    pub fn pass(
        &mut self,
        mut bytes: &[u8],
        block: Option<BlockUpgrade>,
        dialogue: &Dialogue,
    ) -> Result<Bytes, BlockUpgrade> {
        let mut passed = BytesMut::new();
        if dialogue.has_switched() {
            passed.extend_from_slice(&self.0.rest());
            self.0.body(Body::Foreign);
        }
        while let Some(piece) = self.0.next(&mut bytes) {
            match piece {
                Piece::Head(head) => {
                    if let Some(block) = block.filter(|_| asks_for_websocket(&head)) {
                        return Err(block);
                    }
                    if !head.trim_ascii().is_empty() {
                        dialogue.asked(head.starts_with(b"HEAD "));
                    }
                    self.0.body(http::body_of_request(&head));
                    passed.extend_from_slice(&head);
                }
                Piece::Body(bytes, _) | Piece::Foreign(bytes) => passed.extend_from_slice(bytes),
            }
        }
        Ok(passed.freeze())
    }

    /// What was kept back, when no more comes.
    pub fn rest(&mut self) -> Bytes {
        self.0.rest()
    }
}

fn asks_for_websocket(head: &[u8]) -> bool {
    http::field(head, "upgrade").is_some_and(|value| value.contains("websocket"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: &[u8] = b"POST /a HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc";
    const UPGRADE: &[u8] = b"GET /ws HTTP/1.1\r\nUPGRADE: WebSocket\r\n\r\n";

    #[test]
    fn only_an_upgrade_is_blocked_and_only_where_it_is() {
        let dialogue = Dialogue::default();
        let mut requests = Requests::default();
        let refuse = Some(BlockUpgrade::Refuse);
        assert_eq!(requests.pass(PLAIN, refuse, &dialogue), Ok(PLAIN.into()));
        let (one, two) = UPGRADE.split_at(9);
        assert_eq!(requests.pass(one, refuse, &dialogue), Ok(Bytes::new()));
        assert_eq!(
            requests.pass(two, refuse, &dialogue),
            Err(BlockUpgrade::Refuse)
        );
        assert_eq!(
            Requests::default().pass(UPGRADE, None, &dialogue),
            Ok(UPGRADE.into())
        );
    }

    #[test]
    fn frames_are_not_taken_for_requests() {
        let dialogue = Dialogue::default();
        let mut requests = Requests::default();
        assert!(requests.pass(UPGRADE, None, &dialogue).is_ok());
        dialogue.switch();
        let frame = Bytes::from_static(b"A frame that opens like a head");
        assert_eq!(requests.pass(&frame, None, &dialogue), Ok(frame));
    }

    #[test]
    fn the_refusal_counts_itself_right() {
        let (_, body) = REFUSAL.split_once("\r\n\r\n").unwrap();
        assert_eq!(
            http::field(REFUSAL.as_bytes(), "content-length"),
            Some(body.len().to_string())
        );
    }
}
