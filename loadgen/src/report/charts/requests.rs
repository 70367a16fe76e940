//! Requests that a delivered event cost.

use super::super::format::significant;
use super::bars::{self, Bar};
use super::pen::{Pen, View};
use super::subject::Subject;
use plotters::prelude::DrawingBackend;

pub(super) fn sized(subjects: &[Subject<'_>], view: View) -> View {
    bars::sized(bars(subjects).len(), view)
}

pub(super) fn paint<DB: DrawingBackend>(pen: &Pen<'_, DB>, subjects: &[Subject<'_>], top: i32) {
    let bars = bars(subjects);
    if bars.is_empty() {
        return pen.nothing(top);
    }
    bars::panel(pen, top, "Requests per event, 95 % interval", &bars);
}

fn bars(subjects: &[Subject<'_>]) -> Vec<Bar> {
    bars::of_figure(subjects, "requests_per_delivery", |median| {
        significant(median)
    })
}
