//! G3: a server that drops, repeats and swaps 1 event in 1,000 each. The counts follow from its
//! seed, so they are known before the run, and they are exact on every transport, also where
//! connections are cut in the middle of an answer, a chunk or a frame.

use crate::lab::{milliseconds, plan, run, turn};
use crate::server::{Faults, Script, Seed, TruthServer};
use loadgen::plan::TrialPlan;
use loadgen::results::Trial;
use loadgen::table::Table;
use pushlab_server::wire::transport::Transport;
use std::thread;
use std::time::{Duration, Instant};

fn busy(kind: Transport) -> TrialPlan {
    let mut plan = plan(kind);
    plan.clients = 6;
    plan.rooms = 3;
    plan.ramp = Duration::from_millis(50);
    // Faults count from the first event.
    plan.warm_up = Duration::ZERO;
    plan.duration = Duration::from_secs(4);
    plan.graceful_stop = Duration::from_millis(1_500);
    plan.transport.interval = Duration::from_millis(20);
    plan.publish.rate = 1_500.0;
    plan
}

/// What each room's subscribers meet, and the sum over all subscribers.
fn expected(plan: &TrialPlan, script: &Script) -> Faults {
    let table = Table::new(plan, Instant::now());
    let mut sum = Faults::default();
    for room in 0..plan.rooms {
        let events: u32 = table.publishers(room).map(|(_, events)| events).sum();
        let faults = script.faults_of(&format!("room-{room}"), u64::from(events));
        assert!(
            faults.dropped.min(faults.repeated).min(faults.swapped) > 0,
            "{faults:?} would not show what is missed"
        );
        let subscribers = table.subscribers(room as u32);
        sum.dropped += faults.dropped * subscribers;
        sum.repeated += faults.repeated * subscribers;
        sum.swapped += faults.swapped * subscribers;
    }
    sum
}

fn counted(trial: &Trial) -> Faults {
    Faults {
        dropped: trial.lost,
        repeated: trial.duplicated,
        swapped: trial.out_of_order,
    }
}

/// All five at once: no figure here depends on time.
fn each_faulty(script: Script, check: impl Fn(&Trial, &TruthServer) + Sync) {
    thread::scope(|scope| {
        for kind in Transport::in_rooms() {
            let check = &check;
            scope.spawn(move || {
                let plan = busy(kind);
                let server = TruthServer::start(script);
                let trial = run(&server.target(), &plan);
                let found = (trial.published, trial.errors.clone());
                assert_eq!(
                    counted(&trial),
                    expected(&plan, &script),
                    "{kind}: {found:?}"
                );
                assert_eq!(trial.delivered + trial.lost, trial.expected, "{kind}");
                assert_eq!(trial.latency_us.delivery.count, trial.delivered, "{kind}");
                assert_eq!(trial.missed, 0, "{kind}");
                println!(
                    "{kind}: {} published, {:?}, {} cuts",
                    trial.published,
                    counted(&trial),
                    server.cuts()
                );
                check(&trial, &server);
            });
        }
    });
}

const FAULTY: Script = Script {
    delay: Duration::ZERO,
    faults: Some(Seed(250)),
    slow_accept: Duration::ZERO,
    cut_every: None,
    bare: false,
};

#[test]
fn every_fault_is_counted_once() {
    let Some(_turn) = turn() else { return };
    each_faulty(FAULTY, |trial, _| {
        assert!(trial.errors.is_empty(), "{:?}", trial.errors);
        assert_eq!(trial.reconnects, 0);
    });
}

#[test]
fn every_fault_is_counted_once_across_reconnects() {
    let Some(_turn) = turn() else { return };
    let script = Script {
        cut_every: Some(397),
        ..FAULTY
    };
    each_faulty(script, |trial, server| {
        assert!(server.cuts() >= 3 * trial.clients, "{}", trial.transport);
        assert_eq!(trial.reconnects, server.cuts(), "{}", trial.transport);
        assert_eq!(trial.errors.get("ended"), Some(&server.cuts()));
    });
}

/// Connections wait for one another, the last of eight for eight pauses but for what it came late
/// itself. Events do not.
#[test]
fn a_slow_accept_delays_connecting_and_nothing_else() {
    let Some(_turn) = turn() else { return };
    const ACCEPT: Duration = Duration::from_millis(60);
    let connected = |kind: Transport| {
        let server = TruthServer::start(Script {
            slow_accept: ACCEPT,
            ..Script::default()
        });
        let mut plan = plan(kind);
        plan.clients = 8;
        plan.ramp = Duration::ZERO;
        plan.duration = Duration::from_secs(1);
        plan.transport.interval = Duration::from_millis(20);
        let trial = run(&server.target(), &plan);
        let (connect, delivery) = (&trial.latency_us.connect, &trial.latency_us.delivery);
        let (first, last) = (milliseconds(connect.min), milliseconds(connect.max));
        println!("{kind}: connected after {first:.1} to {last:.1} ms");
        assert_eq!((trial.lost, trial.delivered), (0, trial.expected), "{kind}");
        assert_eq!(connect.count, 8, "{kind}");
        assert!(
            first >= 60.0 && last >= 7.5 * 60.0,
            "{kind}: {first} to {last} ms"
        );
        assert!(milliseconds(delivery.p50) < 30.0, "{kind}");
    };
    thread::scope(|scope| {
        for kind in Transport::in_rooms() {
            scope.spawn(move || connected(kind));
        }
    });
}
