//! The `pushlab-server` binary as a person starts it: what it says, and how it refuses.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};

#[test]
fn a_port_in_use_is_named_with_its_remedy() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for arguments in [
        vec!["--listen", &address],
        vec!["--listen", "127.0.0.1:0", "--admin-listen", &address],
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_pushlab-server"))
            .args(arguments)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(output.stdout.is_empty());
        assert!(
            said.contains(&format!("cannot listen on {address}")),
            "{said}"
        );
        assert!(said.contains("choose another port (0 = any)"), "{said}");
    }
}

#[test]
fn the_first_line_says_https_and_the_warning_names_the_fingerprint() {
    let mut server = Command::new(env!("CARGO_BIN_EXE_pushlab-server"))
        .args(["--listen", "127.0.0.1:0", "--tls-self-signed"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    server.kill().unwrap();
    let said = String::from_utf8(server.wait_with_output().unwrap().stderr).unwrap();
    assert!(
        line.starts_with("listening on https://127.0.0.1:"),
        "{line}"
    );
    let warning = said
        .lines()
        .find(|line| line.starts_with("warning:"))
        .unwrap();
    let fingerprint = warning.rsplit(' ').next().unwrap();
    assert_eq!(fingerprint.split(':').count(), 32, "{said}");
}

#[test]
fn what_reads_plain_http_is_refused_over_tls() {
    for flags in [["--lab", "on"], ["--trouble-idle-cut", "5"]] {
        let output = Command::new(env!("CARGO_BIN_EXE_pushlab-server"))
            .args(["--listen", "127.0.0.1:0", "--tls-self-signed"])
            .args(flags)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("or TLS"), "{said}");
    }
}
