//! https and wss as programs meet them that share no code with the server: Python's ssl and curl.
//! What is not on this machine is left out, and that is said; not where `CI` is set.

use crate::harness::{Client, LIMIT, Server};
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

/// A server with a certificate that clients can be told to trust.
struct Secure {
    server: Server,
    certificate: PathBuf,
    _directory: tempfile::TempDir,
}

impl Secure {
    fn start(flags: &[&str]) -> Secure {
        let directory = tempfile::tempdir().unwrap();
        let certificate = directory.path().join("demo.pem");
        let path = certificate.to_str().unwrap();
        let own = ["--tls-self-signed", "--tls-cert-out", path];
        Secure {
            server: Server::start(&[&own, flags].concat()),
            certificate,
            _directory: directory,
        }
    }
}

fn is_here(program: &str) -> bool {
    match Command::new(program).arg("--version").output() {
        Ok(_) => true,
        Err(error) => {
            assert!(
                std::env::var_os("CI").is_none(),
                "CI runs outside clients: {program} is missing ({error})"
            );
            println!("left out: no {program} on this machine ({error})");
            false
        }
    }
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}

fn python_agrees(version: &str) {
    if !is_here("python3") {
        return;
    }
    let secure = Secure::start(&[]);
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bytes/outside_tls.py");
    run(Command::new("python3")
        .arg(program)
        .arg(secure.server.public.port().to_string())
        .arg(&secure.certificate)
        .arg(version));
    for class in ["sse", "websocket", "publish", "control"] {
        secure.server.wait_for_figure(class, "open", 0, LIMIT);
    }
}

#[test]
fn python_gets_streams_and_whole_answers_over_tls_1_3() {
    python_agrees("TLSv1_3");
}

#[test]
fn python_gets_streams_and_whole_answers_over_tls_1_2() {
    python_agrees("TLSv1_2");
}

#[test]
fn curl_trusts_the_certificate_by_all_its_names_and_no_other() {
    if !is_here("curl") {
        return;
    }
    let secure = Secure::start(&[]);
    let port = secure.server.public.port();
    let curl = || {
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--noproxy", "*"]);
        curl
    };
    for host in ["127.0.0.1", "localhost"] {
        let url = format!("https://{host}:{port}/health");
        let answer = run(curl().arg("--cacert").arg(&secure.certificate).arg(&url));
        assert!(answer.contains("pushlab-server"), "{answer}");
        // 60: the certificate cannot be verified.
        assert_eq!(curl().arg(&url).output().unwrap().status.code(), Some(60));
    }
    // There is no lab over TLS: who asks for it comes to the chat.
    let home = format!("https://127.0.0.1:{port}/");
    let mut follow = curl();
    follow.arg("--location").arg("--cacert");
    let page = run(follow.arg(&secure.certificate).arg(home));
    assert!(page.contains("<title>Chat"), "{page}");
}

#[test]
fn plain_http_is_told_to_come_by_tls() {
    let secure = Secure::start(&[]);
    let mut client = secure.server.connect();
    let answer = client.get("/health", "");
    assert_eq!(answer.status, 400);
    assert!(answer.text().contains("https://"), "{}", answer.text());
    client.expect_end();
    secure.server.wait_for_figure("control", "open", 0, LIMIT);
}

#[test]
fn a_handshake_that_stops_is_ended_in_time() {
    let secure = Secure::start(&["--tls-handshake-timeout", "0.2"]);
    // Nothing at all, the head of a record, and a record that is no handshake after all.
    for bytes in [&b""[..], &[22, 3, 1], &[22, 3, 1, 0, 4, 0, 0, 0, 0]] {
        let begun = Instant::now();
        let mut client = secure.server.connect();
        client.send(bytes);
        client.read_to_end();
        assert!(begun.elapsed() < LIMIT, "{bytes:?}");
    }
    secure.server.wait_for_figure("control", "open", 0, LIMIT);
}

/// More of them than there ever were places: nobody waits for who has sent half a handshake.
#[test]
fn half_handshakes_keep_nobody_out() {
    const CROWD: u64 = 1_100;
    let secure = Secure::start(&["--tls-handshake-timeout", "60"]);
    let crowd: Vec<_> = (0..CROWD)
        .map(|_| {
            let mut idle = secure.server.connect();
            idle.send([22]);
            idle
        })
        .collect();
    secure
        .server
        .wait_for_figure("control", "open", CROWD, LIMIT);
    if is_here("curl") {
        let url = format!("https://{}/health", secure.server.public);
        let trust = secure.certificate.to_str().unwrap();
        let arguments = ["--silent", "--noproxy", "*", "--max-time", "20"];
        run(Command::new("curl")
            .args(arguments)
            .args(["--cacert", trust, &url]));
    }
    drop(crowd);
}

#[test]
fn every_byte_of_a_refused_connection_is_counted() {
    let secure = Secure::start(&[]);
    let mut client: Client = secure.server.connect();
    client.send("GET / HTTP/1.1\r\n\r\n");
    client.read_to_end();
    secure.server.wait_for_figure("control", "open", 0, LIMIT);
    assert_eq!(secure.server.figure("control", "tx"), client.received);
}

#[test]
fn a_session_over_tls_has_a_cookie_for_tls_alone() {
    if !is_here("curl") {
        return;
    }
    let secure = Secure::start(&[]);
    let url = format!("https://{}/session", secure.server.public);
    let arguments = ["--silent", "--include", "--noproxy", "*", "--cacert"];
    let answer = run(Command::new("curl")
        .args(arguments)
        .arg(&secure.certificate)
        .args(["--json", r#"{"name":"瑶"}"#, &url]));
    assert!(answer.contains("; Secure"), "{answer}");
}
