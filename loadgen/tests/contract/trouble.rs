//! `[trouble]` on the way, each kind of it as the results show it: what was cut, what was lost, what
//! came back, what was late. The proxy's own tests are the server's.

use crate::harness::{plan, run_embedded};
use crate::{assert_sound, assert_valid};
use loadgen::plan::{TrialPlan, TroublePlan};
use loadgen::results::Trial;
use loadgen::scenario::Blocking;
use pushlab_server::wire::transport::Transport;
use std::time::Duration;
use strum::IntoEnumIterator;

fn run(plan: &TrialPlan) -> Trial {
    run_embedded(plan, env!("CARGO_BIN_EXE_loadgen").into()).trial
}

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn troubled(kind: Transport, trouble: TroublePlan) -> TrialPlan {
    let mut plan = plan(kind);
    plan.duration = ms(1500);
    plan.clients = 6;
    plan.rooms = 1;
    plan.server.trouble = trouble;
    plan
}

fn errors(trial: &Trial, class: &str) -> u64 {
    trial.errors.get(class).copied().unwrap_or(0)
}

#[test]
fn a_buffer_makes_streams_late_and_nothing_else() {
    for kind in Transport::iter() {
        let buffer = TroublePlan {
            buffer: Some(4096),
            ..TroublePlan::default()
        };
        let mut plan = troubled(kind, buffer);
        plan.publish.rate = 100.0;
        let trial = run(&plan);
        assert_sound(&trial);
        let median = trial.latency_us.delivery.p50.unwrap();
        // A hundred and some bytes an event: thirty and more wait for one another.
        let is_stream = matches!(kind, Transport::HttpStreaming | Transport::Sse);
        assert_eq!(median > 120_000, is_stream, "{kind}: {median}");
        assert_eq!(trial.reconnects, 0, "{kind}: {:?}", trial.errors);
    }
}

fn seldom(kind: Transport, trouble: TroublePlan) -> TrialPlan {
    let mut plan = troubled(kind, trouble);
    plan.warm_up = ms(0);
    plan.publish.rate = 1.0;
    plan
}

#[test]
fn idle_streams_are_cut_and_resume_unless_they_say_that_they_live() {
    let idle = TroublePlan {
        idle_cut: Some(ms(600)),
        ..TroublePlan::default()
    };
    for kind in Transport::iter().filter(|kind| kind.is_push()) {
        let mut plan = seldom(kind, idle.clone());
        let trial = run(&plan);
        assert_sound(&trial);
        assert!(
            trial.reconnects >= trial.clients,
            "{kind}: {}",
            trial.reconnects
        );
        // The last cut may find a client that has no more time to come back.
        let ended = errors(&trial, "ended");
        assert!(ended >= trial.reconnects, "{kind}: {:?}", trial.errors);
        plan.server.heartbeat = Some(ms(250));
        let trial = run(&plan);
        assert_sound(&trial);
        assert_eq!(trial.reconnects, 0, "{kind}: {:?}", trial.errors);
    }
}

#[test]
fn a_silent_cut_is_noticed_only_by_those_who_mind_silence() {
    let silent = TroublePlan {
        idle_cut: Some(ms(200)),
        silent: true,
        ..TroublePlan::default()
    };
    for kind in Transport::iter().filter(|kind| kind.is_push()) {
        let mut plan = seldom(kind, silent.clone());
        plan.graceful_stop = ms(200);
        let trial = run(&plan);
        assert_valid(&trial);
        assert!(trial.lost > 0, "{kind}: {:?}", trial.errors);
        assert_eq!(trial.reconnects, 0, "{kind}: {:?}", trial.errors);
        plan.transport.max_silence = Some(ms(450));
        plan.graceful_stop = ms(5_000);
        let trial = run(&plan);
        assert_sound(&trial);
        assert!(
            trial.reconnects >= trial.clients,
            "{kind}: {}",
            trial.reconnects
        );
        assert!(
            errors(&trial, "silence") >= trial.clients,
            "{kind}: {:?}",
            trial.errors
        );
    }
}

#[test]
fn repeated_cuts_lose_nothing_but_for_those_who_forget_their_place() {
    let cuts = TroublePlan {
        cut_every: Some(ms(600)),
        cut_for: Some(ms(300)),
        ..TroublePlan::default()
    };
    for kind in Transport::iter() {
        let trial = run(&troubled(kind, cuts.clone()));
        assert_sound(&trial);
        assert!(
            trial.reconnects >= trial.clients,
            "{kind}: {:?}",
            trial.errors
        );
        let refused = errors(&trial, "connect-connection-refused");
        assert!(refused > 0, "{kind}: {:?}", trial.errors);
    }
    let mut plan = troubled(Transport::Websocket, cuts);
    plan.transport.resume = false;
    plan.graceful_stop = ms(200);
    let trial = run(&plan);
    assert_valid(&trial);
    assert!(trial.lost > 0, "{:?}", trial.errors);
    assert_eq!(trial.duplicated, 0);
}

#[test]
fn a_blocked_upgrade_stops_a_websocket_and_nothing_else() {
    let block = TroublePlan {
        block_upgrade: Some(Blocking::Refuse),
        ..TroublePlan::default()
    };
    for kind in Transport::iter() {
        let trial = run(&troubled(kind, block.clone()));
        if kind != Transport::Websocket {
            assert_sound(&trial);
            continue;
        }
        assert!(!trial.valid);
        let told = "only 0 of 6 clients connected in time; most common error: status-403";
        assert!(trial.reasons[0].starts_with(told), "{:?}", trial.reasons);
    }
}
