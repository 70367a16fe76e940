//! WebSocket (RFC 6455), JSON text frames or MessagePack binary ones. What goes out are the room's shared
//! frames and a few control frames, from one body, so that no task and no channel belongs to a
//! subscriber; what comes in is decoded by `incoming`.

pub mod flags;
pub mod handshake;
pub mod header;
pub mod decoder;
pub mod dialogue;
pub mod close;
pub mod incoming;
pub mod farewell;
mod invalid_user;
pub mod echo;

use super::{greeting, meter, subscribe_as};
use crate::desk::Desk;
use crate::frames::{self, Draft, Event, Opcode, frame};
use crate::identity::User;
use crate::lab::tap::Tap;
use crate::net::admission::Address;
use crate::net::metered::Meter;
use crate::problems::Refusal;
use crate::publish;
use crate::rate::{Paid, Rate};
use crate::session;
use crate::shortcut::Shortcut;
use crate::subscription::{Next, Subscription};
use crate::usage::{Class, Reason};
use crate::wire::transport::Transport;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::header::SEC_WEBSOCKET_PROTOCOL;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use close::Fault;
use decoder::{Limits, Message, Unfinished};
use dialogue::{Goodbye, Turn};
use incoming::Incoming;
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

const CLASS: Class = Class::Transport(Transport::Websocket);

const JSON: &str = "pushlab.json";
const MSGPACK: &str = "pushlab.msgpack";
const PROTOCOLS: [&str; 2] = [JSON, MSGPACK];

pub async fn serve(request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Refusal> {
    handshake::check(&request).inspect_err(|_| meter(&request).request(CLASS))?;
    meter(&request).request(CLASS);
    let user = match session::publisher(&request) {
        Ok(user) => user,
        Err(refusal) => return invalid_user::answer(&request, body, &refusal).await,
    };
    let subscription = subscribe_as(user.clone(), &request, Transport::Websocket)?;
    let (response, _) = handshake::accept(&request, &PROTOCOLS).await?;
    let msgpack = response
        .headers()
        .get(SEC_WEBSOCKET_PROTOCOL)
        .is_some_and(|protocol| protocol == MSGPACK);
    let config = &Desk::of(&request).config;
    let limits = Limits {
        // A publish that is a little too large is answered and the connection lives; a message beyond
        // that is not worth reading.
        bytes: config.max_event_bytes.saturating_mul(2),
        fragments: config.websocket.max_fragments,
    };
    let incoming = Incoming::new(body, limits);
    // On a bare server events have no place for a name.
    let user = user.filter(|_| !config.bare);
    let conversation = Conversation::new(&request, user, subscription, incoming, msgpack);
    Ok(response.map_body(|_, _| BoxBody::new(conversation)))
}

/// Events sent between two looks at what the client says.
const EVENTS_IN_A_ROW: u8 = 16;

/// Publishes beyond the pace, over those within it, after which the connection ends.
const MAX_STRIKES: u8 = 100;

/// Pings and pongs a second; those beyond are strikes too. A client needs one now and then.
const CONTROLS: Rate = Rate { per_second: 100 };

struct Conversation {
    /// Who publishes, be he a member of the room or not.
    user: Option<Arc<User>>,
    subscription: Subscription,
    incoming: Incoming,
    desk: Rc<Desk>,
    meter: Rc<Meter>,
    msgpack: bool,
    hello: Option<Bytes>,
    /// Our close frame has been sent: nothing follows.
    closed: bool,
    events_in_a_row: u8,
    turn: Turn,
    ping_every: Duration,
    ping: Pin<Box<Sleep>>,
    ping_polled: bool,
    /// A ping is out, and no frame of any kind has come since: any shows that the client lives.
    awaiting_pong: bool,
    /// Whose pace its publishes count for, beside the user's.
    address: Option<Address>,
    strikes: u8,
    controls: Paid,
    /// What was being read when the last ping went out: if it still is at the next, it never ends.
    unfinished: Option<Unfinished>,
    goodbye: Option<Goodbye>,
}

/// What an incoming message calls for.
enum Reply {
    Nothing,
    Frame(Bytes),
    /// A close frame: nothing follows.
    Last(Bytes),
}

impl Conversation {
    fn new(
        request: &HttpRequest,
        user: Option<Arc<User>>,
        mut subscription: Subscription,
        incoming: Incoming,
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
            user,
            hello: None,
            subscription,
            incoming,
            meter: Rc::clone(meter(request)),
            msgpack,
            closed: false,
            events_in_a_row: 0,
            turn: Turn::default(),
            ping_every,
            ping: Box::pin(tokio::time::sleep(ping_every)),
            ping_polled: false,
            awaiting_pong: false,
            address: desk.address(request),
            strikes: 0,
            controls: Paid::none(std::time::Instant::now()),
            unfinished: None,
            goodbye: None,
            desk,
        };
        if !conversation.desk.config.bare {
            let hello = greeting(&conversation.subscription, |json| {
                conversation.message(json)
            });
            conversation.hello = Some(hello);
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

    /// What a refused publish is answered with.
    fn error(&self, refusal: &Refusal) -> Bytes {
        self.message(&refusal.message().to_string())
    }

    fn take_in(&mut self, message: Result<Message, Fault>) -> Reply {
        self.awaiting_pong = false;
        let draft = match message {
            Err(fault) => {
                self.meter.ends(Reason::BadFrame);
                return Reply::Last(fault.frame());
            }
            Ok(Message::Ping(payload)) => {
                return self.control(Reply::Frame(frame(Opcode::Pong, &payload)));
            }
            Ok(Message::Pong) => return self.control(Reply::Nothing),
            Ok(Message::Close(code)) => return Reply::Last(close::echo(code)),
            Ok(Message::Text(text)) => self
                .check_size(text.len())
                .and_then(|()| publish::from_text(&text)),
            Ok(Message::Binary(bytes)) if self.msgpack => self
                .check_size(bytes.len())
                .and_then(|()| publish::from_msgpack(&bytes)),
            Ok(Message::Binary(_)) => Err(Refusal::BadRequest(format!(
                "binary frames need the subprotocol {MSGPACK}; send text"
            ))),
        };
        // As JSON it may be several times as long as it came.
        let draft = draft.and_then(|draft| self.check_size(draft.data_json.len()).map(|()| draft));
        self.publish(draft)
    }

    /// They cost as much as a publish that is refused, and nobody is told off for them before the end.
    fn control(&mut self, reply: Reply) -> Reply {
        if CONTROLS
            .take(&mut self.controls, std::time::Instant::now())
            .is_ok()
        {
            return reply;
        }
        self.strikes += 1;
        if self.strikes < MAX_STRIKES {
            return reply;
        }
        self.meter.ends(Reason::Flooding);
        Reply::Last(close::close(close::POLICY, "pings too fast"))
    }

    /// One that is nothing to publish counts as well, for it cost as much. One who is told again and again
    /// that it is too fast, and does not care, goes.
    fn publish(&mut self, draft: Result<Draft, Refusal>) -> Reply {
        let now = std::time::Instant::now();
        let user = self.user.as_ref();
        let paced = self
            .desk
            .pace
            .take(user.map(|user| &**user), self.address, now);
        let Err(refusal) = paced else {
            self.strikes = self.strikes.saturating_sub(1);
            let draft = match draft {
                Ok(draft) => draft.by(user.cloned()),
                Err(refusal) => return Reply::Frame(self.error(&refusal)),
            };
            let room = self.subscription.room();
            let published = self.desk.hub.publish(room, &draft, draft.key().as_deref());
            return match published {
                Ok(_) => Reply::Nothing,
                Err(spent) => Reply::Frame(self.error(&spent.into())),
            };
        };
        self.strikes += 1;
        if self.strikes < MAX_STRIKES {
            return Reply::Frame(self.error(&refusal));
        }
        self.meter.ends(Reason::Flooding);
        Reply::Last(close::close(close::POLICY, "publishes too fast"))
    }

    fn check_size(&self, bytes: usize) -> Result<(), Refusal> {
        let limit = self.desk.config.max_event_bytes;
        if bytes > limit {
            return Err(Refusal::TooLarge { limit });
        }
        Ok(())
    }

    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let polled = self.poll_part(context);
        if polled.is_pending() {
            self.turn.end(context);
        }
        polled
    }

    fn poll_part(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.closed {
            return Poll::Ready(None);
        }
        if let Some(goodbye) = &mut self.goodbye {
            return goodbye.poll(&mut self.incoming, context).map(|()| None);
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
        let has_told_all = !self.subscription.has_something();
        while !self.turn.is_over()
            && let Poll::Ready(message) = self.incoming.poll_next(context)
        {
            self.turn.took();
            let Some(message) = message else {
                return Poll::Ready(None);
            };
            match self.take_in(message) {
                // Its own event goes before what is wrong with the client's next frame.
                Reply::Nothing if has_told_all && self.subscription.has_something() => break,
                Reply::Nothing => {}
                Reply::Frame(frame) => return Poll::Ready(Some(frame)),
                Reply::Last(frame) => {
                    self.closed = true;
                    return Poll::Ready(Some(frame));
                }
            }
        }
        // The rest of what it says comes before further events, behind what others have to say.
        if self.turn.is_over() {
            return self.poll_ping(context);
        }
        // Again, for a publish above may have been into this very room, and for the sleeper.
        if let Poll::Ready(next) = self.subscription.poll_next(context) {
            return Poll::Ready(Some(self.outgoing(next)));
        }
        self.poll_ping(context)
    }

    fn outgoing(&mut self, next: Next) -> Bytes {
        match next {
            Next::End => {
                // What is published from now on is for another connection.
                if let Some(shortcut) = self.subscription.shortcut() {
                    shortcut.pause(true);
                }
                self.goodbye = Some(Goodbye::new());
                close::close(
                    close::GOING_AWAY,
                    "the server stops; come back with your cursor",
                )
            }
            Next::Event(event) => {
                self.meter.class(CLASS).deliveries.add(1);
                if self.msgpack {
                    event.msgpack().clone()
                } else {
                    event.websocket().clone()
                }
            }
            Next::Gap { missed, cursor } => self.message(&frames::gap(cursor, missed)),
        }
    }

    /// Pings when the time has come; a ping that nothing answered until then ends the connection, and so
    /// does a message that was being read at the last ping too.
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
            self.meter.ends(Reason::NoPong);
            return Poll::Ready(None);
        }
        let unfinished = self.incoming.unfinished();
        if unfinished.is_some() && unfinished == self.unfinished {
            self.meter.ends(Reason::TooSlow);
            self.closed = true;
            let slow = "a message that took more than a ping interval";
            return Poll::Ready(Some(close::close(close::POLICY, slow)));
        }
        self.unfinished = unfinished;
        self.awaiting_pong = true;
        self.ping.as_mut().reset(Instant::now() + self.ping_every);
        Poll::Ready(Some(frame(Opcode::Ping, b"")))
    }
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
