//! Engine.IO over WebSocket: one packet a message, binary data raw. It carries a session from its beginning,
//! or takes it over from polling: then it is probed first, and until the client says that it goes on here,
//! whatever goes wrong ends the WebSocket alone.
//!
//! As on the plain WebSocket all that goes out comes from one body, so that no task and no channel belongs to
//! a client.

use super::Path;
use super::application::Ending;
use super::one_by_one::OneByOne;
use super::outbox::Parcel;
use super::reading::{CLASS, Reading, Told};
use super::refusal::Fault;
use super::session::{Carrier, Farewell, Local, Session, State};
use crate::frames::{Opcode, frame};
use crate::rate::{Paid, Rate};
use crate::transports::websocket::close;
use crate::transports::websocket::decoder::{Limits, Message, Unfinished};
use crate::transports::websocket::dialogue::{Goodbye, Turn};
use crate::transports::websocket::farewell;
use crate::transports::websocket::handshake;
use crate::transports::websocket::incoming::Incoming;
use crate::usage::Reason;
use crate::wire::engineio::{PROBE, Packet};
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// For a probe that does not come to an end.
const UPGRADE: Duration = Duration::from_secs(10);

/// Why one is closed that came too late.
const SECOND: &str = "the session has a WebSocket";

/// Events sent between two looks at what the client says.
const EVENTS_IN_A_ROW: u8 = 16;

/// Pings and pongs of WebSocket a second; the client needs none.
const CONTROLS: Rate = Rate { per_second: 100 };

/// Those beyond, after which the connection ends.
const MAX_STRIKES: u8 = 100;

/// `known` is the session that it asks to take over.
pub async fn serve(
    path: Path,
    known: Option<Arc<Session>>,
    request: &HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Fault> {
    handshake::check(request)?;
    let (mut response, _) = handshake::accept(request, &[]).await?;
    if known
        .as_deref()
        .is_some_and(|session| !session.lock().claim())
    {
        let frame = close::close(close::POLICY, SECOND);
        return Ok(farewell::only(frame, response, body));
    }
    let (session, part) = match known {
        Some(session) => (session, Part::Probe),
        None => {
            super::take_bad_cookie(request, &mut response);
            let session = super::open(path, Carrier::Websocket, request)?;
            (session, Part::Carrier)
        }
    };
    let local = super::local(request);
    super::meter(request).keep();
    let conversation = Conversation::new(session, local, part, body);
    Ok(response.map_body(|_, _| BoxBody::new(conversation)))
}

/// What this WebSocket is to its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Nothing yet: nobody has said anything on it.
    Probe,
    /// It has been probed, and the client may come over.
    Probed,
    Carrier,
    /// Nothing any more.
    None,
}

struct Conversation {
    session: Arc<Session>,
    local: Local,
    reading: Reading,
    part: Part,
    incoming: Incoming,
    one_by_one: OneByOne,
    /// What is said before all else: the answer to a probe.
    first: Option<Bytes>,
    /// Our close frame has been sent, or there is nobody to read one: nothing follows.
    closed: bool,
    events_in_a_row: u8,
    turn: Turn,
    /// Of the probe, and then of the session.
    timer: Pin<Box<Sleep>>,
    timer_polled: bool,
    strikes: u8,
    controls: Paid,
    /// What is being read, and since which look at the time.
    unfinished: Option<(Unfinished, Instant)>,
    goodbye: Option<Goodbye>,
}

impl Conversation {
    fn new(session: Arc<Session>, local: Local, part: Part, body: web::Payload) -> Conversation {
        let config = &local.desk.config;
        let limits = Limits {
            bytes: config.socketio.eio_max_payload as usize,
            fragments: config.websocket.max_fragments,
        };
        let reading = Reading::new(&local.desk.worker, local.meter.as_ref(), config.bare);
        let one_by_one = OneByOne::new(config);
        let now = Instant::now();
        let end = match part {
            Part::Carrier => session.lock().next_look(now),
            Part::Probe | Part::Probed | Part::None => now + UPGRADE,
        };
        Conversation {
            session,
            local,
            reading,
            part,
            incoming: Incoming::new(body, limits),
            one_by_one,
            first: None,
            closed: false,
            events_in_a_row: 0,
            turn: Turn::default(),
            timer: Box::pin(tokio::time::sleep_until(end)),
            timer_polled: false,
            strikes: 0,
            controls: Paid::none(std::time::Instant::now()),
            unfinished: None,
            goodbye: None,
        }
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
        loop {
            if let Some(first) = self.first.take() {
                return Poll::Ready(Some(first));
            }
            let with_events = self.events_in_a_row < EVENTS_IN_A_ROW;
            if let Poll::Ready(frame) = self.poll_outgoing(context, with_events) {
                return Poll::Ready(frame);
            }
            if self.turn.is_over() || self.holds_back() {
                break;
            }
            let Poll::Ready(message) = self.incoming.poll_next(context) else {
                break;
            };
            self.turn.took();
            let Some(message) = message else {
                return Poll::Ready(None);
            };
            if let Some(frame) = self.take_in(message) {
                return Poll::Ready(Some(frame));
            }
        }
        // The client had its turn, if it wanted one.
        if self.events_in_a_row >= EVENTS_IN_A_ROW {
            self.events_in_a_row = 0;
            // One for whom there is always something more is asked whether it lives all the same.
            if let Poll::Ready(frame) = self.poll_time(context) {
                return Poll::Ready(frame);
            }
            // The rest of what it says comes before further events, behind what others have to say.
            if self.turn.is_over() {
                return Poll::Pending;
            }
            if let Poll::Ready(frame) = self.poll_outgoing(context, true) {
                return Poll::Ready(frame);
            }
        }
        self.poll_time(context)
    }

    /// Whether an answer waits for its turn: until it has gone nothing more is asked.
    fn holds_back(&self) -> bool {
        self.part == Part::Carrier
            && self.one_by_one.is_pausing()
            && !self.session.lock().outbox.is_empty()
    }

    /// What the session has for the client: answers first, so that a room is joined before it is heard.
    fn poll_outgoing(
        &mut self,
        context: &mut Context<'_>,
        with_events: bool,
    ) -> Poll<Option<Bytes>> {
        let session = Arc::clone(&self.session);
        let mut state = session.lock();
        if let Some(farewell) = state.ended {
            // Nothing follows the last word, not past this task either.
            self.reading.sync(&mut state.rooms);
            return Poll::Ready(self.farewell(farewell));
        }
        if self.part != Part::Carrier {
            if self.local.desk.worker.drain.has_begun() {
                return Poll::Ready(Some(self.last(close::GOING_AWAY, "the server stops")));
            }
            state.probe(context);
            return Poll::Pending;
        }
        self.reading.sync(&mut state.rooms);
        if self.one_by_one.poll(context).is_ready()
            && let Some(parcel) = state.outbox.take()
        {
            self.one_by_one.sent();
            return Poll::Ready(Some(framed(&parcel)));
        }
        state.carry(context);
        if !with_events {
            return Poll::Pending;
        }
        let told = ready!(self.reading.poll_next(&mut state.rooms, context));
        self.events_in_a_row = self.events_in_a_row.saturating_add(1);
        Poll::Ready(Some(match told {
            Told::Event(event) => {
                self.local.counters.of(CLASS).deliveries.add(1);
                event.socketio().clone()
            }
            Told::Gap(packet) => frame(Opcode::Text, packet.as_bytes()),
            Told::End => self.goodbye(&mut state),
        }))
    }

    /// The server stops.
    fn goodbye(&mut self, state: &mut State) -> Bytes {
        let session = Arc::clone(&self.session);
        self.part = Part::None;
        session.end(state, Ending::Stopped, Farewell::Stopped, &self.local);
        self.reading.sync(&mut state.rooms);
        self.goodbye = Some(Goodbye::new());
        close::close(
            close::GOING_AWAY,
            "the server stops; come back with your cursors",
        )
    }

    /// The session is over: what this WebSocket says last.
    fn farewell(&mut self, farewell: Farewell) -> Option<Bytes> {
        self.part = Part::None;
        match farewell {
            Farewell::Goodbye => Some(self.last(close::NORMAL, "")),
            Farewell::Broken => Some(self.last(close::PROTOCOL_ERROR, "no packet of Engine.IO")),
            Farewell::Stopped => Some(self.last(close::GOING_AWAY, "the server stops")),
            Farewell::Silence => {
                self.closed = true;
                None
            }
        }
    }

    fn last(&mut self, code: u16, reason: &str) -> Bytes {
        self.closed = true;
        close::close(code, reason)
    }

    /// Gives a frame that answers at once, past the outbox.
    fn take_in(&mut self, message: Result<Message, close::Fault>) -> Option<Bytes> {
        let message = match message {
            Ok(message) => message,
            Err(fault) => {
                self.blame(Reason::BadFrame);
                self.break_off();
                self.closed = true;
                return Some(fault.frame());
            }
        };
        match message {
            Message::Ping(payload) => self.control(Some(frame(Opcode::Pong, &payload))),
            Message::Pong => self.control(None),
            Message::Close(code) => {
                self.closed = true;
                Some(close::echo(code))
            }
            Message::Text(text) => match Packet::from_text(&text) {
                Ok(packet) => self.take_packet(packet),
                Err(_) => self.bad_packet(),
            },
            Message::Binary(data) => self.take_packet(Packet::Binary(data.into())),
        }
    }

    /// They cost as much as a message, and no client of Engine.IO sends them.
    fn control(&mut self, answer: Option<Bytes>) -> Option<Bytes> {
        let now = std::time::Instant::now();
        if CONTROLS.take(&mut self.controls, now).is_ok() {
            return answer;
        }
        self.strikes += 1;
        if self.strikes < MAX_STRIKES {
            return answer;
        }
        self.blame(Reason::Flooding);
        self.break_off();
        Some(self.last(close::POLICY, "pings too fast"))
    }

    fn take_packet(&mut self, packet: Packet<'_>) -> Option<Bytes> {
        let session = Arc::clone(&self.session);
        let mut state = session.lock();
        if state.ended.is_some() {
            return None;
        }
        match (self.part, packet) {
            (Part::Carrier, packet) => {
                self.reading.write_back(&mut state.rooms);
                session.receive(&mut state, packet, &self.local);
                self.reading.sync(&mut state.rooms);
            }
            (Part::Probe, Packet::Ping(PROBE)) if state.carrier == Carrier::Polling => {
                state.begin_upgrade();
                self.part = Part::Probed;
                self.first = Some(frame(Opcode::Text, Packet::Pong(PROBE).text().as_bytes()));
            }
            (Part::Probed, Packet::Upgrade) => {
                self.part = Part::Carrier;
                state.end_upgrade();
                let next = state.next_look(Instant::now());
                self.timer.as_mut().reset(next);
                self.timer_polled = false;
            }
            _ => {
                drop(state);
                return self.bad_packet();
            }
        }
        None
    }

    /// What the session says to it is for the session, if this carries it.
    fn bad_packet(&mut self) -> Option<Bytes> {
        self.blame(Reason::BadPacket);
        self.break_off();
        Some(self.last(close::PROTOCOL_ERROR, "no packet of Engine.IO"))
    }

    /// The client did what none does: the session ends, if this carries it.
    fn break_off(&mut self) {
        let session = Arc::clone(&self.session);
        let mut state = session.lock();
        self.reading.write_back(&mut state.rooms);
        self.let_go(&mut state, Ending::Broken, Farewell::Broken);
    }

    fn blame(&self, reason: Reason) {
        if let Some(meter) = &self.local.meter {
            meter.ends(reason);
        }
    }

    /// The session goes on without this WebSocket, or ends with it.
    fn let_go(&mut self, state: &mut State, ending: Ending, farewell: Farewell) {
        match std::mem::replace(&mut self.part, Part::None) {
            Part::Carrier => self.session.end(state, ending, farewell, &self.local),
            Part::Probe | Part::Probed => state.give_up_upgrade(),
            Part::None => {}
        }
    }

    /// Looks whether it is time for something.
    fn poll_time(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            // A timer that was polled once wakes this task when it ends; until then a look is enough.
            if self.timer_polled && !self.timer.is_elapsed() {
                return Poll::Pending;
            }
            // Without budget a timer does nothing but ask to be polled again.
            self.timer_polled = tokio::task::coop::has_budget_remaining();
            ready!(self.timer.as_mut().poll(context));
            self.timer_polled = false;
            if self.part != Part::Carrier {
                self.blame(Reason::TooSlow);
                return Poll::Ready(Some(self.last(close::POLICY, "an upgrade took too long")));
            }
            let now = Instant::now();
            if let Some(close) = self.check_progress(now) {
                return Poll::Ready(Some(close));
            }
            let session = Arc::clone(&self.session);
            let mut state = session.lock();
            self.reading.write_back(&mut state.rooms);
            session.tick(&mut state, now, &self.local);
            self.timer.as_mut().reset(state.next_look(now));
            drop(state);
            if let Poll::Ready(frame) = self.poll_outgoing(context, true) {
                return Poll::Ready(frame);
            }
        }
    }

    /// A message may take as long as the body of a request.
    fn check_progress(&mut self, now: Instant) -> Option<Bytes> {
        let unfinished = self.incoming.unfinished();
        match (unfinished, self.unfinished) {
            (Some(message), Some((same, since))) if message == same => {
                let patience = self.local.desk.config.limits.body_patience();
                if now.saturating_duration_since(since) < patience {
                    return None;
                }
                self.blame(Reason::TooSlow);
                self.break_off();
                return Some(self.last(close::POLICY, "a message that took too long"));
            }
            (message, _) => self.unfinished = message.map(|message| (message, now)),
        }
        None
    }
}

fn framed(parcel: &Parcel) -> Bytes {
    match parcel {
        Parcel::Text(text) => frame(Opcode::Text, text.as_bytes()),
        Parcel::Binary(data) => frame(Opcode::Binary, data),
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        let session = Arc::clone(&self.session);
        let mut state = session.lock();
        self.reading.write_back(&mut state.rooms);
        self.let_go(&mut state, Ending::Lost, Farewell::Silence);
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
