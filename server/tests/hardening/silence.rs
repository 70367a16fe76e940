//! Peers that are gone without a word. A WebSocket that answers no ping ends; any frame counts as life. Where
//! this system has network namespaces, one of its own loses every packet: each transport notices.

use crate::harness::{LIMIT, Server};
use crate::subscribe::{STREAMS, ask, open, request, until};
use pushlab_server::wire::transport::Transport;
use std::process::Command;
use std::thread;
use std::time::Duration;

#[test]
fn a_missed_pong_ends_a_websocket_that_reads_on() {
    let server = Server::start(&["--ping-interval", "0.2"]);
    let mut mute = open(&server, Transport::Websocket, "KPL");
    mute.read_to_end_or_reset();
    server.wait_for_figure("websocket", "open", 0, LIMIT);
    assert_eq!(server.usage()["ended"]["no-pong"], 1);
}

#[test]
fn a_client_that_talks_is_alive_without_a_pong() {
    let server = Server::start(&["--ping-interval", "0.4"]);
    let mut client = open(&server, Transport::Websocket, "KPL");
    for _ in 0..20 {
        // A text frame of one byte, masked with zeros: published as a line of chat.
        client.send(b"\x81\x81\0\0\0\0x");
        thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(server.figure("websocket", "open"), 1);
    assert_eq!(server.usage()["ended"]["no-pong"], 0);
}

/// Says which process is the one in the namespace.
const INSIDE: &str = "PUSHLAB_TEST_NAMESPACE";

#[test]
fn silent_death_is_noticed_on_every_transport() {
    if std::env::var_os(INSIDE).is_some() {
        return lose_every_packet();
    }
    let ours = "silence::silent_death_is_noticed_on_every_transport";
    if let Err(why) = try_a_namespace() {
        eprintln!("skipped: this system gives a test no network namespace (unshare -Urn): {why}");
        let is_ci = std::env::var_os("CI").is_some();
        assert!(!(is_ci && may_administer()), "CI may have one: {why}");
        return;
    }
    let output = Command::new("unshare")
        .arg("-Urn")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", ours, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn try_a_namespace() -> Result<(), String> {
    let tried = Command::new("unshare")
        .args(["-Urn", "ip", "link", "set", "lo", "up"])
        .output()
        .map_err(|error| error.to_string())?;
    match tried.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&tried.stderr).into_owned()),
    }
}

/// Whether this process has CAP_SYS_ADMIN, which makes namespaces wherever there are any. Without it, many
/// systems allow none, those of public CI among them.
fn may_administer() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok());
    effective.is_some_and(|bits| bits & 1 << 21 != 0)
}

fn set_loopback(state: &str) {
    let set = Command::new("ip")
        .args(["link", "set", "lo", state])
        .status();
    assert!(set.unwrap().success());
}

fn lose_every_packet() {
    set_loopback("up");
    let server = Server::start(&[
        "--unread-timeout",
        "1",
        "--ping-interval",
        "1",
        "--stream-heartbeat",
        "1",
        "--max-hold",
        "1",
    ]);
    let cursor = server.head_cursor("KPL");
    let streams = STREAMS.map(|transport| open(&server, transport, "KPL"));
    let mut poll = server.connect();
    poll.send(request(Transport::LongPolling, "KPL", Some(&cursor)));
    server.wait_for_figure("long-polling", "open", 1, LIMIT);
    set_loopback("down");
    // A heartbeat, ping or hold of 1 s, then 1 s without an answer; the rest is slack.
    thread::sleep(Duration::from_secs(5));
    set_loopback("up");
    let usage = server.usage();
    for transport in STREAMS.into_iter().chain([Transport::LongPolling]) {
        let open = &usage["transports"][transport.name()]["open"];
        assert_eq!(*open, 0, "{transport:?} was not noticed: {usage}");
    }
    let ended = |reason: &str| usage["ended"][reason].as_u64().unwrap();
    assert_eq!(ended("unread") + ended("no-pong"), 4, "{usage}");
    drop((streams, poll));
    // It serves on.
    let mut next = server.connect();
    ask(&mut next, Transport::Sse, "KPL");
    until("a newcomer is served", LIMIT, || {
        server.figure("sse", "open") == 1
    });
}
