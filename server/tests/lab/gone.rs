//! A tab that is closed takes all with it: ports, connections, tasks, threads, descriptors and rooms.
//! The server runs as a process of its own, so that nothing else opens or closes anything in it.

use crate::harness::{Client, LIMIT};
use crate::masked::masked;
use crate::page::{Page, ask_for_socket, handshake};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// `pushlab-server` as a person starts it; it ends with this value.
pub struct Program {
    child: Child,
    pub address: SocketAddr,
}

impl Program {
    pub fn start(flags: &[&str]) -> Program {
        Program::start_with_temporary(flags, &std::env::temp_dir())
    }

    /// Its temporary files are made in `folder`.
    pub fn start_with_temporary(flags: &[&str], folder: &Path) -> Program {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pushlab-server"))
            .args(["--listen", "127.0.0.1:0", "--workers", "2"])
            .args(flags)
            .env("TMPDIR", folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().rsplit_once('/').unwrap().1.parse().unwrap();
        Program { child, address }
    }

    pub fn usage(&self) -> Value {
        Client::connect(self.address).get("/lab/usage", "").json()
    }

    pub fn open(&self) -> Page {
        Page::open_at(self.address)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a session must leave as it was: descriptors, threads, rooms, connections of each class.
fn belongings(usage: &Value) -> Vec<(String, u64)> {
    let number = |value: &Value| value.as_u64().unwrap();
    let mut all = vec![
        ("fds".to_owned(), number(&usage["process"]["fds"])),
        ("threads".to_owned(), number(&usage["process"]["threads"])),
        ("rooms".to_owned(), number(&usage["rooms"])),
    ];
    for (class, traffic) in usage["transports"].as_object().unwrap() {
        all.push((class.clone(), number(&traffic["open"])));
    }
    all
}

fn busy(page: &mut Page) -> Vec<Client> {
    let room = page.room();
    page.say(
        &json!({"do": "publish", "rate": 200, "arrivals": "poisson", "payload": 1000,
                     "seed": 1, "duration_s": 3600}),
    );
    page.say(&json!({"do": "lane", "lane": "sse", "rtt_ms": 50}));
    let mut clients = Vec::new();
    for (lane, segment) in [("http-streaming", "stream"), ("sse", "sse")] {
        let mut client = page.lane(lane);
        client.send(format!(
            "GET /rooms/{room}/{segment} HTTP/1.1\r\nHost: x\r\n\r\n"
        ));
        client.head();
        clients.push(client);
    }
    let mut socket = page.lane("websocket");
    ask_for_socket(&mut socket, &room);
    clients.push(socket);
    // Held in a room of nobody else's, half a request, and nothing at all.
    let mut held = page.lane("long-polling");
    held.send(format!(
        "GET /rooms/{room}/long-poll?cursor=0 HTTP/1.1\r\nHost: x\r\n\r\n"
    ));
    let mut half = page.lane("interval-polling");
    half.send("GET /rooms/");
    clients.extend([held, half, page.lane("interval-polling")]);
    page.hear("wire");
    clients
}

#[test]
fn fifty_closed_tabs_leave_nothing_behind() {
    let program = Program::start(&[]);
    // A first one, for what is made once and kept.
    leave(&program, 0);
    let before = at_rest(&program, None);
    for number in 0..50 {
        leave(&program, number);
    }
    at_rest(&program, Some(&before));
}

/// Opens a session, uses all of it, and is gone in one of four ways.
fn leave(program: &Program, number: usize) {
    let mut page = program.open();
    let lanes: Vec<SocketAddr> = ["sse", "websocket"]
        .map(|lane| page.lane_address(lane))
        .into();
    let clients = busy(&mut page);
    match number % 4 {
        0 => drop(page),
        1 => page.client.reset(),
        2 => {
            page.client.send(masked(0x88, &1001u16.to_be_bytes()));
            page.client.read_to_end();
        }
        _ => {
            page.say(&json!({"do": "restart", "down_ms": 60_000}));
            page.hear("trouble");
            drop(page);
        }
    }
    // The other ends are still there: it is the server that closes.
    for mut client in clients {
        client.read_to_end_or_reset();
    }
    let deadline = Instant::now() + LIMIT;
    for lane in lanes {
        while TcpStream::connect(lane).is_ok() {
            assert!(Instant::now() < deadline, "port {lane} still listens");
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Waits until the server has what it is expected to have, or no connection but the asking one.
fn at_rest(program: &Program, expected: Option<&Vec<(String, u64)>>) -> Vec<(String, u64)> {
    let deadline = Instant::now() + LIMIT;
    loop {
        let now = belongings(&program.usage());
        let open: u64 = now[3..].iter().map(|(_, open)| open).sum();
        let rests = expected.map_or(open == 1 && now[2].1 == 0, |expected| *expected == now);
        if rests {
            return now;
        }
        assert!(Instant::now() < deadline, "{now:?}, not {expected:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_page_that_goes_during_its_handshake_leaves_nothing() {
    let program = Program::start(&[]);
    program.open();
    let before = at_rest(&program, None);
    for _ in 0..20 {
        let mut client = Client::connect(program.address);
        client.send(handshake(
            &program.address.to_string(),
            &format!("http://{}", program.address),
        ));
    }
    at_rest(&program, Some(&before));
}
