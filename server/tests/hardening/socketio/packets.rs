//! Packets that are none, on both layers and over both transports: each ends its session at once, and what
//! is only odd does no harm.

use super::*;
#[cfg(unix)]
use crate::frame::{FIN, TEXT, masked};
use crate::peer::{POLLING, answer, sid};
#[cfg(unix)]
use crate::program::Program;

/// What no client may send, once its session is open.
const NO_ENGINEIO: [&str; 10] = [
    "abc",
    "7",
    "瑶",
    "\u{0}",
    "1x",
    // The server pings, and a probe belongs to a second WebSocket.
    "2",
    "2probe",
    "2瑶",
    "5x",
    "4a\u{1e}7",
];

/// Messages that are no packet of Socket.IO's, once `/` has been connected to.
const NO_SOCKETIO: [&str; 43] = [
    "4",
    "4abc",
    "47",
    "4瑶",
    "4\u{0}",
    "42",
    "42{}",
    "42[]",
    "42\"a\"",
    "421",
    "42[null]",
    "42[true]",
    "42[{}]",
    "42[[\"a\"]]",
    "42[\"a\"",
    "42[\"a\"]]",
    "42[\"a\",]",
    "42[\"a\" \"b\"]",
    "42['a']",
    "42abc[\"a\"]",
    "42-1[\"a\"]",
    "421.5[\"a\"]",
    // One more than a u64 holds, and a number as long as it likes.
    "4218446744073709551616[\"a\"]",
    "42999999999999999999999999999999999999999999[\"a\"]",
    "42[\"connect\"]",
    "42[\"connect_error\"]",
    "42[\"disconnect\"]",
    "42[\"disconnecting\"]",
    "42[\"newListener\"]",
    "42[\"removeListener\"]",
    // The same in other letters.
    "42[\"\\u0063onnect\"]",
    "43",
    "43[]",
    "431{}",
    "431",
    "41{}",
    "41[]",
    "40[]",
    "40\"a\"",
    "40nothing",
    "44{\"message\":1",
    "49",
    "42[\"\\ud800\"]",
];

const FLAGS: [&[&str]; 2] = [&[], &["--conformance"]];

#[test]
fn by_websocket_what_is_no_engineio_packet_ends_the_session() {
    let server = server(&["--conformance"]);
    for path in [ECHO, SOCKETIO] {
        for packet in NO_ENGINEIO.iter().filter(|it| !it.contains('\u{1e}')) {
            let mut socket = place(&server, path).socket();
            socket.say(packet);
            socket.expect_closed_after(&[]);
            expect_no_session(&server);
        }
    }
    expect_nobody(&server);
}

#[test]
fn by_polling_what_is_no_engineio_packet_ends_the_session() {
    let server = server(&["--conformance"]);
    let mut bodies: Vec<&[u8]> = NO_ENGINEIO.iter().map(|packet| packet.as_bytes()).collect();
    bodies.extend([
        &b"\xff"[..],
        b"4\xe7\x91",
        b"4a\x1e",
        b"\x1e4a",
        b"\x1e",
        b"b!",
        b"bAQIDBA=x",
        b"bAQ=ID",
        "b瑶".as_bytes(),
    ]);
    for path in [ECHO, SOCKETIO] {
        for body in &bodies {
            let session = place(&server, path).poll();
            let mut hanging = hung(&server, &session);
            let refused = session.post(body).expect("an answer");
            let said = String::from_utf8_lossy(body);
            assert_eq!(refused.status, 400, "{said:?}");
            // Whoever waits is not left waiting.
            let last = answer(&mut hanging).expect("an answer");
            assert!(matches!(last.status, 200 | 400), "{said:?}: {}", last.head);
            expect_no_session(&server);
            session.expect_gone();
        }
    }
    expect_nobody(&server);
}

/// The connection of their requests goes on, and tells of neither.
#[test]
fn each_session_that_is_ended_is_counted() {
    let server = server(&[]);
    let mut client = server.connect();
    for number in 1..=3 {
        let opened = client.get(&format!("{SOCKETIO}?{POLLING}"), "");
        let sid = sid(opened.text());
        let path = format!("{SOCKETIO}?{POLLING}&sid={sid}");
        assert_eq!(client.post_to(&path, "", "x").status, 400);
        assert_eq!(server.usage()["ended"]["bad-packet"], number);
    }
    drop(client);
    expect_nobody(&server);
}

#[test]
fn what_is_no_socketio_packet_ends_the_connection() {
    for flags in FLAGS {
        let server = server(flags);
        let place = place(&server, SOCKETIO);
        for packet in NO_SOCKETIO {
            let mut socket = connected(place, !flags.is_empty());
            socket.say(packet);
            socket.expect_closed_after(&[]);
            expect_no_session(&server);
            let session = connected_by_polling(place);
            session.post(packet).expect("an answer");
            session.expect_gone();
            expect_no_session(&server);
        }
        expect_nobody(&server);
    }
}

/// Before CONNECT nothing else is listened to, not even what would be right after it.
#[test]
fn what_comes_before_connect_ends_the_connection() {
    let server = server(&[]);
    for packet in [
        "42[\"join\",{\"room\":\"KPL\"}]",
        "41",
        "431[]",
        "4",
        "44{}",
    ] {
        let mut socket = place(&server, SOCKETIO).socket();
        socket.say(packet);
        socket.expect_closed_after(&[]);
    }
    expect_nobody(&server);
    assert_eq!(server.usage()["rooms"], 0);
}

#[test]
fn binary_that_nobody_asked_for_ends_the_connection() {
    let server = server(&[]);
    let mut socket = connected(place(&server, SOCKETIO), false);
    socket.say_binary(b"\x01");
    socket.expect_closed_after(&[]);
    let session = connected_by_polling(place(&server, SOCKETIO));
    session.post("bAQ==").expect("an answer");
    session.expect_gone();
    expect_nobody(&server);
}

/// JSON as deep as a message may be long: an error and no end of the stack.
#[test]
fn json_without_a_bottom() {
    for flags in FLAGS {
        let flags = [flags, &["--eio-max-payload", "1000000"]].concat();
        let server = server(&flags);
        let place = place(&server, SOCKETIO);
        let deep = |open: &str, close: &str, count: usize| {
            format!("{}1{}", open.repeat(count), close.repeat(count))
        };
        for nested in [
            deep("[", "]", 400_000),
            deep("{\"a\":", "}", 150_000),
            "[".repeat(900_000),
            "{\"_placeholder\":".repeat(50_000),
        ] {
            for packet in [
                format!("40{nested}"),
                format!("42[\"publish\",{nested}]"),
                format!("451-[\"publish\",{{\"_placeholder\":true,\"num\":0}},{nested}]"),
                format!("4317{nested}"),
            ] {
                let mut socket = connected(place, flags.contains(&"--conformance"));
                // It may have closed before all is written.
                if socket.try_say(&packet) {
                    socket.try_say("1");
                }
                while !matches!(socket.hear(), crate::peer::Heard::Closed(_)) {}
            }
        }
        expect_nobody(&server);
    }
}

#[cfg(unix)]
const NAMESPACES: u32 = 100_000;

/// What 100,000 of them leave in a server's memory. A process of its own, so that its memory is.
#[cfg(unix)]
fn growth_under_namespaces(flags: &[&str], attack: impl FnOnce(Place)) -> Value {
    let program = Program::start(flags);
    let usage = || program.connect().get("/lab/usage", "").json();
    let rss = |usage: &Value| usage["process"]["rss"].as_u64().unwrap();
    let before = rss(&usage());
    attack(Place {
        address: program.address,
        path: SOCKETIO,
    });
    let after = usage();
    let grown = rss(&after).saturating_sub(before);
    println!("{NAMESPACES} namespaces with {flags:?}: {grown} bytes more");
    assert!(grown < 16 * 1024 * 1024, "{grown} bytes");
    after
}

#[cfg(unix)]
fn invalid(number: u32) -> String {
    format!("44/n{number},{{\"message\":\"Invalid namespace\"}}")
}

/// Without a pace each is answered, and none is kept.
#[cfg(unix)]
#[test]
fn a_hundred_thousand_namespaces() {
    const BATCH: u32 = 500;
    growth_under_namespaces(&["--conformance"], |place| {
        let mut socket = connected(place, true);
        for start in (0..NAMESPACES).step_by(BATCH as usize) {
            let batch = start..start + BATCH;
            let asked: Vec<Vec<u8>> = batch
                .clone()
                .map(|number| masked(FIN | TEXT, format!("40/n{number},").as_bytes()))
                .collect();
            socket.client.send(asked.concat());
            for number in batch {
                assert_eq!(socket.text_but_pings(), invalid(number));
            }
        }
        socket.say(r#"421["message-with-ack",1]"#);
        assert_eq!(socket.text_but_pings(), "431[1]");
    });
}

/// Where rooms are, whoever goes on with it is cut off.
#[cfg(unix)]
#[test]
fn who_floods_with_namespaces_is_cut_off() {
    let usage = growth_under_namespaces(&[], |place| {
        let mut socket = connected(place, false);
        let sent = (0..NAMESPACES).take_while(|number| socket.try_say(&format!("40/n{number},")));
        println!("{} were sent", sent.count());
        socket.client.read_to_end_or_reset();
    });
    assert_eq!(usage["ended"]["flooding"], 1, "{usage}");
}
