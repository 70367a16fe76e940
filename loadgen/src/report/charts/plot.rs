//! A plot of lines over two axes: ticks, grid, legend, and the way from values to pixels. The
//! vertical axis' title stands above it, where it can be read on a phone.

use super::palette::{GRID, INK, MUTED};
use super::pen::{Align, LINE, MARGIN, Pen, Point};
use super::subject::Subject;
use plotters::prelude::DrawingBackend;
use std::ops::Range;

/// A linear axis; what is logarithmic is so in its values.
pub(super) struct Axis {
    pub(super) range: Range<f64>,
    pub(super) ticks: Vec<(f64, String)>,
    pub(super) title: &'static str,
}

impl Axis {
    /// Ticks at 1, 2 and 5 of each decade, or at powers of ten alone if these are many.
    pub(super) fn logarithmic(values: impl Iterator<Item = f64>, title: &'static str) -> Self {
        let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let (low, high) = if low > high { (1.0, 10.0) } else { (low, high) };
        let wide = high / low > 200.0;
        let mut ticks = nice_values(low, high);
        if wide {
            let (first, last) = (ticks.first().copied(), ticks.last().copied());
            ticks.retain(|value| is_power_of_ten(*value));
            // The ends stay in the range even if they bear no tick.
            return Self::between(first, last, &ticks, title);
        }
        Self::between(ticks.first().copied(), ticks.last().copied(), &ticks, title)
    }

    fn between(low: Option<f64>, high: Option<f64>, ticks: &[f64], title: &'static str) -> Self {
        let (low, high) = (low.unwrap_or(1.0).log10(), high.unwrap_or(10.0).log10());
        let ticks = ticks.iter().map(|value| (value.log10(), plain(*value)));
        Self {
            range: low..high,
            ticks: ticks.collect(),
            title,
        }
    }

    /// About `wanted` round ticks.
    pub(super) fn linear(range: Range<f64>, wanted: usize, title: &'static str) -> Self {
        let step = round_step((range.end - range.start) / wanted.max(1) as f64);
        let first = (range.start / step).ceil() as i64;
        let last = (range.end / step).floor() as i64;
        let ticks = (first..=last).map(|index| index as f64 * step);
        let ticks = ticks.map(|value| (value, plain(value))).collect();
        Self {
            range,
            ticks,
            title,
        }
    }
}

/// From the last 1, 2 or 5 of a decade that is not above `low` to the first not below `high`.
fn nice_values(low: f64, high: f64) -> Vec<f64> {
    let first = low.log10().floor() as i32;
    let last = high.log10().ceil() as i32;
    let mut values: Vec<f64> = (first..=last)
        .flat_map(|exponent| [1.0, 2.0, 5.0].map(|digit| digit * 10f64.powi(exponent)))
        .collect();
    // Rounding must not push an end that is itself nice out of the list.
    let start = values
        .iter()
        .rposition(|value| *value <= low * 1.000_001)
        .unwrap_or(0);
    values.drain(..start);
    let end = values.iter().position(|value| *value >= high * 0.999_999);
    values.truncate(end.map_or(values.len(), |end| (end + 1).max(2)));
    values
}

fn is_power_of_ten(value: f64) -> bool {
    (value.log10() - value.log10().round()).abs() < 1e-9
}

fn round_step(rough: f64) -> f64 {
    let magnitude = 10f64.powf(rough.max(f64::MIN_POSITIVE).log10().floor());
    let digit = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|digit| digit * magnitude >= rough);
    digit.unwrap_or(10.0) * magnitude
}

/// A tick's value, without the rounding errors of powers.
pub(super) fn plain(value: f64) -> String {
    super::super::format::significant(value)
}

pub(super) struct Plot<'p, 'a, DB: DrawingBackend> {
    pen: &'p Pen<'a, DB>,
    x: Axis,
    y: Axis,
    left: i32,
    top: i32,
    right: i32,
    bottom: i32,
}

impl<'p, 'a, DB: DrawingBackend> Plot<'p, 'a, DB> {
    /// Draws both axes below `top`.
    pub(super) fn new(pen: &'p Pen<'a, DB>, top: i32, x: Axis, y: Axis) -> Self {
        let widest = y.ticks.iter().map(|(_, label)| pen.text_width(label)).max();
        let plot = Self {
            pen,
            left: MARGIN + widest.unwrap_or(0) * 11 / 10 + 14,
            top: top + LINE + 18,
            right: pen.view.width - 40,
            bottom: pen.view.height - MARGIN - 2 * LINE - 8,
            x,
            y,
        };
        plot.grid();
        plot.titles(top);
        plot
    }

    pub(super) fn at(&self, x: f64, y: f64) -> Point {
        let across = share(&self.x.range, x);
        let up = share(&self.y.range, y);
        (
            self.left + (across * f64::from(self.right - self.left)).round() as i32,
            self.bottom - (up * f64::from(self.bottom - self.top)).round() as i32,
        )
    }

    fn grid(&self) {
        for (value, label) in &self.y.ticks {
            let (_, y) = self.at(self.x.range.start, *value);
            self.pen
                .line(vec![(self.left, y), (self.right, y)], GRID, 2);
            self.pen
                .text(label, (self.left - 12, y), Align::Right, MUTED);
        }
        let mut free_from = i32::MIN;
        for (value, label) in &self.x.ticks {
            let (x, _) = self.at(*value, self.y.range.start);
            self.pen
                .line(vec![(x, self.top), (x, self.bottom)], GRID, 2);
            let half = self.pen.text_width(label) * 11 / 20;
            // A label that would touch its neighbour is left out; its line stays.
            if x - half > free_from {
                let at = (x, self.bottom + LINE / 2 + 6);
                self.pen.text(label, at, Align::Centre, MUTED);
                free_from = x + half + 10;
            }
        }
        let corner = vec![
            (self.left, self.top),
            (self.left, self.bottom),
            (self.right, self.bottom),
        ];
        self.pen.line(corner, MUTED, 2);
    }

    fn titles(&self, top: i32) {
        self.pen
            .text(self.y.title, (MARGIN, top + LINE / 2), Align::Left, INK);
        let middle = (self.left + self.right) / 2;
        let below = self.bottom + LINE + LINE / 2 + 8;
        self.pen
            .text(self.x.title, (middle, below), Align::Centre, INK);
    }

    /// A line over the plot's whole height.
    pub(super) fn upright(&self, x: f64) {
        let (x, _) = self.at(x, self.y.range.start);
        self.pen
            .line(vec![(x, self.top), (x, self.bottom)], MUTED, 3);
    }

    pub(super) fn curve(&self, subject: &Subject<'_>, values: &[(f64, f64)]) {
        match subject.dash() {
            None => self.pen.line(self.path(values), subject.colour(), 4),
            Some(dash) => self
                .pen
                .dashed(&self.path(values), subject.colour(), 4, dash),
        }
    }

    /// For a chart that has another use for dashes than to tell rows apart.
    pub(super) fn solid_curve(&self, subject: &Subject<'_>, values: &[(f64, f64)]) {
        self.pen.line(self.path(values), subject.colour(), 4);
    }

    /// What the model says: thin and dotted, in the row's colour.
    pub(super) fn model_curve(&self, subject: &Subject<'_>, values: &[(f64, f64)]) {
        (self.pen).dashed(&self.path(values), subject.colour(), MODEL_WIDTH, MODEL_DOT);
    }

    pub(super) fn dashed_curve(&self, subject: &Subject<'_>, values: &[(f64, f64)]) {
        self.pen
            .dashed(&self.path(values), subject.colour(), 3, 14.0);
    }

    fn path(&self, values: &[(f64, f64)]) -> Vec<Point> {
        let mut points: Vec<Point> = values.iter().map(|(x, y)| self.at(*x, *y)).collect();
        points.dedup();
        points
    }

    pub(super) fn marker(&self, subject: &Subject<'_>, x: f64, y: f64) {
        self.pen
            .marker(subject.marker(), self.at(x, y), subject.colour());
    }
}

fn share(range: &Range<f64>, value: f64) -> f64 {
    let length = range.end - range.start;
    if length > 0.0 {
        ((value - range.start) / length).clamp(0.0, 1.0)
    } else {
        0.5
    }
}

/// How a model's line is drawn.
const MODEL_WIDTH: u32 = 3;
const MODEL_DOT: f64 = 4.0;

/// A short line with the marker for each row, and one for the model where a chart draws
/// it. Returns where the rest may begin.
pub(super) fn line_legend<DB: DrawingBackend>(
    pen: &Pen<'_, DB>,
    top: i32,
    subjects: &[&Subject<'_>],
    modelled: bool,
) -> i32 {
    const SIGN: i32 = 56;
    let labels = subjects.iter().map(|subject| subject.chart_label());
    let entries: Vec<(String, i32)> = labels
        .chain(modelled.then_some("model"))
        .map(|label| (label.to_string(), SIGN))
        .collect();
    pen.legend(top, &entries, |index, (x, y)| {
        let points = [(x, y), (x + SIGN, y)];
        let Some(subject) = subjects.get(index) else {
            return pen.dashed(&points, INK, MODEL_WIDTH, MODEL_DOT);
        };
        match subject.dash() {
            None => pen.line(points.to_vec(), subject.colour(), 4),
            Some(dash) => pen.dashed(&points, subject.colour(), 4, dash),
        }
        pen.marker(subject.marker(), (x + SIGN / 2, y), subject.colour());
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithmic_axes_hold_their_values() {
        let axis = Axis::logarithmic([0.3, 7.0].into_iter(), "");
        let labels: Vec<&str> = axis.ticks.iter().map(|(_, label)| label.as_str()).collect();
        assert_eq!(labels, ["0.2", "0.5", "1", "2", "5", "10"]);
        let axis = Axis::logarithmic([0.3, 987.0].into_iter(), "");
        let labels: Vec<&str> = axis.ticks.iter().map(|(_, label)| label.as_str()).collect();
        assert_eq!(labels, ["1", "10", "100", "1,000"]);
        assert!(axis.range.start <= 0.3f64.log10() && axis.range.end >= 987f64.log10());
    }

    #[test]
    fn one_value_and_none_still_make_an_axis() {
        for values in [vec![], vec![1.0], vec![0.004]] {
            let axis = Axis::logarithmic(values.into_iter(), "");
            assert!(axis.range.end > axis.range.start, "{:?}", axis.range);
        }
        assert_eq!(Axis::linear(-1.0..5.0, 6, "").ticks.len(), 7);
    }
}
