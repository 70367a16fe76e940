//! What each kind of traffic has cost so far. Every worker owns its counters and is their only
//! writer; a reader adds them up. Bytes come from the sockets (`net/metered.rs`), never from sums
//! of message lengths.

use crate::wire::transport::Transport;
use crate::wire::usage::{Process, Traffic, Usage};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use strum::{EnumCount, EnumIter, IntoEnumIterator, IntoStaticStr};

/// Whose bytes these are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Transport(Transport),
    Publish,
    /// Health, usage, errors, and bytes of which no handler has seen the request yet.
    Control,
}

const CLASSES: usize = Transport::COUNT + 2;

impl Class {
    pub fn index(self) -> usize {
        match self {
            Class::Transport(transport) => transport as usize,
            Class::Publish => Transport::COUNT,
            Class::Control => Transport::COUNT + 1,
        }
    }

    fn all() -> impl Iterator<Item = Class> {
        Transport::iter()
            .map(Class::Transport)
            .chain([Class::Publish, Class::Control])
    }

    fn name(self) -> &'static str {
        match self {
            Class::Transport(transport) => transport.name(),
            Class::Publish => "publish",
            Class::Control => "control",
        }
    }
}

/// Why the server ended a connection that its client would have kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumCount, EnumIter, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum Reason {
    /// More than `--max-connections` in all.
    Full,
    /// More than `--max-connections-per-address` of one address.
    TooMany,
    /// More than `--max-new-connections-per-second` of one address.
    TooOften,
    /// A request's head did not come within `--head-timeout`, its body within `--body-timeout`, or a
    /// WebSocket message within two ping intervals; or no CONNECT came within `--sio-connect-timeout`.
    TooSlow,
    /// It went on publishing faster than `--max-publishes-per-second`, or sending a WebSocket's pings and
    /// pongs faster than 100 a second.
    Flooding,
    /// What was sent stayed unread for `--unread-timeout`: the client does not read, or is gone
    /// without a word.
    Unread,
    /// A WebSocket said nothing for a whole ping interval after a ping, or a client of Engine.IO did not
    /// answer one within `--eio-ping-timeout`.
    NoPong,
    /// A WebSocket frame broke the protocol or a bound: closed with 1002, 1007, 1008 or 1009.
    BadFrame,
    /// A packet of Engine.IO or Socket.IO broke the protocol, or a session was polled twice at a time.
    BadPacket,
    /// A session of Engine.IO held as many answers as it may, for its client did not take them.
    Backlog,
}

/// A number with one writing thread and any number of reading ones.
#[derive(Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, n: u64) {
        let now = self.0.load(Ordering::Relaxed);
        self.0.store(now.wrapping_add(n), Ordering::Relaxed);
    }

    pub fn subtract(&self, n: u64) {
        let now = self.0.load(Ordering::Relaxed);
        self.0.store(now.wrapping_sub(n), Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Default)]
pub struct ClassCounters {
    pub rx: Counter,
    pub tx: Counter,
    pub open: Counter,
    pub opened: Counter,
    pub requests: Counter,
    pub empty: Counter,
    pub deliveries: Counter,
}

#[derive(Default)]
pub struct WorkerCounters {
    classes: [ClassCounters; CLASSES],
    ended: [Counter; Reason::COUNT],
}

impl WorkerCounters {
    pub fn of(&self, class: Class) -> &ClassCounters {
        &self.classes[class.index()]
    }

    /// Connections that the server ended for this reason.
    pub fn ended(&self, reason: Reason) -> &Counter {
        &self.ended[reason as usize]
    }
}

/// The counters of all workers.
pub struct Ledger {
    started: Instant,
    workers: Mutex<Vec<Arc<WorkerCounters>>>,
    counted: Mutex<Option<Counted>>,
}

/// What takes as long to count as there are connections. Nobody can have it counted over and over.
#[derive(Clone, Copy)]
struct Counted {
    at: Instant,
    /// Connections open and ever opened then.
    connections: (u64, u64),
    threads: Option<u64>,
    fds: Option<u64>,
}

impl Counted {
    fn is_fresh(&self, at: Instant, connections: (u64, u64)) -> bool {
        let age = at.saturating_duration_since(self.at);
        let bound = match self.connections == connections {
            true => RECOUNT,
            false => RECOUNT_CHANGED,
        };
        self.fds.is_some_and(|fds| fds > FEW) && age < bound
    }
}

/// So few descriptors are counted for everybody who asks: it takes a fraction of a millisecond.
const FEW: u64 = 512;

/// How long more of them, and the threads, are not counted again, and where connections came or went.
const RECOUNT: Duration = Duration::from_secs(1);
const RECOUNT_CHANGED: Duration = Duration::from_millis(50);

impl Default for Ledger {
    fn default() -> Self {
        Ledger {
            started: Instant::now(),
            workers: Mutex::default(),
            counted: Mutex::default(),
        }
    }
}

impl Ledger {
    /// Counters for one more worker.
    pub fn open(&self) -> Arc<WorkerCounters> {
        let counters = Arc::new(WorkerCounters::default());
        self.workers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Arc::clone(&counters));
        counters
    }

    pub fn usage(&self, published: u64, rooms: u64) -> Usage {
        Usage {
            uptime_s: self.started.elapsed().as_secs_f64(),
            process: process(self.counted(Instant::now())),
            transports: Class::all()
                .map(|class| (class.name().to_owned(), self.traffic(class)))
                .collect(),
            ended: Reason::iter()
                .map(|reason| (<&str>::from(reason).to_owned(), self.ended(reason)))
                .collect(),
            published,
            rooms,
            history_bytes: 0,
            sessions: 0,
            unheld: 0,
        }
    }

    fn counted(&self, at: Instant) -> Counted {
        let connections = Class::all()
            .map(|class| self.traffic(class))
            .fold((0, 0), |(open, opened), one| {
                (open + one.open, opened + one.opened)
            });
        // Locked while it counts: who asks at the same time waits for the same figures.
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counted) = *counted
            && counted.is_fresh(at, connections)
        {
            return counted;
        }
        *counted.insert(Counted {
            at,
            connections,
            threads: count_entries("/proc/self/task"),
            // The listing holds one descriptor itself.
            fds: count_entries("/proc/self/fd").map(|fds| fds.saturating_sub(1)),
        })
    }

    /// Connections of the public port that are open now.
    pub fn open_connections(&self) -> u64 {
        Class::all().map(|class| self.traffic(class).open).sum()
    }

    fn ended(&self, reason: Reason) -> u64 {
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        let counts = workers.iter().map(|worker| worker.ended(reason).get());
        counts.sum()
    }

    fn traffic(&self, class: Class) -> Traffic {
        let workers = self.workers.lock().unwrap_or_else(PoisonError::into_inner);
        workers
            .iter()
            .map(|worker| worker.of(class))
            .fold(Traffic::default(), |sum, one| Traffic {
                rx: sum.rx.wrapping_add(one.rx.get()),
                tx: sum.tx + one.tx.get(),
                open: sum.open + one.open.get(),
                opened: sum.opened + one.opened.get(),
                requests: sum.requests + one.requests.get(),
                empty: sum.empty + one.empty.get(),
                deliveries: sum.deliveries + one.deliveries.get(),
            })
    }
}

/// This process, as the operating system sees it.
fn process(counted: Counted) -> Process {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::time::{ClockId, clock_gettime};
    let cpu = clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).ok();
    let switches = getrusage(UsageWho::RUSAGE_SELF).ok();
    Process {
        cpu_s: cpu.map(|time| time.tv_sec() as f64 + time.tv_nsec() as f64 / 1e9),
        rss: resident_bytes(),
        threads: counted.threads,
        context_switches: switches.map(|usage| {
            (usage.voluntary_context_switches() + usage.involuntary_context_switches())
                .unsigned_abs()
        }),
        fds: counted.fds,
    }
}

fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    let page = nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE).ok()??;
    Some(pages * page.unsigned_abs())
}

fn count_entries(directory: &str) -> Option<u64> {
    Some(std::fs::read_dir(directory).ok()?.count() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_descriptors_are_counted_again_after_a_while_and_sooner_where_connections_changed() {
        let start = Instant::now();
        let counted = |fds| Counted {
            at: start,
            connections: (1, 1),
            threads: None,
            fds: Some(fds),
        };
        let is_fresh = |fds, ms, connections| {
            counted(fds).is_fresh(start + Duration::from_millis(ms), connections)
        };
        assert!(is_fresh(FEW + 1, 999, (1, 1)));
        assert!(!is_fresh(FEW + 1, 1_000, (1, 1)));
        assert!(is_fresh(FEW + 1, 49, (1, 2)));
        assert!(!is_fresh(FEW + 1, 50, (1, 2)));
        assert!(!is_fresh(FEW, 0, (1, 1)));
    }
}
