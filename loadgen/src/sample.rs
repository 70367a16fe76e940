//! Where a received payload becomes a sample. The receipt instant is taken here and nowhere else;
//! clients hand over bytes and know neither clocks nor histograms.

use crate::lane::Lane;
use crate::ledger::{Arrival, Ledger};
use crate::table::EventIndex;
use crate::token::Token;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// One subscriber's receipts.
pub struct Sink {
    lane: Rc<Lane>,
    subscriber: u32,
    room: u32,
    ledger: RefCell<Ledger>,
    ready: Cell<bool>,
    /// Events sent over the connection that they come back on, the oldest first.
    unacknowledged: RefCell<VecDeque<EventIndex>>,
}

impl Sink {
    pub fn new(lane: Rc<Lane>, subscriber: u32, room: u32) -> Self {
        Sink {
            lane,
            subscriber,
            room,
            ledger: RefCell::default(),
            ready: Cell::new(false),
            unacknowledged: RefCell::default(),
        }
    }

    /// One event object, or whatever holds its `data`. Foreign events pass without a trace: a room
    /// of a remote server may have other publishers.
    pub fn receive(&self, payload: &[u8]) {
        self.receive_at(payload, Instant::now());
    }

    /// At an instant that the caller makes up: a simulated hour takes no hour.
    pub fn receive_at(&self, payload: &[u8], now: Instant) {
        if let Some(token) = self.lane.setting.tag.find(payload) {
            self.take(token, now);
        }
    }

    /// One message of somebody else's server, in these parts: it may hold several events, and one of them more
    /// than once. Gives the bytes of the parts in which any of ours was.
    pub fn receive_foreign<'p>(&self, parts: impl Iterator<Item = &'p [u8]>) -> usize {
        let now = Instant::now();
        let mut taken = Vec::new();
        let mut bytes = 0;
        for part in parts {
            let before = bytes;
            for token in self.lane.setting.tag.find_all(part) {
                bytes = before + part.len();
                if !taken.contains(&token) {
                    taken.push(token);
                    self.take(token, now);
                }
            }
        }
        bytes
    }

    fn take(&self, token: Token, now: Instant) {
        match token {
            Token::Probe { room } if room == self.room => self.probed(),
            Token::Probe { .. } => {}
            Token::Event {
                publisher,
                sequence,
            } => self.event(publisher, sequence, now),
        }
    }

    fn probed(&self) {
        if !self.ready.replace(true) {
            self.lane.totals.ready();
        }
    }

    fn event(&self, publisher: u32, sequence: u32, now: Instant) {
        let table = &self.lane.setting.table;
        let mut recorder = self.lane.recorder.borrow_mut();
        let found = table.find(publisher, sequence);
        let Some(index) = found.filter(|index| table.event(*index).room == self.room) else {
            recorder.error("wrong-room");
            return;
        };
        let event = table.event(index);
        let now_ns = table.ns(now);
        match self.ledger.borrow_mut().receive(publisher, sequence) {
            Arrival::Duplicate if self.lane.setting.plan.transport.latest => {
                return recorder.repeated();
            }
            Arrival::Duplicate => return recorder.duplicated(),
            Arrival::Late => recorder.out_of_order(),
            Arrival::New => {}
        }
        table.taken(index);
        recorder.delivered(event, now_ns);
        if publisher == self.subscriber && self.is_own(index) {
            recorder.acknowledged(event, now_ns);
        }
    }

    /// Takes `index` off the events whose echo is awaited.
    fn is_own(&self, index: EventIndex) -> bool {
        let mut waiting = self.unacknowledged.borrow_mut();
        let at = waiting.iter().position(|awaited| *awaited == index);
        at.and_then(|at| waiting.remove(at)).is_some()
    }

    /// An event is about to be written; `echoed` if its return is its acknowledgement.
    pub fn sending(&self, index: EventIndex, echoed: bool) {
        let table = &self.lane.setting.table;
        if echoed {
            self.unacknowledged.borrow_mut().push_back(index);
        }
        sending(&self.lane, index, Instant::now());
        debug_assert_eq!(table.event(index).room, self.room);
    }

    /// The server refused an event: the oldest that waits, for refusals come in order.
    pub fn refused(&self, status: u16) {
        let mut recorder = self.lane.recorder.borrow_mut();
        recorder.error(format!("publish-{status}"));
        if !self.ready.get() {
            self.lane.totals.probe_failed();
        }
        if let Some(index) = self.unacknowledged.borrow_mut().pop_front() {
            self.lane.setting.table.doubt(index);
        }
    }

    /// The connection is gone: whether the server took what waits shows when somebody receives it.
    pub fn connection_lost(&self) {
        for index in self.unacknowledged.borrow_mut().drain(..) {
            self.lane.setting.table.doubt(index);
        }
    }

    /// The server said that it no longer has `events`; `None` if it could not count them, which is
    /// not 0.
    pub fn missed(&self, events: Option<u64>) {
        let mut recorder = self.lane.recorder.borrow_mut();
        match events {
            Some(events) => recorder.missed(events),
            None => recorder.error("missed-uncounted"),
        }
    }

    pub fn connected(&self, after: Duration) {
        self.lane.recorder.borrow_mut().connected(after);
    }

    /// Socket.IO's session was opened so long after the client dialled.
    pub fn shaken_hands(&self, after: Duration) {
        self.lane.recorder.borrow_mut().shaken_hands(after);
    }

    /// A WebSocket took over so long after it was dialled.
    pub fn upgraded(&self, after: Duration) {
        self.lane.recorder.borrow_mut().upgraded(after);
    }

    /// The namespace answered so long after it was asked for.
    pub fn entered(&self, after: Duration) {
        self.lane.recorder.borrow_mut().entered(after);
    }

    /// Back and greeted, so long after the connection was lost.
    pub fn reconnected(&self, after: Duration) {
        self.lane.recorder.borrow_mut().reconnected(after);
    }

    /// Back, and nobody knows since when.
    pub fn returned(&self) {
        self.lane.recorder.borrow_mut().returned();
    }

    pub fn error(&self, class: impl Into<String>) {
        self.lane.recorder.borrow_mut().error(class);
    }

    pub fn take_ledger(&self) -> Ledger {
        self.ledger.take()
    }
}

/// An event came without a socket.
pub fn controlled(lane: &Lane, index: EventIndex) {
    let now = Instant::now();
    let table = &lane.setting.table;
    let mut recorder = lane.recorder.borrow_mut();
    recorder.controlled(table.event(index), table.ns(now));
}

/// Notes that an event is about to be written, at `now`.
pub fn sending(lane: &Lane, index: EventIndex, now: Instant) {
    let table = &lane.setting.table;
    table.sending(index, now);
    let mut recorder = lane.recorder.borrow_mut();
    recorder.sent(table.event(index), table.ns(now));
}
