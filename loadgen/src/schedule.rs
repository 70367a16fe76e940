//! The intended instants of a trial's events: an open loop, drawn before the trial begins and
//! never slowed by the target. Pure; waiting for an instant is the pacer's.

use crate::plan::{Arrivals, PublishPlan};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use std::time::Duration;

/// Sorted offsets in `[0, length)`. Constant and burst begin at 0; Poisson with its first gap.
pub fn instants(publish: &PublishPlan, length: Duration, seed: u64) -> Vec<Duration> {
    let rate = publish.rate;
    if rate <= 0.0 {
        return Vec::new();
    }
    match publish.arrivals {
        Arrivals::Constant => evenly(rate, length).collect(),
        Arrivals::Poisson => poisson(rate, length, seed).collect(),
        Arrivals::Burst { size } => evenly(rate / f64::from(size), length)
            .flat_map(|instant| (0..size).map(move |_| instant))
            .collect(),
    }
}

/// The k-th at k/rate: no sum, so no drift.
fn evenly(rate: f64, length: Duration) -> impl Iterator<Item = Duration> {
    (0u64..)
        .map_while(move |k| Duration::try_from_secs_f64(k as f64 / rate).ok())
        .take_while(move |instant| *instant < length)
}

/// Independent exponential gaps of mean 1/rate, by inversion.
fn poisson(rate: f64, length: Duration, seed: u64) -> impl Iterator<Item = Duration> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut at = 0.0;
    std::iter::from_fn(move || {
        // In (0, 1], so that the logarithm is finite.
        let uniform: f64 = 1.0 - random.random::<f64>();
        at -= uniform.ln() / rate;
        (at < length.as_secs_f64()).then(|| Duration::from_secs_f64(at))
    })
    // Rounding to nanoseconds may carry the last one over the end.
    .take_while(move |instant| *instant < length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::PublishBy;
    use proptest::prelude::*;

    fn publish(rate: f64, arrivals: Arrivals) -> PublishPlan {
        PublishPlan {
            rate,
            arrivals,
            payload: 128,
            by: PublishBy::Publisher,
        }
    }

    #[test]
    fn instants_stand_where_the_table_says() {
        let burst = Arrivals::Burst { size: 2 };
        let cases: [(f64, Arrivals, u64, &[u64]); 6] = [
            (0.0, Arrivals::Constant, 1000, &[]),
            (4.0, Arrivals::Constant, 1000, &[0, 250, 500, 750]),
            (4.0, Arrivals::Constant, 501, &[0, 250, 500]),
            (0.5, Arrivals::Constant, 5000, &[0, 2000, 4000]),
            (4.0, burst, 1000, &[0, 0, 500, 500]),
            (4.0, Arrivals::Constant, 0, &[]),
        ];
        for (rate, arrivals, length, expected) in cases {
            let found = instants(&publish(rate, arrivals), Duration::from_millis(length), 1);
            let expected: Vec<_> = expected
                .iter()
                .copied()
                .map(Duration::from_millis)
                .collect();
            assert_eq!(found, expected, "{rate} {arrivals:?} {length}");
        }
    }

    #[test]
    fn a_rate_of_one_event_in_ages_has_its_first() {
        let length = Duration::from_secs(3);
        for rate in [1e-20, 1e-300] {
            let found = instants(&publish(rate, Arrivals::Constant), length, 1);
            assert_eq!(found, [Duration::ZERO]);
            assert!(instants(&publish(rate, Arrivals::Poisson), length, 1).is_empty());
        }
    }

    #[test]
    fn a_constant_rate_does_not_drift() {
        let hour = instants(
            &publish(30.0, Arrivals::Constant),
            Duration::from_secs(3600),
            1,
        );
        assert_eq!(hour.len(), 108_000);
        assert_eq!(hour[107_970], Duration::from_secs(3599));
    }

    #[test]
    fn poisson_gaps_are_exponential() {
        let rate = 200.0;
        let instants = instants(
            &publish(rate, Arrivals::Poisson),
            Duration::from_secs(1000),
            7,
        );
        let gaps: Vec<f64> = instants
            .windows(2)
            .map(|w| (w[1] - w[0]).as_secs_f64())
            .collect();
        let n = gaps.len() as f64;
        let mean = gaps.iter().sum::<f64>() / n;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / n;
        // Of about 200,000 gaps, four standard errors: mean 4/√n, variance 4·√8/√n.
        assert!((mean * rate - 1.0).abs() < 4.0 / n.sqrt(), "{mean}");
        assert!(
            (variance * rate * rate - 1.0).abs() < 4.0 * 8.0f64.sqrt() / n.sqrt(),
            "{variance}"
        );
        // The memoryless share: P(gap > 1/rate) = 1/e.
        let longer = gaps.iter().filter(|gap| **gap > 1.0 / rate).count() as f64 / n;
        assert!((longer - (-1.0f64).exp()).abs() < 0.005, "{longer}");
    }

    #[test]
    fn the_seed_draws_the_schedule() {
        let draw = |seed| {
            instants(
                &publish(50.0, Arrivals::Poisson),
                Duration::from_secs(2),
                seed,
            )
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    proptest! {
        #[test]
        fn instants_are_sorted_and_within(rate in 0.0f64..5000.0, milliseconds in 0u64..3000, size in 1u32..100, seed: u64) {
            let length = Duration::from_millis(milliseconds);
            for arrivals in [Arrivals::Constant, Arrivals::Poisson, Arrivals::Burst { size }] {
                let found = instants(&publish(rate, arrivals), length, seed);
                prop_assert!(found.is_sorted());
                prop_assert!(found.iter().all(|instant| *instant < length));
            }
        }
    }
}
