//! The body of a publish: JSON, MessagePack, or a WebSocket's text.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| pushlab_server::fuzz::publish(bytes));
