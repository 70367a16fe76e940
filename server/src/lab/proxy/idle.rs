//! When a connection carried its last byte, and how a box on the way cuts one that was idle for too
//! long: nginx after 60 s (`proxy_read_timeout`) with FIN to both ends, a NAT or firewall by
//! forgetting it, which nobody is told (see `silence.rs`).

use super::changed;
use super::settings::{Settings, milliseconds};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// When the last byte was read, from either end.
pub struct Pulse(Mutex<Instant>);

impl Pulse {
    pub fn new(opened: Instant) -> Pulse {
        Pulse(Mutex::new(opened))
    }

    pub fn beat(&self, now: Instant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends when the connection has been idle for longer than the settings of the moment allow.
pub async fn for_too_long(pulse: &Pulse, mut settings: watch::Receiver<Settings>) {
    loop {
        let limit: Option<Duration> =
            (settings.borrow_and_update().trouble.idle_cut_ms).map(milliseconds);
        let Some(limit) = limit else {
            changed(&mut settings).await;
            continue;
        };
        let due = pulse.last() + limit;
        if due <= Instant::now() {
            return;
        }
        tokio::select! {
            () = sleep_until(due) => {}
            () = changed(&mut settings) => {}
        }
    }
}
