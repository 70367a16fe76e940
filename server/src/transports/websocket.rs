//! WebSocket (RFC 6455), JSON text frames or MessagePack binary ones. actix-ws does the handshake,
//! the subprotocol and the incoming frames; what goes out are the room's shared frames and a few
//! control frames, from one body, so that no task and no channel belongs to a subscriber.

use super::frame_guard::{self, BadFrame};
use super::{meter, subscribe};
use crate::desk::Desk;
use crate::frames::{self, Event, Opcode, frame};
use crate::lab::tap::Tap;
use crate::net::metered::Meter;
use crate::problems::Refusal;
use crate::publish;
use crate::shortcut::Shortcut;
use crate::subscription::{Next, Subscription};
use crate::usage::Class;
use crate::wire::transport::Transport;
use actix_http::error::PayloadError;
use actix_http::ws::{HandshakeError, ProtocolError, verify_handshake};
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseReason, Session};
use bytes::Bytes;
use futures_core::Stream;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

const CLASS: Class = Class::Transport(Transport::Websocket);

const JSON: &str = "pushlab.json";
const MSGPACK: &str = "pushlab.msgpack";

/// Close codes (RFC 6455 §7.4.1).
const PROTOCOL_ERROR: u16 = 1002;
const NOT_UTF8: u16 = 1007;
const TOO_BIG: u16 = 1009;

pub async fn serve(request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Refusal> {
    if let Err(error) = verify_handshake(request.head()) {
        meter(&request).request(CLASS);
        return Err(refuse(error));
    }
    check_framing(&request)?;
    let subscription = subscribe(&request, Transport::Websocket)?;
    // A publish that is a little too large is answered and the connection lives; a frame beyond
    // that is not worth reading.
    let limit = Desk::of(&request).config.max_event_bytes.saturating_mul(2);
    let body = frame_guard::guarded(&request, body, limit)
        .await
        .map_err(|error| Refusal::BadRequest(error.to_string()))?;
    let (response, session, incoming) =
        actix_ws::handle_with_protocols(&request, body, &[JSON, MSGPACK])
            .map_err(|error| Refusal::BadRequest(error.to_string()))?;
    let msgpack = response
        .headers()
        .get(header::SEC_WEBSOCKET_PROTOCOL)
        .is_some_and(|protocol| protocol == MSGPACK);
    let incoming = incoming
        .max_frame_size(limit)
        .aggregate_continuations()
        .max_continuation_size(limit);
    Ok(response.map_body(|_, inner| {
        BoxBody::new(Conversation::new(
            &request,
            subscription,
            (inner, session),
            incoming,
            msgpack,
        ))
    }))
}

/// actix frames the connection by these headers, before and after the handshake; with others than
/// these both sides would speak past each other.
fn check_framing(request: &HttpRequest) -> Result<(), Refusal> {
    let headers = request.headers();
    let upgrade = headers
        .get(header::UPGRADE)
        .map(|upgrade| upgrade.as_bytes());
    let plain = upgrade.is_some_and(|upgrade| upgrade.eq_ignore_ascii_case(b"websocket"))
        && !headers.contains_key(header::TRANSFER_ENCODING)
        && headers
            .get(header::CONTENT_LENGTH)
            .is_none_or(|length| length == "0");
    if plain {
        return Ok(());
    }
    meter(request).request(CLASS);
    Err(Refusal::BadRequest(
        "a WebSocket handshake has no body and offers `Upgrade: websocket` alone".to_owned(),
    ))
}

pub fn refuse(error: HandshakeError) -> Refusal {
    match error {
        HandshakeError::GetMethodRequired => Refusal::MethodNotAllowed("GET"),
        HandshakeError::NoWebsocketUpgrade
        | HandshakeError::NoVersionHeader
        | HandshakeError::UnsupportedVersion => Refusal::UpgradeRequired,
        HandshakeError::NoConnectionUpgrade | HandshakeError::BadWebsocketKey => {
            Refusal::BadRequest(format!("the WebSocket handshake is broken: {error}"))
        }
    }
}

/// Events sent between two looks at what the client says.
const EVENTS_IN_A_ROW: u8 = 16;

struct Conversation {
    subscription: Subscription,
    incoming: AggregatedMessageStream,
    /// Kept, not used: dropping either half ends `incoming`.
    _actix: (BoxBody, Session),
    desk: Rc<Desk>,
    meter: Rc<Meter>,
    msgpack: bool,
    hello: Option<Bytes>,
    /// Our close frame has been sent: nothing follows.
    closed: bool,
    events_in_a_row: u8,
    ping_every: Duration,
    ping: Pin<Box<Sleep>>,
    ping_polled: bool,
    awaiting_pong: bool,
}

/// What an incoming message calls for.
enum Reply {
    Nothing,
    Frame(Bytes),
    Close(u16),
    /// The client is gone.
    End,
}

impl Conversation {
    fn new(
        request: &HttpRequest,
        mut subscription: Subscription,
        actix: (BoxBody, Session),
        incoming: AggregatedMessageStream,
        msgpack: bool,
    ) -> Self {
        let desk = Rc::clone(Desk::of(request));
        meter(request).keep();
        let encode = if msgpack {
            Event::msgpack
        } else {
            Event::websocket
        };
        subscription.shorten(|offset| Shortcut::new(offset, meter(request), CLASS, encode));
        let ping_every = match meter(request).tap().and_then(Tap::heartbeat) {
            Some(every) => every,
            None => Duration::from_secs_f64(desk.config.ping_interval),
        };
        let mut conversation = Conversation {
            hello: None,
            subscription,
            incoming,
            _actix: actix,
            meter: Rc::clone(meter(request)),
            msgpack,
            closed: false,
            events_in_a_row: 0,
            ping_every,
            ping: Box::pin(tokio::time::sleep(ping_every)),
            ping_polled: false,
            awaiting_pong: false,
            desk,
        };
        if !conversation.desk.config.bare {
            let subscription = &conversation.subscription;
            let hello = frames::hello(subscription.cursor(), subscription.missed());
            conversation.hello = Some(conversation.message(&hello));
        }
        conversation
    }

    /// A message of the server's own in this connection's framing.
    fn message(&self, json: &str) -> Bytes {
        if self.msgpack {
            frame(Opcode::Binary, &frames::json_to_msgpack(json.as_bytes()))
        } else {
            frame(Opcode::Text, json.as_bytes())
        }
    }

    fn take_in(&mut self, message: Result<AggregatedMessage, ProtocolError>) -> Reply {
        self.awaiting_pong = false;
        let draft = match message {
            Err(error) => return close_code(&error).map_or(Reply::End, Reply::Close),
            Ok(AggregatedMessage::Ping(payload)) => {
                return Reply::Frame(frame(Opcode::Pong, &payload));
            }
            Ok(AggregatedMessage::Pong(_)) => return Reply::Nothing,
            Ok(AggregatedMessage::Close(reason)) => return Reply::Close(echo(reason)),
            Ok(AggregatedMessage::Text(text)) => self
                .check_size(text.len())
                .and_then(|()| publish::from_text(&text)),
            Ok(AggregatedMessage::Binary(bytes)) if self.msgpack => self
                .check_size(bytes.len())
                .and_then(|()| publish::from_msgpack(&bytes)),
            Ok(AggregatedMessage::Binary(_)) => Err(Refusal::BadRequest(format!(
                "binary frames need the subprotocol {MSGPACK}; send text"
            ))),
        };
        match draft {
            Ok(draft) => {
                self.desk
                    .hub
                    .publish(self.subscription.room(), &draft, None);
                Reply::Nothing
            }
            Err(refusal) => Reply::Frame(self.message(&error(&refusal))),
        }
    }

    fn check_size(&self, bytes: usize) -> Result<(), Refusal> {
        let limit = self.desk.config.max_event_bytes;
        if bytes > limit {
            return Err(Refusal::TooLarge { limit });
        }
        Ok(())
    }

    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.closed {
            return Poll::Ready(None);
        }
        if let Some(hello) = self.hello.take() {
            return Poll::Ready(Some(hello));
        }
        // Events first: most wakes are for one, and looking at the socket costs. But not for ever:
        // a ping must not wait until a long backlog has been sent.
        if self.events_in_a_row < EVENTS_IN_A_ROW
            && let Poll::Ready(next) = self.subscription.poll_next(context)
        {
            self.events_in_a_row += 1;
            return Poll::Ready(Some(self.outgoing(next)));
        }
        self.events_in_a_row = 0;
        while let Poll::Ready(message) = Pin::new(&mut self.incoming).poll_next(context) {
            match message.map_or(Reply::End, |message| self.take_in(message)) {
                Reply::Nothing => {}
                Reply::Frame(frame) => return Poll::Ready(Some(frame)),
                Reply::Close(code) => {
                    self.closed = true;
                    return Poll::Ready(Some(close_frame(code)));
                }
                Reply::End => return Poll::Ready(None),
            }
        }
        // Again, for a publish above may have been into this very room, and for the sleeper.
        if let Poll::Ready(next) = self.subscription.poll_next(context) {
            return Poll::Ready(Some(self.outgoing(next)));
        }
        self.poll_ping(context)
    }

    fn outgoing(&self, next: Next) -> Bytes {
        match next {
            Next::Event(event) => {
                self.meter.class(CLASS).deliveries.add(1);
                if self.msgpack {
                    event.msgpack()
                } else {
                    event.websocket()
                }
            }
            Next::Gap { missed, cursor } => self.message(&frames::gap(cursor, missed)),
        }
    }

    /// Pings when the time has come; a ping that nothing answered until then ends the connection.
    fn poll_ping(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        // A timer that was polled once wakes this task when it ends; until then a look is enough.
        if self.ping_polled && !self.ping.is_elapsed() {
            return Poll::Pending;
        }
        // Without budget a timer does nothing but ask to be polled again.
        self.ping_polled = tokio::task::coop::has_budget_remaining();
        std::task::ready!(self.ping.as_mut().poll(context));
        self.ping_polled = false;
        if self.awaiting_pong {
            return Poll::Ready(None);
        }
        self.awaiting_pong = true;
        self.ping.as_mut().reset(Instant::now() + self.ping_every);
        Poll::Ready(Some(frame(Opcode::Ping, b"")))
    }
}

/// What a refused publish is answered with, in place of an HTTP status.
fn error(refusal: &Refusal) -> String {
    let problem = refusal.problem();
    serde_json::json!({
        "type": "error",
        "status": problem.status,
        "title": problem.title,
        "detail": problem.detail,
    })
    .to_string()
}

/// `None` where the connection is gone and nobody would read a close frame.
fn close_code(error: &ProtocolError) -> Option<u16> {
    if let Some(bad) = bad_frame(error) {
        return Some(match bad {
            BadFrame::TooLong => TOO_BIG,
            BadFrame::LongControl => PROTOCOL_ERROR,
        });
    }
    match error {
        ProtocolError::Overflow => Some(TOO_BIG),
        // actix-http has no kind of its own for reserved bits, only this text; nor has actix-ws for
        // a message whose fragments are too many bytes.
        ProtocolError::Io(error) if error.to_string().contains("reserved bits") => {
            Some(PROTOCOL_ERROR)
        }
        ProtocolError::Io(error) if error.kind() == io::ErrorKind::InvalidData => Some(NOT_UTF8),
        ProtocolError::Io(error) if error.to_string().contains("continuation size") => {
            Some(TOO_BIG)
        }
        ProtocolError::Io(_) => None,
        _ => Some(PROTOCOL_ERROR),
    }
}

/// What our own guard found, as actix-ws hands it on.
fn bad_frame(error: &ProtocolError) -> Option<BadFrame> {
    let ProtocolError::Io(error) = error else {
        return None;
    };
    let PayloadError::Io(error) = error.get_ref()?.downcast_ref()? else {
        return None;
    };
    error.get_ref()?.downcast_ref().copied()
}

/// The code to echo; 1000 for a close without one.
fn echo(reason: Option<CloseReason>) -> u16 {
    reason.map_or(1000, |reason| reason.code.into())
}

fn close_frame(code: u16) -> Bytes {
    frame(Opcode::Close, &code.to_be_bytes())
}

impl MessageBody for Conversation {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        self.poll_frame(context).map(|frame| frame.map(Ok))
    }
}
