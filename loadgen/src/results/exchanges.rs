//! Whole exchanges of a trial, counted to the byte at the client's sockets, from first connect to last
//! close: a poll with its answer, or a data frame that a WebSocket receives (its greeting is none). A
//! stream has no exchange. Unlike bytes over deliveries, no edge of a window cuts through them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Exchanges {
    /// Both heads of a poll, or a frame's header.
    pub header_bytes: Spread,
    /// Those that brought an event, heads and bodies and all.
    pub with_event_bytes: Spread,
}

/// How many there were, and how large.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Spread {
    pub count: u64,
    pub total: u64,
    pub least: Option<u64>,
    pub most: Option<u64>,
}

impl Exchanges {
    pub fn note(&mut self, header_bytes: u64, bytes: u64, with_event: bool) {
        self.header_bytes.add(Spread::one(header_bytes));
        if with_event {
            self.with_event_bytes.add(Spread::one(bytes));
        }
    }

    pub fn add(&mut self, other: Exchanges) {
        self.header_bytes.add(other.header_bytes);
        self.with_event_bytes.add(other.with_event_bytes);
    }
}

impl Spread {
    fn one(bytes: u64) -> Spread {
        Spread {
            count: 1,
            total: bytes,
            least: Some(bytes),
            most: Some(bytes),
        }
    }

    pub fn add(&mut self, other: Spread) {
        self.count += other.count;
        self.total = self.total.saturating_add(other.total);
        self.least = self.least.into_iter().chain(other.least).min();
        self.most = self.most.into_iter().chain(other.most).max();
    }

    /// Exact where all were alike.
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.total as f64 / self.count as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_keep_the_extremes() {
        let (mut one, mut two) = (Exchanges::default(), Exchanges::default());
        one.note(900, 950, true);
        one.note(910, 910, false);
        two.note(905, 2000, true);
        one.add(two);
        one.add(Exchanges::default());
        let heads = one.header_bytes;
        assert_eq!((heads.count, heads.total), (3, 2715));
        assert_eq!((heads.least, heads.most), (Some(900), Some(910)));
        assert_eq!(heads.mean(), Some(905.0));
        assert_eq!(one.with_event_bytes.count, 2);
        assert_eq!(Spread::default().mean(), None);
    }
}
