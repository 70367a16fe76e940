//! Sockets of the measured path and what they carry: every byte is counted where it passes and
//! given to one kind, and the line that a client's bytes travel on. Nothing here knows events or
//! clients, and only the line knows time.

pub mod tcp_info;
pub mod sockets;
pub mod frames;
pub mod alarm;
pub mod line;
pub mod one_way;
pub mod link;
pub mod failure;
pub mod wire;
pub mod tls;
pub mod metered;
pub mod dial;
pub mod http1;
pub mod connection;
pub mod event_stream;
