//! The rows of a published table as text, the same for a terminal, for Markdown and for a page.

use super::format::ABSENT;
use crate::published::PublishedTable;
use crate::results::{PublishedRow, Quoted, Results};

pub(super) const HEADS: [&str; 7] = [
    "case",
    "figure",
    "unit",
    "published",
    "model",
    "measured",
    "within",
];

/// A table of a run, if its scenario replays one.
pub(super) struct Table<'a> {
    pub(super) source: &'static str,
    pub(super) footnotes: &'static [&'static str],
    pub(super) rows: &'a [PublishedRow],
}

impl<'a> Table<'a> {
    pub(super) fn of(results: &'a Results) -> Option<Table<'a>> {
        let table = PublishedTable::of(results)?;
        Some(Table {
            source: table.source(),
            footnotes: table.footnotes(),
            rows: &results.published,
        })
    }
}

/// In the order of [`HEADS`].
pub(super) fn cells(row: &PublishedRow) -> [String; 7] {
    let absent = || ABSENT.to_owned();
    let published = match &row.published {
        Some(Quoted::Number(number)) => plain(*number),
        Some(Quoted::Words(words)) => words.clone(),
        None => absent(),
    };
    let model = match (row.model, row.tolerance) {
        (Some(model), Some(tolerance)) => format!("{} ± {}", plain(model), plain(tolerance)),
        (Some(model), None) => plain(model),
        (None, _) => absent(),
    };
    let figure = match &row.note {
        Some(note) => format!("{} ({note})", row.figure),
        None => row.figure.clone(),
    };
    [
        row.case.clone(),
        figure,
        row.unit.clone(),
        published,
        model,
        row.measured.map_or_else(absent, plain),
        verdict(row).to_owned(),
    ]
}

pub(super) fn verdict(row: &PublishedRow) -> &'static str {
    match row.within {
        Some(true) => "yes",
        Some(false) => "no",
        None if row.tolerance.is_some() => "not measured",
        None => "not judged",
    }
}

/// Whole bytes whole, other figures to four digits and with one decimal at least.
fn plain(number: f64) -> String {
    let magnitude = number.abs();
    let decimals = match magnitude {
        _ if number.fract() == 0.0 => 0,
        m if m >= 100.0 => 1,
        m if m >= 10.0 => 2,
        m if m >= 1.0 => 3,
        _ => 4,
    };
    let text = format!("{number:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_as_long_as_they_must_be() {
        for (number, text) in [
            (909.0, "909"),
            (696.8, "696.8"),
            (7.272, "7.272"),
            (0.016, "0.016"),
            (454.5, "454.5"),
            (1e4 / 60.0, "166.7"),
            (98.0, "98"),
        ] {
            assert_eq!(plain(number), text);
        }
    }

    #[test]
    fn a_row_says_whether_it_was_judged() {
        let row = || {
            PublishedRow::new("A", "headers", "B")
                .published(871.0)
                .model(909.0)
        };
        let judged = row().measured(Some(909.0)).within(0.0).note("exact");
        assert_eq!(
            cells(&judged),
            ["A", "headers (exact)", "B", "871", "909 ± 0", "909", "yes"]
        );
        assert_eq!(verdict(&row().measured(Some(910.0)).within(0.0)), "no");
        assert_eq!(verdict(&row().within(0.0)), "not measured");
        assert_eq!(verdict(&row().quoted("over three")), "not judged");
    }
}
