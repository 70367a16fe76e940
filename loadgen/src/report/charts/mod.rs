//! The charts of a report, drawn by plotters from the results: each as SVG for the page (wide, and
//! narrow for phones), as an SVG file and as a PNG. Text in them is ours, never the scenario's.

mod palette;
mod pen;
mod subject;
mod plot;
mod percentiles;
mod timeline;
mod cdf;
mod bars;
mod bytes;
mod bandwidth;
mod requests;
mod cpu;
mod svg;
mod png;

pub(super) use palette::{kind_colour, stylesheet, transport_colour};

use crate::results::Results;
use pen::{Pen, View};
use plotters::prelude::DrawingBackend;
use strum::{EnumIter, IntoEnumIterator};
use subject::{Subject, subjects};

#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter)]
pub(super) enum Chart {
    Percentiles,
    Timeline,
    Cdf,
    Bytes,
    Bandwidth,
    Requests,
    Cpu,
}

/// One chart in every form that a report needs.
pub(super) struct Drawing {
    pub(super) chart: Chart,
    /// For the page, without a `<style>` of its own.
    pub(super) wide: String,
    pub(super) narrow: String,
    /// Files that stand alone.
    pub(super) svg: String,
    pub(super) png: Vec<u8>,
}

pub(super) fn draw(results: &Results) -> Vec<Drawing> {
    let subjects = subjects(results);
    pen::register_font();
    Chart::iter().map(|chart| chart.draw(&subjects)).collect()
}

impl Chart {
    pub(super) fn name(self) -> &'static str {
        match self {
            Chart::Percentiles => "latency-percentiles",
            Chart::Timeline => "latency-over-time",
            Chart::Cdf => "latency-cdf",
            Chart::Bytes => "bytes-per-event",
            Chart::Bandwidth => "bandwidth",
            Chart::Requests => "requests-per-event",
            Chart::Cpu => "server-cpu",
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Chart::Percentiles => "Delivery latency by percentile",
            Chart::Timeline => "Delivery latency over time",
            Chart::Cdf => "Share of events delivered within a time",
            Chart::Bytes => "Bytes per delivered event",
            Chart::Bandwidth => "Bandwidth of one client",
            Chart::Requests => "Requests per delivered event",
            Chart::Cpu => "Server CPU per million deliveries",
        }
    }

    /// What the chart shows, and how to read it.
    pub(super) fn explanation(self) -> &'static str {
        match self {
            Chart::Percentiles => {
                "How long the unluckiest events took: each step to the right is ten times rarer, \
                 and each step upwards slower by the same factor. A curve merges every sample of \
                 all valid repeats and ends where fewer than ten samples lie beyond it. Dotted: what the model says, \
                 over the measured floor."
            }
            Chart::Timeline => {
                "For every second of the run, the median (solid) and the 99th percentile (dashed) \
                 of the events that arrived in it, repeats merged. A lasting rise means that \
                 something fell behind; seconds before 0 are warm-up and count in no figure."
            }
            Chart::Cdf => {
                "Read upwards from a latency to see what share of the events arrived within it. \
                 A steep line is a steady transport; a long slope is waiting for the next poll. \
                 Dotted: what the model says, over the measured floor."
            }
            Chart::Bytes => {
                "What one delivered event cost on the wire below HTTP, both directions, split by \
                 what the bytes were for; publishing is not in it. The length is the median over \
                 repeats, the split that of all valid repeats together. The dotted mark is the model's."
            }
            Chart::Bandwidth => {
                "How many bytes one client's sockets carried in one second, over all clients and \
                 seconds of the window. A single peak is steady traffic; a peak at 0 means \
                 seconds in which nothing was sent. The dotted mark is the predicted mean, \
                 publishing aside."
            }
            Chart::Requests => {
                "Requests that a client sent for each event it received, publishing aside. Below \
                 one, an answer brought several events or a stream needed none; above one, \
                 requests came back empty. The dotted mark is the model's."
            }
            Chart::Cpu => {
                "CPU seconds that the server spent for a million deliveries. The bar is the \
                 median over repeats and the whisker its 95 % interval: bars whose whiskers \
                 overlap are not known to differ."
            }
        }
    }

    fn draw(self, subjects: &[Subject<'_>]) -> Drawing {
        let file = self.view(subjects, View::wide().titled());
        Drawing {
            chart: self,
            wide: svg::inline(self, subjects, self.view(subjects, View::wide())),
            narrow: svg::inline(self, subjects, self.view(subjects, View::narrow())),
            svg: svg::file(self, subjects, file),
            png: png::png(self, subjects, file),
        }
    }

    /// Charts with a bar or strip per row grow with the rows; one without data takes little room.
    fn view(self, subjects: &[Subject<'_>], view: View) -> View {
        match self {
            Chart::Percentiles | Chart::Cdf => {
                view.or_empty(subjects.iter().all(|subject| subject.latency.is_none()))
            }
            Chart::Timeline => {
                view.or_empty(subjects.iter().all(|subject| subject.seconds.is_empty()))
            }
            Chart::Bytes => bytes::sized(subjects, view),
            Chart::Bandwidth => bandwidth::sized(subjects, view),
            Chart::Requests => requests::sized(subjects, view),
            Chart::Cpu => cpu::sized(subjects, view),
        }
    }

    fn paint<DB: DrawingBackend>(self, pen: &Pen<'_, DB>, subjects: &[Subject<'_>]) {
        let top = pen.title(self.title());
        match self {
            Chart::Percentiles => percentiles::paint(pen, subjects, top),
            Chart::Timeline => timeline::paint(pen, subjects, top),
            Chart::Cdf => cdf::paint(pen, subjects, top),
            Chart::Bytes => bytes::paint(pen, subjects, top),
            Chart::Bandwidth => bandwidth::paint(pen, subjects, top),
            Chart::Requests => requests::paint(pen, subjects, top),
            Chart::Cpu => cpu::paint(pen, subjects, top),
        }
    }
}
