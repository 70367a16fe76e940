//! Binds the ports and serves actix-http over our own metered sockets. `HttpServer` would do all
//! but the metering.

use super::admission::reason;
use super::answer;
use super::heads::Heads;
use super::metered::{Carrier, Meter, Metered};
use super::tls::Tls;
use crate::config::Config;
use crate::desk::Desk;
use crate::drain::Begun;
use crate::gate::Gated;
use crate::origin::Origins;
use crate::problems::Refusal;
use crate::routes;
use actix_http::HttpService;
use actix_server::ServerBuilder;
use actix_service::{
    IntoServiceFactory, ServiceFactory, ServiceFactoryExt, fn_service, map_config,
};
use actix_web::dev::AppConfig;
use actix_web::{App, web};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::cell::Cell;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// Connections that wait in the kernel to be accepted.
const BACKLOG: i32 = 4096;

/// Connections, on each worker, that are being told why they are turned away; further ones are told, but
/// nobody waits until they have read it.
const TURNED_AWAY: usize = 256;

/// How long one may take to read it.
const READ_IT: Duration = Duration::from_secs(2);

pub fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let bind = || {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        Ok(TcpListener::from(socket))
    };
    bind().map_err(|error: io::Error| {
        let remedy = match error.kind() {
            io::ErrorKind::AddrInUse => "; another program has it, choose another port (0 = any)",
            io::ErrorKind::PermissionDenied => "; ports below 1024 need privileges",
            _ => "",
        };
        io::Error::new(
            error.kind(),
            format!("cannot listen on {address}: {error}{remedy}"),
        )
    })
}

/// Adds the public port to `server`; `open_desk` is called once on each worker thread.
pub fn serve_public(
    server: ServerBuilder,
    listener: TcpListener,
    config: &Config,
    tls: Option<Tls>,
    open_desk: impl Fn() -> Rc<Desk> + Clone + Send + 'static,
) -> io::Result<ServerBuilder> {
    let lab_here = config.admin_listen.is_none();
    let unread = config.unread.timeout();
    match tls {
        None => server.listen("public", listener, move || {
            carried(open_desk(), lab_here, move |socket, meter| {
                std::future::ready(
                    tune(&socket, unread).map(|()| Metered::plain(socket, meter, unread)),
                )
            })
        }),
        Some(tls) => server.listen("public", listener, move || {
            let tls = tls.clone();
            carried(open_desk(), lab_here, move |socket, meter| {
                let tls = tls.clone();
                async move {
                    tune(&socket, unread)?;
                    tls.accept(socket, meter, unread).await
                }
            })
        }),
    }
}

/// HTTP over what `carry` makes of a socket.
fn carried<T: Carrier, F: Future<Output = io::Result<T>> + 'static>(
    desk: Rc<Desk>,
    lab_here: bool,
    carry: impl Fn(TcpStream, Rc<Meter>) -> F + Clone + 'static,
) -> impl ServiceFactory<TcpStream, Config = ()> {
    let counters = desk.ledger.open();
    let config = &desk.config;
    let speaks_tls = config.tls.are_given();
    let bounds = Rc::new(config.limits.of_heads());
    let leaving = Rc::new(Cell::new(0));
    let origins = Origins::new(config, config.listen, speaks_tls);
    let app = App::new()
        .app_data(Rc::clone(&desk))
        .configure(routes::public)
        .configure(move |app: &mut web::ServiceConfig| {
            if lab_here {
                routes::lab(app);
            }
        });
    let http = HttpService::build()
        .keep_alive(config.limits.keep_alive())
        // `Heads` has one for every head.
        .client_request_timeout(Duration::ZERO)
        // A client that is gone frees what waits for it at once (actix-web#3462).
        .h1_allow_half_closed(false)
        .graceful_shutdown_signal(wait_for_drain(&desk))
        .on_connect_ext(|io: &Heads<T>, data| {
            data.insert(Rc::clone(io.meter()));
        })
        .h1(Gated::new(
            map_config(app, |()| AppConfig::default()),
            origins,
            config.limits.max_head_bytes,
        ));
    fn_service(move |socket: TcpStream| {
        let peer = socket.peer_addr().ok();
        let tap = desk
            .lab
            .as_ref()
            .zip(peer)
            .and_then(|(lab, peer)| lab.tap(peer));
        let admitted = desk
            .admission
            .admit(peer.map(|peer| peer.ip()), Instant::now());
        let (counters, carry) = (Arc::clone(&counters), carry.clone());
        let (bounds, leaving) = (Rc::clone(&bounds), Rc::clone(&leaving));
        async move {
            let pass = match admitted {
                Ok(pass) => pass,
                Err(refusal) => {
                    if let Some(reason) = reason(&refusal) {
                        counters.ended(reason).add(1);
                    }
                    if !speaks_tls {
                        turn_away(&socket, &refusal, &leaving).await;
                    }
                    return Err(io::ErrorKind::ConnectionRefused.into());
                }
            };
            let io = carry(socket, Meter::new(counters, tap)).await?;
            Ok((Heads::new(io, bounds, pass), peer))
        }
    })
    .into_factory()
    .map_err(actix_http::error::DispatchError::Io)
    .and_then(http)
}

/// Says why, and waits until it has been read: closing with unread bytes would be a reset that eats it.
async fn turn_away(socket: &TcpStream, refusal: &Refusal, leaving: &Cell<usize>) {
    // Not by tokio, which has not heard yet that there is room. A socket that is just open takes it
    // whole; one that does not is gone.
    let _ = SockRef::from(socket).send(&answer::last(refusal));
    let _ = SockRef::from(socket).shutdown(Shutdown::Write);
    if leaving.get() >= TURNED_AWAY {
        return;
    }
    leaving.set(leaving.get() + 1);
    let read = async {
        while socket.readable().await.is_ok() {
            match socket.try_read(&mut [0; 4096]) {
                Ok(1..) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(0) | Err(_) => return,
            }
        }
    };
    // Either way it has had its time.
    let _ = tokio::time::timeout(READ_IT, read).await;
    leaving.set(leaving.get() - 1);
}

/// Adds the admin port, which nobody meters.
pub fn serve_admin(
    server: ServerBuilder,
    listener: TcpListener,
    open_desk: impl Fn() -> Rc<Desk> + Clone + Send + 'static,
) -> io::Result<ServerBuilder> {
    let address = listener.local_addr()?;
    server.listen("admin", listener, move || {
        let desk = open_desk();
        let keep_alive = desk.config.limits.keep_alive();
        let max_head_bytes = desk.config.limits.max_head_bytes;
        let origins = Origins::new(&desk.config, address, false);
        let signal = wait_for_drain(&desk);
        let app = App::new()
            .app_data(desk)
            .configure(routes::admin)
            .configure(routes::lab);
        HttpService::build()
            .keep_alive(keep_alive)
            .graceful_shutdown_signal(signal)
            .h1(Gated::new(
                map_config(app, |()| AppConfig::default()),
                origins,
                max_head_bytes,
            ))
            .tcp()
    })
}

/// What makes the answer in progress on a connection its last.
fn wait_for_drain(desk: &Rc<Desk>) -> impl Fn() -> Begun + 'static {
    let drain = Rc::clone(&desk.worker.drain);
    move || drain.begun()
}

/// How much later than `unread.rs` the kernel gives up: its end of a connection tells the peer nothing,
/// ours resets it.
const KERNEL_LATER: Duration = Duration::from_secs(1);

/// The kernel keeps a deadline too, from the first byte that the peer has no room for or does not
/// acknowledge: it also notices a peer that is gone without a word, whose few bytes block no write.
fn tune(io: &TcpStream, unread: Duration) -> io::Result<()> {
    io.set_nodelay(true)?;
    #[cfg(target_os = "linux")]
    SockRef::from(io).set_tcp_user_timeout(Some(unread + KERNEL_LATER))?;
    Ok(())
}
