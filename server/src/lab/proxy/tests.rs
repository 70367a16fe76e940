//! The proxy between raw sockets: wholeness and order under random cutting, and each trouble as
//! both ends see it. Clocks decide only that something did not come too early.

use super::settings::{Stall, Trouble};
use super::*;
use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use std::sync::{Arc, Mutex};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

/// Far more than anything here takes.
const LIMIT: Duration = Duration::from_secs(20);
/// Long enough to see that nothing comes.
const A_WHILE: Duration = Duration::from_millis(150);

struct Line {
    browser: TcpStream,
    server: TcpStream,
    settings: watch::Sender<Settings>,
    notes: Arc<Mutex<Vec<Note>>>,
}

impl Line {
    async fn with(settings: Settings) -> Line {
        let (browser, proxy_of_browser) = pair().await;
        let (proxy_of_server, server) = pair().await;
        let (settings, watched) = watch::channel(settings);
        let notes = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&notes);
        tokio::spawn(carry(
            proxy_of_browser,
            proxy_of_server,
            watched,
            move |note| {
                noted.lock().unwrap().push(note);
            },
        ));
        Line {
            browser,
            server,
            settings,
            notes,
        }
    }

    async fn of(trouble: Trouble) -> Line {
        Line::with(Settings {
            trouble,
            ..Settings::default()
        })
        .await
    }

    fn notes(&self) -> Vec<Note> {
        self.notes.lock().unwrap().clone()
    }

    /// A request that the server reads and answers.
    async fn exchange(&mut self, request: &[u8], answer: &[u8]) {
        self.browser.write_all(request).await.unwrap();
        read(&mut self.server, request).await;
        self.server.write_all(answer).await.unwrap();
    }
}

/// The two ends of one connection.
async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (one, two) = tokio::join!(TcpStream::connect(address), listener.accept());
    (one.unwrap(), two.unwrap().0)
}

async fn read(socket: &mut TcpStream, expected: &[u8]) {
    let mut bytes = vec![0; expected.len()];
    timeout(LIMIT, socket.read_exact(&mut bytes))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        String::from_utf8_lossy(&bytes),
        String::from_utf8_lossy(expected)
    );
}

/// Neither byte nor end.
async fn nothing_comes(socket: &mut TcpStream) {
    let mut one = [0];
    let came = timeout(A_WHILE, socket.read(&mut one)).await;
    assert!(came.is_err(), "{came:?} {one:?}");
}

async fn ends(socket: &mut TcpStream) {
    let mut rest = Vec::new();
    let ended = timeout(LIMIT, socket.read_to_end(&mut rest)).await.unwrap();
    assert_eq!(ended.unwrap(), 0);
}

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

const REQUEST: &[u8] = b"GET /rooms/KPL/sse HTTP/1.1\r\nHost: a\r\n\r\n";
const UPGRADE: &[u8] =
    b"GET /rooms/KPL/ws HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const STREAM: &[u8] = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
const SWITCHED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n";

/// Messages of every framing, and bytes of none at the end.
fn conversation(random: &mut Xoshiro256PlusPlus) -> (Vec<u8>, Vec<u8>) {
    let (mut up, mut down) = (Vec::new(), Vec::new());
    for _ in 0..random.random_range(1..20) {
        let body: Vec<u8> = (0..random.random_range(0..3000))
            .map(|_| random.random())
            .collect();
        up.extend(format!("POST /a HTTP/1.1\r\nContent-Length: {}\r\n\r\n", body.len()).bytes());
        up.extend(&body);
        match random.random_range(0..3) {
            0 => down.extend(b"HTTP/1.1 204 No Content\r\n\r\n"),
            1 => {
                down.extend(
                    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()).bytes(),
                );
                down.extend(&body);
            }
            _ => {
                down.extend(STREAM);
                for chunk in body.chunks(700) {
                    down.extend(format!("{:x}\r\n", chunk.len()).bytes());
                    down.extend(chunk);
                    down.extend(b"\r\n");
                }
                down.extend(b"0\r\n\r\n");
            }
        }
    }
    up.extend(UPGRADE);
    down.extend(SWITCHED);
    down.extend((0..50_000).map(|_| random.random::<u8>()));
    (up, down)
}

async fn send(socket: &TcpStream, mut bytes: &[u8], seed: u64) {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    while !bytes.is_empty() {
        let size = random.random_range(1..=bytes.len().min(1500));
        socket.writable().await.unwrap();
        if let Ok(written) = socket.try_write(&bytes[..size]) {
            bytes = &bytes[written..];
        }
        if random.random_range(0..20) == 0 {
            tokio::time::sleep(ms(1)).await;
        }
    }
    SockRef::from(socket).shutdown(Shutdown::Write).unwrap();
}

async fn receive(socket: &TcpStream, expected: &[u8]) {
    let mut bytes = Vec::new();
    loop {
        socket.readable().await.unwrap();
        match socket.try_read_buf(&mut bytes) {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
        }
    }
    assert!(
        bytes == expected,
        "{} of {} bytes",
        bytes.len(),
        expected.len()
    );
}

/// Whatever is on, and changes on the way, all bytes arrive in order, and both ends after them.
#[tokio::test]
async fn bytes_arrive_whole_and_in_order_however_they_are_cut() {
    for seed in 0..12 {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        let (up, down) = conversation(&mut random);
        let line = Line::with(Settings::default()).await;
        let mut turns = || Settings {
            rtt_ms: f64::from(random.random_range(0..8)),
            trouble: Trouble {
                delay_ms: f64::from(random.random_range(0..8)),
                buffer_bytes: random
                    .random_bool(0.5)
                    .then(|| random.random_range(1..9000)),
                stall: random.random_bool(0.3).then_some(Stall {
                    every_ms: 8.0,
                    for_ms: 4.0,
                }),
                ..Trouble::default()
            },
        };
        let changing = async {
            loop {
                line.settings.send_replace(turns());
                tokio::time::sleep(ms(3)).await;
            }
        };
        let carrying = async {
            tokio::join!(
                send(&line.browser, &up, seed),
                receive(&line.server, &up),
                send(&line.server, &down, seed + 100),
                receive(&line.browser, &down),
            )
        };
        tokio::select! {
            _ = carrying => {}
            () = changing => {}
            () = tokio::time::sleep(LIMIT) => panic!("seed {seed} does not end"),
        }
    }
}

#[tokio::test]
async fn a_new_connection_pays_one_round_trip_and_each_exchange_another() {
    let mut line = Line::with(Settings {
        rtt_ms: 60.0,
        ..Settings::default()
    })
    .await;
    for least in [120, 60] {
        let start = Instant::now();
        line.exchange(REQUEST, SWITCHED).await;
        read(&mut line.browser, SWITCHED).await;
        assert!(start.elapsed() >= ms(least), "{:?}", start.elapsed());
    }
}

#[tokio::test]
async fn an_open_connection_heeds_new_settings_at_once() {
    let mut line = Line::of(Trouble::default()).await;
    line.exchange(REQUEST, STREAM).await;
    read(&mut line.browser, STREAM).await;
    line.settings
        .send_modify(|settings| settings.trouble.delay_ms = 80.0);
    let start = Instant::now();
    line.server.write_all(b"1\r\na\r\n").await.unwrap();
    read(&mut line.browser, b"1\r\na\r\n").await;
    assert!(start.elapsed() >= ms(80));
    line.settings.send_modify(|settings| {
        settings.trouble = Trouble {
            buffer_bytes: Some(100),
            ..Trouble::default()
        };
    });
    line.server.write_all(b"1\r\nb\r\n").await.unwrap();
    nothing_comes(&mut line.browser).await;
    line.settings
        .send_modify(|settings| settings.trouble.buffer_bytes = None);
    read(&mut line.browser, b"1\r\nb\r\n").await;
}

#[tokio::test]
async fn one_end_may_finish_and_the_other_go_on() {
    let mut line = Line::of(Trouble::default()).await;
    line.browser.write_all(REQUEST).await.unwrap();
    line.browser.shutdown().await.unwrap();
    read(&mut line.server, REQUEST).await;
    ends(&mut line.server).await;
    line.server.write_all(STREAM).await.unwrap();
    read(&mut line.browser, STREAM).await;
    line.server.shutdown().await.unwrap();
    ends(&mut line.browser).await;
}

#[tokio::test]
async fn a_reset_is_passed_on_as_a_reset() {
    for server_resets in [true, false] {
        let mut line = Line::of(Trouble::default()).await;
        line.exchange(REQUEST, STREAM).await;
        read(&mut line.browser, STREAM).await;
        let (one, mut other) = match server_resets {
            true => (line.server, line.browser),
            false => (line.browser, line.server),
        };
        one.set_zero_linger().unwrap();
        drop(one);
        let told = timeout(LIMIT, other.read(&mut [0])).await.unwrap();
        assert_eq!(
            told.unwrap_err().kind(),
            std::io::ErrorKind::ConnectionReset
        );
    }
}

#[tokio::test]
async fn an_idle_connection_is_cut_with_fin_and_a_busy_one_is_not() {
    let idle = Trouble {
        idle_cut_ms: Some(300.0),
        ..Trouble::default()
    };
    let mut line = Line::of(idle).await;
    line.exchange(REQUEST, STREAM).await;
    read(&mut line.browser, STREAM).await;
    // Bytes either way keep it.
    for _ in 0..6 {
        tokio::time::sleep(ms(60)).await;
        line.server.write_all(b":\n").await.unwrap();
        read(&mut line.browser, b":\n").await;
    }
    assert_eq!(line.notes(), []);
    let start = Instant::now();
    ends(&mut line.browser).await;
    ends(&mut line.server).await;
    assert!(start.elapsed() >= ms(200));
    assert_eq!(line.notes(), [Note::IdleCut]);
}

#[tokio::test]
async fn a_silent_line_passes_nothing_and_tells_nobody() {
    for idle_cut_ms in [None, Some(100.0)] {
        let mut line = Line::of(Trouble::default()).await;
        line.exchange(REQUEST, STREAM).await;
        read(&mut line.browser, STREAM).await;
        let silent = Trouble {
            silent_drop: true,
            idle_cut_ms,
            ..Trouble::default()
        };
        line.settings
            .send_modify(|settings| settings.trouble = silent);
        tokio::time::sleep(A_WHILE * 2).await;
        line.server.write_all(b"1\r\na\r\n").await.unwrap();
        line.browser.write_all(REQUEST).await.unwrap();
        nothing_comes(&mut line.browser).await;
        nothing_comes(&mut line.server).await;
        // An end of the one is no news for the other.
        line.server.shutdown().await.unwrap();
        nothing_comes(&mut line.browser).await;
        assert_eq!(line.notes(), [Note::SilentDrop]);
    }
}

#[tokio::test]
async fn nothing_comes_down_while_the_line_stalls() {
    let stall = Some(Stall {
        every_ms: 400.0,
        for_ms: 200.0,
    });
    let mut line = Line::of(Trouble {
        stall,
        ..Trouble::default()
    })
    .await;
    line.exchange(REQUEST, STREAM).await;
    read(&mut line.browser, STREAM).await;
    let start = Instant::now();
    let (mut last, mut longest) = (start, Duration::ZERO);
    while start.elapsed() < ms(900) {
        line.server.write_all(b"1\r\na\r\n").await.unwrap();
        read(&mut line.browser, b"1\r\na\r\n").await;
        longest = longest.max(last.elapsed());
        last = Instant::now();
        tokio::time::sleep(ms(5)).await;
    }
    assert!(longest >= ms(180), "{longest:?}");
}

#[tokio::test]
async fn a_buffer_lets_polls_and_websockets_pass_and_holds_a_stream() {
    let buffer = Trouble {
        buffer_bytes: Some(4096),
        ..Trouble::default()
    };
    let mut line = Line::of(buffer.clone()).await;
    for answer in [
        &b"HTTP/1.1 204 No Content\r\n\r\n"[..],
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
    ] {
        line.exchange(REQUEST, answer).await;
        read(&mut line.browser, answer).await;
    }
    line.exchange(REQUEST, STREAM).await;
    let mut sent = STREAM.to_vec();
    while sent.len() < 4096 {
        nothing_comes_yet(&line.browser);
        line.server.write_all(b"64\r\n").await.unwrap();
        line.server.write_all(&[b'e'; 100]).await.unwrap();
        line.server.write_all(b"\r\n").await.unwrap();
        sent.extend(b"64\r\n");
        sent.extend([b'e'; 100]);
        sent.extend(b"\r\n");
    }
    read(&mut line.browser, &sent).await;
    let mut line = Line::of(buffer).await;
    line.exchange(UPGRADE, SWITCHED).await;
    read(&mut line.browser, SWITCHED).await;
    line.server.write_all(b"\x81\x01a").await.unwrap();
    read(&mut line.browser, b"\x81\x01a").await;
}

fn nothing_comes_yet(socket: &TcpStream) {
    let came = socket.try_read(&mut [0]).map_err(|error| error.kind());
    assert_eq!(came, Err(std::io::ErrorKind::WouldBlock));
}

#[tokio::test]
async fn a_blocked_upgrade_is_refused_or_never_answered_and_a_poll_passes() {
    let block = |how| Trouble {
        block_upgrade: Some(how),
        ..Trouble::default()
    };
    let mut line = Line::of(block(BlockUpgrade::Refuse)).await;
    line.exchange(REQUEST, b"HTTP/1.1 204 No Content\r\n\r\n")
        .await;
    read(&mut line.browser, b"HTTP/1.1 204 No Content\r\n\r\n").await;
    line.browser.write_all(UPGRADE).await.unwrap();
    read(&mut line.browser, upgrade::REFUSAL.as_bytes()).await;
    ends(&mut line.browser).await;
    ends(&mut line.server).await;
    assert_eq!(line.notes(), [Note::BlockedUpgrade]);
    let mut line = Line::of(block(BlockUpgrade::Swallow)).await;
    line.browser.write_all(UPGRADE).await.unwrap();
    ends(&mut line.server).await;
    nothing_comes(&mut line.browser).await;
    assert_eq!(line.notes(), [Note::BlockedUpgrade]);
}

/// A receiver that does not read holds the sender back instead of filling the proxy's memory.
#[tokio::test]
async fn a_full_line_holds_the_sender_back() {
    let line = Line::of(Trouble::default()).await;
    let piece = vec![0xA5; 64 * 1024];
    let mut sent = 0;
    while timeout(A_WHILE * 2, line.server.writable()).await.is_ok() {
        sent += line.server.try_write(&piece).unwrap_or(0);
        assert!(sent < 64 << 20, "nothing holds it back");
    }
    let mut received = 0;
    let mut buffer = vec![0; 1 << 16];
    while received < sent {
        timeout(LIMIT, line.browser.readable())
            .await
            .unwrap()
            .unwrap();
        received += line.browser.try_read(&mut buffer).unwrap_or(0);
    }
    assert_eq!(received, sent);
}
