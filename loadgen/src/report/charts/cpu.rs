//! CPU seconds of the server for a million deliveries.

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
    bars::panel(pen, top, "CPU seconds per million, 95 % interval", &bars);
}

fn bars(subjects: &[Subject<'_>]) -> Vec<Bar> {
    bars::of_figure(subjects, "server_cpu_s_per_million", |median| {
        format!("{} s", significant(median))
    })
}
