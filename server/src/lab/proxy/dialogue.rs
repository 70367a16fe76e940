//! What the two directions of a connection tell each other: what was asked and is not answered yet,
//! and whether both have left HTTP.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Default)]
pub struct Dialogue {
    /// Per request, whether it was a HEAD.
    asked: Mutex<VecDeque<bool>>,
    switched: AtomicBool,
}

impl Dialogue {
    pub fn asked(&self, head: bool) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.push_back(head);
    }

    /// The oldest request has its answer; whether it was a HEAD.
    pub fn answered(&self) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.pop_front().unwrap_or(false)
    }

    /// Another protocol is spoken from here on.
    pub fn switch(&self) {
        self.switched.store(true, Ordering::SeqCst);
    }

    pub fn has_switched(&self) -> bool {
        self.switched.load(Ordering::SeqCst)
    }
}
