//! What a running trial tells a person who waits: counters that the engine writes and the display
//! reads. The display (bars on a terminal, plain lines elsewhere) never touches a measurement.

use crate::scenario::units::grouped;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// Written by `trial.rs`, read by the display, a few times a second.
#[derive(Debug, Default)]
pub struct Live {
    phase: AtomicU8,
    pub connected: AtomicU64,
    pub ready: AtomicU64,
    /// Events sent × subscribers of their rooms, so far.
    pub expected: AtomicU64,
    pub delivered: AtomicU64,
    /// Delivery latency so far, measure window only; 0 = none yet.
    pub p99_us: AtomicU64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, strum::FromRepr, strum::Display)]
#[strum(serialize_all = "kebab-case")]
#[repr(u8)]
pub enum Phase {
    #[default]
    Starting,
    Connecting,
    Probing,
    WarmingUp,
    Measuring,
    Draining,
    Closing,
}

impl Live {
    pub fn phase(&self) -> Phase {
        Phase::from_repr(self.phase.load(Ordering::Relaxed)).unwrap_or_default()
    }

    pub fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }
}

/// How progress is shown. It costs, so it draws from a thread of its own,
/// at most five times a second, and not at all where nobody asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Display {
    Off,
    /// A line when a trial starts and ends, and every two seconds between.
    Lines,
    Bars {
        color: bool,
    },
}

const BAR_PERIOD: Duration = Duration::from_millis(200);
const LINE_PERIOD: Duration = Duration::from_secs(2);

impl Display {
    /// Bars where a person looks at a terminal, lines elsewhere.
    pub fn choose(off: bool, color: bool) -> Display {
        let in_ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
        match (off, std::io::stderr().is_terminal() && !in_ci) {
            (true, _) => Display::Off,
            (false, true) => Display::Bars { color },
            (false, false) => Display::Lines,
        }
    }

    /// Shows `live` until [`Watch::end`]; `headline` says which trial it is.
    pub fn begin(self, headline: String, estimate: Duration, live: Arc<Live>) -> Watch {
        let (stop, stopped) = mpsc::channel();
        let title = headline.clone();
        let thread = match self {
            Display::Off => None,
            Display::Lines => {
                eprintln!("{headline}");
                Some(thread::spawn(move || lines(&title, &live, &stopped)))
            }
            Display::Bars { color } => {
                let bar = bar(estimate, color);
                Some(thread::spawn(move || redraw(&bar, &title, &live, &stopped)))
            }
        };
        Watch {
            headline,
            stop,
            thread,
        }
    }
}

/// A trial on display.
pub struct Watch {
    headline: String,
    stop: mpsc::Sender<()>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Watch {
    /// Takes the display down and leaves one line with what came of it.
    pub fn end(self, outcome: &str) {
        let Some(thread) = self.thread else {
            return;
        };
        // The thread also ends by itself when the sender is gone.
        drop(self.stop);
        if thread.join().is_err() {
            tracing::warn!("the progress display failed");
        }
        eprintln!("{} · {outcome}", self.headline);
    }
}

fn bar(estimate: Duration, color: bool) -> ProgressBar {
    let template = if color {
        "{bar:20.cyan} {wide_msg}"
    } else {
        "{bar:20} {wide_msg}"
    };
    let style = ProgressStyle::with_template(template).expect("the template is well formed");
    let target = ProgressDrawTarget::stderr_with_hz(5);
    ProgressBar::with_draw_target(Some(estimate.as_millis() as u64), target).with_style(style)
}

fn redraw(bar: &ProgressBar, headline: &str, live: &Live, stopped: &mpsc::Receiver<()>) {
    let start = Instant::now();
    while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(BAR_PERIOD) {
        let elapsed = start.elapsed().as_millis() as u64;
        bar.set_position(elapsed.min(bar.length().unwrap_or(0)));
        bar.set_message(format!("{headline} · {}", live.line()));
    }
    bar.finish_and_clear();
}

fn lines(headline: &str, live: &Live, stopped: &mpsc::Receiver<()>) {
    while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(LINE_PERIOD) {
        eprintln!("{headline} · {}", live.line());
    }
}

impl Live {
    /// `measuring · connected 500 · delivered 12,345 of 12,400 · p99 1.2 ms`. What has not come yet
    /// may be under way: only the end of a trial knows what is lost.
    fn line(&self) -> String {
        let count = |counter: &AtomicU64| grouped(counter.load(Ordering::Relaxed));
        let mut line = format!("{} · connected {}", self.phase(), count(&self.connected));
        if self.expected.load(Ordering::Relaxed) > 0 {
            let (delivered, expected) = (count(&self.delivered), count(&self.expected));
            line.push_str(&format!(" · delivered {delivered} of {expected}"));
        }
        match self.p99_us.load(Ordering::Relaxed) {
            0 => {}
            microseconds => line.push_str(&format!(" · p99 {}", milliseconds(microseconds))),
        }
        line
    }
}

/// `1.2 ms`, `140 ms`.
pub fn milliseconds(microseconds: u64) -> String {
    match microseconds {
        0..100_000 => format!("{:.1} ms", microseconds as f64 / 1000.0),
        _ => format!("{:.0} ms", microseconds as f64 / 1000.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_known() {
        let live = Live::default();
        assert_eq!(live.line(), "starting · connected 0");
        live.enter(Phase::Measuring);
        live.connected.store(500, Ordering::Relaxed);
        live.expected.store(12_400, Ordering::Relaxed);
        live.delivered.store(12_345, Ordering::Relaxed);
        live.p99_us.store(1_234, Ordering::Relaxed);
        assert_eq!(
            live.line(),
            "measuring · connected 500 · delivered 12,345 of 12,400 · p99 1.2 ms"
        );
    }

    #[test]
    fn a_display_that_is_off_has_no_thread() {
        let watch = Display::Off.begin("x".to_owned(), Duration::ZERO, Arc::default());
        assert!(watch.thread.is_none());
        watch.end("done");
    }
}
