//! Engine.IO by HTTP long polling: a GET is held until there is something for the client, a POST brings what
//! it says. One of each at a time, for a second one is another client that has taken the sid, or a client
//! that has lost its head: then the session ends. So it does with a request that breaks off, for nobody
//! knows how far its client has read.

use super::application::Ending;
use super::outbox::append;
use super::reading::{Reading, Told};
use super::refusal::Fault;
use super::session::{Carrier, Farewell, Local, Session, State};
use crate::body::read_body;
use crate::problems::Refusal;
use crate::transports::meter;
use crate::wire::engineio::{Limits, Packet, read_payload};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// Packets that one POST may bring.
pub const MAX_PACKETS: usize = 100;

/// Bytes after which an answer is long enough; what is left waits for the next.
const MAX_ANSWER_BYTES: usize = 128 * 1024;

/// A client may ask and go over to its WebSocket at once: what it said there is seen first.
const SETTLE: Duration = Duration::from_millis(5);

/// Answers a GET.
pub async fn get(session: Arc<Session>, local: Local) -> Result<HttpResponse, Fault> {
    let mut held = Held::begin(session, local)?;
    let payload = poll_fn(|context| held.poll(context)).await;
    payload.map(answer)
}

/// The answer to a poll whose session its client has closed.
pub fn last() -> HttpResponse {
    answer(last_word(Farewell::Goodbye).text())
}

fn answer(payload: String) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; charset=UTF-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(payload)
}

/// A GET that waits. Dropped before it is answered, it takes the session with it.
struct Held {
    session: Arc<Session>,
    local: Local,
    reading: Reading,
    /// From when it is seen that a WebSocket probes.
    settling: Option<Pin<Box<Sleep>>>,
    answered: bool,
}

/// Takes the session's one place for a request of this method; a second beside it breaks the session.
fn enter(
    session: &Session,
    local: &Local,
    place: impl Fn(&mut State) -> &mut bool,
) -> Result<(), Fault> {
    let mut state = session.lock();
    session.tick(&mut state, Instant::now(), local);
    if state.ended.is_some() {
        return Err(Fault::UnknownSession);
    }
    if state.carrier == Carrier::Websocket {
        return Err(Fault::BadRequest);
    }
    if *place(&mut state) {
        session.broken(&mut state, local);
        return Err(Fault::BadRequest);
    }
    *place(&mut state) = true;
    Ok(())
}

/// A request was broken off: its session is lost, unless it goes on by WebSocket.
fn lose(session: &Session, state: &mut State, local: &Local) {
    if state.carrier != Carrier::Websocket {
        session.end(state, Ending::Lost, Farewell::Silence, local);
    }
}

impl Held {
    fn begin(session: Arc<Session>, local: Local) -> Result<Held, Fault> {
        enter(&session, &local, |state| &mut state.getting)?;
        let desk = &local.desk;
        Ok(Held {
            reading: Reading::new(&desk.worker, None, desk.config.bare),
            session,
            local,
            settling: None,
            answered: false,
        })
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<String, Fault>> {
        let session = Arc::clone(&self.session);
        let mut state = session.lock();
        if state.ended.is_none() && state.carrier == Carrier::Websocket {
            // What there is goes there.
            self.answered = true;
            state.getting = false;
            return Poll::Ready(Err(Fault::BadRequest));
        }
        let mut payload = String::new();
        let says_something = self.collect(&mut state, &mut payload, context);
        if payload.is_empty() {
            payload = std::task::ready!(self.poll_last_word(&mut state, context)).text();
        }
        if !says_something {
            self.local.counters.of(self.session.class).empty.add(1);
        }
        self.answered = true;
        state.getting = false;
        Poll::Ready(Ok(payload))
    }

    /// Takes what there is. Tells whether any of it is more than a ping.
    fn collect(&mut self, state: &mut State, payload: &mut String, context: &Context<'_>) -> bool {
        let mut says_something = false;
        while payload.len() < MAX_ANSWER_BYTES
            && let Some(parcel) = state.outbox.take()
        {
            says_something |= parcel.is_message();
            append(payload, |payload| parcel.write(payload));
        }
        self.reading.sync(&mut state.rooms);
        let deliveries = &self.local.counters.of(self.session.class).deliveries;
        while payload.len() < MAX_ANSWER_BYTES
            && let Poll::Ready(told) = self.reading.poll_next(&mut state.rooms, context)
        {
            match told {
                Told::Event(event) => {
                    deliveries.add(1);
                    let packet = event.socketio_packet();
                    let packet = std::str::from_utf8(packet).expect("an event is JSON");
                    append(payload, |payload| payload.push_str(packet));
                }
                Told::Gap(packet) => append(payload, |payload| payload.push_str(&packet)),
                Told::End => break,
            }
            says_something = true;
        }
        says_something
    }

    /// What is said where there is nothing to say, if the wait is over.
    fn poll_last_word(
        &mut self,
        state: &mut State,
        context: &mut Context<'_>,
    ) -> Poll<Packet<'static>> {
        if let Some(farewell) = state.ended {
            return Poll::Ready(last_word(farewell));
        }
        if self.local.desk.worker.drain.has_begun() {
            let (session, local) = (&self.session, &self.local);
            session.end(state, Ending::Stopped, Farewell::Stopped, local);
            return Poll::Ready(Packet::Close);
        }
        state.carry(context);
        if state.carrier == Carrier::Polling {
            return Poll::Pending;
        }
        let settling = self
            .settling
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(SETTLE)));
        settling.as_mut().poll(context).map(|()| Packet::Noop)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.answered {
            return;
        }
        let mut state = self.session.lock();
        state.getting = false;
        lose(&self.session, &mut state, &self.local);
    }
}

/// What a GET is answered that waits while its session ends.
fn last_word(farewell: Farewell) -> Packet<'static> {
    match farewell {
        // The client has closed it: it only lets go of the poll.
        Farewell::Goodbye => Packet::Noop,
        Farewell::Broken | Farewell::Silence | Farewell::Stopped => Packet::Close,
    }
}

/// Answers a POST.
pub async fn post(
    request: &HttpRequest,
    body: web::Payload,
    session: Arc<Session>,
    local: Local,
) -> Result<HttpResponse, Fault> {
    let mut posting = Posting::begin(session, local)?;
    let read = read_body(request, body, posting.max_payload()).await;
    // The body came after the head was counted.
    meter(request).assign(posting.session.class);
    posting.over = true;
    let body = match read {
        Ok(body) => body,
        Err(Refusal::TooLarge { .. }) => return Err(Fault::TooLarge),
        Err(refusal) => {
            posting.over = false;
            return Err(refusal.into());
        }
    };
    posting.take_in(is_bytes(request), &body)?;
    Ok(answer("ok".to_owned()))
}

/// A client of Engine.IO 3 posts binary payloads so; 4 has none.
fn is_bytes(request: &HttpRequest) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| {
        kind.as_bytes()
            .eq_ignore_ascii_case(b"application/octet-stream")
    })
}

/// A POST that is being read. Broken off, it takes the session with it.
struct Posting {
    session: Arc<Session>,
    local: Local,
    over: bool,
}

impl Posting {
    fn begin(session: Arc<Session>, local: Local) -> Result<Posting, Fault> {
        enter(&session, &local, |state| &mut state.posting)?;
        Ok(Posting {
            session,
            local,
            over: false,
        })
    }

    fn max_payload(&self) -> usize {
        self.local.desk.config.socketio.eio_max_payload as usize
    }

    fn take_in(&self, is_bytes: bool, body: &[u8]) -> Result<(), Fault> {
        let limits = Limits {
            packets: MAX_PACKETS,
            bytes: self.max_payload(),
        };
        let packets = read_payload(body, limits);
        let (session, local) = (&self.session, &self.local);
        let mut state = session.lock();
        if state.ended.is_some() {
            return Err(Fault::UnknownSession);
        }
        // The client may have changed over while this was read.
        if state.carrier == Carrier::Websocket {
            return Err(Fault::BadRequest);
        }
        let Ok(packets) = packets else {
            session.broken(&mut state, local);
            return Err(Fault::BadRequest);
        };
        if is_bytes {
            session.broken(&mut state, local);
            return Err(Fault::BadRequest);
        }
        for packet in packets {
            session.receive(&mut state, packet, local);
        }
        match state.ended {
            Some(Farewell::Broken) => return Err(Fault::BadRequest),
            Some(_) => {}
            None => state.wake(),
        }
        Ok(())
    }
}

impl Drop for Posting {
    fn drop(&mut self) {
        let mut state = self.session.lock();
        state.posting = false;
        if !self.over {
            lose(&self.session, &mut state, &self.local);
        }
    }
}
