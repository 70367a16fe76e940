//! What charts draw of a row: its distributions merged once, for every view draws them again.

use super::super::rows::{Row, rows};
use super::palette::{Colour, Marker, transport_colour, transport_marker};
use crate::merged::Merged;
use crate::results::{Capacity, Results};

pub(super) struct Subject<'a> {
    pub(super) row: Row<'a>,
    pub(super) latency: Option<Merged>,
    pub(super) bandwidth: Option<Merged>,
    /// By second from the opening of the measure window.
    pub(super) seconds: Vec<(i64, Merged)>,
    capacity: Option<&'a Capacity>,
}

pub(super) fn subjects(results: &Results) -> Vec<Subject<'_>> {
    rows(results)
        .into_iter()
        .map(|row| subject(results, row))
        .collect()
}

fn subject<'a>(results: &'a Results, row: Row<'a>) -> Subject<'a> {
    let seconds = row.seconds(results).into_iter();
    let merged = seconds.filter_map(|(second, parts)| {
        let merged = Merged::of_encoded(parts.iter().map(|part| part.hdr.as_str()));
        merged.map(|merged| (second, merged))
    });
    Subject {
        latency: Merged::of(row.valid_trials().map(|trial| &trial.latency_us.delivery)),
        bandwidth: Merged::of(row.valid_trials().map(|trial| &trial.bandwidth_bytes_per_s)),
        seconds: merged.collect(),
        capacity: (results.capacity.iter()).find(|found| {
            found.name == row.summary.name && found.parameters == row.summary.parameters
        }),
        row,
    }
}

impl Subject<'_> {
    /// The model's latency at a quantile, over the measured floor, in microseconds.
    pub(super) fn model_latency_us(&self, quantile: f64) -> Option<f64> {
        let model = self.row.model?;
        let floor_us = model.floor.map_or(0.0, |floor| floor.p50_us);
        Some(model.latency?.quantile_s(quantile) * 1e6 + floor_us)
    }

    /// The model of a figure of the summary.
    pub(super) fn model_of(&self, figure: &str) -> Option<f64> {
        Some(self.row.model?.figure(figure)?.model)
    }

    pub(super) fn chart_label(&self) -> &str {
        &self.row.chart_label
    }

    /// What a search found of it.
    pub(super) fn capacity(&self) -> Option<&Capacity> {
        self.capacity
    }

    pub(super) fn colour(&self) -> Colour {
        transport_colour(self.row.summary.transport)
    }

    pub(super) fn marker(&self) -> Marker {
        transport_marker(self.row.summary.transport)
    }

    /// Rows of one transport share its colour: the first is drawn solid, the next with ever
    /// shorter dashes.
    pub(super) fn dash(&self) -> Option<f64> {
        let variant = u32::try_from(self.row.variant).unwrap_or(u32::MAX);
        (variant > 0).then(|| (14.0 / f64::from(variant)).max(4.0))
    }
}
