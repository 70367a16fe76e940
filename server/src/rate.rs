//! How often something may be done: so many times a second, and as many at once after a quiet second
//! (the generic cell rate algorithm, ITU-T I.371). And those who are counted, for as long as they
//! are not at rest; who that is, is the caller's.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// Those who are remembered without a look at who is at rest.
pub const FEW: usize = 1024;

/// A rate, which any number of those who are counted share.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    pub per_second: u32,
}

/// When one of them will have used nothing of what it may; in the past for one who is at rest.
#[derive(Clone, Copy, Debug)]
pub struct Paid(Instant);

impl Paid {
    pub fn none(now: Instant) -> Paid {
        Paid(now)
    }

    pub fn is_at_rest(self, now: Instant) -> bool {
        self.0 <= now
    }
}

impl Rate {
    /// `None` for a rate of 0, which is no limit.
    pub fn new(per_second: u32) -> Option<Rate> {
        (per_second > 0).then_some(Rate { per_second })
    }

    /// Takes one, or says how long to wait for it.
    pub fn take(self, paid: &mut Paid, now: Instant) -> Result<(), Duration> {
        let each = Duration::from_secs(1) / self.per_second;
        let next = paid.0.max(now) + each;
        let ahead = next - now;
        // Rounding down made each a little too short.
        match ahead.checked_sub(Duration::from_secs(1)) {
            None | Some(Duration::ZERO) => {
                paid.0 = next;
                Ok(())
            }
            Some(wait) => Err(wait),
        }
    }
}

/// Those who are counted. They are forgotten once they are at rest, all at once whenever they have
/// doubled, so that a look at everybody costs each newcomer little.
pub struct Counted<K, V> {
    pub known: HashMap<K, V>,
    many: usize,
}

impl<K: Eq + Hash, V> Counted<K, V> {
    pub fn nobody() -> Self {
        Counted {
            known: HashMap::new(),
            many: FEW,
        }
    }

    pub fn forget(&mut self, is_at_rest: impl Fn(&V) -> bool) {
        if self.known.len() >= self.many {
            self.known.retain(|_, counted| !is_at_rest(counted));
            self.many = FEW.max(2 * self.known.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_second_s_worth_at_once_and_then_one_by_one() {
        let rate = Rate::new(4).unwrap();
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut paid = Paid::none(start);
        for (ms, expected) in [
            (0, Ok(())),
            (0, Ok(())),
            (0, Ok(())),
            (0, Ok(())),
            (0, Err(250)),
            (100, Err(150)),
            (250, Ok(())),
            (250, Err(250)),
            (500, Ok(())),
            // Two seconds of silence are worth no more than one.
            (9_000, Ok(())),
            (9_000, Ok(())),
            (9_000, Ok(())),
            (9_000, Ok(())),
            (9_000, Err(250)),
        ] {
            let taken = rate.take(&mut paid, at(ms));
            assert_eq!(taken, expected.map_err(Duration::from_millis), "{ms}");
        }
        assert!(!paid.is_at_rest(at(9_500)));
        assert!(paid.is_at_rest(at(10_000)));
    }

    #[test]
    fn over_a_minute_the_rate_is_the_rate() {
        for per_second in [1, 3, 7, 50, 999] {
            let rate = Rate::new(per_second).unwrap();
            let start = Instant::now();
            let mut paid = Paid::none(start);
            let taken = (0..600_000u64)
                .filter(|step| {
                    let now = start + Duration::from_micros(step * 100);
                    rate.take(&mut paid, now).is_ok()
                })
                .count();
            let expected = 60 * per_second as usize;
            assert!(
                (expected..=expected + per_second as usize).contains(&taken),
                "{taken} at {per_second}/s"
            );
        }
        assert!(Rate::new(0).is_none());
    }
}
