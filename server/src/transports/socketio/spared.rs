//! Events of a session's own that it is not to be told of (`echo: false`): runs of offsets, asked after in
//! order. Some that have gone by are remembered, for a client that was cut reads the last events again.

use std::collections::VecDeque;

/// Runs that are ahead of the reader; of more, the session is told of the first after all.
const MAX_AHEAD: usize = 1_024;

/// Runs that are remembered after they have gone by.
const MAX_PASSED: usize = 64;

#[derive(Clone, Debug, Default)]
pub struct Spared {
    /// First and last of each.
    runs: VecDeque<(u64, u64)>,
    /// So many of them have gone by.
    passed: usize,
    /// Runs up to here are forgotten.
    forgotten: u64,
}

impl Spared {
    /// Whether the session is not to be told of this event; asked in the order of the offsets.
    pub fn holds(&mut self, offset: u64) -> bool {
        while let Some((first, last)) = self.runs.get(self.passed).copied() {
            if offset <= last {
                return offset >= first;
            }
            self.passed += 1;
        }
        self.forget();
        false
    }

    fn forget(&mut self) {
        while self.passed > MAX_PASSED
            && let Some((_, last)) = self.runs.pop_front()
        {
            self.passed -= 1;
            self.forgotten = last;
        }
    }

    /// Whether there are any after `offset`.
    pub fn any_after(&self, offset: u64) -> bool {
        self.runs.back().is_some_and(|(_, last)| *last > offset)
    }

    /// Adds an event that was not asked after yet. One that is not newer than the last was added before.
    pub fn add(&mut self, offset: u64) {
        match self.runs.back_mut() {
            Some((_, last)) if *last + 1 == offset => *last = offset,
            Some((_, last)) if *last >= offset => return,
            _ => self.runs.push_back((offset, offset)),
        }
        // The run that grew may have gone by.
        self.passed = self.passed.min(self.runs.len() - 1);
        if self.runs.len() - self.passed > MAX_AHEAD {
            self.runs.remove(self.passed);
        }
    }

    /// For one who reads again after `offset`, unless some of those are forgotten.
    pub fn again_after(mut self, offset: u64) -> Option<Spared> {
        self.passed = 0;
        (self.forgotten <= offset).then_some(self)
    }

    /// What it takes beside itself.
    pub fn bytes(&self) -> usize {
        self.runs.capacity() * size_of::<(u64, u64)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(spared: &mut Spared, offsets: impl Iterator<Item = u64>) -> Vec<u64> {
        offsets.filter(|offset| !spared.holds(*offset)).collect()
    }

    #[test]
    fn own_events_are_spared_and_no_others() {
        let mut spared = Spared::default();
        for offset in [5, 6, 6, 9] {
            spared.add(offset);
        }
        assert!(spared.any_after(8));
        assert_eq!(told(&mut spared, 4..=10), [4, 7, 8, 10]);
        assert!(!spared.any_after(10));
        // The next follows the run that has gone by.
        spared.add(10);
        spared.add(11);
        assert_eq!(told(&mut spared, 11..=12), [12]);
    }

    #[test]
    fn one_who_does_not_read_is_spared_the_last_ones() {
        let mut spared = Spared::default();
        let own = || (1..=2 * MAX_AHEAD as u64 + 20).step_by(2);
        own().for_each(|offset| spared.add(offset));
        assert_eq!(spared.runs.len(), MAX_AHEAD);
        assert!(told(&mut spared, own()).into_iter().eq(own().take(10)));
    }

    #[test]
    fn one_who_reads_again_is_spared_again() {
        let mut spared = Spared::default();
        for offset in (2..=2 * MAX_PASSED as u64 + 20).step_by(2) {
            spared.add(offset);
            assert!(spared.holds(offset) && !spared.holds(offset + 1));
        }
        assert!(spared.runs.len() <= MAX_PASSED + 1);
        let forgotten = spared.forgotten;
        assert!(spared.clone().again_after(forgotten - 1).is_none());
        let mut again = spared.again_after(forgotten).unwrap();
        let from = forgotten + 1..forgotten + 5;
        assert_eq!(told(&mut again, from), [forgotten + 1, forgotten + 3]);
    }
}
