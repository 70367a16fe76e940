//! What is too much: payloads beyond their size, packets beyond their number, answers that nobody fetches
//! and sockets that nobody reads. Each has a bound, and meeting it leaves nothing behind.

use super::*;
use crate::frame::{BINARY, FIN, TEXT, masked};
use crate::peer::{Heard, answer};

const MAX: [&str; 3] = ["--conformance", "--eio-max-payload", "1000000"];

fn post_head(session: &Polling, length: &str) -> String {
    let path = session.place.path;
    let query = session.query();
    format!("POST {path}?{query} HTTP/1.1\r\nHost: test\r\n{length}\r\n\r\n")
}

/// Refused by what the head announces, before a byte of it; and by what comes, where nothing was
/// announced.
#[test]
fn a_post_beyond_the_payload_is_413() {
    let server = server(&MAX);
    for path in [ECHO, SOCKETIO] {
        let session = place(&server, path).poll();
        let mut client = Client::connect(server.public);
        client.send(post_head(&session, "Content-Length: 1000001"));
        assert_eq!(answer(&mut client).expect("an answer").status, 413);
        let session = place(&server, path).poll();
        let mut client = Client::connect(server.public);
        client.send(post_head(&session, "Transfer-Encoding: chunked"));
        let chunk = format!("186a0\r\n{}\r\n", "4".repeat(100_000));
        for _ in 0..11 {
            if !client.try_send(&chunk) {
                break;
            }
        }
        assert_eq!(answer(&mut client).expect("an answer").status, 413);
        session.post("1");
    }
    // To the byte.
    let session = place(&server, ECHO).poll();
    let full = format!("4{}", "x".repeat(999_999));
    session.give(&full);
    assert!(session.take() == full);
    let over = session.post(full + "x").expect("an answer");
    assert_eq!(over.status, 413);
}

#[test]
fn a_message_beyond_the_payload_is_1009() {
    let server = server(&MAX);
    for path in [ECHO, SOCKETIO] {
        for kind in [TEXT, BINARY] {
            let announced = [
                vec![FIN | kind, 0x80 | 127],
                1_000_001_u64.to_be_bytes().into(),
            ];
            let mut socket = place(&server, path).socket();
            socket.client.send(announced.concat());
            assert_eq!(socket.hear(), Heard::Closed(Some(1009)));
            // In fragments, of which none is too large.
            let mut socket = place(&server, path).socket();
            socket.client.send(masked(kind, &[b'4'; 600_000]));
            socket.client.try_send(masked(0, &[b'4'; 600_000]));
            assert_eq!(socket.hear(), Heard::Closed(Some(1009)));
        }
    }
    expect_nobody(&server);
}

#[test]
fn a_megabyte_of_separators() {
    let server = server(&MAX);
    for path in [ECHO, SOCKETIO] {
        let session = place(&server, path).poll();
        let refused = session.post("\u{1e}".repeat(1_000_000)).expect("an answer");
        assert_eq!(refused.status, 400);
        expect_no_session(&server);
    }
    // A hundred packets are not too many.
    let session = place(&server, ECHO).poll();
    let hundred = ["4"; 100].join("\u{1e}");
    session.give(&hundred);
    assert_eq!(session.take(), hundred);
    let refused = session.post(hundred + "\u{1e}4").expect("an answer");
    assert_eq!(refused.status, 400);
    expect_nobody(&server);
}

/// Who posts and never fetches the answers has them kept up to a bound, and ends beyond it.
#[test]
fn answers_that_nobody_fetches_are_bounded() {
    let server = server(&MAX);
    let session = place(&server, ECHO).poll();
    let large = format!("4{}", "x".repeat(900_000));
    let taken = (0..200)
        .take_while(|_| {
            session
                .post(&large)
                .is_some_and(|answer| answer.status == 200)
        })
        .count();
    println!("{taken} echoes of 900 kB were kept");
    assert!(taken < 20, "{taken} echoes are kept");
    expect_no_session(&server);
    // Small ones by their number.
    let session = connected_by_polling(place(&server, SOCKETIO));
    let hundred = [r#"421["message-with-ack"]"#; 100].join("\u{1e}");
    let taken = (0..2_000)
        .take_while(|_| {
            session
                .post(&hundred)
                .is_some_and(|answer| answer.status == 200)
        })
        .count();
    println!("{taken} hundreds of acknowledgements were kept");
    assert!(taken < 200, "{taken} hundreds are kept");
    expect_nobody(&server);
}

/// The same of the rooms, which answer every `leave`.
#[test]
fn acknowledgements_that_nobody_fetches_are_bounded() {
    let server = server(&[]);
    let session = connected_by_polling(place(&server, SOCKETIO));
    let hundred = [r#"421["leave",{"room":"峡谷"}]"#; 100].join("\u{1e}");
    let taken = (0..2_000)
        .take_while(|_| {
            session
                .post(&hundred)
                .is_some_and(|answer| answer.status == 200)
        })
        .count();
    assert!(taken < 200, "{taken} hundreds are kept");
    expect_nobody(&server);
}

/// What the kernel and one message hold is all that is taken of a client that does not read.
#[test]
fn a_websocket_that_does_not_read_is_not_read() {
    const MIB: usize = 1024 * 1024;
    let server = server(&[&MAX[..], &["--unread-timeout", "60"]].concat());
    let large = masked(FIN | TEXT, format!("4{}", "x".repeat(900_000)).as_bytes());
    let mut echo = place(&server, ECHO).socket();
    let sent = echo.client.send_while_taken(&large, 256 * MIB);
    assert!(sent < 64 * MIB, "{sent} bytes were taken");
    let asking = masked(FIN | TEXT, br#"421["message-with-ack","0123456789"]"#);
    let mut acknowledged = connected(place(&server, SOCKETIO), true);
    let sent = acknowledged.client.send_while_taken(&asking, 256 * MIB);
    assert!(sent < 64 * MIB, "{sent} bytes were taken");
    drop((echo, acknowledged));
    expect_nobody(&server);
}

/// It is reset within `--unread-timeout`, and its reason counted; nobody else loses an event.
#[test]
fn a_member_that_does_not_read_is_reset() {
    const EVENTS: usize = 200;
    let server = server(&["--unread-timeout", "1", "--history-bytes", "100000000"]);
    let join = |socket: &mut Socket| {
        socket.say(r#"420["join",{"room":"KPL"}]"#);
        assert!(socket.text().starts_with("430["));
    };
    let mut reader = connected(place(&server, SOCKETIO), false);
    let mut silent = connected(place(&server, SOCKETIO), false);
    join(&mut reader);
    join(&mut silent);
    let reading = std::thread::spawn(move || {
        for _ in 0..EVENTS {
            assert!(reader.text_but_pings().starts_with("42[\"event\","));
        }
        reader
    });
    let mut publisher = server.connect();
    let padding = "x".repeat(60_000);
    for number in 1..=EVENTS {
        let body = format!(r#"{{"type":"n","data":[{number},"{padding}"]}}"#);
        assert_eq!(publisher.post("KPL", &body).status, 201);
    }
    let reader = reading.join().unwrap();
    until("it is reset", LIMIT, || {
        server.usage()["ended"]["unread"] == 1
    });
    until("its session is gone", LIMIT, || {
        sessions(&server.usage()) == 1
    });
    drop((reader, publisher));
    silent.client.read_to_end_or_reset();
    drop(silent);
    expect_nobody(&server);
}

/// A poller that left without a word: its answer is held no longer than a ping and its timeout.
#[test]
fn a_poller_that_never_comes_back_is_forgotten() {
    let pings = [
        "--eio-ping-interval",
        "300ms",
        "--eio-ping-timeout",
        "200ms",
    ];
    let server = server(&pings);
    let lost: Vec<Polling> = (0..50).map(|_| place(&server, SOCKETIO).poll()).collect();
    let mute: Vec<Socket> = (0..50).map(|_| place(&server, SOCKETIO).socket()).collect();
    assert!(sessions(&server.usage()) > 0);
    expect_no_session(&server);
    drop((lost, mute));
    expect_nobody(&server);
}

/// Who never says CONNECT goes when its time is over, though its heart beats.
#[test]
fn who_does_not_connect_is_closed() {
    let server = server(&["--sio-connect-timeout", "300ms"]);
    let mut socket = place(&server, SOCKETIO).socket();
    socket.expect_closed_after(&[]);
    let session = place(&server, SOCKETIO).poll();
    assert!(answer(&mut session.hang()).is_some());
    session.expect_gone();
    expect_nobody(&server);
}

/// A connection may be in so many rooms, and a name is as long as in a path.
#[test]
fn rooms_are_bounded() {
    // What an address makes of rooms has a pace of its own.
    let server = server(&["--max-publishes-per-second", "1000"]);
    let mut socket = connected(place(&server, SOCKETIO), false);
    let mut joined = 0;
    for number in 0..200 {
        socket.say(&format!(r#"421["join",{{"room":"瑶{number}"}}]"#));
        let answer = socket.text_but_pings();
        assert!(answer.starts_with("431["), "{answer}");
        joined += usize::from(!answer.contains(r#""type":"error""#));
    }
    assert_eq!(joined, 128);
    for room in [
        "",
        "\\u0000",
        "a\\nb",
        "\\u001e",
        &"x".repeat(65),
        &"瑶".repeat(22),
    ] {
        socket.say(&format!(r#"421["join",{{"room":"{room}"}}]"#));
        let answer = socket.text_but_pings();
        assert!(answer.contains(r#""type":"error""#), "{room}: {answer}");
    }
    drop(socket);
    expect_nobody(&server);
}
