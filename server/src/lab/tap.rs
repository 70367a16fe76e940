//! The tap at the meter: what one lane connection carried, handed to its session. Workers write, the
//! lab's thread reads; the queue between them is bounded, and what it has no room for is counted. It
//! decodes nothing and delays nothing.

use super::clock;
use super::messages::{Event, Record, Traffic, Trouble, What};
use crate::wire::transport::Transport;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use strum::{EnumCount, IntoEnumIterator};
use tokio::sync::{Notify, oneshot};

/// What a queue may hold until the session takes it.
const MAX_BYTES: usize = 2 * 1024 * 1024;
const MAX_RECORDS: usize = 20_000;

/// One session between two resets: what its lanes carried and what was published meanwhile.
pub struct Run {
    /// The page's own origin: the one that lanes answer across origins.
    pub origin: String,
    lanes: [LaneMeter; Transport::COUNT],
    queue: Mutex<Queue>,
    filled: Notify,
    over: AtomicBool,
    /// Of streams on lane connections, in microseconds; 0 = the server's.
    heartbeat_us: AtomicU64,
}

#[derive(Default)]
struct LaneMeter {
    rx: AtomicU64,
    tx: AtomicU64,
    opened: AtomicU64,
    open: AtomicU64,
}

/// What waits to be told to the page.
#[derive(Default)]
pub struct Queue {
    pub records: Vec<Record>,
    pub dropped: u64,
    pub events: Vec<Event>,
    pub troubles: Vec<Trouble>,
    /// Counts of publisher's runs that have ended.
    pub published: Vec<u64>,
    bytes: usize,
}

impl Run {
    pub fn new(origin: String) -> Arc<Run> {
        Arc::new(Run {
            origin,
            lanes: Default::default(),
            queue: Mutex::default(),
            filled: Notify::new(),
            over: AtomicBool::new(false),
            heartbeat_us: AtomicU64::new(0),
        })
    }

    /// From now on nobody reads: connections that still are there tell nothing more.
    pub fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    pub fn set_heartbeat(&self, every: Option<Duration>) {
        let us = every.map_or(0, |every| u64::try_from(every.as_micros()).unwrap_or(0));
        self.heartbeat_us.store(us, Ordering::Relaxed);
    }

    /// Until something waits in the queue.
    pub async fn filled(&self) {
        self.filled.notified().await;
    }

    pub fn take(&self) -> Queue {
        std::mem::take(&mut *self.queue())
    }

    pub fn traffic(&self) -> BTreeMap<Transport, Traffic> {
        let traffic = |lane: &LaneMeter| Traffic {
            rx: lane.rx.load(Ordering::Relaxed),
            tx: lane.tx.load(Ordering::Relaxed),
            opened: lane.opened.load(Ordering::Relaxed),
            open: lane.open.load(Ordering::Relaxed),
        };
        Transport::iter()
            .map(|transport| (transport, traffic(self.lane(transport))))
            .collect()
    }

    pub fn published(&self, event: Event) {
        self.put(|queue| match queue.events.len() {
            MAX_RECORDS.. => queue.dropped += 1,
            _ => queue.events.push(event),
        });
    }

    pub fn trouble(&self, lane: Transport, what: impl ToString, connection: Option<u64>) {
        let trouble = Trouble {
            lane,
            at_ms: clock::now_ms(),
            what: what.to_string(),
            connection,
        };
        self.put(|queue| match queue.troubles.len() {
            MAX_RECORDS.. => queue.dropped += 1,
            _ => queue.troubles.push(trouble),
        });
    }

    pub fn publisher_ended(&self, count: u64) {
        self.put(|queue| queue.published.push(count));
    }

    fn lane(&self, transport: Transport) -> &LaneMeter {
        &self.lanes[transport as usize]
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, put: impl FnOnce(&mut Queue)) {
        if self.is_over() {
            return;
        }
        let mut queue = self.queue();
        let was_empty = queue.is_empty();
        put(&mut queue);
        drop(queue);
        if was_empty {
            self.filled.notify_one();
        }
    }
}

impl Queue {
    fn is_empty(&self) -> bool {
        self.records.is_empty()
            && self.dropped == 0
            && self.events.is_empty()
            && self.troubles.is_empty()
            && self.published.is_empty()
    }

    fn record(
        &mut self,
        lane: Transport,
        connection: u64,
        bytes: usize,
        what: impl FnOnce() -> What,
    ) {
        if self.records.len() >= MAX_RECORDS || self.bytes + bytes > MAX_BYTES {
            self.dropped += 1;
            return;
        }
        self.bytes += bytes;
        // The time is taken under the lock, so that records stand in its order.
        self.records.push(Record {
            lane,
            connection,
            at_ms: clock::now_ms(),
            what: what(),
        });
    }
}

/// A connection that a lane is about to make: the server knows it by its address when it accepts it.
pub struct Expected {
    pub run: Arc<Run>,
    pub lane: Transport,
    pub connection: u64,
    /// Told when the server has it.
    pub accepted: oneshot::Sender<()>,
}

/// One accepted lane connection; its end is the end of the connection.
pub struct Tap {
    run: Arc<Run>,
    lane: Transport,
    connection: u64,
}

impl Tap {
    pub fn open(expected: Expected) -> Tap {
        let Expected {
            run,
            lane,
            connection,
            accepted,
        } = expected;
        let tap = Tap {
            run,
            lane,
            connection,
        };
        let meter = tap.meter();
        meter.opened.fetch_add(1, Ordering::Relaxed);
        meter.open.fetch_add(1, Ordering::Relaxed);
        tap.record(0, || What::Opened);
        // The lane may have been closed meanwhile; then nothing comes.
        let _ = accepted.send(());
        tap
    }

    pub fn run(&self) -> &Arc<Run> {
        &self.run
    }

    /// How often a stream on this connection says that it lives, where the session has said so.
    pub fn heartbeat(&self) -> Option<Duration> {
        match self.run.heartbeat_us.load(Ordering::Relaxed) {
            0 => None,
            us => Some(Duration::from_micros(us)),
        }
    }

    pub fn read(&self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.meter()
            .rx
            .fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.record(bytes.len(), || What::Up {
            bytes: bytes.into(),
        });
    }

    pub fn wrote(&self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.meter()
            .tx
            .fetch_add(bytes.len() as u64, Ordering::Relaxed);
        self.record(bytes.len(), || What::Down {
            bytes: bytes.into(),
        });
    }

    fn meter(&self) -> &LaneMeter {
        self.run.lane(self.lane)
    }

    fn record(&self, bytes: usize, what: impl FnOnce() -> What) {
        self.run
            .put(|queue| queue.record(self.lane, self.connection, bytes, what));
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.meter().open.fetch_sub(1, Ordering::Relaxed);
        self.record(0, || What::Ended);
    }
}
