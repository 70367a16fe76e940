//! Long polls held the old way: each parks an OS thread until its room is published into. It is here to
//! be measured against tasks, which do the same without (`--hold-on`); bytes and answers are the same.
//!
//! Threads come from a pool without bound and go after a minute without work, so that what is measured
//! is a parked thread, as in a container with a large enough pool, and not the making of one. The answer
//! is still written by the worker, which owns the socket: a hand-over that a container did not have.

use crate::hub::Room;
use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread, ThreadId};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How long a thread without work stays.
const IDLE: Duration = Duration::from_secs(60);

/// The threads that wait for one room.
///
/// Invariant, as in `wake.rs`: a thread enters the list *first* and looks at the head *again* before it
/// parks; a publisher moves the head first and looks at the list second, all sequentially consistent.
#[derive(Default)]
pub struct Parked {
    threads: Mutex<HashMap<ThreadId, Thread>>,
    count: AtomicUsize,
}

impl Parked {
    /// Called after the head has moved. One load where nobody is parked.
    pub fn wake(&self) {
        if self.count.load(Ordering::SeqCst) == 0 {
            return;
        }
        let woken = {
            let mut threads = locked(&self.threads);
            self.count.store(0, Ordering::SeqCst);
            std::mem::take(&mut *threads)
        };
        for thread in woken.into_values() {
            thread.unpark();
        }
    }

    fn enter(&self, thread: Thread) {
        let mut threads = locked(&self.threads);
        threads.insert(thread.id(), thread);
        self.count.store(threads.len(), Ordering::SeqCst);
    }

    fn leave(&self, thread: ThreadId) {
        let mut threads = locked(&self.threads);
        threads.remove(&thread);
        self.count.store(threads.len(), Ordering::SeqCst);
    }
}

/// What a thread waits for.
struct Wait {
    room: Arc<Room>,
    offset: u64,
    until: Instant,
    /// Nobody waits for it any more: it is over, the client has gone, or the server stops.
    ended: Arc<AtomicBool>,
    over: oneshot::Sender<()>,
}

impl Wait {
    /// Parks this thread until the head is beyond the offset, the hold ends or the client is gone.
    fn park(self) {
        let this = thread::current();
        while self.left().is_some() {
            self.room.parked.enter(this.clone());
            if let Some(left) = self.left() {
                thread::park_timeout(left);
            }
        }
        self.room.parked.leave(this.id());
        self.ended.store(true, Ordering::SeqCst);
        // Nobody listens any more where the client has gone.
        let _ = self.over.send(());
    }

    fn left(&self) -> Option<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        let over =
            self.room.head() > self.offset || left.is_zero() || self.ended.load(Ordering::SeqCst);
        (!over).then_some(left)
    }
}

/// A thread that can be given work.
struct Idle {
    thread: Thread,
    work: Sender<Wait>,
}

/// The pool of all workers.
#[derive(Default)]
pub struct Threads {
    idle: Mutex<Vec<Idle>>,
    refused: AtomicU64,
}

/// The system gives no further thread.
#[derive(Debug, thiserror::Error)]
#[error("no thread can be had to hold this poll on ({0})")]
pub struct NoThread(#[from] io::Error);

impl Threads {
    /// Ends when `room` has something beyond `offset`, or after `hold`. Dropping it frees the thread.
    pub async fn hold(
        self: &Arc<Self>,
        room: &Arc<Room>,
        offset: u64,
        hold: Duration,
    ) -> Result<(), NoThread> {
        let ended = Arc::new(AtomicBool::new(false));
        let (over, end) = oneshot::channel();
        let wait = Wait {
            room: Arc::clone(room),
            offset,
            until: Instant::now() + hold,
            ended: Arc::clone(&ended),
            over,
        };
        let thread = self.give(wait).inspect_err(|_| {
            self.refused.fetch_add(1, Ordering::Relaxed);
        })?;
        let _release = Release { thread, ended };
        // A thread that broke off ends the hold too.
        let _ = end.await;
        Ok(())
    }

    /// Polls that found no thread since the start.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    fn give(self: &Arc<Self>, wait: Wait) -> io::Result<Thread> {
        let idle = locked(&self.idle).pop();
        let Some(Idle { thread, work }) = idle else {
            return self.spawn(wait);
        };
        match work.send(wait) {
            Ok(()) => Ok(thread),
            Err(mpsc::SendError(wait)) => self.spawn(wait),
        }
    }

    fn spawn(self: &Arc<Self>, wait: Wait) -> io::Result<Thread> {
        let pool = Arc::clone(self);
        let handle = thread::Builder::new()
            .name("held poll".to_owned())
            .spawn(move || pool.work(wait))?;
        Ok(handle.thread().clone())
    }

    fn work(&self, first: Wait) {
        let (sender, work) = mpsc::channel();
        let mut next = Some(first);
        while let Some(wait) = next {
            wait.park();
            locked(&self.idle).push(Idle {
                thread: thread::current(),
                work: sender.clone(),
            });
            next = self.next(&work);
        }
    }

    /// `None`: this thread is no longer in the list and may end.
    fn next(&self, work: &Receiver<Wait>) -> Option<Wait> {
        match work.recv_timeout(IDLE) {
            Ok(wait) => Some(wait),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                let this = thread::current().id();
                let mut idle = locked(&self.idle);
                let before = idle.len();
                idle.retain(|idle| idle.thread.id() != this);
                let listed = idle.len() < before;
                drop(idle);
                // Not in the list: somebody took it out to give it work, which comes at once.
                if listed { None } else { work.recv().ok() }
            }
        }
    }
}

/// Lets the thread go when nobody waits for it any more.
struct Release {
    thread: Thread,
    ended: Arc<AtomicBool>,
}

impl Drop for Release {
    fn drop(&mut self) {
        // One that is done may hold another poll by now, which must not be woken.
        if !self.ended.swap(true, Ordering::SeqCst) {
            self.thread.unpark();
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::Bounds;
    use crate::hub::Hub;
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    /// No test waits for it.
    const LONG: Duration = Duration::from_secs(600);

    fn hub() -> Arc<Hub> {
        let bounds = Bounds {
            events: 100_000,
            bytes: usize::MAX,
            bytes_in_all: 0,
            bare: false,
        };
        Hub::new(bounds, 10, crate::presence::Presence::for_test())
    }

    fn publish(hub: &Hub, room: &Room) {
        let draft = crate::publish::trusted("chat", "1".into());
        hub.publish(room, &draft, None).unwrap();
    }

    fn waiting(room: &Room) -> usize {
        room.parked.count.load(Ordering::SeqCst)
    }

    fn until(what: impl Fn() -> bool) {
        while !what() {
            thread::yield_now();
        }
    }

    #[tokio::test]
    async fn a_publish_ends_it_and_the_thread_takes_the_next() {
        let (hub, threads) = (hub(), Arc::new(Threads::default()));
        let room = hub.room("峡谷").unwrap();
        for offset in 0..100 {
            let publisher = {
                let (hub, room) = (Arc::clone(&hub), Arc::clone(&room));
                thread::spawn(move || {
                    until(|| waiting(&room) == 1);
                    publish(&hub, &room);
                })
            };
            threads.hold(&room, offset, LONG).await.unwrap();
            publisher.join().unwrap();
            until(|| locked(&threads.idle).len() == 1);
        }
        assert_eq!(room.head(), 100);
        assert_eq!(waiting(&room), 0);
    }

    #[tokio::test]
    async fn the_end_of_the_hold_ends_it() {
        let (hub, threads) = (hub(), Arc::new(Threads::default()));
        let room = hub.room("KPL").unwrap();
        let hold = Duration::from_millis(20);
        let begun = Instant::now();
        threads.hold(&room, 0, hold).await.unwrap();
        assert!(begun.elapsed() >= hold);
        assert_eq!(waiting(&room), 0);
    }

    #[test]
    fn a_client_that_leaves_frees_its_thread() {
        let (hub, threads) = (hub(), Arc::new(Threads::default()));
        let room = hub.room("KPL").unwrap();
        {
            let mut held = pin!(threads.hold(&room, 0, LONG));
            let polled = held.as_mut().poll(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(polled, Poll::Pending));
            until(|| waiting(&room) == 1);
        }
        until(|| locked(&threads.idle).len() == 1);
        assert_eq!(waiting(&room), 0);
    }

    /// A lost wake-up shows as a thread that never gets to the end.
    #[test]
    fn no_wake_up_is_lost() {
        const EVENTS: u64 = 20_000;
        let hub = hub();
        let room = hub.room("KPL").unwrap();
        let readers: Vec<_> = (0..4)
            .map(|_| {
                let room = Arc::clone(&room);
                thread::spawn(move || {
                    let mut offset = 0;
                    while offset < EVENTS {
                        let (over, _) = oneshot::channel();
                        let wait = Wait {
                            room: Arc::clone(&room),
                            offset,
                            until: Instant::now() + LONG,
                            ended: Arc::default(),
                            over,
                        };
                        wait.park();
                        assert!(room.head() > offset);
                        offset = room.head();
                    }
                })
            })
            .collect();
        for _ in 0..EVENTS {
            publish(&hub, &room);
        }
        for reader in readers {
            reader.join().unwrap();
        }
    }
}
