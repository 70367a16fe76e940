//! The 99th percentile over the load of a search: solid as far as every step held, dashed where
//! they failed.

use super::pen::Pen;
use super::plot::{Axis, Plot, line_legend};
use super::subject::Subject;
use crate::results::{Capacity, Dimension};
use plotters::prelude::DrawingBackend;

/// log10 of the load across, log10 of milliseconds up.
type Curve = Vec<(f64, f64)>;

pub(super) fn paint<DB: DrawingBackend>(pen: &Pen<'_, DB>, subjects: &[Subject<'_>], top: i32) {
    let searched = |subject| Some((subject, curves(Subject::capacity(subject)?)));
    let found: Vec<(&Subject<'_>, (Curve, Curve))> = subjects.iter().filter_map(searched).collect();
    let points = || (found.iter()).flat_map(|(_, (held, failed))| held.iter().chain(failed));
    if points().next().is_none() {
        return pen.nothing(top);
    }
    let shown: Vec<&Subject<'_>> = found.iter().map(|(subject, _)| *subject).collect();
    let top = line_legend(pen, top, &shown, false);
    let x = Axis::logarithmic(points().map(|(x, _)| 10f64.powf(*x)), load_title(subjects));
    let y = Axis::logarithmic(
        points().map(|(_, y)| 10f64.powf(*y)),
        "p99, ms (log); dashed: the expectations fail",
    );
    let plot = Plot::new(pen, top, x, y);
    for (subject, (held, failed)) in &found {
        plot.solid_curve(subject, held);
        plot.dashed_curve(subject, failed);
        for (x, y) in held.iter().chain(failed) {
            plot.marker(subject, *x, *y);
        }
    }
}

fn load_title(subjects: &[Subject<'_>]) -> &'static str {
    let dimension = subjects.iter().find_map(Subject::capacity);
    match dimension.map(|found| found.dimension) {
        Some(Dimension::Rate) => "Events per second over all rooms (log scale)",
        Some(Dimension::Clients) | None => "Clients (log scale)",
    }
}

/// What held, and what failed from the last of these on.
fn curves(found: &Capacity) -> (Curve, Curve) {
    let points = |holds: bool| {
        let steps = found.steps.iter().filter(move |step| step.holds == holds);
        let mut points: Curve = steps
            .filter_map(|step| {
                let p99_ms = (step.p99_us? as f64).max(0.5) / 1000.0;
                Some((step.load.log10(), p99_ms.log10()))
            })
            .collect();
        points.sort_by(|one, other| one.0.total_cmp(&other.0));
        points
    };
    let (held, failed) = (points(true), points(false));
    let last = held.last().copied();
    let beyond = (failed.into_iter()).filter(|point| last.is_none_or(|last| point.0 > last.0));
    let failed = last.into_iter().chain(beyond).collect();
    (held, failed)
}
