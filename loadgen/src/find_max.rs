//! The search for the greatest load that a transport bears: doubling until a step fails, then
//! halving the gap. Pure: it is told how a step went and says which load comes next; `run::search`
//! runs the steps, `limit` names what ended the climb.

pub(crate) mod limit;

use crate::results::Dimension;

/// Between the greatest load that held and the least that did not.
const PRECISION: f64 = 1.1;

/// A doubling reaches a million times the start within 20.
const MOST_STEPS: u32 = 30;

#[derive(Clone, Debug)]
pub(crate) struct Search {
    dimension: Dimension,
    start: f64,
    /// No load above this can be tried.
    ceiling: Option<f64>,
    held: Option<f64>,
    failed: Option<f64>,
    /// A step that failed once and is tried again, for it may have been a hiccup of the machine.
    again: Option<f64>,
    steps: u32,
}

impl Search {
    pub(crate) fn new(dimension: Dimension, start: f64, ceiling: Option<f64>) -> Self {
        Search {
            dimension,
            start,
            ceiling,
            held: None,
            failed: None,
            again: None,
            steps: 0,
        }
    }

    /// The load of the next step; `None` when the search is over.
    pub(crate) fn next(&self) -> Option<f64> {
        if self.steps >= MOST_STEPS {
            return None;
        }
        if self.again.is_some() {
            return self.again;
        }
        match (self.held, self.failed) {
            (None, None) => Some(self.start),
            (None, Some(_)) => None,
            (Some(held), None) => self.doubled(held),
            (Some(held), Some(failed)) => self.between(held, failed),
        }
    }

    pub(crate) fn record(&mut self, load: f64, held: bool) {
        self.steps += 1;
        match (held, self.again) {
            (true, _) => {
                self.held = Some(load);
                self.again = None;
            }
            (false, None) => self.again = Some(load),
            (false, Some(_)) => {
                self.failed = Some(load);
                self.again = None;
            }
        }
    }

    /// The greatest load that held.
    pub(crate) fn maximum(&self) -> Option<f64> {
        self.held
    }

    /// Whether the search ended for no failure, but because no greater load can be tried.
    pub(crate) fn is_at_ceiling(&self) -> bool {
        self.failed.is_none() && self.held.is_some() && self.held == self.ceiling
    }

    pub(crate) fn ran_out_of_steps(&self) -> bool {
        self.steps >= MOST_STEPS
    }

    fn doubled(&self, held: f64) -> Option<f64> {
        let next = self.ceiling.map_or(held * 2.0, |most| most.min(held * 2.0));
        (next > held).then_some(next)
    }

    fn between(&self, held: f64, failed: f64) -> Option<f64> {
        let middle = match self.dimension {
            Dimension::Clients => (held * failed).sqrt().round(),
            Dimension::Rate => rounded((held * failed).sqrt()),
        };
        (failed > held * PRECISION && middle > held && middle < failed).then_some(middle)
    }
}

/// To three digits, so that a rate can be read.
fn rounded(rate: f64) -> f64 {
    let unit = 10f64.powf(rate.log10().floor() - 2.0);
    (rate / unit).round() * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The loads tried against a transport that bears `most`.
    fn climb(mut search: Search, most: f64) -> (Vec<f64>, Option<f64>) {
        let mut tried = Vec::new();
        while let Some(load) = search.next() {
            tried.push(load);
            search.record(load, load <= most);
        }
        (tried, search.maximum())
    }

    #[test]
    fn a_search_doubles_then_halves_the_gap() {
        let clients = |start, ceiling| Search::new(Dimension::Clients, start, ceiling);
        let rate = |start| Search::new(Dimension::Rate, start, None);
        let cases = [
            // A failing step is tried twice before it counts.
            (clients(100.0, None), 50.0, vec![100.0, 100.0], None),
            (
                clients(100.0, None),
                500.0,
                vec![
                    100.0, 200.0, 400.0, 800.0, 800.0, 566.0, 566.0, 476.0, 519.0, 519.0,
                ],
                Some(476.0),
            ),
            // One client more is as near as clients come.
            (
                clients(1.0, None),
                2.0,
                vec![1.0, 2.0, 4.0, 4.0, 3.0, 3.0],
                Some(2.0),
            ),
            (
                clients(100.0, Some(150.0)),
                1e9,
                vec![100.0, 150.0],
                Some(150.0),
            ),
            (clients(100.0, Some(100.0)), 1e9, vec![100.0], Some(100.0)),
            (
                rate(0.5),
                1.4,
                vec![0.5, 1.0, 2.0, 2.0, 1.41, 1.41, 1.19, 1.3],
                Some(1.3),
            ),
        ];
        for (search, most, expected, maximum) in cases {
            let (tried, found) = climb(search, most);
            let near = |(one, other): (&f64, &f64)| (one - other).abs() < 1e-9;
            assert!(
                tried.len() == expected.len() && tried.iter().zip(&expected).all(near),
                "{tried:?}, not {expected:?}"
            );
            assert_eq!(found.map(rounded), maximum.map(rounded));
        }
    }

    #[test]
    fn a_hiccup_does_not_end_the_climb() {
        let mut search = Search::new(Dimension::Clients, 100.0, Some(400.0));
        for (load, held) in [
            (100.0, true),
            (200.0, false),
            (200.0, true),
            (400.0, false),
            (400.0, true),
        ] {
            assert_eq!(search.next(), Some(load));
            search.record(load, held);
        }
        assert_eq!(search.next(), None);
        assert!(search.is_at_ceiling() && !search.ran_out_of_steps());
    }

    #[test]
    fn a_search_without_end_is_ended() {
        let mut search = Search::new(Dimension::Rate, 1.0, None);
        while let Some(load) = search.next() {
            search.record(load, true);
        }
        assert!(search.ran_out_of_steps());
        assert_eq!(search.maximum(), Some(2f64.powi(MOST_STEPS as i32 - 1)));
    }

    proptest::proptest! {
        #[test]
        fn what_is_found_is_within_ten_percent(start in 1u32..1000, most in 1.0f64..1e6) {
            let (tried, found) = climb(Search::new(Dimension::Clients, f64::from(start), None), most);
            proptest::prop_assert!(tried.len() < MOST_STEPS as usize);
            match found {
                None => proptest::prop_assert!(most < f64::from(start)),
                Some(found) => {
                    proptest::prop_assert!(found <= most);
                    let next = tried.iter().copied().filter(|load| *load > most).fold(f64::MAX, f64::min);
                    proptest::prop_assert!(next <= found * PRECISION || next - found <= 1.0);
                }
            }
        }
    }
}
