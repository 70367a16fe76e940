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
        .map(|subject| (subject, measured(subject)))
        .filter(|(_, curve)| !curve.is_empty())
        .collect();
    if curves.is_empty() {
        return pen.nothing(top);
    }
    let shown: Vec<&Subject<'_>> = curves.iter().map(|(subject, _)| *subject).collect();
    let models: Vec<(&Subject<'_>, Vec<(f64, f64)>)> = shown
        .iter()
        .map(|subject| (*subject, curve(|share| subject.model_latency_us(share))))
        .filter(|(_, curve)| !curve.is_empty())
        .collect();
    let top = line_legend(pen, top, &shown, !models.is_empty());
    let values = curves
        .iter()
        .chain(&models)
        .flat_map(|(_, curve)| curve)
        .map(|(x, _)| 10f64.powf(*x));
    let x = Axis::logarithmic(values, "Delivery latency, ms (log scale)");
    let y = Axis::linear(0.0..100.0, 5, "Delivered within, % of deliveries");
    let plot = Plot::new(pen, top, x, y);
    for (subject, curve) in &models {
        plot.model_curve(subject, curve);
    }
    for (index, (subject, curve)) in curves.iter().enumerate() {
        plot.curve(subject, curve);
        let first = (index + 1) * STEPS / (3 * curves.len() + 3);
        for (x, y) in curve.iter().skip(first).step_by(STEPS / 3) {
            plot.marker(subject, *x, *y);
        }
    }
}

fn measured(subject: &Subject<'_>) -> Vec<(f64, f64)> {
    curve(|share| Some(subject.latency.as_ref()?.at(share)? as f64))
}

/// Log10 of milliseconds across, percent up, of the microseconds at each share.
fn curve(latency_us: impl Fn(f64) -> Option<f64>) -> Vec<(f64, f64)> {
    let shares = (0..=STEPS).map(|step| step as f64 / STEPS as f64);
    let points = shares.filter_map(|share| {
        let value_us = latency_us(share)?;
        Some(((value_us.max(0.5) / 1000.0).log10(), share * 100.0))
    });
    points.collect()
}
