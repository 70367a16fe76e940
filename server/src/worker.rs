//! One worker thread's own lists of sleepers, room by room, and the walk over them when something
//! was published. A sleeper whose socket waits for nothing else gets the event written at once (see
//! `shortcut.rs`); the others have their task woken and read the history themselves.

use crate::drain::Drain;
use crate::frames::Event;
use crate::hub::Room;
use crate::shortcut::Shortcut;
use crate::wake::{Mailbox, Mailboxes, RoomId};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};
use tokio::time::Instant;

/// Sleepers served in a row before other tasks of the thread have their turn.
const IN_A_ROW: usize = 64;

pub struct Worker {
    index: usize,
    mailbox: Arc<Mailbox>,
    rooms: RefCell<HashMap<RoomId, Rc<LocalRoom>>>,
    pub drain: Rc<Drain>,
}

impl Worker {
    pub fn new(mailboxes: &Mailboxes) -> Rc<Worker> {
        let mailbox = Mailbox::new();
        Rc::new(Worker {
            index: mailboxes.add(Arc::clone(&mailbox)),
            mailbox,
            rooms: RefCell::default(),
            drain: Rc::default(),
        })
    }

    /// Runs for as long as the worker does.
    pub async fn deliver(self: Rc<Self>) {
        loop {
            let rooms = self.mailbox.take().await;
            if self.mailbox.is_draining() {
                self.drain.begin();
            }
            for room in rooms {
                let local = self.rooms.borrow().get(&room).cloned();
                // Rooms take turns: one that is published into without pause goes to the end.
                if let Some(local) = local
                    && local.deliver().await
                {
                    self.mailbox.post(room);
                }
            }
            tokio::task::yield_now().await;
        }
    }

    /// A place in the list of `room`.
    pub fn join(self: &Rc<Self>, room: &Arc<Room>, shortcut: Option<Rc<Shortcut>>) -> Sleeper {
        let local = Rc::clone(self.rooms.borrow_mut().entry(room.id).or_insert_with(|| {
            Rc::new(LocalRoom {
                flag: room.sleepers.flag(self.index),
                room: Arc::clone(room),
                slots: RefCell::default(),
                free: RefCell::default(),
                taken: Cell::new(0),
            })
        }));
        Sleeper {
            slot: local.take_slot(shortcut),
            local,
            worker: Rc::clone(self),
        }
    }
}

struct LocalRoom {
    room: Arc<Room>,
    flag: Arc<AtomicBool>,
    slots: RefCell<Vec<Slot>>,
    free: RefCell<Vec<usize>>,
    taken: Cell<usize>,
}

#[derive(Default)]
struct Slot {
    waker: Option<Waker>,
    armed: bool,
    shortcut: Option<Rc<Shortcut>>,
}

impl LocalRoom {
    fn take_slot(&self, shortcut: Option<Rc<Shortcut>>) -> usize {
        self.taken.set(self.taken.get() + 1);
        let slot = Slot {
            shortcut,
            ..Slot::default()
        };
        let mut slots = self.slots.borrow_mut();
        match self.free.borrow_mut().pop() {
            Some(index) => {
                slots[index] = slot;
                index
            }
            None => {
                slots.push(slot);
                slots.len() - 1
            }
        }
    }

    /// Serves every armed sleeper once. Between two of them the list may change: it is only looked
    /// at by index, and what joins late finds the event in the history by itself. Tells whether the
    /// room must be served again, for it was published into meanwhile.
    async fn deliver(&self) -> bool {
        let newest = self.room.history().newest();
        let now = Instant::now();
        let mut still_armed = false;
        let mut index = 0;
        while index < self.slots.borrow().len() {
            still_armed |= self.serve(index, newest.as_ref(), now);
            index += 1;
            if index.is_multiple_of(IN_A_ROW) {
                tokio::task::yield_now().await;
            }
        }
        if !still_armed {
            return false;
        }
        // Those served by their shortcut sleep on: the flag goes up, and the head is looked at
        // again, as when a sleeper arms itself.
        self.flag.store(true, Ordering::SeqCst);
        self.room.head() != newest.map_or(0, |event| event.offset)
    }

    /// Whether the sleeper sleeps on, served by its shortcut.
    fn serve(&self, index: usize, event: Option<&Arc<Event>>, now: Instant) -> bool {
        let mut slots = self.slots.borrow_mut();
        let Some(slot) = slots.get_mut(index).filter(|slot| slot.armed) else {
            return false;
        };
        if let (Some(shortcut), Some(event)) = (&slot.shortcut, event)
            && shortcut.offer(event, now)
        {
            return true;
        }
        slot.armed = false;
        // This only queues the task: nothing of it runs within the walk.
        if let Some(waker) = &slot.waker {
            waker.wake_by_ref();
        }
        false
    }
}

/// One subscriber's place in its worker's list; leaves it when dropped.
pub struct Sleeper {
    local: Rc<LocalRoom>,
    slot: usize,
    worker: Rc<Worker>,
}

impl Sleeper {
    /// From now on a publish wakes this task. The caller looks at the head after this.
    pub fn arm(&self, context: &Context<'_>) {
        let mut slots = self.local.slots.borrow_mut();
        let slot = &mut slots[self.slot];
        match &mut slot.waker {
            Some(waker) => waker.clone_from(context.waker()),
            waker @ None => *waker = Some(context.waker().clone()),
        }
        slot.armed = true;
        drop(slots);
        // Read first: with many sleepers the flag is mostly up already, and a load is cheaper.
        if !self.local.flag.load(Ordering::SeqCst) {
            self.local.flag.store(true, Ordering::SeqCst);
        }
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.local.slots.borrow_mut()[self.slot] = Slot::default();
        self.local.free.borrow_mut().push(self.slot);
        self.local.taken.set(self.local.taken.get() - 1);
        if self.local.taken.get() == 0 {
            self.worker.rooms.borrow_mut().remove(&self.local.room.id);
        }
    }
}
