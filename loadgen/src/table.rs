//! All events of a trial, known before the first is sent: who sends which when, in which room; and
//! what became of each. Shared by all threads; an event's own cells are written by its sender and,
//! once, by the first thread that receives it.

use crate::plan::{PublishBy, TrialPlan};
use crate::schedule;
use crate::token::Token;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// An index into the table.
pub type EventIndex = u32;

#[derive(Debug)]
pub struct Event {
    /// Intended instant, from the origin.
    pub offset: Duration,
    pub room: u32,
    pub publisher: u32,
    pub sequence: u32,
    /// Nanoseconds from the clock's zero.
    sent_ns: AtomicU64,
    fate: AtomicU8,
}

/// What is known of an event's fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::FromRepr)]
#[repr(u8)]
enum Fate {
    Planned,
    Sent,
    /// Sent, and refused or cut off before an answer.
    Doubtful,
    /// The server took it: it said so, or somebody received the event.
    Taken,
}

#[derive(Debug)]
pub struct Table {
    zero: Instant,
    /// Of the schedule, in nanoseconds from zero; set when all clients are ready.
    origin_ns: OnceLock<i64>,
    window: std::ops::Range<Duration>,
    events: Vec<Event>,
    /// Events of each publisher, by sequence.
    of_publisher: Vec<Vec<EventIndex>>,
    clients: usize,
    rooms: usize,
    by: PublishBy,
    /// Events that were sent or could not be sent.
    attempted: AtomicU64,
    /// Deliveries that are due so far: events sent and not in doubt × subscribers.
    expected: AtomicI64,
}

impl Table {
    pub fn new(plan: &TrialPlan, zero: Instant) -> Table {
        let rooms = plan.rooms.clamp(1, plan.clients.max(1));
        let length = plan.warm_up + plan.duration;
        let by = plan.publish.by;
        let mut random = Xoshiro256PlusPlus::seed_from_u64(plan.seed ^ 0x0072_6f6f_6d73);
        let publishers = match by {
            PublishBy::Clients => plan.clients,
            PublishBy::Publisher => rooms,
        };
        let mut of_publisher = vec![Vec::new(); publishers];
        let mut events = Vec::new();
        if plan.clients > 0 {
            for offset in schedule::instants(&plan.publish, length, plan.seed) {
                let room = random.random_range(0..rooms);
                let publisher = match by {
                    PublishBy::Publisher => room,
                    PublishBy::Clients => {
                        let members = subscribers(plan.clients, rooms, room);
                        room + rooms * random.random_range(0..members)
                    }
                };
                let sequence = of_publisher[publisher].len() as u32;
                of_publisher[publisher].push(events.len() as EventIndex);
                events.push(Event::planned(offset, room, publisher, sequence));
            }
        }
        Table {
            zero,
            origin_ns: OnceLock::new(),
            window: plan.warm_up..length,
            events,
            of_publisher,
            clients: plan.clients,
            rooms,
            by,
            attempted: AtomicU64::new(0),
            expected: AtomicI64::new(0),
        }
    }

    /// Rooms that have a subscriber: `0..rooms`.
    pub fn rooms(&self) -> usize {
        self.rooms
    }

    /// The room of a client: clients are dealt round-robin.
    pub fn room_of(&self, client: usize) -> usize {
        client % self.rooms
    }

    pub fn subscribers(&self, room: u32) -> u64 {
        subscribers(self.clients, self.rooms, room as usize) as u64
    }

    pub fn events(&self) -> &[Event] {
        &self.events
    }

    pub fn event(&self, index: EventIndex) -> &Event {
        &self.events[index as usize]
    }

    pub fn find(&self, publisher: u32, sequence: u32) -> Option<EventIndex> {
        let of_publisher = self.of_publisher.get(publisher as usize)?;
        of_publisher.get(sequence as usize).copied()
    }

    pub fn token(&self, index: EventIndex) -> Token {
        let event = self.event(index);
        Token::Event {
            publisher: event.publisher,
            sequence: event.sequence,
        }
    }

    /// Those whose events a room's subscribers receive, each with the number of its events.
    pub fn publishers(&self, room: usize) -> impl Iterator<Item = (u32, u32)> {
        let step = match self.by {
            PublishBy::Publisher => usize::MAX,
            PublishBy::Clients => self.rooms,
        };
        (room..self.of_publisher.len())
            .step_by(step)
            .map(|publisher| (publisher as u32, self.of_publisher[publisher].len() as u32))
    }

    pub fn in_window(&self, event: &Event) -> bool {
        self.window.contains(&event.offset)
    }

    /// Nanoseconds from the clock's zero; negative before it.
    pub fn ns(&self, instant: Instant) -> i64 {
        match instant.checked_duration_since(self.zero) {
            Some(after) => after.as_nanos() as i64,
            None => -(self.zero.duration_since(instant).as_nanos() as i64),
        }
    }

    pub fn begin(&self, origin: Instant) {
        // Only the controller begins, once.
        let _ = self.origin_ns.set(self.ns(origin));
    }

    fn after_origin(&self, offset: Duration) -> Option<Instant> {
        let origin = u64::try_from(*self.origin_ns.get()?).unwrap_or(0);
        Some(self.zero + Duration::from_nanos(origin) + offset)
    }

    pub fn intended(&self, event: &Event) -> Option<Instant> {
        self.after_origin(event.offset)
    }

    pub fn intended_ns(&self, event: &Event) -> Option<i64> {
        Some(self.origin_ns.get()? + event.offset.as_nanos() as i64)
    }

    pub fn window_opens(&self) -> Option<Instant> {
        self.after_origin(self.window.start)
    }

    pub fn window_closes(&self) -> Option<Instant> {
        self.after_origin(self.window.end)
    }

    /// Whole seconds of an instant from the opening of the window, negative during warm-up.
    pub fn second(&self, now_ns: i64) -> Option<i64> {
        let opens = self.origin_ns.get()? + self.window.start.as_nanos() as i64;
        Some((now_ns - opens).div_euclid(1_000_000_000))
    }

    /// Deliveries that are due so far.
    pub fn expected(&self) -> u64 {
        u64::try_from(self.expected.load(Ordering::Acquire)).unwrap_or(0)
    }

    /// Whether no event waits to be sent any more.
    pub fn all_attempted(&self) -> bool {
        self.attempted.load(Ordering::Acquire) == self.events.len() as u64
    }

    fn due(&self, event: &Event, sign: i64) {
        let deliveries = self.subscribers(event.room) as i64;
        self.expected.fetch_add(sign * deliveries, Ordering::AcqRel);
    }

    /// Just before the first byte is written.
    pub fn sending(&self, index: EventIndex, now: Instant) {
        let event = self.event(index);
        event.sent_ns.store(self.ns(now) as u64, Ordering::Release);
        event.fate.store(Fate::Sent as u8, Ordering::Release);
        self.due(event, 1);
        self.attempted.fetch_add(1, Ordering::AcqRel);
    }

    /// It could not even be sent.
    pub fn abandon(&self) {
        self.attempted.fetch_add(1, Ordering::AcqRel);
    }

    pub fn taken(&self, index: EventIndex) {
        let event = self.event(index);
        if event.fate() == Fate::Taken {
            return;
        }
        if event.fate.swap(Fate::Taken as u8, Ordering::AcqRel) == Fate::Doubtful as u8 {
            self.due(event, 1);
        }
    }

    /// The publish failed, or its connection was cut: it is due only if somebody receives it.
    pub fn doubt(&self, index: EventIndex) {
        let event = self.event(index);
        let change = event.fate.compare_exchange(
            Fate::Sent as u8,
            Fate::Doubtful as u8,
            Ordering::AcqRel,
            Ordering::Acquire,
        );
        if change.is_ok() {
            self.due(event, -1);
        }
    }
}

/// Clients of a room when `clients` are dealt over `rooms`.
fn subscribers(clients: usize, rooms: usize, room: usize) -> usize {
    clients / rooms + usize::from(room < clients % rooms)
}

impl Event {
    fn planned(offset: Duration, room: usize, publisher: usize, sequence: u32) -> Event {
        Event {
            offset,
            room: room as u32,
            publisher: publisher as u32,
            sequence,
            sent_ns: AtomicU64::new(0),
            fate: AtomicU8::new(Fate::Planned as u8),
        }
    }

    fn fate(&self) -> Fate {
        Fate::from_repr(self.fate.load(Ordering::Acquire)).unwrap_or(Fate::Planned)
    }

    pub fn was_sent(&self) -> bool {
        self.fate() != Fate::Planned
    }

    /// Sent, and neither confirmed nor refused nor received by anybody.
    pub fn is_unanswered(&self) -> bool {
        self.fate() == Fate::Sent
    }

    /// Whether the server is known to have taken it.
    pub fn is_taken(&self) -> bool {
        self.fate() == Fate::Taken
    }

    pub fn sent_ns(&self) -> i64 {
        self.sent_ns.load(Ordering::Acquire) as i64
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::plan::PublishPlan;
    use pushlab_server::wire::transport::Transport;

    /// One second of warm-up and two of measuring, 20 events a second.
    pub(crate) fn plan(clients: usize, rooms: usize) -> TrialPlan {
        TrialPlan {
            name: "test".to_owned(),
            seed: 7,
            clients,
            rooms,
            warm_up: Duration::from_secs(1),
            duration: Duration::from_secs(2),
            publish: PublishPlan {
                rate: 20.0,
                payload: 64,
                ..TrialPlan::new(Transport::Websocket).publish
            },
            ..TrialPlan::new(Transport::Websocket)
        }
    }

    #[test]
    fn every_event_has_a_publisher_of_its_room() {
        for (clients, rooms) in [(1, 1), (7, 3), (3, 7), (100, 10)] {
            let mut plan = plan(clients, rooms);
            plan.publish.by = PublishBy::Clients;
            let table = Table::new(&plan, Instant::now());
            assert!(!table.events().is_empty());
            for (index, event) in table.events().iter().enumerate() {
                assert_eq!(table.room_of(event.publisher as usize) as u32, event.room);
                assert_eq!(
                    table.find(event.publisher, event.sequence),
                    Some(index as EventIndex)
                );
            }
            let members: u64 = (0..table.rooms() as u32)
                .map(|room| table.subscribers(room))
                .sum();
            assert_eq!(members, clients as u64);
            let sent: u32 = (0..table.rooms())
                .flat_map(|room| table.publishers(room))
                .map(|(_, count)| count)
                .sum();
            assert_eq!(sent as usize, table.events().len());
        }
    }

    #[test]
    fn what_is_due_follows_what_the_server_took() {
        let table = Table::new(&plan(4, 1), Instant::now());
        table.sending(0, Instant::now());
        assert_eq!(table.expected(), 4);
        table.doubt(0);
        assert_eq!(table.expected(), 0);
        table.taken(0);
        table.taken(0);
        table.doubt(0);
        assert_eq!(table.expected(), 4);
        assert!(table.event(0).is_taken());
    }

    #[test]
    fn seconds_count_from_the_window() {
        let table = Table::new(&plan(1, 1), Instant::now());
        assert_eq!(table.second(0), None);
        table.begin(table.zero + Duration::from_secs(5));
        // The plan warms up for one second.
        assert_eq!(table.second(5_500_000_000), Some(-1));
        assert_eq!(table.second(6_000_000_000), Some(0));
        assert_eq!(table.second(7_999_999_999), Some(1));
    }
}
