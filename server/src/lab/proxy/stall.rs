//! A line that stands still for a part of every period, all connections of the process in step, as
//! behind one access point. Pure arithmetic on the time since a common origin.

use super::settings::{Stall, milliseconds};
use std::sync::OnceLock;
use std::time::Duration;
use tokio::time::Instant;

static ORIGIN: OnceLock<Instant> = OnceLock::new();

/// Until when nothing moves, if it stands still at `now`.
pub fn stands_until(stall: Option<Stall>, now: Instant) -> Option<Instant> {
    let origin = *ORIGIN.get_or_init(|| now);
    let left = left(stall?, now.saturating_duration_since(origin))?;
    Some(now + left)
}

/// Each period begins in motion and ends in the stall.
fn left(stall: Stall, since: Duration) -> Option<Duration> {
    let every = milliseconds(stall.every_ms).as_nanos().max(1);
    let moves = every.saturating_sub(milliseconds(stall.for_ms).as_nanos());
    let phase = since.as_nanos() % every;
    let left = u64::try_from(every - phase).unwrap_or(u64::MAX);
    (phase >= moves).then(|| Duration::from_nanos(left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_still_at_the_end_of_each_period() {
        let stall = Stall {
            every_ms: 1000.0,
            for_ms: 200.0,
        };
        let ms = Duration::from_millis;
        for (since, expected) in [
            (0, None),
            (799, None),
            (800, Some(200)),
            (999, Some(1)),
            (1000, None),
            (5900, Some(100)),
        ] {
            assert_eq!(left(stall, ms(since)), expected.map(ms), "{since}");
        }
    }
}
