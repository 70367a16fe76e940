//! Where the next connection breaks and how, drawn from a seed: the same seed draws the same points
//! for the same client, whatever the clock does. It touches no socket.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::time::Duration;

/// How a connection breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::EnumIter)]
pub enum Fault {
    /// Both ends are closed politely, in the middle of whatever they say.
    Fin,
    /// Both ends are reset.
    Reset,
    /// Nothing passes any more; neither end is told.
    Stall,
    /// The same, and what the client had said arrives after it has given up and come back.
    Late,
}

/// What sets it off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// So many bytes of the client have passed.
    Request(u64),
    /// So many bytes of the server have passed.
    Answer(u64),
    /// The answer to the n-th thing that the client said is swallowed whole.
    AnswerLost(u32),
    /// Nothing but the clock.
    Moment,
}

impl Trigger {
    pub fn name(self) -> &'static str {
        match self {
            Trigger::Request(_) => "inside what the client says",
            Trigger::Answer(_) => "inside what the server says",
            Trigger::AnswerLost(_) => "a whole answer lost",
            Trigger::Moment => "at any moment",
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Point {
    pub fault: Fault,
    pub trigger: Trigger,
    /// It breaks by then, whatever has passed.
    pub at_latest: Duration,
}

/// The points of one client.
pub struct Points {
    random: StdRng,
    with_stalls: bool,
}

impl Points {
    pub fn seeded(seed: u64, client: u64) -> Points {
        let seed = seed.wrapping_add(client.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        Points {
            random: StdRng::seed_from_u64(seed),
            with_stalls: true,
        }
    }

    /// Breaks that are noticed at once, and no others.
    pub fn without_stalls(mut self) -> Points {
        self.with_stalls = false;
        self
    }

    pub fn next(&mut self) -> Point {
        let random = &mut self.random;
        // A stall costs the client its whole patience, so they are fewer.
        let fault = match random.random_range(0..10) {
            0 if self.with_stalls => Fault::Stall,
            1 if self.with_stalls => Fault::Late,
            2..=5 => Fault::Fin,
            _ => Fault::Reset,
        };
        // Half of the cuts into what is said fall into its beginning, where the head is.
        let far = random.random_bool(0.5);
        let trigger = match random.random_range(0..10) {
            0..=2 => Trigger::Request(random.random_range(0..if far { 800 } else { 150 })),
            3..=6 => Trigger::Answer(random.random_range(1..if far { 4_000 } else { 400 })),
            7..=8 => Trigger::AnswerLost(random.random_range(1..=3)),
            _ => Trigger::Moment,
        };
        Point {
            fault,
            trigger,
            at_latest: Duration::from_millis(random.random_range(5..300)),
        }
    }
}
