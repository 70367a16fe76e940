//! Waits for an instant better than tokio's millisecond timer can: the thread sleeps until shortly
//! before, then yields until it is there. Built for a thread of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long before an instant sleeping stops. With the timer slack at its least, Linux wakes a
/// sleeper within some 50 µs; what is left is spent yielding, which other threads may use.
const YIELDED: Duration = Duration::from_micros(if cfg!(target_os = "linux") { 70 } else { 500 });

/// Longest sleep before it looks whether to go on.
const STRIDE: Duration = Duration::from_millis(50);

/// Has the kernel wake the calling thread as exactly as it can.
pub fn least_timer_slack() {
    #[cfg(target_os = "linux")]
    if let Err(error) = nix::sys::prctl::set_timerslack(1) {
        tracing::debug!("the timer slack stays at its default: {error}");
    }
}

/// What to do now to meet an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    Sleep(Duration),
    Yield,
    /// The instant has come; so late.
    Due(Duration),
}

/// Pure: `now` and the instant on one clock, from any zero.
pub fn wait(now: Duration, instant: Duration) -> Wait {
    match instant.checked_sub(now) {
        None | Some(Duration::ZERO) => Wait::Due(now - instant),
        Some(left) if left > YIELDED => Wait::Sleep((left - YIELDED).min(STRIDE)),
        Some(_) => Wait::Yield,
    }
}

pub struct Pacer {
    zero: Instant,
}

/// Whether the pacer itself slept, so that its lateness is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// It waited, and woke so much too late.
    Late(Duration),
    /// The instant had passed, so much, before it began to wait.
    Overdue(Duration),
    Stopped,
}

impl Pacer {
    /// For the calling thread.
    pub fn new() -> Self {
        least_timer_slack();
        Pacer {
            zero: Instant::now(),
        }
    }

    pub fn wait_until(&self, instant: Instant, stop: &AtomicBool) -> Woken {
        let due = instant.saturating_duration_since(self.zero);
        let mut waited = false;
        loop {
            match wait(self.zero.elapsed(), due) {
                Wait::Due(late) if waited => return Woken::Late(late),
                Wait::Due(late) => return Woken::Overdue(late),
                Wait::Sleep(time) => std::thread::sleep(time),
                Wait::Yield => std::thread::yield_now(),
            }
            if stop.load(Ordering::Relaxed) {
                return Woken::Stopped;
            }
            waited = true;
        }
    }
}

impl Default for Pacer {
    fn default() -> Self {
        Pacer::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleeps_stop_short_and_the_rest_is_yielded() {
        let us = Duration::from_micros;
        let yielded = YIELDED.as_micros() as u64;
        let cases = [
            (0, 10_000 + yielded, Wait::Sleep(us(10_000))),
            (0, 10_000_000, Wait::Sleep(STRIDE)),
            (0, yielded + 1, Wait::Sleep(us(1))),
            (0, yielded, Wait::Yield),
            (99, 100, Wait::Yield),
            (100, 100, Wait::Due(us(0))),
            (130, 100, Wait::Due(us(30))),
        ];
        for (now, instant, expected) in cases {
            assert_eq!(wait(us(now), us(instant)), expected, "{now} → {instant}");
        }
    }

    #[test]
    fn it_never_wakes_early_and_stops_when_told() {
        let pacer = Pacer::new();
        let go = AtomicBool::new(false);
        let instant = Instant::now() + Duration::from_millis(2);
        assert!(matches!(pacer.wait_until(instant, &go), Woken::Late(_)));
        assert!(Instant::now() >= instant);
        assert!(matches!(pacer.wait_until(instant, &go), Woken::Overdue(_)));
        let stop = AtomicBool::new(true);
        let far = Instant::now() + Duration::from_secs(60);
        assert_eq!(pacer.wait_until(far, &stop), Woken::Stopped);
    }
}
