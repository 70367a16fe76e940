//! What the server says of itself, at its most talkative, holds no key, no cookie and no token: whatever
//! is asked over whichever transport, well or badly.

use crate::harness::{Client, LIMIT};
use crate::subscribe::{request, until};
use pushlab_server::wire::transport::Transport;
use serde_json::json;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const KEYS: [&str; 2] = [
    "a-key-that-signs-and-nobody-may-see",
    "an-old-key-that-is-only-read-from-now",
];

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pushlab-server"));
    command
        .env("PUSHLAB_SESSION_KEYS", KEYS.join(","))
        .env("PUSHLAB_LOG", "trace")
        .env("RUST_BACKTRACE", "full")
        .args(["--listen", "127.0.0.1:0", "--workers", "1"]);
    command
}

/// A server whose words go into two files; killed when dropped.
pub struct Talker {
    process: Child,
    pub address: SocketAddr,
}

impl Talker {
    pub fn start(folder: &Path) -> Talker {
        let file = |name: &str| Stdio::from(fs::File::create(folder.join(name)).unwrap());
        let process = command()
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .spawn()
            .unwrap();
        let mut talker = Talker {
            process,
            address: ([127, 0, 0, 1], 0).into(),
        };
        until("it says where it listens", LIMIT, || {
            let said = fs::read_to_string(folder.join("stdout")).unwrap();
            let Some((line, _)) = said.split_once('\n') else {
                return false;
            };
            talker.address = line.rsplit('/').next().unwrap().parse().unwrap();
            true
        });
        talker
    }
}

impl Drop for Talker {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// All that a client can do with a credential, each over a connection of its own.
fn use_it(address: SocketAddr, line: &str) {
    let connect = || Client::connect(address);
    for transport in Transport::in_rooms() {
        let request = request(transport, "KPL", Some("0"));
        let mut client = connect();
        client.send(request.replacen("Host: test\r\n", &format!("Host: test\r\n{line}"), 1));
        client.head();
        if transport == Transport::Websocket {
            // Text, then a reserved opcode: a publish and a protocol error.
            client.send(b"\x81\x83\0\0\0\0\xe7\x91\xb6");
            client.send(b"\x83\x80\0\0\0\0");
            client.read_to_end_or_reset();
        }
    }
    for (room, body) in [
        ("KPL", r#"{"type":"chat","data":1}"#),
        ("KPL", "{"),
        ("KPL", r#"{"type":"join","data":1}"#),
        ("%00", "{}"),
    ] {
        connect().post_with(room, line, body);
    }
    for path in [
        "/session",
        "/rooms/KPL/members",
        "/rooms/KPL/poll?cursor=x",
        "/nowhere",
        "/lab/usage",
        "/metrics",
    ] {
        connect().get(path, line);
    }
    // Heads that are none, and one without an end.
    for head in [
        format!("GET /rooms/KPL/poll HTTP/1.1\r\nHost: test\r\n{line}broken\r\n\r\n"),
        format!("GET /rooms/KPL/poll HTTP/1.1\r\nHost: test\r\n{line}Content-Length: x\r\n\r\n"),
        format!("BAD\u{1}/ HTTP/1.1\r\n{line}\r\n"),
        format!("GET / HTTP/1.1\r\n{}\r\n", line.repeat(120)),
    ] {
        let mut client = connect();
        client.send(head);
        client.finish();
        client.read_to_end_or_reset();
    }
    let mut client = connect();
    client.send(format!("GET /rooms/KPL/sse HTTP/1.1\r\n{line}"));
    client.reset();
}

/// The part of a cookie or a token that nobody else may know.
pub fn signature(credential: &str) -> String {
    credential.rsplit('.').next().unwrap().to_owned()
}

#[test]
fn no_secret_appears_in_what_the_server_says_at_any_level() {
    let folder = tempfile::tempdir().unwrap();
    let talker = Talker::start(folder.path());
    let sign_in = |body: serde_json::Value| {
        Client::connect(talker.address).post_to("/session", "", &body.to_string())
    };
    let cookie = sign_in(json!({"name": "瑶"}))
        .header("set-cookie")
        .unwrap()
        .to_owned();
    let cookie = cookie.split(['=', ';']).nth(1).unwrap().to_owned();
    let token = sign_in(json!({"name": "程序", "token": true})).json()["token"].clone();
    let token = token.as_str().unwrap().to_owned();
    sign_in(json!({"name": "\u{0}"}));
    for (cookie, token) in [
        (cookie.clone(), token.clone()),
        // Bad ones too: of these only a part is secret.
        (format!("{cookie}x"), format!("x{token}")),
    ] {
        use_it(
            talker.address,
            &format!("Cookie: pushlab_session={cookie}\r\n"),
        );
        use_it(
            talker.address,
            &format!("Authorization: Bearer {token}\r\n"),
        );
    }
    drop(talker);
    let said = ["stdout", "stderr"].map(|name| fs::read(folder.path().join(name)).unwrap());
    let said = String::from_utf8_lossy(&said.concat()).into_owned();
    assert!(
        said.contains("TRACE"),
        "it was not at its most talkative: {said}"
    );
    let signatures = [signature(&cookie), signature(&token)];
    for secret in KEYS
        .iter()
        .copied()
        .chain(signatures.iter().map(String::as_str))
    {
        let line = said.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "a secret is in what was said");
    }
}

#[test]
fn keys_that_are_none_are_refused_and_not_repeated() {
    for keys in [
        "a-short-secret",
        "",
        "a-key-that-signs-and-nobody-may-see,short-secret",
    ] {
        let output = command()
            .env("PUSHLAB_SESSION_KEYS", keys)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            said.contains("PUSHLAB_SESSION_KEYS") && said.contains("openssl"),
            "{said}"
        );
        assert!(
            !said.contains("secret") && !said.contains("nobody-may-see"),
            "{said}"
        );
    }
}

#[test]
fn help_shows_no_key() {
    let output = command().arg("--help").output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("--session-lifetime"), "{said}");
    assert!(!KEYS.iter().any(|key| said.contains(key)), "{said}");
}

/// With the keys of before, a restarted server knows the visitors of before.
#[test]
fn a_session_outlives_its_server_where_the_keys_do() {
    let folder = tempfile::tempdir().unwrap();
    let first = Talker::start(folder.path());
    let answer = Client::connect(first.address).post_to("/session", "", r#"{"name":"瑶"}"#);
    let cookie = answer
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    drop(first);
    let second = Talker::start(folder.path());
    let line = format!("Cookie: {cookie}\r\n");
    let known = Client::connect(second.address).get("/session", &line);
    assert_eq!((known.status, known.json()), (200, answer.json()));
}
