//! `loadgen schema`: the JSON Schema of a scenario or of results, for editors and CI.

use super::{Exit, print};
use crate::{results, scenario};
use clap::{Args, ValueEnum};

#[derive(Args)]
pub(super) struct Arguments {
    /// What to describe
    #[arg(value_enum, default_value_t = Subject::Scenario)]
    of: Subject,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Subject {
    /// A scenario file
    Scenario,
    /// The results.json of a run
    Results,
}

pub(super) fn schema(arguments: &Arguments) -> anyhow::Result<Exit> {
    let text = match arguments.of {
        Subject::Scenario => scenario::schema_text(),
        Subject::Results => results::schema_text(),
    };
    print(text.as_bytes())?;
    Ok(Exit::Ok)
}
