//! Bytes per delivered event, stacked by kind. The scale is linear, for a stack on a logarithmic one
//! says nothing; where the longest bar dwarfs others, a second panel draws these on their own scale.

use super::super::format::significant;
use super::bars::{self, Bar};
use super::palette::{Colour, INK, UNSPLIT, kind_colour};
use super::pen::{LINE, MARGIN, Pen, View};
use super::subject::Subject;
use crate::results::ByKind;
use plotters::prelude::DrawingBackend;
use std::collections::BTreeMap;

/// A bar shorter than the longest by more than this is hard to read beside it.
const DWARFED: f64 = 12.0;

pub(super) fn sized(subjects: &[Subject<'_>], view: View) -> View {
    let all = bars(subjects);
    let small = dwarfed(subjects, &all).len();
    let zoomed = if small > 0 {
        bars::height(small) + MARGIN
    } else {
        0
    };
    let legend_lines = if view.narrow { 4 } else { 2 };
    view.with_content(legend_lines * LINE + bars::height(all.len()) + zoomed)
}

pub(super) fn paint<DB: DrawingBackend>(pen: &Pen<'_, DB>, subjects: &[Subject<'_>], top: i32) {
    let all = bars(subjects);
    if all.is_empty() {
        return pen.nothing(top);
    }
    let top = legend(pen, top, &all);
    let top = bars::panel(pen, top, "Bytes per event", &all);
    let small = dwarfed(subjects, &all);
    if !small.is_empty() {
        bars::panel(
            pen,
            top + MARGIN,
            "The short bars again, on a scale of their own",
            &small,
        );
    }
}

fn bars(subjects: &[Subject<'_>]) -> Vec<Bar> {
    let bars = subjects.iter().filter_map(|subject| {
        let median = subject.row.figure("bytes_per_delivery")?.median;
        Some(Bar {
            label: subject.chart_label().to_string(),
            segments: segments(subject, median),
            value: significant(median),
            whisker: None,
            model: subject.model_of("bytes_per_delivery"),
        })
    });
    bars.collect()
}

fn dwarfed(subjects: &[Subject<'_>], all: &[Bar]) -> Vec<Bar> {
    let longest = all.iter().map(Bar::length).fold(0.0, f64::max);
    let small = |bar: &Bar| bar.length() * DWARFED < longest;
    bars(subjects).into_iter().filter(small).collect()
}

/// The median, parted as the bytes of all valid repeats together are.
fn segments(subject: &Subject<'_>, median: f64) -> Vec<(f64, Colour)> {
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    for trial in subject.row.valid_trials() {
        let weight = trial.window_deliveries as f64;
        for (kind, bytes) in trial.bytes.per_delivery_by_kind.iter().flatten() {
            *sums.entry(kind).or_default() += bytes * weight;
        }
    }
    let total: f64 = sums.values().sum();
    if total <= 0.0 {
        return vec![(median, UNSPLIT)];
    }
    let known = ByKind::default().entries();
    let ordered = known
        .iter()
        .filter_map(|(kind, _)| sums.get_key_value(kind));
    ordered
        .map(|(kind, bytes)| (median * bytes / total, kind_colour(kind)))
        .collect()
}

/// Only the kinds that some bar has, as far as they can be seen.
fn legend<DB: DrawingBackend>(pen: &Pen<'_, DB>, top: i32, bars: &[Bar]) -> i32 {
    const SIGN: i32 = 28;
    let is_drawn = |colour: Colour| {
        let segments = bars.iter().flat_map(|bar| &bar.segments);
        segments
            .into_iter()
            .any(|(value, drawn)| *drawn == colour && *value > 0.0)
    };
    let kinds = ByKind::default()
        .entries()
        .map(|(kind, _)| (kind, kind_colour(kind)));
    let kinds: Vec<(&str, Colour)> = kinds.into_iter().filter(|(_, c)| is_drawn(*c)).collect();
    let modelled = bars.iter().any(|bar| bar.model.is_some());
    let entries: Vec<(String, i32)> = kinds
        .iter()
        .map(|(kind, _)| kind.replace('_', " "))
        .chain(modelled.then(|| "model".to_owned()))
        .map(|label| (label, SIGN))
        .collect();
    pen.legend(top, &entries, |index, (x, y)| match kinds.get(index) {
        Some((_, colour)) => pen.rectangle((x, y - 13), (x + SIGN, y + 13), *colour),
        None => {
            let middle = x + SIGN / 2;
            pen.dashed(&[(middle, y - 15), (middle, y + 15)], INK, 3, 4.0);
        }
    })
}
