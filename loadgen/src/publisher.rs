//! The publishing side of a trial: a thread that follows the schedule, and the POSTs that carry
//! events. Open loop: an event keeps its intended instant however late its turn comes.

use crate::clients::control::Feed;
use crate::lane::{Lane, Setting};
use crate::net::connection::Connection;
use crate::net::dial::{Endpoint, dial};
use crate::net::failure::Failure;
use crate::net::link::Link;
use crate::net::metered::Speech;
use crate::orders::Outgoing;
use crate::pacer::{Pacer, Woken};
use crate::plan::PublishBy;
use crate::recorder::{Recording, SecondSample};
use crate::sample;
use crate::table::EventIndex;
use crate::token::{Post, Token};
use crate::totals::{Kind, Totals, Traffic};
use crate::worker::Order;
use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// One connection that POSTs events, each after the answer to the last.
pub struct Poster {
    lane: Rc<Lane>,
    /// Whose events they are; nobody's for the publisher's own.
    user: Option<usize>,
    /// Bytes of the client it belongs to.
    client: Rc<Cell<u64>>,
    link: Option<Link>,
    to: Endpoint,
    connection: Option<Connection>,
    body: Vec<u8>,
    request: Vec<u8>,
    content: Vec<u8>,
}

impl Poster {
    /// Of a client and over its line, or the publisher's own, which has none and no trouble either.
    pub fn new(lane: Rc<Lane>, client: Rc<Cell<u64>>, link: Option<Link>, to: &Endpoint) -> Self {
        Poster {
            lane,
            user: None,
            client,
            to: to.clone(),
            link,
            connection: None,
            body: Vec::new(),
            request: Vec::new(),
            content: Vec::new(),
        }
    }

    /// The same for the client of this number.
    pub fn of(self, client: usize) -> Self {
        Poster {
            user: Some(client),
            ..self
        }
    }

    /// Connects ahead of the first event, so that no event waits for it.
    pub async fn open(&mut self) {
        if let Err(failure) = self.connect().await {
            self.count_failure(&failure);
        }
    }

    async fn connect(&mut self) -> Result<(), Failure> {
        if let Some(connection) = &mut self.connection
            && !connection.has_ended().await
        {
            return Ok(());
        }
        let tally = self.lane.tally(&self.client, Traffic::Publish);
        let speech = Speech::Http(Kind::HttpHeaders);
        let stream = dial(&self.to, tally, speech, self.link.as_ref()).await?;
        self.connection = Some(Connection::new(stream, self.lane.scratch.clone()));
        Ok(())
    }

    fn count_failure(&self, failure: &Failure) {
        let class = match failure {
            Failure::Status(status) => format!("publish-{status}"),
            other => format!("publish-{}", other.class()),
        };
        self.lane.recorder.borrow_mut().error(class);
    }

    pub async fn publish(&mut self, outgoing: Outgoing) {
        let table = self.lane.setting.table.clone();
        let index = match outgoing {
            Outgoing::Probe { .. } => None,
            Outgoing::Event(index) => Some(index),
        };
        self.write_request(outgoing);
        if let Err(failure) = self.connect().await {
            self.count_failure(&failure);
            match index {
                Some(_) => table.abandon(),
                None => self.lane.totals.probe_failed(),
            }
            return;
        }
        if let Some(index) = index {
            sample::sending(&self.lane, index, Instant::now());
        }
        match self.exchange().await {
            Ok(()) => self.acknowledge(index),
            Err(failure) => {
                self.count_failure(&failure);
                if !matches!(failure, Failure::Status(_)) {
                    self.connection = None;
                }
                match index {
                    Some(index) => table.doubt(index),
                    None => self.lane.totals.probe_failed(),
                }
            }
        }
    }

    fn acknowledge(&self, index: Option<EventIndex>) {
        let Some(index) = index else { return };
        let table = &self.lane.setting.table;
        table.taken(index);
        let now_ns = table.ns(Instant::now());
        let mut recorder = self.lane.recorder.borrow_mut();
        recorder.acknowledged(table.event(index), now_ns);
    }

    fn write_request(&mut self, outgoing: Outgoing) {
        let setting = &self.lane.setting;
        let (room, token) = address(setting, outgoing);
        let payload = setting.plan.publish.payload;
        self.body.clear();
        self.request.clear();
        let room = Setting::room_name(room as usize);
        let foreign = setting.foreign();
        let (path, host, media_type) = match foreign.and_then(|foreign| foreign.publish.as_ref()) {
            Some(template) => {
                setting.tag.write_text(token, payload, &mut self.body);
                (template.fill(&room, ""), &self.to.host, "text/plain")
            }
            None => {
                setting.tag.write_publish(token, payload, &mut self.body);
                let Endpoint { prefix, host, .. } = &setting.endpoint;
                (
                    format!("{prefix}/rooms/{room}/events"),
                    host,
                    "application/json",
                )
            }
        };
        let cookie = self.user.and_then(|client| setting.cookie(client));
        let own = cookie.map(|cookie| ("Cookie", cookie));
        let headers = setting.manner.headers.iter();
        let headers = headers.map(|(name, value)| (&**name, &**value));
        let post = Post {
            path: &path,
            host,
            media_type,
            body: &self.body,
        };
        post.write(own.into_iter().chain(headers), &mut self.request);
    }

    async fn exchange(&mut self) -> Result<(), Failure> {
        let connection = self.connection.as_mut().ok_or(Failure::Ended)?;
        connection.send(&self.request, Kind::HttpHeaders).await?;
        connection.shift(Kind::HttpHeaders, Kind::Payload, self.body.len() as u64);
        let answer = connection.answer(&mut self.content).await?;
        connection.count(Kind::HttpHeaders, answer.head_bytes);
        let rest = answer.chunk_bytes + self.content.len() as u64;
        connection.count(Kind::Framing, rest);
        if !answer.keep_alive {
            self.connection = None;
        }
        match answer.status {
            200..=299 => Ok(()),
            status => Err(Failure::Status(status)),
        }
    }

    /// The next event opens a new connection.
    pub fn cut(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.reset();
        }
    }

    pub async fn close(self) {
        if let Some(connection) = self.connection
            && let Err(failure) = connection.close().await
        {
            let class = format!("close-{}", failure.class());
            self.lane.recorder.borrow_mut().error(class);
        }
    }
}

/// Where something to publish goes, and the token it bears.
pub fn address(setting: &Setting, outgoing: Outgoing) -> (u32, Token) {
    match outgoing {
        Outgoing::Probe { room } => (room, Token::Probe { room }),
        Outgoing::Event(index) => {
            let table = &setting.table;
            (table.event(index).room, table.token(index))
        }
    }
}

/// The thread that follows the schedule.
pub struct Publisher {
    pub totals: Arc<Totals>,
    commands: mpsc::UnboundedSender<Command>,
    stop: Arc<AtomicBool>,
    report: oneshot::Receiver<Recording>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    Probe,
    Run,
    Close,
}

impl Publisher {
    /// With `workers` to hand events to where clients publish.
    pub fn spawn(
        setting: Arc<Setting>,
        workers: Vec<mpsc::UnboundedSender<Order>>,
        seconds: mpsc::UnboundedSender<SecondSample>,
    ) -> io::Result<Publisher> {
        let totals = Arc::new(Totals::default());
        let stop = Arc::new(AtomicBool::new(false));
        let (commands, received) = mpsc::unbounded_channel();
        let (sender, report) = oneshot::channel();
        let (own_totals, own_stop) = (totals.clone(), stop.clone());
        std::thread::Builder::new()
            .name("publisher".to_owned())
            .spawn(move || {
                own_totals.begin();
                let lane = Rc::new(Lane::new(setting, own_totals, seconds, None));
                let mut thread = Thread {
                    poster: Poster::new(lane.clone(), Rc::default(), None, &lane.setting.direct),
                    lane,
                    workers,
                    stop: own_stop,
                };
                let recording = thread.run(received);
                // Nobody waits for it when the trial was given up.
                let _ = sender.send(recording);
            })?;
        Ok(Publisher {
            totals,
            commands,
            stop,
            report,
        })
    }

    /// One event in each room that shows its subscribers to be ready.
    pub fn probe(&self) {
        self.command(Command::Probe);
    }

    /// Follows the schedule from the table's origin.
    pub fn run(&self) {
        self.command(Command::Run);
    }

    fn command(&self, command: Command) {
        // A thread that is gone shows in its missing report.
        let _ = self.commands.send(command);
    }

    /// Ends the schedule where it is, closes the connection and returns what was measured.
    pub async fn finish(self) -> Option<Recording> {
        self.stop.store(true, Ordering::Relaxed);
        self.command(Command::Close);
        self.report.await.ok()
    }
}

struct Thread {
    lane: Rc<Lane>,
    poster: Poster,
    workers: Vec<mpsc::UnboundedSender<Order>>,
    stop: Arc<AtomicBool>,
}

impl Thread {
    fn run(&mut self, mut commands: mpsc::UnboundedReceiver<Command>) -> Recording {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        match runtime {
            Ok(runtime) => {
                while let Some(command) = commands.blocking_recv() {
                    match command {
                        Command::Probe => self.probe(&runtime),
                        Command::Run => self.follow_schedule(&runtime),
                        Command::Close => break,
                    }
                }
                let direct = &self.lane.setting.direct;
                let fresh = Poster::new(self.lane.clone(), Rc::default(), None, direct);
                runtime.block_on(std::mem::replace(&mut self.poster, fresh).close());
            }
            Err(error) => {
                tracing::error!("the publisher has no runtime: {error}");
                self.lane.recorder.borrow_mut().error("publish-no-runtime");
            }
        }
        self.lane.recorder.borrow_mut().finish()
    }

    fn probe(&mut self, runtime: &tokio::runtime::Runtime) {
        for room in 0..self.lane.setting.table.rooms() as u32 {
            self.publish(runtime, Outgoing::Probe { room }, room);
        }
    }

    fn follow_schedule(&mut self, runtime: &tokio::runtime::Runtime) {
        let setting = self.lane.setting.clone();
        let by_clients = setting.plan.publish.by == PublishBy::Clients;
        let feed = Feed::new(&setting.plan, self.workers.clone());
        let pacer = Pacer::new();
        for (index, event) in setting.table.events().iter().enumerate() {
            let Some(instant) = setting.table.intended(event) else {
                return;
            };
            match pacer.wait_until(instant, &self.stop) {
                Woken::Overdue(_) if !by_clients => {}
                // Orders to clients wait for no target: that they fall behind is the thread's doing.
                Woken::Late(late) | Woken::Overdue(late) => {
                    if setting.table.in_window(event) {
                        self.lane.recorder.borrow_mut().woke(late);
                    }
                    feed.send(index as EventIndex);
                }
                Woken::Stopped => return,
            }
            if self.stop.load(Ordering::Relaxed) {
                return;
            }
            let outgoing = Outgoing::Event(index as EventIndex);
            self.publish(runtime, outgoing, event.publisher);
        }
    }

    fn publish(&mut self, runtime: &tokio::runtime::Runtime, outgoing: Outgoing, publisher: u32) {
        match self.lane.setting.plan.publish.by {
            PublishBy::Clients => {
                let worker = publisher as usize % self.workers.len().max(1);
                if let Some(worker) = self.workers.get(worker) {
                    let _ = worker.send(Order::Publish {
                        client: publisher,
                        outgoing,
                    });
                }
            }
            PublishBy::Publisher => {
                let stop = self.stop.clone();
                runtime.block_on(async {
                    tokio::select! {
                        () = self.poster.publish(outgoing) => {}
                        () = stopped(&stop) => {}
                    }
                });
                let now_ns = self.lane.setting.table.ns(Instant::now());
                self.lane.recorder.borrow_mut().turn(now_ns);
            }
        }
    }
}

/// A server that never answers must not hold up the end of a trial for ever.
async fn stopped(stop: &AtomicBool) {
    while !stop.load(Ordering::Relaxed) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
}
