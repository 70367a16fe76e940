//! What one thread has counted so far: bytes by traffic and kind, deliveries, requests. Written by
//! that thread alone (a load and a store, no locked instruction), read by the controller whenever a
//! window opens or closes.

use crate::results::{ByKind, UpDown};
use crate::usage::ThreadUsage;
use std::sync::atomic::{AtomicU64, Ordering};

/// Whether bytes served the reading of events or the publishing of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    Delivery,
    Publish,
}

/// What a byte was for: the keys of [`ByKind`] that this engine can meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Payload,
    Framing,
    HttpHeaders,
    EmptyPolls,
    Handshake,
    KeepAlive,
    /// Engine.IO and Socket.IO around an event: types, names, separators, the growth of base64.
    Packets,
    /// What tries a WebSocket out before Socket.IO goes on by it.
    Probes,
    /// Request and answer that open that WebSocket.
    Upgrade,
    Tls,
}

const KINDS: usize = 10;

/// Counters of one thread.
#[derive(Debug, Default)]
pub struct Totals {
    up: [AtomicU64; 2],
    down: [AtomicU64; 2],
    kinds: [[AtomicU64; KINDS]; 2],
    ip_up: AtomicU64,
    ip_down: AtomicU64,
    ip_unknown: AtomicU64,
    deliveries: AtomicU64,
    requests: AtomicU64,
    connects: AtomicU64,
    empty: AtomicU64,
    connected: AtomicU64,
    ready: AtomicU64,
    gave_up: AtomicU64,
    failed_probes: AtomicU64,
    p99_us: AtomicU64,
    /// Of the operating system; 0 before the thread has begun.
    thread: AtomicU64,
}

/// The counters of one or more threads at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    up: [u64; 2],
    down: [u64; 2],
    kinds: [[u64; KINDS]; 2],
    ip_up: u64,
    ip_down: u64,
    ip_unknown: u64,
    /// First receipts of events, probes aside.
    pub deliveries: u64,
    pub requests: u64,
    /// Connections opened, publishing aside.
    pub connects: u64,
    /// Of these, answered without an event.
    pub empty: u64,
    pub connected: u64,
    pub ready: u64,
    /// Clients that ended for good because the server refused them.
    pub gave_up: u64,
    /// Probe events that could not be published.
    pub failed_probes: u64,
    /// The worst thread's.
    pub p99_us: u64,
}

/// One thread writes, so nothing is lost between the load and the store.
fn bump(counter: &AtomicU64, by: u64) {
    counter.store(
        counter.load(Ordering::Relaxed).wrapping_add(by),
        Ordering::Relaxed,
    );
}

impl Totals {
    pub fn wrote(&self, traffic: Traffic, bytes: u64) {
        bump(&self.up[traffic as usize], bytes);
    }

    pub fn read(&self, traffic: Traffic, bytes: u64) {
        bump(&self.down[traffic as usize], bytes);
    }

    pub fn count(&self, traffic: Traffic, kind: Kind, bytes: u64) {
        bump(&self.kinds[traffic as usize][kind as usize], bytes);
    }

    /// What was counted as `from` turned out to be `to`.
    pub fn shift(&self, traffic: Traffic, from: Kind, to: Kind, bytes: u64) {
        self.count(traffic, from, bytes.wrapping_neg());
        self.count(traffic, to, bytes);
    }

    /// Bytes written that were counted as delivery's, of this kind, turned out to publish.
    pub fn was_publish(&self, kind: Kind, bytes: u64) {
        self.wrote(Traffic::Delivery, bytes.wrapping_neg());
        self.wrote(Traffic::Publish, bytes);
        self.count(Traffic::Delivery, kind, bytes.wrapping_neg());
        self.count(Traffic::Publish, kind, bytes);
    }

    /// Bytes of a closed connection with their TCP and IP headers, if the kernel told.
    pub fn closed(&self, ip: Option<UpDown>) {
        match ip {
            Some(ip) => {
                bump(&self.ip_up, ip.up);
                bump(&self.ip_down, ip.down);
            }
            None => bump(&self.ip_unknown, 1),
        }
    }

    pub fn delivered(&self) {
        bump(&self.deliveries, 1);
    }

    pub fn requested(&self) {
        bump(&self.requests, 1);
    }

    pub fn opened(&self, traffic: Traffic) {
        if traffic == Traffic::Delivery {
            bump(&self.connects, 1);
        }
    }

    pub fn answered_empty(&self) {
        bump(&self.empty, 1);
    }

    pub fn connected(&self) {
        bump(&self.connected, 1);
    }

    pub fn ready(&self) {
        bump(&self.ready, 1);
    }

    pub fn gave_up(&self) {
        bump(&self.gave_up, 1);
    }

    pub fn probe_failed(&self) {
        bump(&self.failed_probes, 1);
    }

    /// The calling thread is the one that writes.
    pub fn begin(&self) {
        let number = ThreadUsage::own_number();
        self.thread.store(number, Ordering::Relaxed);
    }

    /// What that thread has spent.
    pub fn thread_usage(&self) -> Option<ThreadUsage> {
        ThreadUsage::of(self.thread.load(Ordering::Relaxed))
    }

    pub fn set_p99_us(&self, p99_us: u64) {
        self.p99_us.store(p99_us, Ordering::Relaxed);
    }

    /// Bytes both ways so far, publishing included.
    pub fn bytes(&self) -> u64 {
        let sum =
            |pair: &[AtomicU64; 2]| -> u64 { pair.iter().map(|n| n.load(Ordering::Relaxed)).sum() };
        sum(&self.up) + sum(&self.down)
    }

    pub fn snapshot(&self) -> Snapshot {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let pair = |pair: &[AtomicU64; 2]| [get(&pair[0]), get(&pair[1])];
        Snapshot {
            up: pair(&self.up),
            down: pair(&self.down),
            kinds: [0, 1].map(|traffic| std::array::from_fn(|k| get(&self.kinds[traffic][k]))),
            ip_up: get(&self.ip_up),
            ip_down: get(&self.ip_down),
            ip_unknown: get(&self.ip_unknown),
            deliveries: get(&self.deliveries),
            requests: get(&self.requests),
            connects: get(&self.connects),
            empty: get(&self.empty),
            connected: get(&self.connected),
            ready: get(&self.ready),
            gave_up: get(&self.gave_up),
            failed_probes: get(&self.failed_probes),
            p99_us: get(&self.p99_us),
        }
    }
}

impl Snapshot {
    pub fn of<'a>(threads: impl IntoIterator<Item = &'a Totals>) -> Snapshot {
        threads
            .into_iter()
            .map(Totals::snapshot)
            .fold(Snapshot::default(), Snapshot::plus)
    }

    fn plus(self, other: Snapshot) -> Snapshot {
        let pair = |a: [u64; 2], b: [u64; 2]| [a[0] + b[0], a[1] + b[1]];
        Snapshot {
            up: pair(self.up, other.up),
            down: pair(self.down, other.down),
            kinds: [0, 1].map(|traffic| {
                std::array::from_fn(|k| {
                    self.kinds[traffic][k].wrapping_add(other.kinds[traffic][k])
                })
            }),
            ip_up: self.ip_up + other.ip_up,
            ip_down: self.ip_down + other.ip_down,
            ip_unknown: self.ip_unknown + other.ip_unknown,
            deliveries: self.deliveries + other.deliveries,
            requests: self.requests + other.requests,
            connects: self.connects + other.connects,
            empty: self.empty + other.empty,
            connected: self.connected + other.connected,
            ready: self.ready + other.ready,
            gave_up: self.gave_up + other.gave_up,
            failed_probes: self.failed_probes + other.failed_probes,
            p99_us: self.p99_us.max(other.p99_us),
        }
    }

    pub fn up(&self) -> u64 {
        self.up.iter().sum()
    }

    pub fn down(&self) -> u64 {
        self.down.iter().sum()
    }

    pub fn publish(&self) -> UpDown {
        UpDown {
            up: self.up[Traffic::Publish as usize],
            down: self.down[Traffic::Publish as usize],
        }
    }

    /// Bytes both ways, publishing aside.
    pub fn delivery_bytes(&self) -> u64 {
        self.up[Traffic::Delivery as usize] + self.down[Traffic::Delivery as usize]
    }

    /// With TCP and IP headers; `None` if the kernel did not tell for every connection.
    pub fn ip(&self) -> Option<UpDown> {
        (self.ip_unknown == 0).then_some(UpDown {
            up: self.ip_up,
            down: self.ip_down,
        })
    }

    /// All traffic, by kind.
    pub fn by_kind(&self) -> ByKind {
        let sum = |kind: Kind| {
            self.kinds[Traffic::Delivery as usize][kind as usize]
                .wrapping_add(self.kinds[Traffic::Publish as usize][kind as usize])
        };
        ByKind {
            payload: sum(Kind::Payload),
            framing: sum(Kind::Framing),
            http_headers: sum(Kind::HttpHeaders),
            empty_polls: sum(Kind::EmptyPolls),
            handshake: sum(Kind::Handshake),
            keep_alive: sum(Kind::KeepAlive),
            packets: sum(Kind::Packets),
            probes: sum(Kind::Probes),
            upgrade: sum(Kind::Upgrade),
            tls: sum(Kind::Tls),
        }
    }

    /// Bytes since `earlier` by kind, publishing aside. A kind can fall a little below 0: the
    /// request of a poll counts as empty until its answer brings an event.
    pub fn delivery_kinds_since(&self, earlier: &Snapshot) -> [(&'static str, i64); KINDS] {
        let delivery = Traffic::Delivery as usize;
        let since = |kind: Kind| {
            self.kinds[delivery][kind as usize].wrapping_sub(earlier.kinds[delivery][kind as usize])
                as i64
        };
        [
            ("payload", since(Kind::Payload)),
            ("framing", since(Kind::Framing)),
            ("http_headers", since(Kind::HttpHeaders)),
            ("empty_polls", since(Kind::EmptyPolls)),
            ("handshake", since(Kind::Handshake)),
            ("keep_alive", since(Kind::KeepAlive)),
            ("packets", since(Kind::Packets)),
            ("probes", since(Kind::Probes)),
            ("upgrade", since(Kind::Upgrade)),
            ("tls", since(Kind::Tls)),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_add_up_and_shifts_cancel() {
        let (one, two) = (Totals::default(), Totals::default());
        one.wrote(Traffic::Delivery, 100);
        one.count(Traffic::Delivery, Kind::EmptyPolls, 100);
        two.read(Traffic::Publish, 40);
        two.count(Traffic::Publish, Kind::HttpHeaders, 40);
        let before = Snapshot::of([&one, &two]);
        one.shift(Traffic::Delivery, Kind::EmptyPolls, Kind::HttpHeaders, 100);
        let after = Snapshot::of([&one, &two]);
        assert_eq!(after.by_kind().total(), after.up() + after.down());
        assert_eq!(after.by_kind().http_headers, 140);
        assert_eq!(after.publish(), UpDown { up: 0, down: 40 });
        one.was_publish(Kind::HttpHeaders, 30);
        let moved = Snapshot::of([&one, &two]);
        assert_eq!(moved.publish(), UpDown { up: 30, down: 40 });
        assert_eq!((moved.by_kind(), moved.up()), (after.by_kind(), after.up()));
        assert!(
            after
                .delivery_kinds_since(&before)
                .contains(&("empty_polls", -100))
        );
    }
}
