//! Distributions of several trials added up, bucket by bucket. Percentiles are never averaged.

use crate::results::Distribution;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;

/// Samples that are not negative, and how many others there are.
pub(crate) struct Merged {
    pub(crate) histogram: Histogram<u64>,
    negative: u64,
}

impl Merged {
    pub(crate) fn of<'a>(
        distributions: impl IntoIterator<Item = &'a Distribution>,
    ) -> Option<Self> {
        let parts = distributions.into_iter();
        Self::add_up(parts.map(|part| (part.hdr.as_str(), part.negative)))
    }

    pub(crate) fn of_encoded<'a>(encoded: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        Self::add_up(encoded.into_iter().map(|hdr| (hdr, 0)))
    }

    /// `None` if there is no sample, or none that can be read.
    fn add_up<'a>(parts: impl Iterator<Item = (&'a str, u64)>) -> Option<Self> {
        let mut merged: Option<Self> = None;
        for (hdr, negative) in parts {
            let Some(histogram) = decode(hdr) else {
                continue;
            };
            match &mut merged {
                None => {
                    merged = Some(Self {
                        histogram,
                        negative,
                    })
                }
                Some(sum) => {
                    sum.histogram.auto(true);
                    // Fails only beyond the range, which `auto` widens: then the part is left out.
                    if sum.histogram.add(&histogram).is_ok() {
                        sum.negative += negative;
                    }
                }
            }
        }
        merged.filter(|sum| !sum.histogram.is_empty())
    }

    pub(crate) fn count(&self) -> u64 {
        self.histogram.len() + self.negative
    }

    /// The value that a share `quantile` of all samples does not exceed; `None` where that is a
    /// negative sample, which a logarithmic axis cannot show.
    pub(crate) fn at(&self, quantile: f64) -> Option<u64> {
        let rank = quantile * self.count() as f64 - self.negative as f64;
        if self.negative > 0 && rank <= 0.0 {
            return None;
        }
        let share = rank / self.histogram.len() as f64;
        Some(self.histogram.value_at_quantile(share))
    }

    /// The share at or above which fewer than ten samples lie: beyond it a curve is noise.
    pub(crate) fn last_quantile(&self) -> f64 {
        (1.0 - 10.0 / self.count() as f64).max(0.0)
    }
}

fn decode(hdr: &str) -> Option<Histogram<u64>> {
    let bytes = STANDARD.decode(hdr).ok()?;
    Deserializer::new().deserialize(&mut bytes.as_slice()).ok()
}
