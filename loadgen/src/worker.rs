//! One thread of clients: a runtime of its own, one local task a client, and a tick that closes
//! seconds and notes bandwidth. Nothing is shared with other threads but atomics and channels.

use crate::clients::{Client, control};
use crate::lane::{Lane, Setting};
use crate::ledger::Ledger;
use crate::net::alarm::Alarm;
use crate::net::sockets::WireWindow;
use crate::orders::Outgoing;
use crate::recorder::{Recording, SecondSample};
use crate::table::EventIndex;
use crate::totals::Totals;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, LocalSet};

/// Half of the cores: the server under test and the publisher need the others.
pub fn default_threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    (cores / 2).max(1)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// `client` counts over all threads.
    Publish {
        client: u32,
        outgoing: Outgoing,
    },
    /// An event that comes without a socket.
    Control(EventIndex),
    /// All connections, at this instant.
    Cut(Instant),
    Close,
}

/// What a thread leaves.
pub struct Report {
    /// `None` if the window did not close, or the kernel does not tell.
    pub wire: Option<WireWindow>,
    pub recording: Recording,
    pub ledgers: Vec<(usize, Ledger)>,
}

pub struct Worker {
    pub totals: Arc<Totals>,
    pub orders: mpsc::UnboundedSender<Order>,
    report: oneshot::Receiver<Report>,
}

impl Worker {
    /// Thread `number` of `threads`, with its share of the clients: every `threads`-th.
    pub fn spawn(
        setting: Arc<Setting>,
        number: usize,
        threads: usize,
        seconds: mpsc::UnboundedSender<SecondSample>,
    ) -> io::Result<Worker> {
        let totals = Arc::new(Totals::default());
        let (orders, received) = mpsc::unbounded_channel();
        let (sender, report) = oneshot::channel();
        let own_totals = totals.clone();
        let has_line = !setting.plan.link.is_none();
        let alarm = has_line.then(Alarm::start).transpose()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        std::thread::Builder::new()
            .name(format!("clients-{number}"))
            .spawn(move || {
                own_totals.begin();
                let lane = Rc::new(Lane::new(setting, own_totals, seconds, alarm));
                let share = Share { number, threads };
                let report = LocalSet::new().block_on(&runtime, share.serve(lane, received));
                // Nobody waits for it when the trial was given up.
                let _ = sender.send(report);
            })?;
        Ok(Worker {
            totals,
            orders,
            report,
        })
    }

    pub fn order(&self, order: Order) {
        // A thread that is gone shows in its missing report.
        let _ = self.orders.send(order);
    }

    /// Closes all clients and returns what was measured.
    pub async fn finish(self) -> Option<Report> {
        self.order(Order::Close);
        self.report.await.ok()
    }
}

struct Share {
    number: usize,
    threads: usize,
}

impl Share {
    async fn serve(&self, lane: Rc<Lane>, mut orders: mpsc::UnboundedReceiver<Order>) -> Report {
        let begun = Instant::now();
        let plan = &lane.setting.plan;
        let clients: Rc<Vec<Rc<Client>>> = Rc::new(
            (self.number..plan.clients)
                .step_by(self.threads)
                .map(|index| Rc::new(Client::new(lane.clone(), index)))
                .collect(),
        );
        let mut tasks = Vec::new();
        for client in clients.iter() {
            let start = begun + plan.ramp.mul_f64(client.index as f64 / plan.clients as f64);
            client.start(start, &mut tasks);
        }
        let ticking = tokio::task::spawn_local(tick(lane.clone(), clients.clone()));
        self.obey(&lane, &clients, &mut orders).await;
        for task in tasks {
            finished(task, &lane).await;
        }
        // It ends of itself only if something in it broke.
        if ticking.is_finished() {
            finished(ticking, &lane).await;
        } else {
            ticking.abort();
        }
        Report {
            recording: Recording {
                exchanges: lane.exchanges.get(),
                away: clients.iter().filter(|client| client.is_away()).count() as u64,
                ..lane.recorder.borrow_mut().finish()
            },
            wire: lane.wire.get(),
            ledgers: clients
                .iter()
                .map(|client| (client.index, client.sink.take_ledger()))
                .collect(),
        }
    }

    /// Until told to close, or nobody is left to tell.
    async fn obey(
        &self,
        lane: &Lane,
        clients: &[Rc<Client>],
        orders: &mut mpsc::UnboundedReceiver<Order>,
    ) {
        while let Some(order) = orders.recv().await {
            match order {
                Order::Publish { client, outgoing } => {
                    if let Some(client) = clients.get(client as usize / self.threads) {
                        client.publish(outgoing);
                    }
                }
                Order::Control(index) => control::receive(lane, index),
                Order::Cut(at) => clients.iter().for_each(|client| client.cut(at)),
                Order::Close => break,
            }
        }
        clients.iter().for_each(|client| client.close());
    }
}

/// The class of errors that are loadgen's own.
pub const BROKEN_TASK: &str = "internal";

async fn finished(task: JoinHandle<()>, lane: &Lane) {
    if let Err(error) = task.await {
        tracing::error!("a task of the generator broke: {error}");
        lane.recorder.borrow_mut().error(BROKEN_TASK);
    }
}

const TICK: Duration = Duration::from_millis(200);
const SECOND: Duration = Duration::from_secs(1);

/// Closes seconds as they end and notes each client's bytes in each second of the window.
async fn tick(lane: Rc<Lane>, clients: Rc<Vec<Rc<Client>>>) {
    let table = &lane.setting.table;
    let mut seen: Option<(Instant, Vec<u64>)> = None;
    let mut opened = None;
    loop {
        let due = next_tick(table.window_opens(), table.window_closes(), Instant::now());
        tokio::time::sleep_until(due.into()).await;
        let now = Instant::now();
        let mut recorder = lane.recorder.borrow_mut();
        recorder.turn(table.ns(now));
        recorder.show_p99();
        let (Some(opens), Some(closes)) = (table.window_opens(), table.window_closes()) else {
            continue;
        };
        if now < opens {
            continue;
        }
        if opened.is_none() {
            opened = Some(lane.wire_mark());
        }
        if now >= closes && lane.wire.get().is_none() {
            lane.wire.set(
                opened
                    .flatten()
                    .and_then(|mark| lane.wire_mark()?.since(mark)),
            );
        }
        if due > closes {
            continue;
        }
        recorder.ticked(now - due);
        let bytes = || clients.iter().map(|client| client.bytes()).collect();
        match &mut seen {
            None => seen = Some((now, bytes())),
            // A tick is late by a millisecond now and then, so seconds are measured, not assumed.
            Some((since, before)) if now - *since > SECOND - TICK / 2 => {
                let elapsed = (now - *since).as_secs_f64();
                let after: Vec<u64> = bytes();
                for (before, after) in before.iter().zip(&after) {
                    recorder.bandwidth(((after - before) as f64 / elapsed).round() as u64);
                }
                seen = Some((now, after));
            }
            Some(_) => {}
        }
    }
}

/// Ticks fall on the opening of the window, on every fifth of a second from there, and on its end.
fn next_tick(opens: Option<Instant>, closes: Option<Instant>, now: Instant) -> Instant {
    let Some(opens) = opens else {
        return now + TICK;
    };
    match now.checked_duration_since(opens) {
        None => now + (opens - now).min(TICK),
        Some(since) => {
            let passed = since.as_nanos() / TICK.as_nanos();
            let grid = opens + TICK * (passed as u32 + 1);
            closes
                .filter(|closes| now < *closes)
                .map_or(grid, |closes| grid.min(closes))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_fall_on_the_window() {
        let opens = Instant::now() + Duration::from_secs(10);
        let ms = Duration::from_millis;
        assert_eq!(next_tick(None, None, opens), opens + TICK);
        let closes = opens + ms(1100);
        let next = |now| next_tick(Some(opens), Some(closes), now);
        assert_eq!(next(opens - ms(900)), opens - ms(700));
        assert_eq!(next(opens - ms(50)), opens);
        assert_eq!(next(opens), opens + ms(200));
        assert_eq!(next(opens + ms(999)), opens + ms(1000));
        assert_eq!(next(opens + ms(1000)), closes);
        assert_eq!(next(closes), opens + ms(1200));
    }
}
