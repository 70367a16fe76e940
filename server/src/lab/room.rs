//! A session's own room, and the stage from which events go into it. A restart puts an empty room in its
//! place; nobody finds it any more once the session has dropped it.

use super::Lab;
use super::session::random_name;
use crate::frames::Draft;
use crate::hub::{Hub, Room};
use crate::problems::Refusal;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

pub struct LabRoom {
    pub name: String,
    pub stage: Arc<Stage>,
    lab: Arc<Lab>,
}

/// Where the lab's own events go; a restart takes it away for a while.
pub struct Stage {
    hub: Arc<Hub>,
    room: Mutex<Arc<Room>>,
    /// From when on events are taken.
    up: Mutex<Instant>,
}

impl LabRoom {
    pub fn open(lab: &Arc<Lab>) -> Result<LabRoom, String> {
        let name = format!("lab-{}", random_name());
        let room = lab
            .hub
            .room(&name)
            .map_err(|full| Refusal::from(full).to_string())?;
        // A session that thinks for long keeps its room.
        room.enter();
        Ok(LabRoom {
            name,
            stage: Arc::new(Stage {
                hub: Arc::clone(&lab.hub),
                room: Mutex::new(room),
                up: Mutex::new(Instant::now()),
            }),
            lab: Arc::clone(lab),
        })
    }

    /// Keeps so many events from now on.
    pub fn keep(&self, events: usize) {
        self.stage.room().history().keep(events);
    }

    /// Puts an empty room in the place of this one; nothing goes into it before `up`.
    pub fn renew(&self, up: Instant) {
        *self.stage.lock_up() = up;
        // Held meanwhile, so that no event goes into the old room after its head was looked at.
        let mut room = self.stage.room();
        let renewed = self.lab.hub.renew(&self.name, &room);
        renewed.enter();
        std::mem::replace(&mut *room, renewed).leave();
    }
}

impl Drop for LabRoom {
    fn drop(&mut self) {
        self.stage.room().leave();
        self.lab.hub.forget(&self.name);
    }
}

impl Stage {
    /// Publishes an event and gives its offset. There are few sessions, and each has one room: it is not
    /// refused when all histories hold what they may.
    pub fn publish(&self, draft: &Draft) -> u64 {
        self.hub.announce(&self.room(), draft)
    }

    pub fn up(&self) -> Instant {
        *self.lock_up()
    }

    fn lock_up(&self) -> MutexGuard<'_, Instant> {
        self.up.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn room(&self) -> MutexGuard<'_, Arc<Room>> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
