//! The offset with which a client comes: a cursor that it has read before it was in any room of this session.
//! Cut before it has read another, it gives the same once more.
//!
//! Absent on purpose: what is no cursor. It comes from the client, and would be kept as long as it is.

use crate::wire::cursor::{Cursor, Epoch};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It had read nothing.
    Nothing,
    /// It had read to here.
    At(Cursor),
    /// The same, and a room was joined in which this very cursor may come again.
    Again(Cursor),
    /// It came with what no server gives out.
    Unknown,
}

impl Begun {
    pub fn of(offset: Option<&str>) -> Begun {
        match offset.map(str::parse) {
            None => Begun::Nothing,
            Some(Ok(cursor)) => Begun::At(cursor),
            Some(Err(_)) => Begun::Unknown,
        }
    }

    /// A room is joined at that place; a member is told the list there, with the place itself.
    pub fn joins(&mut self, place: Cursor, is_member: bool) {
        if let Begun::At(begun) = *self
            && begun.epoch == place.epoch
            && (place.offset < begun.offset || is_member && place.offset == begun.offset)
        {
            *self = Begun::Again(begun);
        }
    }

    /// Whether this offset is the one that it came with.
    pub fn is(self, offset: Option<&str>) -> bool {
        match self {
            Begun::Nothing => offset.is_none(),
            Begun::At(cursor) | Begun::Again(cursor) => {
                offset.and_then(|offset| offset.parse().ok()) == Some(cursor)
            }
            Begun::Unknown => false,
        }
    }

    /// How far the rooms were read by one who gives that offset. They stand where they were joined, unless
    /// it may have read this cursor in one of them: then only the place itself, in the only room, is sure.
    pub fn read(self, rooms: &[(Epoch, u64)]) -> Option<Vec<u64>> {
        let joined = || rooms.iter().map(|(_, since)| *since).collect();
        match self {
            Begun::Nothing | Begun::At(_) => Some(joined()),
            Begun::Again(cursor) => (rooms == [(cursor.epoch, cursor.offset)]).then(joined),
            Begun::Unknown => None,
        }
    }
}
