//! One page's session, on the lab's thread: it does what the page asks and tells the page what happened.
//! It owns the page's room, lanes and publisher; when it is dropped they end. It knows nothing of the
//! WebSocket that its messages go over.

use super::Lab;
use super::clock;
use super::lane::Lane;
use super::messages::{Command, LanePort, Message, Publish, Record, ServerFacts, What};
use super::publisher::{self, MAX_RATE, MAX_SECONDS, MIN_PAYLOAD, Publisher};
use super::room::LabRoom;
use super::tap::{Queue, Run};
use crate::publish;
use crate::wire::transport::Transport;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use strum::IntoEnumIterator;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, MissedTickBehavior};

/// How long records gather before they are told.
const GATHER: Duration = Duration::from_millis(20);

/// How often the meters are told while something runs.
const METER: Duration = Duration::from_secs(1);

/// Bytes of records in one message: what a page that does not read can make us keep is this times the
/// messages on their way.
const MESSAGE_BYTES: usize = 64 * 1024;

/// What a stream's heartbeat may be set to.
const HEARTBEATS_MS: std::ops::RangeInclusive<f64> = 10.0..=3_600_000.0;

/// How long a server may be down.
const DOWN_MS: std::ops::RangeInclusive<f64> = 0.0..=60_000.0;

/// Characters of what is wrong with a command.
const LONGEST_CAUSE: usize = 250;

/// What a session begins with.
pub struct Opening {
    pub lab: Arc<Lab>,
    pub origin: String,
    /// Text frames from the page; their end is the session's.
    pub commands: mpsc::Receiver<String>,
    /// Text frames to the page.
    pub messages: mpsc::Sender<String>,
    pub seat: OwnedSemaphorePermit,
}

/// The page is gone.
struct Gone;

/// A session from its beginning to its end.
pub async fn hold(opening: Opening) {
    let messages = opening.messages.clone();
    match Session::open(opening) {
        // Either way the page is gone.
        Ok(session) => {
            let _ = session.run().await;
        }
        Err(why) => {
            let refused = Message::Refused {
                command: "session",
                why: &why,
            };
            let _ = messages.send(refused.text()).await;
        }
    }
}

struct Session {
    id: String,
    lab: Arc<Lab>,
    commands: mpsc::Receiver<String>,
    messages: mpsc::Sender<String>,
    run: Arc<Run>,
    room: LabRoom,
    lanes: BTreeMap<Transport, Lane>,
    bounds: Bounds,
    /// The end of a restart.
    back_at: Option<Instant>,
    publisher: Option<Publisher>,
    _seat: OwnedSemaphorePermit,
}

/// What the page has set of its room and its streams.
struct Bounds {
    events: usize,
    heartbeat: Option<Duration>,
}

impl Session {
    fn open(opening: Opening) -> Result<Session, String> {
        let Opening {
            lab,
            origin,
            commands,
            messages,
            seat,
        } = opening;
        let room = LabRoom::open(&lab)?;
        let run = Run::new(origin);
        let connections = Rc::new(Cell::new(0));
        let lanes = Transport::iter()
            .map(|transport| {
                let lane = Lane::open(&lab, transport, &run, &connections)?;
                Ok((transport, lane))
            })
            .collect::<std::io::Result<_>>()
            .map_err(|error| format!("no port for a lane: {error}; close other sessions"))?;
        Ok(Session {
            id: random_name(),
            commands,
            messages,
            run,
            room,
            lanes,
            bounds: Bounds {
                events: lab.config.history as usize,
                heartbeat: None,
            },
            back_at: None,
            publisher: None,
            _seat: seat,
            lab,
        })
    }

    async fn run(mut self) -> Result<(), Gone> {
        self.introduce().await?;
        let mut flush_at = None;
        let mut meter = tokio::time::interval(METER);
        meter.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ran = false;
        loop {
            let run = Arc::clone(&self.run);
            let back = self.back_at.unwrap_or_else(Instant::now);
            let flush = flush_at.unwrap_or_else(Instant::now);
            tokio::select! {
                command = self.commands.recv() => match command {
                    Some(text) => self.take(&text).await?,
                    None => return Err(Gone),
                },
                () = run.filled(), if flush_at.is_none() => flush_at = Some(Instant::now() + GATHER),
                () = tokio::time::sleep_until(flush), if flush_at.is_some() => {
                    flush_at = None;
                    self.flush().await?;
                }
                () = tokio::time::sleep_until(back), if self.back_at.is_some() => self.come_back(),
                _ = meter.tick() => {
                    let runs = self.is_running();
                    // Once more after the end, with the last bytes.
                    if runs || ran {
                        self.tell_meter().await?;
                    }
                    ran = runs;
                }
            }
        }
    }

    /// Does what a text frame asks for, or says why not.
    async fn take(&mut self, text: &str) -> Result<(), Gone> {
        let done = match serde_json::from_str::<Command>(text) {
            Ok(command) => self.obey(command).await?,
            // It repeats what the page said, however long that is.
            Err(error) => {
                let error: String = error.to_string().chars().take(LONGEST_CAUSE).collect();
                Err(format!("this cannot be read: {error}; reload the page"))
            }
        };
        match done {
            Ok(()) => Ok(()),
            Err(why) => {
                let refused = Message::Refused {
                    command: &asked(text),
                    why: &why,
                };
                self.tell(&refused).await
            }
        }
    }

    async fn obey(&mut self, command: Command) -> Result<Result<(), String>, Gone> {
        let done = match command {
            Command::Publish(ask) => self.publish(&ask),
            Command::Stop => {
                self.publisher = None;
                Ok(())
            }
            Command::Event { data } => self.event(&data),
            Command::Room {
                history,
                heartbeat_ms,
            } => self.bound(history, heartbeat_ms),
            Command::Lane { lane, settings } => settings.check().map(|()| {
                self.lanes[&lane].set(settings);
            }),
            Command::Cut { lane } => {
                self.lanes[&lane].cut();
                Ok(())
            }
            Command::Restart { down_ms } => self.restart(down_ms),
            Command::Reset => match self.reset() {
                Ok(()) => {
                    self.introduce().await?;
                    Ok(())
                }
                refused => refused,
            },
            Command::Clock { sent } => {
                let server_ms = clock::now_ms();
                self.tell(&Message::Clock { sent, server_ms }).await?;
                Ok(())
            }
            Command::Meter => {
                self.flush().await?;
                self.tell_meter().await?;
                Ok(())
            }
        };
        Ok(done)
    }

    fn publish(&mut self, ask: &Publish) -> Result<(), String> {
        let most = self.lab.config.max_event_bytes;
        if !(ask.rate > 0.0 && ask.rate <= MAX_RATE) {
            return Err(format!("give a rate above 0 and up to {MAX_RATE} a second"));
        }
        if !(ask.duration_s > 0.0 && ask.duration_s <= MAX_SECONDS) {
            return Err(format!("give a duration above 0 and up to {MAX_SECONDS} s"));
        }
        if !(MIN_PAYLOAD..=most).contains(&ask.payload) {
            return Err(format!("give a payload of {MIN_PAYLOAD} to {most} bytes"));
        }
        if self.publisher.as_ref().is_some_and(Publisher::is_at_work) {
            return Err("events are being published already; stop them first".to_owned());
        }
        let (stage, run) = (Arc::clone(&self.room.stage), Arc::clone(&self.run));
        let publisher = Publisher::start(ask, stage, run)
            .map_err(|error| format!("no thread to publish from: {error}; close other sessions"))?;
        self.publisher = Some(publisher);
        Ok(())
    }

    fn event(&self, data: &str) -> Result<(), String> {
        let most = self.lab.config.max_event_bytes;
        let json = serde_json::Value::from(data).to_string();
        if json.len() > most {
            return Err(format!("an event may have {most} bytes; send less"));
        }
        let draft = publish::trusted("chat", json);
        let now = std::time::Instant::now();
        if self.back_at.is_some() {
            return Err("the server is down; wait until it is back".to_owned());
        }
        publisher::event(&self.room.stage, &self.run, &draft, now);
        Ok(())
    }

    fn bound(&mut self, history: Option<u32>, heartbeat_ms: Option<f64>) -> Result<(), String> {
        let most = self.lab.config.history;
        if history.is_some_and(|events| !(1..=most).contains(&events)) {
            return Err(format!("a room keeps 1 to {most} events"));
        }
        if heartbeat_ms.is_some_and(|ms| !HEARTBEATS_MS.contains(&ms)) {
            let (least, most) = (HEARTBEATS_MS.start(), HEARTBEATS_MS.end());
            return Err(format!("give a heartbeat of {least} to {most} ms"));
        }
        self.bounds = Bounds {
            events: history.unwrap_or(most) as usize,
            heartbeat: heartbeat_ms.map(|ms| Duration::from_secs_f64(ms / 1e3)),
        };
        self.apply_bounds();
        Ok(())
    }

    fn apply_bounds(&self) {
        self.room.keep(self.bounds.events);
        self.run.set_heartbeat(self.bounds.heartbeat);
    }

    fn reset(&mut self) -> Result<(), String> {
        let room = LabRoom::open(&self.lab)?;
        self.publisher = None;
        self.back_at = None;
        let run = Run::new(self.run.origin.clone());
        std::mem::replace(&mut self.run, run).end();
        for lane in self.lanes.values() {
            lane.begin(&self.run);
        }
        self.room = room;
        self.apply_bounds();
        Ok(())
    }

    fn restart(&mut self, down_ms: f64) -> Result<(), String> {
        if !DOWN_MS.contains(&down_ms) {
            let (least, most) = (DOWN_MS.start(), DOWN_MS.end());
            return Err(format!("give a time of {least} to {most} ms to be down"));
        }
        let up = Instant::now() + Duration::from_secs_f64(down_ms / 1e3);
        for (transport, lane) in &self.lanes {
            self.run.trouble(*transport, "restart", None);
            lane.go_down(up);
        }
        self.room.renew(up.into_std());
        self.apply_bounds();
        self.back_at = Some(up);
        Ok(())
    }

    fn come_back(&mut self) {
        self.back_at = None;
        for transport in self.lanes.keys() {
            self.run.trouble(*transport, "back", None);
        }
    }

    fn is_running(&self) -> bool {
        self.publisher.as_ref().is_some_and(Publisher::is_at_work)
            || self.run.traffic().values().any(|lane| lane.open > 0)
    }

    async fn introduce(&self) -> Result<(), Gone> {
        let lanes = self
            .lanes
            .iter()
            .map(|(transport, lane)| (*transport, LanePort { port: lane.port }))
            .collect();
        self.tell(&Message::Session {
            id: &self.id,
            room: &self.room.name,
            lanes,
            loadgen: false,
            server: ServerFacts {
                version: env!("CARGO_PKG_VERSION"),
                cores: std::thread::available_parallelism().map_or(1, usize::from),
                profile: if cfg!(debug_assertions) {
                    "debug"
                } else {
                    "release"
                },
            },
            max_hold_s: self.lab.config.max_hold,
        })
        .await
    }

    async fn tell_meter(&self) -> Result<(), Gone> {
        let lanes = self.run.traffic();
        self.tell(&Message::Meter { lanes }).await
    }

    /// Tells what has gathered.
    async fn flush(&self) -> Result<(), Gone> {
        let Queue {
            records,
            dropped,
            events,
            troubles,
            published,
            ..
        } = self.run.take();
        if !events.is_empty() {
            self.tell(&Message::Events { events: &events }).await?;
        }
        for trouble in &troubles {
            self.tell(&Message::Trouble { trouble }).await?;
        }
        for records in in_messages(&records) {
            self.tell(&Message::Wire { records }).await?;
        }
        if dropped > 0 {
            self.tell(&Message::Dropped { dropped }).await?;
        }
        for count in published {
            self.tell(&Message::Published { count }).await?;
        }
        Ok(())
    }

    async fn tell(&self, message: &Message<'_>) -> Result<(), Gone> {
        self.messages.send(message.text()).await.map_err(|_| Gone)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.run.end();
    }
}

/// Cuts records into messages of at most [`MESSAGE_BYTES`], or of one record.
fn in_messages(records: &[Record]) -> impl Iterator<Item = &[Record]> {
    let mut rest = records;
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = rest
            .iter()
            .take_while(|record| {
                // What stands around the bytes is about as much as a short record.
                bytes += 100 + payload(record);
                bytes <= MESSAGE_BYTES
            })
            .count();
        let (message, later) = rest.split_at(fits.max(1).min(rest.len()));
        rest = later;
        (!message.is_empty()).then_some(message)
    })
}

fn payload(record: &Record) -> usize {
    match &record.what {
        What::Up { bytes } | What::Down { bytes } => bytes.len(),
        What::Opened | What::Ended => 0,
    }
}

/// What a refused text asked to do, as far as it can be told.
fn asked(text: &str) -> String {
    const LONGEST: usize = 32;
    let value: Option<serde_json::Value> = serde_json::from_str(text).ok();
    let command = value.as_ref().and_then(|value| value.get("do")?.as_str());
    command.unwrap_or("?").chars().take(LONGEST).collect()
}

pub(super) fn random_name() -> String {
    format!("{:010x}", rand::random_range(0..1u64 << 40))
}
