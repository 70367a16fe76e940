//! What kind of figure a name stands for: its unit, its words, which direction is better, and the
//! step it is rounded to. New figures follow by how they are named.

use crate::results::{Trial, Unit};

pub struct FigureKind<'a> {
    name: &'a str,
    pub unit: Unit,
    pub(super) more_is_better: bool,
    /// Differences up to this are rounding: latencies are whole microseconds.
    pub(super) tick: f64,
}

impl<'a> FigureKind<'a> {
    pub fn of(name: &'a str) -> Self {
        let unit = Unit::of(name);
        FigureKind {
            name,
            unit,
            // Everything else is waiting, a cost or a fault.
            more_is_better: matches!(name, "deliveries_per_s" | "delivered_share"),
            tick: if unit == Unit::Us { 1.0 } else { 0.0 },
        }
    }

    pub(super) fn better(&self) -> &'static str {
        match (self.unit, self.more_is_better) {
            (Unit::Us, _) => "faster",
            (_, true) => "more",
            (_, false) => "less",
        }
    }

    pub(super) fn worse(&self) -> &'static str {
        match (self.unit, self.more_is_better) {
            (Unit::Us, _) => "slower",
            (_, true) => "less",
            (_, false) => "more",
        }
    }

    /// `latency_p999_us` is the `latency p99.9`.
    pub fn label(&self) -> String {
        let bare = self.name.trim_end_matches("_us").trim_end_matches("_share");
        let words = bare
            .replace("p999", "p99.9")
            .replace("cpu_s", "CPU s")
            .replace("rss", "RSS")
            .replace("_per_s", " per s");
        words.replace('_', " ")
    }
}

/// What went wrong, as a share of the deliveries that were due: repeats of different length can then
/// be compared.
#[derive(Clone, Copy)]
pub(super) enum Count {
    Lost,
    Duplicated,
    OutOfOrder,
    Missed,
    Errors,
}

impl Count {
    pub(super) const ALL: [Count; 5] = [
        Count::Lost,
        Count::Duplicated,
        Count::OutOfOrder,
        Count::Missed,
        Count::Errors,
    ];

    pub(super) fn figure(self) -> &'static str {
        match self {
            Count::Lost => "lost_share",
            Count::Duplicated => "duplicated_share",
            Count::OutOfOrder => "out_of_order_share",
            Count::Missed => "missed_share",
            Count::Errors => "errors_share",
        }
    }

    /// Every event once and in order is what a transport promises; that it was told of a gap or met
    /// an error on the way to that is not.
    pub(super) fn is_promise(self) -> bool {
        match self {
            Count::Lost | Count::Duplicated | Count::OutOfOrder => true,
            Count::Missed | Count::Errors => false,
        }
    }

    pub(super) fn share(self, trial: &Trial) -> Option<f64> {
        (trial.expected > 0).then(|| self.events(trial) as f64 / trial.expected as f64)
    }

    /// Over all trials together, for one fault in one repeat has a median of 0.
    pub(super) fn of_all(self, trials: &[Option<&Trial>]) -> Option<f64> {
        let known = || trials.iter().copied().flatten();
        let due: u64 = known().map(|trial| trial.expected).sum();
        let events: u64 = known().map(|trial| self.events(trial)).sum();
        (due > 0).then(|| events as f64 / due as f64)
    }

    fn events(self, trial: &Trial) -> u64 {
        match self {
            Count::Lost => trial.lost,
            Count::Duplicated => trial.duplicated,
            Count::OutOfOrder => trial.out_of_order,
            Count::Missed => trial.missed,
            Count::Errors => trial.errors.values().sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_unit_words_and_direction() {
        let cases = [
            ("latency_p999_us", "latency p99.9", Unit::Us, "slower"),
            (
                "server_cpu_s_per_million",
                "server CPU s per million",
                Unit::S,
                "more",
            ),
            (
                "server_rss_per_connection",
                "server RSS per connection",
                Unit::Bytes,
                "more",
            ),
            ("deliveries_per_s", "deliveries per s", Unit::PerS, "less"),
            (
                "bandwidth_mean_bytes_per_s",
                "bandwidth mean bytes per s",
                Unit::BytesPerS,
                "more",
            ),
            ("lost_share", "lost", Unit::Share, "more"),
        ];
        for (name, label, unit, worse) in cases {
            let kind = FigureKind::of(name);
            let found = (kind.label(), kind.unit, kind.worse());
            assert_eq!(found, (label.to_owned(), unit, worse), "{name}");
        }
        assert_eq!(FigureKind::of("delivered_share").better(), "more");
    }
}
