//! The body of an Engine.IO poll.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| pushlab_server::fuzz::engineio_payload(bytes));
