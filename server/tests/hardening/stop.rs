//! A server that is told to stop, as a process of its own: what each connection sees, that everything
//! published is told first, how long it takes, and what it exits with.

use crate::harness::{Client, LIMIT};
use crate::program::Program;
use crate::subscribe::{STREAMS, ask, request};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pushlab_server::wire::transport::Transport;
use std::net::TcpStream;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

impl Program {
    fn tell(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).unwrap();
    }

    fn exit(&mut self) -> ExitStatus {
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "still runs after {LIMIT:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// What is left of a stream without end: its client has a hello and one event behind it.
fn rest(program: &Program, transport: Transport) -> Client {
    let mut client = program.connect();
    ask(&mut client, transport, "KPL");
    assert_eq!(
        program
            .connect()
            .post("KPL", r#"{"type":"n","data":"one"}"#)
            .status,
        201
    );
    client.read_until(br#""one"}"#);
    client
}

#[test]
fn streams_end_with_their_last_chunk_and_websockets_with_1001() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let mut program = Program::start(&[]);
        let [mut lines, mut sse, mut websocket] = STREAMS.map(|kind| rest(&program, kind));
        // The first ones have met the events of the later ones too.
        lines.read_until(b"\r\n");
        program.tell(signal);
        assert!(lines.read_to_end().ends_with(b"\r\n0\r\n\r\n"));
        assert!(sse.read_to_end().ends_with(b"\n\n\r\n0\r\n\r\n"));
        let close = websocket.read_exactly(4);
        assert_eq!((close[0], &close[2..]), (0x88, &1001u16.to_be_bytes()[..]));
        websocket.read_exactly(usize::from(close[1]) - 2);
        assert!(websocket.is_silent(), "it waits for the client's own close");
        websocket.send(b"\x88\x82\0\0\0\0\x03\xe9");
        websocket.expect_end();
        drop((lines, sse));
        assert!(program.exit().success());
        assert!(TcpStream::connect(program.address).is_err());
    }
}

#[test]
fn the_echo_of_conformance_suites_closes_with_1001_too() {
    let mut program = Program::start(&["--conformance"]);
    let mut echo = program.connect();
    let ask = request(Transport::Websocket, "KPL", None);
    echo.send(ask.replace("/rooms/KPL/ws", "/lab/echo"));
    assert_eq!(echo.head().status, 101);
    echo.send(b"\x81\x81\0\0\0\0x");
    assert_eq!(echo.read_exactly(3), b"\x81\x01x");
    program.tell(Signal::SIGTERM);
    let close = echo.read_exactly(4);
    assert_eq!((close[0], &close[2..]), (0x88, &1001u16.to_be_bytes()[..]));
    echo.read_exactly(usize::from(close[1]) - 2);
    echo.expect_end();
    drop(echo);
    assert!(program.exit().success());
}

#[test]
fn sessions_of_socketio_are_told_on_both_carriers() {
    let mut program = Program::start(&[]);
    let mut polled = program.connect();
    let path = "/socket.io/?EIO=4&transport=polling";
    let open = polled.get(path, "");
    let sid = open.text().split('"').nth(3).unwrap();
    polled.send(format!(
        "GET {path}&sid={sid} HTTP/1.1\r\nHost: test\r\n\r\n"
    ));
    let mut socket = program.connect();
    let ask = request(Transport::Websocket, "KPL", None);
    let path = "/socket.io/?EIO=4&transport=websocket";
    socket.send(ask.replace("/rooms/KPL/ws", path));
    assert_eq!(socket.head().status, 101);
    let open = socket.read_exactly(2);
    socket.read_exactly(usize::from(open[1]));
    for _ in 0..4 {
        program.connect().get("/health", "");
    }
    program.tell(Signal::SIGTERM);
    let answer = polled.answer();
    assert_eq!((answer.status, answer.text()), (200, "1"));
    let close = socket.read_exactly(4);
    assert_eq!((close[0], &close[2..]), (0x88, &1001u16.to_be_bytes()[..]));
    socket.read_exactly(usize::from(close[1]) - 2);
    socket.send(b"\x88\x82\0\0\0\0\x03\xe9");
    socket.expect_end();
    drop((polled, socket));
    assert!(program.exit().success());
}

#[test]
fn nothing_follows_a_close_frame() {
    let mut program = Program::start(&[]);
    let mut plain = rest(&program, Transport::Websocket);
    let mut socket = program.connect();
    let ask = request(Transport::Websocket, "KPL", None);
    let path = "/socket.io/?EIO=4&transport=websocket";
    socket.send(ask.replace("/rooms/KPL/ws", path));
    for said in ["40", r#"421["join",{"room":"KPL"}]"#] {
        let length = u8::try_from(said.len()).unwrap();
        let frame = [&[0x81, 0x80 | length, 0, 0, 0, 0], said.as_bytes()].concat();
        socket.send(frame);
    }
    socket.read_until(br#""missed":0}]"#);
    let mut sending = program.connect();
    sending.send("POST /rooms/KPL/events HTTP/1.1\r\nHost: test\r\nContent-Length: 21\r\n\r\n");
    for _ in 0..4 {
        program.connect().get("/health", "");
    }
    program.tell(Signal::SIGTERM);
    for client in [&mut plain, &mut socket] {
        let close = client.read_exactly(4);
        assert_eq!((close[0], &close[2..]), (0x88, &1001u16.to_be_bytes()[..]));
        client.read_exactly(usize::from(close[1]) - 2);
    }
    sending.send(r#"{"type":"n","data":1}"#);
    assert_eq!(sending.answer().status, 201);
    for mut client in [plain, socket] {
        assert!(client.is_silent(), "an event after the close frame");
        client.send(b"\x88\x82\0\0\0\0\x03\xe9");
        client.expect_end();
    }
    drop(sending);
    assert!(program.exit().success());
}

#[test]
fn held_polls_are_answered_and_idle_connections_closed() {
    for held in ["tasks", "threads"] {
        let mut program = Program::start(&["--hold-on", held]);
        let cursor = program.connect().get("/rooms/KPL/poll", "").cursor();
        let mut poll = program.connect();
        poll.send(request(Transport::LongPolling, "KPL", Some(&cursor)));
        let mut idle = program.connect();
        idle.get("/health", "");
        let mut silent = program.connect();
        let mut half = program.connect();
        half.send("GET /health HT");
        let mut sending = program.connect();
        sending.send("POST /rooms/KPL/events HTTP/1.1\r\nHost: test\r\nContent-Length: 21\r\n\r\n");
        // All of them are where they should be once this is answered on both workers.
        for _ in 0..4 {
            program.connect().get("/health", "");
        }
        program.tell(Signal::SIGTERM);
        let answer = poll.answer();
        assert_eq!(answer.status, 204, "{held}");
        assert_eq!(answer.header("connection"), Some("close"));
        for client in [&mut poll, &mut idle, &mut silent, &mut half] {
            client.expect_end();
        }
        sending.send(r#"{"type":"n","data":1}"#);
        let answer = sending.answer();
        assert_eq!(answer.status, 201, "{}", answer.text());
        assert_eq!(answer.header("connection"), Some("close"));
        sending.expect_end();
        drop((poll, idle, silent, half, sending));
        assert!(program.exit().success());
    }
}

#[test]
fn a_subscriber_has_everything_that_was_published_before_it_ends() {
    const EVENTS: u32 = 200;
    for transport in STREAMS {
        let mut program = Program::start(&["--history-bytes", "100000000"]);
        let mut client = program.connect();
        ask(&mut client, transport, "KPL");
        let padding = "x".repeat(60_000);
        let mut publisher = program.connect();
        for number in 1..=EVENTS {
            let body = format!(r#"{{"type":"n","data":["{padding}",{number}]}}"#);
            assert_eq!(publisher.post("KPL", &body).status, 201);
        }
        program.tell(Signal::SIGTERM);
        let rest = match transport {
            Transport::Websocket => {
                let mut rest = Vec::new();
                while !rest.ends_with(b"your cursor") {
                    let more = client.some();
                    assert!(!more.is_empty(), "ended without a close frame");
                    rest.extend(more);
                }
                client.send(b"\x88\x82\0\0\0\0\x03\xe9");
                rest
            }
            _ => client.read_to_end(),
        };
        let text = String::from_utf8_lossy(&rest);
        let told = text.split("x\",").skip(1);
        let told: Vec<u32> = told
            .map(|rest| rest[..rest.find(']').unwrap()].parse().unwrap())
            .collect();
        assert_eq!(told, (1..=EVENTS).collect::<Vec<_>>(), "{transport:?}");
        drop(client);
        assert!(program.exit().success());
    }
}

#[test]
fn who_does_not_finish_is_cut_at_the_limit_or_by_the_second_signal() {
    for limit in ["0.3", "600"] {
        let mut program = Program::start(&["--drain", limit]);
        let mut stubborn = program.connect();
        ask(&mut stubborn, Transport::Websocket, "KPL");
        let begun = Instant::now();
        program.tell(Signal::SIGTERM);
        stubborn.read_until(b"your cursor");
        if limit == "600" {
            // It is the second once the listener is closed.
            while TcpStream::connect(program.address).is_ok() {}
            program.tell(Signal::SIGTERM);
        }
        // Not later than `exit` waits, so the other limit of ten minutes was not waited for.
        assert!(program.exit().success());
        if limit == "0.3" {
            assert!(
                begun.elapsed() >= Duration::from_millis(300),
                "cut too early"
            );
        }
        stubborn.read_to_end_or_reset();
    }
}
