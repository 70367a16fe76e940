//! One subscriber's place in a room: a cursor, and nothing that grows. `ready` gives what is there
//! (a poll), `poll_next` one event after the other for ever (a stream); both read the same history,
//! so replay and live delivery cannot race.

use crate::frames::Event;
use crate::hub::{Hub, Room};
use crate::identity::User;
use crate::net::admission::Address;
use crate::presence::{Hold, Membership};
use crate::shortcut::Shortcut;
use crate::wire::cursor::{Cursor, Epoch, Start};
use crate::worker::{Sleeper, Worker};
use bytes::Bytes;
use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A poll's answer holds at most this many events, and stops after this many bytes: with the event that
/// goes beyond and what the connection buffers, 256 KiB at most for one who does not read.
const MAX_BATCH_EVENTS: usize = 1_000;
const MAX_BATCH_BYTES: usize = 128 * 1024;

pub struct Subscription {
    room: Arc<Room>,
    worker: Rc<Worker>,
    epoch: Epoch,
    reached: Reached,
    /// Events missed before the first read, not told yet; `None`: not known how many.
    missed: Option<u64>,
    /// Its place among the sleepers, from the first time that it slept.
    sleeper: Option<Sleeper>,
    /// Of one who has a name; boxed, for most have none.
    membership: Option<Box<Membership>>,
}

/// To where it has read. A shortcut moves that too, and has it at hand.
enum Reached {
    Own(Cell<u64>),
    Shared(Rc<Shortcut>),
}

impl Reached {
    fn offset(&self) -> &Cell<u64> {
        match self {
            Reached::Own(offset) => offset,
            Reached::Shared(shortcut) => &shortcut.offset,
        }
    }

    fn shortcut(&self) -> Option<&Rc<Shortcut>> {
        match self {
            Reached::Own(_) => None,
            Reached::Shared(shortcut) => Some(shortcut),
        }
    }
}

/// What a stream sends next.
pub enum Next {
    Event(Arc<Event>),
    /// So many events fell off the history unread; reading goes on after this cursor.
    Gap {
        missed: u64,
        cursor: Cursor,
    },
    /// The server stops, and everything before is told.
    End,
}

/// What a poll answers.
pub struct Batch {
    pub events: usize,
    /// Where the client goes on.
    pub cursor: Cursor,
    pub missed: Option<u64>,
    /// The events in the envelope of a poll, encoded once for all who ask for the same ones.
    pub body: Bytes,
}

impl Subscription {
    pub fn open(room: Arc<Room>, worker: &Rc<Worker>, start: Start) -> Self {
        let (epoch, (offset, missed)) = {
            let history = room.history();
            (history.epoch(), history.begin(start))
        };
        Self::at(room, worker, epoch, offset, missed)
    }

    /// Goes on after an offset that was read to in this very room; what is gone since then is a gap.
    pub fn resume(room: Arc<Room>, worker: &Rc<Worker>, offset: u64) -> Self {
        let epoch = room.history().epoch();
        Self::at(room, worker, epoch, offset, Some(0))
    }

    fn at(
        room: Arc<Room>,
        worker: &Rc<Worker>,
        epoch: Epoch,
        offset: u64,
        missed: Option<u64>,
    ) -> Self {
        room.enter();
        Subscription {
            room,
            worker: Rc::clone(worker),
            epoch,
            reached: Reached::Own(Cell::new(offset)),
            missed,
            sleeper: None,
            membership: None,
        }
    }

    /// Makes the subscriber a member of the room for as long as this lives. The cursor stands before
    /// his `join`, so that he reads it himself. In a full room he reads without being one.
    pub fn name(&mut self, hub: &Arc<Hub>, user: Arc<User>, address: Option<Address>, hold: Hold) {
        let membership = Membership::begin(hub, &self.room, user, address, hold);
        self.membership = membership.ok().map(Box::new);
    }

    /// Whether the one who reads is a member of the room.
    pub fn is_member(&self) -> bool {
        self.membership.is_some()
    }

    pub fn cursor(&self) -> Cursor {
        Cursor {
            epoch: self.epoch,
            offset: self.offset(),
        }
    }

    /// Lets events be written past this subscription's task. `make` gets its cursor's offset.
    pub fn shorten(&mut self, make: impl FnOnce(u64) -> Option<Rc<Shortcut>>) {
        if let Some(shortcut) = make(self.offset()) {
            self.reached = Reached::Shared(shortcut);
        }
    }

    pub fn shortcut(&self) -> Option<&Rc<Shortcut>> {
        self.reached.shortcut()
    }

    fn offset(&self) -> u64 {
        self.reached.offset().get()
    }

    /// Goes on after `offset`.
    pub fn move_to(&self, offset: u64) {
        self.reached.offset().set(offset);
    }

    /// How many events the client missed before this subscription began (see `History::begin`).
    pub fn missed(&self) -> Option<u64> {
        self.missed
    }

    /// The room it reads, for those who also publish.
    pub fn room(&self) -> &Arc<Room> {
        &self.room
    }

    /// All that waits after the cursor, up to a cap; moves the cursor past it.
    pub fn ready(&mut self) -> Batch {
        let mut history = self.room.history();
        let fell_off = history.missed_after(self.offset());
        let missed = self.missed.replace(0).map(|missed| missed + fell_off);
        let from = self.offset() + fell_off;
        self.move_to(from);
        let mut bytes = 0;
        for event in history.after(from).take(MAX_BATCH_EVENTS) {
            bytes += event.json().len();
            self.move_to(event.offset);
            if bytes > MAX_BATCH_BYTES {
                break;
            }
        }
        Batch {
            events: usize::try_from(self.offset() - from).unwrap_or(usize::MAX),
            cursor: self.cursor(),
            missed,
            body: history.answer(from, self.offset(), missed),
        }
    }

    /// Whether an event waits after the cursor.
    pub fn has_something(&self) -> bool {
        self.room.head() > self.offset()
    }

    /// The same, or the end of waiting, for the server stops; if neither, a publish will wake this task,
    /// and the drain wakes every connection.
    pub fn poll_ready(&mut self, context: &Context<'_>) -> Poll<()> {
        if self.has_something() || self.worker.drain.has_begun() {
            return Poll::Ready(());
        }
        self.sleeper
            .get_or_insert_with(|| {
                let shortcut = self.reached.shortcut();
                self.worker.join(&self.room, shortcut.cloned())
            })
            .arm(context);
        // Again: a publish between the look and the arming would wake nobody.
        if self.has_something() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// The next event or gap, or the end.
    pub fn poll_next(&mut self, context: &Context<'_>) -> Poll<Next> {
        std::task::ready!(self.poll_ready(context));
        if !self.has_something() {
            return Poll::Ready(Next::End);
        }
        let history = self.room.history();
        let missed = history.missed_after(self.offset());
        if missed > 0 {
            self.move_to(self.offset() + missed);
            return Poll::Ready(Next::Gap {
                missed,
                cursor: history.cursor(self.offset()),
            });
        }
        // The head never moves before its event is in the history.
        let event = history
            .next(self.offset())
            .expect("an event stands between cursor and head");
        self.move_to(event.offset);
        Poll::Ready(Next::Event(Arc::clone(event)))
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.room.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::Draft;
    use crate::history::Bounds;
    use crate::wire::event::PollAnswer;
    use std::future::poll_fn;
    use std::time::Duration;

    fn draft(data: u64) -> Draft {
        crate::publish::trusted("chat", data.to_string())
    }

    fn hub(events: usize) -> Arc<Hub> {
        let bounds = Bounds {
            events,
            bytes: usize::MAX,
            bytes_in_all: 0,
            bare: false,
        };
        Hub::new(bounds, 10, crate::presence::Presence::for_test())
    }

    #[test]
    fn a_batch_is_capped_and_says_that_there_is_more() {
        let hub = hub(5_000);
        let worker = Worker::new(&hub.mailboxes);
        let room = hub.room("KPL").unwrap();
        for n in 0..1_500 {
            hub.publish(&room, &draft(n), None).unwrap();
        }
        let mut subscription = Subscription::open(room, &worker, Start::Oldest);
        for (events, more) in [(1_000, true), (500, false), (0, false)] {
            let batch = subscription.ready();
            let answer: PollAnswer<'_> = serde_json::from_slice(&batch.body).unwrap();
            assert_eq!((batch.events, answer.more), (events, more));
            assert_eq!(answer.events.len(), events);
            assert_eq!(answer.missed, Some(0));
            assert_eq!(answer.cursor, batch.cursor.to_string());
        }
        assert_eq!(subscription.cursor().offset, 1_500);
    }

    #[tokio::test]
    async fn a_slow_reader_is_told_exactly_what_it_missed() {
        let hub = hub(3);
        let worker = Worker::new(&hub.mailboxes);
        let room = hub.room("KPL").unwrap();
        let mut subscription = Subscription::open(Arc::clone(&room), &worker, Start::Now);
        for n in 0..10 {
            hub.publish(&room, &draft(n), None).unwrap();
        }
        let next = poll_fn(|context| subscription.poll_next(context)).await;
        assert!(matches!(next, Next::Gap { missed: 7, cursor } if cursor.offset == 7));
        for expected in 8..=10 {
            let next = poll_fn(|context| subscription.poll_next(context)).await;
            assert!(matches!(next, Next::Event(event) if event.offset == expected));
        }
    }

    #[test]
    fn a_poll_adds_what_it_missed_before_and_since() {
        let hub = hub(3);
        let worker = Worker::new(&hub.mailboxes);
        let room = hub.room("KPL").unwrap();
        for n in 0..10 {
            hub.publish(&room, &draft(n), None).unwrap();
        }
        let start = Start::AfterOffset(5);
        let mut subscription = Subscription::open(Arc::clone(&room), &worker, start);
        for n in 0..2 {
            hub.publish(&room, &draft(n), None).unwrap();
        }
        let batch = subscription.ready();
        assert_eq!((batch.missed, batch.events), (Some(4), 3));
    }

    /// Publishers on threads of their own against sleeping readers on two workers: a lost wake-up
    /// shows as a reader that never gets to the end.
    #[test]
    fn no_wake_up_is_lost_between_threads() {
        const EVENTS: u64 = 20_000;
        let hub = hub(EVENTS as usize + 1);
        let room = hub.room("KPL").unwrap();
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let hub = Arc::clone(&hub);
                std::thread::spawn(move || read_all(&hub, EVENTS))
            })
            .collect();
        while room.subscribers_for_test() < 4 {
            std::thread::yield_now();
        }
        for n in 0..EVENTS {
            hub.publish(&room, &draft(n), None).unwrap();
        }
        for reader in readers {
            reader.join().unwrap();
        }
    }

    fn read_all(hub: &Arc<Hub>, events: u64) {
        let worker = Worker::new(&hub.mailboxes);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        let local = tokio::task::LocalSet::new();
        local.spawn_local(Rc::clone(&worker).deliver());
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let room = hub.room("KPL").unwrap();
                let mut subscription = Subscription::open(room, &worker, Start::Oldest);
                local.spawn_local(async move {
                    for expected in 1..=events {
                        let next = poll_fn(|context| subscription.poll_next(context)).await;
                        assert!(matches!(next, Next::Event(event) if event.offset == expected));
                    }
                })
            })
            .collect();
        let all = async {
            for reader in readers {
                reader.await.unwrap();
            }
        };
        runtime.block_on(local.run_until(async {
            tokio::time::timeout(Duration::from_secs(60), all)
                .await
                .expect("a wake-up was lost");
        }));
    }
}
