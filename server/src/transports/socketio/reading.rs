//! How whoever carries a session reads its rooms: a subscription for each, opened on the carrier's own worker
//! where the session stands, and the session told how far it came. Rooms take turns, so that a long backlog
//! of one does not hold up another.
//!
//! A WebSocket with one room has events written past its task (`shortcut.rs`). With several, or while an
//! event is ahead that the session is to be spared, they go through here, where their order is remembered.

use super::rooms::{Joined, Rooms};
use crate::frames::{self, Event};
use crate::net::metered::Meter;
use crate::shortcut::Shortcut;
use crate::subscription::{Next, Subscription};
use crate::usage::Class;
use crate::wire::transport::Transport;
use crate::worker::Worker;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

pub const CLASS: Class = Class::Transport(Transport::Socketio);

pub struct Reading {
    worker: Rc<Worker>,
    /// Of a socket that takes events past its task.
    meter: Option<Rc<Meter>>,
    is_bare: bool,
    /// In the order of the rooms.
    seats: Vec<Seat>,
    /// The version of the rooms that the seats are of.
    seen: u64,
    /// Whose turn it is.
    turn: usize,
}

struct Seat {
    /// The join that it is of.
    id: u64,
    subscription: Subscription,
}

/// What comes next.
pub enum Told {
    Event(Arc<Event>),
    /// An Engine.IO packet: events fell off a history unread.
    Gap(String),
    /// The server stops, and everything before is told.
    End,
}

impl Reading {
    /// Nothing is read before the first [`Reading::sync`].
    pub fn new(worker: &Rc<Worker>, meter: Option<&Rc<Meter>>, is_bare: bool) -> Reading {
        Reading {
            worker: Rc::clone(worker),
            meter: meter.cloned(),
            is_bare,
            seats: Vec::new(),
            seen: 0,
            turn: 0,
        }
    }

    /// Takes a seat in each room that was joined since, and leaves those of the others. Who carries a
    /// session on a WebSocket does so after everything that it takes in, before others have their turn.
    pub fn sync(&mut self, rooms: &mut Rooms) {
        let changed = rooms.version() != self.seen;
        if changed {
            let mut before = std::mem::take(&mut self.seats);
            self.seats.reserve_exact(rooms.len());
            for joined in rooms.iter() {
                let known = before.iter().position(|seat| seat.id == joined.id);
                let seat = known.map(|at| before.swap_remove(at));
                self.seats.push(seat.unwrap_or_else(|| self.open(joined)));
            }
            self.seen = rooms.version();
        }
        // Those of several rooms are all paused, and stay so.
        if self.meter.is_some() && (changed || self.seats.len() == 1) {
            self.check_shortcuts(rooms);
        }
    }

    fn open(&self, joined: &Joined) -> Seat {
        let room = Arc::clone(&joined.room);
        let mut subscription = Subscription::resume(room, &self.worker, joined.offset);
        if let Some(meter) = &self.meter {
            subscription.shorten(|offset| Shortcut::new(offset, meter, CLASS, Event::socketio));
        }
        Seat {
            id: joined.id,
            subscription,
        }
    }

    /// Opens the short way where nothing speaks against it.
    fn check_shortcuts(&mut self, rooms: &mut Rooms) {
        let is_only = self.seats.len() == 1;
        for (index, seat) in self.seats.iter_mut().enumerate() {
            let Some(shortcut) = seat.subscription.shortcut() else {
                continue;
            };
            if !is_only {
                shortcut.pause(true);
                continue;
            }
            let joined = rooms.at(index);
            let offset = seat.subscription.cursor().offset;
            let next = (offset + 1..).find(|next| !joined.is_spared(*next));
            joined.offset = next.map_or(offset, |next| next - 1);
            shortcut.pause(joined.spares());
            seat.subscription.move_to(joined.offset);
        }
    }

    /// Notes how far the short way has come, of which the rooms are not told at each event.
    pub fn write_back(&self, rooms: &mut Rooms) {
        if let [only] = &self.seats[..] {
            rooms.reached(only.id, only.subscription.cursor().offset);
        }
    }

    /// The next event or gap of any room, or the end; `rooms` are those of the last sync.
    pub fn poll_next(&mut self, rooms: &mut Rooms, context: &Context<'_>) -> Poll<Told> {
        let count = self.seats.len();
        let mut is_over = count == 0 && self.worker.drain.has_begun();
        for step in 0..count {
            let index = (self.turn + step) % count;
            match self.poll_seat(index, rooms, context) {
                Poll::Ready(Told::End) => is_over = true,
                Poll::Ready(told) => {
                    self.turn = (index + 1) % count;
                    return Poll::Ready(told);
                }
                Poll::Pending => {}
            }
        }
        match is_over {
            true => Poll::Ready(Told::End),
            false => Poll::Pending,
        }
    }

    fn poll_seat(&mut self, index: usize, rooms: &mut Rooms, context: &Context<'_>) -> Poll<Told> {
        let subscription = &mut self.seats[index].subscription;
        loop {
            let next = std::task::ready!(subscription.poll_next(context));
            let offset = subscription.cursor().offset;
            return Poll::Ready(match next {
                Next::End => Told::End,
                Next::Event(event) => {
                    if rooms.at(index).is_spared(offset) {
                        rooms.at(index).offset = offset;
                        continue;
                    }
                    rooms.note_sent(index, offset);
                    Told::Event(event)
                }
                Next::Gap { missed, cursor } => {
                    rooms.note_sent(index, offset);
                    let gap = frames::gap(cursor, missed);
                    let cursor = cursor.to_string();
                    let place = (&*rooms.at(index).room.name, &*cursor);
                    let place = (!self.is_bare).then_some(place);
                    Told::Gap(frames::socketio::packet(&gap, place))
                }
            });
        }
    }
}
