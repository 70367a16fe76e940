//! G11: what the harness adds by itself, at 50,000 events a second through a channel and no socket.
//! The figure is printed, for it is the machine's; that the path keeps up is asserted.

use crate::lab::{milliseconds, turn};
use loadgen::clients::control::null_path;
use std::time::Duration;

#[test]
fn fifty_thousand_events_a_second_cross_the_null_path() {
    let Some(_turn) = turn() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let path = null_path(50_000.0, Duration::from_secs(2));
    let found = runtime.block_on(path).unwrap();
    println!(
        "null path at 50,000/s: p50 {:.3} ms, p99 {:.3} ms, max {:.3} ms",
        milliseconds(found.p50),
        milliseconds(found.p99),
        milliseconds(found.max)
    );
    // One in fifty is timed; what is under way at the end may be cut off.
    assert!(found.count >= 1_980, "{} of 2,000 came", found.count);
    assert_eq!(found.negative, 0);
}
