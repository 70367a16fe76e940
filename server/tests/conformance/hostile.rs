//! Clients that announce more than they may, and send it: the server process must not grow by it. It runs
//! as a child, so that its memory is its own, with one worker.

use crate::case::*;
use crate::harness::{Client, LIMIT};
use std::fs;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

const MIB: usize = 1024 * 1024;

/// A server in a process of its own, which ends with this value.
struct Process {
    child: Child,
    public: SocketAddr,
}

impl Process {
    fn start() -> Process {
        let mut child = Command::new(env!("CARGO_BIN_EXE_pushlab-server"))
            .args(["--listen", "127.0.0.1:0", "--workers", "1", "--conformance"])
            .args(["--admin-listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let (_, public) = line.trim_end().rsplit_once('/').unwrap();
        // Its later lines must find someone who reads them.
        std::thread::spawn(move || stdout.read_to_end(&mut Vec::new()));
        Process {
            public: public.parse().unwrap(),
            child,
        }
    }

    /// A line of `/proc/PID/status`, in bytes.
    fn memory(&self, what: &str) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(what)).unwrap();
        let kib = line.split_whitespace().nth(1).unwrap();
        kib.parse::<usize>().unwrap() * 1024
    }

    /// By how much the process was ever larger than now, while `attack` went on.
    fn growth_under(&self, attack: impl FnOnce()) -> usize {
        // Makes the peak what is there now.
        fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5").unwrap();
        let before = self.memory("VmRSS");
        attack();
        self.memory("VmHWM").saturating_sub(before)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A head that announces a GiB.
fn gibibyte(first: u8) -> Vec<u8> {
    [
        &[first, 0x80 | 127][..],
        &(1_u64 << 30).to_be_bytes(),
        b"mask",
    ]
    .concat()
}

/// Sends `head` and then `most` bytes of `body` over and over, as far as the server lets it, and gives the
/// close code and the bytes that were taken.
fn attack(address: SocketAddr, path: &str, head: &[u8], body: &[u8], most: usize) -> (u16, usize) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.set_write_timeout(Some(LIMIT)).unwrap();
    let handshake = format!(
        "GET {path} HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    stream.write_all(handshake.as_bytes()).unwrap();
    let mut reads = stream.try_clone().unwrap();
    // What the server says is read while it is attacked: a reset would take it away.
    let answers = std::thread::spawn(move || {
        let mut heard = Vec::new();
        match reads.read_to_end(&mut heard) {
            Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
            _ => heard,
        }
    });
    let mut left = most;
    let mut sent = stream.write_all(head);
    while sent.is_ok() && left > 0 {
        let piece = &body[..left.min(body.len())];
        sent = stream.write_all(piece);
        if sent.is_ok() {
            left -= piece.len();
        }
    }
    if let Err(error) = sent {
        let gone = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
        assert!(gone.contains(&error.kind()), "{error}");
    }
    // Its side has ended already; ours now.
    drop(stream);
    let heard = answers.join().unwrap();
    let close = heard.windows(2).rposition(|two| two[0] == FIN | CLOSE);
    let at = close.expect("no close frame") + 2;
    (u16::from_be_bytes([heard[at], heard[at + 1]]), most - left)
}

#[test]
fn a_gibibyte_announced_and_200_mib_of_it_sent_take_no_memory() {
    let server = Process::start();
    let body = vec![0x5a; MIB];
    for path in ["/rooms/KPL/ws", "/lab/echo"] {
        for (first, code) in [(FIN | TEXT, 1009), (BINARY, 1009), (FIN | PING, 1002)] {
            let all = |most| attack(server.public, path, &gibibyte(first), &body, most);
            // Once before it counts, for pages of code that are read at first use.
            assert_eq!(all(4 * MIB).0, code, "{path}");
            let mut taken = 0;
            let growth = server.growth_under(|| {
                let told;
                (told, taken) = all(200 * MIB);
                assert_eq!(told, code, "{path}");
            });
            let what = format!("{path}, frame {first:#x}");
            println!("{what}: {taken} bytes taken, the process grew by {growth} at most");
            assert!(growth < MIB, "{what}: {growth} bytes");
        }
    }
}

#[test]
fn a_million_empty_fragments_are_cut_off() {
    let server = Process::start();
    let first = masked(TEXT, b"");
    let thousand = masked(0, b"").repeat(1_000);
    for (path, first) in [("/rooms/KPL/ws", &first), ("/lab/echo", &first)] {
        let all = |count: usize| attack(server.public, path, first, &thousand, count * 6);
        assert_eq!(all(200_000).0, 1008, "{path}");
        let growth = server.growth_under(|| assert_eq!(all(1_000_000).0, 1008, "{path}"));
        println!("{path}: the process grew by {growth} bytes at most");
        assert!(growth < MIB, "{path}: {growth} bytes");
    }
    // One that is not hostile is served as ever.
    let mut client = Client::connect(server.public);
    client.get("/health", "");
}
