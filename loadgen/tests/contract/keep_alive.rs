//! `keep_alive = false`: a connection for each poll, counted at both ends, and nothing lost by it.

use crate::harness::{Lab, plan};
use crate::{assert_sound, assert_valid};
use pushlab_server::wire::transport::Transport;

#[test]
fn each_poll_has_a_connection_of_its_own_or_shares_one() {
    for kind in [Transport::IntervalPolling, Transport::LongPolling] {
        for keep_alive in [true, false] {
            let lab = Lab::start(false);
            let mut plan = plan(kind);
            plan.transport.keep_alive = keep_alive;
            let outcome = lab.run(&plan);
            let trial = outcome.trial;
            assert_sound(&trial);
            assert_valid(&trial);
            assert!(trial.requests > 0, "{kind}");
            assert_eq!(trial.reconnects, 0, "{kind}: a new connection is no fault");
            assert_eq!(trial.errors.len(), 0, "{kind}: {:?}", trial.errors);
            match keep_alive {
                true => assert_eq!(trial.connects, 0, "{kind}: all are open by then"),
                // A poll that is under way at an edge of the window has one half of it outside.
                false => assert!(
                    trial.connects.abs_diff(trial.requests) <= 2 * trial.clients,
                    "{kind}: {} connections for {} requests",
                    trial.connects,
                    trial.requests
                ),
            }
            let bytes = &trial.bytes;
            assert_eq!(Some(bytes.up), trial.server.bytes_rx, "{kind}");
            assert_eq!(Some(bytes.down), trial.server.bytes_tx, "{kind}");
        }
    }
}
