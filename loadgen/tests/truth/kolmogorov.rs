//! Whether recorded latencies are uniform: the one-sample test of Kolmogorov and Smirnov, with the
//! asymptotic distribution of its statistic (Stephens 1970 for finite n). An HDR histogram of three
//! digits knows a sample of 200 ms to 128 µs: at 7,000 samples that is a thirtieth of the distance
//! that the test can see, and edges of buckets, where it is taken, are exact.

use base64::Engine;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use loadgen::results::Distribution;

/// Samples in milliseconds, by the upper edges of their buckets.
pub struct Sample {
    edges: Vec<(f64, u64)>,
    count: u64,
}

impl Sample {
    /// With `floor` taken off.
    pub fn of(recorded: &Distribution, floor: f64) -> Sample {
        assert_eq!(recorded.negative, 0, "the histogram holds all samples");
        let engine = base64::engine::general_purpose::STANDARD;
        let bytes = engine.decode(&recorded.hdr).unwrap();
        let histogram: Histogram<u64> = Deserializer::new().deserialize(&mut &bytes[..]).unwrap();
        let edges = histogram.iter_recorded().map(|bucket| {
            let edge = histogram.highest_equivalent(bucket.value_iterated_to()) + 1;
            (edge as f64 / 1000.0 - floor, bucket.count_at_value())
        });
        let edges: Vec<(f64, u64)> = edges.collect();
        let count = edges.iter().map(|(_, count)| count).sum();
        assert_eq!(count, recorded.count);
        Sample { edges, count }
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// The largest distance from the distribution function of `[0, length]`, and the probability
    /// that a sample of it lies as far off.
    pub fn against_uniform(&self, length: f64) -> (f64, f64) {
        let n = self.count as f64;
        let mut below = 0;
        let mut distance: f64 = 0.0;
        for (edge, count) in &self.edges {
            below += count;
            let expected = (edge / length).clamp(0.0, 1.0);
            distance = distance.max((below as f64 / n - expected).abs());
        }
        let root = n.sqrt();
        (distance, tail((root + 0.12 + 0.11 / root) * distance))
    }
}

/// Kolmogorov's Q(λ) = 2 Σ (−1)^(k−1) exp(−2 k² λ²).
fn tail(lambda: f64) -> f64 {
    // The sum is 1 to ten digits below this, and slow to get there.
    if lambda < 0.2 {
        return 1.0;
    }
    let term = |k: i32| {
        let sign = if k % 2 == 1 { 2.0 } else { -2.0 };
        sign * (-2.0 * f64::from(k * k) * lambda * lambda).exp()
    };
    (1..=100).map(term).sum::<f64>().clamp(0.0, 1.0)
}

#[test]
fn the_tail_is_that_of_the_tables() {
    for (lambda, p) in [
        (1.2239, 0.10),
        (1.3581, 0.05),
        (1.6276, 0.01),
        (1.9495, 0.001),
    ] {
        assert!((tail(lambda) / p - 1.0).abs() < 0.002, "{lambda}");
    }
    assert_eq!(tail(0.0), 1.0);
}

#[test]
fn what_is_uniform_passes_and_what_is_not_does_not() {
    let sample = |edge: fn(f64) -> f64| Sample {
        edges: (1..=4_000)
            .map(|k| (edge(f64::from(k) / 4_000.0), 1))
            .collect(),
        count: 4_000,
    };
    assert!(sample(|u| 200.0 * u).against_uniform(200.0).1 > 0.99);
    // Off by a tenth of the length at one end; and a beat that clients share.
    assert!(sample(|u| 180.0 * u).against_uniform(200.0).1 < 1e-6);
    assert!(sample(|u| 200.0 * u * u).against_uniform(200.0).1 < 1e-6);
}
