//! A scenario: what is read is written so that it is read again, and what it plans is worked out.
#![no_main]

use libfuzzer_sys::fuzz_target;
use loadgen::scenario::Scenario;

fuzz_target!(|text: &str| {
    let Ok(scenario) = Scenario::parse(text, "x.toml") else {
        return;
    };
    let again = Scenario::parse(&scenario.to_toml(), "x.toml");
    assert_eq!(again.expect("what was written is a scenario"), scenario);
});
