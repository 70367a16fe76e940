//! Connection state recovery: the rooms of a client that was cut, and how far it had been told of each, kept
//! for a while under a secret of its own (`pid`). It comes again with that and the last cursor that it has
//! read (`offset`), and is told what came after, from the histories: no event is kept here.
//!
//! One cursor tells the place in one room. Where there were several, the order in which their events went
//! out tells the others; what it cannot tell exactly is not recovered, and the client joins again.

mod begun;

pub use begun::Begun;

use super::rooms::{Joined, Left, Run};
use super::spared::Spared;
use crate::hub::{Hub, Room};
use crate::identity::User;
use crate::net::admission::Address;
use crate::wire::cursor::{Cursor, Epoch};
use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

/// Clients that are waited for; beyond, the first of them are no more.
pub const MAX_KEPT: usize = 65_536;

/// Those of one address; beyond, it has nothing kept: others are not to wait less for its sake.
pub const MAX_KEPT_OF_ADDRESS: usize = MAX_KEPT / 8;

/// Bytes that all they left behind may take; likewise.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;

/// Those who were cut.
pub struct Recovery {
    wait: Duration,
    max_bytes: usize,
    all: Mutex<All>,
}

#[derive(Default)]
struct All {
    by_pid: HashMap<Box<str>, Waiting>,
    /// The first first; some have come back since.
    order: VecDeque<Wait>,
    /// How many of `order` are an address's.
    by_address: HashMap<Address, usize>,
    bytes: usize,
}

/// Until when one is waited for.
struct Wait {
    until: Instant,
    pid: Box<str>,
    address: Option<Address>,
}

struct Waiting {
    until: Instant,
    kept: Kept,
}

/// What one client left behind.
#[derive(Debug)]
pub struct Kept {
    sid: Box<str>,
    user: Option<Arc<User>>,
    on_lane: bool,
    begun: Begun,
    rooms: Vec<KeptRoom>,
    runs: Vec<Run>,
    /// Older runs are forgotten.
    cut: bool,
}

#[derive(Debug)]
struct KeptRoom {
    id: u64,
    room: Weak<Room>,
    epoch: Epoch,
    /// Where the join began.
    since: u64,
    /// To where earlier joins were sent.
    read: u64,
    spared: Spared,
}

/// From where a room is read.
pub struct Place {
    pub room: Arc<Room>,
    /// After this offset.
    pub offset: u64,
    pub spared: Spared,
}

/// One that has come back.
pub struct Recovered {
    pub sid: Box<str>,
    pub rooms: Vec<Place>,
}

impl Place {
    pub fn after(room: Arc<Room>, offset: u64) -> Place {
        Place {
            room,
            offset,
            spared: Spared::default(),
        }
    }
}

impl Recovery {
    /// With a wait of nothing, nobody is kept.
    pub fn new(wait: Duration) -> Arc<Recovery> {
        Recovery::within(wait, MAX_BYTES)
    }

    fn within(wait: Duration, max_bytes: usize) -> Arc<Recovery> {
        Arc::new(Recovery {
            wait,
            max_bytes,
            all: Mutex::default(),
        })
    }

    pub fn is_on(&self) -> bool {
        !self.wait.is_zero()
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn keep(&self, pid: Box<str>, kept: Kept, address: Option<Address>, now: Instant) {
        let bytes = kept.bytes();
        if !self.is_on() || bytes > self.max_bytes {
            return;
        }
        let until = now + self.wait;
        let mut all = self.all();
        all.forget(now);
        if let Some(address) = address {
            let waits = all.by_address.entry(address).or_default();
            if *waits >= MAX_KEPT_OF_ADDRESS {
                return;
            }
            *waits += 1;
        }
        while all.order.len() >= MAX_KEPT || all.bytes + bytes > self.max_bytes {
            all.forget_first();
        }
        all.bytes += bytes;
        all.order.push_back(Wait {
            until,
            pid: pid.clone(),
            address,
        });
        all.by_pid.insert(pid, Waiting { until, kept });
    }

    /// Gives what is kept under this pid, once, to the one whose it is.
    pub fn take(
        &self,
        pid: &str,
        now: Instant,
        is_own: impl FnOnce(&Kept) -> bool,
    ) -> Option<Kept> {
        let mut all = self.all();
        all.forget(now);
        all.by_pid.get(pid).filter(|it| is_own(&it.kept))?;
        let waiting = all.by_pid.remove(pid)?;
        all.bytes -= waiting.kept.bytes();
        Some(waiting.kept)
    }

    /// Forgets those whose time is over.
    pub fn sweep(&self, now: Instant) {
        self.all().forget(now);
    }

    #[cfg(test)]
    fn is_empty(&self) -> bool {
        let all = self.all();
        all.by_pid.is_empty() && all.order.is_empty() && all.by_address.is_empty() && all.bytes == 0
    }
}

impl All {
    fn forget(&mut self, now: Instant) {
        while self.order.front().is_some_and(|wait| wait.until <= now) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        let Some(wait) = self.order.pop_front() else {
            return;
        };
        if let Some(address) = wait.address
            && let Entry::Occupied(mut waits) = self.by_address.entry(address)
        {
            *waits.get_mut() -= 1;
            if *waits.get() == 0 {
                waits.remove();
            }
        }
        // It may have come back and been cut again since.
        if (self.by_pid.get(&wait.pid)).is_some_and(|it| it.until == wait.until)
            && let Some(waiting) = self.by_pid.remove(&wait.pid)
        {
            self.bytes -= waiting.kept.bytes();
        }
    }
}

impl Kept {
    pub fn new(
        sid: Box<str>,
        user: Option<Arc<User>>,
        on_lane: bool,
        begun: Begun,
        left: &Left,
    ) -> Kept {
        Kept {
            sid,
            user,
            on_lane,
            begun,
            rooms: left.joined.iter().map(KeptRoom::new).collect(),
            runs: left.sent.runs().collect(),
            cut: left.sent.is_cut(),
        }
    }

    /// Whether it was this user's, or nobody's where this is nobody.
    pub fn is_of(&self, user: Option<&User>, on_lane: bool) -> bool {
        let own = self.user.as_ref().map(|user| &user.id);
        own == user.map(|user| &user.id) && self.on_lane == on_lane
    }

    fn bytes(&self) -> usize {
        let spared: usize = self.rooms.iter().map(|room| room.spared.bytes()).sum();
        size_of::<Kept>()
            + 4 * self.sid.len()
            + self.rooms.len() * size_of::<KeptRoom>()
            + self.runs.len() * size_of::<Run>()
            + spared
    }

    /// Where the client goes on that has read up to `offset`; `None` where that cannot be told, or where
    /// something that it has not read is gone.
    pub fn recovered(self, offset: Option<&str>, hub: &Hub) -> Option<Recovered> {
        let offsets = self.offsets(offset)?;
        let places = self.rooms.into_iter().zip(offsets);
        let rooms = places.map(|(kept, offset)| kept.place(offset, hub));
        Some(Recovered {
            rooms: rooms.collect::<Option<_>>()?,
            sid: self.sid,
        })
    }

    /// How far the client has read in each of the rooms.
    fn offsets(&self, offset: Option<&str>) -> Option<Vec<u64>> {
        if self.begun.is(offset) {
            let joined = self.rooms.iter().map(|room| (room.epoch, room.since));
            return self.begun.read(&joined.collect::<Vec<_>>());
        }
        let cursor: Cursor = offset?.parse().ok()?;
        let last = self.rooms.iter().find(|room| room.epoch == cursor.epoch)?;
        if cursor.offset > last.since && cursor.offset <= last.read {
            // Read in this join, or before it: nobody knows.
            return None;
        }
        if self.rooms.len() == 1 {
            return Some(vec![cursor.offset.max(last.since)]);
        }
        let run = self.run(last, cursor.offset)?;
        let read = |room: &KeptRoom| match room.id == last.id {
            true => Some(cursor.offset),
            false => self.sent_before(run, room.id, room.since),
        };
        self.rooms.iter().map(read).collect()
    }

    /// In which run the event with this offset went out.
    fn run(&self, room: &KeptRoom, offset: u64) -> Option<usize> {
        let mut of_room = self.runs.iter().enumerate();
        let mut of_room = of_room.by_ref().filter(|(_, run)| run.id == room.id);
        let (at, _) = of_room.find(|(_, run)| run.to >= offset)?;
        let before = self.sent_before(at, room.id, room.since)?;
        (before < offset).then_some(at)
    }

    /// How far a room had been sent when this run began.
    fn sent_before(&self, run: usize, id: u64, since: u64) -> Option<u64> {
        let last = self.runs[..run].iter().rfind(|run| run.id == id);
        match last {
            Some(last) => Some(last.to),
            None => (!self.cut).then_some(since),
        }
    }
}

impl KeptRoom {
    fn new(joined: &Joined) -> KeptRoom {
        KeptRoom {
            id: joined.id,
            room: Arc::downgrade(&joined.room),
            epoch: joined.room.history().epoch(),
            since: joined.since,
            read: joined.read,
            spared: joined.spared.clone(),
        }
    }

    /// The same room, if it is there and has all that follows.
    fn place(self, offset: u64, hub: &Hub) -> Option<Place> {
        let room = self.room.upgrade()?;
        let known = hub.known(&room.name)?;
        let is_whole = Arc::ptr_eq(&room, &known)
            && offset <= room.head()
            && room.history().missed_after(offset) == 0;
        is_whole.then_some(())?;
        let spared = self.spared.again_after(offset)?;
        Some(Place {
            room,
            offset,
            spared,
        })
    }
}

#[cfg(test)]
mod tests;
