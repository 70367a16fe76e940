//! What one subscriber has received of each publisher: exactly which events are missing, came twice
//! or came late. Pure; its memory grows with the holes, not with the events.

use std::ops::Range;

/// How an event relates to those that came before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// In order, or after a hole that it opens.
    New,
    /// Fills a hole: out of order, and no longer missing.
    Late,
    Duplicate,
}

/// Publishers in ascending order; most subscribers have one or a few.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    tracks: Vec<Track>,
}

#[derive(Clone, Debug)]
struct Track {
    publisher: u32,
    /// All below were received but those in `holes`.
    next: u32,
    /// Ascending, not empty, not touching.
    holes: Vec<Range<u32>>,
}

impl Ledger {
    pub fn receive(&mut self, publisher: u32, sequence: u32) -> Arrival {
        let at = match self.find(publisher) {
            Ok(at) => at,
            Err(at) => {
                let track = Track {
                    publisher,
                    next: 0,
                    holes: Vec::new(),
                };
                self.tracks.reserve_exact(1);
                self.tracks.insert(at, track);
                at
            }
        };
        self.tracks[at].receive(sequence)
    }

    fn find(&self, publisher: u32) -> Result<usize, usize> {
        self.tracks
            .binary_search_by_key(&publisher, |track| track.publisher)
    }

    /// Of the sequences `0..sent` of a publisher, those that were not received.
    pub fn missing(&self, publisher: u32, sent: u32) -> impl Iterator<Item = u32> {
        let track = self.find(publisher).ok().map(|at| &self.tracks[at]);
        let next = track.map_or(0, |track| track.next);
        let holes = track.map_or(&[][..], |track| &track.holes);
        holes
            .iter()
            .cloned()
            .flatten()
            .take_while(move |sequence| *sequence < sent)
            .chain(next..sent.max(next))
    }
}

impl Track {
    fn receive(&mut self, sequence: u32) -> Arrival {
        if sequence >= self.next {
            if sequence > self.next {
                self.holes.push(self.next..sequence);
            }
            self.next = sequence.saturating_add(1);
            return Arrival::New;
        }
        let at = self.holes.partition_point(|hole| hole.end <= sequence);
        match self.holes.get(at).cloned() {
            Some(hole) if hole.contains(&sequence) => {
                let left = hole.start..sequence;
                let right = sequence + 1..hole.end;
                let rest = [left, right].into_iter().filter(|part| !part.is_empty());
                self.holes.splice(at..=at, rest);
                Arrival::Late
            }
            _ => Arrival::Duplicate,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn losses_repeats_and_swaps_are_told_apart() {
        let mut ledger = Ledger::default();
        let arrivals: Vec<_> = [0, 1, 4, 3, 3, 1, 9]
            .map(|sequence| ledger.receive(7, sequence))
            .into();
        use Arrival::{Duplicate, Late, New};
        assert_eq!(arrivals, [New, New, New, Late, Duplicate, Duplicate, New]);
        assert_eq!(
            ledger.missing(7, 12).collect::<Vec<_>>(),
            [2, 5, 6, 7, 8, 10, 11]
        );
        assert_eq!(ledger.missing(7, 6).collect::<Vec<_>>(), [2, 5]);
        assert_eq!(ledger.missing(8, 2).collect::<Vec<_>>(), [0, 1]);
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_set_of_all_that_came(
            events in proptest::collection::vec((0u32..4, 0u32..60), 0..400)
        ) {
            let mut ledger = Ledger::default();
            let mut seen: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
            for (publisher, sequence) in events {
                let set = seen.entry(publisher).or_default();
                let expected = if set.contains(&sequence) {
                    Arrival::Duplicate
                } else if set.iter().any(|s| *s > sequence) {
                    Arrival::Late
                } else {
                    Arrival::New
                };
                set.insert(sequence);
                prop_assert_eq!(ledger.receive(publisher, sequence), expected);
            }
            for publisher in 0..4 {
                let set = seen.remove(&publisher).unwrap_or_default();
                let missing: Vec<u32> = (0..60).filter(|s| !set.contains(s)).collect();
                prop_assert_eq!(ledger.missing(publisher, 60).collect::<Vec<_>>(), missing);
            }
        }
    }
}
