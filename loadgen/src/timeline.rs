//! Seconds of a trial, put together from the threads'. A second that all threads have left is kept
//! as its serialised row only.

use crate::histogram::Samples;
use crate::recorder::SecondSample;
use crate::results::TimelineRow;
use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub struct Timeline {
    open: BTreeMap<i64, OpenSecond>,
    rows: Vec<TimelineRow>,
}

#[derive(Debug, Default)]
struct OpenSecond {
    deliveries: u64,
    bytes: u64,
    delivery: Samples,
}

/// Seconds that stay open for threads that are late.
const KEPT_OPEN: i64 = 3;

impl Timeline {
    pub fn add(&mut self, sample: SecondSample) {
        let second = self.open.entry(sample.second).or_default();
        second.deliveries += sample.deliveries;
        second.bytes += sample.bytes;
        second.delivery.merge(&sample.delivery);
        self.close_before(sample.second - KEPT_OPEN);
    }

    fn close_before(&mut self, second: i64) {
        let still_open = self.open.split_off(&second);
        let over = std::mem::replace(&mut self.open, still_open);
        self.rows
            .extend(over.into_iter().map(|(second, open)| open.row(second)));
    }

    /// Rows in order. A thread later than [`KEPT_OPEN`] makes a second row of the same second.
    pub fn finish(mut self) -> Vec<TimelineRow> {
        self.close_before(i64::MAX);
        self.rows.sort_by_key(|row| row.second);
        self.rows
    }
}

impl OpenSecond {
    fn row(&self, second: i64) -> TimelineRow {
        let at = |quantile| self.delivery.quantile(quantile);
        TimelineRow {
            trial: 0,
            second,
            deliveries: self.deliveries,
            p50_us: at(0.5),
            p99_us: at(0.99),
            max_us: at(1.0),
            bytes: self.bytes,
            hdr: self.delivery.coarse_hdr(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(second: i64, latency_us: i64) -> SecondSample {
        let mut delivery = Samples::default();
        delivery.record(latency_us);
        SecondSample {
            second,
            deliveries: 1,
            bytes: 10,
            delivery,
        }
    }

    #[test]
    fn threads_are_merged_and_old_seconds_closed() {
        let mut timeline = Timeline::default();
        for second in -2..100 {
            timeline.add(sample(second, 5));
            timeline.add(sample(second, 50));
            assert!(timeline.open.len() <= KEPT_OPEN as usize + 1);
        }
        let rows = timeline.finish();
        assert_eq!(rows.len(), 102);
        assert!(
            rows.iter()
                .all(|row| row.deliveries == 2 && row.bytes == 20)
        );
        assert!(rows.iter().all(|row| row.max_us == Some(50)));
        assert_eq!((rows[0].second, rows[101].second), (-2, 99));
    }
}
