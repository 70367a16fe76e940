//! The planned instants of the lab's publisher, drawn from a seed: the same rules and the same random
//! numbers as loadgen's schedule, so that a run in the browser can be repeated headless. Pure and lazy;
//! waiting for an instant is the publisher's.

use super::messages::Arrivals;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use std::time::Duration;

/// Events that a burst brings at once.
const BURST: u32 = 10;

/// Offsets from the beginning, in order and before `length`.
pub fn instants(
    arrivals: Arrivals,
    rate: f64,
    seed: u64,
    length: Duration,
) -> Box<dyn Iterator<Item = Duration> + Send> {
    match arrivals {
        Arrivals::Constant => Box::new(evenly(rate, length)),
        Arrivals::Poisson => Box::new(poisson(rate, seed, length)),
        Arrivals::Burst => Box::new(
            evenly(rate / f64::from(BURST), length)
                .flat_map(|instant| std::iter::repeat_n(instant, BURST as usize)),
        ),
    }
}

/// The k-th at k/rate: no sum, so no drift.
fn evenly(rate: f64, length: Duration) -> impl Iterator<Item = Duration> + Send {
    (0u64..)
        .map_while(move |k| Duration::try_from_secs_f64(k as f64 / rate).ok())
        .take_while(move |instant| *instant < length)
}

/// Independent exponential gaps of mean 1/rate, by inversion.
fn poisson(rate: f64, seed: u64, length: Duration) -> impl Iterator<Item = Duration> + Send {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut at = 0.0;
    std::iter::from_fn(move || {
        // In (0, 1], so that the logarithm is finite.
        let uniform: f64 = 1.0 - random.random::<f64>();
        at -= uniform.ln() / rate;
        Duration::try_from_secs_f64(at).ok()
    })
    .take_while(move |instant| *instant < length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(arrivals: Arrivals, rate: f64, seed: u64, seconds: u64) -> Vec<Duration> {
        instants(arrivals, rate, seed, Duration::from_secs(seconds)).collect()
    }

    #[test]
    fn constant_and_burst_stand_where_the_rate_says() {
        let milliseconds = |instants: &[u64]| -> Vec<Duration> {
            instants
                .iter()
                .copied()
                .map(Duration::from_millis)
                .collect()
        };
        let constant = drawn(Arrivals::Constant, 4.0, 1, 1);
        assert_eq!(constant, milliseconds(&[0, 250, 500, 750]));
        let burst = drawn(Arrivals::Burst, 20.0, 1, 1);
        assert_eq!(burst, milliseconds(&[[0; 10], [500; 10]].concat()));
    }

    #[test]
    fn the_seed_draws_poisson_arrivals_of_the_rate() {
        let instants = drawn(Arrivals::Poisson, 100.0, 7, 1000);
        // 100,000 expected; five standard deviations.
        assert!(
            instants.len().abs_diff(100_000) < 1_600,
            "{}",
            instants.len()
        );
        assert!(instants.is_sorted());
        assert_eq!(instants, drawn(Arrivals::Poisson, 100.0, 7, 1000));
        assert_ne!(instants, drawn(Arrivals::Poisson, 100.0, 8, 1000));
    }
}
