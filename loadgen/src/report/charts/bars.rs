//! Lying bars, one per row, on a linear scale from 0: the label above each, so that a phone can
//! show it, the value behind it, and the 95 % interval as a whisker.

use super::palette::{Colour, GRID, INK, MUTED};
use super::pen::{Align, LINE, MARGIN, Pen, View};
use super::subject::Subject;
use plotters::prelude::DrawingBackend;

const BAR: i32 = 34;
const ROW: i32 = LINE + BAR + 16;

pub(super) struct Bar {
    pub(super) label: String,
    /// From left to right; they add up to the bar's length.
    pub(super) segments: Vec<(f64, Colour)>,
    pub(super) value: String,
    pub(super) whisker: Option<(f64, f64)>,
    /// Where the bar should end by the model.
    pub(super) model: Option<f64>,
}

impl Bar {
    pub(super) fn length(&self) -> f64 {
        self.segments.iter().map(|(value, _)| value).sum()
    }

    fn reach(&self) -> f64 {
        self.whisker
            .map_or(0.0, |(_, high)| high)
            .max(self.length())
            .max(self.model.unwrap_or(0.0))
    }
}

/// A bar with its interval for each row that has the figure.
pub(super) fn of_figure(
    subjects: &[Subject<'_>],
    name: &str,
    value: impl Fn(f64) -> String,
) -> Vec<Bar> {
    let bars = subjects.iter().filter_map(|subject| {
        let figure = subject.row.figure(name)?;
        Some(Bar {
            label: subject.chart_label().to_string(),
            segments: vec![(figure.median.max(0.0), subject.colour())],
            value: value(figure.median),
            whisker: Some((figure.low.max(0.0), figure.high.max(0.0))),
            model: subject.model_of(name),
        })
    });
    bars.collect()
}

/// The height that a panel of so many bars takes, its caption included.
pub(super) fn height(bars: usize) -> i32 {
    LINE + 6 + ROW * i32::try_from(bars.max(1)).unwrap_or(i32::MAX / ROW / 2)
}

pub(super) fn sized(bars: usize, view: View) -> View {
    view.with_content(height(bars))
}

/// Draws a caption and the bars below `top`; returns where the rest may begin.
pub(super) fn panel<DB: DrawingBackend>(
    pen: &Pen<'_, DB>,
    top: i32,
    caption: &str,
    bars: &[Bar],
) -> i32 {
    pen.text(caption, (MARGIN, top + LINE / 2), Align::Left, MUTED);
    let widest = bars
        .iter()
        .map(|bar| pen.text_width(&bar.value))
        .max()
        .unwrap_or(0);
    let room = pen.view.width - 2 * MARGIN - widest * 11 / 10 - 40;
    let longest = bars.iter().map(Bar::reach).fold(0.0, f64::max);
    let scale = Scale {
        room: f64::from(room),
        longest,
    };
    for (index, bar) in bars.iter().enumerate() {
        let offset = ROW * i32::try_from(index).unwrap_or(0);
        one(pen, top + LINE + 6 + offset, bar, &scale);
    }
    top + height(bars.len())
}

struct Scale {
    room: f64,
    longest: f64,
}

impl Scale {
    fn x(&self, value: f64) -> i32 {
        let share = if self.longest > 0.0 {
            value / self.longest
        } else {
            0.0
        };
        MARGIN + (share * self.room).round() as i32
    }
}

fn one<DB: DrawingBackend>(pen: &Pen<'_, DB>, top: i32, bar: &Bar, scale: &Scale) {
    pen.text(&bar.label, (MARGIN, top + LINE / 2), Align::Left, INK);
    let (upper, lower) = (top + LINE, top + LINE + BAR);
    pen.rectangle((MARGIN - 2, upper - 4), (MARGIN, lower + 4), GRID);
    let mut sum = 0.0;
    for (value, colour) in &bar.segments {
        let (from, to) = (scale.x(sum), scale.x(sum + value));
        sum += value;
        // Neighbours are parted by a hair of background, where they are wide enough for it.
        let gap = if to - from > 4 { 2 } else { 0 };
        if to > from {
            pen.rectangle((from, upper), (to - gap, lower), *colour);
        }
    }
    if let Some((low, high)) = bar.whisker {
        whisker(pen, (scale.x(low), scale.x(high)), (upper + lower) / 2);
    }
    if let Some(model) = bar.model {
        let x = scale.x(model);
        pen.dashed(&[(x, upper - 9), (x, lower + 9)], INK, 3, 4.0);
    }
    let behind = scale.x(bar.reach()) + 16;
    pen.text(&bar.value, (behind, (upper + lower) / 2), Align::Left, INK);
}

fn whisker<DB: DrawingBackend>(pen: &Pen<'_, DB>, (from, to): (i32, i32), y: i32) {
    pen.line(vec![(from, y), (to, y)], INK, 3);
    for x in [from, to] {
        pen.line(vec![(x, y - 10), (x, y + 10)], INK, 3);
    }
}
