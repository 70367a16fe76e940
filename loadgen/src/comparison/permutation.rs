//! Whether figures of two runs differ by more than chance would make them, corrected for how many
//! figures are looked at. If A and B are alike, any other division of all their repeats into two
//! groups is as likely as the real one; so the real one is held against all others. That asks for no
//! law of the noise, which five repeats could not show.
//!
//! All figures are divided alike, and each is held against the largest statistic among them: the
//! step-down maxT of Westfall and Young ("Resampling-based multiple testing", 1993). It bounds the
//! chance of any false finding as Holm's correction does, and knows that p50 and p90 move together;
//! Holm over 100 figures would need p < 0.0005, which 252 divisions of five and five cannot give.

use rand::SeedableRng;
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::SliceRandom;

/// All divisions are gone through up to this many, and this many drawn where there are more.
const DIVISIONS: usize = 2_000;

/// Divisions are drawn alike each time: two files always compare alike.
const SEED: u64 = 1;

/// One figure over the repeats of A, then those of B; `None` where a repeat lacks it.
pub(super) struct Sample {
    pub(super) values: Vec<Option<f64>>,
    /// Added to the spread: differences near it are no more than rounding.
    pub(super) least_spread: f64,
}

/// For each sample the chance, under no difference at all, that any sample would look like this one
/// or more so. `of_a` repeats come first in each.
pub(super) fn adjusted_p(samples: &[Sample], of_a: usize) -> Vec<f64> {
    let Some(repeats) = samples.first().map(|sample| sample.values.len()) else {
        return Vec::new();
    };
    let table: Vec<Vec<f64>> = (divisions(repeats, of_a).iter())
        .map(|in_a| samples.iter().map(|s| statistic(s, in_a)).collect())
        .collect();
    step_down(&table)
}

/// The first row is the real division. A sample is held against its own statistic and those of
/// samples that looked less striking, for what was more striking has been decided before it.
fn step_down(table: &[Vec<f64>]) -> Vec<f64> {
    // Rounding must not make equal divisions differ.
    const SLACK: f64 = 1.0 - 1e-9;
    let real = &table[0];
    let mut order: Vec<usize> = (0..real.len()).collect();
    order.sort_by(|x, y| real[*y].total_cmp(&real[*x]));
    let mut exceeded = vec![0_usize; real.len()];
    for division in table {
        let mut largest = 0.0_f64;
        for sample in order.iter().rev() {
            largest = largest.max(division[*sample]);
            exceeded[*sample] += usize::from(largest >= real[*sample] * SLACK);
        }
    }
    let mut before = 0.0_f64;
    let mut adjusted = vec![1.0; real.len()];
    for sample in order {
        before = before.max(exceeded[sample] as f64 / table.len() as f64);
        adjusted[sample] = before;
    }
    adjusted
}

/// Distance of the medians over the pooled spread: the mean departure from the own median, without
/// the largest tenth, so that one outlying repeat of ten does not hide a difference.
fn statistic(sample: &Sample, in_a: &[bool]) -> f64 {
    let group = |wanted: bool| -> Vec<f64> {
        let own = sample.values.iter().zip(in_a);
        let own = own.filter(|(_, in_a)| **in_a == wanted);
        own.filter_map(|(value, _)| *value).collect()
    };
    let (a, b) = (group(true), group(false));
    if a.len() < 2 || b.len() < 2 {
        return 0.0;
    }
    let (Some(of_a), Some(of_b)) = (crate::statistics::median(&a), crate::statistics::median(&b))
    else {
        return 0.0;
    };
    let mut departures: Vec<f64> = (a.iter().map(|value| (value - of_a).abs()))
        .chain(b.iter().map(|value| (value - of_b).abs()))
        .collect();
    departures.sort_by(f64::total_cmp);
    departures.truncate(departures.len() - departures.len().div_ceil(10));
    let spread = departures.iter().sum::<f64>() / departures.len() as f64;
    let distance = (of_b - of_a).abs();
    match distance > 0.0 {
        true => distance / (spread + sample.least_spread).max(f64::MIN_POSITIVE),
        false => 0.0,
    }
}

/// Which repeats are in the first group, the real division first.
fn divisions(repeats: usize, of_a: usize) -> Vec<Vec<bool>> {
    let real: Vec<bool> = (0..repeats).map(|at| at < of_a).collect();
    if ways(repeats, of_a) <= DIVISIONS as f64 {
        return all_divisions(real);
    }
    let mut random = Xoshiro256PlusPlus::seed_from_u64(SEED);
    let mut drawn = vec![real.clone()];
    drawn.resize_with(DIVISIONS, || {
        let mut division = real.clone();
        division.shuffle(&mut random);
        division
    });
    drawn
}

fn ways(repeats: usize, of_a: usize) -> f64 {
    (0..of_a.min(repeats - of_a)).fold(1.0, |ways, at| {
        ways * (repeats - at) as f64 / (at + 1) as f64
    })
}

/// `first` has all of its `true` in front, from where each step moves one of them to the right.
fn all_divisions(first: Vec<bool>) -> Vec<Vec<bool>> {
    let mut all = vec![first];
    while let Some(next) = all.last().and_then(|last| following(last)) {
        all.push(next);
    }
    all
}

/// The rightmost `true` with a `false` after it moves on by one, and those behind it close up.
fn following(division: &[bool]) -> Option<Vec<bool>> {
    let at = division
        .windows(2)
        .rposition(|pair| pair == [true, false])?;
    let behind = division[at + 2..].iter().filter(|in_a| **in_a).count();
    let mut next = division.to_vec();
    next[at] = false;
    next[at + 1] = true;
    for (offset, in_a) in next[at + 2..].iter_mut().enumerate() {
        *in_a = offset < behind;
    }
    Some(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::RngExt;
    use std::collections::BTreeSet;

    fn sample(values: &[f64]) -> Sample {
        Sample {
            values: values.iter().copied().map(Some).collect(),
            least_spread: 0.001,
        }
    }

    #[test]
    fn every_division_comes_once_and_the_real_one_first() {
        for (repeats, of_a, expected) in [(10, 5, 252), (11, 5, 462), (4, 2, 6), (5, 5, 1)] {
            let all = divisions(repeats, of_a);
            assert_eq!(all.len(), expected);
            assert!(all[0][..of_a].iter().all(|in_a| *in_a));
            assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), expected);
            let sizes = all.iter().map(|one| one.iter().filter(|a| **a).count());
            assert!(sizes.into_iter().all(|size| size == of_a));
        }
        assert_eq!(divisions(40, 20).len(), DIVISIONS);
    }

    #[test]
    fn a_clear_difference_has_the_least_p_that_five_and_five_can_give() {
        let clear = sample(&[1.0, 1.1, 0.9, 1.05, 0.95, 2.0, 2.1, 1.9, 2.05, 1.95]);
        let none = sample(&[1.0, 2.0, 1.5, 1.2, 1.8, 1.1, 1.9, 1.4, 1.6, 1.3]);
        let p = adjusted_p(&[none, clear], 5);
        assert_eq!(p[1], 2.0 / 252.0, "the real division and its mirror image");
        assert!(p[0] > 0.3, "{p:?}");
    }

    #[test]
    fn one_outlying_repeat_neither_makes_nor_hides_a_difference() {
        let hidden = sample(&[1.0, 1.01, 0.99, 1.0, 1.02, 1.1, 1.11, 1.09, 1.12, 9.0]);
        assert!(adjusted_p(&[hidden], 5)[0] < 0.02);
        let made = sample(&[1.0, 1.01, 0.99, 1.0, 1.02, 1.0, 1.02, 0.99, 1.01, 9.0]);
        assert!(adjusted_p(&[made], 5)[0] > 0.3);
    }

    #[test]
    fn equal_values_and_missing_ones_are_no_difference() {
        assert_eq!(adjusted_p(&[sample(&[3.0; 10])], 5), [1.0]);
        let mut sparse = sample(&[1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 2.0]);
        sparse.values[6..].fill(None);
        assert_eq!(adjusted_p(&[sparse], 5), [1.0]);
        assert!(adjusted_p(&[], 0).is_empty());
    }

    /// 40 figures that partly move together, some with tails as heavy as Student's with three
    /// degrees of freedom: in at most 5 of 100 pairs any of them may look different.
    #[test]
    fn any_false_finding_is_as_rare_as_promised() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(11);
        let mut normal = move || {
            let (u, v): (f64, f64) = (1.0 - random.random::<f64>(), random.random());
            (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
        };
        let mut found = 0;
        for _ in 0..200 {
            let shared: Vec<f64> = (0..10).map(|_| normal()).collect();
            let mut figure = |heavy: bool| {
                let values = shared.iter().map(|shared| {
                    let tail = (normal().powi(2) + normal().powi(2) + normal().powi(2)) / 3.0;
                    let own = (shared + normal()) / if heavy { tail.sqrt() } else { 1.0 };
                    Some(0.02 * own)
                });
                Sample {
                    values: values.collect(),
                    least_spread: 0.001,
                }
            };
            let samples: Vec<Sample> = (0..40).map(|at| figure(at % 2 == 0)).collect();
            let p = adjusted_p(&samples, 5);
            found += usize::from(p.iter().any(|p| *p <= 0.05));
        }
        assert!(found <= 17, "{found} of 200, where 10 are to be expected");
    }
}
