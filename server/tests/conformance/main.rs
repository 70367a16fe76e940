//! Conformance as bytes over raw sockets, in our own words and under the numbers of the suites that it is
//! after: WebSocket (RFC 6455; Autobahn's categories 1 to 7, 9 and 10) with what the echo promises and two
//! clients that others wrote, and the 25 cases of Engine.IO 4 and 32 of Socket.IO 5, which
//! `PUSHLAB_CONFORMANCE_URL=http://127.0.0.1:3000` runs against any other server.

#![allow(clippy::unwrap_used)]

// It belongs to the bytes tests; not all of it is needed here.
#[allow(dead_code)]
#[path = "../bytes/harness.rs"]
mod harness;
#[path = "../bytes/masked.rs"]
mod masked;
mod frame;
mod case;
mod framing;
mod reserved;
mod fragments;
mod utf8;
mod closing;
mod volume;
mod echo;
mod outside;
// The hardening tests need the rest of it.
#[allow(dead_code)]
mod peer;
mod suite;
mod carrier;
mod engineio;
mod socketio;
#[cfg(target_os = "linux")]
mod hostile;
