//! `/session` and who a request is: what signing in answers, which credentials are taken, and that those
//! which are none are refused wherever a room is asked for.

use crate::harness::{Answer, Client, LIMIT, Server};
use crate::websocket;
use serde_json::{Value, json};

/// A signed-in client: what it sends, and who it is.
pub struct SignedIn {
    pub cookie: String,
    pub user: Value,
}

/// Signs in and gives the header line that bears the cookie.
pub fn sign_in(server: &Server, name: &str) -> SignedIn {
    let answer = post_session(server, &json!({ "name": name }));
    assert_eq!(answer.status, 201, "{}", answer.text());
    let cookie = answer.header("set-cookie").unwrap();
    let (pair, _) = cookie.split_once(';').unwrap();
    SignedIn {
        cookie: format!("Cookie: {pair}\r\n"),
        user: answer.json(),
    }
}

fn post_session(server: &Server, body: &Value) -> Answer {
    server.connect().post_to("/session", "", &body.to_string())
}

fn bearer(server: &Server, name: &str) -> String {
    let answer = post_session(server, &json!({"name": name, "token": true}));
    assert_eq!(answer.header("set-cookie"), None);
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    format!("Authorization: Bearer {token}\r\n")
}

const PUBLISH: &str = r#"{"type":"chat","data":1}"#;

/// The header line with the last character of its credential changed.
fn forged(line: &str) -> String {
    let line = line.trim_end();
    let (all, last) = line.split_at(line.len() - 1);
    // Of the last character only the upper bits count; these two differ in them.
    let other = if last == "A" { "Q" } else { "A" };
    format!("{all}{other}\r\n")
}

#[test]
fn signing_in_sets_a_cookie_that_no_script_and_no_other_site_gets() {
    let server = Server::start(&["--session-lifetime", "3600"]);
    let answer = post_session(&server, &json!({"name": "  瑶 "}));
    assert_eq!(answer.status, 201);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let user = answer.json();
    assert_eq!(user["name"], "瑶");
    assert_eq!(user.as_object().unwrap().len(), 2);
    let cookie = answer.header("set-cookie").unwrap();
    let attributes: Vec<&str> = cookie.split("; ").collect();
    assert!(attributes[0].starts_with("pushlab_session=1."), "{cookie}");
    assert_eq!(
        attributes[1..],
        ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=3600"]
    );
    let again = post_session(&server, &json!({"name": "瑶"})).json();
    assert_ne!(user["id"], again["id"], "a name is nobody's own");
}

#[test]
fn behind_a_trusted_proxy_that_speaks_tls_the_cookie_is_for_tls_alone() {
    for (flags, is_secure) in [
        (&["--trusted-proxy", "127.0.0.0/8"][..], true),
        (&["--trusted-proxy", "192.0.2.1"], false),
        (&[], false),
    ] {
        let server = Server::start(flags);
        let answer = server.connect().post_to(
            "/session",
            "X-Forwarded-Proto: https\r\n",
            r#"{"name":"瑶"}"#,
        );
        let cookie = answer.header("set-cookie").unwrap();
        assert_eq!(cookie.ends_with("; Secure"), is_secure, "{flags:?}");
    }
}

#[test]
fn a_cookie_and_a_token_say_who_one_is() {
    let server = Server::start(&[]);
    let SignedIn { cookie, user } = sign_in(&server, "云缨");
    let others = cookie.replace("Cookie: ", "Cookie: theme=dark; ");
    // One of the name that a neighbour has set, before ours.
    let after_another = cookie.replace("Cookie: ", "Cookie: pushlab_session=1.x; ");
    for line in [&cookie, &others, &after_another] {
        let answer = server.connect().get("/session", line);
        assert_eq!((answer.status, answer.json()), (200, user.clone()));
    }
    let token = bearer(&server, "程序");
    let answer = server.connect().get("/session", &token);
    assert_eq!(answer.json()["name"], "程序");
    let both = server
        .connect()
        .get("/session", &format!("{cookie}{token}"));
    assert_eq!(both.json()["name"], "程序");
    // Whoever bears none is nobody, which is no error; a proxy's credential is not ours.
    for line in ["", "Authorization: Basic dXNlcjpwYXNz\r\n"] {
        let nobody = server.connect().get("/session", line);
        assert_eq!((nobody.status, nobody.text()), (204, ""), "{line}");
        assert_eq!(nobody.header("set-cookie"), None);
        assert_eq!(nobody.header("cache-control"), Some("no-store"));
    }
}

#[test]
fn signing_out_takes_the_cookie_away() {
    let server = Server::start(&[]);
    for line in [&sign_in(&server, "瑶").cookie, ""] {
        let mut client = server.connect();
        client.send(format!(
            "DELETE /session HTTP/1.1\r\nHost: test\r\n{line}\r\n"
        ));
        let answer = client.answer();
        assert_eq!(answer.status, 204);
        assert_eq!(answer.header("set-cookie"), Some(CLEARED));
    }
}

pub const CLEARED: &str = "pushlab_session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0";

#[test]
fn names_and_bodies_that_are_none_are_answered_with_a_sentence() {
    let server = Server::start(&[]);
    let long = json!({"name": "瑶".repeat(33)}).to_string();
    let huge = json!({"name": "x".repeat(5_000)}).to_string();
    for body in [
        "",
        "{}",
        "[]",
        r#"{"name":7}"#,
        r#"{"name":" "}"#,
        r#"{"name":"a\u0000b"}"#,
        &long,
        &huge,
    ] {
        let answer = server.connect().post_to("/session", "", body);
        answer.expect_problem(400);
        assert_eq!(answer.header("set-cookie"), None);
    }
    let mut client = server.connect();
    client.send("PUT /session HTTP/1.1\r\nHost: test\r\n\r\n");
    let answer = client.answer();
    answer.expect_problem(405);
    assert_eq!(answer.header("allow"), Some("GET, POST, DELETE"));
    let mut client = server.connect();
    client.send("POST /session HTTP/1.1\r\nHost: test\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}");
    client.answer().expect_problem(415);
}

/// Every credential that is none, by what is wrong with it.
fn bad_credentials(server: &Server) -> Vec<(&'static str, String)> {
    let elsewhere = Server::start(&[]);
    let [one, two] = ["云缨", "瑶"].map(|name| sign_in(server, name).cookie);
    let (text, _) = one.trim_end().rsplit_once('.').unwrap();
    let (_, mac) = two.trim_end().rsplit_once('.').unwrap();
    let token = bearer(server, "程序");
    vec![
        ("forged", forged(&one)),
        ("swapped", format!("{text}.{mac}\r\n")),
        ("of another key", sign_in(&elsewhere, "瑶").cookie),
        (
            "a token as a cookie",
            token.replace("Authorization: Bearer ", "Cookie: pushlab_session="),
        ),
        (
            "a cookie as a token",
            one.replace("Cookie: pushlab_session=", "Authorization: Bearer "),
        ),
        ("a forged token", forged(&token)),
        (
            "no signature",
            "Cookie: pushlab_session=1.abc.9999999999.YQ\r\n".to_owned(),
        ),
        ("empty", "Cookie: pushlab_session=\r\n".to_owned()),
        ("not ASCII", "Cookie: pushlab_session=瑶\r\n".to_owned()),
        (
            "of no size",
            format!("Cookie: pushlab_session={}\r\n", "1".repeat(30_000)),
        ),
    ]
}

#[test]
fn a_bad_credential_is_refused_and_taken_away_on_every_route_of_a_room() {
    let server = Server::start(&[]);
    let cursor = server.head_cursor("KPL");
    for (what, line) in bad_credentials(&server) {
        for path in ["poll", "long-poll", "stream", "sse"] {
            let answer = server
                .connect()
                .get(&format!("/rooms/KPL/{path}?cursor={cursor}"), &line);
            expect_refused(&answer, &format!("{what} at {path}"));
        }
        expect_refused(&server.connect().get("/session", &line), what);
        let publish = server
            .connect()
            .post_with("KPL", &line, r#"{"type":"chat","data":1}"#);
        expect_refused(&publish, what);
    }
    let text = server.get(&format!("/rooms/KPL/poll?cursor={cursor}"));
    assert_eq!(text.status, 204, "something was published all the same");
}

fn expect_refused(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 401, "{what}: {}", answer.text());
    answer.expect_problem(401);
    assert_eq!(answer.header("set-cookie"), Some(CLEARED), "{what}");
}

/// A browser's script reads a close code, and no status of a handshake.
#[test]
fn a_websocket_with_a_bad_credential_is_accepted_and_closed_with_4001() {
    let server = Server::start(&[]);
    for (what, line) in bad_credentials(&server) {
        let mut client = server.connect();
        websocket::ask(&mut client, "/rooms/KPL/ws", &line);
        // What is said meanwhile is not heard.
        client.send(websocket::masked(0x81, PUBLISH.as_bytes()));
        let head = client.head();
        assert_eq!(head.status, 101, "{what}");
        assert_eq!(head.header("set-cookie"), Some(CLEARED), "{what}");
        expect_invalid_user(&mut client);
    }
    let offset = &server.head_cursor("KPL");
    assert!(
        offset.ends_with("-0"),
        "something was published all the same"
    );
    assert_eq!(server.usage()["rooms"], 1);
    server.wait_for_figure("websocket", "open", 0, LIMIT);
}

fn expect_invalid_user(client: &mut Client) {
    let frame = websocket::read(client);
    assert_eq!(frame.first, 0x88);
    assert_eq!(
        frame.payload,
        [&4001u16.to_be_bytes()[..], b"Invalid user"].concat()
    );
    client.finish();
    client.expect_end();
}

#[test]
fn a_session_ends() {
    let server = Server::start(&["--session-lifetime", "1"]);
    let SignedIn { cookie, .. } = sign_in(&server, "瑶");
    std::thread::sleep(std::time::Duration::from_millis(2_100));
    expect_refused(&server.connect().get("/session", &cookie), "after its end");
}

#[test]
fn an_event_bears_its_publisher_on_every_transport() {
    let server = Server::start(&[]);
    let SignedIn { cookie, user } = sign_in(&server, r#"<瑶> "y""#);
    let published = server
        .connect()
        .post_with("KPL", &cookie, r#"{"type":"chat","data":1}"#);
    assert_eq!(published.status, 201);
    server.publish("KPL", r#"{"type":"chat","data":2}"#);
    let named = json!({"id": 1, "type": "chat", "user": user, "data": 1});
    let unnamed = json!({"id": 2, "type": "chat", "data": 2});
    let batch = server.get("/rooms/KPL/poll?cursor=0").json();
    assert_eq!(batch["events"], json!([named, unnamed]));
    for path in ["stream", "sse"] {
        let mut client = server.connect();
        client.send(format!(
            "GET /rooms/KPL/{path}?cursor=0 HTTP/1.1\r\nHost: test\r\n\r\n"
        ));
        client.head();
        client.chunk();
        for event in [&named, &unnamed] {
            let chunk = client.chunk();
            let json = chunk.lines().find(|line| line.contains('{')).unwrap();
            let json = json.trim_start_matches("data: ");
            assert_eq!(&serde_json::from_str::<Value>(json).unwrap(), event);
        }
    }
}

#[test]
fn a_key_is_its_users_own() {
    let server = Server::start(&[]);
    let lines = ["云缨", "瑶"].map(|name| sign_in(&server, name).cookie);
    let offset = |line: &str| {
        let headers = format!("{line}Idempotency-Key: one\r\n");
        server.connect().post_with("KPL", &headers, PUBLISH).json()["offset"].clone()
    };
    for _ in 0..2 {
        assert_eq!(
            [&*lines[0], &lines[1], ""].map(offset),
            [1, 2, 3].map(Value::from)
        );
    }
}

#[test]
fn where_nobody_may_be_nameless_publishing_needs_a_session() {
    let server = Server::start(&["--anonymous", "off"]);
    let publish = |line: &str| server.connect().post_with("KPL", line, PUBLISH);
    let refused = publish("");
    refused.expect_problem(401);
    assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    assert_eq!(refused.header("set-cookie"), None);
    let mut client = server.connect();
    websocket::ask(&mut client, "/rooms/KPL/ws", "");
    let head = client.head();
    assert_eq!((head.status, head.header("set-cookie")), (101, None));
    expect_invalid_user(&mut client);
    assert_eq!(
        server.get("/rooms/KPL/poll").status,
        200,
        "reading needs none"
    );
    assert_eq!(publish(&sign_in(&server, "瑶").cookie).status, 201);
    assert_eq!(publish(&bearer(&server, "程序")).status, 201);
    let events = server.get("/rooms/KPL/poll?cursor=0").json();
    assert_eq!(events["events"].as_array().unwrap().len(), 2);
}
