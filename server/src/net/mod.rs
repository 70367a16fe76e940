//! Below HTTP: ports that are bound, connections that are let in or turned away, TLS, heads that have a
//! deadline, and sockets that are counted. What a request asks for is nobody's business here.

pub mod admission;
pub mod answer;
pub mod heads;
pub mod listen;
pub mod metered;
pub mod tls;
pub mod unread;
