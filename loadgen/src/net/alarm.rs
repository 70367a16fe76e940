//! Wakes tasks at instants, better than tokio's millisecond timer does: a thread of its own sleeps
//! up to the next one and never spins. A wake comes some 50 to 150 µs late and never early; one
//! that nobody waits for any more does no harm.

use crate::pacer;
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// Least sleep after a round of wakes: where many instants lie close together, as when one event
/// reaches a thousand clients, one round serves them all.
const REST: Duration = Duration::from_micros(50);

/// Ends its thread with itself.
pub struct Alarm {
    clock: Arc<Clock>,
}

#[derive(Default)]
struct Clock {
    wakes: Mutex<Wakes>,
    changed: Condvar,
}

#[derive(Default)]
struct Wakes {
    /// The next one on top.
    ahead: BinaryHeap<Wake>,
    ended: bool,
}

struct Wake {
    at: Instant,
    waker: Waker,
}

impl Alarm {
    pub fn start() -> io::Result<Alarm> {
        let clock = Arc::new(Clock::default());
        let of_thread = clock.clone();
        std::thread::Builder::new()
            .name("line".to_owned())
            .spawn(move || of_thread.run())?;
        Ok(Alarm { clock })
    }

    pub fn wake_at(&self, at: Instant, waker: &Waker) {
        let waker = waker.clone();
        let mut wakes = self.clock.lock();
        let is_next = wakes.ahead.peek().is_none_or(|next| at < next.at);
        wakes.ahead.push(Wake { at, waker });
        if is_next {
            self.clock.changed.notify_one();
        }
    }

    pub async fn until(&self, at: Instant) {
        poll_fn(|cx| {
            if Instant::now() >= at {
                return Poll::Ready(());
            }
            self.wake_at(at, cx.waker());
            Poll::Pending
        })
        .await
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.clock.lock().ended = true;
        self.clock.changed.notify_one();
    }
}

impl Clock {
    fn lock(&self) -> MutexGuard<'_, Wakes> {
        // Nothing that panics runs under it.
        self.wakes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self) {
        pacer::least_timer_slack();
        let mut due = Vec::new();
        let mut rested = Instant::now();
        let mut wakes = self.lock();
        while !wakes.ended {
            let now = Instant::now();
            while now >= rested && wakes.ahead.peek().is_some_and(|next| next.at <= now) {
                due.extend(wakes.ahead.pop());
            }
            if !due.is_empty() {
                drop(wakes);
                due.drain(..).for_each(|wake| wake.waker.wake());
                wakes = self.lock();
                rested = Instant::now() + REST;
                continue;
            }
            let left = wakes.ahead.peek().map(|next| next.at.max(rested) - now);
            wakes = match left {
                None => {
                    let waited = self.changed.wait(wakes);
                    waited.unwrap_or_else(PoisonError::into_inner)
                }
                Some(left) => {
                    let waited = self.changed.wait_timeout(wakes, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

impl Ord for Wake {
    /// The earlier is the greater, for the heap has the greatest on top.
    fn cmp(&self, other: &Self) -> Ordering {
        other.at.cmp(&self.at)
    }
}

impl PartialOrd for Wake {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Wake {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Wake {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(flavor = "current_thread")]
    async fn it_wakes_in_order_of_time_and_never_early() {
        let alarm = Alarm::start().unwrap();
        let begun = Instant::now();
        let at = |ms| begun + Duration::from_millis(ms);
        let woken = std::cell::RefCell::new(Vec::new());
        let wait = async |ms| {
            alarm.until(at(ms)).await;
            assert!(Instant::now() >= at(ms));
            woken.borrow_mut().push(ms);
        };
        tokio::join!(wait(30), wait(0), wait(10), wait(20));
        assert_eq!(*woken.borrow(), [0, 10, 20, 30]);
    }
}
