//! A room of the truth server: what was published, in the order in which it is handed out, faults
//! included. A place in it is the whole of a cursor, so faults are met once and at the same place
//! whoever reads, over whatever connection.

use super::script::{Fate, Script};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

#[derive(Default)]
pub struct Room {
    log: Mutex<Log>,
    grown: Condvar,
}

#[derive(Default)]
struct Log {
    entries: Vec<Entry>,
    /// Swapped with the next.
    held: Option<Arc<[u8]>>,
    published: u64,
}

#[derive(Clone)]
pub struct Entry {
    /// From 1.
    pub place: u64,
    /// `data` as it was published.
    pub data: Arc<[u8]>,
    ready: Instant,
}

impl Room {
    fn log(&self) -> std::sync::MutexGuard<'_, Log> {
        // A thread that panicked has failed its test already.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its number among all events of the room.
    pub fn publish(&self, name: &str, data: &[u8], script: &Script) -> u64 {
        let mut log = self.log();
        let number = log.published;
        log.published += 1;
        let data: Arc<[u8]> = data.into();
        let ready = Instant::now() + script.delay;
        let copies = match script.fate(name, number) {
            Fate::Dropped => 0,
            Fate::Swapped if log.held.is_none() => {
                log.held = Some(data);
                return number;
            }
            Fate::Passed | Fate::Swapped => 1,
            Fate::Repeated => 2,
        };
        (0..copies).for_each(|_| log.append(data.clone(), ready));
        if copies > 0
            && let Some(held) = log.held.take()
        {
            log.append(held, ready);
        }
        self.grown.notify_all();
        number
    }

    /// The last place.
    pub fn end(&self) -> u64 {
        self.log().entries.len() as u64
    }

    /// All that is due after `place`, as soon as there is something; nothing if `until` passes.
    pub fn after(&self, place: u64, until: Instant) -> Vec<Entry> {
        let mut log = self.log();
        loop {
            let now = Instant::now();
            let rest = log.entries.get(place as usize..).unwrap_or_default();
            let wake = match rest.first() {
                Some(first) if first.ready <= now => {
                    let due = rest.iter().take_while(|entry| entry.ready <= now);
                    return due.cloned().collect();
                }
                Some(first) => first.ready.min(until),
                None => until,
            };
            if now >= until {
                return Vec::new();
            }
            let waited = self.grown.wait_timeout(log, wake.duration_since(now));
            log = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Log {
    fn append(&mut self, data: Arc<[u8]>, ready: Instant) {
        let place = self.entries.len() as u64 + 1;
        self.entries.push(Entry { place, data, ready });
    }
}
