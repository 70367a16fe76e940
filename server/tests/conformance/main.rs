//! WebSocket conformance (RFC 6455) as bytes over raw sockets: the cases of Autobahn's categories 1 to 7,
//! 9 and 10 in our own words and under their numbers, what the echo they run against promises, and two
//! clients that others wrote.

#![allow(clippy::unwrap_used)]

// It belongs to the bytes tests; not all of it is needed here.
#[allow(dead_code)]
#[path = "../bytes/harness.rs"]
mod harness;
mod case;
mod framing;
mod reserved;
mod fragments;
mod utf8;
mod closing;
mod volume;
mod echo;
mod outside;
#[cfg(target_os = "linux")]
mod hostile;
