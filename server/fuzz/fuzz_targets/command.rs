//! What the teaching page says to its session.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| pushlab_server::fuzz::command(bytes));
