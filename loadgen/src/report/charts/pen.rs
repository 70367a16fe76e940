//! Drawing by plotters in pixels of one view: text, lines, boxes, markers, legends. Sizes are twice
//! those on the page, so that whole pixels are fine enough and a PNG is sharp.

use super::palette::{Colour, INK, MUTED, Marker, PAPER};
use plotters::coord::Shift;
use plotters::element::{Circle, PathElement, Polygon, Rectangle, Text};
use plotters::prelude::{DrawingArea, DrawingBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontStyle, IntoFont, IntoTextStyle, ShapeStyle, TextStyle, register_font as register,
};

pub(super) type Point = (i32, i32);

const FAMILY: &str = "sans-serif";
/// Of running text; plotters counts a line's height, about 1.2 times the type size.
const TEXT: f64 = 30.0;
const TITLE: f64 = 36.0;
pub(super) const LINE: i32 = 38;
pub(super) const MARGIN: i32 = 14;

/// DejaVu Sans, carried by a crate: a PNG needs no font of the system. Registering again is harmless.
pub(super) fn register_font() {
    let fonts = [
        (FontStyle::Normal, dejavu::sans::regular()),
        (FontStyle::Bold, dejavu::sans::bold()),
    ];
    for (style, bytes) in fonts {
        register(FAMILY, style, bytes)
            .ok()
            .expect("the font that the crate carries can be read");
    }
}

#[derive(Clone, Copy)]
pub(super) struct View {
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) narrow: bool,
    titled: bool,
}

impl View {
    pub(super) fn wide() -> Self {
        Self {
            width: 1600,
            height: 880,
            narrow: false,
            titled: false,
        }
    }

    pub(super) fn narrow() -> Self {
        Self {
            width: 720,
            height: 840,
            narrow: true,
            titled: false,
        }
    }

    /// With its title drawn in: a page has headings instead.
    pub(super) fn titled(self) -> Self {
        let height = self.height + LINE + MARGIN;
        Self {
            titled: true,
            height,
            ..self
        }
    }

    /// As high as `content` needs.
    pub(super) fn with_content(self, content: i32) -> Self {
        let title = if self.titled { LINE + MARGIN } else { 0 };
        Self {
            height: content + title + 2 * MARGIN,
            ..self
        }
    }

    /// Lower where there is nothing to draw.
    pub(super) fn or_empty(self, empty: bool) -> Self {
        match empty {
            true => self.with_content(3 * LINE),
            false => self,
        }
    }

    pub(super) fn size(self) -> (u32, u32) {
        (self.width.unsigned_abs(), self.height.unsigned_abs())
    }
}

#[derive(Clone, Copy)]
pub(super) enum Align {
    Left,
    Centre,
    Right,
}

pub(super) struct Pen<'a, DB: DrawingBackend> {
    area: &'a DrawingArea<DB, Shift>,
    pub(super) view: View,
    /// The bitmap backend sets text higher than the SVG backend by this share of its size.
    lowered: f64,
}

impl<'a, DB: DrawingBackend> Pen<'a, DB> {
    pub(super) fn vector(area: &'a DrawingArea<DB, Shift>, view: View) -> Self {
        Self {
            area,
            view,
            lowered: 0.04,
        }
    }

    pub(super) fn raster(area: &'a DrawingArea<DB, Shift>, view: View) -> Self {
        Self {
            area,
            view,
            lowered: 0.2,
        }
    }

    pub(super) fn background(&self) {
        self.area.fill(&PAPER.rgb()).expect(DRAWN);
    }

    /// Draws the title if the view has one; returns where the rest may begin.
    pub(super) fn title(&self, title: &str) -> i32 {
        if !self.view.titled {
            return MARGIN;
        }
        let style = (FAMILY, TITLE, FontStyle::Bold).into_text_style(self.area);
        self.write(
            title,
            (MARGIN, MARGIN + LINE / 2),
            Align::Left,
            &style,
            INK,
            TITLE,
        );
        2 * MARGIN + LINE
    }

    /// Text centred on the height of `at`.
    pub(super) fn text(&self, text: &str, at: Point, align: Align, colour: Colour) {
        let style = (FAMILY, TEXT).into_font().into();
        self.write(text, at, align, &style, colour, TEXT);
    }

    fn write(
        &self,
        text: &str,
        (x, y): Point,
        align: Align,
        style: &TextStyle<'_>,
        colour: Colour,
        size: f64,
    ) {
        let horizontal = match align {
            Align::Left => HPos::Left,
            Align::Centre => HPos::Center,
            Align::Right => HPos::Right,
        };
        let rgb = colour.rgb();
        let style = style.color(&rgb).pos(Pos::new(horizontal, VPos::Center));
        let y = y + (size * self.lowered) as i32;
        self.area
            .draw(&Text::new(text.to_string(), (x, y), style))
            .expect(DRAWN);
    }

    pub(super) fn text_width(&self, text: &str) -> i32 {
        let style: TextStyle<'_> = (FAMILY, TEXT).into_font().into();
        let (width, _) = self.area.estimate_text_size(text, &style).expect(DRAWN);
        i32::try_from(width).unwrap_or(i32::MAX)
    }

    pub(super) fn line(&self, points: Vec<Point>, colour: Colour, width: u32) {
        let style = colour.rgb().stroke_width(width);
        self.area
            .draw(&PathElement::new(points, style))
            .expect(DRAWN);
    }

    /// Ours, for plotters counts a dash anew from each point, which tears close points apart.
    pub(super) fn dashed(&self, points: &[Point], colour: Colour, width: u32, dash: f64) {
        for piece in dashes(points, dash) {
            self.line(piece, colour, width);
        }
    }

    pub(super) fn rectangle(&self, from: Point, to: Point, colour: Colour) {
        let style: ShapeStyle = colour.rgb().filled();
        self.area
            .draw(&Rectangle::new([from, to], style))
            .expect(DRAWN);
    }

    pub(super) fn marker(&self, marker: Marker, (x, y): Point, colour: Colour) {
        let filled: ShapeStyle = colour.rgb().filled();
        let polygon = |corners: &[Point]| {
            let corners: Vec<Point> = corners.iter().map(|(dx, dy)| (x + dx, y + dy)).collect();
            self.area.draw(&Polygon::new(corners, filled)).expect(DRAWN);
        };
        match marker {
            Marker::Circle => self
                .area
                .draw(&Circle::new((x, y), 9, filled))
                .expect(DRAWN),
            Marker::Ring => self
                .area
                .draw(&Circle::new((x, y), 9, colour.rgb().stroke_width(5)))
                .expect(DRAWN),
            Marker::Triangle => polygon(&[(0, -12), (11, 9), (-11, 9)]),
            Marker::Square => polygon(&[(-9, -9), (9, -9), (9, 9), (-9, 9)]),
            Marker::Diamond => polygon(&[(0, -13), (11, 0), (0, 13), (-11, 0)]),
            Marker::Cross => {
                self.line(vec![(x - 9, y - 9), (x + 9, y + 9)], colour, 5);
                self.line(vec![(x - 9, y + 9), (x + 9, y - 9)], colour, 5);
            }
        }
    }

    /// Entries from left to right, wrapped; each begins with what `sign` draws. Returns where the
    /// rest may begin.
    pub(super) fn legend(
        &self,
        top: i32,
        entries: &[(String, i32)],
        sign: impl Fn(usize, Point),
    ) -> i32 {
        let places = legend_places(self, entries);
        for (index, ((text, sign_width), (x, row))) in entries.iter().zip(&places).enumerate() {
            let y = top + row * LINE + LINE / 2;
            sign(index, (*x, y));
            self.text(text, (x + sign_width + 10, y), Align::Left, INK);
        }
        top + places.last().map_or(0, |(_, row)| (row + 1) * LINE + 6)
    }

    pub(super) fn nothing(&self, top: i32) {
        let middle = (self.view.width / 2, (top + self.view.height) / 2);
        self.text("No data to draw", middle, Align::Centre, MUTED);
    }
}

const DRAWN: &str = "a buffer in memory takes every drawing, and the font is registered";

/// Left edge and line of each entry. Fonts of the reader's may be wider than ours: leave a tenth.
fn legend_places<DB: DrawingBackend>(pen: &Pen<'_, DB>, entries: &[(String, i32)]) -> Vec<Point> {
    let (mut x, mut row) = (MARGIN, 0);
    let mut places = Vec::new();
    for (text, sign_width) in entries {
        let width = sign_width + 10 + pen.text_width(text) * 11 / 10;
        if x > MARGIN && x + width > pen.view.width - MARGIN {
            (x, row) = (MARGIN, row + 1);
        }
        places.push((x, row));
        x += width + 34;
    }
    places
}

/// A path cut into dashes of `dash` pixels with gaps of two thirds of that.
fn dashes(points: &[Point], dash: f64) -> Vec<Vec<Point>> {
    let mut pieces: Vec<Vec<Point>> = Vec::new();
    let mut current: Vec<Point> = points.first().copied().into_iter().collect();
    let (mut drawing, mut left) = (true, dash);
    for pair in points.windows(2) {
        let (mut from, to) = (real(pair[0]), real(pair[1]));
        loop {
            let distance = (to.0 - from.0).hypot(to.1 - from.1);
            if distance <= left {
                left -= distance;
                break;
            }
            let share = left / distance;
            from = (
                from.0 + (to.0 - from.0) * share,
                from.1 + (to.1 - from.1) * share,
            );
            current.push(whole(from));
            if drawing {
                pieces.push(std::mem::take(&mut current));
            } else {
                current = vec![whole(from)];
            }
            drawing = !drawing;
            left = if drawing { dash } else { dash * 2.0 / 3.0 };
        }
        if drawing {
            current.push(pair[1]);
        }
    }
    if drawing && current.len() > 1 {
        pieces.push(current);
    }
    pieces
}

fn real((x, y): Point) -> (f64, f64) {
    (f64::from(x), f64::from(y))
}

fn whole((x, y): (f64, f64)) -> Point {
    (x.round() as i32, y.round() as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_go_on_over_the_corners_of_a_path() {
        let pieces = dashes(&[(0, 0), (5, 0), (5, 40)], 15.0);
        let expected = [vec![(0, 0), (5, 0), (5, 10)], vec![(5, 20), (5, 35)]];
        assert_eq!(pieces, expected);
    }
}
