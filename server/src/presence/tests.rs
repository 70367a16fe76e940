//! The presence core against a model, in thousands of random steps on a clock moved by hand: the model
//! keeps every hold that ever was and says from them alone who must be there.

use super::*;
use crate::history::Bounds;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};

const GRACE: Duration = Duration::from_secs(10);
const POLL_GRACE: Duration = Duration::from_secs(60);
const ROOMS: usize = 3;
const USERS: usize = 6;

fn hub(max_members: usize) -> Arc<Hub> {
    let bounds = Bounds {
        events: usize::MAX,
        bytes: usize::MAX,
        bare: false,
    };
    let flags = PresenceFlags {
        member_grace: GRACE.as_secs_f64(),
        poll_grace: POLL_GRACE.as_secs_f64(),
        max_members,
    };
    Hub::new(bounds, 10, Presence::new(&flags))
}

fn user(number: usize) -> Arc<User> {
    Arc::new(User {
        id: format!("user{number}").into(),
        name: "瑶".into(),
    })
}

/// `join user3`, in the order of the room's history.
fn log(room: &Room) -> Vec<String> {
    let history = room.history();
    (history.after(0))
        .map(|event| {
            let event: serde_json::Value = serde_json::from_slice(event.json()).unwrap();
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            format!("{} {}", text(&event["type"]), text(&event["user"]["id"]))
        })
        .collect()
}

/// One user's stay in one room, as the words of the module have it.
#[derive(Default)]
struct Stay {
    open: Vec<Hold>,
    /// Ends of holds, and how long each is waited for.
    waits: Vec<(Instant, Duration)>,
    last_poll: Option<Instant>,
    pauses: Vec<Duration>,
}

impl Stay {
    fn enter(&mut self, hold: Hold, now: Instant) {
        if let (Hold::Poll, Some(last)) = (hold, self.last_poll) {
            self.pauses.push(now - last);
        }
        self.open.push(hold);
    }

    fn leave(&mut self, at: usize, now: Instant) -> Hold {
        let hold = self.open.remove(at);
        let wait = match hold {
            Hold::Stream => GRACE,
            Hold::Poll => {
                self.last_poll = Some(now);
                // The newest poll tells how long polls are waited for.
                let poll_waits = |wait: &(Instant, Duration)| wait.1 == GRACE && wait.0 == now;
                self.waits.retain(poll_waits);
                match self.pauses.iter().max() {
                    None => POLL_GRACE,
                    Some(pause) => (*pause * 3).clamp(GRACE, POLL_GRACE),
                }
            }
        };
        self.waits.push((now, wait));
        hold
    }

    /// When he leaves, if nothing more happens.
    fn end(&self) -> Option<Instant> {
        if !self.open.is_empty() {
            return None;
        }
        self.waits.iter().map(|(end, wait)| *end + *wait).max()
    }
}
