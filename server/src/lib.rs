//! One event stream, pushed over every transport the web has had.
//!
//! The way of an event: `publish` checks and compacts it, `history` appends it at the next offset,
//! `wake` rouses the workers that have sleepers in the room, each `worker` writes it to the sockets that
//! wait for nothing else (`shortcut`) and wakes the tasks of the others, whose `subscription` reads it
//! from the history; `transports` write the bytes that `frames` made once for all of them.

pub mod wire;
pub mod config;
mod problems;
mod publish;
mod value;
mod frames;
mod history;
mod hub;
mod wake;
mod worker;
mod shortcut;
mod subscription;
mod transports;
mod page;
mod routes;
mod desk;
mod net;
mod usage;
mod metrics;
mod lab;

use config::Config;
use desk::Desk;
use history::Bounds;
use hub::Hub;
use lab::Lab;
use std::future::Future;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use worker::Worker;

/// How often idle rooms are looked for.
const SWEEP: Duration = Duration::from_secs(30);

/// A server that accepts connections.
pub struct Running {
    pub public: SocketAddr,
    pub admin: Option<SocketAddr>,
    server: actix_server::Server,
    handle: actix_server::ServerHandle,
}

impl Running {
    /// Until the server has stopped, which it does when it is told to or when `until` ends.
    pub async fn wait(self, until: impl Future<Output = ()>) -> io::Result<()> {
        let server = actix_rt::spawn(self.server);
        until.await;
        // Not graceful: streams have no end of their own to wait for.
        self.handle.stop(false).await;
        server.await.map_err(io::Error::other)?
    }
}

/// Binds the ports and starts the workers. Must be called within an actix or tokio local runtime.
pub fn start(config: Config) -> io::Result<Running> {
    // Half the limit would be spent before the first error otherwise; failing to raise it shows
    // when connections are refused.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let config = Arc::new(config);
    let bounds = Bounds {
        events: config.history as usize,
        bytes: config.history_bytes,
        bare: config.bare,
    };
    let hub = Hub::new(bounds, config.max_rooms);
    let ledger = Arc::new(usage::Ledger::default());
    let listener = net::listen::bind(config.listen)?;
    let public = listener.local_addr()?;
    let admin_listener = config.admin_listen.map(net::listen::bind).transpose()?;
    let admin = admin_listener
        .as_ref()
        .map(std::net::TcpListener::local_addr)
        .transpose()?;
    let lab = match config.lab_is_open() {
        true => Some(Lab::open(public, Arc::clone(&hub), Arc::clone(&config))?),
        false => None,
    };
    let builder = actix_server::Server::build()
        .workers(config.worker_count())
        .max_concurrent_connections(config.max_connections)
        .disable_signals();
    let open_desk = {
        let (hub, config) = (Arc::clone(&hub), Arc::clone(&config));
        move || {
            let worker = Worker::new(&hub.mailboxes);
            actix_rt::spawn(Rc::clone(&worker).deliver());
            Rc::new(Desk {
                hub: Arc::clone(&hub),
                worker,
                ledger: Arc::clone(&ledger),
                config: Arc::clone(&config),
                lab: lab.clone(),
            })
        }
    };
    let mut builder = net::listen::serve_public(builder, listener, &config, open_desk.clone())?;
    if let Some(listener) = admin_listener {
        builder = net::listen::serve_admin(builder, listener, open_desk)?;
    }
    actix_rt::spawn(sweep(hub));
    let server = builder.run();
    Ok(Running {
        public,
        admin,
        handle: server.handle(),
        server,
    })
}

async fn sweep(hub: Arc<Hub>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        hub.sweep(Instant::now());
    }
}

/// Serves until `until` ends. Says on stdout where it listens, as the first line, and where its
/// admin port is, as the second; `hints` gives more lines for the public address.
pub fn run(
    config: Config,
    hints: impl FnOnce(SocketAddr) -> String,
    until: impl Future<Output = ()>,
) -> io::Result<()> {
    actix_rt::System::new().block_on(async {
        let running = start(config)?;
        let mut lines = format!("listening on http://{}\n", running.public);
        if let Some(admin) = running.admin {
            lines.push_str(&format!("admin on http://{admin}\n"));
        }
        lines.push_str(&hints(running.public));
        let mut stdout = io::stdout();
        // A closed stdout is no reason not to serve.
        let _ = stdout
            .write_all(lines.as_bytes())
            .and_then(|()| stdout.flush());
        running.wait(until).await
    })
}

/// Serves for as long as the parent process holds the other end of stdin: a child that outlived
/// its parent would keep the port and skew the next measurement.
pub fn run_until_stdin_closes(config: Config) -> io::Result<()> {
    let (closed, wait) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        drop(closed);
    });
    run(config, |_| String::new(), async {
        let _ = wait.await;
    })
}
