//! The model beside the measured, with a verdict for each figure; and what `validate` had predicted
//! beside what came of it.

use super::super::format::{ABSENT, count, duration, percent, significant};
use super::super::rows::Row;
use super::row_head;
use crate::results::{Holds, ModelFigure, ModelRow};
use maud::{Markup, html};

pub(super) fn section(rows: &[Row<'_>]) -> Markup {
    let judged = rows.iter().filter_map(|row| Some((row, row.model?)));
    let judged: Vec<(&Row<'_>, &ModelRow)> = judged.collect();
    html! {
        @if !judged.is_empty() {
            section aria-labelledby="model" {
                h2 #model { "Model" }
                div.scroll role="region" aria-labelledby="model" tabindex="0" {
                    table {
                        caption {
                            "What arithmetic says each transport should do, and whether it did. Latency is \
                             measured less its floor: what a calibration without any line measured where \
                             the model says 0. A figure holds if it lies within the range, which is three \
                             standard errors and the floor wide; below 1,000 events nothing is decided."
                        }
                        thead { tr {
                            @for head in ["transport", "events", "figure", "model", "measured", "range", "model"] {
                                th scope="col" { (head) }
                            }
                        } }
                        tbody { @for (row, model) in &judged { (figures(row, model)) } }
                    }
                }
                (notes(&judged))
            }
        }
    }
}

fn figures(row: &Row<'_>, model: &ModelRow) -> Markup {
    html! {
        @for (at, figure) in model.figures.iter().enumerate() {
            tr {
                @if at == 0 {
                    (row_head(row))
                    td { (count(model.events)) }
                } @else {
                    th scope="row" { span.repeated { bdi { (row.label) } } }
                    td {}
                }
                (cells(figure))
            }
        }
    }
}

fn cells(figure: &ModelFigure) -> Markup {
    let (name, unit) = named(&figure.figure);
    let class = match figure.verdict {
        Holds::Holds => "holds",
        Holds::DoesNot => "bad",
        Holds::TooFewEvents => "muted",
    };
    html! {
        td { (name) }
        td { (unit(figure.model)) }
        td { (figure.measured.map_or_else(|| ABSENT.to_owned(), unit)) }
        td { (unit(figure.low)) " … " (unit(figure.high)) }
        td.(class) { (figure.verdict) }
    }
}

/// A figure as a person calls it, and how it is written.
pub(in crate::report) fn named(figure: &str) -> (&str, fn(f64) -> String) {
    match figure {
        "latency_mean_us" => ("mean latency", duration),
        "latency_p50_us" => ("p50", duration),
        "latency_p99_us" => ("p99", duration),
        "bytes_per_delivery" => ("bytes / event", significant),
        "requests_per_delivery" => ("requests / event", significant),
        "empty_share" => ("empty polls", percent),
        other => (other, significant),
    }
}

fn notes(judged: &[(&Row<'_>, &ModelRow)]) -> Markup {
    let noted: Vec<_> = judged
        .iter()
        .filter(|(_, model)| !model.notes.is_empty())
        .collect();
    html! {
        @if !noted.is_empty() {
            ul {
                @for (row, model) in noted {
                    li { bdi { (row.label) } ": " (model.notes.join("; ")) "." }
                }
            }
        }
    }
}

/// Sums over valid repeats, as rates.
struct Measured {
    connections: Option<f64>,
    generator_files: Option<f64>,
    server_files: Option<f64>,
    deliveries_per_s: Option<f64>,
    requests_per_s: Option<f64>,
    bytes_per_s: Option<f64>,
}

impl Measured {
    fn of(row: &Row<'_>) -> Measured {
        let sum =
            |part: fn(&crate::results::Trial) -> f64| -> f64 { row.valid_trials().map(part).sum() };
        let window_s = sum(|trial| trial.window_s);
        let a_second = |sum: f64| (window_s > 0.0).then(|| sum / window_s);
        let most = |part: fn(&crate::results::Trial) -> Option<u64>| {
            row.valid_trials()
                .filter_map(part)
                .max()
                .map(|most| most as f64)
        };
        Measured {
            connections: most(|trial| trial.server.connections),
            generator_files: most(|trial| trial.generator.fds),
            server_files: most(|trial| trial.server.fds),
            deliveries_per_s: a_second(sum(|trial| trial.window_deliveries as f64)),
            requests_per_s: a_second(sum(|trial| trial.requests as f64)),
            bytes_per_s: a_second(sum(|trial| {
                trial.bytes.per_delivery.unwrap_or(0.0) * trial.window_deliveries as f64
            })),
        }
    }
}

/// What was predicted before the run, what came of it, and the ratio.
pub(super) fn predicted(rows: &[Row<'_>]) -> Markup {
    html! {
        @if rows.iter().any(|row| row.predicted.is_some()) {
            section aria-labelledby="predicted" {
                h2 #predicted { "Predicted and measured" }
                div.scroll role="region" aria-labelledby="predicted" tabindex="0" {
                    table {
                        caption {
                            "What loadgen validate says beforehand over what came of it; below, measured \
                             divided by predicted. Requests and bytes leave publishing out; open files are \
                             predicted with room to spare. Connections are those that had sent \
                             something when all clients were ready: a client's second one, for \
                             publishing, may not have."
                        }
                        thead { tr {
                            @for head in ["transport", "connections", "files here", "files there", "deliveries/s", "requests/s", "bytes/s"] {
                                th scope="col" { (head) }
                            }
                        } }
                        tbody { @for row in rows { (prediction(row)) } }
                    }
                }
            }
        }
    }
}

fn prediction(row: &Row<'_>) -> Markup {
    let Some(predicted) = row.predicted else {
        return html! {};
    };
    let measured = Measured::of(row);
    let whole = |number: u64| Some(number as f64);
    let pairs = [
        (whole(predicted.connections), measured.connections),
        (whole(predicted.fds_generator), measured.generator_files),
        (whole(predicted.fds_server), measured.server_files),
        (Some(predicted.deliveries_per_s), measured.deliveries_per_s),
        (predicted.requests_per_s, measured.requests_per_s),
        (predicted.bytes_per_s, measured.bytes_per_s),
    ];
    html! {
        tr {
            (row_head(row))
            @for (predicted, measured) in pairs {
                td { (compared(predicted, measured)) }
            }
        }
    }
}

fn compared(predicted: Option<f64>, measured: Option<f64>) -> Markup {
    let shown = |value: Option<f64>| value.map_or_else(|| ABSENT.to_owned(), significant);
    // What was not predicted has nothing to be held against.
    let Some(predicted) = predicted else {
        return html! { (ABSENT) };
    };
    let ratio = measured
        .filter(|_| predicted > 0.0)
        .map(|measured| measured / predicted);
    html! {
        (shown(Some(predicted))) " → " (shown(measured))
        @if let Some(ratio) = ratio { small { (format!("× {ratio:.2}")) } }
    }
}
