//! One Engine.IO session: what there is of a client between its requests and on whichever worker they come.
//! It is carried by polls, by polls while a WebSocket is probed, or by a WebSocket; who carries it takes from
//! the outbox and reads on in the rooms. No lock of it is held across an await, and none is taken by one who
//! holds a lock of a room or of the list of sessions; who holds one of another session has no client yet.
//!
//! Absent on purpose: HTTP, frames, and events.

use super::application::{Application, Broken, Ending, Said, Stage};
use super::heartbeat::{Due, Heartbeat, Tempo};
use super::outbox::Outbox;
use super::rooms::Rooms;
use crate::desk::Desk;
use crate::identity::User;
use crate::net::admission::Address;
use crate::net::metered::Meter;
use crate::usage::{Class, Reason, WorkerCounters};
use crate::wire::engineio::{Open, Packet};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::time::Instant;

pub struct Session {
    pub sid: Box<str>,
    /// Whose its bytes are.
    pub class: Class,
    address: Option<Address>,
    state: Mutex<State>,
}

pub struct State {
    pub carrier: Carrier,
    pub outbox: Outbox,
    pub rooms: Rooms,
    application: Application,
    heartbeat: Heartbeat,
    /// Until when the application must have heard who the client is.
    connect_by: Option<Instant>,
    /// A WebSocket is there for it: one that comes after is closed, and this one goes on.
    claimed: bool,
    pub getting: bool,
    pub posting: bool,
    /// It is over, and this is what its carrier says last.
    pub ended: Option<Farewell>,
    /// The task that carries it, and the one of the WebSocket that is being probed.
    carrying: Option<Waker>,
    probing: Option<Waker>,
    /// The task that looks at the time while it is polled.
    watching: Option<Waker>,
}

/// Who brings packets both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    Polling,
    /// A WebSocket has probed; polls are answered at once, so that the client can let go of them.
    Upgrading,
    Websocket,
}

/// The last word of a carrier to its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Farewell {
    /// The client has said that it goes.
    Goodbye,
    /// It did what no client does.
    Broken,
    /// It did not answer, or is gone.
    Silence,
    /// The server stops.
    Stopped,
}

/// What of the worker at hand a session is worked with.
pub struct Local {
    pub desk: Rc<Desk>,
    pub counters: Arc<WorkerCounters>,
    /// Of the connection, where there is one.
    pub meter: Option<Rc<Meter>>,
}

impl Local {
    /// Counts why the server ends a session: with its WebSocket, which counts once.
    fn blame(&self, reason: Reason) {
        match &self.meter {
            Some(meter) if meter.is_kept() => meter.ends(reason),
            // The connection of a poll goes on, and may bear other sessions.
            Some(_) | None => self.counters.ended(reason).add(1),
        }
    }
}

/// How a session begins.
pub struct Beginning {
    pub class: Class,
    pub address: Option<Address>,
    pub carrier: Carrier,
    pub application: Application,
    pub tempo: Tempo,
    pub max_payload: usize,
    pub connect_within: Duration,
}

impl Session {
    /// With the packet that opens it in its outbox.
    pub fn begin(sid: Box<str>, beginning: Beginning) -> Session {
        let now = Instant::now();
        let Beginning { tempo, .. } = beginning;
        let mut outbox = Outbox::new(beginning.max_payload);
        let open = Open {
            sid: (&*sid).into(),
            upgrades: match beginning.carrier {
                Carrier::Polling => vec!["websocket".into()],
                Carrier::Upgrading | Carrier::Websocket => Vec::new(),
            },
            ping_interval: milliseconds(tempo.interval),
            ping_timeout: milliseconds(tempo.timeout),
            max_payload: Some(beginning.max_payload as u64),
        };
        outbox.packet(&Packet::Open(&open.json()));
        Session {
            sid,
            class: beginning.class,
            address: beginning.address,
            state: Mutex::new(State {
                carrier: beginning.carrier,
                outbox,
                rooms: Rooms::default(),
                application: beginning.application,
                heartbeat: Heartbeat::new(tempo, now),
                connect_by: Some(now + beginning.connect_within),
                claimed: false,
                getting: false,
                posting: false,
                ended: None,
                carrying: None,
                probing: None,
                watching: None,
            }),
        }
    }

    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the time: pings, or ends a session that should have answered.
    pub fn tick(&self, state: &mut State, now: Instant, local: &Local) {
        if state.ended.is_some() {
            return;
        }
        if state.connect_by.is_some_and(|by| by <= now) {
            state.connect_by = None;
            if !state.application.is_connected() {
                local.blame(Reason::TooSlow);
                return self.end(state, Ending::Broken, Farewell::Broken, local);
            }
        }
        match state
            .heartbeat
            .look(now, state.carrier == Carrier::Upgrading)
        {
            Due::Nothing => {}
            Due::Ping => {
                state.outbox.packet(&Packet::Ping(""));
                state.wake();
            }
            Due::Dead => {
                local.blame(Reason::NoPong);
                self.end(state, Ending::Lost, Farewell::Silence, local);
            }
        }
    }

    /// Takes one packet of the client in.
    pub fn receive(&self, state: &mut State, packet: Packet<'_>, local: &Local) {
        if state.ended.is_some() {
            return;
        }
        let said = match packet {
            Packet::Message(text) => Said::Text(text),
            Packet::Binary(data) => Said::Binary(data.into_owned().into()),
            Packet::Pong(_) => return state.heartbeat.answered(Instant::now()),
            Packet::Close => {
                if state.carrier == Carrier::Polling && !state.getting {
                    local.desk.sessions.expect_last_poll(&self.sid);
                }
                return self.end(state, Ending::Left, Farewell::Goodbye, local);
            }
            // A client asks for nothing, but while it probes.
            Packet::Open(_) | Packet::Ping(_) | Packet::Upgrade | Packet::Noop => {
                return self.broken(state, local);
            }
        };
        let mut stage = Stage {
            desk: &local.desk,
            sid: &self.sid,
            outbox: &mut state.outbox,
            rooms: &mut state.rooms,
        };
        if let Err(Broken(reason)) = state.application.take(said, &mut stage) {
            local.blame(reason);
            return self.end(state, Ending::Broken, Farewell::Broken, local);
        }
        if state.outbox.has_overflown() {
            local.blame(Reason::Backlog);
            self.end(state, Ending::Broken, Farewell::Broken, local);
        }
    }

    /// The client broke the protocol.
    pub fn broken(&self, state: &mut State, local: &Local) {
        if state.ended.is_none() {
            local.blame(Reason::BadPacket);
        }
        self.end(state, Ending::Broken, Farewell::Broken, local);
    }

    /// The first end is the one.
    pub fn end(&self, state: &mut State, ending: Ending, farewell: Farewell, local: &Local) {
        self.end_at(state, ending, farewell, &local.desk);
    }

    /// Its client has come again, if it is this one: then the connection of this session is lost, though
    /// nothing has told so. Only a session that has no client may ask for it, which is why nobody can wait for
    /// that one in turn.
    pub fn succeed(&self, user: Option<&User>, on_lane: bool, desk: &Desk) {
        let mut state = self.lock();
        if state.application.is_of(user, on_lane) {
            self.end_at(&mut state, Ending::Lost, Farewell::Silence, desk);
        }
    }

    fn end_at(&self, state: &mut State, ending: Ending, farewell: Farewell, desk: &Desk) {
        if state.ended.is_some() {
            return;
        }
        state.close(farewell);
        let left = state.rooms.take();
        state.application.end(ending, left, desk);
        desk.sessions.remove(&self.sid, self.address);
    }
}

impl State {
    /// From now on this task is woken when there is something to carry.
    pub fn carry(&mut self, context: &Context<'_>) {
        remember(&mut self.carrying, context);
    }

    /// The same for the task of a WebSocket that probes.
    pub fn probe(&mut self, context: &Context<'_>) {
        remember(&mut self.probing, context);
    }

    /// It is over: whoever has to do with it says this, and goes.
    fn close(&mut self, farewell: Farewell) {
        self.ended = Some(farewell);
        self.outbox.clear();
        self.wake();
        self.let_watch_go();
    }

    fn let_watch_go(&mut self) {
        self.watching.take().into_iter().for_each(Waker::wake);
    }

    /// Whether somebody has to look at the time who does not carry it.
    fn is_watched(&self) -> bool {
        self.ended.is_none() && self.carrier != Carrier::Websocket
    }

    /// Wakes whoever has to do with it.
    pub fn wake(&mut self) {
        let both = [self.carrying.take(), self.probing.take()];
        both.into_iter().flatten().for_each(Waker::wake);
    }

    /// Whether this WebSocket is the one that may take the session over.
    pub fn claim(&mut self) -> bool {
        self.carrier == Carrier::Polling && !std::mem::replace(&mut self.claimed, true)
    }

    /// A WebSocket has asked whether it may carry the session.
    pub fn begin_upgrade(&mut self) {
        self.carrier = Carrier::Upgrading;
        self.wake();
    }

    /// It did not come to that; polls go on.
    pub fn give_up_upgrade(&mut self) {
        self.claimed = false;
        if self.carrier == Carrier::Upgrading {
            self.carrier = Carrier::Polling;
            self.heartbeat.resume(Instant::now());
        }
        self.probing = None;
    }

    /// The WebSocket carries it from now on, and has shown that its client is there.
    pub fn end_upgrade(&mut self) {
        self.carrier = Carrier::Websocket;
        self.heartbeat.answered(Instant::now());
        self.wake();
        self.let_watch_go();
    }

    /// When somebody must look at the time again.
    pub fn next_look(&self, now: Instant) -> Instant {
        let paused = self.carrier == Carrier::Upgrading;
        let next = self.heartbeat.next_look(now, paused);
        self.connect_by.map_or(next, |by| next.min(by))
    }
}

fn remember(waker: &mut Option<Waker>, context: &Context<'_>) {
    match waker {
        Some(waker) => waker.clone_from(context.waker()),
        None => *waker = Some(context.waker().clone()),
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// Looks at the time for a session that no connection looks after: one that is polled. It ends with the
/// session, or when a WebSocket carries that.
pub async fn watch(session: Weak<Session>, local: Local) {
    loop {
        let next = {
            let Some(session) = session.upgrade() else {
                return;
            };
            let mut state = session.lock();
            let now = Instant::now();
            session.tick(&mut state, now, &local);
            if !state.is_watched() {
                return;
            }
            state.next_look(now)
        };
        sleep(&session, next).await;
    }
}

/// Until that time, or until the session needs no watch any more: whoever opens and ends one after the other
/// leaves nothing behind.
async fn sleep(session: &Weak<Session>, until: Instant) {
    let mut timer = pin!(tokio::time::sleep_until(until));
    poll_fn(|context| {
        let Some(session) = session.upgrade() else {
            return Poll::Ready(());
        };
        let mut state = session.lock();
        if !state.is_watched() {
            return Poll::Ready(());
        }
        remember(&mut state.watching, context);
        drop(state);
        timer.as_mut().poll(context)
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polled() -> Arc<Session> {
        let hour = Duration::from_secs(3_600);
        let beginning = Beginning {
            class: Class::Control,
            address: None,
            carrier: Carrier::Polling,
            application: Application::Echo,
            tempo: Tempo {
                interval: hour,
                timeout: hour,
            },
            max_payload: 64,
            connect_within: hour,
        };
        Arc::new(Session::begin("sid".into(), beginning))
    }

    #[actix_web::test]
    async fn the_watch_of_one_that_needs_none_is_over_at_once() {
        let ways: [fn(&mut State); 2] = [
            |state| state.close(Farewell::Goodbye),
            |state| state.end_upgrade(),
        ];
        for end in ways {
            let session = polled();
            let weak = Arc::downgrade(&session);
            let until = Instant::now() + Duration::from_secs(3_600);
            let watch = actix_web::rt::spawn(async move { sleep(&weak, until).await });
            while session.lock().watching.is_none() {
                tokio::task::yield_now().await;
            }
            assert_eq!(Arc::strong_count(&session), 1);
            end(&mut session.lock());
            let over = tokio::time::timeout(Duration::from_secs(10), watch);
            over.await.expect("it sleeps on").unwrap();
        }
    }
}
