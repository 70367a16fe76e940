//! The truth server: a second, small implementation of the lab's HTTP contract over plain sockets
//! and threads, which does exactly what its [`Script`] says. It has no code of pushlab-server's, so
//! it cannot share a bug with it; publishing is by POST alone. It has no Socket.IO: loadgen is held
//! against the library itself for that, in `tests/socketio`.

mod line;
mod room;
mod script;
mod transports;

pub use script::{Faults, Script, Seed};

use line::{Line, Request};
use loadgen::net::tls::Trust;
use loadgen::target::Target;
use room::Room;
use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

pub struct TruthServer {
    shared: Arc<Shared>,
    public: SocketAddr,
    admin: SocketAddr,
}

/// What all connections share.
pub struct Shared {
    script: Script,
    rooms: Mutex<BTreeMap<String, Arc<Room>>>,
    /// Nothing is answered or handed out before it.
    frozen_until: Mutex<Option<Instant>>,
    pub sent: AtomicU64,
    pub received: AtomicU64,
    pub cuts: AtomicU64,
    over: AtomicBool,
}

impl TruthServer {
    /// Its threads end with their connections.
    pub fn start(script: Script) -> TruthServer {
        let shared = Arc::new(Shared::new(script));
        // What is asked for control is neither counted nor disturbed.
        let aside = Arc::new(Shared::new(Script::default()));
        TruthServer {
            public: listen(shared.clone()),
            admin: listen(aside),
            shared,
        }
    }

    pub fn target(&self) -> Target {
        Target::Remote {
            url: format!("http://{}", self.public),
            admin: Some(format!("http://{}", self.admin)),
            trust: Trust::System,
        }
    }

    /// Stands still from now on.
    pub fn freeze(&self, time: Duration) {
        *self.shared.frozen() = Some(Instant::now() + time);
    }

    /// Bytes that its sockets have received and sent.
    pub fn carried(&self) -> (u64, u64) {
        let get = |count: &AtomicU64| count.load(Ordering::SeqCst);
        (get(&self.shared.received), get(&self.shared.sent))
    }

    /// Connections that it broke off.
    pub fn cuts(&self) -> u64 {
        self.shared.cuts.load(Ordering::SeqCst)
    }
}

impl Drop for TruthServer {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        // Its last connection is this one, which lets it see that it is over.
        let _ = TcpStream::connect(self.public);
    }
}

fn listen(shared: Arc<Shared>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            thread::sleep(shared.script.slow_accept);
            shared.thaw();
            if shared.over.load(Ordering::SeqCst) {
                return;
            }
            let (stream, shared) = (stream.unwrap(), shared.clone());
            let serving = move || {
                // A connection that breaks is the client's to notice.
                let _ = serve(Line::new(stream, shared.clone())?, &shared);
                Ok::<(), io::Error>(())
            };
            let small = thread::Builder::new().stack_size(128 * 1024);
            small.spawn(serving).unwrap();
        }
    });
    address
}

impl Shared {
    fn new(script: Script) -> Shared {
        Shared {
            script,
            rooms: Mutex::default(),
            frozen_until: Mutex::default(),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            cuts: AtomicU64::new(0),
            over: AtomicBool::new(false),
        }
    }

    fn frozen(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        let frozen = self.frozen_until.lock();
        frozen.unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while the server stands still.
    pub fn thaw(&self) {
        loop {
            let until = *self.frozen();
            let left = until.map_or(Duration::ZERO, |until| {
                until.saturating_duration_since(Instant::now())
            });
            if left.is_zero() {
                return;
            }
            thread::sleep(left);
        }
    }

    fn room(&self, name: &str) -> Arc<Room> {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.entry(name.to_owned()).or_default().clone()
    }
}

/// Request after request, until one of them takes the connection for itself.
fn serve(mut line: Line, shared: &Arc<Shared>) -> io::Result<()> {
    let mut answered = 0;
    while let Some(request) = line.request()? {
        let parts: Vec<&str> = request.path.trim_start_matches('/').split('/').collect();
        match parts[..] {
            ["health"] => json(
                &mut line,
                200,
                r#"{"name":"pushlab-server","version":"truth"}"#,
            )?,
            ["lab", "usage"] => json(&mut line, 200, USAGE)?,
            ["rooms", name, "events"] if request.method == "POST" => {
                let number = shared
                    .room(name)
                    .publish(name, data(&request), &shared.script);
                let answer = format!(r#"{{"cursor":"t-{number}","offset":{number}}}"#);
                json(&mut line, 201, &answer)?;
            }
            ["rooms", name, segment] => {
                let reader = transports::Reader {
                    room: shared.room(name),
                    script: &shared.script,
                    line: &mut line,
                };
                if !reader.serve(segment, &request, &mut answered)? {
                    return Ok(());
                }
            }
            _ => json(&mut line, 404, "{}")?,
        }
    }
    line.close()
}

/// It shares the test's process, so it has nothing to tell of its own.
const USAGE: &str = r#"{"uptime_s":0,"process":{},"transports":{},"published":0,"rooms":0}"#;

fn json(line: &mut Line, status: u16, body: &str) -> io::Result<()> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} Told\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    line.write(&[head.as_bytes(), body.as_bytes()].concat())
}

/// The `data` of a publish, as it stands there.
fn data(request: &Request) -> &[u8] {
    let mark = br#""data":"#;
    let at = memchr::memmem::find(&request.body, mark).unwrap() + mark.len();
    &request.body[at..request.body.len() - 1]
}
