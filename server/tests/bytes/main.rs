//! What the server puts on the wire and takes from it, read and written byte by byte over raw
//! sockets: one file per transport, and one each for what all of them share. No codec of the
//! server is used, so that a bug in one cannot hide itself.

#![allow(clippy::unwrap_used)]

mod harness;
mod masked;
mod interval_polling;
mod long_polling;
mod hold_on_threads;
mod http_streaming;
mod sse;
mod websocket;
mod socketio;
mod socketio_rooms;
mod socketio_upgrade;
mod handshake;
mod session;
mod presence;
mod publish;
mod full_histories;
mod payloads;
mod accounting;
mod lab_headers;
mod guest;
mod backlog;
mod sequence;
mod stall;
mod tls;
