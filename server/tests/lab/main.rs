//! The lab of the teaching page over raw sockets: sessions, lanes and what the tap tells of them, and
//! every way in which a page can be gone, slow, foreign or hostile.

#![allow(clippy::unwrap_used)]

// It belongs to the bytes tests; not all of it is needed here.
#[allow(dead_code)]
#[path = "../bytes/harness.rs"]
mod harness;
#[path = "../bytes/masked.rs"]
mod masked;
mod page;
mod session;
mod trouble;
mod door;
mod foreign;
mod hostile;
mod gone;
mod slow;
#[cfg(unix)]
mod generator;
#[cfg(unix)]
mod reports;
