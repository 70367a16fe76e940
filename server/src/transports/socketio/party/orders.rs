//! What a guest may ask for: `join`, `leave` and `publish`, each with one object. The bounds are those of
//! the same things over HTTP and on a plain WebSocket.

use super::super::application::Stage;
use super::super::recovery::Place;
use super::Party;
use crate::frames;
use crate::hub::Room;
use crate::identity::User;
use crate::presence::{Hold, Membership};
use crate::problems::Refusal;
use crate::publish;
use crate::transports::{check_room_name, room_of_name, start_at};
use crate::value::Plain;
use crate::wire::cursor::Start;
use crate::wire::event::Published;
use crate::wire::socketio::attachments;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::Instant;

/// Rooms that one connection may be in.
pub const MAX_ROOMS: usize = 128;

/// What was done.
pub struct Done {
    /// What it is acknowledged with.
    pub answer: Value,
    /// A packet that follows.
    pub then: Option<String>,
}

#[derive(Deserialize)]
struct Join<'a> {
    #[serde(borrow)]
    room: Cow<'a, str>,
    #[serde(default)]
    cursor: Option<String>,
}

#[derive(Deserialize)]
struct Leave<'a> {
    #[serde(borrow)]
    room: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Publish<'a> {
    #[serde(borrow)]
    room: Cow<'a, str>,
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    data: &'a RawValue,
    #[serde(default = "yes")]
    echo: bool,
    #[serde(default)]
    key: Option<String>,
}

fn yes() -> bool {
    true
}

/// Reads the object that an event bears; `example` says what it looks like.
fn order<'a, T: Deserialize<'a>>(
    argument: Option<&'a RawValue>,
    example: &str,
) -> Result<T, Refusal> {
    let argument = argument.map_or("null", RawValue::get);
    serde_json::from_str(argument)
        .map_err(|error| Refusal::BadRequest(format!("emit {example}: {error}")))
}

/// The error, with the room that it is about, if that can be told.
pub fn told(mut said: Value, argument: Option<&RawValue>) -> String {
    if let Ok(Leave { room }) = order(argument, "") {
        said["room"] = room.into();
    }
    said.to_string()
}

impl Party {
    pub(super) fn join(
        &mut self,
        argument: Option<&RawValue>,
        stage: &mut Stage<'_>,
    ) -> Result<Done, Refusal> {
        let join: Join<'_> = order(argument, r#""join", {"room":…,"cursor":…}"#)?;
        check_room_name(&join.room)?;
        // Before the room: what is refused makes none.
        let start = match &join.cursor {
            None => Start::Now,
            Some(cursor) => start_at(cursor, stage.desk.config.bare)?,
        };
        let is_in = stage.rooms.get(&join.room).is_some();
        if !is_in && stage.rooms.len() >= MAX_ROOMS {
            return Err(Refusal::TooManyRooms { limit: MAX_ROOMS });
        }
        let room = self.room(&join.room, stage)?;
        let user = self.guest.as_ref().and_then(|guest| guest.user.clone());
        let user = user.as_ref();
        if let Some(user) = user {
            self.admit(&room, user, stage)?;
        }
        if let Some(answer) = already(&room, &join, start, stage) {
            return Ok(Done { answer, then: None });
        }
        let ((offset, missed), cursor) = {
            let history = room.history();
            let begin = history.begin(start);
            (begin, history.cursor(begin.0))
        };
        let place = Place::after(Arc::clone(&room), offset);
        let is_member = self.enter(place, user, stage);
        if let Some(guest) = &mut self.guest {
            guest.begun.joins(cursor, is_member);
        }
        let cursor = cursor.to_string();
        let then = is_member.then(|| {
            let list = frames::list(&room.members().list());
            frames::socketio::packet(&list, Some((&join.room, &cursor)))
        });
        Ok(Done {
            answer: json!({ "cursor": cursor, "missed": missed }),
            then,
        })
    }

    /// Counts a joining, of which everybody in the room is told as of a publish.
    pub(super) fn admit(&self, room: &Room, user: &User, stage: &Stage<'_>) -> Result<(), Refusal> {
        let (desk, address) = (stage.desk, self.visitor.address);
        match desk.hub.would_join(room, user, address) {
            true => desk.pace.admit(address, Instant::now()),
            false => Ok(()),
        }
    }

    /// Reads the room from that place on, as a member if he has a name. Tells whether he is one.
    pub(super) fn enter(
        &self,
        place: Place,
        user: Option<&Arc<User>>,
        stage: &mut Stage<'_>,
    ) -> bool {
        let membership = user.and_then(|user| {
            let (hub, user) = (&stage.desk.hub, Arc::clone(user));
            let address = self.visitor.address;
            Membership::begin(hub, &place.room, user, address, Hold::Stream).ok()
        });
        let is_member = membership.is_some();
        stage.rooms.join(place, membership.map(Box::new));
        is_member
    }

    fn room(&self, name: &str, stage: &Stage<'_>) -> Result<Arc<Room>, Refusal> {
        let (address, on_lane) = (self.visitor.address, self.visitor.on_lane);
        room_of_name(name, stage.desk, address, on_lane)
    }

    pub(super) fn leave(
        &self,
        argument: Option<&RawValue>,
        stage: &mut Stage<'_>,
    ) -> Result<Done, Refusal> {
        let leave: Leave<'_> = order(argument, r#""leave", {"room":…}"#)?;
        stage.rooms.leave(&leave.room);
        Ok(Done {
            answer: json!({}),
            then: None,
        })
    }

    /// One that is nothing to publish counts as well, for it cost as much.
    pub(super) fn publish(
        &self,
        argument: Option<&RawValue>,
        attachments: &[Bytes],
        stage: &mut Stage<'_>,
    ) -> Result<Done, Refusal> {
        let user = self.guest.as_ref().and_then(|guest| guest.user.as_ref());
        let desk = stage.desk;
        let address = self.visitor.address;
        desk.pace
            .take(user.map(|user| &**user), address, Instant::now())?;
        let limit = desk.config.max_event_bytes;
        let bytes: usize = attachments.iter().map(Bytes::len).sum();
        if argument.map_or(0, |argument| argument.get().len()) + bytes > limit {
            return Err(Refusal::TooLarge { limit });
        }
        let publish: Publish<'_> = order(argument, r#""publish", {"room":…,"type":…,"data":…}"#)?;
        check_room_name(&publish.room)?;
        let draft = publish.draft(attachments)?;
        // As base64, or with its escapes, it may be longer than it came.
        if draft.data_json.len() > limit {
            return Err(Refusal::TooLarge { limit });
        }
        let draft = draft.by(user.cloned());
        let room = self.room(&publish.room, stage)?;
        let cursor = desk.hub.publish(&room, &draft, draft.key().as_deref())?;
        if !publish.echo {
            stage.rooms.spare(&room, cursor.offset);
        }
        let published = Published {
            cursor: cursor.to_string(),
            offset: cursor.offset,
        };
        Ok(Done {
            answer: json!(published),
            then: None,
        })
    }
}

/// What is answered where the client is in the room and on its way from that place: nothing changes, so that
/// one who joins again because he heard of no answer is told nothing twice.
fn already(room: &Arc<Room>, join: &Join<'_>, start: Start, stage: &Stage<'_>) -> Option<Value> {
    let joined = stage.rooms.get(&join.room)?;
    let history = room.history();
    let (offset, missed) = match start {
        Start::Now => (joined.offset, Some(0)),
        Start::Oldest | Start::After(_) | Start::AfterOffset(_) => history.begin(start),
    };
    let on_its_way = Arc::ptr_eq(&joined.room, room)
        && missed == Some(0)
        && (joined.since..=joined.offset).contains(&offset);
    let cursor = || history.cursor(offset).to_string();
    on_its_way.then(|| json!({ "cursor": cursor(), "missed": 0 }))
}

impl Publish<'_> {
    fn draft(&self, attachments: &[Bytes]) -> Result<frames::Draft, Refusal> {
        if attachments.is_empty() {
            return publish::from_parts(&self.kind, self.data, self.key.as_deref());
        }
        let bad = |why: String| Refusal::BadRequest(format!("the data cannot be carried: {why}"));
        let Plain(mut data) =
            serde_json::from_str(self.data.get()).map_err(|error| bad(error.to_string()))?;
        attachments::put_in(&mut data, attachments).map_err(|fault| bad(fault.to_string()))?;
        publish::from_value(&self.kind, &data, self.key.as_deref())
    }
}
