//! Many who publish into one room over lines that break, each line of theirs until it is
//! acknowledged and under one key: by POST (its answer acknowledges) and by WebSocket (its own event
//! does). In the end the room is read: each line is there once, and each writer's are in order.

use super::clients::{ROOM, websocket};
use super::count::{Count, tell};
use super::harness::Server;
use super::journal::{Goal, Journal};
use super::line::{Line, Lost};
use super::ordeal::{self, points_wanted, seed};
use super::points::Points;
use super::proxy::{self, Knowledge};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use tokio::task::spawn_local;

const WRITERS: u64 = 24;

/// Once there were enough points, for what is still under way.
const LIMIT: Duration = Duration::from_secs(120);

/// How a writer publishes.
#[derive(Clone, Copy)]
pub enum By {
    Post,
    Websocket,
}

struct Writer {
    number: u64,
    /// Lines acknowledged, and heard back over a WebSocket.
    lines: Rc<Cell<u64>>,
    journal: Journal,
    proxy: SocketAddr,
    known: Rc<Knowledge>,
    count: Rc<RefCell<Count>>,
}

/// Writes until there were enough points, then checks the room.
pub fn write(name: &str, by: By) {
    let server = ordeal::server(ordeal::LONG_HISTORY);
    ordeal::block_on(async {
        let begin = server.head_cursor(ROOM);
        let count = Rc::new(RefCell::new(Count::default()));
        let mut writers = Vec::new();
        for number in 0..WRITERS {
            let writer = Writer::new(number, &begin, server.public, Rc::clone(&count)).await;
            writers.push(spawn_local(writer.run(by)));
        }
        let mut written = Vec::new();
        for writer in writers {
            let ends = tokio::time::timeout(ordeal::longest() + LIMIT, writer);
            written.push(ends.await.expect("all reach the end").unwrap());
        }
        check(&server, &begin, &written);
        let lines: u64 = written.iter().sum();
        tell(&format!("{name}, seed {}", seed()));
        tell(&format!("  {}", count.borrow()));
        tell(&format!(
            "  {lines} lines of {WRITERS} writers, each published once"
        ));
    });
}

impl Writer {
    async fn new(
        number: u64,
        begin: &str,
        server: SocketAddr,
        count: Rc<RefCell<Count>>,
    ) -> Writer {
        let known = Rc::new(Knowledge::default());
        let points = Points::seeded(seed(), number);
        let lines = Rc::new(Cell::new(0));
        let journal = Journal::from(begin, Goal::default(), {
            let lines = Rc::clone(&lines);
            move |_, data| {
                if data["writer"] == number {
                    lines.set(lines.get() + 1);
                    assert_eq!(data["line"], lines.get(), "each line once, and in order");
                }
            }
        });
        Writer {
            number,
            lines,
            journal,
            proxy: proxy::open(server, points, Rc::clone(&known)).await,
            known,
            count,
        }
    }

    /// Gives the number of its lines.
    async fn run(mut self, by: By) -> u64 {
        while !self.has_enough() {
            let mut line = Line::dial(self.proxy, &self.known).await;
            let lost = match by {
                By::Post => self.post(&mut line).await,
                By::Websocket => self.say(&mut line).await,
            };
            if let Err(Lost(place)) = lost {
                self.count.borrow_mut().lost(place, self.known.cause());
            }
        }
        self.lines.get()
    }

    fn has_enough(&self) -> bool {
        self.count.borrow().points() as f64 >= points_wanted()
    }

    fn publish(&self, line: u64) -> (String, Value) {
        let key = format!("{}-{line}", self.number);
        let data =
            json!({"writer": self.number, "line": line, "text": "瑶".repeat(line as usize % 30)});
        (key, json!({"type": "chat", "data": data}))
    }

    async fn post(&mut self, connection: &mut Line) -> Result<(), Lost> {
        while !self.has_enough() {
            let line = self.lines.get() + 1;
            let (key, body) = self.publish(line);
            let body = body.to_string();
            let length = body.len();
            let request = format!(
                "POST /rooms/{ROOM}/events HTTP/1.1\r\nHost: test\r\nIdempotency-Key: {key}\r\n\
                 Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
            );
            let (status, length) = connection.ask(&request).await?;
            let answer = connection.body(length).await?;
            assert_eq!(status, 201, "{}", String::from_utf8_lossy(&answer));
            self.lines.set(line);
            connection
                .rest(Duration::from_millis(rand::random_range(0..10)))
                .await?;
        }
        Ok(())
    }

    /// Says the line that was not heard back again each time that it comes back.
    async fn say(&mut self, connection: &mut Line) -> Result<(), Lost> {
        websocket::open(connection, &self.journal).await?;
        while !self.has_enough() {
            let line = self.lines.get() + 1;
            let (key, mut frame) = self.publish(line);
            frame["key"] = key.into();
            websocket::say(connection, &frame.to_string()).await?;
            while self.lines.get() < line {
                websocket::receive(connection, &mut self.journal).await?;
            }
        }
        Ok(())
    }
}

/// Reads the room from `begin`. One line more than acknowledged may be there: its acknowledgement
/// was on its way when the writer stopped.
fn check(server: &Server, begin: &str, written: &[u64]) {
    let mut heard = vec![0; written.len()];
    let mut cursor = begin.to_owned();
    loop {
        let answer = server.get(&format!("/rooms/{ROOM}/poll?cursor={cursor}"));
        if answer.status == 204 {
            break;
        }
        let answer = answer.json();
        assert_eq!(answer["missed"], 0);
        for event in answer["events"].as_array().unwrap() {
            let data = &event["data"];
            let lines = &mut heard[data["writer"].as_u64().unwrap() as usize];
            *lines += 1;
            assert_eq!(
                data["line"], *lines,
                "each line once, and in order: {event}"
            );
        }
        cursor = answer["cursor"].as_str().unwrap().to_owned();
    }
    for (heard, written) in heard.iter().zip(written) {
        assert!(
            (*written..=written + 1).contains(heard),
            "{heard} of {written}"
        );
    }
}
