//! What a hostile client may try on the open internet, and what the server makes of it. Deadlines are
//! short by flags; read timeouts are upper limits that no passing test comes near.

#![allow(clippy::unwrap_used)]

#[path = "../bytes/harness.rs"]
#[allow(dead_code)]
mod harness;
mod origin;
