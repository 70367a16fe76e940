//! Two runs side by side: figure by figure the medians over repeats, their ratio, and whether the
//! difference is more than chance. Results in, comparison out; it reads no file and draws nothing,
//! and whether the runs may be compared at all is `differences`' to say.

mod permutation;
mod differences;
mod kinds;

pub use differences::{Difference, differences, of_environments, of_scenarios};
pub use kinds::FigureKind;

use crate::results::{FIGURES, Figure, Parameters, Results, SummaryRow, Trial, Unit};
use crate::statistics::{self, LEAST_REPEATS, has_p999};
use kinds::Count;
use permutation::Sample;
use pushlab_server::wire::transport::Transport;
use serde::Serialize;
use std::collections::BTreeSet;

/// Chance of any false finding among all figures of two runs that are alike.
const SIGNIFICANCE: f64 = 0.05;

/// Change of a median, as a share, that is never a finding, unless told otherwise.
pub const NOISE_THRESHOLD: f64 = 0.01;

#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// Change that is never a finding, as a share of A's median.
    pub noise_threshold: f64,
    /// Figures that were tested, which the p values are corrected for.
    pub tested: usize,
    /// Rows that both runs have, in the order of A.
    pub rows: Vec<RowComparison>,
    /// Rows of one run alone, as `name, N clients`; only where a comparison was forced.
    pub only_in_a: Vec<String>,
    pub only_in_b: Vec<String>,
}

/// One transport under one set of parameters.
#[derive(Clone, Debug, Serialize)]
pub struct RowComparison {
    pub name: String,
    pub transport: Transport,
    pub parameters: Parameters,
    pub valid_repeats_a: usize,
    pub valid_repeats_b: usize,
    pub figures: Vec<FigureComparison>,
}

#[derive(Clone, Debug, Serialize)]
pub struct FigureComparison {
    pub figure: String,
    /// Medians over valid repeats; of a count, the share of due deliveries over all of them.
    pub a: Option<f64>,
    pub b: Option<f64>,
    /// B over A with its 95 % interval (bootstrap over repeats); absent where a value is not above 0
    /// or the repeats are too few.
    pub ratio: Option<Figure>,
    /// Corrected for the number of figures; absent where nothing was tested.
    pub p: Option<f64>,
    pub finding: Finding,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    Better,
    Worse,
    NoDifference,
    /// Fewer than five valid repeats on a side.
    TooFewRepeats,
    /// A p99.9 of fewer than 10,000 samples.
    TooFewSamples,
    OnlyInA,
    OnlyInB,
}

impl Comparison {
    /// What `--fail-on-regression` fails on.
    pub fn regressed(&self) -> bool {
        self.found(Finding::Worse) > 0
    }

    /// How many figures of all rows came out as `finding`.
    pub fn found(&self, finding: Finding) -> usize {
        let figures = self.rows.iter().flat_map(|row| &row.figures);
        figures.filter(|figure| figure.finding == finding).count()
    }
}

impl FigureComparison {
    pub fn unit(&self) -> Unit {
        FigureKind::of(&self.figure).unit
    }

    /// What a person calls the figure.
    pub fn label(&self) -> String {
        FigureKind::of(&self.figure).label()
    }

    /// The finding in words that fit the figure.
    pub fn verdict(&self) -> &'static str {
        let kind = FigureKind::of(&self.figure);
        match self.finding {
            Finding::Better => kind.better(),
            Finding::Worse => kind.worse(),
            Finding::NoDifference => "no difference seen",
            Finding::TooFewRepeats => "too few repeats",
            Finding::TooFewSamples => "too few samples",
            Finding::OnlyInA => "only in A",
            Finding::OnlyInB => "only in B",
        }
    }
}

/// Rows are matched by name and parameters.
pub fn compare(a: &Results, b: &Results, noise_threshold: f64) -> Comparison {
    let matched: Vec<Matched<'_>> = (a.summary.iter())
        .filter_map(|row| Some(Matched::new(row, partner(row, &b.summary)?, a, b)))
        .collect();
    let mut readings: Vec<Vec<Reading>> = (matched.iter())
        .map(|row| row.readings(noise_threshold))
        .collect();
    let tested = judge(&mut readings, repeats(a).len(), noise_threshold);
    let only_in = |rows: &[SummaryRow], others: &[SummaryRow]| {
        let alone = rows.iter().filter(|row| partner(row, others).is_none());
        alone.map(named).collect()
    };
    Comparison {
        noise_threshold,
        tested,
        rows: (matched.iter().zip(readings))
            .map(|(row, readings)| row.compared(readings))
            .collect(),
        only_in_a: only_in(&a.summary, &b.summary),
        only_in_b: only_in(&b.summary, &a.summary),
    }
}

fn partner<'a>(row: &SummaryRow, rows: &'a [SummaryRow]) -> Option<&'a SummaryRow> {
    rows.iter()
        .find(|other| other.name == row.name && other.parameters == row.parameters)
}

fn named(row: &SummaryRow) -> String {
    format!("{}, {} clients", row.name, row.parameters.clients)
}

fn repeats(results: &Results) -> BTreeSet<u32> {
    results.trials.iter().map(|trial| trial.repeat).collect()
}

/// The valid trials of one row in both runs, a place for each repeat of the run.
struct Matched<'a> {
    row: &'a SummaryRow,
    a: Vec<Option<&'a Trial>>,
    b: Vec<Option<&'a Trial>>,
}

/// One figure of one row, and what came of it so far.
struct Reading {
    figure: String,
    a: Vec<f64>,
    b: Vec<f64>,
    shown: (Option<f64>, Option<f64>),
    /// Taken where the figure can be tested.
    sample: Option<Sample>,
    p: Option<f64>,
    finding: Finding,
}

impl<'a> Matched<'a> {
    fn new(row: &'a SummaryRow, other: &'a SummaryRow, a: &'a Results, b: &'a Results) -> Self {
        let trials = |results: &'a Results, row: &SummaryRow| {
            let ours = |trial: &&Trial| {
                trial.valid && trial.name == row.name && trial.parameters == row.parameters
            };
            let valid: Vec<&Trial> = results.trials.iter().filter(ours).collect();
            let of = |repeat: u32| valid.iter().copied().find(|trial| trial.repeat == repeat);
            repeats(results).into_iter().map(of).collect()
        };
        Matched {
            row,
            a: trials(a, row),
            b: trials(b, other),
        }
    }

    /// Figures that neither run has are left out.
    fn readings(&self, noise_threshold: f64) -> Vec<Reading> {
        let figures = FIGURES.iter().filter_map(|name| {
            let of = |trial: &Trial| statistics::value(trial, name);
            self.reading(name, of, noise_threshold)
        });
        let counts = Count::ALL.iter().filter_map(|count| {
            let mut reading =
                self.reading(count.figure(), |trial| count.share(trial), noise_threshold)?;
            reading.shown = (count.of_all(&self.a), count.of_all(&self.b));
            // A promise that held in every repeat of A is broken by one delivery.
            if count.is_promise() && reading.shown.0 == Some(0.0) && reading.shown.1 > Some(0.0) {
                reading.finding = Finding::Worse;
                reading.sample = None;
            }
            Some(reading)
        });
        figures.chain(counts).collect()
    }

    fn reading(
        &self,
        figure: &str,
        of: impl Fn(&Trial) -> Option<f64>,
        noise_threshold: f64,
    ) -> Option<Reading> {
        let read = |side: &[Option<&Trial>]| -> Vec<Option<f64>> {
            side.iter().map(|trial| trial.and_then(&of)).collect()
        };
        let (of_a, of_b) = (read(&self.a), read(&self.b));
        let a: Vec<f64> = of_a.iter().copied().flatten().collect();
        let b: Vec<f64> = of_b.iter().copied().flatten().collect();
        let finding = match (a.len(), b.len()) {
            (0, 0) => return None,
            (_, 0) => Finding::OnlyInA,
            (0, _) => Finding::OnlyInB,
            _ if figure == "latency_p999_us" && !self.has_p999() => Finding::TooFewSamples,
            (a, b) if a.min(b) < LEAST_REPEATS => Finding::TooFewRepeats,
            _ => Finding::NoDifference,
        };
        let testable = finding == Finding::NoDifference;
        let tick = FigureKind::of(figure).tick;
        Some(Reading {
            figure: figure.to_owned(),
            shown: (statistics::median(&a), statistics::median(&b)),
            sample: testable.then(|| sample([of_a, of_b].concat(), noise_threshold, tick)),
            a,
            b,
            p: None,
            finding,
        })
    }

    fn has_p999(&self) -> bool {
        let each = |side: &[Option<&'a Trial>]| has_p999(side.iter().copied().flatten());
        each(&self.a) && each(&self.b)
    }

    fn compared(&self, readings: Vec<Reading>) -> RowComparison {
        let valid = |side: &[Option<&Trial>]| side.iter().flatten().count();
        RowComparison {
            name: self.row.name.clone(),
            transport: self.row.transport,
            parameters: self.row.parameters.clone(),
            valid_repeats_a: valid(&self.a),
            valid_repeats_b: valid(&self.b),
            figures: readings.into_iter().map(Reading::compared).collect(),
        }
    }
}

/// On the scale of logarithms where that can be, for noise multiplies. A tenth of the noise
/// threshold and the step of rounding are no spread to build a finding on.
fn sample(values: Vec<Option<f64>>, noise_threshold: f64, tick: f64) -> Sample {
    let known: Vec<f64> = values.iter().copied().flatten().collect();
    let middle = statistics::median(&known).unwrap_or_default().abs();
    // The standard deviation of what rounding to whole ticks hides is 1/√12 of one.
    let least = 0.1 * noise_threshold * middle + tick / 12f64.sqrt();
    if known.iter().all(|value| *value > 0.0) {
        return Sample {
            values: values.iter().map(|value| value.map(f64::ln)).collect(),
            least_spread: least / middle,
        };
    }
    Sample {
        values,
        least_spread: least,
    }
}

/// Tests all that can be tested as one family, and says how many that were.
fn judge(rows: &mut [Vec<Reading>], repeats_of_a: usize, noise_threshold: f64) -> usize {
    let mut readings: Vec<&mut Reading> = (rows.iter_mut().flatten())
        .filter(|reading| reading.sample.is_some())
        .collect();
    let samples: Vec<Sample> = (readings.iter_mut())
        .filter_map(|reading| reading.sample.take())
        .collect();
    let adjusted = permutation::adjusted_p(&samples, repeats_of_a);
    for (reading, p) in readings.iter_mut().zip(adjusted) {
        reading.judge(p, noise_threshold);
    }
    readings.len()
}

impl Reading {
    fn judge(&mut self, p: f64, noise_threshold: f64) {
        self.p = Some(p);
        let (Some(a), Some(b)) = (statistics::median(&self.a), statistics::median(&self.b)) else {
            return;
        };
        let kind = FigureKind::of(&self.figure);
        let counts = (b - a).abs() > (noise_threshold * a.abs()).max(kind.tick);
        if counts && p <= SIGNIFICANCE {
            self.finding = match (b > a) == kind.more_is_better {
                true => Finding::Better,
                false => Finding::Worse,
            };
        }
    }

    fn compared(self) -> FigureComparison {
        let enough = self.a.len().min(self.b.len()) >= LEAST_REPEATS;
        FigureComparison {
            // Resampling is drawn alike each time: two files always compare alike.
            ratio: enough
                .then(|| statistics::ratio(&self.a, &self.b, 1))
                .flatten(),
            figure: self.figure,
            a: self.shown.0,
            b: self.shown.1,
            p: self.p,
            finding: self.finding,
        }
    }
}

#[cfg(test)]
mod tests;
