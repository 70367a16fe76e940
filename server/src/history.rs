//! The last events of one room, bounded by count and by bytes, read by offset. It is the only
//! queue: nothing leaves it because it was sent, and it knows nothing of who reads.
//!
//! Invariants: offsets are consecutive; `first` is the offset of the oldest event kept; the allowance of
//! all histories holds `bytes` of this one for as long as there is this one.

use crate::allowance::{Allowance, Spent};
use crate::frames::{self, Draft, Event};
use crate::wire::cursor::{Cursor, Epoch, Start};
use bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub events: usize,
    pub bytes: usize,
    /// Of all histories together; 0 is no limit.
    pub bytes_in_all: usize,
    pub bare: bool,
}

pub struct History {
    room: Arc<str>,
    epoch: Epoch,
    bounds: Bounds,
    in_all: Arc<Allowance>,
    events: VecDeque<Arc<Event>>,
    /// Offset of `events[0]`; head + 1 while there is none.
    first: u64,
    bytes: usize,
    /// First answers by `Idempotency-Key`, as long as their event is kept.
    keys: HashMap<Box<str>, u64>,
    key_order: VecDeque<(u64, Box<str>)>,
    /// The last answer made for a poll: all who wait for the same event ask for the same one.
    answer: Option<Answer>,
}

/// The oldest, which are to go.
#[derive(Default)]
struct Going {
    events: usize,
    keys: usize,
    bytes: usize,
}

struct Answer {
    from: u64,
    to: u64,
    more: bool,
    body: Bytes,
}

impl History {
    /// `room` is its name, which its events bear.
    pub fn new(room: Arc<str>, epoch: Epoch, bounds: Bounds, in_all: Arc<Allowance>) -> History {
        History {
            room,
            epoch,
            bounds,
            in_all,
            events: VecDeque::new(),
            first: 1,
            bytes: 0,
            keys: HashMap::new(),
            key_order: VecDeque::new(),
            answer: None,
        }
    }

    /// Has the first event, which has not come yet, follow `offset`.
    pub fn begin_after(&mut self, offset: u64) {
        debug_assert!(self.events.is_empty());
        self.first = offset + 1;
    }

    /// Keeps so many events from now on.
    pub fn keep(&mut self, events: usize) {
        self.bounds.events = events;
        let mut going = Going::default();
        while self.events.len() - going.events > events.max(1) {
            self.one_more(&mut going);
        }
        self.in_all.give_back(going.bytes);
        self.let_go(&going);
    }

    /// What it could give: all but its newest event.
    pub fn spare(&self) -> usize {
        let newest = self.events.back().map_or(0, |event| event.size());
        self.bytes - newest
    }

    /// Gives its oldest events until no more than so much is to spare.
    pub fn give(&mut self, spare: usize) {
        let mut going = Going::default();
        while self.events.len() - going.events > 1 && self.spare() - going.bytes > spare {
            self.one_more(&mut going);
        }
        self.in_all.give_back(going.bytes);
        self.let_go(&going);
    }

    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Offset of the newest event; 0 before the first.
    pub fn head(&self) -> u64 {
        self.first + self.events.len() as u64 - 1
    }

    pub fn cursor(&self, offset: u64) -> Cursor {
        Cursor {
            epoch: self.epoch,
            offset,
        }
    }

    /// Appends an event and drops what the bounds no longer hold, of all histories too: an event for which
    /// there is no place even if all others of this room go is refused, and none goes for it. A key seen
    /// before, whose event is still kept, appends nothing and gives the first offset again.
    pub fn append(&mut self, draft: &Draft, key: Option<&str>) -> Result<Appended, Spent> {
        if let Some(&offset) = key.and_then(|key| self.keys.get(key)) {
            return Ok(Appended::Repeated(offset));
        }
        let event = self.encoded(draft);
        let size = event.size() + key.map_or(0, key_size);
        let mut going = self.beyond_bounds(size);
        self.make_place(&mut going, size)?;
        self.let_go(&going);
        Ok(Appended::New(self.push(event, key, size)))
    }

    /// Appends an event that cannot be refused. Beyond what all histories may hold, this one then consists
    /// of that event alone.
    pub fn append_regardless(&mut self, draft: &Draft) -> u64 {
        let event = self.encoded(draft);
        let size = event.size();
        let mut going = self.beyond_bounds(size);
        if self.make_place(&mut going, size).is_err() {
            while going.events < self.events.len() {
                self.one_more(&mut going);
            }
            self.in_all.exchange_regardless(going.bytes, size);
        }
        self.let_go(&going);
        self.push(event, None, size)
    }

    fn encoded(&self, draft: &Draft) -> Event {
        let cursor = self.cursor(self.head() + 1);
        Event::new(&self.room, cursor, draft, self.bounds.bare)
    }

    /// What the bounds of this history no longer hold once `size` bytes have come.
    fn beyond_bounds(&self, size: usize) -> Going {
        let mut going = Going::default();
        while going.events < self.events.len()
            && (self.events.len() - going.events >= self.bounds.events
                || self.bytes - going.bytes + size > self.bounds.bytes)
        {
            self.one_more(&mut going);
        }
        going
    }

    /// Takes `size` bytes from the allowance of all histories, for which more of this one goes if need be.
    fn make_place(&self, going: &mut Going, size: usize) -> Result<(), Spent> {
        while let Err(lacking) = self.in_all.exchange(going.bytes, size) {
            let enough = going.bytes + lacking;
            if enough > self.bytes {
                return Err(self.in_all.spent());
            }
            while going.bytes < enough {
                self.one_more(going);
            }
        }
        Ok(())
    }

    fn one_more(&self, going: &mut Going) {
        going.bytes += self.events[going.events].size();
        going.events += 1;
        let first = self.first + going.events as u64;
        while let Some((offset, key)) = self.key_order.get(going.keys)
            && *offset < first
        {
            going.bytes += key_size(key);
            going.keys += 1;
        }
    }

    fn let_go(&mut self, going: &Going) {
        for _ in 0..going.events {
            self.events.pop_front();
        }
        self.first += going.events as u64;
        for _ in 0..going.keys {
            if let Some((_, key)) = self.key_order.pop_front() {
                self.keys.remove(&key);
            }
        }
        self.bytes -= going.bytes;
        // What is kept for polls is bounded by what is kept.
        self.answer.take_if(|answer| answer.from + 1 < self.first);
    }

    fn push(&mut self, event: Event, key: Option<&str>, size: usize) -> u64 {
        let offset = event.offset;
        self.events.push_back(Arc::new(event));
        self.bytes += size;
        if let Some(key) = key {
            self.keys.insert(key.into(), offset);
            self.key_order.push_back((offset, key.into()));
        }
        offset
    }

    /// Where a subscriber begins: the offset after which it reads, and how many events it missed
    /// (`None`: it comes from another epoch, or from the future, and the count cannot be known).
    pub fn begin(&self, start: Start) -> (u64, Option<u64>) {
        let oldest = self.first - 1;
        let after = match start {
            Start::Now => return (self.head(), Some(0)),
            Start::Oldest => return (oldest, Some(0)),
            Start::After(cursor) if cursor.epoch != self.epoch => return (oldest, None),
            Start::After(cursor) => cursor.offset,
            Start::AfterOffset(offset) => offset,
        };
        if after > self.head() {
            (oldest, None)
        } else {
            (after.max(oldest), Some(oldest.saturating_sub(after)))
        }
    }

    /// How many of the events after `offset` are gone.
    pub fn missed_after(&self, offset: u64) -> u64 {
        (self.first - 1).saturating_sub(offset)
    }

    /// The event at the head.
    pub fn newest(&self) -> Option<Arc<Event>> {
        self.events.back().cloned()
    }

    /// The event that follows `offset`, if it has been published and is kept.
    pub fn next(&self, offset: u64) -> Option<&Arc<Event>> {
        let index = (offset + 1).checked_sub(self.first)?;
        self.events.get(usize::try_from(index).ok()?)
    }

    /// The body of a poll's answer with the events after `from` and up to `to`.
    pub fn answer(&mut self, from: u64, to: u64, missed: Option<u64>) -> Bytes {
        let more = to < self.head();
        if let Some(answer) = &self.answer
            && (answer.from, answer.to, answer.more) == (from, to, more)
            && missed == Some(0)
        {
            return answer.body.clone();
        }
        let count = usize::try_from(to - from).unwrap_or(usize::MAX);
        let events = self.after(from).take(count).map(|event| event.json());
        let body = if self.bounds.bare {
            frames::bare_answer(events)
        } else {
            frames::answer(self.cursor(to), missed, events, more)
        };
        if missed == Some(0) {
            let body = body.clone();
            self.answer = Some(Answer {
                from,
                to,
                more,
                body,
            });
        }
        body
    }

    /// The events that follow `offset`, oldest first.
    pub fn after(&self, offset: u64) -> impl Iterator<Item = &Arc<Event>> {
        let skip = (offset + 1).saturating_sub(self.first);
        self.events
            .iter()
            .skip(usize::try_from(skip).unwrap_or(usize::MAX))
    }
}

impl Drop for History {
    fn drop(&mut self) {
        self.in_all.give_back(self.bytes);
    }
}

/// Kept twice, by key and in order.
fn key_size(key: &str) -> usize {
    2 * (key.len() + size_of::<(u64, Box<str>)>())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Appended {
    New(u64),
    Repeated(u64),
}

impl Appended {
    pub fn offset(self) -> u64 {
        match self {
            Appended::New(offset) | Appended::Repeated(offset) => offset,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(events: usize, bytes: usize) -> History {
        let bounds = Bounds {
            events,
            bytes,
            bytes_in_all: 0,
            bare: false,
        };
        History::new("KPL".into(), Epoch(10), bounds, Allowance::new(0))
    }

    fn draft(data: &str) -> Draft {
        crate::publish::trusted("chat", data.into())
    }

    fn filled(events: usize, published: u64) -> History {
        let mut history = history(events, usize::MAX);
        for n in 1..=published {
            assert_eq!(history.append(&draft("1"), None), Ok(Appended::New(n)));
        }
        history
    }

    #[test]
    fn offsets_count_from_one_without_holes() {
        let history = filled(100, 5);
        let offsets: Vec<u64> = history.after(2).map(|event| event.offset).collect();
        assert_eq!(offsets, [3, 4, 5]);
        assert_eq!(history.next(4).unwrap().offset, 5);
        assert!(history.next(5).is_none());
    }

    #[test]
    fn a_cursor_that_fell_off_is_told_how_many_it_missed() {
        let history = filled(3, 10);
        assert_eq!(history.missed_after(4), 3);
        assert_eq!(history.missed_after(7), 0);
        assert!(history.next(4).is_none());
        assert_eq!(history.next(7).unwrap().offset, 8);
    }

    #[test]
    fn begin_covers_every_start() {
        let history = filled(3, 10);
        let at = |epoch, offset| {
            Start::After(Cursor {
                epoch: Epoch(epoch),
                offset,
            })
        };
        for (start, expected) in [
            (Start::Now, (10, Some(0))),
            (Start::Oldest, (7, Some(0))),
            (at(10, 10), (10, Some(0))),
            (at(10, 8), (8, Some(0))),
            (at(10, 7), (7, Some(0))),
            (at(10, 6), (7, Some(1))),
            (at(10, 0), (7, Some(7))),
            (at(10, 11), (7, None)),
            (at(10, u64::MAX), (7, None)),
            (at(11, 8), (7, None)),
            (Start::AfterOffset(9), (9, Some(0))),
        ] {
            assert_eq!(history.begin(start), expected, "{start:?}");
        }
    }

    #[test]
    fn the_byte_bound_keeps_at_least_the_newest() {
        let mut history = history(100, 200);
        for _ in 0..10 {
            history
                .append(&draft(&format!("\"{}\"", "x".repeat(60))), None)
                .unwrap();
        }
        assert_eq!(history.after(0).count(), 1);
        history
            .append(&draft(&format!("\"{}\"", "x".repeat(500))), None)
            .unwrap();
        assert_eq!(history.head(), 11);
        assert_eq!(history.after(0).count(), 1);
    }

    #[test]
    fn a_repeated_key_gives_the_first_offset_while_its_event_is_kept() {
        let mut history = history(2, usize::MAX);
        assert_eq!(history.append(&draft("1"), Some("k")), Ok(Appended::New(1)));
        assert_eq!(
            history.append(&draft("2"), Some("k")),
            Ok(Appended::Repeated(1))
        );
        history.append(&draft("3"), None).unwrap();
        history.append(&draft("4"), None).unwrap();
        assert_eq!(history.append(&draft("5"), Some("k")), Ok(Appended::New(4)));
    }
}
