//! The teaching page in a real browser: starts the lab and hands it to a script of this folder, which
//! drives Debian's chromium. Where chromium, node or `npm ci` is missing it says so and passes, except
//! in CI. What takes minutes runs optimised in CI, or with `PUSHLAB_BROWSER=1`.

// A test fails by it.
#![allow(clippy::unwrap_used)]

mod lab;

use lab::Lab;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

/// Checks measure; two at a time would measure each other.
static TURN: Mutex<()> = Mutex::new(());

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser")
}

fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some_and(|value| !value.is_empty())
}

/// What a check needs and this machine lacks.
fn missing() -> Option<&'static str> {
    let runs = |program: &str| {
        let version = Command::new(program).arg("--version").output();
        version.is_ok_and(|output| output.status.success())
    };
    let chromium = std::env::var("PUSHLAB_CHROMIUM").unwrap_or("/usr/bin/chromium".to_owned());
    if !runs("node") {
        Some("node (apt-get install nodejs)")
    } else if !runs(&chromium) {
        Some("chromium (apt-get install chromium)")
    } else if !folder().join("node_modules/playwright-core").is_dir() {
        Some("playwright-core (npm ci --prefix loadgen/tests/browser)")
    } else {
        None
    }
}

fn check(name: &str) {
    if let Some(missing) = missing() {
        assert!(!is_set("CI"), "CI has no {missing}");
        println!("skipped: no {missing}");
        return;
    }
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let lab = Lab::start();
    let status = Command::new("node")
        .arg(folder().join("check.mjs"))
        .arg(name)
        .envs(lab.told())
        .status()
        .unwrap();
    assert!(status.success(), "{name}: its output says why");
}

/// A check that takes long, or measures.
fn check_at_length(name: &str) {
    let optimised = !cfg!(debug_assertions);
    if is_set("PUSHLAB_BROWSER") || (is_set("CI") && optimised) {
        check(name);
    } else {
        println!("skipped: set PUSHLAB_BROWSER=1; it takes a while");
    }
}

#[test]
fn the_page_opens() {
    check("smoke");
}

#[test]
fn the_pages_socketio_client_understands_the_real_server() {
    check("socketio");
}

#[test]
fn a_byte_on_the_page_is_a_byte_of_the_meter_and_of_loadgen() {
    check_at_length("bytes");
}

#[test]
fn the_wire_view_has_the_bytes_of_a_capture() {
    check_at_length("wire");
}

#[test]
fn the_page_draws_at_full_speed_at_50_events_a_second() {
    check_at_length("frames");
}

#[test]
fn a_closed_tab_leaves_nothing_and_a_sleeping_one_measures_nothing() {
    check_at_length("tabs");
}

#[test]
fn hostile_addresses_and_events_do_nothing() {
    check_at_length("hostile");
}

#[test]
fn every_screen_is_whole_at_every_width_and_in_both_schemes() {
    check_at_length("screens");
}

#[test]
fn a_talk_survives_other_transports_and_a_new_server() {
    check_at_length("chat");
}

#[test]
fn the_course_is_walked_to_its_verdicts_by_the_keyboard() {
    check_at_length("course");
}

#[test]
fn every_other_lesson_reaches_its_verdict() {
    check_at_length("lessons");
}
