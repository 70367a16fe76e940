//! The upgrade and all that may come between: every race ends with one carrier or none, and what was
//! queued is neither lost nor doubled.

use super::*;
use crate::peer::{Heard, answer};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

/// A GET that hangs is answered long before the next ping: nobody stalls.
#[test]
fn a_hanging_poll_is_let_go_at_once() {
    let server = server(&["--conformance"]);
    for path in [ECHO, SOCKETIO] {
        let session = place(&server, path).poll();
        let mut hanging = hung(&server, &session);
        let mut socket = session.second();
        socket.say("2probe");
        assert_eq!(socket.text(), "3probe");
        let released = answer(&mut hanging).unwrap();
        assert_eq!((released.status, released.text()), (200, "6"));
        for _ in 0..3 {
            assert_eq!(session.take(), "6");
        }
        socket.say("5");
        socket.say("1");
        socket.expect_closed_after(&[]);
        expect_no_session(&server);
    }
    expect_nobody(&server);
}

/// POSTs go on until the WebSocket has taken over, and are answered there.
#[test]
fn what_is_posted_meanwhile_comes_by_the_websocket() {
    let server = server(&["--conformance"]);
    let session = place(&server, ECHO).poll();
    session.give("4before");
    let mut socket = session.second();
    session.give("4between");
    socket.say("2probe");
    assert_eq!(socket.text(), "3probe");
    session.give("4during");
    socket.say("5");
    let heard = [socket.text(), socket.text(), socket.text()];
    assert_eq!(heard, ["4before", "4between", "4during"]);
    let late = session.post("4late").expect("an answer");
    assert_eq!(late.status, 400);
    socket.say("4after");
    assert_eq!(socket.text(), "4after");
    drop(socket);
    expect_nobody(&server);
}

/// Whatever goes wrong before `5` ends the WebSocket alone, and polling has all that was queued.
#[test]
fn a_failed_upgrade_eats_nothing() {
    let server = server(&["--conformance"]);
    for said in [
        &["5"][..],
        &["2"],
        &["2prob"],
        &["3probe"],
        &["4a"],
        &["1"],
        &["abc"],
        &[""],
        &["2probe", "2probe", "7"],
        &["2probe", "4a"],
        &["2probe", "1"],
        &["2probe", "3"],
        &["2probe", "瑶"],
    ] {
        let session = place(&server, ECHO).poll();
        session.give("4queued");
        let mut socket = session.second();
        for packet in said {
            socket.try_say(packet);
        }
        loop {
            match socket.hear() {
                Heard::Closed(_) => break,
                Heard::Text(pong) => assert_eq!(pong, "3probe", "{said:?}"),
                Heard::Binary(bytes) => panic!("{bytes:x?}"),
            }
        }
        assert_eq!(poll_past_noops(&session), "4queued", "{said:?}");
        session.give("1");
        expect_no_session(&server);
    }
    expect_nobody(&server);
}

fn poll_past_noops(session: &Polling) -> String {
    loop {
        match session.take() {
            noop if noop == "6" => {}
            payload => return payload,
        }
    }
}

#[test]
fn binary_instead_of_a_probe_ends_the_websocket_alone() {
    let server = server(&["--conformance"]);
    let session = place(&server, ECHO).poll();
    session.give("4queued");
    let mut socket = session.second();
    socket.say_binary(b"2probe");
    socket.expect_closed_after(&[]);
    assert_eq!(poll_past_noops(&session), "4queued");
    session.give("1");
    expect_nobody(&server);
}

/// A client that vanishes in the middle of it polls on.
#[test]
fn a_websocket_that_is_gone_before_the_end_is_no_upgrade() {
    let server = server(&["--conformance"]);
    for is_reset in [false, true] {
        let session = place(&server, ECHO).poll();
        session.give("4queued");
        let mut socket = session.second();
        socket.say("2probe");
        assert_eq!(socket.text(), "3probe");
        match is_reset {
            true => socket.client.reset(),
            false => drop(socket),
        }
        assert_eq!(poll_past_noops(&session), "4queued");
        session.give("1");
        expect_no_session(&server);
    }
    expect_nobody(&server);
}

/// Ten seconds, as in Engine.IO; the client's polls live on.
#[test]
fn a_probe_that_is_never_finished_is_given_up() {
    let server = server(&["--conformance"]);
    let sessions: Vec<Polling> = (0..3).map(|_| place(&server, ECHO).poll()).collect();
    // One says nothing, one probes, one probes and asks on.
    let mut sockets: Vec<Socket> = sessions.iter().map(Polling::second).collect();
    for socket in &mut sockets[1..] {
        socket.say("2probe");
        assert_eq!(socket.text(), "3probe");
    }
    sessions[0].give("4queued");
    for socket in &mut sockets {
        socket.expect_closed_after(&[]);
    }
    assert_eq!(poll_past_noops(&sessions[0]), "4queued");
    for session in &sessions {
        session.give("1");
    }
    expect_nobody(&server);
}

/// Both probe; one of them at most takes over, and the other is closed.
#[test]
fn two_websockets_race_for_one_session() {
    let server = server(&["--conformance"]);
    for _ in 0..20 {
        let session = place(&server, ECHO).poll();
        session.give("4queued");
        let heard: Vec<Vec<Heard>> = thread::scope(|scope| {
            let racers = [0, 1].map(|_| scope.spawn(|| race(&session)));
            racers.map(|racer| racer.join().unwrap()).into()
        });
        let got = |heard: &Vec<Heard>| heard.contains(&Heard::Text("4queued".into()));
        let winners = heard.iter().filter(|heard| got(heard)).count();
        match winners {
            0 => {
                // Both were closed: it polls on, or the session ended.
                let answer = session.get();
                assert!(matches!(answer.status, 200 | 400));
                session.post("1");
            }
            1 => {}
            many => panic!("{many} WebSockets had the same packet"),
        }
        expect_no_session(&server);
    }
    expect_nobody(&server);
}

/// All that one WebSocket hears that goes through with the upgrade whatever happens, and then leaves.
fn race(session: &Polling) -> Vec<Heard> {
    let mut heard = Vec::new();
    let Ok(mut socket) = session.upgrade() else {
        return heard;
    };
    socket.try_say("2probe");
    if socket.hear() != Heard::Text("3probe".into()) {
        return heard;
    }
    socket.try_say("5");
    loop {
        let next = socket.hear();
        let is_last = matches!(next, Heard::Closed(_)) || next == Heard::Text("4queued".into());
        heard.push(next);
        if is_last {
            socket.try_say("1");
            return heard;
        }
    }
}

#[test]
fn a_close_by_polling_takes_the_websocket_along() {
    let server = server(&["--conformance"]);
    let session = place(&server, ECHO).poll();
    let mut socket = session.second();
    socket.say("2probe");
    assert_eq!(socket.text(), "3probe");
    session.give("1");
    socket.expect_closed_after(&[]);
    session.expect_gone();
    expect_nobody(&server);
}

/// What began as a WebSocket has nothing to upgrade to, and no polls.
#[test]
fn a_websocket_is_not_upgraded() {
    let server = server(&["--conformance"]);
    let mut socket = place(&server, ECHO).fresh();
    let session = Polling {
        place: place(&server, ECHO),
        sid: crate::peer::sid(&socket.text()),
    };
    if let Ok(mut second) = session.upgrade() {
        second.expect_closed_after(&[]);
    }
    session.expect_gone();
    let posted = session.post("4a").expect("an answer");
    assert_eq!(posted.status, 400);
    socket.say("4hello");
    assert_eq!(socket.text(), "4hello");
    drop(socket);
    expect_nobody(&server);
}

/// `5` again, a probe again: no packet of a session that has been upgraded.
#[test]
fn after_the_upgrade_its_packets_are_over() {
    let server = server(&["--conformance"]);
    let session = place(&server, ECHO).poll();
    let mut socket = session.upgraded();
    socket.say("4hello");
    assert_eq!(socket.text(), "4hello");
    socket.say("2probe");
    socket.expect_closed_after(&[]);
    expect_nobody(&server);
}

/// The room of an upgraded connection is where it was: nothing lost, nothing twice, whoever carries it.
#[test]
fn events_are_neither_lost_nor_doubled_by_upgrades() {
    let server = server(&[]);
    let session = connected_by_polling(place(&server, SOCKETIO));
    session.give(r#"420["join",{"room":"KPL"}]"#);
    assert!(session.take().contains("430["));
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| publish_until(&server, &over));
        let mut seen = Vec::new();
        // Two upgrades fail in different ways; the third comes through.
        for said in ["7", "4"] {
            let mut socket = session.second();
            seen.extend(numbers(&session.take()));
            socket.say("2probe");
            assert_eq!(socket.text(), "3probe");
            seen.extend(numbers(&session.take()));
            socket.say(said);
            socket.expect_closed_after(&[]);
            seen.extend(numbers(&session.take()));
        }
        let mut socket = session.upgraded();
        for _ in 0..50 {
            seen.extend(numbers(&socket.text_but_pings()));
        }
        over.store(true, Ordering::SeqCst);
        assert_eq!(seen, (1..=seen.len()).collect::<Vec<_>>());
        socket.say("1");
    });
    expect_nobody(&server);
}

fn publish_until(server: &Server, over: &AtomicBool) {
    let mut client = server.connect();
    let deadline = Instant::now() + LIMIT;
    for number in 1.. {
        if over.load(Ordering::SeqCst) || Instant::now() > deadline {
            return;
        }
        let answer = client.post("KPL", &format!(r#"{{"type":"n","data":{number}}}"#));
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
}

/// The numbers that the publisher gave the events of a payload.
fn numbers(payload: &str) -> Vec<usize> {
    let events = payload
        .split('\u{1e}')
        .filter_map(|it| it.strip_prefix("42"));
    events
        .map(|event| {
            let event: Value = serde_json::from_str(event).unwrap();
            event[1]["data"].as_u64().unwrap() as usize
        })
        .collect()
}
