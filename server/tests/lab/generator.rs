//! Runs of loadgen as a page sees them. The program that runs here is a script that says, waits and
//! writes what loadgen would; the real one is tried in loadgen's own tests (`cli/lab.rs`).

use crate::gone::Program;
use crate::harness::{LIMIT, Server};
use crate::page::Page;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tempfile::TempDir;

/// Says its arguments and its process id, then waits for the end of its stdin where `MODE` is `wait`.
const SCRIPT: &str = r#"#!/bin/sh
echo "pid $$" >&2
[ "$1" = run ] && [ "$3" = --out ] || { echo "odd arguments: $*" >&2; exit 104; }
grep '^title' "$2" >&2
echo "variables ${LOADGEN_CLIENTS:-none}" >&2
if [ "$MODE" = odd ]; then printf '\377\376 odd\n' >&2; echo after >&2; fi
if [ "$MODE" = deaf ]; then exec sleep 600 2>&-; fi
if [ "$MODE" = wait ]; then cat > /dev/null; fi
if [ "$MODE" = fail ]; then echo "error: no such luck" >&2; exit 104; fi
mkdir -p "$4"
echo '{"trials":[{"latency_us":{"delivery":{"hdr":"a"},"connect":{"hdr":"b"}}}],"stamp":"'"$4"'"}' > "$4/results.json"
if [ "$MODE" = wait ]; then exit 105; fi
exit 99
"#;

/// A server whose generator is the script in this mode, and the folder that it lives in.
fn lab(mode: &str) -> (Server, TempDir) {
    let home = tempfile::tempdir().unwrap();
    let program = script(home.path(), mode);
    let reports = home.path().join("reports");
    let flags = [
        "--workers",
        "1",
        "--loadgen",
        program.to_str().unwrap(),
        "--reports",
        reports.to_str().unwrap(),
    ];
    (Server::start_with(&flags), home)
}

fn script(folder: &Path, mode: &str) -> PathBuf {
    let program = folder.join("loadgen");
    fs::write(&program, SCRIPT.replace("$MODE", mode)).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    program
}

/// The same as a process, with the folder of its temporary files.
fn program(mode: &str) -> (Program, PathBuf, TempDir) {
    let home = tempfile::tempdir().unwrap();
    let loadgen = script(home.path(), mode);
    let (reports, temporary) = (home.path().join("reports"), home.path().join("temporary"));
    fs::create_dir(&temporary).unwrap();
    let flags = [
        "--loadgen",
        loadgen.to_str().unwrap(),
        "--reports",
        reports.to_str().unwrap(),
    ];
    let program = Program::start_with_temporary(&flags, &temporary);
    (program, temporary, home)
}

fn generate(page: &mut Page, ask: &Value) {
    let mut ask = ask.clone();
    ask["do"] = json!("generate");
    page.say(&ask);
}

/// All notes until the run has ended.
fn run(page: &mut Page) -> Vec<Value> {
    let mut notes = vec![page.hear("generator")];
    while matches!(
        notes.last().unwrap()["state"].as_str().unwrap(),
        "started" | "progress"
    ) {
        notes.push(page.hear("generator"));
    }
    notes
}

fn lines(notes: &[Value]) -> Vec<&str> {
    (notes.iter())
        .filter(|note| note["state"] == "progress")
        .map(|note| note["text"].as_str().unwrap())
        .collect()
}

/// Whether the process is there, and no zombie.
fn lives(pid: &str) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn until_gone(pid: &str) {
    let deadline = Instant::now() + LIMIT;
    while lives(pid) {
        assert!(Instant::now() < deadline, "process {pid} lives");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// The next line of the run that begins so, without its beginning.
fn line(page: &mut Page, beginning: &str) -> String {
    loop {
        let note = page.hear("generator");
        if let Some(rest) = note["text"].as_str().unwrap().strip_prefix(beginning) {
            return rest.to_owned();
        }
    }
}

#[test]
fn a_shipped_scenario_runs_by_its_name_and_can_be_browsed() {
    let (server, home) = lab("end");
    let mut page = Page::open(&server);
    assert_eq!(page.session["loadgen"], true);
    generate(&mut page, &json!({"scenario": "ticker"}));
    let notes = run(&mut page);
    assert_eq!(notes[0]["state"], "started");
    assert!(
        lines(&notes).contains(&"title = \"A price ticker\""),
        "{notes:?}"
    );
    assert!(lines(&notes).contains(&"variables none"), "{notes:?}");
    let done = notes.last().unwrap();
    assert_eq!(done["state"], "done", "{done}");
    assert_eq!(
        done["results"]["trials"][0]["latency_us"],
        json!({"delivery": {"hdr": "a"}, "connect": {}})
    );
    let run = done["run"].as_str().unwrap();
    assert!(run.starts_with("ticker/20"), "{run}");
    assert!(
        home.path()
            .join("reports")
            .join(run)
            .join("results.json")
            .is_file()
    );
    let mut client = server.connect();
    client.send(format!(
        "GET /lab/reports/{run}/results.json HTTP/1.1\r\nHost: {}\r\n\r\n",
        server.public
    ));
    assert_eq!(client.answer().status, 200);
}

#[test]
fn names_that_are_not_shipped_and_anything_but_numbers_are_refused() {
    let (server, _home) = lab("end");
    let mut page = Page::open(&server);
    for (ask, why) in [
        (
            json!({"scenario": "../../etc/passwd"}),
            "no scenario of that name",
        ),
        (
            json!({"scenario": "/etc/passwd"}),
            "no scenario of that name",
        ),
        (
            json!({"scenario": "ticker.toml"}),
            "no scenario of that name",
        ),
        (json!({}), "ask for a scenario"),
        (
            json!({"scenario": "ticker", "background": {"transport": "sse", "clients": 1, "rate": 1}}),
            "ask for a scenario",
        ),
        (
            json!({"background": {"transport": "sse", "clients": 1e9 as u32, "rate": 1}}),
            "clients is 1 to 5000",
        ),
        (
            json!({"background": {"transport": "sse\"\n[target]", "clients": 1, "rate": 1}}),
            "unknown variant",
        ),
        (
            json!({"background": {"transport": "sse", "clients": 1, "rate": 1, "url": "http://x"}}),
            "unknown field",
        ),
    ] {
        generate(&mut page, &ask);
        let refused = page.hear("refused");
        assert_eq!(refused["do"], "generate");
        let said = refused["why"].as_str().unwrap();
        assert!(said.contains(why), "{ask}: {said}");
    }
}

#[test]
fn a_run_that_fails_says_why() {
    let (server, _home) = lab("fail");
    let mut page = Page::open(&server);
    generate(&mut page, &json!({"scenario": "ticker"}));
    let notes = run(&mut page);
    let failed = notes.last().unwrap();
    assert_eq!(failed["state"], "failed");
    assert_eq!(failed["text"], "error: no such luck");
    assert_eq!(failed.get("results"), None);
}

#[test]
fn a_run_is_stopped_and_the_next_waits_its_turn() {
    let (server, _home) = lab("wait");
    let mut page = Page::open(&server);
    let background = json!({"background": {"transport": "long-polling", "clients": 20, "rate": 1}});
    generate(&mut page, &background);
    let pid = line(&mut page, "pid ");
    assert!(lives(&pid));
    generate(&mut page, &background);
    let refused = page.hear("refused");
    assert!(refused["why"].as_str().unwrap().contains("stop it first"));
    // A run that stops is none that runs: the next is taken at once.
    generate(&mut page, &json!({"stop": true}));
    generate(&mut page, &background);
    let notes = run(&mut page);
    let stopped = notes.last().unwrap();
    assert_eq!(stopped["state"], "stopped");
    assert!(stopped["results"].is_object(), "{stopped}");
    assert!(!lives(&pid));
    let next = line(&mut page, "pid ");
    assert_ne!(next, pid);
    generate(&mut page, &json!({"stop": true}));
    generate(&mut page, &json!({"stop": true}));
    assert_eq!(run(&mut page).last().unwrap()["state"], "stopped");
}

#[test]
fn a_page_that_goes_takes_its_run_with_it() {
    let (server, _home) = lab("wait");
    let mut page = Page::open(&server);
    generate(&mut page, &json!({"scenario": "ticker"}));
    let pid = line(&mut page, "pid ");
    drop(page);
    until_gone(&pid);
}

#[test]
fn a_server_that_ends_takes_its_runs_with_it() {
    let (server, _home) = lab("wait");
    let mut page = Page::open(&server);
    generate(&mut page, &json!({"scenario": "ticker"}));
    let pid = line(&mut page, "pid ");
    drop(server);
    until_gone(&pid);
}

#[test]
fn a_server_that_is_killed_leaves_no_file_of_its_runs() {
    let (program, temporary, _home) = program("wait");
    let mut page = program.open();
    generate(&mut page, &json!({"scenario": "ticker"}));
    let pid = line(&mut page, "pid ");
    // It has the scenario, and nobody else can.
    line(&mut page, "title");
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
    drop(program);
    until_gone(&pid);
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
}

#[test]
fn background_clients_leave_no_report() {
    let (program, temporary, home) = program("end");
    let mut page = program.open();
    generate(
        &mut page,
        &json!({"background": {"transport": "sse", "clients": 20, "rate": 1}}),
    );
    let notes = run(&mut page);
    let done = notes.last().unwrap();
    assert_eq!(done["state"], "done", "{done}");
    assert!(done["run"].as_str().unwrap().starts_with("background/20"));
    let wrote = done["results"]["stamp"].as_str().unwrap();
    assert!(
        wrote.starts_with(temporary.to_str().unwrap()),
        "{wrote} is where it was to be written"
    );
    let deadline = Instant::now() + LIMIT;
    while fs::read_dir(&temporary).unwrap().count() > 0 {
        assert!(Instant::now() < deadline, "its report is kept");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert!(!home.path().join("reports").exists());
}

#[test]
fn what_is_no_text_ends_nothing() {
    let (_server, _home, mut page) = opened("odd");
    generate(&mut page, &json!({"scenario": "ticker"}));
    let notes = run(&mut page);
    let odd = lines(&notes);
    assert!(odd.contains(&"\u{fffd}\u{fffd} odd"), "{odd:?}");
    assert_eq!(odd.last(), Some(&"after"), "{odd:?}");
    assert_eq!(notes.last().unwrap()["state"], "done");
}

#[test]
fn one_that_says_nothing_and_hears_nothing_is_stopped_all_the_same() {
    let (_server, _home, mut page) = opened("deaf");
    generate(&mut page, &json!({"scenario": "ticker"}));
    let pid = line(&mut page, "pid ");
    line(&mut page, "variables ");
    generate(&mut page, &json!({"stop": true}));
    assert_eq!(run(&mut page).last().unwrap()["state"], "stopped");
    until_gone(&pid);
}

fn opened(mode: &str) -> (Server, TempDir, Page) {
    let (server, home) = lab(mode);
    let page = Page::open(&server);
    (server, home, page)
}

#[test]
fn two_runs_go_at_once_and_no_third() {
    let (server, _home) = lab("wait");
    let mut pages: Vec<Page> = (0..3).map(|_| Page::open(&server)).collect();
    let mut pids = Vec::new();
    for page in &mut pages[..2] {
        generate(page, &json!({"scenario": "ticker"}));
        pids.push(line(page, "pid "));
    }
    generate(&mut pages[2], &json!({"scenario": "ticker"}));
    // The third begins when one of the two makes room, and not before.
    generate(&mut pages[0], &json!({"stop": true}));
    line(&mut pages[2], "pid ");
    assert!(!lives(&pids[0]));
    assert!(lives(&pids[1]));
}

#[test]
fn without_loadgen_the_page_is_told_how_to_get_it() {
    let server = Server::start_with(&["--workers", "1", "--loadgen", "/nowhere/loadgen"]);
    let mut page = Page::open(&server);
    assert_eq!(page.session["loadgen"], false);
    generate(&mut page, &json!({"scenario": "ticker"}));
    let why = page.hear("refused")["why"].as_str().unwrap().to_owned();
    assert!(why.contains("cargo build -p loadgen"), "{why}");
}
