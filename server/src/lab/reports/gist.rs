//! What the list of runs takes from a `results.json`: a few figures, and strings cut short while they are
//! read, so that no file makes the list long. It judges nothing.

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, SeqAccess, Visitor};
use std::fmt;

/// Characters of a title, of a transport's name, and of what is wrong with a file.
pub const MOST_CHARACTERS: usize = 300;

/// Transports of a run.
pub const MOST_TRANSPORTS: usize = 50;

/// What is read of `results.json`.
#[derive(Deserialize)]
pub struct Results {
    pub generated_at: Short,
    pub scenario: Scenario,
    pub verdict: Verdict,
    #[serde(default)]
    pub summary: Names,
}

#[derive(Deserialize)]
pub struct Scenario {
    #[serde(default)]
    pub title: Option<Short>,
}

#[derive(Deserialize)]
pub struct Verdict {
    pub valid: bool,
}

#[derive(Deserialize)]
struct Row {
    name: Short,
}

/// The beginning of a string; the rest is not kept.
#[derive(PartialEq)]
pub struct Short(pub String);

impl<'de> Deserialize<'de> for Short {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Short, D::Error> {
        struct Cut;
        impl Visitor<'_> for Cut {
            type Value = Short;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a string")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Short, E> {
                Ok(Short(short(text)))
            }
        }
        from.deserialize_str(Cut)
    }
}

/// The names of the first rows, each once in a row; the others are not kept.
#[derive(Default)]
pub struct Names(pub Vec<Short>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Names, D::Error> {
        struct First;
        impl<'de> Visitor<'de> for First {
            type Value = Names;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("rows with a name")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<Names, A::Error> {
                let mut names = Vec::new();
                while names.len() < MOST_TRANSPORTS {
                    let Some(Row { name }) = rows.next_element()? else {
                        return Ok(Names(names));
                    };
                    if names.last() != Some(&name) {
                        names.push(name);
                    }
                }
                while rows.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Names(names))
            }
        }
        from.deserialize_seq(First)
    }
}

pub fn short(text: &str) -> String {
    text.chars().take(MOST_CHARACTERS).collect()
}
