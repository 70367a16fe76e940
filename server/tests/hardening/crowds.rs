//! More who come than there is room for: each is told, and those who are inside notice nothing.

use crate::harness::{Answer, Client, LIMIT, Server};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

/// What a connection hears that asks one thing, whether it is let in or not.
fn health(server: &Server) -> (Client, Answer) {
    let mut client = server.connect();
    let answer = client.get("/health", "");
    (client, answer)
}

/// That it is turned away with `status`, a time to come back, and a whole connection.
fn expect_turned_away(server: &Server, status: u16) {
    let (mut client, answer) = health(server);
    answer.expect_problem(status);
    let seconds: u32 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds));
    assert_eq!(answer.header("connection"), Some("close"));
    client.expect_end();
}

#[test]
fn a_connection_too_many_is_503_until_another_ends() {
    let server = Server::start(&["--max-connections", "2"]);
    let (mut first, _) = health(&server);
    let (second, answer) = health(&server);
    assert_eq!(answer.status, 200);
    for _ in 0..3 {
        expect_turned_away(&server, 503);
    }
    assert_eq!(first.get("/health", "").status, 200);
    assert_eq!(server.usage()["ended"]["full"], 3);
    drop(second);
    server.wait_for_figure("control", "open", 1, LIMIT);
    let (_third, answer) = health(&server);
    assert_eq!(answer.status, 200);
}

#[test]
fn a_connection_too_many_of_one_address_is_429() {
    let limit = ["--max-connections-per-address", "2"];
    let server = Server::start(&[&limit[..], &["--limit-loopback"]].concat());
    let (_first, _) = health(&server);
    let (second, answer) = health(&server);
    assert_eq!(answer.status, 200);
    expect_turned_away(&server, 429);
    assert_eq!(server.usage()["ended"]["too-many"], 1);
    drop(second);
    server.wait_for_figure("control", "open", 1, LIMIT);
    assert_eq!(health(&server).1.status, 200);
    // This host's own are exempt.
    let server = Server::start(&limit);
    let many: Vec<_> = (0..5).map(|_| health(&server)).collect();
    assert!(many.iter().all(|(_, answer)| answer.status == 200));
}

#[test]
fn who_connects_too_often_is_429() {
    let limit = ["--max-new-connections-per-second", "1"];
    let server = Server::start(&[&limit[..], &["--limit-loopback"]].concat());
    let answers: Vec<u16> = (0..20).map(|_| health(&server).1.status).collect();
    assert_eq!(answers[0], 200);
    assert!(answers.contains(&429), "{answers:?}");
    let refused = answers.iter().filter(|status| **status == 429).count();
    assert_eq!(server.usage()["ended"]["too-often"], refused);
    let server = Server::start(&limit);
    assert!((0..20).all(|_| health(&server).1.status == 200));
}

/// A word would cost the handshake that the limit is to spare.
#[test]
fn over_tls_a_connection_too_many_is_closed_and_counted() {
    let server = Server::start(&["--tls-self-signed", "--max-connections", "1"]);
    let _inside = server.connect();
    for _ in 0..3 {
        assert!(server.connect().read_to_end().is_empty());
    }
    assert_eq!(server.usage()["ended"]["full"], 3);
}

/// A reset would eat the answer of one who has sent much already.
#[test]
fn who_is_turned_away_can_read_why_whatever_it_has_sent() {
    let server = Server::start(&["--max-connections", "1"]);
    let (_inside, _) = health(&server);
    let mut client = server.connect();
    client.send(format!(
        "POST /rooms/KPL/events HTTP/1.1\r\nHost: test\r\nContent-Length: 60000\r\n\r\n{}",
        "x".repeat(60_000)
    ));
    client.answer().expect_problem(503);
    client.expect_end();
}

#[test]
fn a_flood_beyond_the_limit_starves_nobody_inside() {
    const FLOOD: usize = 3_000;
    let server = Server::start(&["--max-connections", "20"]);
    let mut stream = server.connect();
    stream.send("GET /rooms/KPL/sse HTTP/1.1\r\nHost: test\r\n\r\n");
    stream.read_until(b"hello");
    let mut publisher = server.connect();
    assert_eq!(publisher.get("/health", "").status, 200);
    // The rest of the room is taken by those who say nothing.
    let idle: Vec<Client> = (0..18).map(|_| server.connect()).collect();
    server.wait_for_figure("control", "open", 19, LIMIT);
    let address = server.public;
    let flood = thread::spawn(move || {
        for _ in 0..FLOOD {
            // One that is not even accepted floods too.
            drop(TcpStream::connect(address));
        }
    });
    let mut sent = 0;
    while !flood.is_finished() || sent == 0 {
        sent += 1;
        let answer = publisher.post("KPL", &format!(r#"{{"type":"n","data":"n{sent}."}}"#));
        assert_eq!(answer.status, 201, "{}", answer.text());
        stream.read_until(format!("n{sent}.").as_bytes());
    }
    flood.join().unwrap();
    let deadline = Instant::now() + LIMIT;
    while server.usage()["ended"]["full"] != FLOOD {
        assert!(Instant::now() < deadline, "{}", server.usage()["ended"]);
        thread::sleep(Duration::from_millis(2));
    }
    drop(idle);
    server.wait_for_figure("control", "open", 0, LIMIT);
    assert_eq!(health(&server).1.status, 200);
}
