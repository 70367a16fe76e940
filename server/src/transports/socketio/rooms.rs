//! The rooms that a session has joined, and how far it has been told of each. They belong to the session
//! and not to who carries it at the moment: a carrier reads on from these places and notes what it sent.
//!
//! Absent on purpose: events. A place in a room is a number.

use super::recovery::Place;
use super::spared::Spared;
use crate::hub::Room;
use crate::presence::Membership;
use crate::wake::RoomId;
use std::collections::VecDeque;
use std::sync::Arc;

/// Runs that are remembered of the order in which events of several rooms were sent.
const MAX_RUNS: usize = 1_000;

/// Rooms that were left and are remembered as such.
const MAX_EARLIER: usize = 128;

/// One joined room; the join ends when this is dropped.
pub struct Joined {
    /// Names this join within its session.
    pub id: u64,
    pub room: Arc<Room>,
    /// Where the join began.
    pub since: u64,
    /// Sent to here.
    pub offset: u64,
    /// To where earlier joins of the same room were sent: a cursor up to there may be of one of them.
    pub read: u64,
    /// Of one who has a name, for as long as he is in the room.
    _membership: Option<Box<Membership>>,
    /// Events of its own that the session is spared.
    pub spared: Spared,
}

/// So many events of one join went out in a row: to this offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    pub id: u64,
    pub to: u64,
}

/// What was sent of several rooms, in its order.
#[derive(Default)]
pub struct Sent {
    runs: VecDeque<Run>,
    /// Older runs are forgotten.
    cut: bool,
}

#[derive(Default)]
pub struct Rooms {
    joined: Vec<Joined>,
    next: u64,
    /// Changes whenever a room is joined or left.
    version: u64,
    sent: Sent,
    earlier: Earlier,
}

/// How far rooms had been sent that the session was in before.
#[derive(Default)]
struct Earlier {
    rooms: Vec<(RoomId, u64)>,
    /// There were more.
    is_full: bool,
}

/// What a session leaves behind.
pub struct Left {
    pub joined: Vec<Joined>,
    pub sent: Sent,
}

impl Joined {
    /// Whether the session is not to be told of this event; asked in the order of the offsets.
    pub fn is_spared(&mut self, offset: u64) -> bool {
        self.spared.holds(offset)
    }

    /// Whether events are to be left out that are not reached yet.
    pub fn spares(&self) -> bool {
        self.spared.any_after(self.offset)
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        self.room.leave();
    }
}

impl Sent {
    fn note(&mut self, id: u64, to: u64) {
        if let Some(last) = self.runs.back_mut()
            && last.id == id
        {
            last.to = to;
            return;
        }
        if self.runs.len() == MAX_RUNS {
            self.runs.pop_front();
            self.cut = true;
        }
        self.runs.push_back(Run { id, to });
    }

    /// The runs in their order; empty where there was one room only.
    pub fn runs(&self) -> impl Iterator<Item = Run> + '_ {
        self.runs.iter().copied()
    }

    /// Whether the first of the runs are missing.
    pub fn is_cut(&self) -> bool {
        self.cut
    }
}

impl Earlier {
    fn remember(&mut self, joined: &Joined) {
        let id = joined.room.id;
        let read = joined.read.max(joined.offset);
        match self.rooms.iter().position(|(room, _)| *room == id) {
            Some(at) => self.rooms[at].1 = read,
            None if self.rooms.len() < MAX_EARLIER => self.rooms.push((id, read)),
            None => self.is_full = true,
        }
    }

    fn read(&self, room: &Room) -> u64 {
        let known = self.rooms.iter().find(|(id, _)| *id == room.id);
        match known {
            Some((_, read)) => *read,
            None if self.is_full => u64::MAX,
            None => 0,
        }
    }
}

impl Rooms {
    pub fn len(&self) -> usize {
        self.joined.len()
    }

    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn get(&self, name: &str) -> Option<&Joined> {
        self.joined.iter().find(|joined| &*joined.room.name == name)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Joined> {
        self.joined.iter()
    }

    pub fn at(&mut self, index: usize) -> &mut Joined {
        &mut self.joined[index]
    }

    /// Joins a room: events after that place are sent from now on. Who is in the room already goes on from
    /// there instead. Whoever is to read his own `join` has taken the offset before he became a member.
    pub fn join(&mut self, place: Place, membership: Option<Box<Membership>>) {
        // The membership that is there goes after the new one has begun.
        let before = self.index(&place.room.name);
        let before = before.map(|at| self.joined.remove(at));
        if let Some(before) = &before {
            self.earlier.remember(before);
        }
        if let [only] = &self.joined[..] {
            // From here on there is an order to remember.
            self.sent.note(only.id, only.offset);
        }
        place.room.enter();
        // Most have one, and there are many of them.
        self.joined.reserve_exact(1);
        self.joined.push(Joined {
            id: self.next,
            read: self.earlier.read(&place.room),
            room: place.room,
            since: place.offset,
            offset: place.offset,
            _membership: membership,
            spared: place.spared,
        });
        self.next += 1;
        self.version += 1;
        drop(before);
    }

    fn index(&self, name: &str) -> Option<usize> {
        self.joined
            .iter()
            .position(|joined| &*joined.room.name == name)
    }

    /// Whether it was in the room.
    pub fn leave(&mut self, name: &str) -> bool {
        let Some(at) = self.index(name) else {
            return false;
        };
        let joined = self.joined.remove(at);
        self.earlier.remember(&joined);
        self.version += 1;
        true
    }

    /// The session has published this event and is not to be sent it, should it be in the room.
    pub fn spare(&mut self, room: &Arc<Room>, offset: u64) {
        let joined = self.joined.iter_mut();
        for joined in joined.filter(|joined| Arc::ptr_eq(&joined.room, room)) {
            // A publish of a key that was seen before gives its first offset again.
            if offset > joined.offset {
                joined.spared.add(offset);
            }
        }
    }

    /// The only room of a session was sent to here.
    pub fn reached(&mut self, id: u64, offset: u64) {
        if let Some(joined) = self.joined.iter_mut().find(|joined| joined.id == id) {
            joined.offset = offset;
        }
    }

    /// An event of the room at this index goes out.
    pub fn note_sent(&mut self, index: usize, offset: u64) {
        let joined = &mut self.joined[index];
        joined.offset = offset;
        if self.joined.len() > 1 {
            let id = self.joined[index].id;
            self.sent.note(id, offset);
        }
    }

    /// Leaves them all.
    pub fn take(&mut self) -> Left {
        self.version += 1;
        self.earlier = Earlier::default();
        Left {
            joined: std::mem::take(&mut self.joined),
            sent: std::mem::take(&mut self.sent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Bounds;
    use crate::hub::Hub;
    use crate::presence::Presence;

    fn hub() -> Arc<Hub> {
        let bounds = Bounds {
            events: 100,
            bytes: usize::MAX,
            bytes_in_all: 0,
            bare: false,
        };
        Hub::new(bounds, 10, Presence::for_test())
    }

    #[test]
    fn the_order_is_remembered_from_the_second_room_on() {
        let hub = hub();
        let mut rooms = Rooms::default();
        let join = |rooms: &mut Rooms, name: &str| {
            rooms.join(Place::after(hub.room(name).unwrap(), 0), None)
        };
        join(&mut rooms, "a");
        rooms.note_sent(0, 7);
        assert_eq!(rooms.sent.runs().count(), 0);
        join(&mut rooms, "b");
        for (index, offset) in [(1, 1), (1, 2), (0, 8), (1, 3)] {
            rooms.note_sent(index, offset);
        }
        let runs: Vec<_> = rooms.sent.runs().map(|run| (run.id, run.to)).collect();
        assert_eq!(runs, [(0, 7), (1, 2), (0, 8), (1, 3)]);
        assert!(!rooms.take().sent.is_cut());
        assert_eq!(hub.room("a").unwrap().subscribers_for_test(), 0);
    }
}
