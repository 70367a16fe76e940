//! Latency samples of which none is dropped: an HDR histogram (1 µs to 1 h, three digits) for those
//! from 0 up, and a second one for negative ones, which a clock or an early receipt can make. Both
//! bear on every figure. What is kept for each second of a run is coarser than what a trial ends with.

use crate::results::Distribution;
use base64::Engine;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};

const MAX_US: u64 = 3_600_000_000;
const DIGITS: u8 = 3;
const COARSE_DIGITS: u8 = 2;

fn empty() -> Histogram<u64> {
    bounded(DIGITS)
}

fn bounded(digits: u8) -> Histogram<u64> {
    Histogram::new_with_bounds(1, MAX_US, digits).expect("1 µs to 1 h with a few digits is valid")
}

/// Samples in microseconds, or in any other whole unit.
#[derive(Clone, Debug)]
pub struct Samples {
    histogram: Histogram<u64>,
    /// Magnitudes of the negative ones; most trials have none.
    negative: Option<Box<Histogram<u64>>>,
    /// The lowest and the highest to the unit: a bucket of 500 ms begins 288 µs below it, and no
    /// sample may seem to have come before it did.
    extremes: Option<(i64, i64)>,
}

impl Default for Samples {
    fn default() -> Self {
        Samples {
            histogram: empty(),
            negative: None,
            extremes: None,
        }
    }
}

impl Samples {
    /// Rounds down to microseconds: a sample just below 0 stays negative.
    pub fn record_ns(&mut self, nanoseconds: i64) {
        self.record(nanoseconds.div_euclid(1000));
    }

    pub fn record(&mut self, value: i64) {
        self.widen(value, value);
        match u64::try_from(value) {
            Ok(value) => self.histogram.saturating_record(value),
            Err(_) => self
                .negative
                .get_or_insert_with(|| Box::new(empty()))
                .saturating_record(value.unsigned_abs()),
        }
    }

    fn widen(&mut self, low: i64, high: i64) {
        let (lowest, highest) = self.extremes.get_or_insert((low, high));
        *lowest = low.min(*lowest);
        *highest = high.max(*highest);
    }

    pub fn merge(&mut self, other: &Samples) {
        if let Some((low, high)) = other.extremes {
            self.widen(low, high);
        }
        // All have the same bounds, so adding cannot fail.
        let _ = self.histogram.add(&other.histogram);
        if let Some(negative) = &other.negative {
            let own = self.negative.get_or_insert_with(|| Box::new(empty()));
            let _ = own.add(negative.as_ref());
        }
    }

    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    pub fn count(&self) -> u64 {
        self.histogram.len() + self.negative_count()
    }

    pub fn negative_count(&self) -> u64 {
        self.negative.as_ref().map_or(0, |negative| negative.len())
    }

    /// The smallest sample such that a share `quantile` of all is not above it.
    pub fn quantile(&self, quantile: f64) -> Option<i64> {
        let (lowest, highest) = self.extremes?;
        let rank = (quantile * self.count() as f64).ceil() as u64;
        let value = self.at_rank(rank.clamp(1, self.count()));
        // The upper edge of the last bucket may lie above every sample.
        Some(value.clamp(lowest, highest))
    }

    /// The sample at a rank from 1, the lowest first.
    fn at_rank(&self, rank: u64) -> i64 {
        let negatives = self.negative_count();
        match &self.negative {
            Some(negative) if rank <= negatives => {
                -signed(value_at_rank(negative, negatives - rank + 1))
            }
            _ => signed(value_at_rank(&self.histogram, rank - negatives)),
        }
    }

    fn mean(&self) -> Option<f64> {
        let sum = |histogram: &Histogram<u64>| match histogram.len() {
            0 => 0.0,
            count => histogram.mean() * count as f64,
        };
        let below = self.negative.as_ref().map_or(0.0, |negative| sum(negative));
        (!self.is_empty()).then(|| (sum(&self.histogram) - below) / self.count() as f64)
    }

    pub fn distribution(&self) -> Distribution {
        Distribution {
            count: self.count(),
            negative: self.negative_count(),
            min: self.extremes.map(|(lowest, _)| lowest),
            mean: self.mean(),
            p50: self.quantile(0.5),
            p75: self.quantile(0.75),
            p90: self.quantile(0.9),
            p95: self.quantile(0.95),
            p99: self.quantile(0.99),
            p999: self.quantile(0.999),
            max: self.extremes.map(|(_, highest)| highest),
            hdr: self.hdr(),
        }
    }

    /// base64 of HDR V2Deflate: the samples that are not negative.
    pub fn hdr(&self) -> String {
        encoded(&self.histogram)
    }

    /// The same to two digits, in a tenth of the space: an hour has 3,600 of them. Buckets of two
    /// digits hold whole buckets of three, so sums come out alike whichever is done first.
    pub fn coarse_hdr(&self) -> String {
        let mut coarse = bounded(COARSE_DIGITS);
        for bucket in self.histogram.iter_recorded() {
            let count = bucket.count_since_last_iteration();
            coarse.saturating_record_n(bucket.value_iterated_to(), count);
        }
        encoded(&coarse)
    }
}

fn encoded(histogram: &Histogram<u64>) -> String {
    let mut bytes = Vec::new();
    match V2DeflateSerializer::new().serialize(histogram, &mut bytes) {
        Ok(_) => base64::engine::general_purpose::STANDARD.encode(bytes),
        Err(error) => {
            tracing::error!("a histogram could not be written: {error}");
            String::new()
        }
    }
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Ranks are whole numbers: a quantile as a fraction would be off by one for large counts.
fn value_at_rank(histogram: &Histogram<u64>, rank: u64) -> u64 {
    let mut below = 0;
    for bucket in histogram.iter_recorded() {
        below += bucket.count_since_last_iteration();
        if below >= rank {
            return histogram.highest_equivalent(bucket.value_iterated_to());
        }
    }
    histogram.max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(values: &[i64]) -> Samples {
        let mut samples = Samples::default();
        values.iter().for_each(|value| samples.record(*value));
        samples
    }

    #[test]
    fn negative_samples_are_kept_and_are_the_lowest() {
        let found = samples(&[-40, -10, 0, 20, 30, 50, 60, 70, 80, 90]).distribution();
        assert_eq!((found.count, found.negative), (10, 2));
        assert_eq!((found.min, found.max), (Some(-40), Some(90)));
        assert_eq!(
            (found.p50, found.p75, found.p90),
            (Some(30), Some(70), Some(80))
        );
        assert_eq!(found.mean, Some(35.0));
        let all = samples(&[-3, -2, -1]).distribution();
        assert_eq!((all.min, all.p50, all.max), (Some(-3), Some(-2), Some(-1)));
    }

    #[test]
    fn extremes_are_exact_and_no_figure_lies_beyond_them() {
        let found = samples(&[500_003, 500_010, 500_020]).distribution();
        assert_eq!((found.min, found.max), (Some(500_003), Some(500_020)));
        assert!(found.p50 >= found.min && found.p50 <= found.p999 && found.p999 <= found.max);
    }

    #[test]
    fn a_coarse_histogram_has_every_sample_where_it_would_have_been_recorded() {
        let values: Vec<i64> = (0..40_000).map(|k| k * k % 5_000_011).collect();
        let mut direct = bounded(COARSE_DIGITS);
        (values.iter()).for_each(|value| direct.saturating_record(value.unsigned_abs()));
        assert_eq!(samples(&values).coarse_hdr(), encoded(&direct));
    }

    #[test]
    fn nothing_is_null_and_not_zero() {
        let found = Samples::default().distribution();
        assert_eq!(
            (found.count, found.min, found.p99, found.mean),
            (0, None, None, None)
        );
    }

    #[test]
    fn quantiles_are_those_of_the_sorted_samples() {
        let values: Vec<i64> = (-500..1500).collect();
        let all = samples(&values);
        for quantile in [0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0] {
            let rank = (quantile * values.len() as f64).ceil() as usize;
            assert_eq!(all.quantile(quantile), Some(values[rank - 1]), "{quantile}");
        }
    }

    #[test]
    fn merging_is_as_if_recorded_together() {
        let mut merged = samples(&[-5, 1, 2]);
        merged.merge(&samples(&[-7, 100_000]));
        assert_eq!(
            merged.distribution(),
            samples(&[-7, -5, 1, 2, 100_000]).distribution()
        );
    }

    #[test]
    fn rounding_never_hides_a_sign() {
        let mut samples = Samples::default();
        samples.record_ns(-1);
        samples.record_ns(999);
        assert_eq!(samples.distribution().min, Some(-1));
        assert_eq!(samples.distribution().max, Some(0));
    }
}
