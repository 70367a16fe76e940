//! What one client has received, checked as it comes: the next event, or a gap that says exactly how
//! far the next one is. Anything else (a hole, a repetition, disorder) fails on the spot.

use serde_json::Value;
use std::cell::Cell;
use std::rc::Rc;

/// Offset of the last event, once all have been published.
pub type Goal = Rc<Cell<Option<u64>>>;

/// Gets the offset and the data of each event.
type OnEvent = Box<dyn FnMut(u64, &Value)>;

pub struct Journal {
    epoch: String,
    offset: u64,
    goal: Goal,
    pub delivered: u64,
    pub missed: u64,
    on_event: OnEvent,
}

impl Journal {
    /// Goes on from `cursor`, as the server gave it.
    pub fn from(cursor: &str, goal: Goal, on_event: impl FnMut(u64, &Value) + 'static) -> Journal {
        let (epoch, offset) = parts(cursor);
        Journal {
            epoch: epoch.to_owned(),
            offset,
            goal,
            delivered: 0,
            missed: 0,
            on_event: Box::new(on_event),
        }
    }

    pub fn cursor(&self) -> String {
        format!("{}-{}", self.epoch, self.offset)
    }

    pub fn is_complete(&self) -> bool {
        self.goal.get() == Some(self.offset)
    }

    /// One message of a stream or a WebSocket.
    pub fn message(&mut self, json: &[u8]) {
        let message: Value = serde_json::from_slice(json).unwrap();
        match message["type"].as_str().unwrap() {
            "hello" | "gap" => {
                self.skip(&message["missed"]);
                self.expect_at(&message["cursor"]);
            }
            "error" => panic!("refused: {message}"),
            _ => self.event(&message),
        }
    }

    /// The whole answer of a poll.
    pub fn answer(&mut self, json: &[u8]) {
        let answer: Value = serde_json::from_slice(json).unwrap();
        self.skip(&answer["missed"]);
        for event in answer["events"].as_array().unwrap() {
            self.event(event);
        }
        self.expect_at(&answer["cursor"]);
    }

    fn event(&mut self, event: &Value) {
        assert_eq!(
            event["id"].as_u64(),
            Some(self.offset + 1),
            "the event after {}: {event}",
            self.offset
        );
        self.offset += 1;
        self.delivered += 1;
        (self.on_event)(self.offset, &event["data"]);
    }

    fn skip(&mut self, missed: &Value) {
        let missed = missed.as_u64();
        let missed = missed.expect("the epoch never changed, so the count is known");
        self.missed += missed;
        self.offset += missed;
    }

    fn expect_at(&self, cursor: &Value) {
        assert_eq!(cursor.as_str(), Some(&*self.cursor()));
    }
}

pub fn parts(cursor: &str) -> (&str, u64) {
    let (epoch, offset) = cursor.split_once('-').unwrap();
    (epoch, offset.parse().unwrap())
}
