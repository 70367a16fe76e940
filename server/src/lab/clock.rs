//! The lab's clock: milliseconds since the Unix epoch with microseconds behind the point, counted on by
//! the monotonic clock, so that no correction of the system's time can turn two records around.

use std::sync::LazyLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// One instant and what the system's clock said then.
static BEGAN: LazyLock<(Instant, f64)> = LazyLock::new(|| {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    (Instant::now(), since_epoch.as_secs_f64() * 1e6)
});

pub fn now_ms() -> f64 {
    ms(Instant::now())
}

pub fn ms(at: Instant) -> f64 {
    let (began, began_us) = *BEGAN;
    let since_us = match at.checked_duration_since(began) {
        Some(since) => since.as_secs_f64() * 1e6,
        None => -(began.duration_since(at).as_secs_f64() * 1e6),
    };
    (began_us + since_us).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn instants_before_and_after_the_beginning_keep_their_distance() {
        let (began, _) = *BEGAN;
        let second = Duration::from_secs(1);
        let Some(before) = began.checked_sub(second) else {
            return;
        };
        let distance = ms(began + second) - ms(before);
        assert!((distance - 2000.0).abs() < 0.002, "{distance}");
    }
}
