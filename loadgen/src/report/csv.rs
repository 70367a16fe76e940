//! `results.csv`: one row per trial, every number of it in a column of its own, for a spreadsheet
//! or a data frame. Absent figures are empty, never 0.

use crate::results::{Distribution, Results, Trial};

type Cell = (String, String);

pub(super) fn csv(results: &Results) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    let rows: Vec<Vec<Cell>> = results.trials.iter().map(cells).collect();
    // Without a trial there is no row to take the names from.
    if let Some(first) = rows.first() {
        write(&mut writer, first.iter().map(|(name, _)| name));
    } else {
        write(&mut writer, ["name", "transport", "repeat", "valid"].iter());
    }
    for row in &rows {
        write(&mut writer, row.iter().map(|(_, value)| value));
    }
    writer
        .into_inner()
        .expect("a buffer in memory takes every byte")
}

fn write<T: AsRef<[u8]>>(writer: &mut csv::Writer<Vec<u8>>, record: impl Iterator<Item = T>) {
    writer
        .write_record(record)
        .expect("a buffer in memory takes every byte, and all rows have the same columns");
}

fn cells(trial: &Trial) -> Vec<Cell> {
    let mut cells = identity(trial);
    cells.extend(counts(trial));
    let latency = &trial.latency_us;
    cells.extend(distribution("latency", "us", &latency.delivery));
    cells.extend(distribution("uncorrected", "us", &latency.uncorrected));
    cells.extend(distribution("publish_lag", "us", &latency.publish_lag));
    cells.extend(distribution("publish_ack", "us", &latency.publish_ack));
    cells.extend(distribution("connect", "us", &latency.connect));
    let parts = latency.connect_parts.clone().unwrap_or_default();
    cells.extend(distribution("connect_handshake", "us", &parts.handshake));
    cells.extend(distribution("connect_namespace", "us", &parts.namespace));
    cells.extend(distribution("connect_upgrade", "us", &parts.upgrade));
    cells.extend(distribution("recovery", "us", &latency.recovery));
    cells.extend(bytes(trial));
    cells.extend(distribution(
        "bandwidth",
        "bytes_per_s",
        &trial.bandwidth_bytes_per_s,
    ));
    cells.extend(processes(trial));
    cells
}

fn identity(trial: &Trial) -> Vec<Cell> {
    let parameters = &trial.parameters;
    vec![
        cell("name", &trial.name),
        cell("transport", trial.transport),
        cell("repeat", trial.repeat),
        cell("valid", trial.valid),
        cell("reasons", trial.reasons.join("; ")),
        cell("clients", trial.clients),
        cell("rooms", parameters.rooms),
        cell("rate_per_s", parameters.rate),
        cell("payload_bytes", parameters.payload),
        optional("interval_s", parameters.interval_s),
        optional("hold_s", parameters.hold_s),
        cell("window_s", trial.window_s),
    ]
}

fn counts(trial: &Trial) -> Vec<Cell> {
    let classes = trial
        .errors
        .iter()
        .map(|(class, count)| format!("{class}={count}"));
    vec![
        cell("published", trial.published),
        cell("expected", trial.expected),
        cell("delivered", trial.delivered),
        cell("lost", trial.lost),
        cell("duplicated", trial.duplicated),
        cell("repeated", trial.repeated),
        cell("out_of_order", trial.out_of_order),
        cell("missed", trial.missed),
        cell("reconnects", trial.reconnects),
        cell("away", trial.away),
        cell("errors", trial.errors.values().sum::<u64>()),
        cell("errors_by_class", classes.collect::<Vec<_>>().join("; ")),
        cell("requests", trial.requests),
        cell("empty_responses", trial.empty_responses),
        cell("window_deliveries", trial.window_deliveries),
    ]
}

fn distribution(name: &str, unit: &str, values: &Distribution) -> Vec<Cell> {
    vec![
        cell(format!("{name}_count"), values.count),
        cell(format!("{name}_negative"), values.negative),
        optional(format!("{name}_min_{unit}"), values.min),
        optional(format!("{name}_mean_{unit}"), values.mean),
        optional(format!("{name}_p50_{unit}"), values.p50),
        optional(format!("{name}_p75_{unit}"), values.p75),
        optional(format!("{name}_p90_{unit}"), values.p90),
        optional(format!("{name}_p95_{unit}"), values.p95),
        optional(format!("{name}_p99_{unit}"), values.p99),
        optional(format!("{name}_p999_{unit}"), values.p999),
        optional(format!("{name}_max_{unit}"), values.max),
    ]
}

fn bytes(trial: &Trial) -> Vec<Cell> {
    let bytes = &trial.bytes;
    let mut cells = vec![
        cell("bytes_up", bytes.up),
        cell("bytes_down", bytes.down),
        optional("bytes_ip_up", bytes.ip_up),
        optional("bytes_ip_down", bytes.ip_down),
        cell("bytes_publish_up", bytes.publish.up),
        cell("bytes_publish_down", bytes.publish.down),
        optional("bytes_per_delivery", bytes.per_delivery),
    ];
    let kinds = bytes.by_kind.entries();
    cells.extend(kinds.map(|(kind, bytes)| cell(format!("bytes_{kind}"), bytes)));
    let split = bytes.per_delivery_by_kind.as_ref();
    cells.extend(kinds.map(|(kind, _)| {
        let value = split.and_then(|split| split.get(kind));
        optional(format!("bytes_per_delivery_{kind}"), value)
    }));
    cells
}

fn processes(trial: &Trial) -> Vec<Cell> {
    let (server, generator) = (&trial.server, &trial.generator);
    vec![
        optional("server_cpu_s", server.cpu_s),
        optional("server_cpu_s_per_million", server.cpu_s_per_million),
        optional("server_rss_start_bytes", server.rss_start),
        optional("server_rss_ready_bytes", server.rss_ready),
        optional("server_rss_per_connection_bytes", server.rss_per_connection),
        optional("server_threads", server.threads),
        optional("server_context_switches", server.context_switches),
        optional("server_bytes_rx", server.bytes_rx),
        optional("server_bytes_tx", server.bytes_tx),
        optional("generator_cpu_s", generator.cpu_s),
        optional("generator_cpu_s_per_million", generator.cpu_s_per_million),
        optional("generator_rss_start_bytes", generator.rss_start),
        optional("generator_rss_ready_bytes", generator.rss_ready),
        optional("generator_rss_per_client_bytes", generator.rss_per_client),
        cell("generator_threads", generator.threads),
    ]
}

fn cell(name: impl Into<String>, value: impl ToString) -> Cell {
    (name.into(), value.to_string())
}

fn optional(name: impl Into<String>, value: Option<impl ToString>) -> Cell {
    cell(
        name,
        value.map(|value| value.to_string()).unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    fn read(bytes: &[u8]) -> Vec<csv::StringRecord> {
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(bytes);
        reader.records().collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn a_row_per_trial_and_a_column_per_figure() {
        let mut results = fixture::every_transport();
        results.trials[0].name = "a, \"quoted\"\nname".to_string();
        let records = read(&csv(&results));
        assert_eq!(records.len(), 1 + results.trials.len());
        let header: Vec<&str> = records[0].iter().collect();
        let opening = [
            "name",
            "transport",
            "repeat",
            "valid",
            "reasons",
            "clients",
            "rooms",
        ];
        assert_eq!(header[..7], opening);
        let column = |name: &str| header.iter().position(|found| *found == name).unwrap();
        let expected = results.trials[1]
            .latency_us
            .delivery
            .p99
            .unwrap()
            .to_string();
        assert_eq!(&records[2][column("latency_p99_us")], expected);
        assert_eq!(&records[1][0], "a, \"quoted\"\nname");
        assert_eq!(&records[1][column("server_threads")], "");
    }

    #[test]
    fn no_trial_leaves_the_header() {
        assert_eq!(csv(&fixture::nothing()), b"name,transport,repeat,valid\r\n");
    }
}
