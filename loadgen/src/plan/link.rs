//! The line between a client and the server as one trial has it, and how long an exchange over it
//! may take at most, by which patience is measured. Pure.

use crate::scenario::LinkEntry;
use std::time::Duration;

/// Emulated in the client; none by default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LinkPlan {
    /// Time there and back; half of it each way.
    pub rtt: Duration,
    /// Most that one way is longer or shorter; at most half of the rtt.
    pub jitter: Duration,
    /// Of one client each way; `None` = without limit.
    pub bytes_per_s: Option<u64>,
    pub stall: Option<StallPlan>,
}

/// The line carries nothing for `lasts` in each `every`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StallPlan {
    pub every: Duration,
    pub lasts: Duration,
}

impl LinkPlan {
    /// One for each round trip that a filled-in `[link]` has.
    pub(super) fn all_of(entry: Option<&LinkEntry>) -> Vec<LinkPlan> {
        let Some(entry) = entry else {
            return vec![LinkPlan::default()];
        };
        (entry.rtts().into_iter())
            .map(|rtt| LinkPlan {
                rtt,
                jitter: entry.jitter.map_or(Duration::ZERO, |jitter| jitter.0),
                bytes_per_s: (entry.bandwidth).map(|bandwidth| bandwidth.bytes_per_s),
                stall: (entry.stall).map(|stall| StallPlan {
                    every: stall.every.0,
                    lasts: stall.lasts.0,
                }),
            })
            .collect()
    }

    /// Clients are connected as if there were no line.
    pub fn is_none(&self) -> bool {
        *self == LinkPlan::default()
    }

    /// The longest that `bytes` there and as many back take on a line that carries nothing else.
    pub fn exchange(&self, bytes: usize) -> Duration {
        let one_way = self.rtt / 2 + self.jitter;
        let carried =
            (self.bytes_per_s).map_or(0.0, |bytes_per_s| bytes as f64 / bytes_per_s as f64);
        let stalled = self.stall.map_or(Duration::ZERO, |stall| stall.lasts);
        (one_way + Duration::from_secs_f64(carried) + stalled) * 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exchange_pays_for_all_that_the_line_does() {
        let ms = Duration::from_millis;
        assert!(LinkPlan::default().is_none());
        assert_eq!(LinkPlan::default().exchange(5_000), Duration::ZERO);
        let line = LinkPlan {
            rtt: ms(100),
            jitter: ms(10),
            bytes_per_s: Some(1_000),
            stall: Some(StallPlan {
                every: ms(5_000),
                lasts: ms(500),
            }),
        };
        assert_eq!(line.exchange(250), ms(100 + 20 + 500 + 1_000));
    }
}
