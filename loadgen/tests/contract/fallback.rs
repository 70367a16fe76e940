//! `fallback`: where no WebSocket passes, a client goes on by long polling and hears everything; where
//! one passes, nothing changes.

use crate::assert_sound;
use crate::harness::{plan, run_embedded};
use loadgen::plan::{TrialPlan, TroublePlan};
use loadgen::results::Trial;
use loadgen::scenario::Blocking;
use pushlab_server::wire::transport::Transport;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_millis(400);

fn run(plan: &TrialPlan) -> Trial {
    run_embedded(plan, env!("CARGO_BIN_EXE_loadgen").into()).trial
}

fn falls_back(block_upgrade: Option<Blocking>) -> TrialPlan {
    let mut plan = plan(Transport::Websocket);
    plan.transport.fallback_after = Some(PATIENCE);
    plan.server.trouble = TroublePlan {
        block_upgrade,
        ..TroublePlan::default()
    };
    plan
}

#[test]
fn a_blocked_websocket_is_a_long_poll_from_then_on() {
    for blocking in [Blocking::Refuse, Blocking::Swallow] {
        let trial = run(&falls_back(Some(blocking)));
        assert_sound(&trial);
        assert_eq!(
            trial.errors["upgrade-blocked"], trial.clients,
            "{blocking:?}"
        );
        assert_eq!(trial.errors.len(), 1, "{blocking:?}: {:?}", trial.errors);
        assert!(trial.requests > 0, "{blocking:?}: it asks");
        assert_eq!(
            trial.latency_us.connect.count, trial.clients,
            "{blocking:?}"
        );
        // What is swallowed costs the whole patience, and that is part of connecting.
        let fastest = trial.latency_us.connect.min.unwrap();
        let waited = fastest >= PATIENCE.as_micros() as i64;
        assert_eq!(waited, blocking == Blocking::Swallow, "{fastest}");
    }
}

#[test]
fn a_websocket_that_passes_stays_one() {
    let trial = run(&falls_back(None));
    assert_sound(&trial);
    assert_eq!(trial.errors.len(), 0, "{:?}", trial.errors);
    assert_eq!(trial.requests, 0, "nothing is asked for");
}
