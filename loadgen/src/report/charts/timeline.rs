//! Median and 99th percentile of every second, so that a stall or a slow decline is seen and not
//! averaged away.

use super::pen::Pen;
use super::plot::{Axis, Plot, line_legend};
use super::subject::Subject;
use plotters::prelude::DrawingBackend;

/// Second across; log10 of milliseconds up.
type Curve = Vec<(f64, f64)>;

pub(super) fn paint<DB: DrawingBackend>(pen: &Pen<'_, DB>, subjects: &[Subject<'_>], top: i32) {
    let shown: Vec<&Subject<'_>> = subjects
        .iter()
        .filter(|subject| !subject.seconds.is_empty())
        .collect();
    let lines: Vec<(Curve, Curve)> = shown
        .iter()
        .map(|subject| (curve(subject, 0.5), curve(subject, 0.99)))
        .collect();
    let points = || {
        lines
            .iter()
            .flat_map(|(median, tail)| median.iter().chain(tail))
    };
    if points().next().is_none() {
        return pen.nothing(top);
    }
    let top = line_legend(pen, top, &shown, false);
    let values = points().map(|(_, y)| 10f64.powf(*y));
    let y_title = "Latency, ms (log): p50 solid, p99 dashed";
    let y = Axis::logarithmic(values, y_title);
    let plot = Plot::new(
        pen,
        top,
        time_axis(points().map(|(x, _)| *x), pen.view.narrow),
        y,
    );
    plot.upright(0.0);
    for (index, (subject, (median, tail))) in shown.iter().zip(&lines).enumerate() {
        plot.solid_curve(subject, median);
        plot.dashed_curve(subject, tail);
        mark(&plot, subject, median, index);
        mark(&plot, subject, tail, index);
    }
}

fn time_axis(seconds: impl Iterator<Item = f64>, narrow: bool) -> Axis {
    let (first, last) = seconds.fold((0.0, 1.0), |(first, last): (f64, f64), second| {
        (first.min(second), last.max(second))
    });
    let title = match narrow {
        true => "Seconds since the window opened",
        false => "Seconds since the measure window opened (before 0: warm-up)",
    };
    let mut axis = Axis::linear(first..last, if narrow { 5 } else { 12 }, title);
    // There is no half of a second in the rows.
    axis.ticks.retain(|(second, _)| second.fract() == 0.0);
    axis
}

fn curve(subject: &Subject<'_>, quantile: f64) -> Curve {
    let seconds = subject.seconds.iter();
    let points = seconds.filter_map(|(second, merged)| {
        let value = merged.at(quantile)? as f64;
        Some((*second as f64, (value.max(0.5) / 1000.0).log10()))
    });
    points.collect()
}

/// About eight markers a line, each row's at other seconds.
fn mark<DB: DrawingBackend>(
    plot: &Plot<'_, '_, DB>,
    subject: &Subject<'_>,
    curve: &Curve,
    index: usize,
) {
    let step = (curve.len() / 8).max(1);
    for (x, y) in curve.iter().skip(index % step).step_by(step) {
        plot.marker(subject, *x, *y);
    }
}
