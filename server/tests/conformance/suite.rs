//! Which server a case of Engine.IO or Socket.IO runs against, and how: one of ours with the settings that
//! the protocols' own suites ask for, or the one that `PUSHLAB_CONFORMANCE_URL` names, which must have
//! them too. Its pings are due within 200 ms, so a case is run again where this machine stood still.

use crate::harness::Server;
use crate::peer::Place;
use std::net::ToSocketAddrs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub const PING_INTERVAL: Duration = Duration::from_millis(300);
pub const PING_TIMEOUT: Duration = Duration::from_millis(200);
pub const MAX_PAYLOAD: usize = 1_000_000;

/// GET, POST and upgrade of one session may come to different workers.
pub const FLAGS: [&str; 11] = [
    "--conformance",
    "--workers",
    "2",
    "--eio-ping-interval",
    "300ms",
    "--eio-ping-timeout",
    "200ms",
    "--eio-max-payload",
    "1000000",
    "--sio-connect-timeout",
    "1s",
];

/// A thread that slept longer than this over its time says that others did not run either.
const STOOD_STILL: Duration = Duration::from_millis(20);

const ATTEMPTS: u32 = 5;

pub fn engineio(case: impl Fn(&Place)) {
    run("/engine.io/", case);
}

pub fn socketio(case: impl Fn(&Place)) {
    run("/socket.io/", case);
}

fn named() -> Option<String> {
    std::env::var("PUSHLAB_CONFORMANCE_URL").ok()
}

/// What others do within the words of a case, but not as well, is not let pass here.
pub fn is_ours() -> bool {
    named().is_none()
}

fn run(path: &'static str, case: impl Fn(&Place)) {
    let ours = is_ours().then(|| Server::start(&FLAGS));
    let other = named().map(|url| {
        let host = url.trim_start_matches("http://").trim_end_matches('/');
        host.to_socket_addrs().unwrap().next().unwrap()
    });
    let ours_at = ours.as_ref().map(|server| server.public);
    let address = other.or(ours_at).expect("one of both");
    let place = Place { address, path };
    for attempt in 1.. {
        let (ended, longest) = watched(|| catch_unwind(AssertUnwindSafe(|| case(&place))));
        match ended {
            Ok(()) => return,
            Err(panic) if longest < STOOD_STILL || attempt == ATTEMPTS => resume_unwind(panic),
            Err(_) => eprintln!("once more: this machine stood still for {longest:?}"),
        }
    }
}

/// What `work` gives, and by how much a sleep beside it was too long at most.
fn watched<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    const STEP: Duration = Duration::from_millis(5);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut longest = Duration::ZERO;
            while !over.load(Ordering::SeqCst) {
                let start = Instant::now();
                thread::sleep(STEP);
                longest = longest.max(start.elapsed() - STEP);
            }
            longest
        });
        let done = work();
        over.store(true, Ordering::SeqCst);
        (done, watch.join().unwrap())
    })
}
