//! Clients that connect and abort over polling, WebSocket and the upgrade between them, by FIN and by RST,
//! at every point of the way and while events are published: every gauge comes back to where it was.
//! `PUSHLAB_CYCLES=10000` runs as many on each; fewer unless it says so.

use super::*;
use crate::cycles::{CLIENTS, cycles, fds, look, settled};
use crate::harness::Client;
use crate::program::Program;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const JOIN: &str = r#"420["join",{"room":"KPL"}]"#;

/// One connection or session: how far it comes and how it ends depend on its number.
type Cycle = fn(Place, usize);

/// By the number's last bit.
fn abort(client: Client, number: usize) {
    if number.is_multiple_of(2) {
        client.reset();
    }
}

fn abort_by_polling(place: Place, number: usize) {
    let session = place.poll();
    let step = number / 2 % 6;
    if step > 1 {
        session.give("40");
        session.take();
        session.give(JOIN);
        session.take();
    }
    match step {
        // A session nobody asks for any more: closed as a page that is left does.
        0 => session.give("1"),
        1 | 2 => abort(session.hang(), number),
        3 => {
            let both = [session.hang(), session.hang()];
            both.into_iter().for_each(|client| abort(client, number));
        }
        4 => {
            let mut posting = Client::connect(place.address);
            let query = session.query();
            posting.send(format!(
                "POST /socket.io/?{query} HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\n42[\"a"
            ));
            abort(posting, number);
            let _ = session.post("1");
        }
        _ => {
            let _ = session.post("42[]");
        }
    }
}

fn abort_by_websocket(place: Place, number: usize) {
    let mut socket = place.fresh();
    match number / 2 % 5 {
        0 => {}
        1 => assert!(socket.text().starts_with('0')),
        2 => socket.say("40"),
        3 => {
            socket.say("40");
            socket.say(JOIN);
            socket.text();
        }
        _ => {
            socket.say("40");
            socket.say(JOIN);
            // CONNECT, the join and at least one event.
            let mut heard = 0;
            while heard < 4 {
                socket.text_but_pings();
                heard += 1;
            }
        }
    }
    abort(socket.client, number);
}

fn abort_the_upgrade(place: Place, number: usize) {
    let session = place.poll();
    session.give("40");
    session.take();
    session.give(JOIN);
    let step = number / 2 % 6;
    let hanging = (step < 3).then(|| session.hang());
    let Ok(mut socket) = session.upgrade() else {
        panic!("no WebSocket");
    };
    if step > 0 {
        socket.say("2probe");
    }
    if step > 1 {
        assert_eq!(socket.text(), "3probe");
    }
    if step > 3 {
        socket.say("5");
    }
    if step > 4 {
        socket.text_but_pings();
    }
    abort(socket.client, number);
    drop(hanging);
    // Before the upgrade was through it is still a session over polling, and its client leaves it.
    let _ = session.post("1");
}

fn run(program: &Program, cycle: Cycle, cycles: usize) {
    let place = Place {
        address: program.address,
        path: SOCKETIO,
    };
    thread::scope(|scope| {
        for lane in 0..CLIENTS {
            scope.spawn(move || {
                for number in (lane..cycles).step_by(CLIENTS) {
                    cycle(place, number);
                }
            });
        }
    });
}

#[test]
fn every_gauge_of_socketio_comes_back() {
    let program = Program::start(&[
        "--sio-recovery",
        "1",
        // A request that was reset before it was read tells nobody anything.
        "--eio-ping-interval",
        "3",
        "--eio-ping-timeout",
        "2",
    ]);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut publisher = program.connect();
            while !over.load(Ordering::SeqCst) {
                publisher.post("KPL", r#"{"type":"n","data":"瑶"}"#);
                thread::sleep(Duration::from_millis(1));
            }
        });
        let ended = scope.spawn(|| abort_everywhere(&program)).join();
        over.store(true, Ordering::SeqCst);
        ended.unwrap();
    });
}

fn abort_everywhere(program: &Program) {
    let ways: [(&str, Cycle); 3] = [
        ("polling", abort_by_polling),
        ("websocket", abort_by_websocket),
        ("upgrade", abort_the_upgrade),
    ];
    for (_, cycle) in ways {
        run(program, cycle, cycles() / 5 + CLIENTS);
    }
    let mut control = program.connect();
    let nobody = |usage: &Value| sessions(usage) == 0;
    let start = settled(&mut control, nobody);
    for (name, cycle) in ways {
        run(program, cycle, cycles());
        let back = |usage: &Value| nobody(usage) && fds(usage) == fds(&start);
        settled(&mut control, back);
        let rss = look(&mut control)["process"]["rss"].as_u64().unwrap();
        println!(
            "{} cycles by {name}: resident memory {} KiB",
            cycles(),
            rss / 1024
        );
    }
    let rss = |usage: &Value| usage["process"]["rss"].as_u64().unwrap();
    let (before, after) = (rss(&start), rss(&look(&mut control)));
    assert!(
        after < before + crate::cycles::KEPT,
        "{before} bytes grew to {after}"
    );
}
