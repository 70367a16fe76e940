//! How latency is distributed by the model: its mean, its spread and every quantile.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// From the publishing of an event to its receipt, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Law {
    /// A share comes after exactly `from_s`, all else evenly within the `width_s` after it.
    Spread {
        from_s: f64,
        width_s: f64,
        at_once: f64,
    },
    /// The age of the youngest of Poisson events, asked for every `width_s`: exponential, cut off.
    Youngest {
        from_s: f64,
        width_s: f64,
        rate_per_s: f64,
    },
}

impl Law {
    pub fn exactly(from_s: f64) -> Law {
        Law::Spread {
            from_s,
            width_s: 0.0,
            at_once: 1.0,
        }
    }

    pub fn evenly(from_s: f64, width_s: f64) -> Law {
        Law::Spread {
            from_s,
            width_s,
            at_once: 0.0,
        }
    }

    /// Everything `by_s` later.
    pub fn later(self, by_s: f64) -> Law {
        let mut law = self;
        match &mut law {
            Law::Spread { from_s, .. } | Law::Youngest { from_s, .. } => *from_s += by_s,
        }
        law
    }

    pub fn most_s(self) -> f64 {
        self.quantile_s(1.0)
    }

    pub fn mean_s(self) -> f64 {
        match self {
            Law::Spread {
                from_s,
                width_s,
                at_once,
            } => from_s + (1.0 - at_once) * width_s / 2.0,
            Law::Youngest {
                from_s,
                width_s,
                rate_per_s,
            } => from_s + 1.0 / rate_per_s - cut_off(rate_per_s, width_s),
        }
    }

    /// Standard deviation.
    pub fn deviation_s(self) -> f64 {
        match self {
            Law::Spread {
                width_s, at_once, ..
            } => {
                let later = 1.0 - at_once;
                (later * width_s.powi(2) / 3.0 - (later * width_s / 2.0).powi(2)).sqrt()
            }
            Law::Youngest {
                width_s,
                rate_per_s,
                ..
            } => {
                // E[x²] = 2/λ² − (T² + 2T/λ)·e^(−λT)/(1 − e^(−λT)).
                let tail = cut_off(rate_per_s, width_s);
                let square = 2.0 / rate_per_s.powi(2) - tail * (width_s + 2.0 / rate_per_s);
                (square - (1.0 / rate_per_s - tail).powi(2)).sqrt()
            }
        }
    }

    pub fn quantile_s(self, q: f64) -> f64 {
        match self {
            Law::Spread {
                from_s,
                width_s,
                at_once,
            } if q > at_once => from_s + width_s * (q - at_once) / (1.0 - at_once),
            Law::Spread { from_s, .. } => from_s,
            Law::Youngest {
                from_s,
                width_s,
                rate_per_s,
            } => from_s - (q * (-rate_per_s * width_s).exp_m1()).ln_1p() / rate_per_s,
        }
    }
}

/// T·e^(−λT)/(1 − e^(−λT)).
fn cut_off(rate_per_s: f64, width_s: f64) -> f64 {
    width_s / (rate_per_s * width_s).exp_m1()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAWS: [Law; 3] = [
        Law::Spread {
            from_s: 0.05,
            width_s: 1.0,
            at_once: 0.0,
        },
        Law::Spread {
            from_s: 0.05,
            width_s: 0.1,
            at_once: 0.4,
        },
        Law::Youngest {
            from_s: 0.05,
            width_s: 1.0,
            rate_per_s: 3.0,
        },
    ];

    #[test]
    fn mean_and_deviation_are_those_of_the_quantiles() {
        for law in LAWS {
            let n = 100_000;
            let points = || (0..n).map(|k| law.quantile_s((f64::from(k) + 0.5) / f64::from(n)));
            let mean = points().sum::<f64>() / f64::from(n);
            let square = points().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(n);
            assert!((mean - law.mean_s()).abs() < 1e-6, "{law:?}: {mean}");
            assert!((square.sqrt() - law.deviation_s()).abs() < 1e-5, "{law:?}");
        }
    }

    #[test]
    fn quantiles_begin_at_the_least_and_end_at_the_most() {
        for law in LAWS {
            assert_eq!(law.quantile_s(0.0), 0.05);
            let (Law::Spread { width_s, .. } | Law::Youngest { width_s, .. }) = law;
            assert!((law.most_s() - 0.05 - width_s).abs() < 1e-12);
            assert!((law.later(1.0).quantile_s(0.7) - 1.0 - law.quantile_s(0.7)).abs() < 1e-12);
        }
        assert_eq!(Law::exactly(0.05).quantile_s(0.99), 0.05);
    }
}
