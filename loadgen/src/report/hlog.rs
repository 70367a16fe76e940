//! `latency.hlog`: delivery latencies in microseconds, one interval per row and second, in the HDR
//! interval log format that HdrHistogram's own tools read. Repeats of a row are merged.

use super::rows::{Row, rows};
use crate::merged::Merged;
use crate::results::Results;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

pub(super) fn hlog(results: &Results) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let version = format!(
        "[Logged with loadgen {}]",
        results.environment.loadgen_version
    );
    let mut log = IntervalLogWriterBuilder::new()
        .add_comment(&one_line(&version))
        .add_comment("[Histogram log format version 1.3]")
        .add_comment("Delivery latency in microseconds: receipt - intended publish.")
        .add_comment("Times are seconds from the opening of each trial's measure window;")
        .add_comment("valid repeats of a row are merged, warm-up is left out.")
        .begin_log_with(&mut bytes, &mut serializer)
        .expect("a buffer in memory takes every byte");
    for (second, tag, merged) in intervals(results) {
        let tag = Tag::new(&tag).expect("`tag` leaves no comma, space or line end");
        let start = Duration::from_secs(second);
        log.write_histogram(&merged.histogram, start, SECOND, Some(tag))
            .expect("a buffer in memory takes every byte");
    }
    bytes
}

/// In order of time, as readers of interval logs expect.
fn intervals(results: &Results) -> Vec<(u64, String, Merged)> {
    let mut intervals = Vec::new();
    for row in &rows(results) {
        for (second, parts) in row.seconds(results) {
            let merged = Merged::of_encoded(parts.iter().map(|part| part.hdr.as_str()));
            if let (Ok(second), Some(merged)) = (u64::try_from(second), merged) {
                intervals.push((second, tag(row), merged));
            }
        }
    }
    intervals.sort_by_key(|(second, _, _)| *second);
    intervals
}

/// The row's label without what the format gives a meaning.
fn tag(row: &Row<'_>) -> String {
    let plain = |c: char| match c {
        ',' | '=' | '"' => '_',
        c if c.is_whitespace() || c.is_control() => '_',
        c => c,
    };
    row.label.chars().map(plain).collect()
}

fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
    use std::collections::BTreeMap;

    #[test]
    fn reads_back_second_by_second() {
        let results = fixture::every_transport();
        let bytes = hlog(&results);
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for entry in IntervalLogIterator::new(&bytes) {
            let LogEntry::Interval(interval) = entry.unwrap() else {
                continue;
            };
            assert_eq!(interval.duration(), SECOND);
            let raw = STANDARD.decode(interval.encoded_histogram()).unwrap();
            let mut raw = raw.as_slice();
            let histogram = Deserializer::new().deserialize::<u64, _>(&mut raw).unwrap();
            let tag = interval.tag().unwrap().as_str().to_string();
            *counts.entry(tag).or_default() += histogram.len();
        }
        let mut expected: BTreeMap<String, u64> = BTreeMap::new();
        for row in results.timeline.iter().filter(|row| row.second >= 0) {
            let trial = &results.trials[row.trial];
            if trial.valid {
                let title = trial.transport.title().replace(' ', "_");
                *expected.entry(title).or_default() += row.deliveries;
            }
        }
        assert_eq!(counts, expected);
    }

    #[test]
    fn a_tag_holds_no_comma_or_space() {
        let mut results = fixture::one_trial();
        results.trials[0].name = "a b,c\n=d".to_string();
        results.summary[0].name = "a b,c\n=d".to_string();
        let text = String::from_utf8(hlog(&results)).unwrap();
        assert!(text.contains("Tag=a_b_c__d,0.000,1.000,"), "{text}");
    }
}
