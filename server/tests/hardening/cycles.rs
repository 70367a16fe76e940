//! Clients that connect and abort, with FIN and with RST, before the end of their head, after it and in the
//! middle of a stream, while events are published: every gauge comes back to where it was, and memory near
//! it. `PUSHLAB_CYCLES=10000` runs as many on each transport; fewer unless it says so.

use crate::harness::{Client, LIMIT};
use crate::program::Program;
use crate::subscribe::{request, until};
use pushlab_server::wire::transport::Transport;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

pub const CLIENTS: usize = 8;

/// Memory that allocators may keep of connections that are gone.
pub const KEPT: u64 = 8 * 1024 * 1024;

pub fn cycles() -> usize {
    let asked = std::env::var("PUSHLAB_CYCLES").ok();
    asked.map_or(500, |text| text.parse().unwrap())
}

/// One connection: how far it comes and how it ends depend on `number`.
fn connect_and_abort(server: SocketAddr, transport: Transport, cursor: &str, number: usize) {
    let mut client = Client::connect(server);
    let asked = request(transport, "KPL", Some(cursor));
    match number / 2 % 4 {
        0 => client.send(&asked[..asked.len() / 2]),
        1 => client.send(&asked),
        2 => {
            client.send(&asked);
            // Long enough for the poll to be held, or for events to be on their way.
            thread::sleep(Duration::from_millis(2));
        }
        _ => {
            client.send(&asked);
            if transport != Transport::LongPolling {
                client.head();
            }
        }
    }
    if number.is_multiple_of(2) {
        client.reset();
    }
}

fn run(program: &Program, transport: Transport, cycles: usize) {
    let cursor = program.connect().get("/rooms/KPL/poll", "").cursor();
    let address = program.address;
    thread::scope(|scope| {
        for lane in 0..CLIENTS {
            let cursor = &cursor;
            scope.spawn(move || {
                for number in (lane..cycles).step_by(CLIENTS) {
                    connect_and_abort(address, transport, cursor, number);
                }
            });
        }
    });
}

pub fn look(control: &mut Client) -> Value {
    control.get("/lab/usage", "").json()
}

pub fn fds(usage: &Value) -> u64 {
    usage["process"]["fds"].as_u64().unwrap()
}

/// Waits until nobody is connected but the publisher and `control`, and `also` holds.
pub fn settled(control: &mut Client, also: impl Fn(&Value) -> bool) -> Value {
    let mut settled = None;
    until("all connections are gone", LIMIT, || {
        let usage = look(control);
        let mut transports = usage["transports"].as_object().unwrap().iter();
        let quiet = transports.all(|(class, traffic)| {
            let ours = u64::from(matches!(&**class, "publish" | "control"));
            traffic["open"] == ours
        });
        let holds = quiet && also(&usage);
        settled = holds.then_some(usage);
        holds
    });
    settled.unwrap()
}

#[test]
fn every_gauge_comes_back() {
    let program = Program::start(&[]);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            // It is one connection of class `publish` throughout.
            let mut publisher = program.connect();
            while !over.load(Ordering::SeqCst) {
                publisher.post("KPL", r#"{"type":"n","data":"瑶"}"#);
                thread::sleep(Duration::from_millis(1));
            }
        });
        let ended = scope.spawn(|| abort_on_every_transport(&program)).join();
        over.store(true, Ordering::SeqCst);
        ended.unwrap();
    });
}

fn abort_on_every_transport(program: &Program) {
    // What is allocated once is there before the first look.
    for transport in Transport::in_rooms() {
        run(program, transport, cycles() / 5 + CLIENTS);
    }
    let mut control = program.connect();
    let start = settled(&mut control, |_| true);
    for transport in Transport::in_rooms() {
        let requests = |usage: &Value| usage["transports"][transport.name()]["requests"].as_u64();
        let before = requests(&look(&mut control)).unwrap();
        run(program, transport, cycles());
        let after = settled(&mut control, |usage| fds(usage) == fds(&start));
        let came_in = requests(&after).unwrap() - before;
        assert!(
            came_in > cycles() as u64 / 3,
            "{transport:?}: {came_in} came in"
        );
    }
    let rss = |usage: &Value| usage["process"]["rss"].as_u64().unwrap();
    let (before, after) = (rss(&start), rss(&look(&mut control)));
    println!(
        "{} cycles on each transport: resident memory {} KiB, then {} KiB",
        cycles(),
        before / 1024,
        after / 1024
    );
    assert!(after < before + KEPT, "{before} bytes grew to {after}");
}
