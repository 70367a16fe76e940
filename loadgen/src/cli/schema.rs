//! `loadgen schema`: the JSON Schema of a scenario, for editors and CI.

use super::{Exit, print};
use crate::scenario;

pub(super) fn schema() -> anyhow::Result<Exit> {
    print(scenario::schema_text().as_bytes())?;
    Ok(Exit::Ok)
}
