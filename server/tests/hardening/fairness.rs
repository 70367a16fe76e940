//! One room that is published into without pause does not silence a quiet one on the same worker.

use crate::harness::Server;
use crate::subscribe::{STREAMS, open};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

const SUBSCRIBERS: usize = 50;
const QUIET_EVENTS: usize = 20;

#[test]
fn a_flooded_room_does_not_silence_a_quiet_one() {
    let server = Server::start(&["--unread-timeout", "600"]);
    let over = AtomicBool::new(false);
    let server = &server;
    let over = &over;
    thread::scope(|scope| {
        for number in 0..SUBSCRIBERS {
            let mut client = open(server, STREAMS[number % 3], "flood");
            scope.spawn(move || {
                while !over.load(Ordering::SeqCst) {
                    client.some();
                }
            });
        }
        for _ in 0..4 {
            scope.spawn(move || {
                let mut publisher = server.connect();
                while !over.load(Ordering::SeqCst) {
                    publisher.post("flood", r#"{"type":"n","data":"x"}"#);
                }
            });
        }
        let heard = scope.spawn(move || hear_the_quiet_room(server)).join();
        over.store(true, Ordering::SeqCst);
        // Readers wait for one more event before they look whether it is over.
        server.publish("flood", r#"{"type":"n","data":"last"}"#);
        heard.unwrap();
    });
}

/// Each read ends within the harness's limit, or panics.
fn hear_the_quiet_room(server: &Server) {
    let mut clients = STREAMS.map(|transport| open(server, transport, "quiet"));
    for number in 0..QUIET_EVENTS {
        let data = format!("quiet-{number}");
        server.publish("quiet", &format!(r#"{{"type":"n","data":"{data}"}}"#));
        for client in &mut clients {
            client.read_until(data.as_bytes());
        }
    }
    let flood = server.figure("publish", "requests");
    assert!(
        flood > QUIET_EVENTS as u64 * 2,
        "there was no flood: {flood}"
    );
}
