//! Sockets of the measured path and what they carry: every byte is counted where it passes and
//! given to one kind. Nothing here knows events, clients or time.

pub mod tcp_info;
pub mod sockets;
pub mod frames;
pub mod metered;
pub mod failure;
pub mod dial;
pub mod http1;
pub mod connection;
pub mod event_stream;
