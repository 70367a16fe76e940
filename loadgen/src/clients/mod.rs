//! Simulated clients, one file a transport. A client dials, listens from its cursor, and comes back
//! with it when its connection is lost. It hands payloads to a [`Sink`] and never sees a histogram.

pub mod heads;
mod nchan;
pub mod interval_polling;
pub mod long_polling;
pub mod http_streaming;
pub mod sse;
pub mod websocket;
pub mod socketio;
pub mod control;

use crate::lane::{Lane, Setting};
use crate::net::connection::Connection;
use crate::net::dial::dial;
use crate::net::failure::Failure;
use crate::net::link::Link;
use crate::net::metered::{Speech, Tally};
use crate::orders::{Interruption, Orders, Outgoing};
use crate::plan::{PublishBy, TransportPlan};
use crate::publisher::Poster;
use crate::sample::Sink;
use crate::totals::{Kind, Totals, Traffic};
use pushlab_server::wire::cursor::Cursor;
use pushlab_server::wire::event::Message;
use pushlab_server::wire::transport::Transport;
use rand::RngExt;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// How far a client has read its room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// From now on.
    Unknown,
    At(Cursor),
    /// Against a bare server: events received so far.
    Counted(u64),
}

/// What a foreign server said of a client's place, in its own words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Mark {
    /// An event's id, or an `Etag`.
    id: String,
    /// `Last-Modified`, where there is one.
    since: String,
}

/// One browser.
pub struct Client {
    pub index: usize,
    pub sink: Sink,
    lane: Rc<Lane>,
    room: usize,
    orders: Orders,
    /// Where publishing needs a connection of its own.
    posts: Option<Rc<Orders>>,
    bytes: Rc<Cell<u64>>,
    link: Option<Link>,
    place: Cell<Place>,
    dialled: Cell<Instant>,
    /// Has been connected and greeted at least once.
    known: Cell<bool>,
    /// When the connection was lost, if it was: the next greeting is a return.
    lost_at: Cell<Option<Instant>>,
    /// When it was last told to be cut.
    cut_at: Cell<Option<Instant>>,
    /// How long the stream asked it to stay away once it is lost.
    retry: Cell<Option<Duration>>,
    /// When interval polling asks next; the period outlives connections.
    next_poll: Cell<Option<Instant>>,
    /// Its WebSocket was blocked, so it goes on by long polling.
    fell_back: Cell<bool>,
    /// What a foreign server said last of where this client is, if it did.
    mark: RefCell<Option<Box<Mark>>>,
    /// When something came last, if silence is minded.
    heard: Option<Rc<Cell<Instant>>>,
}

/// How a connection ended without a failure.
enum End {
    Cut,
    Closed,
    /// The server ended it between two requests, as it may.
    Again,
}

/// What a message was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carried {
    Event,
    Greeting,
    /// A gap, an error, or what only another program's server sends.
    Notice,
}

const REFUSALS: u32 = 3;
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);

impl Client {
    pub fn new(lane: Rc<Lane>, index: usize) -> Client {
        let plan = &lane.setting.plan;
        let room = lane.setting.table.room_of(index);
        let posts = plan.publish.by == PublishBy::Clients && !plan.transport.is_bidirectional();
        let client = Client {
            index,
            sink: Sink::new(lane.clone(), index as u32, room as u32),
            lane: lane.clone(),
            room,
            orders: Orders::default(),
            posts: posts.then(Rc::default),
            bytes: Rc::default(),
            link: lane.link(index),
            place: Cell::new(Place::Unknown),
            dialled: Cell::new(Instant::now()),
            known: Cell::new(false),
            lost_at: Cell::new(None),
            cut_at: Cell::new(None),
            retry: Cell::new(None),
            next_poll: Cell::new(None),
            fell_back: Cell::new(false),
            mark: RefCell::new(None),
            heard: (lane.setting.plan.transport.max_silence)
                .map(|_| Rc::new(Cell::new(Instant::now()))),
        };
        client.forget_place();
        client
    }

    /// Spawns the client's tasks on the current `LocalSet`.
    pub fn start(self: &Rc<Self>, at: Instant, tasks: &mut Vec<JoinHandle<()>>) {
        let client = self.clone();
        tasks.push(tokio::task::spawn_local(async move {
            if client.wait_until(at).await {
                listen(&client).await;
            }
        }));
        if let Some(orders) = self.posts.clone() {
            let poster = Poster::new(
                self.lane.clone(),
                self.bytes.clone(),
                self.link.clone(),
                self.lane.setting.posts_to(),
            )
            .of(self.index);
            tasks.push(tokio::task::spawn_local(post(
                poster,
                orders,
                at,
                self.close_patience(),
            )));
        }
    }

    pub fn publish(&self, outgoing: Outgoing) {
        self.posts
            .as_deref()
            .unwrap_or(&self.orders)
            .publish(outgoing);
    }

    pub fn cut(&self, at: Instant) {
        self.cut_at.set(Some(at));
        self.all_orders().for_each(Orders::cut);
    }

    pub fn close(&self) {
        self.all_orders().for_each(Orders::close);
    }

    fn all_orders(&self) -> impl Iterator<Item = &Orders> {
        [&self.orders].into_iter().chain(self.posts.as_deref())
    }

    /// Bytes of all its sockets so far, both ways.
    pub fn bytes(&self) -> u64 {
        self.bytes.get()
    }

    fn transport(&self) -> &TransportPlan {
        &self.lane.setting.plan.transport
    }

    /// What it listens by.
    fn kind(&self) -> Transport {
        match self.fell_back.get() {
            true => Transport::LongPolling,
            false => self.transport().kind,
        }
    }

    /// The class of WebSockets that were blocked.
    fn fall_back(&self) {
        self.fell_back.set(true);
        self.sink.error("upgrade-blocked");
    }

    fn is_bare(&self) -> bool {
        self.lane.setting.plan.server.bare
    }

    fn is_foreign(&self) -> bool {
        self.lane.setting.foreign().is_some()
    }

    /// Whether the server greets nobody: being connected is all there is to know.
    fn is_ungreeted(&self) -> bool {
        self.is_bare() || self.is_foreign()
    }

    fn totals(&self) -> &Totals {
        &self.lane.totals
    }

    fn host(&self) -> &str {
        &self.lane.setting.endpoint.host
    }

    /// `/rooms/room-0/sse`, or as a foreign server has it.
    fn path(&self) -> String {
        let prefix = &self.lane.setting.endpoint.prefix;
        let room = Setting::room_name(self.room);
        if let Some(foreign) = self.lane.setting.foreign() {
            let mark = self.mark.borrow();
            let cursor = mark.as_ref().map_or("", |mark| &mark.id);
            return foreign.subscribe.fill(&room, cursor);
        }
        format!(
            "{prefix}/rooms/{room}/{}",
            self.kind().segment().unwrap_or_default()
        )
    }

    /// `cursor=e-7`, or nothing to begin now.
    fn cursor_query(&self) -> Option<String> {
        match self.place.get() {
            _ if self.transport().latest => Some("cursor=0".to_owned()),
            Place::Unknown => None,
            Place::At(cursor) => Some(format!("cursor={cursor}")),
            Place::Counted(events) => Some(format!("cursor={events}")),
        }
    }

    /// The path of a stream, going on from this client's place.
    fn stream_path(&self) -> String {
        let path = self.path();
        match self.place.get() {
            Place::At(cursor) => format!("{path}?cursor={cursor}"),
            Place::Unknown | Place::Counted(_) => path,
        }
    }

    /// A foreign server said this of where the client is now.
    fn set_mark(&self, mark: Mark) {
        *self.mark.borrow_mut() = Some(Box::new(mark));
    }

    /// The header by which an `EventSource` goes on.
    fn last_event_id(&self) -> Option<String> {
        match self.place.get() {
            Place::At(cursor) => Some(cursor.to_string()),
            Place::Unknown | Place::Counted(_) => {
                let mark = self.mark.borrow();
                mark.as_ref().map(|mark| mark.id.clone())
            }
        }
    }

    /// Its own count is all that a client of a bare server can ask by.
    fn forget_place(&self) {
        *self.mark.borrow_mut() = None;
        self.place
            .set(if self.is_bare() && !self.transport().kind.is_push() {
                Place::Counted(0)
            } else {
                Place::Unknown
            });
    }

    fn set_cursor(&self, cursor: Cursor) {
        self.place.set(Place::At(cursor));
    }

    /// An event with this id was received.
    fn passed(&self, id: u64) {
        if let Place::At(Cursor { epoch, .. }) = self.place.get() {
            self.set_cursor(Cursor { epoch, offset: id });
        }
    }

    /// Understands one JSON message of a stream or a WebSocket.
    fn message(&self, json: &[u8]) -> Carried {
        if self.is_foreign() {
            return match self.sink.receive_foreign([json].into_iter()) {
                0 => Carried::Notice,
                _ => Carried::Event,
            };
        }
        if self.is_bare() {
            self.sink.receive(json);
            return Carried::Event;
        }
        self.act_on(Message::parse(json), json)
    }

    fn act_on(&self, message: Option<Message>, payload: &[u8]) -> Carried {
        match message {
            Some(Message::Event { id }) => {
                self.sink.receive(payload);
                self.passed(id);
                Carried::Event
            }
            Some(Message::Hello { cursor, missed }) => {
                self.set_cursor(cursor);
                if missed != Some(0) {
                    self.sink.missed(missed);
                }
                self.greeted();
                Carried::Greeting
            }
            Some(Message::Gap { cursor, missed }) => {
                self.set_cursor(cursor);
                self.sink.missed(missed);
                Carried::Notice
            }
            Some(Message::Error { status }) => {
                self.sink.refused(status);
                Carried::Notice
            }
            None => Carried::Notice,
        }
    }

    /// Connected, and the server has shown that it serves.
    fn greeted(&self) {
        self.greeted_at(Instant::now());
    }

    /// The same, when it had shown so at this instant.
    fn greeted_at(&self, at: Instant) {
        let took = at.saturating_duration_since(self.dialled.get());
        if !self.known.replace(true) {
            self.totals().connected();
            self.sink.connected(took);
        } else if let Some(lost_at) = self.lost_at.take() {
            self.sink.reconnected(at.saturating_duration_since(lost_at));
            self.sink.connected(took);
        }
    }

    /// Asked something that is answered no sooner than there is an event: it counts as there, or nobody
    /// would ever publish. How long it took to be there nobody knows.
    fn asked(&self) {
        if !self.known.replace(true) {
            self.totals().connected();
        }
    }

    /// That was answered. A client that was cut is back, since whenever.
    fn answered(&self) {
        if self.lost_at.take().is_some() {
            self.sink.returned();
        }
    }

    /// The connection is gone, since `when` or since just now; further attempts that fail do not count
    /// the time anew.
    fn lost(&self, when: Option<Instant>) {
        let lost_at = self.lost_at.get().or(when).unwrap_or_else(Instant::now);
        self.lost_at.set(Some(lost_at));
    }

    /// Was there once, and was not back from a loss.
    pub fn is_away(&self) -> bool {
        self.known.get() && self.lost_at.get().is_some()
    }

    fn tally(&self) -> Tally {
        Tally {
            heard: self.heard.clone(),
            ..self.lane.tally(&self.bytes, Traffic::Delivery)
        }
    }

    /// Dials, and begins to listen for signs of life.
    fn dials(&self) {
        let now = Instant::now();
        // The wait for a WebSocket that never came is part of connecting.
        if self.known.get() || !self.fell_back.get() {
            self.dialled.set(now);
        }
        if let Some(heard) = &self.heard {
            heard.set(now);
        }
    }

    /// Ends when nothing was heard for too long: never for a client that does not mind, or that is
    /// about to close.
    async fn silence(&self) {
        if let (Some(heard), Some(most)) = (&self.heard, self.transport().max_silence) {
            while heard.get().elapsed() < most {
                tokio::time::sleep_until((heard.get() + most).into()).await;
            }
            if !self.orders.is_closing() {
                return;
            }
        }
        std::future::pending().await
    }

    /// For the last answer and a polite end.
    fn close_patience(&self) -> Duration {
        CLOSE_PATIENCE + self.lane.setting.plan.on_the_way()
    }

    async fn wait_until(&self, at: Instant) -> bool {
        tokio::select! {
            biased;
            () = closing(&self.orders) => false,
            () = tokio::time::sleep_until(at.into()) => true,
        }
    }
}

async fn closing(orders: &Orders) {
    while orders.interruption().await != Interruption::Close {}
}

/// Connection after connection, until told to close or refused for good.
async fn listen(client: &Client) {
    let mut backoff = Backoff::default();
    let mut refusals = 0;
    loop {
        client.orders.forget_cut();
        client.dials();
        let ended = tokio::select! {
            biased;
            ended = connect(client) => ended,
            () = client.silence() => Err(Failure::Silence),
        };
        match ended {
            Ok(End::Closed) => return,
            Ok(End::Again) => continue,
            Ok(End::Cut) => {
                client.lost(client.cut_at.get());
                backoff = Backoff::default();
            }
            Err(failure) => {
                client.lost(None);
                client.sink.error(failure.class());
                refusals += u32::from(failure.is_refusal());
            }
        }
        client.sink.connection_lost();
        if refusals == REFUSALS {
            client.totals().gave_up();
            return;
        }
        if !client.transport().resume {
            client.forget_place();
        }
        let pause = backoff.next().max(client.retry.get().unwrap_or_default());
        if !client.wait_until(Instant::now() + pause).await {
            return;
        }
    }
}

/// One connection's life: the one place that tells transports apart. Boxed, so that a task is as
/// large as its own transport needs and not as the largest.
async fn connect(client: &Client) -> Result<End, Failure> {
    match client.kind() {
        Transport::IntervalPolling => {
            Box::pin(over_http(client, interval_polling::subscribe)).await
        }
        Transport::LongPolling => Box::pin(over_http(client, long_polling::subscribe)).await,
        Transport::HttpStreaming => Box::pin(over_http(client, http_streaming::subscribe)).await,
        Transport::Sse => Box::pin(over_http(client, sse::subscribe)).await,
        Transport::Websocket => Box::pin(websocket::subscribe(client)).await,
        Transport::Socketio => Box::pin(socketio::subscribe(client)).await,
    }
}

async fn over_http(
    client: &Client,
    subscribe: impl AsyncFn(&Client, &mut Connection) -> Result<(), Failure>,
) -> Result<End, Failure> {
    let tally = client.tally();
    let endpoint = &client.lane.setting.endpoint;
    // A connection for one poll is opened when the poll is due, not before.
    if let Some(due) = client
        .next_poll
        .get()
        .filter(|_| !client.transport().keep_alive)
        && !client.wait_until(due).await
    {
        return Ok(End::Closed);
    }
    let stream = tokio::select! {
        biased;
        () = closing(&client.orders) => return Ok(End::Closed),
        stream = dial(endpoint, tally, Speech::Http(Kind::Handshake), client.link.as_ref()) => stream?,
    };
    let mut connection = Connection::new(stream, client.lane.scratch.clone());
    let interruption = tokio::select! {
        biased;
        interruption = client.orders.interruption() => interruption,
        result = subscribe(client, &mut connection) => return result.map(|()| End::Again),
    };
    match interruption {
        Interruption::Cut => {
            connection.reset();
            Ok(End::Cut)
        }
        Interruption::Close => {
            if let Err(failure) = connection.close().await {
                client.sink.error(format!("close-{}", failure.class()));
            }
            Ok(End::Closed)
        }
    }
}

/// The second connection of a client that cannot publish on its first.
async fn post(mut poster: Poster, orders: Rc<Orders>, at: Instant, patience: Duration) {
    tokio::select! {
        biased;
        () = closing(&orders) => return,
        () = tokio::time::sleep_until(at.into()) => {}
    }
    poster.open().await;
    loop {
        let outgoing = tokio::select! {
            biased;
            interruption = orders.interruption() => match interruption {
                Interruption::Cut => {
                    poster.cut();
                    continue;
                }
                Interruption::Close => break,
            },
            outgoing = orders.outgoing() => outgoing,
        };
        // A cut waits for the answer: an event whose fate nobody knows measures nothing.
        tokio::select! {
            () = poster.publish(outgoing) => {}
            () = given_up(&orders, patience) => break,
        }
    }
    poster.close().await;
}

async fn given_up(orders: &Orders, patience: Duration) {
    while !orders.is_closing() {
        tokio::time::sleep(CLOSE_PATIENCE / 10).await;
    }
    tokio::time::sleep(patience).await;
}

/// 10–100 ms at random, doubling up to a second, so that clients do not come back in step.
struct Backoff {
    scale: u32,
}

impl Default for Backoff {
    fn default() -> Self {
        Backoff { scale: 1 }
    }
}

impl Backoff {
    fn next(&mut self) -> Duration {
        let wait = Duration::from_millis(rand::rng().random_range(10..=100)) * self.scale;
        self.scale = (self.scale * 2).min(10);
        wait.min(Duration::from_secs(1))
    }
}
