//! Published measurements, each replayed by a scenario of the same name: what was printed, what the
//! model says, and what this run measured, with what must be said about the source.
//! Results in, rows out; a table judges nothing that the run did not measure.

mod aquilio;
mod crossover;
mod delft;
mod evidence;
mod hpbn;
mod kaazing;
mod kaazing_latency;
mod mal;
mod rfc6202;

use crate::results::{PublishedRow, Results};
use evidence::Evidence;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

/// Which publication a scenario replays
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum PublishedTable {
    Kaazing,
    KaazingLatency,
    Hpbn,
    Rfc6202Transits,
    Delft,
    Aquilio,
    Mal,
    Crossover,
}

impl PublishedTable {
    /// The table that the run's scenario names.
    pub fn of(results: &Results) -> Option<PublishedTable> {
        let named = results.scenario.get("published")?;
        serde_json::from_value(named.clone()).ok()
    }

    pub fn name(self) -> &'static str {
        self.into()
    }

    pub fn source(self) -> &'static str {
        match self {
            PublishedTable::Kaazing | PublishedTable::KaazingLatency => kaazing::SOURCE,
            PublishedTable::Hpbn | PublishedTable::Crossover => hpbn::SOURCE,
            PublishedTable::Rfc6202Transits => rfc6202::SOURCE,
            PublishedTable::Delft => delft::SOURCE,
            PublishedTable::Aquilio => aquilio::SOURCE,
            PublishedTable::Mal => mal::SOURCE,
        }
    }

    /// What a reader must know to read the table fairly.
    pub fn footnotes(self) -> &'static [&'static str] {
        match self {
            PublishedTable::Kaazing => &kaazing::FOOTNOTES,
            PublishedTable::KaazingLatency => &kaazing_latency::FOOTNOTES,
            PublishedTable::Hpbn => &hpbn::FOOTNOTES,
            PublishedTable::Rfc6202Transits => &rfc6202::FOOTNOTES,
            PublishedTable::Delft => &delft::FOOTNOTES,
            PublishedTable::Aquilio => &aquilio::FOOTNOTES,
            PublishedTable::Mal => &mal::FOOTNOTES,
            PublishedTable::Crossover => &crossover::FOOTNOTES,
        }
    }

    fn rows(self, evidence: &Evidence<'_>) -> Vec<PublishedRow> {
        match self {
            PublishedTable::Kaazing => kaazing::rows(evidence),
            PublishedTable::KaazingLatency => kaazing_latency::rows(evidence),
            PublishedTable::Hpbn => hpbn::rows(evidence),
            PublishedTable::Rfc6202Transits => rfc6202::rows(evidence),
            PublishedTable::Delft => delft::rows(evidence),
            PublishedTable::Aquilio => aquilio::rows(evidence),
            PublishedTable::Mal => mal::rows(evidence),
            PublishedTable::Crossover => crossover::rows(evidence),
        }
    }
}

/// The rows of the table that the scenario names; none for any other scenario.
pub fn rows(results: &Results) -> Vec<PublishedRow> {
    let Some(table) = PublishedTable::of(results) else {
        return Vec::new();
    };
    let mut rows = table.rows(&Evidence::of(results));
    for row in &mut rows {
        row.table = table.name().to_owned();
    }
    rows
}

#[cfg(test)]
mod tests;
