//! A chart as a PNG on white, for places that take no SVG.

use super::Chart;
use super::pen::{Pen, View};
use super::subject::Subject;
use plotters::prelude::{BitMapBackend, IntoDrawingArea};

pub(super) fn png(chart: Chart, subjects: &[Subject<'_>], view: View) -> Vec<u8> {
    encode(&pixels(chart, subjects, view), view)
}

fn pixels(chart: Chart, subjects: &[Subject<'_>], view: View) -> Vec<u8> {
    let (width, height) = view.size();
    let mut pixels = vec![0; width as usize * height as usize * 3];
    let area = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
    let pen = Pen::raster(&area, view);
    pen.background();
    chart.paint(&pen, subjects);
    area.present()
        .expect("a buffer in memory takes every drawing");
    drop(area);
    pixels
}

fn encode(pixels: &[u8], view: View) -> Vec<u8> {
    let (width, height) = view.size();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Best);
    let mut writer = encoder.write_header().expect("the size is above 0");
    writer
        .write_image_data(pixels)
        .expect("the buffer has the size of the image");
    writer
        .finish()
        .expect("a buffer in memory takes every byte");
    bytes
}
