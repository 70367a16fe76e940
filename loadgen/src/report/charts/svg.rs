//! A chart as SVG with real text. Each colour gets a class beside its attribute, so that a page or
//! the file's own `<style>` can turn it dark, and a reader without CSS still sees the light one.

use super::Chart;
use super::palette::{all, stylesheet};
use super::pen::{Pen, View};
use super::subject::Subject;
use plotters::prelude::{IntoDrawingArea, SVGBackend};

/// A file needs it; in HTML it goes without saying.
const NAMESPACE: &str = " xmlns=\"http://www.w3.org/2000/svg\"";

/// For a page that carries the stylesheet.
pub(super) fn inline(chart: Chart, subjects: &[Subject<'_>], view: View) -> String {
    finished(chart, &drawn(chart, subjects, view, false), view, "", "")
}

/// A file of its own, with background and styles.
pub(super) fn file(chart: Chart, subjects: &[Subject<'_>], view: View) -> String {
    let style = format!("<style>{}</style>\n", stylesheet());
    finished(
        chart,
        &drawn(chart, subjects, view, true),
        view,
        NAMESPACE,
        &style,
    )
}

fn drawn(chart: Chart, subjects: &[Subject<'_>], view: View, background: bool) -> String {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, view.size()).into_drawing_area();
    let pen = Pen::vector(&area, view);
    if background {
        pen.background();
    }
    chart.paint(&pen, subjects);
    area.present().expect("a string takes every drawing");
    drop(area);
    svg
}

/// The backend's document under an opening tag of ours: half its pixels, a role and a title.
fn finished(chart: Chart, svg: &str, view: View, namespace: &str, style: &str) -> String {
    let (_, content) = svg
        .split_once(">\n")
        .expect("the backend opens with its <svg> line");
    let (width, height) = (view.width, view.height);
    let title = chart.title();
    let content = smaller(content);
    format!(
        "<svg{namespace} role=\"img\" aria-label=\"{title}\" \
         width=\"{}\" height=\"{}\" viewBox=\"0 0 {width} {height}\">\n\
         <title>{title}</title>\n{style}{content}",
        width / 2,
        height / 2,
    )
}

fn smaller(content: &str) -> String {
    let mut out = content
        .replace(" opacity=\"1\"", "")
        .replace(" stroke=\"none\"", "")
        .replace(" dy=\"0.5ex\"", " dy=\".35em\"")
        .replace(" \"/>", "\"/>");
    for colour in all() {
        let (hex, name) = (colour.hex(), colour.name);
        let fill = format!("fill=\"{hex}\" class=\"f-{name}\"");
        out = out.replace(&format!("fill=\"{hex}\""), &fill);
        let stroke = format!("stroke=\"{hex}\" class=\"s-{name}\"");
        out = out.replace(&format!("stroke=\"{hex}\""), &stroke);
    }
    out
}
