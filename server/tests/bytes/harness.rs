//! A server on a thread of its own and clients that are nothing but a socket and two counters.
//! Read timeouts are upper limits that no passing test comes near; nothing is decided by sleeping.

use clap::Parser;
use pushlab_server::config::Config;
use serde_json::Value;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How long anything that must happen may take.
pub const LIMIT: Duration = Duration::from_secs(15);

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    config: Config,
}

/// A server in this process; it ends with this value.
pub struct Server {
    pub public: SocketAddr,
    pub admin: Option<SocketAddr>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// One worker, an admin port, and `flags` on top.
    pub fn start(flags: &[&str]) -> Server {
        let mut defaults = vec!["--admin-listen", "127.0.0.1:0"];
        if !flags.contains(&"--workers") {
            defaults.extend(["--workers", "1"]);
        }
        Server::start_with(&[&defaults, flags].concat())
    }

    /// Nothing but `flags` and a free port.
    pub fn start_with(flags: &[&str]) -> Server {
        let arguments = ["test", "--listen", "127.0.0.1:0"];
        let config = Flags::try_parse_from(arguments.iter().chain(flags))
            .unwrap()
            .config;
        let (stop, stopped) = oneshot::channel();
        let (tell, addresses) = mpsc::channel();
        let thread = thread::spawn(move || {
            actix_rt::System::new().block_on(async {
                let running = pushlab_server::start(config).unwrap();
                tell.send((running.public, running.admin)).unwrap();
                let until = async {
                    let _ = stopped.await;
                };
                running.wait(until).await.unwrap();
            });
        });
        let (public, admin) = addresses.recv_timeout(LIMIT).unwrap();
        Server {
            public,
            admin,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub fn connect(&self) -> Client {
        Client::connect(self.public)
    }

    /// One GET over a connection of its own.
    pub fn get(&self, path: &str) -> Answer {
        self.connect().get(path, "")
    }

    /// One publish over a connection of its own; gives its cursor.
    pub fn publish(&self, room: &str, body: &str) -> String {
        let answer = self.connect().post(room, body);
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()["cursor"].as_str().unwrap().to_owned()
    }

    /// Publishes `count` events whose data is their number.
    pub fn publish_numbers(&self, room: &str, count: u64) {
        let mut client = self.connect();
        for number in 1..=count {
            let answer = client.post(room, &format!(r#"{{"type":"n","data":{number}}}"#));
            assert_eq!(answer.status, 201, "{}", answer.text());
        }
    }

    /// The cursor of a room's newest event, from a poll without one.
    pub fn head_cursor(&self, room: &str) -> String {
        let answer = self.get(&format!("/rooms/{room}/poll"));
        answer.json()["cursor"].as_str().unwrap().to_owned()
    }

    /// `/lab/usage`, over the admin port.
    pub fn usage(&self) -> Value {
        let mut client = Client::connect(self.admin.expect("started with an admin port"));
        client.get("/lab/usage", "").json()
    }

    /// `/metrics`, over the admin port.
    pub fn metrics(&self) -> String {
        let mut client = Client::connect(self.admin.expect("started with an admin port"));
        client.get("/metrics", "").text().to_owned()
    }

    /// One figure of `/lab/usage`, such as `websocket` `open`.
    pub fn figure(&self, class: &str, figure: &str) -> u64 {
        self.usage()["transports"][class][figure].as_u64().unwrap()
    }

    /// Waits until a figure has the value that it must come to within `limit`.
    pub fn wait_for_figure(&self, class: &str, figure: &str, value: u64, limit: Duration) {
        let deadline = Instant::now() + limit;
        loop {
            let now = self.figure(class, figure);
            if now == value {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "{class} {figure} is {now}, not {value}, after {limit:?}"
            );
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !thread::panicking()
        {
            panic!("the server's thread panicked");
        }
    }
}

/// One socket, what it has read ahead, and how many bytes have gone through it.
pub struct Client {
    stream: TcpStream,
    ahead: Vec<u8>,
    pub sent: u64,
    pub received: u64,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        stream.set_write_timeout(Some(LIMIT)).unwrap();
        Client {
            stream,
            ahead: Vec::new(),
            sent: 0,
            received: 0,
        }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
        self.sent += bytes.as_ref().len() as u64;
    }

    /// Sends `bytes` again and again until the server has taken nothing for a second, or `most` are sent.
    #[allow(dead_code)]
    pub fn send_while_taken(&mut self, bytes: &[u8], most: usize) -> usize {
        let timeout = self.stream.write_timeout().unwrap();
        let second = Some(Duration::from_secs(1));
        self.stream.set_write_timeout(second).unwrap();
        let mut sent = 0;
        while sent < most {
            match self.stream.write(&bytes[sent % bytes.len()..]) {
                Ok(written) => sent += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        self.stream.set_write_timeout(timeout).unwrap();
        self.sent += sent as u64;
        sent
    }

    /// Sends a GET and reads its answer; `headers` are whole lines.
    pub fn get(&mut self, path: &str, headers: &str) -> Answer {
        self.send(format!(
            "GET {path} HTTP/1.1\r\nHost: test\r\n{headers}\r\n"
        ));
        self.answer()
    }

    /// Publishes `body` as it stands and reads the answer.
    pub fn post(&mut self, room: &str, body: &str) -> Answer {
        self.post_with(room, "Content-Type: application/json\r\n", body)
    }

    pub fn post_with(&mut self, room: &str, headers: &str, body: &str) -> Answer {
        self.send(format!(
            "POST /rooms/{room}/events HTTP/1.1\r\nHost: test\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        self.answer()
    }

    /// A POST of JSON to any path; `headers` are whole lines.
    #[allow(dead_code)]
    pub fn post_to(&mut self, path: &str, headers: &str, body: &str) -> Answer {
        self.send(format!(
            "POST {path} HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        self.answer()
    }

    /// Reads once more from the socket; false at its end.
    fn fill(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        let read = self.stream.read(&mut buffer).unwrap_or_else(|error| {
            panic!("{error} after {:?}", String::from_utf8_lossy(&self.ahead))
        });
        self.received += read as u64;
        self.ahead.extend_from_slice(&buffer[..read]);
        read > 0
    }

    /// Reads up to and with `end`.
    pub fn read_until(&mut self, end: &[u8]) -> Vec<u8> {
        loop {
            let found = self
                .ahead
                .windows(end.len())
                .position(|window| window == end);
            if let Some(at) = found {
                return self.ahead.drain(..at + end.len()).collect();
            }
            assert!(self.fill(), "ended within {:?}", self.ahead_text());
        }
    }

    pub fn read_exactly(&mut self, count: usize) -> Vec<u8> {
        while self.ahead.len() < count {
            assert!(self.fill(), "ended within {:?}", self.ahead_text());
        }
        self.ahead.drain(..count).collect()
    }

    /// Up to and with `end`; nothing where the connection ends before, be it by a reset.
    #[allow(dead_code)]
    pub fn try_until(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        loop {
            let mut windows = self.ahead.windows(end.len());
            if let Some(at) = windows.position(|window| window == end) {
                return Some(self.ahead.drain(..at + end.len()).collect());
            }
            self.more()?;
        }
    }

    /// So many bytes; nothing where the connection ends before, be it by a reset.
    #[allow(dead_code)]
    pub fn try_exactly(&mut self, count: usize) -> Option<Vec<u8>> {
        while self.ahead.len() < count {
            self.more()?;
        }
        Some(self.ahead.drain(..count).collect())
    }

    fn more(&mut self) -> Option<()> {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => None,
            Ok(read) => {
                self.received += read as u64;
                self.ahead.extend_from_slice(&buffer[..read]);
                Some(())
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => None,
            Err(error) => panic!("{error} after {:?}", self.ahead_text()),
        }
    }

    /// Sends what a server that has given up need not take.
    #[allow(dead_code)]
    pub fn try_send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        let sent = self.stream.write_all(bytes.as_ref());
        if sent.is_ok() {
            self.sent += bytes.as_ref().len() as u64;
        }
        sent.is_ok()
    }

    fn ahead_text(&self) -> String {
        String::from_utf8_lossy(&self.ahead).into_owned()
    }

    /// The head of an answer, without its body.
    pub fn head(&mut self) -> Answer {
        let head = String::from_utf8(self.read_until(b"\r\n\r\n")).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer {
            status,
            head,
            body: Vec::new(),
        }
    }

    /// A whole answer whose length its head tells.
    pub fn answer(&mut self) -> Answer {
        let mut answer = self.head();
        if matches!(answer.status, 100 | 101 | 204 | 304) {
            return answer;
        }
        let length = answer.header("content-length").unwrap_or_else(|| {
            panic!("no content-length in {:?}", answer.head);
        });
        answer.body = self.read_exactly(length.parse().unwrap());
        answer
    }

    /// The data of one chunk; empty for the last (RFC 9112 §7.1).
    pub fn chunk(&mut self) -> String {
        let size = String::from_utf8(self.read_until(b"\r\n")).unwrap();
        let size = usize::from_str_radix(size.trim_end(), 16).unwrap();
        let data = self.read_exactly(size + 2);
        let data = data.strip_suffix(b"\r\n").expect("a chunk ends with CRLF");
        String::from_utf8(data.to_vec()).unwrap()
    }

    /// What is there, or comes next; empty at the end.
    #[allow(dead_code)]
    pub fn some(&mut self) -> Vec<u8> {
        if self.ahead.is_empty() {
            self.fill();
        }
        std::mem::take(&mut self.ahead)
    }

    /// All that still comes until the server closes.
    pub fn read_to_end(&mut self) -> Vec<u8> {
        while self.fill() {}
        std::mem::take(&mut self.ahead)
    }

    /// The same, where a reset is an end too. The tests of the lab need it.
    #[allow(dead_code)]
    pub fn read_to_end_or_reset(&mut self) {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(1..) => {}
                Ok(0) => return,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return,
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Asserts that the server closes, cleanly, without one more byte.
    pub fn expect_end(&mut self) {
        let rest = self.read_to_end();
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }

    /// Takes little more than it has from now on.
    #[allow(dead_code)]
    pub fn shrink_receive_buffer(&self) {
        socket2::SockRef::from(&self.stream)
            .set_recv_buffer_size(4096)
            .unwrap();
    }

    /// Shuts down the writing side, as a browser's tab does.
    pub fn finish(&mut self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// The server's end.
    #[allow(dead_code)]
    pub fn peer(&self) -> SocketAddr {
        self.stream.peer_addr().unwrap()
    }

    /// Closes with RST.
    pub fn reset(self) {
        socket2::SockRef::from(&self.stream)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
    }

    /// Whether nothing has come yet; looks once and does not wait.
    pub fn is_silent(&mut self) -> bool {
        self.stream.set_nonblocking(true).unwrap();
        let looked = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false).unwrap();
        self.ahead.is_empty() && looked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    }
}

/// An answer as it came.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    /// The value of a header that stands there once, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.head.split("\r\n").skip(1).filter_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        });
        let first = values.next();
        assert!(values.next().is_none(), "{name} twice in {:?}", self.head);
        first
    }

    /// The lines of the head in the order of the alphabet, the date checked and blanked.
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self
            .head
            .trim_end()
            .split("\r\n")
            .map(|line| match line.strip_prefix("date: ") {
                Some(date) => {
                    assert!(date.len() == 29 && date.ends_with(" GMT"), "{date}");
                    "date: *".to_owned()
                }
                None => line.to_owned(),
            })
            .collect();
        lines[1..].sort();
        lines
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {:?}", self.text()))
    }

    pub fn cursor(&self) -> String {
        self.json()["cursor"].as_str().unwrap().to_owned()
    }

    /// Asserts RFC 9457 problem JSON of this status, with all that ours says.
    pub fn expect_problem(&self, status: u16) {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        let problem = self.json();
        assert_eq!(problem["type"], "about:blank");
        assert_eq!(problem["status"], status);
        assert!(!problem["title"].as_str().unwrap().is_empty());
        assert!(!problem["detail"].as_str().unwrap().is_empty());
    }
}

/// The cursor of the event with this number in the same epoch as `cursor`.
pub fn at(cursor: &str, offset: u64) -> String {
    let (epoch, _) = cursor.split_once('-').unwrap();
    format!("{epoch}-{offset}")
}
