//! The comparison as one HTML file without network, light and dark: verdict, what changed, the
//! percentile curves of both runs over each other, and every figure.

use super::super::charts::{Overlay, overlays, transport_colour};
use super::super::html::page;
use super::{Compared, headline, labels, origin, p, ratio, reservations, value, was_found};
use crate::comparison::{FigureComparison, Finding, RowComparison};
use maud::{Markup, PreEscaped, html};

pub fn html(compared: &Compared<'_>) -> String {
    let title = format!("{}: B against A", super::super::title(compared.b.results));
    let origins = [
        html! { "A: " bdi { (origin(&compared.a)) } },
        html! { "B: " bdi { (origin(&compared.b)) } },
    ];
    let main = html! {
        (verdict(compared))
        (changed(compared))
        (curves(&overlays(compared.a.results, compared.b.results)))
        (all(compared))
    };
    page(&title, &origins, &main)
}

fn verdict(compared: &Compared<'_>) -> Markup {
    let class = match compared.comparison.regressed() {
        true => "invalid",
        false => "valid",
    };
    html! {
        section.verdict.(class) aria-label="Verdict" {
            p { strong { (headline(compared.comparison)) } }
            @for said in reservations(compared.comparison) { p { (said) } }
            @if !compared.differences.is_empty() {
                p { strong { "Compared by force although the runs differ (A | B):" } }
                ul { @for difference in compared.differences { li { bdi { (difference) } } } }
            }
        }
    }
}

fn changed(compared: &Compared<'_>) -> Markup {
    let any = compared
        .comparison
        .rows
        .iter()
        .flat_map(|row| &row.figures)
        .any(was_found);
    html! {
        section aria-labelledby="changed" {
            h2 #changed { "What changed" }
            @if any {
                (table(compared, "changed", "Medians over valid repeats, B beside A.", was_found))
            } @else {
                p { "Nothing that these repeats could tell from noise." }
            }
        }
    }
}

fn curves(overlays: &[Overlay]) -> Markup {
    html! {
        section aria-labelledby="curves" {
            h2 #curves { "Both curves" }
            p {
                "Delivery latency by percentile, every sample of all valid repeats: A is solid, B \
                 dashed. Where the curves part, see above whether the difference is more than chance."
            }
            @for overlay in overlays {
                figure {
                    figcaption { h3 { bdi { (overlay.label) } } }
                    div.wide { (PreEscaped(&overlay.wide)) }
                    div.narrow { (PreEscaped(&overlay.narrow)) }
                }
            }
        }
    }
}

fn all(compared: &Compared<'_>) -> Markup {
    html! {
        section aria-labelledby="all" {
            h2 #all { "All figures" }
            (table(
                compared,
                "all",
                "Medians over valid repeats; counts as a share of the deliveries that were due. The \
                 ratio stands with its 95 % interval (bootstrap over repeats), p is corrected for \
                 the number of figures.",
                |_| true,
            ))
        }
    }
}

fn table(
    compared: &Compared<'_>,
    heading: &str,
    caption: &str,
    wanted: fn(&FigureComparison) -> bool,
) -> Markup {
    let rows = compared.comparison.rows.iter().zip(labels(compared));
    html! {
        div.scroll role="region" aria-labelledby=(heading) tabindex="0" {
            table {
                caption { (caption) }
                thead { tr {
                    @for head in ["transport", "figure", "A", "B", "B / A", "p", "verdict"] {
                        th scope="col" { (head) }
                    }
                } }
                tbody {
                    @for (row, label) in rows {
                        @for figure in row.figures.iter().filter(|figure| wanted(figure)) {
                            (line(row, &label, figure))
                        }
                    }
                }
            }
        }
    }
}

fn line(row: &RowComparison, label: &str, figure: &FigureComparison) -> Markup {
    let swatch = format!(
        "background:var(--c-{})",
        transport_colour(row.transport).name
    );
    html! {
        tr {
            th scope="row" { span.swatch style=(swatch) aria-hidden="true" {} bdi { (label) } }
            td { (figure.label()) }
            td { (value(figure, figure.a)) }
            td { (value(figure, figure.b)) }
            td { (ratio(figure)) }
            td { (p(figure)) }
            td.bad[figure.finding == Finding::Worse] { (figure.verdict()) }
        }
    }
}
