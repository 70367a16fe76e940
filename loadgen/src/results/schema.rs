//! The JSON Schema of `results.json`, derived from the types that are written, so that it cannot
//! fall behind them. It describes what loadgen writes now, not the older files that it still reads.

use super::Results;
use pushlab_server::wire::transport::Transport;
use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator, json_schema};
use strum::IntoEnumIterator;

/// The file of the repository that holds it.
pub const SCHEMA_NAME: &str = "results.schema.json";

/// What older results, which do not say so, follow too.
pub(super) fn name() -> String {
    SCHEMA_NAME.to_owned()
}

pub(super) fn kinds(_: &mut SchemaGenerator) -> Schema {
    let kinds: Vec<&str> = Transport::iter().map(Transport::name).collect();
    json_schema!({ "enum": kinds })
}

/// As it stands in `loadgen/results.schema.json`.
pub fn schema_text() -> String {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<Results>();
    schema.insert("title".to_owned(), "Results of loadgen".into());
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema is JSON");
    text.push('\n');
    text
}
