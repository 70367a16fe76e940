//! How many points there were, of which kind, and where they met the client: what was not met is
//! not tested, so it is printed.

use super::line::Place;
use super::points::{Fault, Point};
use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::io::{self, Write};
use strum::IntoEnumIterator;

#[derive(Default)]
pub struct Count {
    places: Vec<(Fault, Place)>,
    triggers: BTreeMap<&'static str, usize>,
    /// Losses that the proxy did not cause: a busy machine keeps client or server waiting too long.
    of_themselves: usize,
}

impl Count {
    /// A client lost its connection at `place`; `cause` is the point that broke it, if one did.
    pub fn lost(&mut self, place: Place, cause: Option<Point>) {
        match cause {
            Some(point) => {
                self.places.push((point.fault, place));
                *self.triggers.entry(point.trigger.name()).or_default() += 1;
            }
            None => self.of_themselves += 1,
        }
    }

    pub fn points(&self) -> usize {
        self.places.len()
    }

    fn of(&self, fault: Fault, place: Place) -> usize {
        let here = (fault, place);
        self.places.iter().filter(|point| **point == here).count()
    }
}

impl Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>7} points:", self.points())?;
        for fault in Fault::iter() {
            write!(f, " {fault:?}")?;
            let mut separator = " (";
            for place in Place::iter() {
                let place_name: &str = place.into();
                write!(f, "{separator}{place_name} {}", self.of(fault, place))?;
                separator = ", ";
            }
            f.write_str(")")?;
        }
        for (trigger, count) in &self.triggers {
            write!(f, "; {trigger} {count}")?;
        }
        write!(f, "; losses of other cause {}", self.of_themselves)
    }
}

/// A line that is seen of a passing test too.
pub fn tell(line: &str) {
    let _ = writeln!(io::stderr().lock(), "kill: {line}");
}
