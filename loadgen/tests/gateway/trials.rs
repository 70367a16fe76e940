//! Whole trials through nginx, as a run has them: nothing delayed by more than a second, nothing cut,
//! nothing lost; and where nginx is short of patience, who is cut and what keeps them.

use crate::{defaults, gateway, nginx_is_here, program, recommended};
use loadgen::plan::{GatewayPlan, PublishBy, PublishPlan, TrialPlan};
use loadgen::progress::Live;
use loadgen::results::Trial;
use loadgen::target::Target;
use loadgen::trial::{self, Options};
use pushlab_server::wire::transport::Transport;
use std::time::Duration;
use strum::IntoEnumIterator;
use tokio::sync::watch;

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn plan(kind: Transport, gateway: GatewayPlan) -> TrialPlan {
    let trial = TrialPlan::new(kind);
    let mut plan = TrialPlan {
        seed: 5,
        clients: 12,
        rooms: 3,
        warm_up: ms(200),
        duration: ms(600),
        publish: PublishPlan {
            rate: 50.0,
            by: PublishBy::Clients,
            ..trial.publish.clone()
        },
        ..trial
    };
    plan.transport.interval = ms(100);
    plan.server.gateway = Some(gateway);
    plan
}

fn run(plan: &TrialPlan) -> Trial {
    let (_stop, stopped) = watch::channel(false);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let options = Options {
        threads: 1,
        program: Some(program()),
    };
    let live = Live::default();
    let running = trial::run_with(plan, &Target::Embedded, &live, stopped, &options);
    runtime.block_on(running).unwrap().trial
}

/// Each transport on a thread of its own: most of such a trial is waiting.
fn run_all(
    kinds: impl Iterator<Item = Transport>,
    make: impl Fn(Transport) -> TrialPlan,
) -> Vec<Trial> {
    let plans: Vec<TrialPlan> = kinds.map(make).collect();
    std::thread::scope(|scope| {
        let running: Vec<_> = plans.iter().map(|plan| scope.spawn(|| run(plan))).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

/// A machine that is busy with other tests may hold up this one, so that the generator is blamed.
fn assert_nothing_lost(trial: &Trial) {
    let name = &trial.name;
    let mut reasons = trial.reasons.iter();
    assert!(
        reasons.all(|reason| reason.starts_with("the generator was the bottleneck")),
        "{name}: {:?} {:?}",
        trial.reasons,
        trial.errors
    );
    assert!(trial.published > 0, "{name}");
    let wrong = (
        trial.lost,
        trial.duplicated,
        trial.out_of_order,
        trial.missed,
    );
    assert_eq!(wrong, (0, 0, 0, 0), "{name}: {:?}", trial.errors);
}

fn assert_untouched(trial: &Trial) {
    assert_nothing_lost(trial);
    let name = &trial.name;
    assert_eq!(trial.errors.len(), 0, "{name}: {:?}", trial.errors);
    assert_eq!(trial.reconnects, 0, "{name}");
    let latest = trial.latency_us.delivery.max.unwrap();
    assert!(latest < 1_000_000, "{name}: {latest} µs");
}

#[test]
fn nothing_is_held_back_or_cut_by_nginx_with_its_defaults() {
    if !nginx_is_here() {
        return;
    }
    for configuration in [defaults(), recommended()] {
        let trials = run_all(Transport::iter(), |kind| {
            plan(kind, gateway(&configuration, None))
        });
        for trial in trials {
            assert_untouched(&trial);
            // What stands between has heads of its own: the two ends do not count the same bytes.
            assert!(trial.server.bytes_tx > Some(0), "{}", trial.name);
            assert_ne!(
                trial.server.bytes_tx,
                Some(trial.bytes.down),
                "{}",
                trial.name
            );
            let kinds = trial.bytes.by_kind.total();
            assert_eq!(kinds, trial.bytes.up + trial.bytes.down, "{}", trial.name);
        }
    }
}

/// Silence of a second and a half between two events, and nginx waits for one.
fn impatient(kind: Transport, heartbeat: Duration, hold: Duration) -> TrialPlan {
    let mut plan = plan(kind, gateway(&defaults(), Some(ms(1000))));
    plan.clients = 4;
    plan.rooms = 1;
    plan.duration = ms(3000);
    plan.warm_up = ms(0);
    plan.publish = PublishPlan {
        rate: 0.6,
        by: PublishBy::Publisher,
        ..plan.publish
    };
    plan.transport.hold = hold;
    plan.server.heartbeat = Some(heartbeat);
    plan
}

fn who_wait() -> impl Iterator<Item = Transport> {
    Transport::iter().filter(|kind| kind.is_push() || *kind == Transport::LongPolling)
}

#[test]
fn silence_is_cut_and_nothing_is_lost_by_it() {
    if !nginx_is_here() {
        return;
    }
    let hour = Duration::from_secs(3600);
    for trial in run_all(who_wait(), |kind| impatient(kind, hour, ms(25_000))) {
        assert_nothing_lost(&trial);
        let name = &trial.name;
        let class = match trial.transport {
            Transport::LongPolling => "status-504",
            _ => "ended",
        };
        assert!(
            trial.reconnects >= trial.clients,
            "{name}: {:?}",
            trial.errors
        );
        assert!(
            trial.errors[class] >= trial.clients,
            "{name}: {:?}",
            trial.errors
        );
    }
}

#[test]
fn a_heartbeat_or_a_hold_within_its_patience_keeps_everyone() {
    if !nginx_is_here() {
        return;
    }
    for trial in run_all(who_wait(), |kind| impatient(kind, ms(250), ms(400))) {
        assert_untouched(&trial);
    }
}
