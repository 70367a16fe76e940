//! How the bytes of one client's second are spread: a strip per row over one logarithmic axis, with
//! the silent seconds in a bin of their own at its left.

use super::palette::{GRID, INK, MUTED};
use super::pen::{Align, LINE, MARGIN, Pen, View};
use super::plot::{Axis, plain};
use super::subject::Subject;
use crate::merged::Merged;
use plotters::prelude::DrawingBackend;

const STRIP: i32 = 70;
const ROW: i32 = LINE + STRIP + 14;
const AXIS: i32 = 2 * LINE + 16;
const BINS_PER_DECADE: f64 = 10.0;

pub(super) fn sized(subjects: &[Subject<'_>], view: View) -> View {
    let strips = subjects
        .iter()
        .filter(|subject| subject.bandwidth.is_some())
        .count();
    view.with_content(ROW * i32::try_from(strips.max(1)).unwrap_or(1) + AXIS)
}

pub(super) fn paint<DB: DrawingBackend>(pen: &Pen<'_, DB>, subjects: &[Subject<'_>], top: i32) {
    let strips: Vec<(&Subject<'_>, &Merged)> = subjects
        .iter()
        .filter_map(|subject| subject.bandwidth.as_ref().map(|merged| (subject, merged)))
        .collect();
    if strips.is_empty() {
        return pen.nothing(top);
    }
    let across = Across::over(pen, strips.iter().map(|(_, merged)| *merged));
    let mut y = top;
    for (subject, merged) in &strips {
        strip(pen, y, &across, subject, merged);
        y += ROW;
    }
    axis(pen, y, &across);
}

/// Pixels of the axis: the bin of 0, then the logarithmic part.
struct Across {
    axis: Axis,
    left: i32,
    right: i32,
}

impl Across {
    fn over<'m, DB: DrawingBackend>(
        pen: &Pen<'_, DB>,
        all: impl Iterator<Item = &'m Merged>,
    ) -> Self {
        let ends = all.flat_map(|merged| {
            let used = merged
                .histogram
                .iter_recorded()
                .map(|step| step.value_iterated_to());
            let used: Vec<u64> = used.filter(|bytes| *bytes > 0).collect();
            [used.first().copied(), used.last().copied()]
        });
        let ends = ends.flatten().map(|bytes| bytes as f64);
        Self {
            axis: Axis::logarithmic(ends, "Bytes per second and client (log scale)"),
            left: MARGIN + 110,
            right: pen.view.width - 50,
        }
    }

    fn x(&self, log: f64) -> i32 {
        let range = &self.axis.range;
        let share = ((log - range.start) / (range.end - range.start)).clamp(0.0, 1.0);
        self.left + (share * f64::from(self.right - self.left)).round() as i32
    }

    fn silent(&self) -> (i32, i32) {
        (MARGIN, MARGIN + 44)
    }
}

/// Shares of all seconds: of the silent ones, and by bin of a logarithmic scale.
fn shares(merged: &Merged) -> (f64, Vec<(i64, f64)>) {
    let all = merged.count() as f64;
    let mut silent = 0.0;
    let mut bins: Vec<(i64, f64)> = Vec::new();
    for step in merged.histogram.iter_recorded() {
        let share = step.count_at_value() as f64 / all;
        if step.value_iterated_to() == 0 {
            silent += share;
            continue;
        }
        let bin = ((step.value_iterated_to() as f64).log10() * BINS_PER_DECADE).floor() as i64;
        match bins.last_mut() {
            Some((last, sum)) if *last == bin => *sum += share,
            _ => bins.push((bin, share)),
        }
    }
    (silent, bins)
}

fn strip<DB: DrawingBackend>(
    pen: &Pen<'_, DB>,
    top: i32,
    across: &Across,
    subject: &Subject<'_>,
    merged: &Merged,
) {
    let (silent, bins) = shares(merged);
    let tallest = bins.iter().map(|(_, share)| *share).fold(silent, f64::max);
    let base = top + LINE + STRIP;
    let height = |share: f64| (share / tallest * f64::from(STRIP)).round() as i32;
    let median = merged.at(0.5).map_or(0.0, |bytes| bytes as f64);
    let label = match pen.view.narrow {
        true => format!("{}: median {}", subject.chart_label(), plain(median)),
        false => format!(
            "{}: median {} bytes per second",
            subject.chart_label(),
            plain(median)
        ),
    };
    pen.text(&label, (MARGIN, top + LINE / 2), Align::Left, INK);
    let (silent_from, silent_to) = across.silent();
    pen.line(vec![(silent_from, base), (silent_to, base)], MUTED, 2);
    pen.line(vec![(across.left, base), (across.right, base)], MUTED, 2);
    if silent > 0.0 {
        let corner = (silent_from, base - height(silent));
        pen.rectangle(corner, (silent_to, base), subject.colour());
    }
    for (bin, share) in bins {
        let from = across.x(bin as f64 / BINS_PER_DECADE);
        let to = across.x((bin + 1) as f64 / BINS_PER_DECADE).max(from + 4);
        let right = (to - 2).min(across.right);
        pen.rectangle(
            (from.min(right - 2), base - height(share)),
            (right, base),
            subject.colour(),
        );
    }
    // Publishing aside: the model is of what a client reads.
    let model = (subject.row.predicted).and_then(|predicted| predicted.bytes_per_s);
    let clients = subject.row.summary.parameters.clients.max(1);
    if let Some(bytes_per_s) = model.map(|all| all / clients as f64) {
        let x = across.x(bytes_per_s.max(1.0).log10());
        pen.dashed(&[(x, base - STRIP), (x, base + 6)], INK, 3, 4.0);
    }
}

fn axis<DB: DrawingBackend>(pen: &Pen<'_, DB>, bottom: i32, across: &Across) {
    let (from, to) = across.silent();
    let labels = bottom + LINE / 2 - 6;
    pen.text("0", ((from + to) / 2, labels), Align::Centre, MUTED);
    let mut free_from = i32::MIN;
    for (log, label) in &across.axis.ticks {
        let x = across.x(*log);
        pen.line(vec![(x, bottom - 14), (x, bottom - 6)], GRID, 2);
        let half = pen.text_width(label) * 11 / 20;
        if x - half > free_from {
            pen.text(label, (x, labels), Align::Centre, MUTED);
            free_from = x + half + 10;
        }
    }
    let middle = (pen.view.width / 2, labels + LINE);
    pen.text(across.axis.title, middle, Align::Centre, INK);
}
