//! One session's packets, whichever carrier brings them: what each means for the client, what is to be
//! said in answer, and what its bytes were for. It reads no socket and writes none.

use super::told::{Reply, Told, is_string};
use crate::clients::{Carried, Client, Place};
use crate::lane::Setting;
use crate::net::failure::Failure;
use crate::orders::Outgoing;
use crate::plan::SocketioPlan;
use crate::publisher;
use crate::totals::Kind;
use bytes::Bytes;
use pushlab_server::wire::engineio::{self, Open};
use pushlab_server::wire::socketio::{self, Body, Reassembly};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::cell::{Cell, OnceCell, RefCell};
use std::time::{Duration, Instant};
use tokio::sync::Notify;

/// No packet of ours to publish, nor of anybody's that we read, comes near it.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// How far a session has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Opening,
    Connecting,
    Joining,
    There,
}

pub(super) struct Session<'a> {
    pub client: &'a Client,
    stage: Cell<Stage>,
    opened: OnceCell<Opened>,
    /// When the wait for the next stage began.
    since: Cell<Instant>,
    /// When the WebSocket was dialled that may take over.
    probed_at: Cell<Instant>,
    joined_at: Cell<Option<Instant>>,
    /// The way is the one that it stays on.
    settled: Cell<bool>,
    pausing: Cell<bool>,
    closing: Cell<bool>,
    replies: RefCell<Vec<Reply>>,
    changed: Notify,
    reassembly: RefCell<Reassembly>,
}

/// What the server said of itself.
struct Opened {
    sid: String,
    upgrades: bool,
    max_payload: usize,
}

/// The answer to `join`.
#[derive(Deserialize)]
struct Joined<'a> {
    #[serde(borrow, default)]
    cursor: Option<&'a str>,
    #[serde(default)]
    missed: Option<u64>,
    #[serde(default)]
    status: Option<u16>,
}

impl<'a> Session<'a> {
    pub fn new(client: &'a Client) -> Session<'a> {
        let now = Instant::now();
        Session {
            client,
            stage: Cell::new(Stage::Opening),
            opened: OnceCell::new(),
            since: Cell::new(now),
            probed_at: Cell::new(now),
            joined_at: Cell::new(None),
            settled: Cell::new(false),
            pausing: Cell::new(false),
            closing: Cell::new(false),
            replies: RefCell::default(),
            changed: Notify::new(),
            reassembly: RefCell::new(Reassembly::new(MOST_BYTES)),
        }
    }

    fn words(&self) -> &'a SocketioPlan {
        &self.client.transport().socketio
    }

    /// `/socket.io/?EIO=4&transport=polling&sid=…`
    pub fn path(&self, transport: &str) -> String {
        let (prefix, route) = (
            &self.client.lane.setting.endpoint.prefix,
            &self.words().route,
        );
        let mut path = format!(
            "{prefix}{route}?EIO={}&transport={transport}",
            engineio::VERSION
        );
        if let Some(opened) = self.opened.get() {
            path.push_str("&sid=");
            path.push_str(&opened.sid);
        }
        path
    }

    pub fn offers_websocket(&self) -> bool {
        self.opened.get().is_some_and(|opened| opened.upgrades)
    }

    pub fn max_payload(&self) -> usize {
        self.opened
            .get()
            .map_or(MOST_BYTES, |opened| opened.max_payload)
    }

    pub fn is_open(&self) -> bool {
        self.opened.get().is_some()
    }

    /// May publish.
    pub fn is_there(&self) -> bool {
        self.stage.get() == Stage::There
    }

    pub fn is_pausing(&self) -> bool {
        self.pausing.get()
    }

    pub fn is_closing(&self) -> bool {
        self.closing.get()
    }

    /// The WebSocket works: both connections of polling shall rest.
    pub fn pause(&self) {
        self.pausing.set(true);
        self.changed.notify_one();
    }

    /// Says goodbye by polling.
    pub fn close(&self) {
        let goodbye = self.goodbye();
        self.reply(goodbye);
        self.reply(Reply::all(Kind::Handshake, "1".to_owned()));
    }

    /// What ends it, so that the server keeps nothing for a return.
    pub fn goodbye(&self) -> Reply {
        self.closing.set(true);
        Reply::all(Kind::Handshake, format!("41{}", self.address()))
    }

    /// It goes on by what carries it now.
    pub fn settle(&self) {
        self.settled.set(true);
        self.greet();
    }

    /// A WebSocket is being tried out.
    pub fn probing(&self) {
        self.probed_at.set(Instant::now());
    }

    /// It has taken over.
    pub fn upgraded(&self) {
        self.client.sink.upgraded(self.probed_at.get().elapsed());
        self.settle();
    }

    fn greet(&self) {
        if let (true, Some(at)) = (self.settled.get(), self.joined_at.get()) {
            self.client.greeted_at(at);
        }
    }

    /// Something to send, or a turn to take.
    pub async fn changed(&self) {
        self.changed.notified().await;
    }

    fn reply(&self, reply: Reply) {
        self.replies.borrow_mut().push(reply);
        self.changed.notify_one();
    }

    pub fn take_replies(&self) -> Vec<Reply> {
        self.replies.take()
    }

    /// Of the namespace, as it stands in a packet.
    fn address(&self) -> String {
        match &*self.words().namespace {
            socketio::MAIN => String::new(),
            other => format!("{other},"),
        }
    }

    /// The wait for one part of connecting is over, the next begins.
    fn part(&self) -> Duration {
        let now = Instant::now();
        now - self.since.replace(now)
    }

    /// Understands one packet of the server.
    pub fn take(&self, packet: engineio::Packet<'_>) -> Result<Told, Failure> {
        match packet {
            engineio::Packet::Open(json) => self.open(json),
            engineio::Packet::Ping(data) => {
                self.reply(Reply::all(Kind::KeepAlive, format!("3{data}")));
                Ok(Told::all(Kind::KeepAlive))
            }
            engineio::Packet::Noop | engineio::Packet::Close if self.is_closing() => {
                Ok(Told::all(Kind::Handshake))
            }
            engineio::Packet::Noop => Ok(Told::all(Kind::Probes)),
            engineio::Packet::Close => Err(Failure::Ended),
            engineio::Packet::Message(text) => {
                let mut reassembly = self.reassembly.borrow_mut();
                match reassembly.text(text).map_err(|_| NOT_SOCKETIO)? {
                    Some(packet) => self.message(&packet),
                    None => Ok(Told::all(Kind::Packets)),
                }
            }
            engineio::Packet::Binary(data) => self.binary(data.into_owned()),
            engineio::Packet::Pong(_) | engineio::Packet::Upgrade => {
                Err(Failure::Malformed("an Engine.IO packet out of place"))
            }
        }
    }

    fn open(&self, json: &str) -> Result<Told, Failure> {
        let malformed = || Failure::Malformed("no Engine.IO handshake");
        let open = Open::from_json(json).map_err(|_| malformed())?;
        let opened = Opened {
            sid: open.sid.into_owned(),
            upgrades: open.upgrades.iter().any(|name| name == "websocket"),
            max_payload: (open.max_payload)
                .and_then(|bytes| usize::try_from(bytes).ok())
                .unwrap_or(MOST_BYTES),
        };
        self.opened.set(opened).map_err(|_| malformed())?;
        self.client.sink.shaken_hands(self.part());
        self.stage.set(Stage::Connecting);
        let foreign = self.client.lane.setting.foreign();
        let auth = foreign.map_or("", |foreign| &foreign.auth);
        let text = format!("40{}{auth}", self.address());
        self.reply(Reply::all(Kind::Handshake, text));
        Ok(Told::all(Kind::Handshake))
    }

    fn binary(&self, data: Vec<u8>) -> Result<Told, Failure> {
        let length = data.len();
        let whole = (self.reassembly.borrow_mut()).binary(Bytes::from(data));
        let told = match whole.map_err(|_| NOT_SOCKETIO)? {
            Some(whole) => self.message(&whole.packet())?,
            None => Told::all(Kind::Packets),
        };
        // What this carrier brought is the last attachment alone.
        let payload = if told.is_event { length } else { 0 };
        Ok(Told { payload, ..told })
    }

    fn message(&self, packet: &socketio::Packet<'_>) -> Result<Told, Failure> {
        if packet.namespace != self.words().namespace {
            return Ok(Told::all(Kind::Packets));
        }
        match &packet.body {
            Body::Connect(_) if self.stage.get() == Stage::Connecting => {
                self.client.sink.entered(self.part());
                match self.words().rooms {
                    true => self.join(),
                    false => self.arrived(),
                }
                Ok(Told::all(Kind::Handshake))
            }
            Body::Connect(_) => Err(Failure::Malformed("a second CONNECT")),
            Body::ConnectError(_) => Err(Failure::Refused),
            Body::Disconnect if self.is_closing() => Ok(Told::all(Kind::Handshake)),
            Body::Disconnect => Err(Failure::Ended),
            Body::Ack { arguments, .. } if self.stage.get() == Stage::Joining => {
                self.joined(arguments.first().map_or("", |first| first.get()))
            }
            Body::Ack { .. } => Ok(Told::all(Kind::Packets)),
            Body::Event { arguments, .. } => Ok(self.event(arguments, packet.attachments)),
        }
    }

    fn join(&self) {
        let room = Setting::room_name(self.client.room);
        let cursor = match self.client.place.get() {
            Place::At(cursor) => format!(",\"cursor\":\"{cursor}\""),
            Place::Unknown | Place::Counted(_) => String::new(),
        };
        self.stage.set(Stage::Joining);
        let address = self.address();
        let text = format!("42{address}0[\"join\",{{\"room\":\"{room}\"{cursor}}}]");
        self.reply(Reply::all(Kind::Handshake, text));
    }

    fn joined(&self, answer: &str) -> Result<Told, Failure> {
        let malformed = Failure::Malformed("no answer to join");
        let joined: Joined<'_> = serde_json::from_str(answer).map_err(|_| malformed)?;
        if let Some(status) = joined.status {
            return Err(Failure::Status(status));
        }
        if let (Some(Ok(cursor)), false) = (joined.cursor.map(str::parse), self.client.is_bare()) {
            self.client.set_cursor(cursor);
        }
        if joined.missed != Some(0) {
            self.client.sink.missed(joined.missed);
        }
        self.arrived();
        Ok(Told::all(Kind::Handshake))
    }

    fn arrived(&self) {
        self.stage.set(Stage::There);
        self.joined_at.set(Some(Instant::now()));
        self.greet();
        self.changed.notify_one();
    }

    fn event(&self, arguments: &[&RawValue], attachments: &[Bytes]) -> Told {
        let words = self.words();
        let [name, said @ ..] = arguments else {
            return Told::all(Kind::Packets);
        };
        if !is_string(name, &words.event) {
            return Told::all(Kind::Packets);
        }
        if !words.rooms {
            let texts = said.iter().map(|value| value.get().as_bytes());
            let data = attachments.iter().map(|data| &data[..]);
            // Others may speak there too.
            return match self.client.sink.receive_foreign(texts.chain(data)) {
                0 => Told::all(Kind::Packets),
                payload => Told::event(payload),
            };
        }
        let Some(event) = said.first() else {
            return Told::all(Kind::Packets);
        };
        match self.client.message(event.get().as_bytes()) {
            Carried::Event => Told::event(event.get().len()),
            Carried::Greeting | Carried::Notice => Told::all(Kind::Packets),
        }
    }

    /// What publishes this.
    pub fn publish(&self, outgoing: Outgoing) -> Result<Reply, Failure> {
        let setting = &self.client.lane.setting;
        let (room, token) = publisher::address(setting, outgoing);
        let size = setting.plan.publish.payload;
        let mut text = format!("42{}[", self.address());
        let name = serde_json::Value::from(&*self.words().publish_event);
        text.push_str(&format!("{name},"));
        let before = text.len();
        let mut text = text.into_bytes();
        match self.words().rooms {
            true => {
                let room = Setting::room_name(room as usize);
                text.extend_from_slice(format!("{{\"room\":\"{room}\",").as_bytes());
                let mut body = Vec::with_capacity(size + 32);
                setting.tag.write_publish(token, size, &mut body);
                text.extend_from_slice(&body[1..]);
            }
            false => setting.tag.write_data(token, size, &mut text),
        }
        let payload = text.len() - before;
        text.push(b']');
        if let Outgoing::Event(index) = outgoing {
            self.client.sink.sending(index, true);
        }
        let text = String::from_utf8(text).map_err(|_| Failure::Malformed("our own publish"))?;
        Ok(Reply {
            text,
            kind: Kind::Payload,
            payload,
        })
    }
}

const NOT_SOCKETIO: Failure = Failure::Malformed("no Socket.IO packet");
