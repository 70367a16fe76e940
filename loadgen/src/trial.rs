//! One trial: connect, barrier, warm-up, measure, drain, close.

use crate::lane::Setting;
use crate::net::sockets::WireWindow;
use crate::outcome::{self, Findings};
use crate::plan::TrialPlan;
use crate::progress::{Live, Phase};
use crate::publisher::Publisher;
use crate::recorder::{Recording, SecondSample};
use crate::results::{TimelineRow, Trial};
use crate::table::Table;
use crate::target::{Server, Target, TargetError};
use crate::timeline::Timeline;
use crate::token::RunTag;
use crate::totals::Snapshot;
use crate::usage::{OwnUsage, ThreadUsage};
use crate::worker::{self, Order, Worker};
use pushlab_server::wire::usage::Usage;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// What one trial found. `TimelineRow::trial` is left 0 for the caller to fill in.
pub struct Outcome {
    pub trial: Trial,
    pub timeline: Vec<TimelineRow>,
}

/// Why a trial could not begin at all. What goes wrong after that is part of the [`Outcome`].
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("cannot start a thread of the generator: {0}")]
    Thread(#[from] std::io::Error),
}

/// What bears on how a trial is run, not on what it measures.
#[derive(Clone, Debug)]
pub struct Options {
    /// Threads of clients.
    pub threads: usize,
    /// Started as the embedded server in place of this binary.
    pub program: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            threads: worker::default_threads(),
            program: None,
        }
    }
}

/// Runs `plan` against `target`. When `stop` turns true the trial ends early, keeps what it
/// measured and says so in its reasons.
pub async fn run_with(
    plan: &TrialPlan,
    target: &Target,
    live: &Live,
    stop: watch::Receiver<bool>,
    options: &Options,
) -> Result<Outcome, TrialError> {
    live.enter(Phase::Starting);
    let server = target
        .open(&plan.server, options.program.as_deref())
        .await?;
    let cookies = match plan.named {
        true => server.sign_in(plan.clients).await?,
        false => Vec::new(),
    };
    let usage = server.usage().await;
    let mut running = Running::begin(plan, server, cookies, live, stop, options)?;
    running.marks.server_start = usage;
    let halt = running.measure().await.err();
    Ok(running.finish(halt).await)
}

/// Why a trial did not take its whole course.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Halt {
    Interrupted,
    ServerEnded(String),
    NotConnected { connected: u64 },
    NotReady { ready: u64 },
}

/// All counters at one instant.
#[derive(Clone, Debug)]
pub struct Mark {
    pub at: Instant,
    pub totals: Snapshot,
    pub own: OwnUsage,
    pub threads: Threads,
    pub server: Option<Usage>,
}

/// The generator's own threads; `None` where the system does not tell.
#[derive(Clone, Debug, Default)]
pub struct Threads {
    pub clients: Vec<Option<ThreadUsage>>,
    pub publisher: Option<ThreadUsage>,
}

/// What was noted on the way.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    pub own_start: OwnUsage,
    pub own_ready: Option<OwnUsage>,
    pub server_start: Option<Usage>,
    pub server_ready: Option<Usage>,
    pub opened: Option<Mark>,
    pub closed: Option<Mark>,
    pub server_end: Option<Usage>,
}

struct Running<'a> {
    plan: &'a TrialPlan,
    server: Server,
    live: &'a Live,
    stop: watch::Receiver<bool>,
    setting: Arc<Setting>,
    workers: Vec<Worker>,
    publisher: Publisher,
    seconds: mpsc::UnboundedReceiver<SecondSample>,
    timeline: Timeline,
    marks: Marks,
}

/// How often the controller looks whether a phase is over.
const LOOK: Duration = Duration::from_millis(20);
const CONNECT_PATIENCE: Duration = Duration::from_secs(15);
const PROBE_PATIENCE: Duration = Duration::from_secs(10);
/// Longer than a publisher's and a client's own patience one after the other.
const CLOSE_PATIENCE: Duration = Duration::from_secs(20);
/// Between readiness and the schedule's origin: time for the usage answers to be taken.
const HEADWAY: Duration = Duration::from_millis(100);

impl<'a> Running<'a> {
    fn begin(
        plan: &'a TrialPlan,
        server: Server,
        cookies: Vec<String>,
        live: &'a Live,
        stop: watch::Receiver<bool>,
        options: &Options,
    ) -> Result<Self, TrialError> {
        let own_start = OwnUsage::now();
        let setting = Arc::new(Setting {
            plan: plan.clone(),
            endpoint: server.endpoint.clone(),
            direct: server.direct.clone(),
            tag: RunTag::from_number(rand::random()),
            table: Arc::new(Table::new(plan, Instant::now())),
            cookies,
            manner: server.manner.clone(),
        });
        let (sender, seconds) = mpsc::unbounded_channel();
        live.enter(Phase::Connecting);
        let threads = options.threads.clamp(1, plan.clients.max(1));
        let workers = (0..threads)
            .map(|number| Worker::spawn(setting.clone(), number, threads, sender.clone()))
            .collect::<Result<Vec<_>, _>>()?;
        let orders = workers.iter().map(|worker| worker.orders.clone()).collect();
        let publisher = Publisher::spawn(setting.clone(), orders, sender)?;
        Ok(Running {
            plan,
            server,
            live,
            stop,
            setting,
            workers,
            publisher,
            seconds,
            timeline: Timeline::default(),
            marks: Marks {
                own_start,
                ..Marks::default()
            },
        })
    }

    async fn measure(&mut self) -> Result<(), Halt> {
        let clients = self.plan.clients as u64;
        self.connect(clients).await?;
        self.live.enter(Phase::Probing);
        self.probe(clients).await?;
        self.marks.own_ready = Some(OwnUsage::now());
        self.marks.server_ready = self.server.usage().await;
        let origin = Instant::now() + HEADWAY;
        self.setting.table.begin(origin);
        self.publisher.run();
        self.live.enter(Phase::WarmingUp);
        let opens = origin + self.plan.warm_up;
        self.wait_until(opens).await?;
        self.marks.opened = Some(self.mark().await);
        self.live.enter(Phase::Measuring);
        self.server.trouble(true);
        let measured = self.window(opens).await;
        self.server.trouble(false);
        self.marks.closed = Some(self.mark().await);
        measured?;
        self.live.enter(Phase::Draining);
        self.drain().await
    }

    async fn connect(&mut self, clients: u64) -> Result<(), Halt> {
        // Dialling and asking, and as much again for one that comes back or falls back.
        let falls_back = self.plan.transport.fallback_after.unwrap_or_default();
        let within = self.plan.ramp + self.plan.on_the_way() * 4 + falls_back + CONNECT_PATIENCE;
        let over = |totals: &Snapshot| totals.connected + totals.gave_up >= clients;
        self.wait_for(Instant::now() + within, over).await?;
        match self.totals().connected {
            connected if connected < clients => Err(Halt::NotConnected { connected }),
            _ => Ok(()),
        }
    }

    async fn probe(&mut self, clients: u64) -> Result<(), Halt> {
        self.publisher.probe();
        let received = self.plan.until_asked() + self.plan.on_the_way() * 2;
        let within = received * 2 + PROBE_PATIENCE;
        let over = |totals: &Snapshot| {
            totals.ready + totals.gave_up >= clients || totals.failed_probes > 0
        };
        self.wait_for(Instant::now() + within, over).await?;
        match self.totals().ready {
            ready if ready < clients => Err(Halt::NotReady { ready }),
            _ => Ok(()),
        }
    }

    async fn window(&mut self, opens: Instant) -> Result<(), Halt> {
        let mut cuts = self.plan.cuts.clone();
        cuts.sort();
        for cut in cuts.into_iter().filter(|cut| *cut < self.plan.duration) {
            self.wait_until(opens + cut).await?;
            let now = Instant::now();
            for worker in &self.workers {
                worker.order(Order::Cut(now));
            }
        }
        self.wait_until(opens + self.plan.duration).await
    }

    async fn drain(&mut self) -> Result<(), Halt> {
        let table = self.setting.table.clone();
        let over =
            |totals: &Snapshot| table.all_attempted() && totals.deliveries >= table.expected();
        // A client that publishes may have to dial first, and its event comes down after that.
        let received = self.plan.until_asked() + self.plan.on_the_way() * 2;
        // What was overwritten before it was asked for never comes, however long one waits.
        let patience = match self.plan.transport.latest {
            true => self.plan.until_asked(),
            false => self.plan.graceful_stop,
        };
        let limit = Instant::now() + received + patience;
        self.wait_for(limit, over).await
    }

    async fn wait_until(&mut self, instant: Instant) -> Result<(), Halt> {
        self.wait_for(instant, |_| false).await
    }

    /// Until `over` or `limit`, whichever comes first.
    async fn wait_for(
        &mut self,
        limit: Instant,
        over: impl Fn(&Snapshot) -> bool,
    ) -> Result<(), Halt> {
        loop {
            let totals = self.totals();
            self.show(&totals);
            while let Ok(second) = self.seconds.try_recv() {
                self.timeline.add(second);
            }
            if *self.stop.borrow() {
                return Err(Halt::Interrupted);
            }
            if let Some(how) = self.server.ended() {
                return Err(Halt::ServerEnded(how));
            }
            let left = limit.saturating_duration_since(Instant::now());
            if left.is_zero() || over(&totals) {
                return Ok(());
            }
            tokio::time::sleep(left.min(LOOK)).await;
        }
    }

    fn totals(&self) -> Snapshot {
        let workers = self.workers.iter().map(|worker| worker.totals.as_ref());
        Snapshot::of(workers.chain([self.publisher.totals.as_ref()]))
    }

    fn show(&self, totals: &Snapshot) {
        let live = self.live;
        let set = |counter: &std::sync::atomic::AtomicU64, value| {
            counter.store(value, Ordering::Relaxed);
        };
        set(&live.connected, totals.connected);
        set(&live.ready, totals.ready);
        set(&live.expected, self.setting.table.expected());
        set(&live.delivered, totals.deliveries);
        set(&live.p99_us, totals.p99_us);
    }

    async fn mark(&self) -> Mark {
        Mark {
            at: Instant::now(),
            totals: self.totals(),
            own: OwnUsage::now(),
            threads: Threads {
                clients: (self.workers.iter())
                    .map(|worker| worker.totals.thread_usage())
                    .collect(),
                publisher: self.publisher.totals.thread_usage(),
            },
            server: self.server.usage().await,
        }
    }

    /// Closes everything and puts together what was found.
    async fn finish(mut self, halt: Option<Halt>) -> Outcome {
        self.live.enter(Phase::Closing);
        let worker_totals: Vec<_> = self.workers.iter().map(|w| w.totals.clone()).collect();
        let publisher_totals = self.publisher.totals.clone();
        let mut recording = Recording::default();
        let mut ledgers = Vec::new();
        let mut wire = Some(WireWindow::default());
        let mut silent_threads = 0;
        let patience = CLOSE_PATIENCE + self.plan.on_the_way() * 2;
        let deadline = tokio::time::Instant::now() + patience;
        // Publishers stop first: what a client sends for them is a publish too.
        match tokio::time::timeout_at(deadline, self.publisher.finish()).await {
            Ok(Some(of_publisher)) => recording.merge(of_publisher),
            Ok(None) | Err(_) => silent_threads += 1,
        }
        for worker in &self.workers {
            worker.order(Order::Close);
        }
        for worker in self.workers {
            match tokio::time::timeout_at(deadline, worker.finish()).await {
                Ok(Some(report)) => {
                    recording.merge(report.recording);
                    ledgers.extend(report.ledgers);
                    wire = wire.zip(report.wire).map(|(sum, one)| sum.plus(one));
                }
                Ok(None) | Err(_) => silent_threads += 1,
            }
        }
        while let Ok(second) = self.seconds.try_recv() {
            self.timeline.add(second);
        }
        self.server.end_gateway();
        self.marks.server_end = match &halt {
            Some(Halt::ServerEnded(_)) => None,
            _ => final_usage(&self.server).await,
        };
        let totals = worker_totals.iter().chain([&publisher_totals]);
        let trial = outcome::trial(&Findings {
            plan: self.plan,
            table: &self.setting.table,
            recording: &recording,
            ledgers: &ledgers,
            wire,
            totals: Snapshot::of(totals.map(|totals| totals.as_ref())),
            marks: &self.marks,
            halt,
            silent_threads,
            shared_cores: (self.server.is_here())
                .then(|| std::thread::available_parallelism().map_or(1, usize::from)),
        });
        Outcome {
            trial,
            timeline: self.timeline.finish(),
        }
    }
}

/// The server counts a connection's last bytes before it counts the connection as gone.
async fn final_usage(server: &Server) -> Option<Usage> {
    let limit = Instant::now() + Duration::from_secs(1);
    loop {
        let usage = server.usage().await?;
        let open: u64 = outcome::measured(&usage).map(|traffic| traffic.open).sum();
        if open == 0 || Instant::now() >= limit {
            return Some(usage);
        }
        tokio::time::sleep(LOOK).await;
    }
}
