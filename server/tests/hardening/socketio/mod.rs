//! Hostile Engine.IO and Socket.IO: whatever is sent, and however it ends, no session stays behind, and
//! the next client is served. The pings of these servers come late, so that a session which ends was
//! ended for what was done, and one that must end does not end by itself.

mod attachments;
mod bounds;
#[cfg(unix)]
mod cycles;
mod packets;
mod secrets;
mod sessions;
mod upgrade;

use crate::harness::{Client, LIMIT, Server};
use crate::peer::{Place, Polling, Socket};
use crate::subscribe::until;
use serde_json::Value;

/// The two applications of a server that is started with `--conformance`.
const ECHO: &str = "/engine.io/";
const SOCKETIO: &str = "/socket.io/";

fn server(flags: &[&str]) -> Server {
    let several = ["--workers", "2"];
    Server::start(&[&several, flags].concat())
}

fn place(server: &Server, path: &'static str) -> Place {
    Place {
        address: server.public,
        path,
    }
}

fn sessions(usage: &Value) -> u64 {
    usage["sessions"].as_u64().unwrap()
}

/// Sends a request and waits until its head has come in.
fn come_in(server: &Server, send: impl FnOnce() -> Client) -> Client {
    let requests = || -> u64 {
        let usage = server.usage();
        let of = |class: &str| usage["transports"][class]["requests"].as_u64().unwrap();
        of("socketio") + of("control")
    };
    let before = requests();
    let client = send();
    until("the request has come in", LIMIT, || requests() > before);
    client
}

/// A GET that waits.
fn hung(server: &Server, session: &Polling) -> Client {
    come_in(server, || session.hang())
}

/// That nothing stays of whoever was there; `server` serves on.
fn expect_nobody(server: &Server) {
    until("the last session is gone", LIMIT, || {
        let usage = server.usage();
        let mut transports = usage["transports"].as_object().unwrap().values();
        let open = transports.all(|traffic| traffic["open"] == 0);
        open && sessions(&usage) == 0
    });
    assert_eq!(server.get("/health").status, 200);
}

/// That a session is over, though nobody has left.
fn expect_no_session(server: &Server) {
    until("the session is gone", LIMIT, || {
        sessions(&server.usage()) == 0
    });
}

/// A WebSocket that has been let into `/`; what the conformance application says first is read.
fn connected(place: Place, is_conformance: bool) -> Socket {
    let mut socket = place.socket();
    socket.say("40");
    assert!(socket.text().starts_with("40{"));
    if is_conformance {
        assert_eq!(socket.text(), r#"42["auth",{}]"#);
    }
    socket
}

/// The same over polling.
fn connected_by_polling(place: Place) -> Polling {
    let session = place.poll();
    session.give("40");
    assert!(session.take().starts_with("40{"));
    session
}
