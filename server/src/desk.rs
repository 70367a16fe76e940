//! What every handler of one worker thread works with. A request finds it in the app's data.

use crate::config::Config;
use crate::hub::Hub;
use crate::identity::Identity;
use crate::lab::Lab;
use crate::net::admission::{Address, Admission};
use crate::pace::Pace;
use crate::parking::Threads;
use crate::transports::socketio::recovery::Recovery;
use crate::transports::socketio::sessions::Sessions;
use crate::usage::Ledger;
use crate::wire::usage::Usage;
use crate::worker::Worker;
use actix_web::HttpRequest;
use bytes::Bytes;
use std::rc::Rc;
use std::sync::Arc;

pub struct Desk {
    pub hub: Arc<Hub>,
    pub worker: Rc<Worker>,
    pub ledger: Arc<Ledger>,
    pub config: Arc<Config>,
    pub identity: Arc<Identity>,
    pub admission: Arc<Admission>,
    pub pace: Arc<Pace>,
    pub sessions: Arc<Sessions>,
    pub recovery: Arc<Recovery>,
    /// The JavaScript client of Socket.IO, where the operator has named its file.
    pub socketio_client: Option<Bytes>,
    /// Absent where the lab is closed.
    pub lab: Option<Arc<Lab>>,
    /// Where held polls park, if not on tasks.
    pub threads: Option<Arc<Threads>>,
}

impl Desk {
    pub fn of(request: &HttpRequest) -> &Rc<Desk> {
        request
            .app_data::<Rc<Desk>>()
            .expect("every app is built with a desk")
    }

    /// Whether the client came over TLS, to this server or to a proxy of ours.
    pub fn is_https(request: &HttpRequest) -> bool {
        let config = &Desk::of(request).config;
        let own = config.tls.are_given();
        config.proxies.is_https(request.head(), own)
    }

    /// What the client counts as where an address has its share; `None` for this host's own.
    pub fn address(&self, request: &HttpRequest) -> Option<Address> {
        let client = self.config.proxies.client(request.head());
        Address::counted(client, self.config.limits.limit_loopback)
    }

    pub fn usage(&self) -> Usage {
        let mut usage = self
            .ledger
            .usage(self.hub.published(), self.hub.room_count() as u64);
        usage.history_bytes = self.hub.history_bytes() as u64;
        usage.sessions = self.sessions.count() as u64;
        usage.unheld = self.threads.as_ref().map_or(0, |threads| threads.refused());
        usage
    }
}
