//! What the histories of all rooms hold together, and what they may. One number, moved once for each event:
//! by what the event brings less what goes for it. Beyond the limit it calls for somebody who takes from the
//! largest, and grants an eighth more until that is done. It knows nothing of rooms; which events go is the
//! choice of the hub, and of the history that is published to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Notify;

pub struct Allowance {
    held: AtomicUsize,
    limit: usize,
    /// What is granted while the largest have not given yet.
    most: usize,
    beyond: Notify,
}

/// The histories of all rooms hold as much as they may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent {
    pub limit: usize,
}

impl Allowance {
    /// Of so many bytes; 0 is no limit.
    pub fn new(limit: usize) -> Arc<Allowance> {
        let limit = match limit {
            0 => usize::MAX,
            limit => limit,
        };
        Arc::new(Allowance {
            held: AtomicUsize::new(0),
            limit,
            most: limit.saturating_add(limit / 8),
            beyond: Notify::new(),
        })
    }

    pub fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    pub fn spent(&self) -> Spent {
        Spent { limit: self.limit }
    }

    /// When more is held than the limit.
    pub async fn wait_beyond(&self) {
        self.beyond.notified().await;
    }

    /// How much is to be given back: a little more than what is beyond the limit, so that it is not for
    /// each event that somebody looks for the largest.
    pub fn excess(&self) -> usize {
        match self.held() {
            held if held <= self.limit => 0,
            held => held - (self.limit - self.limit / 64),
        }
    }

    fn call_beyond(&self, held: usize) {
        if held > self.limit {
            self.beyond.notify_one();
        }
    }

    /// Gives back and takes at once, so that nobody else can take what is given back for this. It is
    /// granted within an eighth more than the limit, and also beyond it where no more is taken than given
    /// back; otherwise, how many bytes more would have to be given back.
    pub fn exchange(&self, back: usize, take: usize) -> Result<(), usize> {
        let mut lacking = 0;
        let exchange = |held: usize| {
            let after = held - back + take;
            lacking = after.saturating_sub(self.most.max(held));
            (lacking == 0).then_some(after)
        };
        let exchanged = self
            .held
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, exchange);
        self.call_beyond(exchanged.map_or_else(|held| held, |before| before - back + take));
        exchanged.map(drop).map_err(|_| lacking)
    }

    /// The same, whatever the limit.
    pub fn exchange_regardless(&self, back: usize, take: usize) {
        let change = take.wrapping_sub(back);
        let before = self.held.fetch_add(change, Ordering::Relaxed);
        self.call_beyond(before.wrapping_add(change));
    }

    pub fn give_back(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// What each may keep, so that those who have more give `excess` together, the largest first; 0 if all is
/// not enough.
pub fn measure(mut spares: Vec<usize>, excess: usize) -> usize {
    spares.sort_unstable_by(|one, other| other.cmp(one));
    let mut sum = 0;
    for (index, spare) in spares.iter().enumerate() {
        sum += spare;
        let next = spares.get(index + 1).copied().unwrap_or(0);
        if sum - (index + 1) * next >= excess {
            return (sum - excess) / (index + 1);
        }
    }
    0
}

#[cfg(test)]
mod tests;
