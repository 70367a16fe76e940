//! What a running trial tells a person who waits: counters that the engine writes and the display
//! reads. The display (bars on a terminal, plain lines elsewhere) never touches a measurement.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

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
