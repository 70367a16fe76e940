//! What one thread has measured: histograms, counts and errors, no single sample. Each second of
//! receipts is handed on when it is over, so that memory does not grow with time.

use crate::histogram::Samples;
use crate::results::Exchanges;
use crate::table::{Event, Table};
use crate::totals::Totals;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// What is left when a thread ends.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    pub delivery: Samples,
    pub uncorrected: Samples,
    pub publish_lag: Samples,
    pub publish_ack: Samples,
    pub connect: Samples,
    pub recovery: Samples,
    /// Parts of Socket.IO's connecting.
    pub handshake: Samples,
    pub upgrade: Samples,
    pub entry: Samples,
    pub bandwidth: Samples,
    /// How late the thread's own ticks were.
    pub tick_lag: Samples,
    /// How late the pacer woke, where nothing but the clock was waited for.
    pub wake_lag: Samples,
    /// Receipt − intended publish of events that came without a socket.
    pub control: Samples,
    pub errors: BTreeMap<String, u64>,
    /// First receipts of events of the measure window.
    pub delivered: u64,
    pub duplicated: u64,
    /// Receipts of a value that was known, where the current value is asked for.
    pub repeated: u64,
    pub out_of_order: u64,
    pub missed: u64,
    pub reconnects: u64,
    /// Clients that were never back from a loss.
    pub away: u64,
    pub exchanges: Exchanges,
}

/// One second of one thread.
#[derive(Debug)]
pub struct SecondSample {
    /// From the opening of the measure window.
    pub second: i64,
    pub deliveries: u64,
    pub bytes: u64,
    pub delivery: Samples,
}

pub struct Recorder {
    table: Arc<Table>,
    totals: Arc<Totals>,
    recording: Recording,
    seconds: mpsc::UnboundedSender<SecondSample>,
    second: Option<i64>,
    current: Samples,
    deliveries: u64,
    bytes: u64,
}

impl Recorder {
    pub fn new(
        table: Arc<Table>,
        totals: Arc<Totals>,
        seconds: mpsc::UnboundedSender<SecondSample>,
    ) -> Self {
        Recorder {
            table,
            totals,
            recording: Recording::default(),
            seconds,
            second: None,
            current: Samples::default(),
            deliveries: 0,
            bytes: 0,
        }
    }

    /// First receipt of an event, at `now_ns` of the table's clock.
    pub fn delivered(&mut self, event: &Event, now_ns: i64) {
        self.totals.delivered();
        let Some(intended_ns) = self.table.intended_ns(event) else {
            return;
        };
        self.turn(now_ns);
        let latency_ns = now_ns - intended_ns;
        self.deliveries += 1;
        self.current.record_ns(latency_ns);
        if self.table.in_window(event) {
            self.recording.delivered += 1;
            self.recording.delivery.record_ns(latency_ns);
            self.recording
                .uncorrected
                .record_ns(now_ns - event.sent_ns());
        }
    }

    pub fn duplicated(&mut self) {
        self.recording.duplicated += 1;
    }

    pub fn repeated(&mut self) {
        self.recording.repeated += 1;
    }

    pub fn out_of_order(&mut self) {
        self.recording.out_of_order += 1;
    }

    pub fn missed(&mut self, events: u64) {
        self.recording.missed += events;
    }

    pub fn reconnected(&mut self, after: Duration) {
        self.recording.reconnects += 1;
        self.recording.recovery.record_ns(after.as_nanos() as i64);
    }

    pub fn returned(&mut self) {
        self.recording.reconnects += 1;
    }

    pub fn connected(&mut self, after: Duration) {
        self.recording.connect.record_ns(after.as_nanos() as i64);
    }

    pub fn shaken_hands(&mut self, after: Duration) {
        self.recording.handshake.record_ns(after.as_nanos() as i64);
    }

    pub fn upgraded(&mut self, after: Duration) {
        self.recording.upgrade.record_ns(after.as_nanos() as i64);
    }

    pub fn entered(&mut self, after: Duration) {
        self.recording.entry.record_ns(after.as_nanos() as i64);
    }

    pub fn error(&mut self, class: impl Into<String>) {
        *self.recording.errors.entry(class.into()).or_default() += 1;
    }

    /// An event is being sent.
    pub fn sent(&mut self, event: &Event, now_ns: i64) {
        if let (true, Some(intended_ns)) =
            (self.table.in_window(event), self.table.intended_ns(event))
        {
            self.recording.publish_lag.record_ns(now_ns - intended_ns);
        }
    }

    pub fn acknowledged(&mut self, event: &Event, now_ns: i64) {
        if self.table.in_window(event) {
            self.recording
                .publish_ack
                .record_ns(now_ns - event.sent_ns());
        }
    }

    pub fn controlled(&mut self, event: &Event, now_ns: i64) {
        if let (true, Some(intended_ns)) =
            (self.table.in_window(event), self.table.intended_ns(event))
        {
            self.recording.control.record_ns(now_ns - intended_ns);
        }
    }

    pub fn bandwidth(&mut self, bytes_per_s: u64) {
        let bytes = i64::try_from(bytes_per_s).unwrap_or(i64::MAX);
        self.recording.bandwidth.record(bytes);
    }

    pub fn ticked(&mut self, late: Duration) {
        self.recording.tick_lag.record_ns(late.as_nanos() as i64);
    }

    pub fn woke(&mut self, late: Duration) {
        self.recording.wake_lag.record_ns(late.as_nanos() as i64);
    }

    /// Hands the last second on if `now_ns` lies in another.
    pub fn turn(&mut self, now_ns: i64) {
        let second = self.table.second(now_ns);
        if second != self.second {
            self.flush();
            self.second = second;
        }
    }

    fn flush(&mut self) {
        let bytes = self.totals.bytes();
        let since = bytes - std::mem::replace(&mut self.bytes, bytes);
        let Some(second) = self.second else {
            return;
        };
        // The collector may be gone when a trial is given up; the totals stay right.
        let _ = self.seconds.send(SecondSample {
            second,
            deliveries: std::mem::take(&mut self.deliveries),
            bytes: since,
            delivery: std::mem::take(&mut self.current),
        });
    }

    /// For the display, a few times a second.
    pub fn show_p99(&self) {
        if let Some(p99) = self.recording.delivery.quantile(0.99) {
            self.totals.set_p99_us(u64::try_from(p99).unwrap_or(0));
        }
    }

    pub fn finish(&mut self) -> Recording {
        self.turn(self.table.ns(Instant::now()));
        self.flush();
        self.second = None;
        std::mem::take(&mut self.recording)
    }
}

impl Recording {
    pub fn merge(&mut self, other: Recording) {
        let pairs = [
            (&mut self.delivery, &other.delivery),
            (&mut self.uncorrected, &other.uncorrected),
            (&mut self.publish_lag, &other.publish_lag),
            (&mut self.publish_ack, &other.publish_ack),
            (&mut self.connect, &other.connect),
            (&mut self.recovery, &other.recovery),
            (&mut self.handshake, &other.handshake),
            (&mut self.upgrade, &other.upgrade),
            (&mut self.entry, &other.entry),
            (&mut self.bandwidth, &other.bandwidth),
            (&mut self.tick_lag, &other.tick_lag),
            (&mut self.wake_lag, &other.wake_lag),
            (&mut self.control, &other.control),
        ];
        for (own, others) in pairs {
            own.merge(others);
        }
        for (class, count) in other.errors {
            *self.errors.entry(class).or_default() += count;
        }
        self.delivered += other.delivered;
        self.duplicated += other.duplicated;
        self.repeated += other.repeated;
        self.exchanges.add(other.exchanges);
        self.out_of_order += other.out_of_order;
        self.missed += other.missed;
        self.reconnects += other.reconnects;
        self.away += other.away;
    }
}
