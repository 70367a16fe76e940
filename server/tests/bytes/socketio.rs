//! Engine.IO and Socket.IO on the wire (`v4-current.md`, `v5-current.md` of socketio/socket.io), written
//! and read here by hand: the handshake, polls and POSTs, the change to a WebSocket, and how a session ends.
//! The cases of the protocols' own suites are in `tests/conformance`.

use crate::harness::{Answer, Client, LIMIT, Server};
use crate::websocket::{self, BINARY, TEXT};
use std::time::{Duration, Instant};

/// Of the server that the outside suites are run against.
pub const SUITE: [&str; 9] = [
    "--conformance",
    "--eio-ping-interval",
    "300ms",
    "--eio-ping-timeout",
    "200ms",
    "--eio-max-payload",
    "1000000",
    "--sio-connect-timeout",
    "1s",
];

/// Waits until this many sessions are open, as they must be.
pub fn wait_for_sessions(server: &Server, count: u64) {
    let deadline = Instant::now() + LIMIT;
    loop {
        let now = server.usage()["sessions"].as_u64().unwrap();
        if now == count {
            return;
        }
        assert!(Instant::now() < deadline, "{now} sessions, not {count}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A session that is polled over a connection of its own.
pub struct Polled {
    pub client: Client,
    pub path: String,
}

impl Polled {
    pub fn open(server: &Server, path: &str) -> Polled {
        let path = format!("{path}?EIO=4&transport=polling");
        let mut client = server.connect();
        let open = client.get(&path, "");
        assert_eq!(open.status, 200, "{}", open.text());
        let open: serde_json::Value =
            serde_json::from_str(open.text().strip_prefix('0').unwrap()).unwrap();
        let sid = open["sid"].as_str().unwrap();
        Polled {
            client,
            path: format!("{path}&sid={sid}"),
        }
    }

    pub fn ask(&mut self) {
        let path = self.path.clone();
        ask(&mut self.client, &path);
    }

    pub fn get(&mut self) -> Answer {
        self.ask();
        self.client.answer()
    }

    /// A POST over a connection of its own.
    pub fn post(&self, server: &Server, body: &str) -> Answer {
        post(&mut server.connect(), &self.path, "", body)
    }

    pub fn say(&self, server: &Server, body: &str) {
        let answer = self.post(server, body);
        assert_eq!((answer.status, answer.text()), (200, "ok"));
    }

    /// A WebSocket to the same session, not probed.
    pub fn upgrade(&self, server: &Server) -> Client {
        let path = self.path.replace("polling", "websocket");
        let mut client = server.connect();
        websocket::ask(&mut client, &path, "");
        client
    }

    pub fn expect_over(&mut self) {
        let answer = self.get();
        assert_eq!(answer.status, 400);
        assert_eq!(
            answer.text(),
            r#"{"code":1,"message":"Session ID unknown"}"#
        );
    }
}

fn ask(client: &mut Client, path: &str) {
    client.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n"));
}

pub fn post(client: &mut Client, path: &str, headers: &str, body: &str) -> Answer {
    client.send(format!(
        "POST {path} HTTP/1.1\r\nHost: test\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    client.answer()
}

/// A session that a WebSocket carries from its beginning; the packet that opens it has been read.
pub fn open(server: &Server, path: &str) -> Client {
    let mut client = server.connect();
    websocket::ask(
        &mut client,
        &format!("{path}?EIO=4&transport=websocket"),
        "",
    );
    assert_eq!(client.head().status, 101);
    assert!(read(&mut client).starts_with("0{"));
    client
}

/// The next packet, which is text.
pub fn read(client: &mut Client) -> String {
    let frame = websocket::read(client);
    assert_eq!(frame.first, 0x80 | TEXT, "{frame:?}");
    frame.text().to_owned()
}

#[test]
fn the_first_poll_opens_a_session_byte_by_byte() {
    let server = Server::start(&["--conformance"]);
    let answer = server.get("/engine.io/?EIO=4&transport=polling");
    assert_eq!(
        answer.lines(),
        [
            "HTTP/1.1 200 OK",
            "cache-control: no-store",
            &format!("content-length: {}", answer.body.len()),
            "content-type: text/plain; charset=UTF-8",
            "date: *"
        ]
    );
    let text = answer.text();
    let sid = text.split('"').nth(3).unwrap();
    assert_eq!(sid.len(), 22);
    assert_eq!(
        text,
        format!(
            r#"0{{"sid":"{sid}","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":131072}}"#
        )
    );
}

#[test]
fn what_is_no_engine_io_is_told_so_in_its_own_words() {
    let server = Server::start(&["--conformance"]);
    for (query, code, message) in [
        ("EIO=4", 0, "Transport unknown"),
        ("EIO=4&transport=abc", 0, "Transport unknown"),
        ("EIO=4&transport=polling&sid=x", 1, "Session ID unknown"),
        ("EIO=4&transport=websocket", 3, "Bad request"),
        ("transport=polling", 5, "Unsupported protocol version"),
        ("EIO=3&transport=polling", 5, "Unsupported protocol version"),
    ] {
        let answer = server.get(&format!("/engine.io/?{query}"));
        assert_eq!(answer.status, 400, "{query}");
        assert_eq!(
            answer.text(),
            format!(r#"{{"code":{code},"message":"{message}"}}"#),
            "{query}"
        );
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
    let path = "/engine.io/?EIO=4&transport=polling";
    let answer = post(&mut server.connect(), path, "", "4a");
    assert_eq!(
        answer.text(),
        r#"{"code":2,"message":"Bad handshake method"}"#
    );
    wait_for_sessions(&server, 0);
}

#[test]
fn without_conformance_there_is_no_echo() {
    let server = Server::start(&[]);
    let answer = server.get("/engine.io/?EIO=4&transport=polling");
    answer.expect_problem(404);
}

#[test]
fn packets_of_a_post_come_back_in_one_answer() {
    let server = Server::start(&["--conformance"]);
    let mut polled = Polled::open(&server, "/engine.io/");
    polled.ask();
    assert!(polled.client.is_silent());
    polled.say(&server, "4瑶\u{1e}bAQIDBA==\u{1e}4");
    let answer = polled.client.answer();
    assert_eq!(answer.text(), "4瑶\u{1e}bAQIDBA==\u{1e}4");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[test]
fn a_second_poll_ends_both_and_the_session() {
    let server = Server::start(&["--conformance"]);
    let mut polled = Polled::open(&server, "/engine.io/");
    polled.ask();
    server.wait_for_figure("control", "requests", 2, LIMIT);
    let second = server.get(&polled.path);
    assert_eq!(second.status, 400);
    assert_eq!(polled.client.answer().text(), "1");
    polled.expect_over();
    wait_for_sessions(&server, 0);
    assert_eq!(server.usage()["ended"]["bad-packet"], 1);
}

#[test]
fn a_poll_that_is_aborted_ends_its_session() {
    let server = Server::start(&["--conformance"]);
    for abort in [Client::finish, |client: &mut Client| {
        std::mem::replace(client, Client::connect(client.peer())).reset();
    }] {
        let mut polled = Polled::open(&server, "/engine.io/");
        polled.ask();
        wait_for_sessions(&server, 1);
        abort(&mut polled.client);
        wait_for_sessions(&server, 0);
    }
}

#[test]
fn a_post_that_breaks_off_or_is_one_too_many_ends_the_session() {
    let server = Server::start(&["--conformance"]);
    let half = |path: &str| {
        let mut client = server.connect();
        client.send(format!(
            "POST {path} HTTP/1.1\r\nHost: test\r\nContent-Length: 9\r\n\r\n4hel"
        ));
        client
    };
    let polled = Polled::open(&server, "/engine.io/");
    let broken = half(&polled.path);
    server.wait_for_figure("control", "requests", 2, LIMIT);
    broken.reset();
    wait_for_sessions(&server, 0);
    let polled = Polled::open(&server, "/engine.io/");
    let mut first = half(&polled.path);
    server.wait_for_figure("control", "requests", 4, LIMIT);
    assert_eq!(polled.post(&server, "4second").status, 400);
    wait_for_sessions(&server, 0);
    first.send("lo...");
    assert_eq!(first.answer().status, 400);
}

#[test]
fn what_is_too_large_is_refused_before_it_is_read() {
    let server = Server::start(&["--conformance", "--eio-max-payload", "100"]);
    let polled = Polled::open(&server, "/engine.io/");
    let mut client = server.connect();
    client.send(format!(
        "POST {} HTTP/1.1\r\nHost: test\r\nContent-Length: 101\r\n\r\n",
        polled.path
    ));
    assert_eq!(client.answer().status, 413);
    let mut client = open(&server, "/engine.io/");
    client.send([0x81, 0x80 | 101]);
    websocket::expect_close(&mut client, 1009);
}

#[test]
fn a_websocket_echoes_text_and_bytes() {
    let server = Server::start(&["--conformance"]);
    let mut client = open(&server, "/engine.io/");
    websocket::send_text(&mut client, "4瑶");
    assert_eq!(read(&mut client), "4瑶");
    client.send(websocket::masked(0x80 | BINARY, &[1, 2, 3, 4]));
    let frame = websocket::read(&mut client);
    assert_eq!(
        (frame.first, &*frame.payload),
        (0x80 | BINARY, &[1, 2, 3, 4][..])
    );
    assert_eq!(server.usage()["sessions"], 1);
    websocket::send_text(&mut client, "1");
    websocket::expect_close(&mut client, 1000);
    wait_for_sessions(&server, 0);
}

/// They go over two connections, so that either may come first.
#[test]
fn a_last_poll_that_its_goodbye_overtook_is_let_go_once() {
    let server = Server::start(&["--conformance"]);
    let mut polled = Polled::open(&server, "/engine.io/");
    polled.say(&server, "1");
    wait_for_sessions(&server, 0);
    assert_eq!(polled.get().text(), "6");
    polled.expect_over();
}

/// Suites listen for one after they have heard the other.
#[test]
fn with_conformance_messages_come_one_by_one() {
    let server = Server::start(&["--conformance"]);
    let mut socket = open(&server, "/engine.io/");
    socket.send(
        [
            websocket::masked(0x81, b"4a"),
            websocket::masked(0x81, b"4b"),
        ]
        .concat(),
    );
    let first = socket.some();
    assert_eq!(first, b"\x81\x024a");
    assert_eq!(read(&mut socket), "4b");
}

#[test]
fn who_does_not_answer_a_ping_is_gone_on_both() {
    let server = Server::start(&SUITE);
    let mut polled = Polled::open(&server, "/engine.io/");
    let mut socket = open(&server, "/engine.io/");
    for _ in 0..3 {
        assert_eq!(polled.get().text(), "2");
        polled.say(&server, "3");
        assert_eq!(read(&mut socket), "2");
        websocket::send_text(&mut socket, "3");
    }
    assert_eq!(read(&mut socket), "2");
    socket.expect_end();
    wait_for_sessions(&server, 0);
    polled.expect_over();
    assert_eq!(server.usage()["ended"]["no-pong"], 2);
}

#[test]
fn the_client_is_served_where_the_operator_names_it() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "io = () => {}").unwrap();
    let server = Server::start(&["--socketio-client", file.path().to_str().unwrap()]);
    let answer = server.get("/socket.io/socket.io.js");
    assert_eq!((answer.status, answer.text()), (200, "io = () => {}"));
    assert_eq!(
        answer.header("content-type"),
        Some("text/javascript; charset=utf-8")
    );
    let none = Server::start(&[]);
    none.get("/socket.io/socket.io.js").expect_problem(404);
}

/// What `read` gives until something begins with this, with that.
pub fn read_to(client: &mut Client, start: &str) -> String {
    loop {
        let packet = read(client);
        if packet.starts_with(start) {
            return packet;
        }
    }
}

/// A guest of the server on a WebSocket, who is in no room yet.
pub fn connect(server: &Server) -> Client {
    let mut client = open(server, "/socket.io/");
    websocket::send_text(&mut client, "40");
    assert!(read(&mut client).starts_with(r#"40{"sid":""#));
    client
}

pub fn join(client: &mut Client, room: &str) -> String {
    websocket::send_text(client, &format!(r#"420["join",{{"room":"{room}"}}]"#));
    read_to(client, "430").split('"').nth(3).unwrap().to_owned()
}

#[test]
fn an_event_is_the_object_of_every_transport_with_its_room_and_cursor() {
    let server = Server::start(&["--socketio-client", "/dev/null"]);
    let mut socket = connect(&server);
    let cursor = join(&mut socket, "峡谷");
    let first = server.publish(
        "%E5%B3%A1%E8%B0%B7",
        r#"{"type":"chat","data":{"a":[1, 2.50]}}"#,
    );
    let expected = |id: u64, data: &str, cursor: &str| {
        format!(r#"42["event",{{"id":{id},"type":"chat","data":{data}}},"峡谷","{cursor}"]"#)
    };
    let told = expected(1, r#"{"a":[1,2.50]}"#, &first);
    assert_eq!(read(&mut socket), told);
    // The short way is open now.
    let second = server.publish("%E5%B3%A1%E8%B0%B7", r#"{"type":"chat","data":2}"#);
    assert_eq!(read(&mut socket), expected(2, "2", &second));
    let mut polled = Polled::open(&server, "/socket.io/");
    polled.say(&server, "40");
    assert!(polled.get().text().starts_with(r#"40{"sid":""#));
    let order = format!(r#"421["join",{{"room":"峡谷","cursor":"{cursor}"}}]"#);
    polled.say(&server, &order);
    assert_eq!(
        polled.get().text(),
        format!(
            "431[{{\"cursor\":\"{cursor}\",\"missed\":0}}]\u{1e}{told}\u{1e}{}",
            expected(2, "2", &second)
        )
    );
    polled.ask();
    let third = server.publish("%E5%B3%A1%E8%B0%B7", r#"{"type":"chat","data":"瑶"}"#);
    assert_eq!(
        polled.client.answer().text(),
        expected(3, r#""瑶""#, &third)
    );
    assert_eq!(server.figure("socketio", "deliveries"), 6);
}

#[test]
fn who_publishes_without_echo_is_spared_his_own_and_nothing_else() {
    let server = Server::start(&[]);
    let mut socket = connect(&server);
    join(&mut socket, "KPL");
    let mut other = connect(&server);
    join(&mut other, "KPL");
    let publish = |client: &mut Client, data: u64, echo: bool| {
        let order =
            format!(r#"429["publish",{{"room":"KPL","type":"n","data":{data},"echo":{echo}}}]"#);
        websocket::send_text(client, &order);
    };
    let mut told = Vec::new();
    for round in 0..50 {
        server.publish("KPL", &format!(r#"{{"type":"n","data":{}}}"#, 3 * round));
        publish(&mut socket, 3 * round + 1, false);
        publish(&mut socket, 3 * round + 2, true);
    }
    while told.len() < 100 {
        let packet = read(&mut socket);
        if packet.starts_with("42") {
            told.push(number(&packet));
        }
    }
    let mut expected: Vec<u64> = (0..150).filter(|n| n % 3 != 1).collect();
    // Those of the other publisher came when they came.
    told.sort_unstable();
    expected.sort_unstable();
    assert_eq!(told, expected);
    let heard: Vec<u64> = (0..150).map(|_| number(&read(&mut other))).collect();
    assert_eq!(heard.len(), 150);
    assert!((0..150).all(|n| heard.contains(&n)));
}

/// The data of an event, which is a number.
pub fn number(packet: &str) -> u64 {
    let data = packet.split(r#""data":"#).nth(1).unwrap();
    data.split('}').next().unwrap().parse().unwrap()
}

#[test]
fn many_rooms_are_heard_each_in_its_order_and_one_that_is_left_is_not() {
    let server = Server::start(&["--workers", "2"]);
    let mut socket = connect(&server);
    let rooms = ["a", "b", "c"];
    for room in rooms {
        join(&mut socket, room);
    }
    for number in 1..=20 {
        for room in rooms {
            server.publish(room, &format!(r#"{{"type":"n","data":{number}}}"#));
        }
    }
    let mut told = vec![Vec::new(); 3];
    for _ in 0..60 {
        let packet = read(&mut socket);
        let room = rooms
            .iter()
            .position(|room| packet.contains(&format!("}},\"{room}\",\"")));
        told[room.unwrap()].push(number(&packet));
    }
    for room in told {
        assert_eq!(room, (1..=20).collect::<Vec<_>>());
    }
    websocket::send_text(&mut socket, r#"422["leave",{"room":"b"}]"#);
    assert_eq!(read_to(&mut socket, "43"), "432[{}]");
    server.publish("b", r#"{"type":"n","data":1}"#);
    server.publish("c", r#"{"type":"n","data":2}"#);
    assert!(read(&mut socket).contains(r#"},"c",""#));
    drop(socket);
    wait_for_sessions(&server, 0);
    server.wait_for_figure("socketio", "open", 0, LIMIT);
}

#[test]
fn every_byte_of_both_carriers_is_counted() {
    let server = Server::start(&[]);
    let mut polled = Polled::open(&server, "/socket.io/");
    let mut poster = server.connect();
    for body in ["40", "420[\"join\",{\"room\":\"KPL\"}]", "1"] {
        assert_eq!(post(&mut poster, &polled.path, "", body).status, 200);
        if body != "1" {
            polled.get();
        }
    }
    let mut socket = connect(&server);
    join(&mut socket, "KPL");
    websocket::send_text(
        &mut socket,
        r#"42["publish",{"room":"KPL","type":"n","data":1}]"#,
    );
    read(&mut socket);
    websocket::send_text(&mut socket, "1");
    websocket::expect_close(&mut socket, 1000);
    let all = [&mut polled.client, &mut poster, &mut socket];
    let mut sums = (0, 0);
    for client in all {
        client.finish();
        client.read_to_end();
        sums = (sums.0 + client.sent, sums.1 + client.received);
    }
    server.wait_for_figure("socketio", "open", 0, LIMIT);
    server.wait_for_figure("socketio", "rx", sums.0, LIMIT);
    server.wait_for_figure("socketio", "tx", sums.1, LIMIT);
    assert_eq!(server.figure("socketio", "requests"), 7);
    assert_eq!(server.figure("control", "rx"), 0);
}
