//! Rooms by name. A room is a history and the flags of those who wait for it; it comes into being
//! when it is first named and goes away after ten idle minutes.
//!
//! Absent on purpose: queues, channels and anything that belongs to one subscriber.

use crate::allowance::{self, Allowance, Spent};
use crate::frames::Draft;
use crate::history::{Appended, Bounds, History};
use crate::parking::Parked;
use crate::presence::{Members, Presence};
use crate::wake::{Mailboxes, RoomId, Sleepers};
use crate::wire::cursor::{Cursor, Epoch};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

/// How long a room without subscribers outlives its last publish or poll.
pub const IDLE_ROOM: Duration = Duration::from_secs(600);

/// How often a hub that is full looks for rooms that nobody uses.
const CLEAR_EVERY: Duration = Duration::from_secs(1);

/// Between two looks for the largest rooms.
const LEVELLING: Duration = Duration::from_millis(100);

pub struct Hub {
    rooms: RwLock<HashMap<Arc<str>, Arc<Room>>>,
    bounds: Bounds,
    in_all: Arc<Allowance>,
    max_rooms: usize,
    next_room: AtomicU64,
    /// When the unused rooms were last taken away to make room.
    cleared: Mutex<Option<Instant>>,
    published: AtomicU64,
    pub mailboxes: Mailboxes,
    pub presence: Presence,
}

/// The hub holds as many rooms as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full {
    pub limit: usize,
}

pub struct Room {
    pub id: RoomId,
    pub name: Arc<str>,
    history: Mutex<History>,
    /// Offset of the newest event; moves after the event is in the history.
    head: AtomicU64,
    pub sleepers: Sleepers,
    pub parked: Parked,
    members: Mutex<Members>,
    /// Subscriptions that exist now.
    subscribers: AtomicUsize,
    last_used: Mutex<Instant>,
}

impl Hub {
    pub fn new(bounds: Bounds, max_rooms: usize, presence: Presence) -> Arc<Hub> {
        Arc::new(Hub {
            rooms: RwLock::default(),
            bounds,
            in_all: Allowance::new(bounds.bytes_in_all),
            max_rooms,
            next_room: AtomicU64::new(0),
            cleared: Mutex::default(),
            published: AtomicU64::new(0),
            mailboxes: Mailboxes::default(),
            presence,
        })
    }

    /// The room of this name, made if need be. It is marked as used while the map is locked, so
    /// that the sweep cannot take it from under the caller.
    pub fn room(&self, name: &str) -> Result<Arc<Room>, Full> {
        if let Some(room) = self
            .rooms
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
        {
            room.touch();
            return Ok(Arc::clone(room));
        }
        let mut rooms = self.rooms.write().unwrap_or_else(PoisonError::into_inner);
        if rooms.len() >= self.max_rooms && !rooms.contains_key(name) {
            if self.may_clear(Instant::now()) {
                rooms.retain(|_, room| !room.is_unused());
            }
            if rooms.len() >= self.max_rooms {
                return Err(Full {
                    limit: self.max_rooms,
                });
            }
        }
        let name: Arc<str> = name.into();
        let room = rooms.entry(Arc::clone(&name)).or_insert_with(|| {
            Arc::new(Room::new(
                self.next_room.fetch_add(1, Ordering::Relaxed),
                name,
                self.bounds,
                Arc::clone(&self.in_all),
            ))
        });
        room.touch();
        Ok(Arc::clone(room))
    }

    /// Whether the rooms may be looked through for unused ones again, which costs as much as there are.
    fn may_clear(&self, now: Instant) -> bool {
        let mut cleared = self.cleared.lock().unwrap_or_else(PoisonError::into_inner);
        let is_rested =
            cleared.is_none_or(|last| now.saturating_duration_since(last) >= CLEAR_EVERY);
        if is_rested {
            *cleared = Some(now);
        }
        is_rested
    }

    /// Appends an event to `room` and wakes its subscribers. Gives the event's cursor.
    pub fn publish(&self, room: &Room, draft: &Draft, key: Option<&str>) -> Result<Cursor, Spent> {
        let (appended, cursor) = {
            let mut history = room.history();
            let appended = history.append(draft, key)?;
            room.head.store(history.head(), Ordering::SeqCst);
            (appended, history.cursor(appended.offset()))
        };
        if let Appended::New(_) = appended {
            self.wake(room);
        }
        Ok(cursor)
    }

    /// The same with an event of the server's own, such as a `join`. It is never refused: a room whose
    /// history was smaller than this event may take the difference beyond what all histories may hold.
    pub fn announce(&self, room: &Room, draft: &Draft) -> u64 {
        let offset = {
            let mut history = room.history();
            let offset = history.append_regardless(draft);
            room.head.store(offset, Ordering::SeqCst);
            offset
        };
        self.wake(room);
        offset
    }

    fn wake(&self, room: &Room) {
        self.published.fetch_add(1, Ordering::Relaxed);
        room.sleepers.wake(room.id, &self.mailboxes);
        room.parked.wake();
    }

    /// Keeps all histories within what they may hold together: beyond it the largest give their oldest
    /// events, down to one measure for all of them. It looks at all rooms, but seldom.
    pub async fn level(&self) {
        loop {
            self.in_all.wait_beyond().await;
            self.take_from_the_largest();
            tokio::time::sleep(LEVELLING).await;
        }
    }

    pub fn take_from_the_largest(&self) {
        let excess = self.in_all.excess();
        if excess == 0 {
            return;
        }
        let rooms: Vec<Arc<Room>> = {
            let rooms = self.rooms.read().unwrap_or_else(PoisonError::into_inner);
            rooms.values().cloned().collect()
        };
        let spares: Vec<usize> = rooms.iter().map(|room| room.history().spare()).collect();
        let measure = allowance::measure(spares.clone(), excess);
        for (room, spare) in rooms.iter().zip(spares) {
            if spare > measure {
                room.history().give(measure);
            }
        }
    }

    /// Bytes that the histories of all rooms hold, also of rooms that only their subscribers still have.
    pub fn history_bytes(&self) -> usize {
        self.in_all.held()
    }

    /// The room of this name, if there is one.
    pub fn known(&self, name: &str) -> Option<Arc<Room>> {
        let rooms = self.rooms.read().unwrap_or_else(PoisonError::into_inner);
        let room = rooms.get(name)?;
        room.touch();
        Some(Arc::clone(room))
    }

    /// Puts an empty room of a new epoch in the place of `room`, whose offsets it goes on with.
    pub fn renew(&self, name: &str, room: &Room) -> Arc<Room> {
        let mut rooms = self.rooms.write().unwrap_or_else(PoisonError::into_inner);
        let id = self.next_room.fetch_add(1, Ordering::Relaxed);
        let own_name = Arc::clone(&room.name);
        let in_all = Arc::clone(&self.in_all);
        let renewed = Arc::new(Room::new(id, own_name, self.bounds, in_all));
        let head = room.head();
        renewed.history().begin_after(head);
        renewed.head.store(head, Ordering::SeqCst);
        rooms.insert(name.into(), Arc::clone(&renewed));
        renewed
    }

    /// Takes the room's name away: who has the room keeps it, who asks for it gets a new one.
    pub fn forget(&self, name: &str) {
        self.rooms
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(name);
    }

    pub fn published(&self) -> u64 {
        self.published.load(Ordering::Relaxed)
    }

    pub fn room_count(&self) -> usize {
        self.rooms
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// Forgets rooms without members that nobody listens to and nobody has used for [`IDLE_ROOM`].
    pub fn sweep(&self, now: Instant) {
        self.rooms
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|_, room| !room.is_idle(now));
    }
}

impl Room {
    fn new(id: RoomId, name: Arc<str>, bounds: Bounds, in_all: Arc<Allowance>) -> Room {
        // Eight digits of base 36: short in a cursor, as long in each, and no two lives of a room will
        // share it.
        let epoch = Epoch(rand::random_range(36u64.pow(7)..36u64.pow(8)));
        let history = History::new(Arc::clone(&name), epoch, bounds, in_all);
        Room {
            id,
            name,
            history: Mutex::new(history),
            head: AtomicU64::new(0),
            sleepers: Sleepers::default(),
            parked: Parked::default(),
            members: Mutex::default(),
            subscribers: AtomicUsize::new(0),
            last_used: Mutex::new(Instant::now()),
        }
    }

    pub fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn members(&self) -> MutexGuard<'_, Members> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn head(&self) -> u64 {
        self.head.load(Ordering::SeqCst)
    }

    pub fn enter(&self) {
        self.subscribers.fetch_add(1, Ordering::Relaxed);
    }

    pub fn leave(&self) {
        self.touch();
        self.subscribers.fetch_sub(1, Ordering::Relaxed);
    }

    #[cfg(test)]
    pub fn subscribers_for_test(&self) -> usize {
        self.subscribers.load(Ordering::Relaxed)
    }

    fn touch(&self) {
        *self
            .last_used
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Whether the hub alone knows the room, and nothing was ever said in it. To be asked while the map is
    /// locked: then nobody else can have got it from there.
    fn is_unused(self: &Arc<Self>) -> bool {
        Arc::strong_count(self) == 1
            && self.head() == 0
            && self.subscribers.load(Ordering::Relaxed) == 0
            && self.members().is_empty()
    }

    fn is_idle(&self, now: Instant) -> bool {
        let last_used = *self
            .last_used
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        self.subscribers.load(Ordering::Relaxed) == 0
            && now.saturating_duration_since(last_used) >= IDLE_ROOM
            && self.members().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(max_rooms: usize) -> Arc<Hub> {
        let bounds = Bounds {
            events: 10,
            bytes: 1000,
            bytes_in_all: 0,
            bare: false,
        };
        Hub::new(bounds, max_rooms, Presence::for_test())
    }

    fn draft() -> Draft {
        crate::publish::trusted("chat", "1".into())
    }

    #[test]
    fn an_idle_room_goes_away_and_comes_back_with_another_epoch() {
        let hub = hub(10);
        let room = hub.room("峡谷").unwrap();
        let cursor = hub.publish(&room, &draft(), None).unwrap();
        hub.sweep(Instant::now());
        assert_eq!(hub.room_count(), 1);
        hub.sweep(Instant::now() + IDLE_ROOM);
        assert_eq!(hub.room_count(), 0);
        let again = hub.room("峡谷").unwrap();
        assert_ne!(again.history().epoch(), cursor.epoch);
    }

    #[test]
    fn a_room_with_a_subscriber_stays() {
        let hub = hub(10);
        let room = hub.room("KPL").unwrap();
        room.enter();
        hub.sweep(Instant::now() + IDLE_ROOM);
        assert_eq!(hub.room_count(), 1);
        room.leave();
        hub.sweep(Instant::now() + IDLE_ROOM);
        assert_eq!(hub.room_count(), 0);
    }

    /// A retry may overtake what it repeats.
    #[test]
    fn publishes_of_one_key_at_the_same_time_are_one() {
        let bounds = Bounds {
            events: 1_000,
            bytes: usize::MAX,
            bytes_in_all: 0,
            bare: false,
        };
        let hub = Hub::new(bounds, 1, Presence::for_test());
        let room = hub.room("峡谷").unwrap();
        let offsets = || {
            let publish = |key: u64| {
                let key = key.to_string();
                hub.publish(&room, &draft(), Some(&key)).unwrap().offset
            };
            (0..500).map(publish).collect::<Vec<_>>()
        };
        let answers: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(offsets)).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        assert_eq!((room.head(), hub.published()), (500, 500));
        assert!(answers.iter().all(|offsets| *offsets == answers[0]));
    }

    #[test]
    fn the_room_beyond_the_limit_is_refused_and_known_ones_are_not() {
        let hub = hub(1);
        let room = hub.room("a").unwrap();
        hub.publish(&room, &draft(), None).unwrap();
        drop(room);
        assert!(hub.room("b").is_err());
        assert!(hub.room("a").is_ok());
    }

    #[test]
    fn rooms_that_were_only_named_give_way_to_others() {
        let hub = hub(4);
        let held = hub.room("held").unwrap();
        let heard = hub.room("heard").unwrap();
        heard.enter();
        drop(heard);
        let said = hub.room("said").unwrap();
        hub.publish(&said, &draft(), None).unwrap();
        drop(said);
        drop(hub.room("named").unwrap());
        let epoch = held.history().epoch();
        assert!(hub.room("KPL").is_ok());
        let there: Vec<bool> = ["held", "heard", "said", "named", "KPL"]
            .map(|name| hub.known(name).is_some())
            .into();
        assert_eq!(there, [true, true, true, false, true]);
        assert_eq!(hub.room("held").unwrap().history().epoch(), epoch);
        // Not at each request: that would cost more than the room.
        assert!(hub.room("峡谷").is_err());
        *hub.cleared.lock().unwrap() = Instant::now().checked_sub(CLEAR_EVERY);
        assert!(hub.room("峡谷").is_ok());
    }
}
