//! The way of bytes in one direction, as a queue of parcels that may each leave at an instant of
//! their own: a long transfer is late as a whole, not once for every piece. Order is kept even when
//! the delay is made shorter. Pure: it reads no clock and no socket.

use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use tokio::time::Instant;

/// Bytes that may be on the way, with what it costs to keep them; then the sender has to wait, as with a
/// full pipe.
const MOST: usize = 1 << 20;

/// What a parcel costs beside its bytes: its place in a queue that may be half empty, and an allocation.
const PARCEL: usize = 128;

/// How a direction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// FIN: no more bytes come this way.
    Finished,
    /// RST: the connection broke.
    Reset,
}

#[derive(Default)]
pub struct Delay {
    parcels: VecDeque<(Instant, Bytes)>,
    bytes: usize,
    end: Option<(Instant, End)>,
    latest: Option<Instant>,
}

impl Delay {
    pub fn has_room(&self) -> bool {
        self.end.is_none() && self.bytes + self.parcels.len() * PARCEL < MOST
    }

    pub fn push(&mut self, due: Instant, bytes: Bytes) {
        if !bytes.is_empty() {
            self.bytes += bytes.len();
            let due = self.not_before_others(due);
            self.parcels.push_back((due, bytes));
        }
    }

    /// Nothing is pushed after this. A reset overtakes nothing either: what was sent before it has
    /// left its sender.
    pub fn end(&mut self, due: Instant, end: End) {
        self.end = Some((self.not_before_others(due), end));
    }

    fn not_before_others(&mut self, due: Instant) -> Instant {
        let due = self.latest.map_or(due, |latest| latest.max(due));
        self.latest = Some(due);
        due
    }

    /// When the next parcel, or the end, may leave.
    pub fn due(&self) -> Option<Instant> {
        (self.parcels.front().map(|(due, _)| *due)).or(self.end.map(|(due, _)| due))
    }

    /// The bytes that leave next; empty before the end.
    pub fn front(&self) -> &[u8] {
        self.parcels.front().map_or(&[], |(_, bytes)| bytes)
    }

    /// So many bytes of the front have left.
    pub fn left(&mut self, count: usize) {
        self.bytes -= count;
        if let Some((_, bytes)) = self.parcels.front_mut() {
            bytes.advance(count);
            if bytes.is_empty() {
                self.parcels.pop_front();
            }
        }
    }

    /// The end, once nothing goes before it.
    pub fn ended(&self) -> Option<End> {
        self.end
            .filter(|_| self.parcels.is_empty())
            .map(|(_, end)| end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_shorter_delay_overtakes_nothing() {
        let start = Instant::now();
        let ms = |n| start + Duration::from_millis(n);
        let mut delay = Delay::default();
        delay.push(ms(50), Bytes::from_static(b"first"));
        delay.push(ms(10), Bytes::from_static(b"second"));
        delay.end(ms(20), End::Finished);
        assert!(!delay.has_room());
        assert_eq!((delay.due(), delay.front()), (Some(ms(50)), &b"first"[..]));
        delay.left(2);
        assert_eq!(delay.front(), b"rst");
        assert_eq!(delay.ended(), None);
        delay.left(3);
        assert_eq!((delay.due(), delay.front()), (Some(ms(50)), &b"second"[..]));
        delay.left(6);
        assert_eq!(delay.due(), Some(ms(50)));
        assert_eq!(delay.ended(), Some(End::Finished));
    }

    #[test]
    fn what_is_on_the_way_is_bounded() {
        let mut delay = Delay::default();
        let now = Instant::now();
        while delay.has_room() {
            delay.push(now, Bytes::from(vec![0; 16 * 1024]));
        }
        assert!(
            delay.bytes <= MOST && delay.bytes > MOST - 16 * 1024,
            "{}",
            delay.bytes
        );
        delay.left(16 * 1024);
        assert!(delay.has_room());
    }

    #[test]
    fn many_small_parcels_fill_the_way_by_what_they_cost() {
        let mut delay = Delay::default();
        let now = Instant::now();
        while delay.has_room() {
            delay.push(now, Bytes::from_static(b"x"));
        }
        assert!(delay.parcels.capacity() * size_of::<(Instant, Bytes)>() <= MOST);
        assert_eq!(delay.parcels.len(), MOST.div_ceil(1 + PARCEL));
        delay.left(1);
        assert!(delay.has_room());
    }
}
