//! One lane: a port of its own in front of the public one, for one transport of one session. It makes
//! the connections to the server itself, so the server can be told beforehand whose they are. What goes
//! through is left as it is; trouble on the way belongs to the proxy.

use super::Lab;
use super::proxy::{self, Note, Settings};
use super::tap::{Expected, Run};
use crate::wire::transport::Transport;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

/// A browser opens six HTTP/1.1 connections to a port, and a page one WebSocket for each lane.
const MAX_CONNECTIONS: usize = 64;

pub struct Lane {
    pub port: u16,
    state: Rc<State>,
    /// Ends with this lane, and its connections with it.
    _acceptor: JoinSet<()>,
}

struct State {
    lab: Arc<Lab>,
    transport: Transport,
    run: RefCell<Arc<Run>>,
    /// Numbers the session's connections.
    connections: Rc<Cell<u64>>,
    settings: watch::Sender<Settings>,
    cut: Notify,
    /// Whether the page hears of the connections that a cut closes.
    told: Cell<bool>,
    /// Connections are reset until then.
    up: Cell<Instant>,
}

impl Lane {
    pub fn open(
        lab: &Arc<Lab>,
        transport: Transport,
        run: &Arc<Run>,
        connections: &Rc<Cell<u64>>,
    ) -> io::Result<Lane> {
        let listener = crate::net::listen::bind(SocketAddr::new(lab.public.ip(), 0))?;
        let listener = TcpListener::from_std(listener)?;
        let port = listener.local_addr()?.port();
        let state = Rc::new(State {
            lab: Arc::clone(lab),
            transport,
            run: RefCell::new(Arc::clone(run)),
            connections: Rc::clone(connections),
            settings: watch::Sender::default(),
            cut: Notify::new(),
            told: Cell::new(false),
            up: Cell::new(Instant::now()),
        });
        let mut acceptor = JoinSet::new();
        acceptor.spawn_local(accept(listener, Rc::clone(&state)));
        Ok(Lane {
            port,
            state,
            _acceptor: acceptor,
        })
    }

    /// What the way to this lane is like, from now on.
    pub fn set(&self, settings: Settings) {
        self.state.settings.send_replace(settings);
    }

    /// Closes the connections that are there; later ones belong to `run`.
    pub fn begin(&self, run: &Arc<Run>) {
        self.state.run.replace(Arc::clone(run));
        self.state.up.set(Instant::now());
        self.close(false);
    }

    /// Closes all connections that are there, and tells the page which.
    pub fn cut(&self) {
        self.close(true);
    }

    /// The same, and resets those that come before `up`.
    pub fn go_down(&self, up: Instant) {
        self.state.up.set(up);
        self.close(true);
    }

    fn close(&self, told: bool) {
        self.state.told.set(told);
        self.state.cut.notify_one();
    }
}

async fn accept(listener: TcpListener, state: Rc<State>) {
    let mut connections = JoinSet::new();
    let mut numbers = BTreeMap::new();
    loop {
        tokio::select! {
            // First, so that a connection made after a cut is none of those that it closes.
            biased;
            () = state.cut.notified() => {
                connections.abort_all();
                let numbers = std::mem::take(&mut numbers);
                for number in numbers.into_values().filter(|_| state.told.get()) {
                    state.run.borrow().trouble(state.transport, "cut", Some(number));
                }
            }
            Some(ended) = connections.join_next_with_id() => {
                let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
                numbers.remove(&id);
            }
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((browser, _)) if Instant::now() < state.up.get() => reset(&browser),
                Ok((browser, _)) => {
                    let number = state.connections.get() + 1;
                    state.connections.set(number);
                    let task = carry(browser, number, Rc::clone(&state));
                    numbers.insert(connections.spawn_local(task).id(), number);
                }
                // Out of descriptors, most likely: those that end give theirs back.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(100)).await,
            },
        }
    }
}

/// As a port that nothing listens on: a client that has connected is told at once.
fn reset(browser: &TcpStream) {
    // Failing that it is closed, which tells the client as well.
    let _ = browser.set_zero_linger();
}

/// One connection from its beginning to its end.
async fn carry(browser: TcpStream, number: u64, state: Rc<State>) {
    // A connection that cannot be made is closed: the browser sees a server that hangs up.
    let Ok((server, _expected)) = connect(&state, number).await else {
        return;
    };
    let run = Arc::clone(&state.run.borrow());
    let note = |note: Note| run.trouble(state.transport, note, Some(number));
    proxy::carry(browser, server, state.settings.subscribe(), note).await;
}

/// A connection to the server, which will know it for this lane's.
async fn connect(state: &State, connection: u64) -> io::Result<(TcpStream, Announced)> {
    let address = reachable(state.lab.public);
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.bind(SocketAddr::new(address.ip(), 0))?;
    let (accepted, taken) = oneshot::channel();
    let expected = Expected {
        run: Arc::clone(&state.run.borrow()),
        lane: state.transport,
        connection,
        accepted,
    };
    let announced = Announced {
        lab: Arc::clone(&state.lab),
        address: socket.local_addr()?,
    };
    state.lab.expect(announced.address, expected);
    let server = socket.connect(address).await?;
    // Nothing is sent before the server knows whose it is: should this lane be closed first, the
    // server gets an empty connection and not a request of which nobody knows that it was the lab's.
    match taken.await {
        Ok(()) => Ok((server, announced)),
        Err(_) => Err(io::ErrorKind::ConnectionAborted.into()),
    }
}

/// Takes back what the server was told to expect, if it never accepted the connection.
struct Announced {
    lab: Arc<Lab>,
    address: SocketAddr,
}

impl Drop for Announced {
    fn drop(&mut self) {
        self.lab.accepted(self.address);
    }
}

/// Where a program on this host reaches a server that may listen on all addresses.
fn reachable(public: SocketAddr) -> SocketAddr {
    let ip = match public.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, public.port())
}
