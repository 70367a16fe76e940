//! The schema of `results.json`: the file that ships, what `loadgen schema` prints, and what a run
//! writes. `UPDATE=1 cargo test` rewrites the file.

use super::{home, loadgen};
use loadgen::results::{SCHEMA_NAME, schema_text};
use std::fs;
use std::path::Path;

fn validator() -> jsonschema::Validator {
    jsonschema::validator_for(&serde_json::from_str(&schema_text()).unwrap()).unwrap()
}

#[test]
fn the_schema_of_results_on_disk_is_the_one_that_loadgen_prints() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = folder.join(SCHEMA_NAME);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, schema_text()).unwrap();
    }
    let on_disk = fs::read_to_string(&path).unwrap();
    assert!(on_disk == schema_text(), "run again with UPDATE=1");
    let printed = (loadgen(folder).args(["schema", "results"]).output()).unwrap();
    assert_eq!(String::from_utf8(printed.stdout).unwrap(), schema_text());
}

/// Every kind of transport, one of them swept, so that every part of a file is there.
const ALL: &str = r#"
name = "all"
[load]
clients = 3
ramp = "0ms"
warm_up = "100ms"
duration = "400ms"
[publish]
rate = 40
[[transports]]
kind = "interval-polling"
interval = ["50ms", "100ms"]
[[transports]]
kind = "long-polling"
[[transports]]
kind = "http-streaming"
[[transports]]
kind = "sse"
[[transports]]
kind = "websocket"
"#;

#[test]
fn what_a_run_writes_fits_the_schema() {
    let home = home(ALL);
    (loadgen(home.path()).args(["run", "x.toml", "--quiet", "--out", "out"]))
        .output()
        .unwrap();
    let text = fs::read(home.path().join("out/results.json")).unwrap();
    let mut results: serde_json::Value = serde_json::from_slice(&text).unwrap();
    let validator = validator();
    let errors = validator.iter_errors(&results);
    let errors: Vec<String> = errors.map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0]);
    assert_eq!(results["$schema"], SCHEMA_NAME);
    assert_eq!(results["trials"].as_array().unwrap().len(), 6);
    // And the schema is none that everything fits.
    results["trials"][0]["lost"] = "none".into();
    assert!(!validator.is_valid(&results));
}
