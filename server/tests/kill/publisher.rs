//! Publishes 1, 2, 3, … over a line that breaks like all others, each number until it is
//! acknowledged and under one `Idempotency-Key`: the offset of a number is the number.

use super::clients::ROOM;
use super::count::Count;
use super::line::{Line, Lost};
use super::proxy::Knowledge;
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;

pub struct Publisher {
    pub proxy: SocketAddr,
    pub known: std::rc::Rc<Knowledge>,
    pub pause: Duration,
    pub count: Count,
    pub retried: u64,
}

impl Publisher {
    /// Until `enough`; gives the last number.
    pub async fn run(&mut self, enough: impl Fn(u64) -> bool) -> u64 {
        let mut line = None;
        let mut number = 0;
        while !enough(number) {
            number += 1;
            while let Err(Lost(place)) = self.publish(&mut line, number).await {
                line = None;
                self.retried += 1;
                self.count.lost(place, self.known.cause());
            }
            if let Some(open) = &mut line
                && let Err(Lost(place)) = open.rest(self.pause).await
            {
                line = None;
                self.count.lost(place, self.known.cause());
            }
        }
        number
    }

    async fn publish(&self, line: &mut Option<Line>, number: u64) -> Result<(), Lost> {
        let line = match line {
            Some(line) => line,
            None => line.insert(Line::dial(self.proxy, &self.known).await),
        };
        // Of many lengths, so that cuts fall into bodies too.
        let line_of_chat = "瑶".repeat(number as usize * 37 % 300);
        let body =
            format!(r#"{{"type":"chat","data":{{"number":{number},"text":"{line_of_chat}"}}}}"#);
        let length = body.len();
        let request = format!(
            "POST /rooms/{ROOM}/events HTTP/1.1\r\nHost: test\r\nIdempotency-Key: number-{number}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let (status, length) = line.ask(&request).await?;
        let answer: Value = serde_json::from_slice(&line.body(length).await?).unwrap();
        assert_eq!(status, 201, "{answer}");
        assert_eq!(answer["offset"], number, "published once and in order");
        Ok(())
    }
}
