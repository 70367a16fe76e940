//! Socket.IO 5 over Engine.IO 4 (`docs/` of socketio/socket.io): sessions that are polled or carried by a
//! WebSocket, and change from the one to the other. The layers from below: `polling` and `websocket` carry
//! packets of a `session`, which an `application` speaks over; `rooms` says how far the session has been told
//! of each room, and `reading` reads on from there. Rooms and histories are those of every other transport.
//!
//! Absent on purpose: Engine.IO 3, JSONP, WebTransport, compression, namespaces but `/`.

pub mod flags;
pub mod application;
pub mod outbox;
pub mod rooms;
mod spared;
pub mod recovery;
pub mod party;
mod conformance;
mod one_by_one;
mod refusal;
mod heartbeat;
pub mod session;
mod reading;
pub mod sessions;
mod polling;
mod websocket;

pub use polling::MAX_PACKETS as MAX_POSTED;

use super::{meter, query};
use crate::desk::Desk;
use crate::lab::tap::Tap;
use crate::net::admission::Address;
use crate::problems::Refusal;
use crate::session as identity;
use crate::usage::Class;
use crate::wire::engineio::VERSION;
use crate::wire::transport::Transport;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use application::{Application, Credential, Visitor};
use heartbeat::Tempo;
use refusal::Fault;
use session::{Beginning, Carrier, Local, Session};
use std::rc::Rc;
use std::sync::Arc;

/// Which application a path leads to, and whose its bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    /// `/socket.io/`
    Socketio,
    /// `/engine.io/`
    Engineio,
}

impl Path {
    fn class(self) -> Class {
        match self {
            Path::Socketio => Class::Transport(Transport::Socketio),
            Path::Engineio => Class::Control,
        }
    }

    fn application(self, visitor: Visitor, desk: &Desk) -> Application {
        match self {
            Path::Engineio => Application::Echo,
            Path::Socketio => Application::open(visitor, desk),
        }
    }
}

/// `/socket.io/`, which lanes of the lab lead to as well.
pub async fn socketio(request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Refusal> {
    let answer = answer(Path::Socketio, &request, body).await;
    Ok(answer.unwrap_or_else(|fault| fault.error_response()))
}

/// `/engine.io/`, where the server was started with `--conformance`.
pub async fn engineio(request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Fault> {
    if !Desk::of(&request).config.websocket.conformance || meter(&request).tap().is_some() {
        meter(&request).request(Class::Control);
        return Err(Refusal::NotFound.into());
    }
    answer(Path::Engineio, &request, body).await
}

async fn answer(
    path: Path,
    request: &HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Fault> {
    meter(request).request(path.class());
    let upgrades = request.headers().contains_key(header::UPGRADE);
    let by_websocket = match query(request, "transport").as_deref() {
        Some("polling") => false,
        Some("websocket") => true,
        _ => return Err(Fault::UnknownTransport),
    };
    let sid = query(request, "sid");
    let sid = sid.as_deref().filter(|sid| !sid.is_empty());
    let known = match sid {
        Some(sid) if is_last_poll(sid, request) => return Ok(polling::last()),
        Some(sid) => Some(known(path, sid, request)?),
        None if request.method() != Method::GET => return Err(Fault::BadHandshakeMethod),
        None => None,
    };
    if query(request, "EIO").as_deref() != Some(VERSION) {
        return Err(Fault::UnsupportedVersion);
    }
    if by_websocket != upgrades {
        return Err(Fault::BadRequest);
    }
    match (by_websocket, known, request.method()) {
        (true, known, _) => websocket::serve(path, known, request, body).await,
        (false, None, _) => begin_polling(path, request).await,
        (false, Some(session), &Method::GET) => polling::get(session, local(request)).await,
        (false, Some(session), &Method::POST) => {
            polling::post(request, body, session, local(request)).await
        }
        (false, Some(_), _) => Err(Fault::BadRequest),
    }
}

/// The poll of a client that has said goodbye over another connection, which was quicker.
fn is_last_poll(sid: &str, request: &HttpRequest) -> bool {
    let sessions = &Desk::of(request).sessions;
    request.method() == Method::GET && sessions.get(sid).is_none() && sessions.is_last_poll(sid)
}

/// The session of this sid. One that was opened on the other path is none of this one's.
fn known(path: Path, sid: &str, request: &HttpRequest) -> Result<Arc<Session>, Fault> {
    let session = Desk::of(request).sessions.get(sid);
    session
        .filter(|session| session.class == path.class())
        .ok_or(Fault::UnknownSession)
}

/// The first poll, which is answered with the packet that opens the session.
async fn begin_polling(path: Path, request: &HttpRequest) -> Result<HttpResponse, Fault> {
    let session = open(path, Carrier::Polling, request)?;
    let local = local(request);
    let watching = Local {
        desk: Rc::clone(&local.desk),
        counters: Arc::clone(&local.counters),
        meter: None,
    };
    actix_web::rt::spawn(session::watch(Arc::downgrade(&session), watching));
    let mut response = polling::get(session, local).await?;
    take_bad_cookie(request, &mut response);
    Ok(response)
}

/// With a cookie that is none of ours its client would be refused as long as it bears it: it is taken away
/// in the answer to the handshake.
fn take_bad_cookie(request: &HttpRequest, response: &mut HttpResponse) {
    if identity::bearer(request).is_none()
        && identity::who(request).is_err()
        && let Ok(cookie) = HeaderValue::try_from(identity::no_cookie())
    {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
}

/// A new session of whoever asks.
fn open(path: Path, carrier: Carrier, request: &HttpRequest) -> Result<Arc<Session>, Fault> {
    let desk = Desk::of(request);
    let visitor = visitor(request);
    let address = visitor.address;
    let beginning = Beginning {
        class: path.class(),
        address,
        carrier,
        application: path.application(visitor, desk),
        tempo: tempo(request),
        max_payload: desk.config.socketio.eio_max_payload as usize,
        connect_within: desk.config.socketio.sio_connect_timeout,
    };
    let opened = desk
        .sessions
        .open(address, |sid| Session::begin(sid, beginning));
    Ok(opened?)
}

fn visitor(request: &HttpRequest) -> Visitor {
    let credential = match identity::who(request) {
        Ok(None) => Credential::None,
        Ok(Some(user)) => Credential::User(user),
        Err(_) => Credential::Bad,
    };
    let address: Option<Address> = Desk::of(request).address(request);
    Visitor {
        credential,
        address,
        on_lane: meter(request).tap().is_some(),
    }
}

fn tempo(request: &HttpRequest) -> Tempo {
    let flags = &Desk::of(request).config.socketio;
    let of_lane = meter(request).tap().and_then(Tap::heartbeat);
    Tempo {
        interval: of_lane.unwrap_or(flags.eio_ping_interval),
        timeout: flags.eio_ping_timeout,
    }
}

fn local(request: &HttpRequest) -> Local {
    Local {
        desk: Rc::clone(Desk::of(request)),
        counters: Arc::clone(meter(request).counters()),
        meter: Some(Rc::clone(meter(request))),
    }
}

/// `/socket.io/socket.io.js`, where the operator has named the file.
pub async fn client(request: HttpRequest) -> Result<HttpResponse, Refusal> {
    super::count_control(&request);
    let script = Desk::of(&request).socketio_client.as_ref();
    let script = script.ok_or(Refusal::NotFound)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/javascript; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(script.clone()))
}
