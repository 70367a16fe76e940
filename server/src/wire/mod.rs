//! What both ends must agree on: the list of transports, events, cursors, errors and the usage
//! answer, and the packets of Engine.IO and Socket.IO. Nothing here knows actix or tokio, and no framing
//! (SSE, NDJSON, WebSocket) stands here: the server writes it and the client reads it, so that one bug
//! cannot hide on both sides.

pub mod transport;
pub mod cursor;
pub mod event;
pub mod engineio;
pub mod socketio;
pub mod problem;
pub mod usage;
pub mod lab_headers;
pub mod hold_on;
