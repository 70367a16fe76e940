//! The teaching page cuts bytes into kinds by a program of its own, in JavaScript. Here both read the
//! same connections: what loadgen counted while it ran, and what the page's dissector makes of the
//! bytes that a proxy saw pass. Without node it is left out, and that is said; not where `CI` is set.

use crate::assert_sound;
use crate::harness::{Lab, plan};
use crate::proxy::Proxy;
use loadgen::plan::PublishBy;
use pushlab_server::wire::transport::Transport;
use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};
use strum::IntoEnumIterator;

fn dissected(capture: &str) -> BTreeMap<String, u64> {
    let program = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../server/tests/page/dissect.js"
    );
    let mut node = Command::new("node")
        .arg(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = node.stdin.take().unwrap();
    input.write_all(capture.as_bytes()).unwrap();
    drop(input);
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "the dissector failed, see above");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// With its head.
const MOST_OF_AN_EMPTY_ANSWER: u64 = 250;

/// A client that is told to close reads the answer of its last poll and looks into it no more; the page
/// does not know of that.
fn settle_open_polls(page: &BTreeMap<String, u64>, counted: &mut BTreeMap<String, u64>, most: u64) {
    let unread = counted["framing"].saturating_sub(page["framing"]);
    assert!(unread <= most, "{unread} bytes of answers were not read");
    counted
        .entry("framing".to_owned())
        .and_modify(|bytes| *bytes -= unread);
    counted
        .entry("empty_polls".to_owned())
        .and_modify(|bytes| *bytes += unread);
}

#[test]
fn the_page_gives_every_byte_the_kind_that_loadgen_gives_it() {
    if let Err(error) = Command::new("node").arg("--version").output() {
        let is_ci = std::env::var_os("CI").is_some();
        assert!(
            !is_ci,
            "CI compares with the page: node is missing ({error})"
        );
        println!("left out: no node on this machine ({error})");
        return;
    }
    for kind in Transport::iter() {
        for by in [PublishBy::Publisher, PublishBy::Clients] {
            let lab = Lab::start(false);
            let proxy = Proxy::start(lab.public(), 16 * 1024);
            let mut plan = plan(kind);
            plan.publish.by = by;
            let trial = lab.run_through(proxy.address, &plan).trial;
            assert_sound(&trial);
            let mut page = dissected(&proxy.capture());
            let name = format!("{kind} by {by:?}");
            assert_eq!(page.remove("not_understood"), Some(0), "{name}");
            let kinds = trial.bytes.by_kind.entries();
            let counted = kinds.map(|(kind, bytes)| (kind.to_owned(), bytes));
            let mut counted: BTreeMap<_, _> = counted.into_iter().collect();
            if kind == Transport::IntervalPolling {
                let most = trial.clients * MOST_OF_AN_EMPTY_ANSWER;
                settle_open_polls(&page, &mut counted, most);
            }
            assert_eq!(page, counted, "{name}");
        }
    }
}
