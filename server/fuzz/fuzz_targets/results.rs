//! A results.json: what is read is written so that it is read as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use loadgen::results::Results;

fuzz_target!(|bytes: &[u8]| {
    let Ok(results) = serde_json::from_slice::<Results>(bytes) else {
        return;
    };
    let written = serde_json::to_vec(&results).expect("results have a JSON form");
    let again: Results = serde_json::from_slice(&written).expect("what was written is results");
    assert_eq!(serde_json::to_vec(&again).expect("as before"), written);
});
