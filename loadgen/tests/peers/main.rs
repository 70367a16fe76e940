//! Other people's servers, driven by loadgen as `scenarios/peers` has it, and once more by a client that
//! shares no line with it: both must agree on latency and bytes. Where node, its packages, nginx or Nchan
//! is missing this says so and passes, except in CI. How fast anybody is decides nothing here.

// A test fails by it.
#![allow(clippy::unwrap_used)]

mod nchan;
mod observer;
mod server;

use loadgen::results::{Results, Trial};
use observer::Observed;
use server::{Peer, Peers};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use tempfile::TempDir;

/// Tests measure; two at a time would measure each other.
static TURN: Mutex<()> = Mutex::new(());

const PEERS: &str = "peers.toml";
const IDLE: &str = "idle-peers.toml";
const CLIENTS: u32 = 20;
const RATE: u32 = 50;
const SECONDS: u32 = 2;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/peers")
}

/// What this machine lacks.
fn missing() -> Option<&'static str> {
    let succeeds = |program: &str, argument: &str| {
        let output = Command::new(program).arg(argument).output();
        output.is_ok_and(|output| output.status.success())
    };
    let browser = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser");
    if !succeeds("node", "--version") {
        Some("node (apt-get install nodejs)")
    } else if !folder().join("node_modules/socket.io").is_dir() {
        Some("socket.io (npm ci --prefix scenarios/peers)")
    } else if !browser.join("node_modules/socket.io-client").is_dir() {
        Some("socket.io-client (npm ci --prefix loadgen/tests/browser)")
    } else if !nchan::is_here() {
        Some("nginx with Nchan (apt-get install libnginx-mod-nchan)")
    } else {
        None
    }
}

fn skipped() -> bool {
    let Some(missing) = missing() else {
        return false;
    };
    let ci = std::env::var_os("CI").is_some_and(|value| !value.is_empty());
    assert!(!ci, "CI has no {missing}");
    println!("skipped: no {missing}");
    true
}

/// The scenarios and their servers in a folder of their own, with a load that this machine hardly feels.
fn small() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::copy(&path, home.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    let modules = folder().canonicalize().unwrap().join("node_modules");
    std::os::unix::fs::symlink(modules, home.path().join("node_modules")).unwrap();
    let changes = [
        ("clients", CLIENTS.to_string()),
        ("rate", RATE.to_string()),
        ("duration", format!("\"{SECONDS}s\"")),
        ("ramp", "\"100ms\"".to_owned()),
        ("warm_up", "\"500ms\"".to_owned()),
        ("repeats", "1".to_owned()),
    ];
    rewrite(&home.path().join(PEERS), &changes);
    let changes = changes.into_iter().filter(|(key, _)| *key != "rate");
    rewrite(&home.path().join(IDLE), &changes.collect::<Vec<_>>());
    home
}

/// Other values for keys that stand at the beginning of a line, and nothing expected: what it costs is for
/// a machine that does nothing else.
fn rewrite(file: &Path, changes: &[(&str, String)]) {
    let text = fs::read_to_string(file).unwrap();
    let until = text.find("\n[expect]").unwrap_or(text.len());
    let mut lines: Vec<String> = text[..until].lines().map(str::to_owned).collect();
    for (key, value) in changes {
        let begins = format!("{key} = ");
        let line = lines.iter_mut().find(|line| line.starts_with(&begins));
        *line.unwrap() = format!("{begins}{value}");
    }
    fs::write(file, lines.join("\n")).unwrap();
}

fn run(home: &Path, file: &str, more: &[&str]) -> Results {
    let output = Command::new(env!("CARGO_BIN_EXE_loadgen"))
        .current_dir(home)
        .args(["run", file, "--no-progress", "--output-format", "json"])
        .args(more)
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
}

fn of<'a>(results: &'a Results, name: &str) -> &'a Trial {
    results
        .trials
        .iter()
        .find(|trial| trial.name == name)
        .unwrap()
}

#[test]
fn every_server_delivers_to_loadgen_and_is_measured() {
    if skipped() {
        return;
    }
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let home = small();
    let results = run(home.path(), PEERS, &[]);
    let names: Vec<String> = (Peers::read().all.into_iter())
        .map(|peer| peer.name)
        .collect();
    assert_eq!(results.trials.len(), names.len());
    for name in &names {
        let trial = of(&results, name);
        let told = format!("{name}: {:?} {:?}", trial.reasons, trial.errors);
        assert!(trial.expected >= u64::from(CLIENTS * RATE), "{told}");
        assert_eq!((trial.lost, trial.duplicated), (0, 0), "{told}");
        assert_eq!(trial.delivered, trial.expected, "{told}");
        assert!(trial.server.cpu_s.is_some(), "{told}");
        assert!(trial.server.rss_per_connection.is_some(), "{told}");
        assert!(trial.bytes.per_delivery.unwrap() >= 128.0, "{told}");
    }
}

#[test]
fn every_server_keeps_clients_that_only_wait() {
    if skipped() {
        return;
    }
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let home = small();
    let results = run(home.path(), IDLE, &[]);
    assert!(results.trials.len() >= 9, "{}", results.trials.len());
    for trial in &results.trials {
        let told = format!("{}: {:?} {:?}", trial.name, trial.reasons, trial.errors);
        assert!(trial.server.rss_ready > Some(0), "{told}");
        assert_eq!((trial.published, trial.reconnects), (0, 0), "{told}");
    }
}

/// Both medians are within this factor of each other, and a stretch that a busy machine may add.
const FACTOR: f64 = 3.0;
const SLACK_US: f64 = 3_000.0;

#[test]
fn a_second_client_measures_the_same() {
    if skipped() {
        return;
    }
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let home = small();
    let peers = Peers::read();
    let foreign: Vec<&Peer> = peers.all.iter().filter(|peer| peer.way.is_some()).collect();
    let names: Vec<&str> = foreign.iter().map(|peer| peer.name.as_str()).collect();
    assert_eq!(names.len(), 7, "{names:?}");
    let results = run(home.path(), PEERS, &["--only", &names.join(",")]);
    for peer in foreign {
        agree(peer, of(&results, &peer.name), home.path());
    }
}

/// What differs three times in a row is no neighbour's doing.
fn agree(peer: &Peer, trial: &Trial, home: &Path) {
    let mut found = compare(trial, &observer::observe(peer, CLIENTS, RATE, SECONDS));
    for _ in 0..2 {
        if found.is_ok() {
            break;
        }
        let again = run(home, PEERS, &["--only", &peer.name]);
        let observed = observer::observe(peer, CLIENTS, RATE, SECONDS);
        found = compare(of(&again, &peer.name), &observed);
    }
    println!("{}", found.unwrap());
}

fn compare(trial: &Trial, observed: &Observed) -> Result<String, String> {
    let (ours, theirs) = (
        trial.latency_us.delivery.p50.unwrap() as f64,
        observed.p50_us,
    );
    let bytes = trial.bytes.per_delivery.unwrap();
    let said = format!(
        "{:22} p50 {ours:.0} µs here, {theirs:.0} µs there; {bytes:.1} bytes here, {} there",
        trial.name,
        observed
            .bytes_per_delivery
            .map_or("–".to_owned(), |bytes| format!("{bytes:.1}")),
    );
    let counts = (
        trial.lost,
        trial.duplicated,
        observed.lost,
        observed.repeated,
    );
    if counts != (0, 0, 0, 0) {
        return Err(format!("{said}; lost and doubled: {counts:?}"));
    }
    if ours.max(theirs) > ours.min(theirs) * FACTOR + SLACK_US {
        return Err(format!("{said}: too far apart"));
    }
    match observed.bytes_per_delivery {
        Some(theirs) if (bytes - theirs).abs() > theirs / 100.0 => {
            Err(format!("{said}: not the same bytes"))
        }
        _ => Ok(said),
    }
}
