//! The lab's publisher: an open loop that follows its schedule and never waits for a reader. It has a
//! thread of its own because the lab's runtime keeps time by the millisecond, which is more than a
//! WebSocket delivery on one host takes; what it is late by is told with every event.

use super::clock;
use super::messages::{Event, Publish};
use super::room::Stage;
use super::schedule;
use super::tap::Run;
use crate::frames::Draft;
use crate::publish;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What a publisher may be asked for.
pub const MAX_RATE: f64 = 1_000.0;
pub const MAX_SECONDS: f64 = 3_600.0;
/// A sequence number, its mark and the quotes fit in.
pub const MIN_PAYLOAD: usize = 16;

/// The first event's distance from the command.
const LEAD: Duration = Duration::from_millis(20);

/// A publisher at work; it stops when this is dropped.
pub struct Publisher {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Publisher {
    /// `ask` has been checked.
    pub fn start(ask: &Publish, stage: Arc<Stage>, run: Arc<Run>) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let length = Duration::from_secs_f64(ask.duration_s);
        let instants = schedule::instants(ask.arrivals, ask.rate, ask.seed, length);
        let payload = ask.payload;
        let thread = std::thread::Builder::new()
            .name("lab-publisher".to_owned())
            .spawn(move || {
                let began = Instant::now() + LEAD;
                let mut count = 0;
                for instant in instants {
                    let planned = began + instant;
                    if !wait(planned, &stopped) || !wait_until_up(&stage, &stopped) {
                        break;
                    }
                    count += 1;
                    event(&stage, &run, &draft(count, payload), planned);
                }
                run.publisher_ended(count);
            })?;
        Ok(Publisher {
            stop,
            thread: Some(thread),
        })
    }

    pub fn is_at_work(&self) -> bool {
        self.thread
            .as_ref()
            .is_some_and(|thread| !thread.is_finished())
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It is parked or within one publish: this is a matter of microseconds.
            let _ = thread.join();
        }
    }
}

/// Publishes one event and tells the run when it was sent.
pub fn event(stage: &Stage, run: &Run, draft: &Draft, planned: Instant) {
    let sent = Instant::now();
    run.published(Event {
        offset: stage.publish(draft),
        planned_ms: clock::ms(planned),
        sent_ms: clock::ms(sent),
    });
}

/// False where the publisher is to stop.
fn wait_until_up(stage: &Stage, stop: &AtomicBool) -> bool {
    loop {
        let up = stage.up();
        if Instant::now() >= up {
            return true;
        }
        if !wait(up, stop) {
            return false;
        }
    }
}

/// Until `instant`; false where the publisher is to stop.
fn wait(instant: Instant, stop: &AtomicBool) -> bool {
    loop {
        if stop.load(Ordering::Relaxed) {
            return false;
        }
        let left = instant.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return true;
        }
        std::thread::park_timeout(left);
    }
}

/// `"12;xxxx"`: `payload` bytes with the quotes.
fn draft(number: u64, payload: usize) -> Draft {
    let mut data = Vec::with_capacity(payload);
    write!(data, "\"{number};").expect("a vector takes all");
    data.resize(payload - 1, b'x');
    data.push(b'"');
    let data = String::from_utf8(data).expect("digits and letters");
    publish::trusted("tick", data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payload_is_the_length_of_the_data_with_its_quotes() {
        for payload in [MIN_PAYLOAD, 128, 65_536] {
            assert_eq!(draft(1, payload).data_json.len(), payload);
        }
        let most = (MAX_RATE * MAX_SECONDS) as u64;
        let least = draft(most, MIN_PAYLOAD).data_json;
        assert_eq!(least, r#""3600000;xxxxxx""#);
    }
}
