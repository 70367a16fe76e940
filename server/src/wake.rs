//! How a publish reaches the workers: one wake across threads for each that has sleepers in the
//! room. What the worker does then stands in `worker.rs`.
//!
//! Invariant: a sleeper arms itself *first* and looks at the room's head *again* before it returns
//! `Pending`; a publisher moves the head first and looks for sleepers second. Both orders are
//! sequentially consistent, so one of the two always sees the other.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;

/// Names a room within one hub for as long as the process lives.
pub type RoomId = u64;

/// The part of a worker that other threads see.
pub struct Mailbox {
    rooms: Mutex<Vec<RoomId>>,
    notify: Notify,
    draining: AtomicBool,
}

impl Mailbox {
    pub fn new() -> Arc<Mailbox> {
        Arc::new(Mailbox {
            rooms: Mutex::new(Vec::new()),
            notify: Notify::new(),
            draining: AtomicBool::new(false),
        })
    }

    /// Asks for `room` to be served; the first since the last `take` wakes the worker.
    pub fn post(&self, room: RoomId) {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.push(room);
        let first = rooms.len() == 1;
        drop(rooms);
        if first {
            self.notify.notify_one();
        }
    }

    /// Whether the worker is to let its connections finish.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// The rooms that were published into since the last time, each once; waits until there is one, or
    /// until the drain begins.
    pub async fn take(&self) -> Vec<RoomId> {
        self.notify.notified().await;
        let mut rooms =
            std::mem::take(&mut *self.rooms.lock().unwrap_or_else(PoisonError::into_inner));
        rooms.sort_unstable();
        rooms.dedup();
        rooms
    }
}

/// The mailboxes of all workers of a hub. They all exist before the first request.
#[derive(Default)]
pub struct Mailboxes {
    all: Mutex<Arc<[Arc<Mailbox>]>>,
}

impl Mailboxes {
    pub fn add(&self, mailbox: Arc<Mailbox>) -> usize {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let index = all.len();
        *all = all.iter().cloned().chain([mailbox]).collect();
        index
    }

    /// Asks all workers to let their connections finish.
    pub fn drain(&self) {
        for mailbox in self.get().iter() {
            mailbox.draining.store(true, Ordering::SeqCst);
            mailbox.notify.notify_one();
        }
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
    pub fn flag(&self, worker: usize) -> Arc<AtomicBool> {
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
