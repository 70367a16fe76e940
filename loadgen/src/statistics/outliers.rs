//! Repeats that stand apart from the others of their row: named and kept, never dropped. A median
//! bears one of five; that there was one is worth knowing all the same.

use super::median;
use crate::results::Outlier;

/// Modified z-score beyond which a value stands apart (Iglewicz and Hoaglin, "How to detect and
/// handle outliers", 1993). Their 3.5 is for long samples: of five normal values it would name one
/// in every fifth sample; 10, which hyperfine takes too, does so in 3 %.
const LIMIT: f64 = 10.0;

/// Of the median: what departs by less changes no conclusion, however still the others were.
const LEAST_DEPARTURE: f64 = 0.1;

/// Microseconds that are nothing to speak of: a wake of the scheduler more or less.
const LEAST_DEPARTURE_US: f64 = 100.0;

/// Turns the median of absolute deviations of normal values into a standard deviation.
const NORMAL: f64 = 0.6745;

/// `values` of one figure with the repeat that each is of; fewer than five say nothing.
pub(super) fn outliers(figure: &str, values: &[(u32, f64)]) -> Vec<Outlier> {
    let plain: Vec<f64> = values.iter().map(|(_, value)| *value).collect();
    let (Some(middle), true) = (median(&plain), plain.len() >= super::LEAST_REPEATS) else {
        return Vec::new();
    };
    let departures: Vec<f64> = plain.iter().map(|value| (value - middle).abs()).collect();
    let spread = median(&departures).unwrap_or_default();
    let nothing = match figure.ends_with("_us") {
        true => LEAST_DEPARTURE_US,
        false => 0.0,
    };
    let least = nothing.max(LEAST_DEPARTURE * middle.abs());
    let apart = |departure: f64| departure > least && NORMAL * departure > LIMIT * spread;
    (values.iter().zip(departures))
        .filter(|(_, departure)| apart(*departure))
        .map(|((repeat, value), _)| Outlier {
            repeat: *repeat,
            figure: figure.to_owned(),
            value: *value,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(values: &[f64]) -> Vec<u32> {
        let numbered: Vec<(u32, f64)> = (1..).zip(values.iter().copied()).collect();
        let found = outliers("server_cpu_s_per_million", &numbered);
        found.iter().map(|outlier| outlier.repeat).collect()
    }

    #[test]
    fn a_repeat_far_from_the_others_is_named() {
        assert_eq!(named(&[100.0, 101.0, 250.0, 99.0, 100.5]), [3]);
        assert_eq!(named(&[0.0, 0.0, 0.0, 0.0, 7.0]), [5]);
        assert_eq!(named(&[500.0, 501.0, 2.0, 499.0, 502.0, 900.0]), [3, 6]);
    }

    #[test]
    fn what_is_near_or_noisy_or_short_is_not() {
        let unnamed: [&[f64]; 4] = [
            &[100.0, 100.0, 100.0, 100.0, 101.0],
            &[60.0, 80.0, 100.0, 130.0, 190.0],
            &[100.0, 101.0, 900.0, 100.0],
            &[],
        ];
        for values in unnamed {
            assert!(named(values).is_empty(), "{values:?}");
        }
    }

    #[test]
    fn a_few_microseconds_are_nothing() {
        let of = |last| {
            let values = [5.0, 5.0, 6.0, 5.0, last];
            let numbered: Vec<(u32, f64)> = (1..).zip(values).collect();
            outliers("latency_p50_us", &numbered).len()
        };
        assert_eq!((of(12.0), of(120.0)), (0, 1));
    }
}
