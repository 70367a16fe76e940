//! What a client that never reads costs the others: 999 WebSocket subscribers of one room, with and without
//! one more that asks for the whole history and reads nothing, in turn, each against a fresh server. It comes
//! back as soon as it is reset. Prints the p99 of the others, the server's memory and how long it was there.
//!
//! `cargo bench --bench slow_consumer`

use loadgen::plan::{PublishPlan, TrialPlan};
use loadgen::progress::Live;
use loadgen::target::Target;
use loadgen::trial::{self, Options};
use pushlab_server::wire::transport::Transport;
use pushlab_server::wire::usage::Usage;
use socket2::{Domain, Socket, Type};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const REPEATS: u32 = 5;
const OTHERS: usize = 999;
const UNREAD_TIMEOUT: Duration = Duration::from_secs(5);
const LOADGEN: &str = env!("CARGO_BIN_EXE_loadgen");

/// Published before anything is measured, and what the silent client asks for: more than both kernels' ends
/// of a connection hold.
const BACKLOG: usize = 100;
const BACKLOG_EVENT: usize = 60_000;

fn main() -> anyhow::Result<()> {
    // `cargo test --benches` asks for a list and wants no measurement.
    if std::env::args().any(|argument| argument == "--list" || argument == "--test") {
        return Ok(());
    }
    let mut without = Vec::new();
    let mut with = Vec::new();
    for repeat in 1..=REPEATS {
        // Which one goes first changes from repeat to repeat.
        for silent in [repeat % 2 == 0, repeat % 2 == 1] {
            let found = measure(repeat, silent)?;
            eprintln!("repeat {repeat} · silent client {silent:5} · {found}");
            match silent {
                true => with.push(found),
                false => without.push(found),
            }
        }
    }
    report(&without, &with);
    Ok(())
}

/// One trial.
struct Found {
    p99_us: i64,
    max_rss: u64,
    lives: Vec<Duration>,
    unread: u64,
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mib = self.max_rss as f64 / f64::from(1 << 20);
        write!(
            f,
            "p99 {} µs, RSS up to {mib:.1} MiB, ended unread {}",
            self.p99_us, self.unread
        )?;
        match self.lives.iter().max() {
            Some(longest) => write!(f, ", longest life {:.2} s", longest.as_secs_f64()),
            None => Ok(()),
        }
    }
}

fn measure(repeat: u32, silent: bool) -> anyhow::Result<Found> {
    let server = Server::start()?;
    server.publish_backlog()?;
    let over = Arc::new(AtomicBool::new(false));
    let watch = {
        let (over, admin) = (Arc::clone(&over), server.admin);
        thread::spawn(move || watch_memory(admin, &over))
    };
    let silent = silent.then(|| {
        let (over, public) = (Arc::clone(&over), server.public);
        thread::spawn(move || never_read(public, &over))
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(async {
        let (_keep, stop) = tokio::sync::watch::channel(false);
        let options = Options {
            program: Some(PathBuf::from(LOADGEN)),
            ..Options::default()
        };
        trial::run_with(
            &plan(repeat),
            &server.target(),
            &Live::default(),
            stop,
            &options,
        )
        .await
    });
    let unread = usage(server.admin)?
        .ended
        .get("unread")
        .copied()
        .unwrap_or(0);
    over.store(true, Ordering::SeqCst);
    let broke = |_| anyhow::anyhow!("a thread of the bench panicked");
    let max_rss = watch.join().map_err(broke)??;
    let lives = match silent {
        Some(silent) => silent.join().map_err(broke)??,
        None => Vec::new(),
    };
    let found = outcome?.trial;
    anyhow::ensure!(
        found.lost == 0 && found.delivered > 0,
        "lost {}: {:?}",
        found.lost,
        found.reasons
    );
    let p99_us = found.latency_us.delivery.p99;
    Ok(Found {
        p99_us: p99_us.ok_or_else(|| anyhow::anyhow!("nothing was delivered"))?,
        max_rss,
        lives,
        unread,
    })
}

fn plan(repeat: u32) -> TrialPlan {
    let seconds = Duration::from_secs;
    let trial = TrialPlan::new(Transport::Websocket);
    TrialPlan {
        repeat,
        seed: u64::from(repeat),
        clients: OTHERS,
        ramp: seconds(1),
        warm_up: seconds(2),
        duration: seconds(15),
        publish: PublishPlan {
            rate: 20.0,
            ..trial.publish.clone()
        },
        ..trial
    }
}

fn report(without: &[Found], with: &[Found]) {
    let p99 = |all: &[Found]| median(all.iter().map(|found| found.p99_us as f64).collect());
    let rss = |all: &[Found]| {
        median(
            all.iter()
                .map(|found| found.max_rss as f64 / 1024.0)
                .collect(),
        )
    };
    let lives: Vec<_> = with.iter().flat_map(|found| &found.lives).collect();
    println!(
        "\nOne client of {} never reads; medians of {REPEATS} in turn\n",
        OTHERS + 1
    );
    println!(
        "p99 of the others    {:>9.0} µs without, {:>9.0} µs with: {:+.1} %",
        p99(without),
        p99(with),
        (p99(with) / p99(without) - 1.0) * 100.0
    );
    println!(
        "server's peak memory {:>9.0} KiB without, {:>8.0} KiB with: {:+.0} KiB",
        rss(without),
        rss(with),
        rss(with) - rss(without)
    );
    let longest = lives.iter().max().map_or(0.0, |life| life.as_secs_f64());
    println!(
        "it was reset {} times, after {longest:.2} s at most (--unread-timeout {:.0}); `unread` counted {}",
        lives.len(),
        UNREAD_TIMEOUT.as_secs_f64(),
        with.iter().map(|found| found.unread).sum::<u64>()
    );
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Asks for everything, reads nothing, and comes back when it is reset. Gives how long each life was.
fn never_read(server: SocketAddr, over: &AtomicBool) -> std::io::Result<Vec<Duration>> {
    let mut lives = Vec::new();
    while !over.load(Ordering::SeqCst) {
        let socket = Socket::new(Domain::for_address(server), Type::STREAM, None)?;
        // So little that the server's end is soon blocked.
        socket.set_recv_buffer_size(4096)?;
        socket.connect(&server.into())?;
        let mut stream = TcpStream::from(socket);
        stream.write_all(
            b"GET /rooms/room-0/ws?cursor=0 HTTP/1.1\r\nHost: silent\r\nUpgrade: websocket\r\n\
              Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
              Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )?;
        let begun = Instant::now();
        while stream.take_error()?.is_none() && !over.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(5));
        }
        if !over.load(Ordering::SeqCst) {
            lives.push(begun.elapsed());
        }
    }
    Ok(lives)
}

fn watch_memory(admin: SocketAddr, over: &AtomicBool) -> anyhow::Result<u64> {
    let mut most = 0;
    while !over.load(Ordering::SeqCst) {
        most = most.max(usage(admin)?.process.rss.unwrap_or(0));
        thread::sleep(Duration::from_millis(500));
    }
    Ok(most)
}

fn usage(admin: SocketAddr) -> anyhow::Result<Usage> {
    let mut stream = TcpStream::connect(admin)?;
    write!(
        stream,
        "GET /lab/usage HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok(serde_json::from_str(body)?)
}

/// A server process with one worker; it ends when its stdin closes.
struct Server {
    child: Child,
    public: SocketAddr,
    admin: SocketAddr,
}

impl Server {
    fn start() -> anyhow::Result<Server> {
        let timeout = UNREAD_TIMEOUT.as_secs().to_string();
        let mut child = Command::new(LOADGEN)
            .args([
                "embedded-server",
                "--workers",
                "1",
                "--unread-timeout",
                &timeout,
            ])
            .args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .args(["--history-bytes", "100000000"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child
            .stdout
            .take()
            .ok_or_else(|| anyhow::anyhow!("no stdout"))?;
        let mut lines = BufReader::new(stdout).lines();
        let mut address = || -> anyhow::Result<SocketAddr> {
            let line = lines
                .next()
                .ok_or_else(|| anyhow::anyhow!("the server is not up"))??;
            Ok(line.rsplit('/').next().unwrap_or_default().parse()?)
        };
        let (public, admin) = (address()?, address()?);
        Ok(Server {
            child,
            public,
            admin,
        })
    }

    fn target(&self) -> Target {
        Target::Remote {
            url: format!("http://{}", self.public),
            admin: Some(format!("http://{}", self.admin)),
            trust: loadgen::net::tls::Trust::System,
        }
    }

    fn publish_backlog(&self) -> anyhow::Result<()> {
        let mut stream = TcpStream::connect(self.public)?;
        let body = format!(r#"{{"type":"n","data":"{}"}}"#, "x".repeat(BACKLOG_EVENT));
        let length = body.len();
        let request = format!(
            "POST /rooms/room-0/events HTTP/1.1\r\nHost: {}\r\nContent-Length: {length}\r\n\r\n{body}",
            self.public
        );
        for _ in 0..BACKLOG {
            stream.write_all(request.as_bytes())?;
            let mut answer = [0; 1024];
            let read = stream.read(&mut answer)?;
            anyhow::ensure!(
                answer[..read].starts_with(b"HTTP/1.1 201"),
                "the backlog was refused"
            );
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
