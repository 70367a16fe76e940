//! A Cookie or Authorization header.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| pushlab_server::fuzz::credential(bytes));
