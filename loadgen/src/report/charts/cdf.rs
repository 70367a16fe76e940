//! The share of deliveries that took at most a latency: waiting for a poll is a long slope here,
//! a pushed event a cliff.

use super::pen::Pen;
use super::plot::{Axis, Plot, line_legend};
use super::subject::Subject;
use plotters::prelude::DrawingBackend;

const STEPS: usize = 200;

pub(super) fn paint<DB: DrawingBackend>(pen: &Pen<'_, DB>, subjects: &[Subject<'_>], top: i32) {
    let curves: Vec<(&Subject<'_>, Vec<(f64, f64)>)> = subjects
        .iter()
        .map(|subject| (subject, curve(subject)))
        .filter(|(_, curve)| !curve.is_empty())
        .collect();
    if curves.is_empty() {
        return pen.nothing(top);
    }
    let shown: Vec<&Subject<'_>> = curves.iter().map(|(subject, _)| *subject).collect();
    let top = line_legend(pen, top, &shown);
    let values = curves
        .iter()
        .flat_map(|(_, curve)| curve)
        .map(|(x, _)| 10f64.powf(*x));
    let x = Axis::logarithmic(values, "Delivery latency, ms (log scale)");
    let y = Axis::linear(0.0..100.0, 5, "Delivered within, % of deliveries");
    let plot = Plot::new(pen, top, x, y);
    for (index, (subject, curve)) in curves.iter().enumerate() {
        plot.curve(subject, curve);
        let first = (index + 1) * STEPS / (3 * curves.len() + 3);
        for (x, y) in curve.iter().skip(first).step_by(STEPS / 3) {
            plot.marker(subject, *x, *y);
        }
    }
}

/// Log10 of milliseconds across, percent up.
fn curve(subject: &Subject<'_>) -> Vec<(f64, f64)> {
    let Some(latency) = &subject.latency else {
        return Vec::new();
    };
    let shares = (0..=STEPS).map(|step| step as f64 / STEPS as f64);
    let points = shares.filter_map(|share| {
        let value = latency.at(share)?;
        Some((((value as f64).max(0.5) / 1000.0).log10(), share * 100.0))
    });
    points.collect()
}
