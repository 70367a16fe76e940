//! One kill-test: a server, a publisher and many clients, each behind a proxy of its own, until
//! there were enough points and every client has reached the end.

use super::clients::{ROOM, listen};
use super::count::{Count, tell};
use super::harness::Server;
use super::journal::{Goal, Journal};
use super::line::{Line, Lost};
use super::points::Points;
use super::proxy::{self, Knowledge};
use super::publisher::Publisher;
use pushlab_server::wire::transport::Transport;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::OnceLock;
use std::time::Duration;
use tokio::task::{JoinHandle, LocalSet, spawn_local};

const CLIENTS: u64 = 24;

/// Nothing falls off it while a test runs.
pub const LONG_HISTORY: u32 = 10_000_000;

/// Once the last event is published: far beyond what stalls of 0.6 s can add up to.
const LIMIT: Duration = Duration::from_secs(120);

pub struct Ordeal<'a> {
    pub name: &'a str,
    /// A client goes from one to the next each time that it comes back.
    pub transports: Vec<Transport>,
    pub history: u32,
    pub share_of_points: f64,
    /// It goes on at least until so many are published.
    pub events: u64,
    /// Of the publisher between two events.
    pub pause: Duration,
}

pub struct Report {
    pub missed: u64,
}

impl Ordeal<'_> {
    pub fn run(&self) -> Report {
        let server = server(self.history);
        block_on(self.run_against(&server))
    }

    async fn run_against(&self, server: &Server) -> Report {
        let begin = server.head_cursor(ROOM);
        let goal = Goal::default();
        let count = Rc::new(RefCell::new(Count::default()));
        let mut clients = Vec::new();
        for client in 0..CLIENTS {
            let journal = Journal::from(&begin, Rc::clone(&goal), |offset, data| {
                assert_eq!(data["number"], offset, "published once and in order");
            });
            let known = Rc::new(Knowledge::default());
            let points = Points::seeded(seed(), client);
            clients.push(spawn_local(follow(
                self.transports.clone(),
                client as usize,
                proxy::open(server.public, points, Rc::clone(&known)).await,
                known,
                journal,
                Rc::clone(&count),
            )));
        }
        let mut publisher = self.publisher(server.public).await;
        let wanted = (points_wanted() * self.share_of_points) as usize;
        let published = publisher
            .run(|published| {
                let enough = published >= self.events && count.borrow().points() >= wanted;
                enough || has_failed(&clients)
            })
            .await;
        goal.set(Some(published));
        let ends = async {
            let mut report = Report { missed: 0 };
            for client in clients {
                let journal = client.await.unwrap();
                assert_eq!(journal.delivered + journal.missed, published);
                report.missed += journal.missed;
            }
            report
        };
        let report = tokio::time::timeout(LIMIT, ends)
            .await
            .expect("all reach the end");
        self.tell(&count.borrow(), &publisher, published, &report);
        report
    }

    async fn publisher(&self, server: SocketAddr) -> Publisher {
        let known = Rc::new(Knowledge::default());
        // It goes on while its readers are stalled.
        let points = Points::seeded(seed(), CLIENTS).without_stalls();
        Publisher {
            proxy: proxy::open(server, points, Rc::clone(&known)).await,
            known,
            pause: self.pause,
            count: Count::default(),
            retried: 0,
        }
    }

    fn tell(&self, count: &Count, publisher: &Publisher, published: u64, report: &Report) {
        tell(&format!("{}, seed {}", self.name, seed()));
        tell(&format!("  clients   {count}"));
        tell(&format!(
            "  publisher {}; {} tried again",
            publisher.count, publisher.retried
        ));
        tell(&format!(
            "  {published} events to each of {CLIENTS} clients, {} told as missed, none lost, twice or out of order",
            report.missed
        ));
    }
}

/// With heartbeats that a test can wait for.
pub fn server(history: u32) -> Server {
    let history = history.to_string();
    Server::start(&[
        "--history",
        &history,
        "--history-bytes",
        "4000000000",
        "--stream-heartbeat",
        "0.2",
        "--ping-interval",
        "0.2",
        "--workers",
        "2",
    ])
}

/// Proxies and clients share this thread.
pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    LocalSet::new().block_on(&runtime, work)
}

/// One client's life: connection after connection until its journal is complete.
async fn follow(
    transports: Vec<Transport>,
    first: usize,
    proxy: SocketAddr,
    known: Rc<Knowledge>,
    mut journal: Journal,
    count: Rc<RefCell<Count>>,
) -> Journal {
    for transport in transports.iter().cycle().skip(first) {
        let mut line = Line::dial(proxy, &known).await;
        match listen(*transport, &mut line, &mut journal).await {
            Ok(()) => break,
            Err(Lost(place)) => count.borrow_mut().lost(place, known.cause()),
        }
        // At random, so that all are not in step.
        let pause = Duration::from_millis(rand::random_range(0..20));
        tokio::time::sleep(pause).await;
    }
    journal
}

/// A client that panicked will break no more points.
fn has_failed(clients: &[JoinHandle<Journal>]) -> bool {
    clients.iter().any(JoinHandle::is_finished)
}

/// What so many points may take: one in 20 ms is far less than a slow machine meets.
pub fn longest() -> Duration {
    Duration::from_millis(20).mul_f64(points_wanted())
}

/// Points to be met per transport.
pub fn points_wanted() -> f64 {
    from_environment("PUSHLAB_KILL_POINTS").map_or(300.0, |points| points as f64)
}

/// Drawn anew by each run unless one is given.
pub fn seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| {
        from_environment("PUSHLAB_KILL_SEED").unwrap_or_else(|| rand::random_range(0..1_000_000))
    })
}

fn from_environment(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{name} is a number, not {value:?}")),
    )
}
