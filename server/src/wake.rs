//! How a publish reaches the subscribers that sleep: one wake across threads for each worker that
//! has sleepers in the room, then a walk over a list that only this worker touches.
//!
//! Invariant: a sleeper arms itself *first* and looks at the room's head *again* before it returns
//! `Pending`; a publisher moves the head first and looks for sleepers second. Both orders are
//! sequentially consistent, so one of the two always sees the other.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};
use tokio::sync::Notify;

/// Names a room within one hub for as long as the process lives.
pub type RoomId = u64;

/// The part of a worker that other threads see.
pub struct Mailbox {
    rooms: Mutex<Vec<RoomId>>,
    notify: Notify,
}

impl Mailbox {
    fn post(&self, room: RoomId) {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.push(room);
        let first = rooms.len() == 1;
        drop(rooms);
        if first {
            self.notify.notify_one();
        }
    }

    fn take(&self) -> Vec<RoomId> {
        std::mem::take(&mut *self.rooms.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The mailboxes of all workers of a hub. They all exist before the first request.
#[derive(Default)]
pub struct Mailboxes {
    all: Mutex<Arc<[Arc<Mailbox>]>>,
}

impl Mailboxes {
    fn add(&self, mailbox: Arc<Mailbox>) -> usize {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let index = all.len();
        *all = all.iter().cloned().chain([mailbox]).collect();
        index
    }

    fn get(&self) -> Arc<[Arc<Mailbox>]> {
        Arc::clone(&self.all.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Which workers have sleepers in one room.
#[derive(Default)]
pub struct Sleepers {
    by_worker: Mutex<Vec<Arc<AtomicBool>>>,
}

impl Sleepers {
    /// The flag of one worker, made on first use.
    fn flag(&self, worker: usize) -> Arc<AtomicBool> {
        let mut flags = self
            .by_worker
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        while flags.len() <= worker {
            flags.push(Arc::new(AtomicBool::new(false)));
        }
        Arc::clone(&flags[worker])
    }

    /// Called after the head has moved.
    pub fn wake(&self, room: RoomId, mailboxes: &Mailboxes) {
        let flags = self
            .by_worker
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for (worker, flag) in flags.iter().enumerate() {
            if flag.swap(false, Ordering::SeqCst)
                && let Some(mailbox) = mailboxes.get().get(worker)
            {
                mailbox.post(room);
            }
        }
    }
}

/// One worker thread's own lists of sleepers.
pub struct Worker {
    index: usize,
    mailbox: Arc<Mailbox>,
    rooms: RefCell<HashMap<RoomId, Rc<LocalRoom>>>,
}

impl Worker {
    pub fn new(mailboxes: &Mailboxes) -> Rc<Worker> {
        let mailbox = Arc::new(Mailbox {
            rooms: Mutex::new(Vec::new()),
            notify: Notify::new(),
        });
        Rc::new(Worker {
            index: mailboxes.add(Arc::clone(&mailbox)),
            mailbox,
            rooms: RefCell::default(),
        })
    }

    /// Runs for as long as the worker does.
    pub async fn deliver(self: Rc<Self>) {
        loop {
            self.mailbox.notify.notified().await;
            for room in self.mailbox.take() {
                let local = self.rooms.borrow().get(&room).cloned();
                if let Some(local) = local {
                    local.wake();
                }
            }
        }
    }

    /// A place in the list of `room`.
    pub fn join(self: &Rc<Self>, room: RoomId, sleepers: &Sleepers) -> Sleeper {
        let local = Rc::clone(self.rooms.borrow_mut().entry(room).or_insert_with(|| {
            Rc::new(LocalRoom {
                flag: sleepers.flag(self.index),
                slots: RefCell::default(),
                free: RefCell::default(),
                taken: Cell::new(0),
            })
        }));
        Sleeper {
            slot: local.take_slot(),
            local,
            worker: Rc::clone(self),
            room,
        }
    }
}

struct LocalRoom {
    flag: Arc<AtomicBool>,
    slots: RefCell<Vec<Slot>>,
    free: RefCell<Vec<usize>>,
    taken: Cell<usize>,
}

#[derive(Default)]
struct Slot {
    waker: Option<Waker>,
    armed: bool,
}

impl LocalRoom {
    fn take_slot(&self) -> usize {
        self.taken.set(self.taken.get() + 1);
        self.free.borrow_mut().pop().unwrap_or_else(|| {
            let mut slots = self.slots.borrow_mut();
            slots.push(Slot::default());
            slots.len() - 1
        })
    }

    /// Waking only queues a task of this thread: no subscriber runs within the walk.
    fn wake(&self) {
        for slot in self.slots.borrow_mut().iter_mut() {
            if std::mem::take(&mut slot.armed)
                && let Some(waker) = &slot.waker
            {
                waker.wake_by_ref();
            }
        }
    }
}

/// One subscriber's place in its worker's list; leaves it when dropped.
pub struct Sleeper {
    local: Rc<LocalRoom>,
    slot: usize,
    worker: Rc<Worker>,
    room: RoomId,
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
            self.worker.rooms.borrow_mut().remove(&self.room);
        }
    }
}
