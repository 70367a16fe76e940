//! What a server on the open internet meets: clients that do not read, do not answer, come and go, and a
//! server that is told to stop. The bytes of ordinary traffic stand in `tests/bytes`.

#![allow(clippy::unwrap_used)]

// It belongs to the bytes tests; not all of it is needed here.
#[allow(dead_code)]
#[path = "../bytes/harness.rs"]
mod harness;
#[path = "../bytes/masked.rs"]
mod masked;
// They belong to the conformance cases; not all of it is needed here.
#[allow(dead_code)]
#[path = "../conformance/frame.rs"]
mod frame;
#[allow(dead_code)]
#[path = "../conformance/peer.rs"]
mod peer;
mod slow_loris;
mod crowds;
mod pace;
mod no_http;
mod trickle;
mod limits;
mod origin;
mod presence;
mod secrets;
mod subscribe;
mod unread;
mod fairness;
mod silence;
mod socketio;
#[cfg(unix)]
mod program;
#[cfg(unix)]
mod cycles;
#[cfg(unix)]
mod stop;
