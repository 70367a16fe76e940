//! What the histories of all rooms hold together, and the most that they may. One number, moved once for
//! each event: by what the event brings less what goes for it. It knows nothing of rooms; which events go,
//! and only those of the room that is published to, is the history's choice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub struct Allowance {
    held: AtomicUsize,
    limit: usize,
}

/// The histories of all rooms hold as much as they may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    pub limit: usize,
}

impl Allowance {
    /// Of so many bytes; 0 is no limit.
    pub fn new(limit: usize) -> Arc<Allowance> {
        Arc::new(Allowance {
            held: AtomicUsize::new(0),
            limit: match limit {
                0 => usize::MAX,
                limit => limit,
            },
        })
    }

    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    pub fn spent(&self) -> Spent {
        Spent { limit: self.limit }
    }

    /// Gives back and takes at once, so that nobody else can take what is given back for this. It is
    /// granted within the limit, and also beyond it where no more is taken than given back; otherwise,
    /// how many bytes more would have to be given back.
    pub fn exchange(&self, back: usize, take: usize) -> Result<(), usize> {
        let mut lacking = 0;
        let exchange = |held: usize| {
            let after = held - back + take;
            lacking = after.saturating_sub(self.limit.max(held));
            (lacking == 0).then_some(after)
        };
        let exchanged = self
            .held
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, exchange);
        exchanged.map(drop).map_err(|_| lacking)
    }

    /// The same, whatever the limit.
    pub fn exchange_regardless(&self, back: usize, take: usize) {
        self.held
            .fetch_add(take.wrapping_sub(back), Ordering::Relaxed);
    }

    pub fn give_back(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests;
