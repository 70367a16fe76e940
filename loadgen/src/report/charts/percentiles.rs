//! Latency by percentile on an axis of nines: 90, 99 and 99.9 % stand equally far apart, as the
//! tail deserves.

use super::pen::Pen;
use super::plot::{Axis, Plot, line_legend};
use super::subject::Subject;
use plotters::prelude::DrawingBackend;

const TICKS: [(f64, &str); 7] = [
    (0.0, "0 %"),
    (0.5, "50 %"),
    (0.9, "90 %"),
    (0.99, "99 %"),
    (0.999, "99.9 %"),
    (0.9999, "99.99 %"),
    (0.99999, "99.999 %"),
];
const STEPS: usize = 160;

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
    let points = || curves.iter().flat_map(|(_, curve)| curve);
    let last = points().map(|(x, _)| *x).fold(1.0, f64::max);
    let models: Vec<(&Subject<'_>, Vec<(f64, f64)>)> = shown
        .iter()
        .map(|subject| (*subject, model(subject, last)))
        .filter(|(_, curve)| !curve.is_empty())
        .collect();
    let top = line_legend(pen, top, &shown, !models.is_empty());
    let modelled = models.iter().flat_map(|(_, curve)| curve);
    let values = points().chain(modelled).map(|(_, y)| 10f64.powf(*y));
    let y = Axis::logarithmic(values, "Delivery latency, ms (log scale)");
    let plot = Plot::new(pen, top, nines_axis(last, pen.view.narrow), y);
    for (subject, curve) in &models {
        plot.model_curve(subject, curve);
    }
    for (index, (subject, curve)) in curves.iter().enumerate() {
        plot.curve(subject, curve);
        // Markers of different rows stand apart, or curves that coincide would hide them.
        let offset = index as f64 / curves.len() as f64;
        for (x, y) in every(curve, 0.8, offset) {
            plot.marker(subject, x, y);
        }
    }
}

fn nines_axis(last: f64, narrow: bool) -> Axis {
    // A phone has no room for both 0 and 50 %.
    let first = if narrow { 0.5 } else { 0.0 };
    let ticks = TICKS
        .iter()
        .filter(|(quantile, _)| *quantile >= first)
        .map(|(quantile, label)| (nines(*quantile), label.to_string()));
    let ticks = ticks.filter(|(x, _)| *x <= last + 1e-9);
    Axis {
        range: 0.0..last,
        ticks: ticks.collect(),
        title: "Percentile of deliveries",
    }
}

fn nines(quantile: f64) -> f64 {
    -(1.0 - quantile).log10()
}

/// Nines across, log10 of milliseconds up.
fn curve(subject: &Subject<'_>) -> Vec<(f64, f64)> {
    let Some(latency) = &subject.latency else {
        return Vec::new();
    };
    let last = nines(latency.last_quantile());
    let steps = (0..=STEPS).map(|step| last * step as f64 / STEPS as f64);
    let points = steps.filter_map(|x| {
        let value = latency.at(1.0 - 10f64.powf(-x))?;
        // 0 µs has no logarithm; half a microsecond is below what the clock can tell.
        Some((x, ((value as f64).max(0.5) / 1000.0).log10()))
    });
    points.collect()
}

/// The same of the model, up to `last`.
fn model(subject: &Subject<'_>, last: f64) -> Vec<(f64, f64)> {
    let steps = (0..=STEPS).map(|step| last * step as f64 / STEPS as f64);
    let points = steps.filter_map(|x| {
        let latency_us = subject.model_latency_us(1.0 - 10f64.powf(-x))?;
        Some((x, (latency_us.max(0.5) / 1000.0).log10()))
    });
    points.collect()
}

/// Points of the curve about `distance` apart, the first after `offset` of that.
fn every(curve: &[(f64, f64)], distance: f64, offset: f64) -> Vec<(f64, f64)> {
    let mut next = distance * (0.2 + offset * 0.8);
    let mut chosen = Vec::new();
    for (x, y) in curve {
        if *x >= next {
            chosen.push((*x, *y));
            next += distance;
        }
    }
    chosen
}
