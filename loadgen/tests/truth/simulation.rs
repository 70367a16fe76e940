//! G9, and of G6 what one machine can show: the generator's own path from a payload to a report,
//! through token, ledger, histograms and timeline, without sockets and on a made-up clock, so that
//! an hour takes seconds.

use crate::lab::{plan, turn};
use loadgen::lane::{Lane, Setting};
use loadgen::net::dial::Endpoint;
use loadgen::plan::TrialPlan;
use loadgen::recorder::{Recording, SecondSample};
use loadgen::results::TimelineRow;
use loadgen::sample::{self, Sink};
use loadgen::table::{EventIndex, Table};
use loadgen::timeline::Timeline;
use loadgen::token::RunTag;
use loadgen::totals::Totals;
use loadgen::usage::OwnUsage;
use pushlab_server::wire::transport::Transport;
use std::process::Command;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// One thread's clients, all in one room.
pub struct Simulation {
    lane: Rc<Lane>,
    /// By client.
    sinks: Vec<(usize, Sink)>,
    seconds: mpsc::UnboundedReceiver<SecondSample>,
    timeline: Timeline,
    body: Vec<u8>,
}

impl Simulation {
    pub fn new(plan: &TrialPlan) -> Simulation {
        Simulation::share(plan, 0, 1)
    }

    /// Every `of`-th client, from `number` on.
    pub fn share(plan: &TrialPlan, number: usize, of: usize) -> Simulation {
        let zero = Instant::now();
        let table = Arc::new(Table::new(plan, zero));
        table.begin(zero);
        let nowhere = Endpoint {
            address: "127.0.0.1:1".parse().unwrap(),
            host: String::new(),
            prefix: String::new(),
            secure: None,
        };
        let setting = Arc::new(Setting {
            plan: plan.clone(),
            direct: nowhere.clone(),
            endpoint: nowhere,
            tag: RunTag::from_number(11),
            table,
            cookies: Vec::new(),
            manner: Default::default(),
        });
        let (sender, seconds) = mpsc::unbounded_channel();
        let lane = Rc::new(Lane::new(
            setting,
            Arc::new(Totals::default()),
            sender,
            None,
        ));
        Simulation {
            sinks: (number..plan.clients)
                .step_by(of)
                .map(|client| (client, Sink::new(lane.clone(), client as u32, 0)))
                .collect(),
            lane,
            seconds,
            timeline: Timeline::default(),
            body: Vec::new(),
        }
    }

    pub fn events(&self) -> EventIndex {
        self.lane.setting.table.events().len() as EventIndex
    }

    fn intended(&self, index: EventIndex) -> Instant {
        let table = &self.lane.setting.table;
        table.intended(table.event(index)).unwrap()
    }

    /// Sent when it is due, and received by each client as much later as `after` says.
    pub fn event(&mut self, index: EventIndex, after: impl Fn(usize) -> Duration) {
        let setting = self.lane.setting.clone();
        let due = self.intended(index);
        sample::sending(&self.lane, index, due);
        self.body.clear();
        let token = setting.table.token(index);
        (setting.tag).write_publish(token, setting.plan.publish.payload, &mut self.body);
        for (client, sink) in &self.sinks {
            sink.receive_at(&self.body, due + after(*client));
        }
        while let Ok(second) = self.seconds.try_recv() {
            self.timeline.add(second);
        }
    }

    pub fn finish(mut self) -> (Recording, Vec<TimelineRow>) {
        let recording = self.lane.recorder.borrow_mut().finish();
        while let Ok(second) = self.seconds.try_recv() {
            self.timeline.add(second);
        }
        (recording, self.timeline.finish())
    }
}

pub fn spread(plan: &mut TrialPlan, clients: usize, rate: f64, duration: Duration) {
    plan.clients = clients;
    plan.rooms = 1;
    plan.warm_up = Duration::ZERO;
    plan.duration = duration;
    plan.publish.rate = rate;
}

/// Latencies that an event draws and that grow from client to client, up to 34 ms: all receipts of
/// an event come before the next is due, as the clock of one thread has it.
pub fn drawn(index: EventIndex) -> impl Fn(usize) -> Duration {
    let step = u64::from(index.wrapping_mul(0x9e37_79b9) >> 16) % 34;
    move |client| Duration::from_micros(100 + step * client as u64)
}

/// In a process of its own: what other tests have left of this one's heap is not to be told from
/// what the samples took.
#[test]
fn a_hundred_million_samples_need_no_memory() {
    let Some(_turn) = turn() else { return };
    let ended = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--nocapture", "--exact"])
        .arg("simulation::an_hour_of_samples")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    println!("{said}{}", String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success() && said.contains("1 passed"));
}

/// All events of an hour are drawn up before the first is sent; what is received since adds
/// nothing to that but a row a second.
#[test]
#[ignore = "a_hundred_million_samples_need_no_memory starts it in a process of its own"]
fn an_hour_of_samples() {
    const HOUR: Duration = Duration::from_secs(3_600);
    let mut plan = plan(Transport::Websocket);
    spread(&mut plan, 1_000, 28.0, HOUR);
    let mut simulation = Simulation::new(&plan);
    let events = simulation.events();
    let rss = || OwnUsage::now().rss.unwrap() as f64 / 1e6;
    let warm = events / 100;
    (0..warm).for_each(|index| simulation.event(index, drawn(index)));
    let before = rss();
    let mut most = before;
    for index in warm..events {
        simulation.event(index, drawn(index));
        if index % 1_000 == 0 {
            most = most.max(rss());
        }
    }
    let (recording, timeline) = simulation.finish();
    let after = most.max(rss());
    println!(
        "{} samples, {} seconds: {before:.1} MB of memory after 1 %, {after:.1} MB at most",
        recording.delivery.count(),
        timeline.len()
    );
    assert!(recording.delivered >= 100_000_000);
    assert_eq!(recording.delivery.count(), u64::from(events) * 1_000);
    assert_eq!((recording.duplicated, recording.out_of_order), (0, 0));
    let rows: u64 = timeline.iter().map(|row| row.deliveries).sum();
    assert_eq!(rows, recording.delivered);
    assert!(after - before < 5.0, "it grew by {:.1} MB", after - before);
}

/// A clock that lies ahead of another makes samples below 0. They are samples: counted, kept
/// in their place, and never taken for 0.
#[test]
fn samples_below_zero_are_kept() {
    let mut plan = plan(Transport::Websocket);
    spread(&mut plan, 4, 50.0, Duration::from_secs(10));
    let simulation = Simulation::new(&plan);
    let setting = simulation.lane.setting.clone();
    let ms = Duration::from_millis;
    let mut body = Vec::new();
    for index in 1..simulation.events() {
        let due = simulation.intended(index);
        sample::sending(&simulation.lane, index, due);
        body.clear();
        (setting.tag).write_publish(setting.table.token(index), 64, &mut body);
        for (client, sink) in &simulation.sinks {
            let seen = if *client == 3 {
                due + ms(20)
            } else {
                due - ms(10)
            };
            sink.receive_at(&body, seen);
        }
    }
    let samples = 4 * (u64::from(simulation.events()) - 1);
    let (recording, timeline) = simulation.finish();
    let found = recording.delivery.distribution();
    assert_eq!((found.count, found.negative), (samples, samples / 4 * 3));
    assert_eq!(
        (found.min, found.p50, found.max),
        (Some(-10_000), Some(-10_000), Some(20_000))
    );
    // (3 × −10 + 20) / 4, to a bucket's width.
    assert!((found.mean.unwrap() + 2_500.0).abs() < 10.0, "{found:?}");
    assert_eq!(
        timeline.iter().map(|row| row.deliveries).sum::<u64>(),
        samples
    );
    let rows = timeline.iter().filter(|row| row.deliveries > 0);
    let medians: Vec<_> = rows.map(|row| row.p50_us).collect();
    // What the last event's late subscriber saw stands alone in a second of its own.
    assert_eq!(medians[..10], [Some(-10_000); 10]);
    assert_eq!(medians[10..], [Some(20_000)]);
}
