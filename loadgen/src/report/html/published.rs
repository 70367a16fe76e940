//! The published table of a run: what was printed, the model, what was measured, and what must be
//! said about the source.

use super::super::tables::{HEADS, Table, cells};
use crate::results::Results;
use maud::{Markup, html};

pub(super) fn section(results: &Results) -> Markup {
    html! {
        @if let Some(table) = Table::of(results) {
            section aria-labelledby="published" {
                h2 #published { "Published, model, measured" }
                div.scroll role="region" aria-labelledby="published" tabindex="0" {
                    table {
                        caption {
                            (table.source) ". Measured is judged against the model, within the tolerance \
                             beside it."
                        }
                        thead { tr { @for head in HEADS { th scope="col" { (head) } } } }
                        tbody { @for row in table.rows { tr {
                            @for (at, cell) in cells(row).into_iter().enumerate() {
                                @if at == 0 { th scope="row" { (cell) } }
                                @else if at == 6 { td.bad[row.within == Some(false)] { (cell) } }
                                @else { td { (cell) } }
                            }
                        } } }
                    }
                }
                ol { @for note in table.footnotes { li { (note) } } }
            }
        }
    }
}
