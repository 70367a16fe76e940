//! What can be expected of a transport: its figures by name, their units, and how one is taken from
//! trials: the median over valid ones, a sum for counts. Nothing is estimated: a figure that no
//! trial has is absent, with the reason.

use crate::results::{Distribution, FIGURES, Trial, Unit};
use crate::statistics::{self, SAMPLES_FOR_P999};
use std::fmt;
use strum::{Display, EnumIter, EnumString, IntoEnumIterator};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Figure {
    /// `latency.p99`
    Timing(Timing, Point),
    /// `lost`: a sum over valid trials
    Count(Tally),
    /// `lost_share`: of the deliveries that were due
    Share(Tally),
    /// Any other of [`FIGURES`]
    Named(&'static str),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumIter, EnumString)]
#[strum(serialize_all = "snake_case")]
pub(super) enum Timing {
    Latency,
    Uncorrected,
    PublishLag,
    PublishAck,
    Connect,
    Recovery,
}

/// k6's names are read too: `p(99)`, `p(99.9)`, `med`, `avg`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumIter, EnumString)]
pub(super) enum Point {
    #[strum(to_string = "min", serialize = "p(0)")]
    Min,
    #[strum(to_string = "mean", serialize = "avg")]
    Mean,
    #[strum(to_string = "p50", serialize = "p(50)", serialize = "med")]
    P50,
    #[strum(to_string = "p75", serialize = "p(75)")]
    P75,
    #[strum(to_string = "p90", serialize = "p(90)")]
    P90,
    #[strum(to_string = "p95", serialize = "p(95)")]
    P95,
    #[strum(to_string = "p99", serialize = "p(99)")]
    P99,
    #[strum(to_string = "p999", serialize = "p(99.9)", serialize = "p99.9")]
    P999,
    #[strum(to_string = "max", serialize = "p(100)")]
    Max,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, EnumIter, EnumString)]
#[strum(serialize_all = "snake_case")]
pub(super) enum Tally {
    Published,
    Expected,
    Delivered,
    Lost,
    Duplicated,
    Repeated,
    OutOfOrder,
    Missed,
    Errors,
    Reconnects,
    Away,
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Figure::Timing(timing, point) => write!(f, "{timing}.{point}"),
            Figure::Count(tally) => write!(f, "{tally}"),
            Figure::Share(tally) => write!(f, "{tally}_share"),
            Figure::Named(name) => f.write_str(name),
        }
    }
}

/// A figure as a scenario named it, and what a number without a unit means beside it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct NamedFigure {
    pub(super) figure: Figure,
    /// In the figure's own unit.
    pub(super) bare: f64,
}

impl NamedFigure {
    /// `latency.p99` (bare numbers are milliseconds), `lost`, `lost_share`, and the very names of
    /// `results.json`, where `latency_p99_us` says its unit itself; dots stand for underscores.
    pub(super) fn parse(name: &str) -> Option<NamedFigure> {
        let figure = |figure| Some(NamedFigure { figure, bare: 1.0 });
        if let Some((timing, point)) = name.split_once('.')
            && let (Ok(timing), Ok(point)) = (timing.parse(), point.parse())
        {
            return Some(NamedFigure {
                figure: Figure::Timing(timing, point),
                bare: 1000.0,
            });
        }
        if let Ok(tally) = name.parse() {
            return figure(Figure::Count(tally));
        }
        if let Some(Ok(tally)) = name.strip_suffix("_share").map(str::parse) {
            return figure(Figure::Share(tally));
        }
        let underscored = name.replace('.', "_");
        let name = FIGURES.into_iter().find(|known| *known == underscored)?;
        figure(timing_in(name).unwrap_or(Figure::Named(name)))
    }
}

/// `latency_p99_us` → the p99 of latency.
fn timing_in(name: &str) -> Option<Figure> {
    let (timing, point) = name.strip_suffix("_us")?.rsplit_once('_')?;
    Some(Figure::Timing(timing.parse().ok()?, point.parse().ok()?))
}

impl Figure {
    /// Every name that `parse` reads, for remedies.
    pub(super) fn names() -> Vec<String> {
        let timings = Timing::iter().flat_map(|timing| {
            Point::iter().map(move |point| Figure::Timing(timing, point).to_string())
        });
        let tallies = Tally::iter().flat_map(|tally| [Figure::Count(tally), Figure::Share(tally)]);
        timings
            .chain(tallies.map(|figure| figure.to_string()))
            .chain(FIGURES.map(str::to_owned))
            .collect()
    }

    pub(super) fn unit(self) -> Unit {
        match self {
            Figure::Timing(..) => Unit::Us,
            Figure::Count(_) => Unit::Count,
            Figure::Share(_) => Unit::Share,
            Figure::Named(name) => Unit::of(name),
        }
    }

    /// Over the valid ones of `trials`; otherwise why there is none.
    pub(super) fn of(self, trials: &[&Trial]) -> Result<f64, String> {
        let valid: Vec<&Trial> = (trials.iter().copied())
            .filter(|trial| trial.valid)
            .collect();
        if valid.is_empty() {
            return Err("no valid trial".to_owned());
        }
        let sum = |tally: Tally| valid.iter().map(|trial| tally.of(trial)).sum::<u64>() as f64;
        match self {
            Figure::Timing(timing, Point::P999) if !enough(&valid, timing) => Err(format!(
                "{self} needs {SAMPLES_FOR_P999} samples in each trial"
            )),
            Figure::Timing(timing, point) => self.median(&valid, |t| point.of(timing.of(t))),
            Figure::Count(tally) => Ok(sum(tally)),
            Figure::Share(tally) => match sum(Tally::Expected) {
                0.0 => Err("no delivery was due".to_owned()),
                due => Ok(sum(tally) / due),
            },
            Figure::Named(name) => self.median(&valid, |trial| statistics::value(trial, name)),
        }
    }

    fn median(
        self,
        trials: &[&Trial],
        value: impl Fn(&Trial) -> Option<f64>,
    ) -> Result<f64, String> {
        let values: Vec<f64> = trials.iter().filter_map(|trial| value(trial)).collect();
        match (statistics::median(&values), trials.len() - values.len()) {
            (Some(median), 0) => Ok(median),
            (None, _) => Err(format!("{self} could not be measured")),
            (Some(_), without) => Err(format!(
                "{self} could not be measured in {without} of {} trials",
                trials.len()
            )),
        }
    }
}

fn enough(trials: &[&Trial], timing: Timing) -> bool {
    (trials.iter()).all(|trial| timing.of(trial).count >= SAMPLES_FOR_P999)
}

impl Timing {
    fn of(self, trial: &Trial) -> &Distribution {
        let latencies = &trial.latency_us;
        match self {
            Timing::Latency => &latencies.delivery,
            Timing::Uncorrected => &latencies.uncorrected,
            Timing::PublishLag => &latencies.publish_lag,
            Timing::PublishAck => &latencies.publish_ack,
            Timing::Connect => &latencies.connect,
            Timing::Recovery => &latencies.recovery,
        }
    }
}

impl Point {
    fn of(self, distribution: &Distribution) -> Option<f64> {
        let whole = match self {
            Point::Mean => return distribution.mean,
            Point::Min => distribution.min,
            Point::P50 => distribution.p50,
            Point::P75 => distribution.p75,
            Point::P90 => distribution.p90,
            Point::P95 => distribution.p95,
            Point::P99 => distribution.p99,
            Point::P999 => distribution.p999,
            Point::Max => distribution.max,
        };
        whole.map(|value| value as f64)
    }
}

impl Tally {
    fn of(self, trial: &Trial) -> u64 {
        match self {
            Tally::Published => trial.published,
            Tally::Expected => trial.expected,
            Tally::Delivered => trial.delivered,
            Tally::Lost => trial.lost,
            Tally::Duplicated => trial.duplicated,
            Tally::Repeated => trial.repeated,
            Tally::OutOfOrder => trial.out_of_order,
            Tally::Missed => trial.missed,
            Tally::Errors => trial.errors.values().sum(),
            Tally::Reconnects => trial.reconnects,
            Tally::Away => trial.away,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_go_by_several_names() {
        let timing = |timing, point, bare| {
            let figure = Figure::Timing(timing, point);
            Some(NamedFigure { figure, bare })
        };
        let plain = |figure| Some(NamedFigure { figure, bare: 1.0 });
        let cases = [
            ("latency.p99", timing(Timing::Latency, Point::P99, 1000.0)),
            ("latency_p99_us", timing(Timing::Latency, Point::P99, 1.0)),
            ("latency.p999", timing(Timing::Latency, Point::P999, 1000.0)),
            (
                "publish_lag.min",
                timing(Timing::PublishLag, Point::Min, 1000.0),
            ),
            (
                "publish_ack_p50_us",
                timing(Timing::PublishAck, Point::P50, 1.0),
            ),
            ("lost", plain(Figure::Count(Tally::Lost))),
            ("delivered_share", plain(Figure::Share(Tally::Delivered))),
            ("empty_share", plain(Figure::Named("empty_share"))),
            (
                "server.cpu_s_per_million",
                plain(Figure::Named("server_cpu_s_per_million")),
            ),
            ("latency", None),
            ("latency.p42", None),
            ("lost.p99", None),
            ("", None),
        ];
        for (name, figure) in cases {
            assert_eq!(NamedFigure::parse(name), figure, "{name}");
        }
    }

    #[test]
    fn every_figure_is_read_by_its_name_and_has_a_unit() {
        for name in Figure::names() {
            assert!(NamedFigure::parse(&name).is_some(), "{name}");
        }
        let units = |unit| {
            let has = |name: &&str| NamedFigure::parse(name).unwrap().figure.unit() == unit;
            FIGURES.into_iter().filter(has).collect::<Vec<_>>()
        };
        assert_eq!(units(Unit::Share), ["delivered_share", "empty_share"]);
        assert_eq!(
            units(Unit::Ratio),
            [
                "requests_per_delivery",
                "connects_per_request",
                "server_threads",
                "server_context_switches_per_delivery"
            ]
        );
        assert_eq!(units(Unit::PerS), ["deliveries_per_s"]);
        assert_eq!(units(Unit::BytesPerS), ["bandwidth_mean_bytes_per_s"]);
        assert_eq!(
            units(Unit::S),
            ["server_cpu_s_per_million", "generator_cpu_s_per_million"]
        );
    }
}
