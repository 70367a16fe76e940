//! Socket.IO packets and their attachments.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| pushlab_server::fuzz::socketio_packet(bytes));
