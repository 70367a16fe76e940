//! A real nginx before a real server, by the configurations that are shipped for operators: what
//! passes, what is cut, and what keeps it. Where nginx is missing this says so and passes, except in CI.

// A test fails by it.
#![allow(clippy::unwrap_used)]

#[path = "../../../server/tests/bytes/harness.rs"]
#[allow(dead_code)]
mod harness;
mod bytes;
mod runs;
mod trials;

use loadgen::plan::GatewayPlan;
use loadgen::target::{Gateway, find_nginx};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn program() -> PathBuf {
    env!("CARGO_BIN_EXE_loadgen").into()
}

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

/// Whether there is anything to test by.
fn nginx_is_here() -> bool {
    let found = find_nginx();
    if let Err(error) = &found {
        assert!(std::env::var_os("CI").is_none(), "CI has no nginx: {error}");
        println!("skipped: {error}");
    }
    found.is_ok()
}

/// nginx with its defaults, and the three lines that a WebSocket needs.
fn defaults() -> String {
    fs::read_to_string(scenarios().join("deploy/nginx-defaults.conf")).unwrap()
}

/// The configuration that operators are told to use.
fn recommended() -> String {
    fs::read_to_string(scenarios().join("deploy/nginx.conf")).unwrap()
}

fn gateway(configuration: &str, idle_timeout: Option<Duration>) -> GatewayPlan {
    GatewayPlan {
        configuration: configuration.to_owned(),
        idle_timeout,
        connections: 100,
    }
}

/// nginx before `upstream`; it ends with the value.
fn before(upstream: SocketAddr, configuration: &str) -> Gateway {
    Gateway::start(&gateway(configuration, None), upstream, Some(&program())).unwrap()
}
