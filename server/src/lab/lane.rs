//! One lane: a port of its own in front of the public one, for one transport of one session. It makes
//! the connections to the server itself, so the server can be told beforehand whose they are. What goes
//! through is left as it is; trouble on the way belongs to the proxy.

use super::Lab;
use super::tap::{Expected, Run};
use crate::wire::transport::Transport;
use std::cell::{Cell, RefCell};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

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
    cut: Notify,
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
            cut: Notify::new(),
        });
        let mut acceptor = JoinSet::new();
        acceptor.spawn_local(accept(listener, Rc::clone(&state)));
        Ok(Lane {
            port,
            state,
            _acceptor: acceptor,
        })
    }

    /// Closes the connections that are there; later ones belong to `run`.
    pub fn begin(&self, run: &Arc<Run>) {
        self.state.run.replace(Arc::clone(run));
        self.cut();
    }

    /// Closes all connections that are there.
    pub fn cut(&self) {
        self.state.cut.notify_one();
    }
}

async fn accept(listener: TcpListener, state: Rc<State>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            // First, so that a connection made after a cut is none of those that it closes.
            biased;
            () = state.cut.notified() => connections.abort_all(),
            Some(_) = connections.join_next() => {}
            accepted = listener.accept(), if connections.len() < MAX_CONNECTIONS => match accepted {
                Ok((browser, _)) => {
                    connections.spawn_local(carry(browser, Rc::clone(&state)));
                }
                // Out of descriptors, most likely: those that end give theirs back.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(100)).await,
            },
        }
    }
}

/// One connection from its beginning to its end.
async fn carry(mut browser: TcpStream, state: Rc<State>) {
    // A connection that cannot be made is closed: the browser sees a server that hangs up.
    let Ok((mut server, _expected)) = connect(&state).await else {
        return;
    };
    // Errors end a connection as its end does.
    let _ = browser.set_nodelay(true);
    let _ = tokio::io::copy_bidirectional(&mut browser, &mut server).await;
}

/// A connection to the server, which will know it for this lane's.
async fn connect(state: &State) -> io::Result<(TcpStream, Announced)> {
    let address = reachable(state.lab.public);
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.bind(SocketAddr::new(address.ip(), 0))?;
    socket.set_nodelay(true)?;
    state.connections.set(state.connections.get() + 1);
    let expected = Expected {
        run: Arc::clone(&state.run.borrow()),
        lane: state.transport,
        connection: state.connections.get(),
    };
    let announced = Announced {
        lab: Arc::clone(&state.lab),
        address: socket.local_addr()?,
    };
    state.lab.expect(announced.address, expected);
    Ok((socket.connect(address).await?, announced))
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
