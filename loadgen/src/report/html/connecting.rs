//! How long connecting took, and the parts of it by Socket.IO; only where that was measured.

use super::super::format::{ABSENT, duration};
use super::super::rows::Row;
use super::row_head;
use maud::{Markup, html};

const COLUMNS: [(&str, &str); 8] = [
    ("connect p50", "connect_p50_us"),
    ("connect p99", "connect_p99_us"),
    ("handshake p50", "connect_handshake_p50_us"),
    ("handshake p99", "connect_handshake_p99_us"),
    ("CONNECT p50", "connect_namespace_p50_us"),
    ("CONNECT p99", "connect_namespace_p99_us"),
    ("upgrade p50", "connect_upgrade_p50_us"),
    ("upgrade p99", "connect_upgrade_p99_us"),
];

pub(super) fn section(rows: &[Row<'_>]) -> Markup {
    let has_parts = |row: &Row<'_>| row.figure("connect_handshake_p50_us").is_some();
    if !rows.iter().any(has_parts) {
        return html! {};
    }
    html! {
        h2 #connecting { "Connecting" }
        div.scroll role="region" aria-labelledby="connecting" tabindex="0" {
            table {
                caption {
                    "From the start of a connection until its client can hear a room, medians over \
                     valid repeats. Of Socket.IO: until its session is open, until CONNECT is \
                     answered, and how long the WebSocket took that is tried out beside all that."
                }
                thead { tr {
                    th scope="col" { "transport" }
                    @for (head, _) in COLUMNS { th scope="col" { (head) } }
                } }
                tbody { @for row in rows { (line(row)) } }
            }
        }
    }
}

fn line(row: &Row<'_>) -> Markup {
    let time = |figure: &str| {
        let median = row.figure(figure).map(|figure| figure.median);
        median.map_or_else(|| ABSENT.to_string(), duration)
    };
    html! {
        tr {
            (row_head(row))
            @for (_, figure) in COLUMNS { td { (time(figure)) } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{fixture, rows};
    use super::*;

    #[test]
    fn parts_stand_where_there_are_any() {
        let mut results = fixture::every_transport();
        assert_eq!(section(&rows(&results)).into_string(), "");
        let with_parts = results.summary.last_mut().unwrap();
        let figure = with_parts.figures["latency_p50_us"];
        for (_, name) in COLUMNS {
            with_parts.figures.insert(name.to_owned(), figure);
        }
        let table = section(&rows(&results)).into_string();
        assert!(table.contains("CONNECT p50"));
        assert_eq!(table.matches("<tr>").count(), 1 + 6);
        assert!(table.matches(ABSENT).count() >= 5 * 6, "{table}");
    }
}
