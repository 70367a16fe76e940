//! The short way of an event: straight from the broadcast of a room to a socket that waits for
//! nothing else, past the connection's task. It saves that task's wake, its turn in the scheduler and
//! the walk through actix's dispatcher, which are most of what a delivery costs outside the kernel.
//!
//! Invariant: an event goes this way only if it is the very next one after the subscriber's cursor,
//! which this way and the long one share; so neither can repeat or overtake the other.

use crate::frames::Event;
use crate::net::metered::{Line, Meter, Pushed};
use crate::usage::{Class, WorkerCounters};
use bytes::Bytes;
use std::cell::Cell;
use std::cmp::Ordering;
use std::rc::Rc;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::time::Instant;

pub struct Shortcut {
    /// Where the subscription has read to.
    pub offset: Cell<u64>,
    line: Rc<Line<TcpStream>>,
    /// All of this worker's: near at hand, as no meter of one connection is.
    counters: Arc<WorkerCounters>,
    /// Where the lab listens in.
    tapped: Option<Rc<Meter>>,
    class: Class,
    encode: fn(&Event) -> &Bytes,
    last_sent: Cell<Instant>,
    /// Every event has to go the long way for now.
    paused: Cell<bool>,
}

impl Shortcut {
    /// `encode` gives an event as it goes over the socket, chunk and all; `None` where the socket
    /// cannot take it so.
    pub fn new(
        offset: u64,
        meter: &Rc<Meter>,
        class: Class,
        encode: fn(&Event) -> &Bytes,
    ) -> Option<Rc<Shortcut>> {
        Some(Rc::new(Shortcut {
            offset: Cell::new(offset),
            line: meter.outlet()?,
            counters: Arc::clone(meter.counters()),
            tapped: meter.tap().map(|_| Rc::clone(meter)),
            class,
            encode,
            last_sent: Cell::new(Instant::now()),
            paused: Cell::new(false),
        }))
    }

    /// When an event last went this way.
    pub fn last_sent(&self) -> Instant {
        self.last_sent.get()
    }

    /// Sends events the long way, or lets them go this one again.
    pub fn pause(&self, paused: bool) {
        self.paused.set(paused);
    }

    /// Whether the subscriber has the event now; if not, or if the socket took only a part of it,
    /// its task must run.
    pub fn offer(&self, event: &Event, now: Instant) -> bool {
        match event.offset.cmp(&(self.offset.get() + 1)) {
            Ordering::Less => return true,
            Ordering::Greater => return false,
            Ordering::Equal if self.paused.get() => return false,
            Ordering::Equal => {}
        }
        let counters = self.counters.of(self.class);
        let count = |written: &[u8]| match &self.tapped {
            Some(meter) => meter.wrote(written),
            None => counters.tx.add(written.len() as u64),
        };
        let pushed = self.line.push((self.encode)(event), count);
        if pushed != Pushed::Refused {
            self.offset.set(event.offset);
            counters.deliveries.add(1);
            self.last_sent.set(now);
        }
        pushed == Pushed::Whole
    }
}
