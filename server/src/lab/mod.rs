//! The lab: what the teaching page needs of the server beside the transports. A page opens one session;
//! the session owns its room, a port for each transport, and its publisher, and all of it ends with the
//! session's WebSocket.
//!
//! `door` lets a page in and stands between its WebSocket, on a worker, and its session, on the lab's
//! own thread; `session` does what the page asks; `lane` carries the browser's connections to the public
//! port; `tap` is where the server's meter tells the session what they carried. `messages` is the
//! contract with the page. Without the lab no request and no byte pays for more than one branch.

mod clock;
pub mod messages;
mod schedule;
pub mod tap;
mod room;
mod publisher;
pub mod proxy;
mod lane;
mod session;
mod background;
mod generator;
mod order;
pub mod scenarios;
pub mod reports;
pub mod door;
pub mod origin;

use crate::config::Config;
use crate::hub::Hub;
use generator::Generator;
use session::Opening;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tap::{Expected, Tap};
use tokio::sync::{Semaphore, mpsc};

/// Pages that may have a session at once.
pub const MAX_SESSIONS: usize = 32;

pub struct Lab {
    /// The server's public address.
    pub public: SocketAddr,
    hub: Arc<Hub>,
    config: Arc<Config>,
    /// Lane connections that the server has not accepted yet, by the address they come from.
    expected: Mutex<HashMap<SocketAddr, Expected>>,
    seats: Arc<Semaphore>,
    generator: Arc<Generator>,
    openings: mpsc::UnboundedSender<Opening>,
}

impl Lab {
    /// Opens the lab, on a thread that ends when the lab is dropped.
    pub fn open(
        public: SocketAddr,
        admin: Option<SocketAddr>,
        hub: Arc<Hub>,
        config: Arc<Config>,
    ) -> io::Result<Arc<Lab>> {
        let (openings, mut opened) = mpsc::unbounded_channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        std::thread::Builder::new()
            .name("lab".to_owned())
            .spawn(move || {
                let sessions = tokio::task::LocalSet::new();
                runtime.block_on(sessions.run_until(async {
                    while let Some(opening) = opened.recv().await {
                        tokio::task::spawn_local(session::hold(opening));
                    }
                }));
            })?;
        Ok(Arc::new(Lab {
            public,
            generator: Arc::new(Generator::new(&config, public, admin)),
            hub,
            config,
            expected: Mutex::default(),
            seats: Arc::new(Semaphore::new(MAX_SESSIONS)),
            openings,
        }))
    }

    /// The folder of the runs that can be browsed.
    pub fn reports(&self) -> &Path {
        self.generator.reports()
    }

    /// The tap for a connection that was just accepted, if it is a lane's.
    pub fn tap(&self, peer: SocketAddr) -> Option<Tap> {
        self.accepted(peer).map(Tap::open)
    }

    fn expect(&self, address: SocketAddr, expected: Expected) {
        self.waiting().insert(address, expected);
    }

    fn accepted(&self, address: SocketAddr) -> Option<Expected> {
        self.waiting().remove(&address)
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<SocketAddr, Expected>> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
