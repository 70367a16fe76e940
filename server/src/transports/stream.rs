//! What HTTP streaming and SSE share: a response body that never ends, fed by a subscription and
//! kept alive by heartbeats. How a message looks is the business of the two.

use super::{greeting, meter};
use crate::desk::Desk;
use crate::frames::{self, Event};
use crate::lab::tap::Tap;
use crate::net::metered::Meter;
use crate::shortcut::Shortcut;
use crate::subscription::{Next, Subscription};
use crate::usage::Class;
use crate::wire::cursor::Cursor;
use crate::wire::transport::Transport;
use actix_http::ConnectionType;
use actix_web::body::{BodySize, MessageBody};
use actix_web::http::{Version, header};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// How one streaming transport writes its messages.
pub(super) trait Framing {
    const TRANSPORT: Transport;
    const HEARTBEAT: &'static [u8];
    const CACHE_CONTROL: &'static str;

    fn event(event: &Event) -> Bytes;

    /// The same as one chunk.
    fn chunk(event: &Event) -> &Bytes;

    /// A message of the server's own; `cursor` is where a client that has seen it goes on.
    fn message(json: &str, cursor: Cursor) -> Bytes;

    /// Comes before the first message of a connection.
    fn prelude() -> Option<String> {
        None
    }
}

/// The response of a streaming transport, begun with its own headers.
pub(super) fn respond<F: Framing + 'static>(
    mut response: HttpResponseBuilder,
    request: &HttpRequest,
    subscription: Subscription,
) -> HttpResponse {
    response.insert_header(("X-Accel-Buffering", "no"));
    if !Desk::of(request).config.bare {
        response.insert_header((header::CACHE_CONTROL, F::CACHE_CONTROL));
    }
    let chunked = takes_chunks(request);
    let mut response = response.body(StreamBody::<F>::new(request, subscription, chunked));
    if !chunked {
        response.head_mut().no_chunking(true);
        response
            .head_mut()
            .set_connection_type(ConnectionType::Close);
    }
    response
}

/// HTTP/1.0 knows no chunks: the stream ends with the connection (RFC 9112 §6.3). Nor are there any
/// for a request that offers an upgrade, which actix takes for one whatever the answer says.
fn takes_chunks(request: &HttpRequest) -> bool {
    request.version() == Version::HTTP_11 && !request.headers().contains_key(header::UPGRADE)
}

struct StreamBody<F> {
    hello: Option<Bytes>,
    subscription: Subscription,
    meter: Rc<Meter>,
    heartbeat_every: Duration,
    heartbeat: Pin<Box<Sleep>>,
    heartbeat_polled: bool,
    last_sent: Instant,
    framing: std::marker::PhantomData<fn() -> F>,
}

impl<F: Framing> StreamBody<F> {
    fn new(request: &HttpRequest, mut subscription: Subscription, chunked: bool) -> Self {
        let config = &Desk::of(request).config;
        meter(request).keep();
        if chunked {
            let class = Class::Transport(F::TRANSPORT);
            subscription.shorten(|offset| Shortcut::new(offset, meter(request), class, F::chunk));
        }
        let hello = (!config.bare).then(|| {
            let cursor = subscription.cursor();
            let message = greeting(&subscription, |json| F::message(json, cursor));
            match F::prelude() {
                Some(prelude) => [prelude.as_bytes(), &message].concat().into(),
                None => message,
            }
        });
        let heartbeat_every = match meter(request).tap().and_then(Tap::heartbeat) {
            Some(every) => every,
            None => Duration::from_secs_f64(config.stream_heartbeat),
        };
        StreamBody {
            hello,
            subscription,
            meter: Rc::clone(meter(request)),
            heartbeat_every,
            heartbeat: Box::pin(tokio::time::sleep(heartbeat_every)),
            heartbeat_polled: false,
            last_sent: Instant::now(),
            framing: std::marker::PhantomData,
        }
    }

    fn last_sent(&self) -> Instant {
        let pushed = self
            .subscription
            .shortcut()
            .map(|shortcut| shortcut.last_sent());
        pushed.map_or(self.last_sent, |pushed| pushed.max(self.last_sent))
    }

    /// `None`: the server stops.
    fn poll_message(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(hello) = self.hello.take() {
            return Poll::Ready(Some(hello));
        }
        if let Poll::Ready(next) = self.subscription.poll_next(context) {
            return Poll::Ready(Some(match next {
                Next::End => return Poll::Ready(None),
                Next::Event(event) => {
                    let class = Class::Transport(F::TRANSPORT);
                    self.meter.class(class).deliveries.add(1);
                    F::event(&event)
                }
                Next::Gap { missed, cursor } => F::message(&frames::gap(cursor, missed), cursor),
            }));
        }
        // A timer that was polled once wakes this task when it ends; until then a look is enough.
        if self.heartbeat_polled && !self.heartbeat.is_elapsed() {
            return Poll::Pending;
        }
        // Without budget a timer does nothing but ask to be polled again.
        self.heartbeat_polled = tokio::task::coop::has_budget_remaining();
        while self.heartbeat.as_mut().poll(context).is_ready() {
            // Not rewound at every message, which would cost a timer each: looked at when it ends.
            let due = self.last_sent() + self.heartbeat_every;
            let now = Instant::now();
            if due <= now {
                self.heartbeat_polled = false;
                self.heartbeat.as_mut().reset(now + self.heartbeat_every);
                return Poll::Ready(Some(Bytes::from_static(F::HEARTBEAT)));
            }
            self.heartbeat.as_mut().reset(due);
        }
        Poll::Pending
    }
}

impl<F: Framing> MessageBody for StreamBody<F> {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        let message = std::task::ready!(self.poll_message(context));
        self.last_sent = Instant::now();
        Poll::Ready(message.map(Ok))
    }
}
