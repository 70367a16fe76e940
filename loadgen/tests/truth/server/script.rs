//! What the truth server does wrong, written down beforehand: the fate of each event follows from
//! the seed, its room and its number alone, so that a test knows every count before it measures.

use std::time::Duration;

#[derive(Clone, Copy, Debug, Default)]
pub struct Script {
    /// Every event is handed out this much after it came in.
    pub delay: Duration,
    /// Whether 1 event in 1,000 each is dropped, repeated and swapped with the next.
    pub faults: Option<Seed>,
    /// Time that each new connection waits in front of the others.
    pub slow_accept: Duration,
    /// At every so many events of a room, a connection is closed in the middle of what it carries.
    pub cut_every: Option<u64>,
    /// `data` alone is handed out: no envelope, no greeting.
    pub bare: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct Seed(pub u64);

/// What becomes of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Passed,
    Dropped,
    Repeated,
    /// Waits until the next one has passed.
    Swapped,
}

/// How often each fault was met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    pub dropped: u64,
    pub repeated: u64,
    pub swapped: u64,
}

impl Script {
    /// Of the event `number` of a room; number 0 is the probe that shows its subscribers ready.
    pub fn fate(&self, room: &str, number: u64) -> Fate {
        match self.faults {
            Some(seed) if number > 0 => match drawn(seed, room, number) % 1000 {
                0 => Fate::Dropped,
                1 => Fate::Repeated,
                2 => Fate::Swapped,
                _ => Fate::Passed,
            },
            Some(_) | None => Fate::Passed,
        }
    }

    /// All that a subscriber of `room` meets while `events` follow its probe. One that is still
    /// held back when the last has passed never comes.
    pub fn faults_of(&self, room: &str, events: u64) -> Faults {
        let mut faults = Faults::default();
        let mut held = false;
        for number in 1..=events {
            match self.fate(room, number) {
                Fate::Dropped => faults.dropped += 1,
                Fate::Swapped if !held => held = true,
                fate => {
                    faults.repeated += u64::from(fate == Fate::Repeated);
                    faults.swapped += u64::from(std::mem::take(&mut held));
                }
            }
        }
        faults.dropped += u64::from(held);
        faults
    }
}

/// SplitMix64 over FNV-1a of the room: nothing that loadgen draws from.
fn drawn(seed: Seed, room: &str, number: u64) -> u64 {
    let name = room.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut z = (seed.0 ^ name).wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[test]
fn fates_are_one_in_a_thousand_each_and_always_the_same() {
    let script = Script {
        faults: Some(Seed(5)),
        ..Script::default()
    };
    let faults = script.faults_of("room-0", 1_000_000);
    for count in [faults.dropped, faults.repeated, faults.swapped] {
        assert!(count.abs_diff(1_000) < 120, "{faults:?}");
    }
    assert_eq!(faults, script.faults_of("room-0", 1_000_000));
    assert_ne!(faults, script.faults_of("room-1", 1_000_000));
    assert_eq!(script.fate("room-0", 0), Fate::Passed);
}
