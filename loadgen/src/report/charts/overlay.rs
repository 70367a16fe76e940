//! The percentile curves of one row in two runs, drawn over each other: A solid, B dashed, so that
//! they differ without colour. Rows are matched by name and parameters.

use super::subject::{Subject, subjects};
use super::{Chart, View, pen, svg};
use crate::results::Results;

/// For the page alone, wide and narrow.
pub(in crate::report) struct Overlay {
    /// The row of A.
    pub(in crate::report) label: String,
    pub(in crate::report) wide: String,
    pub(in crate::report) narrow: String,
}

pub(in crate::report) fn overlays(a: &Results, b: &Results) -> Vec<Overlay> {
    pen::register_font();
    let mut of_b = subjects(b);
    let mut drawn = Vec::new();
    for subject in subjects(a) {
        let same = |other: &Subject<'_>| {
            let (one, other) = (subject.row.summary, other.row.summary);
            one.name == other.name && one.parameters == other.parameters
        };
        if let Some(at) = of_b.iter().position(same) {
            drawn.push(overlay(subject, of_b.swap_remove(at)));
        }
    }
    drawn
}

fn overlay(a: Subject<'_>, b: Subject<'_>) -> Overlay {
    let label = a.row.label.clone();
    let pair = [called(a, "A", 0), called(b, "B", 1)];
    let draw = |view: View| {
        let view = Chart::Percentiles.view(&pair, view);
        svg::inline(Chart::Percentiles, &pair, view)
    };
    Overlay {
        label,
        wide: draw(View::wide()),
        narrow: draw(View::narrow()),
    }
}

/// The first of two variants is drawn solid, the second dashed.
fn called<'a>(mut subject: Subject<'a>, side: &str, variant: usize) -> Subject<'a> {
    subject.row.chart_label = format!("{side}: {}", subject.row.chart_label);
    subject.row.variant = variant;
    subject
}
