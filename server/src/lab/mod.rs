//! What makes the server a laboratory: so far, trouble between browser and server.

pub mod proxy;
