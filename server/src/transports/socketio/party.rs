//! The rooms spoken in Socket.IO: a client says who it is (CONNECT), then emits `join`, `leave` and
//! `publish` and is acknowledged. What is refused is told as on a plain WebSocket, and the connection lives;
//! one who breaks the protocol, or goes on and on too fast, loses it.
//!
//! Absent on purpose: HTTP, and the events of rooms, which whoever carries the session reads from the
//! histories. There is one namespace, `/`.

pub mod orders;

use super::application::{Broken, Credential, Ending, Said, Stage, Visitor};
use super::outbox::Outbox;
use super::recovery::{Begun, Kept, Recovered};
use super::rooms::Left;
use super::sessions::random_id;
use crate::desk::Desk;
use crate::identity::{Purpose, User};
use crate::problems::Refusal;
use crate::rate::{Paid, Rate};
use crate::usage::Reason;
use crate::wire::socketio::{Body, MAIN, Packet, Reassembly};
use orders::Done;
use serde::Deserialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// What a client asks for beside publishing, a second; those beyond are refused, and are strikes.
pub const ORDERS: Rate = Rate { per_second: 200 };

/// Bytes of a namespace that is told to be none; nobody calls one by a longer name.
const MAX_NAMESPACE: usize = 1_024;

/// Strikes, over what went well since, after which the session ends.
const MAX_STRIKES: u8 = 100;

pub struct Party {
    visitor: Visitor,
    reassembly: Reassembly,
    guest: Option<Guest>,
    /// It has been a guest, be it one no more.
    was_connected: bool,
    strikes: u8,
    orders: Paid,
}

/// One who has been let in.
struct Guest {
    user: Option<Arc<User>>,
    sid: Box<str>,
    /// By what it finds its rooms again after a cut; absent where nothing is kept.
    pid: Option<Box<str>>,
    /// The last cursor that it had read when it came.
    begun: Begun,
}

/// What a CONNECT bears; keys of other servers' applications are not looked at.
#[derive(Default, Deserialize)]
struct Auth {
    #[serde(default)]
    token: Value,
    #[serde(default)]
    pid: Value,
    #[serde(default)]
    offset: Value,
}

impl Party {
    pub fn new(visitor: Visitor, max_payload: usize) -> Party {
        Party {
            visitor,
            reassembly: Reassembly::new(max_payload),
            guest: None,
            was_connected: false,
            strikes: 0,
            orders: Paid::none(Instant::now()),
        }
    }

    pub fn take(&mut self, said: Said<'_>, stage: &mut Stage<'_>) -> Result<(), Broken> {
        match said {
            Said::Text(text) => match self.reassembly.text(text) {
                Ok(None) => Ok(()),
                Ok(Some(packet)) => self.packet(&packet, stage),
                Err(_) => Err(Broken(Reason::BadPacket)),
            },
            Said::Binary(data) => match self.reassembly.binary(data) {
                Ok(None) => Ok(()),
                Ok(Some(whole)) => self.packet(&whole.packet(), stage),
                Err(_) => Err(Broken(Reason::BadPacket)),
            },
        }
    }

    fn packet(&mut self, packet: &Packet<'_>, stage: &mut Stage<'_>) -> Result<(), Broken> {
        if packet.namespace != MAIN {
            return match packet.body {
                Body::Connect(_) => self.refuse_namespace(packet.namespace, stage.outbox),
                // Nobody is in it.
                _ => Err(Broken(Reason::BadPacket)),
            };
        }
        match (&packet.body, &self.guest) {
            (Body::Connect(auth), None) => self.connect(*auth, stage),
            (Body::Disconnect, Some(_)) => {
                if let Some(pid) = self.guest.take().and_then(|guest| guest.pid) {
                    stage.desk.sessions.lay_down(&pid);
                }
                drop(stage.rooms.take());
                Ok(())
            }
            (Body::Event { id, arguments }, Some(_)) => {
                self.event(*id, arguments, packet.attachments, stage)
            }
            // The server asks for none, and minds none.
            (Body::Ack { .. }, Some(_)) => Ok(()),
            _ => Err(Broken(Reason::BadPacket)),
        }
    }

    fn refuse_namespace(&mut self, namespace: &str, outbox: &mut Outbox) -> Result<(), Broken> {
        if namespace.len() > MAX_NAMESPACE {
            return Err(Broken(Reason::BadPacket));
        }
        self.ordered().or_else(|_| self.strike())?;
        refuse(
            outbox,
            namespace,
            &json!({ "message": "Invalid namespace" }),
        );
        Ok(())
    }

    /// Counts one order against how many there may be.
    fn ordered(&mut self) -> Result<(), Refusal> {
        let limit = ORDERS.per_second;
        ORDERS
            .take(&mut self.orders, Instant::now())
            .map_err(|wait| Refusal::TooOften { limit, wait })
    }

    fn strike(&mut self) -> Result<(), Broken> {
        self.strikes += 1;
        match self.strikes < MAX_STRIKES {
            true => Ok(()),
            false => Err(Broken(Reason::Flooding)),
        }
    }

    fn connect(&mut self, auth: Option<&RawValue>, stage: &mut Stage<'_>) -> Result<(), Broken> {
        if self.ordered().is_err() {
            self.strike()?;
        }
        let auth: Auth = match auth.map(|auth| serde_json::from_str(auth.get())) {
            None => Auth::default(),
            Some(Ok(auth)) => auth,
            Some(Err(_)) => return Err(Broken(Reason::BadPacket)),
        };
        let user = match self.user(&auth, stage.desk) {
            Ok(user) => user,
            Err(refusal) => {
                let said = json!({ "message": "Invalid user", "data": refusal.message() });
                refuse(stage.outbox, MAIN, &said);
                return Ok(());
            }
        };
        let guest = self.let_in(user, &auth, stage);
        if let Some(pid) = &guest.pid {
            stage.desk.sessions.bear(pid, stage.sid);
        }
        let mut answer = json!({ "sid": guest.sid });
        if let Some(pid) = &guest.pid {
            answer["pid"] = (**pid).into();
        }
        let answer = to_raw_value(&answer).expect("strings have a JSON form");
        stage.outbox.socketio(&Packet {
            namespace: MAIN,
            body: Body::Connect(Some(&answer)),
            attachments: &[],
        });
        self.guest = Some(guest);
        self.was_connected = true;
        Ok(())
    }

    /// Who it is: by the token of this packet, or else by what the handshake bore.
    fn user(&self, auth: &Auth, desk: &Desk) -> Result<Option<Arc<User>>, Refusal> {
        if self.visitor.on_lane {
            return Ok(None);
        }
        let user = match (&auth.token, &self.visitor.credential) {
            (Value::String(token), _) => {
                let keys = &desk.identity.keys;
                let user = keys.verify(Purpose::Token, token, SystemTime::now());
                Some(user.map(Arc::new).map_err(|_| Refusal::BadSession)?)
            }
            (Value::Null, Credential::None) => None,
            (Value::Null, Credential::User(user)) => Some(Arc::clone(user)),
            (Value::Null, Credential::Bad) | (_, _) => return Err(Refusal::BadSession),
        };
        match user.is_some() || desk.identity.anonymous {
            // On a bare server events have no place for a name.
            true => Ok(user.filter(|_| !desk.config.bare)),
            false => Err(Refusal::NoSession),
        }
    }

    /// A new guest, or one of before who has been away for a moment.
    fn let_in(&self, user: Option<Arc<User>>, auth: &Auth, stage: &mut Stage<'_>) -> Guest {
        let keeps = stage.desk.recovery.is_on() && !stage.desk.config.bare;
        let begun = Begun::of(auth.offset.as_str());
        if keeps
            && let Value::String(pid) = &auth.pid
            && let Some(recovered) = self.recover(user.as_deref(), pid, auth, stage.desk)
        {
            let Recovered { sid, rooms } = recovered;
            for place in rooms {
                // Beyond the pace he reads without being a member.
                let user = user.as_ref();
                let named = user.filter(|user| self.admit(&place.room, user, stage).is_ok());
                self.enter(place, named, stage);
            }
            let pid = Some(pid.as_str().into());
            return Guest {
                user,
                sid,
                pid,
                begun,
            };
        }
        Guest {
            user,
            sid: random_id().into(),
            pid: keeps.then(|| random_id().into()),
            begun,
        }
    }

    /// What this pid stands for, if it is this user's: nobody else ends that session, or uses it up.
    fn recover(
        &self,
        user: Option<&User>,
        pid: &str,
        auth: &Auth,
        desk: &Desk,
    ) -> Option<Recovered> {
        let on_lane = self.visitor.on_lane;
        if let Some(before) = desk.sessions.bearer(pid) {
            before.succeed(user, on_lane, desk);
        }
        let is_own = |kept: &Kept| kept.is_of(user, on_lane);
        let kept = desk.recovery.take(pid, Instant::now(), is_own)?;
        kept.recovered(auth.offset.as_str(), &desk.hub)
    }

    /// Whether its client is this user, or nobody where this is nobody.
    pub fn is_of(&self, user: Option<&User>, on_lane: bool) -> bool {
        self.guest.as_ref().is_some_and(|guest| {
            let own = guest.user.as_ref().map(|user| &user.id);
            own == user.map(|user| &user.id) && self.visitor.on_lane == on_lane
        })
    }

    fn event(
        &mut self,
        id: Option<u64>,
        arguments: &[&RawValue],
        attachments: &[bytes::Bytes],
        stage: &mut Stage<'_>,
    ) -> Result<(), Broken> {
        let Some((name, arguments)) = arguments.split_first() else {
            return Err(Broken(Reason::BadPacket));
        };
        let name: Option<String> = serde_json::from_str(name.get()).ok();
        let first = arguments.first().copied();
        let done = match name.as_deref() {
            Some("join") => self.ordered().and_then(|()| self.join(first, stage)),
            Some("leave") => self.ordered().and_then(|()| self.leave(first, stage)),
            Some("publish") => self.publish(first, attachments, stage),
            _ => self.ordered().and(Err(Refusal::BadRequest(
                "a client emits join, leave and publish; other events have no meaning here"
                    .to_owned(),
            ))),
        };
        match &done {
            Err(Refusal::TooOften { .. }) => self.strike()?,
            _ => self.strikes = self.strikes.saturating_sub(1),
        }
        answer(id, done, first, stage.outbox);
        Ok(())
    }

    pub fn is_connected(&self) -> bool {
        self.was_connected
    }

    /// Keeps the rooms of one who was cut, so that it finds them again.
    pub fn end(&mut self, ending: Ending, left: Left, desk: &Desk) {
        let Some(guest) = self.guest.take() else {
            return;
        };
        let Some(pid) = guest.pid else {
            return;
        };
        desk.sessions.lay_down(&pid);
        // A polling client whose GET was cut closes what it cannot read on: that is no leaving. Who leaves
        // has said DISCONNECT before.
        if matches!(ending, Ending::Lost | Ending::Left) {
            let on_lane = self.visitor.on_lane;
            let kept = Kept::new(guest.sid, guest.user, on_lane, guest.begun, &left);
            let address = self.visitor.address;
            desk.recovery.keep(pid, kept, address, Instant::now());
        }
    }
}

fn refuse(outbox: &mut Outbox, namespace: &str, said: &Value) {
    let said = to_raw_value(said).expect("a JSON value has a JSON form");
    outbox.socketio(&Packet {
        namespace,
        body: Body::ConnectError(&said),
        attachments: &[],
    });
}

/// Acknowledges an event, or, where no acknowledgement was asked for, tells what is wrong with it. An
/// error bears no cursor: a client would take that for a place that it has read to.
fn answer(
    id: Option<u64>,
    done: Result<Done, Refusal>,
    argument: Option<&RawValue>,
    outbox: &mut Outbox,
) {
    let (said, then) = match done {
        Ok(done) => (done.answer, done.then),
        Err(refusal) => (refusal.message(), None),
    };
    match id {
        Some(id) => {
            let said = to_raw_value(&said).expect("a JSON value has a JSON form");
            outbox.socketio(&Packet {
                namespace: MAIN,
                body: Body::Ack {
                    id,
                    arguments: vec![&said],
                },
                attachments: &[],
            });
        }
        None if said["type"] == "error" => {
            outbox.packet_text(crate::frames::socketio::packet(
                &orders::told(said, argument),
                None,
            ));
        }
        None => {}
    }
    if let Some(packet) = then {
        outbox.packet_text(packet);
    }
}
