//! Below HTTP: sockets that are bound, tuned and counted.

pub mod admission;
pub mod answer;
pub mod heads;
pub mod listen;
pub mod metered;
pub mod tls;
pub mod unread;
