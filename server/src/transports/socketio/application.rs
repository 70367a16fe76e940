//! What speaks over a session, free of HTTP: it is told what the client says, and answers into the
//! session's outbox. A closed list. Events of rooms it does not send: it says which rooms are joined, and
//! whoever carries the session reads them.

use super::conformance::Conformance;
use super::outbox::Outbox;
use super::party::Party;
use super::rooms::{Left, Rooms};
use crate::desk::Desk;
use crate::identity::User;
use crate::net::admission::Address;
use crate::usage::Reason;
use bytes::Bytes;
use std::sync::Arc;

/// What the client says: one message of Engine.IO.
pub enum Said<'a> {
    Text(&'a str),
    Binary(Bytes),
}

/// What an application works with while it is told something. The desk is that of the worker that the
/// request came to, and may be another the next time: nothing of it can be kept.
pub struct Stage<'a> {
    pub desk: &'a Desk,
    /// Of the session that is told.
    pub sid: &'a str,
    /// Answers and acknowledgements, in their order; events go out after what stands here.
    pub outbox: &'a mut Outbox,
    /// The rooms that the session is in.
    pub rooms: &'a mut Rooms,
}

/// Who shook hands, as far as the request tells.
pub struct Visitor {
    pub credential: Credential,
    /// What the client counts as where an address has its share.
    pub address: Option<Address>,
    /// Over a lane of the lab: it leads to rooms that are there, and nobody has a name.
    pub on_lane: bool,
}

pub enum Credential {
    None,
    User(Arc<User>),
    /// One that is none of ours, or is over.
    Bad,
}

/// The client did what no client does, and this is what it is blamed for: its session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken(pub Reason);

/// How a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The connection is gone, or answers no more: the client may come back for what it missed.
    Lost,
    /// The client has said that it goes.
    Left,
    /// It broke the protocol or a bound.
    Broken,
    /// The server stops.
    Stopped,
}

pub enum Application {
    /// Every message comes back as it came: for outside test suites of Engine.IO.
    Echo,
    /// The rooms of this server.
    Party(Box<Party>),
    /// What outside test suites of Socket.IO expect.
    Conformance(Box<Conformance>),
}

impl Application {
    /// The one for a visitor of `/socket.io/`.
    pub fn open(visitor: Visitor, desk: &Desk) -> Application {
        let max_payload = desk.config.socketio.eio_max_payload as usize;
        match desk.config.websocket.conformance {
            true => Application::Conformance(Box::new(Conformance::new(max_payload))),
            false => Application::Party(Box::new(Party::new(visitor, max_payload))),
        }
    }

    /// Takes one message of the client.
    pub fn take(&mut self, said: Said<'_>, stage: &mut Stage<'_>) -> Result<(), Broken> {
        match self {
            Application::Echo => {
                match said {
                    Said::Text(text) => stage.outbox.message(text),
                    Said::Binary(data) => stage.outbox.binary(data),
                }
                Ok(())
            }
            Application::Party(party) => party.take(said, stage),
            Application::Conformance(conformance) => conformance.take(said, stage),
        }
    }

    /// Whether the client has introduced itself; one that does not in time is closed.
    pub fn is_connected(&self) -> bool {
        match self {
            Application::Echo => true,
            Application::Party(party) => party.is_connected(),
            Application::Conformance(conformance) => conformance.is_connected(),
        }
    }

    /// Whether its client is this user, or nobody where this is nobody.
    pub fn is_of(&self, user: Option<&User>, on_lane: bool) -> bool {
        match self {
            Application::Party(party) => party.is_of(user, on_lane),
            Application::Echo | Application::Conformance(_) => false,
        }
    }

    /// The session has ended, and this is what it was in the midst of. Told once.
    pub fn end(&mut self, ending: Ending, left: Left, desk: &Desk) {
        match self {
            Application::Party(party) => party.end(ending, left, desk),
            Application::Echo | Application::Conformance(_) => {}
        }
    }
}
