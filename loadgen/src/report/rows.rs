//! A row of the report: one summary row, its trials, and the names it goes by. Every reporter walks
//! these, so that they agree on names and on which figures may be shown.

use super::format::significant;
use crate::results::{
    Capacity, Dimension, Figure, ModelRow, Parameters, Prediction, Results, SummaryRow,
    TimelineRow, Trial,
};
use crate::statistics::has_p999;
use pushlab_server::wire::transport::Transport;
use std::collections::BTreeMap;

pub(super) struct Row<'a> {
    pub(super) summary: &'a SummaryRow,
    /// With their index in `results.trials`.
    pub(super) trials: Vec<(usize, &'a Trial)>,
    pub(super) model: Option<&'a ModelRow>,
    pub(super) predicted: Option<&'a Prediction>,
    /// The scenario's own name if it gave one, with the parameters that tell rows apart.
    pub(super) label: String,
    /// The same in a few letters that every font has: of a long or a foreign name, the transport's title.
    pub(super) chart_label: String,
    /// Which of the rows of its transport this is, from 0.
    pub(super) variant: usize,
}

pub(super) fn rows(results: &Results) -> Vec<Row<'_>> {
    let varying = Varying::over(results.summary.iter().map(|row| &row.parameters));
    let mut seen: BTreeMap<Transport, usize> = BTreeMap::new();
    let mut rows: Vec<Row<'_>> = Vec::new();
    for summary in &results.summary {
        let variant = seen.entry(summary.transport).or_default();
        let parameters = varying.describe(&summary.parameters);
        rows.push(Row {
            summary,
            trials: trials_of(summary, &results.trials),
            model: (results.model.iter())
                .find(|row| row.name == summary.name && row.parameters == summary.parameters),
            predicted: (results.predicted.iter())
                .find(|row| row.name == summary.name && row.parameters == summary.parameters),
            label: format!("{}{parameters}", own_name(&summary.name, summary.transport)),
            chart_label: format!(
                "{}{parameters}",
                plain_name(&summary.name, summary.transport)
            ),
            variant: *variant,
        });
        *variant += 1;
    }
    number_equal_chart_labels(&mut rows);
    rows
}

impl<'a> Row<'a> {
    pub(super) fn figure(&self, name: &str) -> Option<Figure> {
        if name == "latency_p999_us" && !has_p999(self.valid_trials()) {
            return None;
        }
        self.summary.figures.get(name).copied()
    }

    pub(super) fn valid_trials(&self) -> impl Iterator<Item = &'a Trial> {
        self.trials
            .iter()
            .map(|(_, trial)| *trial)
            .filter(|trial| trial.valid)
    }

    /// The timeline's rows of valid repeats, by second from the opening of the window.
    pub(super) fn seconds(&self, results: &'a Results) -> BTreeMap<i64, Vec<&'a TimelineRow>> {
        let mut seconds: BTreeMap<i64, Vec<&TimelineRow>> = BTreeMap::new();
        let is_ours = |index| {
            self.trials
                .iter()
                .any(|(own, trial)| *own == index && trial.valid)
        };
        for row in results.timeline.iter().filter(|row| is_ours(row.trial)) {
            seconds.entry(row.second).or_default().push(row);
        }
        seconds
    }
}

fn trials_of<'a>(summary: &SummaryRow, trials: &'a [Trial]) -> Vec<(usize, &'a Trial)> {
    let is_ours = |trial: &Trial| {
        trial.name == summary.name
            && trial.transport == summary.transport
            && trial.parameters == summary.parameters
    };
    trials
        .iter()
        .enumerate()
        .filter(|(_, trial)| is_ours(trial))
        .collect()
}

fn own_name(name: &str, transport: Transport) -> &str {
    match name == transport.name() {
        true => transport.title(),
        false => name,
    }
}

/// A chart has room for this much.
const PLAIN_NAME: usize = 28;

fn plain_name(name: &str, transport: Transport) -> &str {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match name.len() <= PLAIN_NAME && name.chars().all(fits) {
        true => own_name(name, transport),
        false => transport.title(),
    }
}

/// What searches go by: as rows, but that what was raised tells none from another.
pub(super) fn labels(found: &[Capacity]) -> Vec<String> {
    let fixed: Vec<Parameters> = (found.iter())
        .map(|one| {
            let mut parameters = one.parameters.clone();
            match one.dimension {
                Dimension::Clients => parameters.clients = 0,
                Dimension::Rate => parameters.rate = 0.0,
            }
            parameters
        })
        .collect();
    let varying = Varying::over(fixed.iter());
    (found.iter().zip(&fixed))
        .map(|(one, parameters)| {
            let name = own_name(&one.name, one.transport);
            format!("{name}{}", varying.describe(parameters))
        })
        .collect()
}

/// Rows that only their scenario's name tells apart are numbered.
fn number_equal_chart_labels(rows: &mut [Row<'_>]) {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows.iter() {
        *times.entry(row.chart_label.clone()).or_default() += 1;
    }
    let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
    for row in rows.iter_mut().filter(|row| times[&row.chart_label] > 1) {
        let number = numbers.entry(row.chart_label.clone()).or_default();
        *number += 1;
        row.chart_label = format!("{} #{number}", row.chart_label);
    }
}

/// The parameters that are not the same in every row that has them.
struct Varying(Vec<&'static str>);

impl Varying {
    fn over<'a>(all: impl Iterator<Item = &'a Parameters>) -> Self {
        let mut values: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
        for (name, value) in all.flat_map(named) {
            let known = values.entry(name).or_default();
            if !known.contains(&value) {
                known.push(value);
            }
        }
        let varying = values.into_iter().filter(|(_, values)| values.len() > 1);
        Self(varying.map(|(name, _)| name).collect())
    }

    fn describe(&self, parameters: &Parameters) -> String {
        let named = named(parameters).into_iter();
        let shown: Vec<String> = named
            .filter(|(name, _)| self.0.contains(name))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        match shown.is_empty() {
            true => String::new(),
            false => format!(" ({})", shown.join(", ")),
        }
    }
}

fn named(parameters: &Parameters) -> Vec<(&'static str, String)> {
    let plain = [
        ("clients", parameters.clients.to_string()),
        ("rooms", parameters.rooms.to_string()),
        ("rate", format!("{}/s", significant(parameters.rate))),
        ("payload", format!("{} B", parameters.payload)),
    ];
    let seconds = [
        ("interval", parameters.interval_s),
        ("hold", parameters.hold_s),
        ("rtt", parameters.rtt_s),
    ];
    let seconds = seconds
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, format!("{} s", significant(value)))));
    plain.into_iter().chain(seconds).collect()
}
