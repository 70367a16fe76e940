//! One event stream, pushed over every transport the web has had.
//!
//! What stands before a publish: `net` admits the connection and waits for the head, `gate` asks for its
//! origin, `session` says whose request it is, `body` reads it, `pace` says whether that is too fast.
//!
//! The way of an event: `publish` checks and compacts it, `history` appends it at the next offset,
//! `wake` rouses the workers that have sleepers in the room, each `worker` writes it to the sockets that
//! wait for nothing else (`shortcut`) and wakes the tasks of the others, whose `subscription` reads it
//! from the history; `transports` write the bytes that `frames` made once for all of them.
//! A session of Socket.IO reads the same histories from wherever it is carried (`transports/socketio`).
//! `presence` publishes who comes and goes the same way, and `drain` ends it all.

pub mod wire;
pub mod config;
pub mod limits;
mod rate;
mod problems;
mod net;
mod origin;
pub mod forwarded;
mod gate;
mod routes;
mod desk;
mod identity;
mod session;
mod body;
mod pace;
mod publish;
mod value;
mod hub;
mod presence;
mod allowance;
mod frames;
mod history;
mod wake;
mod worker;
mod shortcut;
mod parking;
mod subscription;
mod transports;
mod drain;
mod page;
mod usage;
mod metrics;
mod lab;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzz;

use bytes::Bytes;
use config::Config;
use desk::Desk;
use history::Bounds;
use hub::Hub;
use identity::{Identity, Keys};
use lab::Lab;
use lab::proxy::front::{self, Front};
use net::admission::{Admission, Scarce};
use pace::Pace;
use presence::Presence;
use std::future::Future;
use std::io::{self, BufRead, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use transports::socketio::recovery::Recovery;
use transports::socketio::sessions::Sessions;
use wire::hold_on::HoldOn;
use worker::Worker;

/// How often idle rooms are looked for, and clients that did not come back.
const SWEEP: Duration = Duration::from_secs(30);

/// How often a server that stops looks who is still there.
const LOOK: Duration = Duration::from_millis(5);

/// A server that accepts connections.
pub struct Running {
    pub public: SocketAddr,
    pub admin: Option<SocketAddr>,
    server: actix_server::Server,
    handle: actix_server::ServerHandle,
    /// Past the trouble before the public port, if there is any.
    pub direct: Option<SocketAddr>,
    _front: Option<Front>,
    hub: Arc<Hub>,
    ledger: Arc<usage::Ledger>,
    scarce: Option<Scarce>,
    drain: Duration,
}

impl Running {
    /// Until the server has stopped, which it does when it is told to or when `until` ends; at once.
    pub async fn wait(self, until: impl Future<Output = ()>) -> io::Result<()> {
        let server = actix_rt::spawn(self.server);
        until.await;
        // Not graceful: streams have no end of their own to wait for.
        self.handle.stop(false).await;
        server.await.map_err(io::Error::other)?
    }

    /// The same, but lets connections finish (see `drain.rs`), unless `hurry` ends first. Gives how many
    /// were cut.
    pub async fn wait_and_drain(
        self,
        until: impl Future<Output = ()>,
        hurry: impl Future<Output = ()>,
    ) -> io::Result<u64> {
        let server = actix_rt::spawn(self.server);
        until.await;
        // Closes the listeners. It looks at what is left every second only; we look more often.
        let _stopped = self.handle.stop(true);
        self.hub.mailboxes.drain();
        let finished = async {
            while self.ledger.open_connections() > 0 {
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::select! {
            () = finished => {}
            () = tokio::time::sleep(self.drain) => {}
            () = hurry => {}
        }
        let cut = self.ledger.open_connections();
        server.abort();
        match server.await {
            Err(error) if !error.is_cancelled() => Err(io::Error::other(error)),
            _ => Ok(cut),
        }
    }
}

/// Binds the ports and starts the workers. Must be called within an actix or tokio local runtime.
pub fn start(config: Config) -> io::Result<Running> {
    start_with(config, watch::Sender::new(true).subscribe())
}

/// `word` begins and ends the trouble that the configuration asks for.
fn start_with(config: Config, word: watch::Receiver<bool>) -> io::Result<Running> {
    // Half the limit would be spent before the first error otherwise.
    let files = rlimit::increase_nofile_limit(u64::MAX).ok();
    let keys = Keys::from_environment().map_err(io::Error::other)?;
    let identity = Identity::new(&config.identity, keys);
    let limits = &config.limits;
    let admission = Admission::new(limits, files);
    let scarce = admission.scarce();
    let pace = Arc::new(Pace::new(limits.max_publishes_per_second));
    let config = Arc::new(config);
    let hub = Hub::new(
        bounds(&config),
        config.max_rooms,
        Presence::new(&config.presence),
    );
    let ledger = Arc::new(usage::Ledger::default());
    let sessions = Sessions::new(&config.limits);
    let recovery = Recovery::new(config.socketio.sio_recovery);
    let socketio_client = config.socketio.client()?;
    let threads = match config.hold_on {
        HoldOn::Tasks => None,
        HoldOn::Threads => Some(Arc::default()),
    };
    config.check_tls()?;
    let listener = net::listen::bind(config.listen)?;
    let public = listener.local_addr()?;
    let tls = config.tls.open(public)?;
    let (listener, front) = behind_trouble(listener, &config, word)?;
    let direct = front.as_ref().map(|_| listener.local_addr()).transpose()?;
    let admin_listener = config.admin_listen.map(net::listen::bind).transpose()?;
    let admin = admin_listener
        .as_ref()
        .map(TcpListener::local_addr)
        .transpose()?;
    let lab = open_lab(listener.local_addr()?, admin, &hub, &config)?;
    let builder = actix_server::Server::build()
        .workers(config.worker_count())
        // Ours are told that there is no room for them; this is for those who are being told.
        .max_concurrent_connections(usize::MAX)
        .disable_signals();
    let on_all_desks = OnAllDesks {
        hub: Arc::clone(&hub),
        ledger: Arc::clone(&ledger),
        config: Arc::clone(&config),
        threads,
        identity,
        admission,
        pace,
        sessions,
        recovery: Arc::clone(&recovery),
        socketio_client,
        lab,
    };
    let open_desk = move || on_all_desks.open();
    let mut builder =
        net::listen::serve_public(builder, listener, &config, tls, open_desk.clone())?;
    if let Some(listener) = admin_listener {
        builder = net::listen::serve_admin(builder, listener, open_desk)?;
    }
    look_after(&hub, recovery);
    let server = builder.run();
    Ok(Running {
        public,
        admin,
        handle: server.handle(),
        server,
        direct,
        _front: front,
        hub,
        ledger,
        scarce,
        drain: config.drain.limit(),
    })
}

fn bounds(config: &Config) -> Bounds {
    Bounds {
        events: config.history as usize,
        bytes: config.history_bytes,
        bytes_in_all: config.history_bytes_in_all,
        bare: config.bare,
    }
}

/// The listener of the server itself: this one, or one behind the proxy that makes the trouble.
fn behind_trouble(
    listener: TcpListener,
    config: &Config,
    word: watch::Receiver<bool>,
) -> io::Result<(TcpListener, Option<Front>)> {
    if !config.trouble.are_given() {
        return Ok((listener, None));
    }
    let public = listener.local_addr()?;
    let behind = net::listen::bind((loopback_like(public.ip()), 0).into())?;
    let front = front::open(listener, behind.local_addr()?, &config.trouble, word)?;
    Ok((behind, Some(front)))
}

/// The lab where it is open, behind the server's own listener: its lanes have trouble of their own, not
/// that before the public port.
fn open_lab(
    public: SocketAddr,
    admin: Option<SocketAddr>,
    hub: &Arc<Hub>,
    config: &Arc<Config>,
) -> io::Result<Option<Arc<Lab>>> {
    if !config.lab_is_open() {
        return Ok(None);
    }
    Lab::open(public, admin, Arc::clone(hub), Arc::clone(config)).map(Some)
}

/// What is one and the same on the desks of all workers.
#[derive(Clone)]
struct OnAllDesks {
    hub: Arc<Hub>,
    ledger: Arc<usage::Ledger>,
    config: Arc<Config>,
    threads: Option<Arc<parking::Threads>>,
    identity: Arc<Identity>,
    admission: Arc<Admission>,
    pace: Arc<Pace>,
    sessions: Arc<Sessions>,
    recovery: Arc<Recovery>,
    socketio_client: Option<Bytes>,
    lab: Option<Arc<Lab>>,
}

impl OnAllDesks {
    /// The desk of one worker, on its thread.
    fn open(&self) -> Rc<Desk> {
        let all = self.clone();
        let worker = Worker::new(&all.hub.mailboxes);
        actix_rt::spawn(Rc::clone(&worker).deliver());
        Rc::new(Desk {
            worker,
            hub: all.hub,
            ledger: all.ledger,
            threads: all.threads,
            config: all.config,
            identity: all.identity,
            admission: all.admission,
            pace: all.pace,
            sessions: all.sessions,
            recovery: all.recovery,
            socketio_client: all.socketio_client,
            lab: all.lab,
        })
    }
}

/// What goes on in a hub without anybody asking.
fn look_after(hub: &Arc<Hub>, recovery: Arc<Recovery>) {
    actix_rt::spawn(presence::see_off(Arc::clone(hub)));
    actix_rt::spawn(sweep(Arc::clone(hub), recovery));
    let hub = Arc::clone(hub);
    actix_rt::spawn(async move { hub.level().await });
}

/// Where a server listens that only this process reaches.
fn loopback_like(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    }
}

async fn sweep(hub: Arc<Hub>, recovery: Arc<Recovery>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let now = Instant::now();
        hub.sweep(now);
        recovery.sweep(now);
    }
}

/// Serves until `until` ends. Says on stdout where it listens, as the first line, and where its
/// admin port is, as the second; `hints` gives more lines for the public URL.
pub fn run(
    config: Config,
    hints: impl FnOnce(&str) -> String,
    until: impl Future<Output = ()>,
) -> io::Result<()> {
    let word = watch::Sender::new(true).subscribe();
    run_with(config, word, hints, async |running| {
        running.wait(until).await
    })
}

/// The same, but lets connections finish (see `drain.rs`), unless `hurry` ends first. Gives how many were
/// cut.
pub fn run_and_drain(
    config: Config,
    hints: impl FnOnce(&str) -> String,
    until: impl Future<Output = ()>,
    hurry: impl Future<Output = ()>,
) -> io::Result<u64> {
    let word = watch::Sender::new(true).subscribe();
    run_with(config, word, hints, async |running| {
        if let Some(scarce) = running.scarce {
            eprintln!("pushlab-server: {scarce}");
        }
        running.wait_and_drain(until, hurry).await
    })
}

fn run_with<T>(
    config: Config,
    word: watch::Receiver<bool>,
    hints: impl FnOnce(&str) -> String,
    serve: impl AsyncFnOnce(Running) -> io::Result<T>,
) -> io::Result<T> {
    actix_rt::System::new().block_on(async {
        let scheme = match config.tls.are_given() {
            true => "https",
            false => "http",
        };
        let running = start_with(config, word)?;
        let url = format!("{scheme}://{}", running.public);
        let mut lines = format!("listening on {url}\n");
        if let Some(admin) = running.admin {
            lines.push_str(&format!("admin on http://{admin}\n"));
        }
        if let Some(direct) = running.direct {
            lines.push_str(&format!("spared from trouble on http://{direct}\n"));
        }
        lines.push_str(&hints(&url));
        let mut stdout = io::stdout();
        // A closed stdout is no reason not to serve.
        let _ = stdout
            .write_all(lines.as_bytes())
            .and_then(|()| stdout.flush());
        serve(running).await
    })
}

/// What a parent process says on the stdin of its server when the trouble begins and ends.
pub const TROUBLE_BEGINS: &str = "trouble on";
pub const TROUBLE_ENDS: &str = "trouble off";

/// Serves for as long as the parent process holds the other end of stdin: a child that outlived
/// its parent would keep the port and skew the next measurement. Trouble waits for the parent's word.
pub fn run_until_stdin_closes(config: Config) -> io::Result<()> {
    let (closed, wait) = tokio::sync::oneshot::channel::<()>();
    let (says, word) = watch::channel(false);
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            match line.as_str() {
                TROUBLE_BEGINS => says.send_replace(true),
                TROUBLE_ENDS => says.send_replace(false),
                _ => continue,
            };
        }
        drop(closed);
    });
    let closed = async {
        let _ = wait.await;
    };
    run_with(
        config,
        word,
        |_| String::new(),
        async |running| running.wait(closed).await,
    )
}
