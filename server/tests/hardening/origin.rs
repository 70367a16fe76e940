//! One table: every Origin a page or an attacker may name × every route, the same answer on each.

use crate::harness::{Answer, Client, Server};
use pushlab_server::wire::transport::Transport;
use std::collections::BTreeSet;

const ALLOWED: &str = "https://good.com";

const UPGRADE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// Every route of the public port, and what it answers one who is let in.
const ROUTES: [(&str, &str, &str, u16); 28] = [
    ("GET", "/rooms/KPL/poll", "", 200),
    ("GET", "/rooms/KPL/long-poll", "", 200),
    ("GET", "/rooms/KPL/stream", "", 200),
    ("GET", "/rooms/KPL/sse", "", 200),
    ("GET", "/rooms/KPL/ws", UPGRADE, 101),
    (
        "POST",
        "/rooms/KPL/events",
        "Content-Type: application/json\r\n",
        201,
    ),
    ("GET", "/rooms/KPL/members", "", 200),
    ("DELETE", "/rooms/KPL/members", "", 405),
    ("GET", "/session", "", 204),
    ("GET", "/health", "", 200),
    ("GET", "/lab/usage", "", 200),
    ("GET", "/metrics", "", 200),
    // Open with --conformance alone.
    ("GET", "/lab/echo", UPGRADE, 404),
    ("GET", "/lab/scenarios", "", 200),
    ("GET", "/lab/reports", "", 200),
    ("GET", "/lab/reports/a/b/results.json", "", 404),
    // The lab lets in its own page alone, whatever is listed.
    ("GET", "/lab/session", UPGRADE, 403),
    ("GET", "/", "", 200),
    ("GET", "/chat", "", 200),
    ("GET", "/page/main.js", "", 200),
    ("GET", "/socket.io/?EIO=4&transport=polling", "", 200),
    ("GET", "/socket.io/?EIO=4&transport=websocket", UPGRADE, 101),
    ("POST", "/socket.io/?EIO=4&transport=polling", "", 400),
    // Where the operator names no file.
    ("GET", "/socket.io/socket.io.js", "", 404),
    ("GET", "/engine.io/?EIO=4&transport=polling", "", 404),
    ("GET", "/engine.io/?EIO=4&transport=websocket", UPGRADE, 404),
    ("DELETE", "/rooms/KPL/poll", "", 405),
    ("GET", "/nothing", "", 404),
];

const BODY: &str = r#"{"type":"n","data":1}"#;

/// The head that answers one request, over a connection of its own.
fn ask(server: &Server, method: &str, path: &str, headers: &str) -> Answer {
    let mut client: Client = server.connect();
    let body = if method == "POST" { BODY } else { "" };
    client.send(format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        server.public,
        body.len()
    ));
    let mut answer = client.head();
    if answer.status >= 400 {
        let length = answer.header("content-length").unwrap().parse().unwrap();
        answer.body = client.read_exactly(length);
    }
    answer
}

fn is_refused(answer: &Answer) -> bool {
    let reasons = ["--allow-origin", "one Origin"];
    answer.status == 403 && reasons.iter().any(|reason| answer.text().contains(reason))
}

/// What is sent, and whether it is let in.
fn table(server: &Server) -> Vec<(String, bool)> {
    let origin = |origin: &str| format!("Origin: {origin}\r\n");
    let own = server.public;
    let mut table = vec![
        (String::new(), true),
        (origin(&format!("http://{own}")), true),
        (origin(ALLOWED), true),
        (origin(ALLOWED) + &origin(ALLOWED), false),
        (origin(ALLOWED) + &origin("https://evil.example"), false),
    ];
    for other in [
        "https://evil.example",
        "null",
        "",
        "https://good.com.evil",
        "https://evilgood.com",
        "https://good.com@evil.example",
        "https://good.com:8443",
        "http://good.com",
        "https://GOOD.com",
        "https://good.com.",
        "https://good.com/",
        "good.com",
        "https://good.com, https://evil.example",
        &format!("https://{own}"),
        &format!("http://{own}/"),
        "http://127.0.0.1",
        "http://localhost",
    ] {
        table.push((origin(other), false));
    }
    table
}

#[test]
fn every_route_gives_the_same_answer() {
    let server = Server::start_with(&["--workers", "1", "--lab", "on", "--allow-origin", ALLOWED]);
    for (headers, is_let_in) in table(&server) {
        for (method, path, own, status) in ROUTES {
            let answer = ask(&server, method, path, &format!("{headers}{own}"));
            let place = format!("{method} {path} with {headers:?}");
            assert_eq!(!is_refused(&answer), is_let_in, "{place}: {}", answer.head);
            assert_eq!(
                answer.header("vary").is_some(),
                answer.status != 101,
                "{place}"
            );
            if !is_let_in {
                answer.expect_problem(403);
                assert!(!answer.head.contains("access-control"), "{place}");
            } else if path == "/lab/session" && headers.contains("http://127.0.0.1") {
                assert_eq!(answer.status, 101, "{place}");
            } else {
                assert_eq!(answer.status, status, "{place}: {}", answer.text());
            }
            let is_foreign = headers.contains(ALLOWED);
            let allowed = answer.header("access-control-allow-origin");
            let may_read = is_let_in && is_foreign && answer.status != 101;
            assert_eq!(allowed, may_read.then_some(ALLOWED), "{place}");
        }
    }
}

/// A browser asks before it sends what is not simple; who is not listed learns nothing.
#[test]
fn a_preflight_is_answered_for_listed_origins_alone() {
    let server = Server::start_with(&["--workers", "1", "--lab", "on", "--allow-origin", ALLOWED]);
    let preflight = |path: &str, headers: &str| {
        let asked = "Access-Control-Request-Method: POST\r\n";
        ask(&server, "OPTIONS", path, &format!("{headers}{asked}"))
    };
    for (headers, is_let_in) in table(&server) {
        for (_, path, _, _) in ROUTES {
            let answer = preflight(path, &headers);
            let place = format!("{path} with {headers:?}: {}", answer.head);
            assert_eq!(!is_refused(&answer), is_let_in, "{place}");
            if headers != format!("Origin: {ALLOWED}\r\n") {
                assert!(!answer.head.contains("access-control"), "{place}");
                continue;
            }
            assert_eq!(answer.status, 204, "{place}");
            assert_eq!(answer.header("access-control-allow-origin"), Some(ALLOWED));
            assert_eq!(
                answer.header("access-control-allow-credentials"),
                Some("true")
            );
            let allowed = answer.header("access-control-allow-headers").unwrap();
            for name in [
                "Authorization",
                "Idempotency-Key",
                "Last-Event-ID",
                "Content-Type",
            ] {
                assert!(allowed.contains(name), "{name} in {allowed}");
            }
        }
    }
}

/// Every site may be let in, but then none gets at what a browser keeps of a user, and caches need not
/// tell them apart.
#[test]
fn all_sites_are_let_in_without_credentials() {
    let server = Server::start(&["--allow-origin", "*"]);
    let answer = ask(
        &server,
        "GET",
        "/rooms/KPL/poll",
        "Origin: https://any.example\r\n",
    );
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("access-control-allow-credentials"), None);
    assert_eq!(answer.header("vary"), None);
    let nameless = ask(&server, "GET", "/rooms/KPL/poll", "Origin: null\r\n");
    assert!(is_refused(&nameless));
}

/// A name can be made to mean this host; a page that came by one is nobody's own.
#[test]
fn on_loopback_a_name_is_not_the_server_s_own_origin() {
    let server = Server::start(&[]);
    for (host, status) in [
        ("localhost:1", 201),
        ("127.0.0.1:1", 201),
        ("evil.example:1", 403),
    ] {
        let mut client = server.connect();
        client.send(format!(
            "POST /rooms/KPL/events HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n\
             Content-Length: {}\r\n\r\n{BODY}",
            BODY.len()
        ));
        assert_eq!(client.answer().status, status, "{host}");
    }
}

/// Its pages read without naming an origin, for to their browser they are at home.
#[test]
fn on_loopback_a_name_that_was_rebound_reads_nothing() {
    let servers = [&[][..], &["--allow-origin", "https://chat.example"]].map(Server::start);
    for (host, expected) in [
        ("127.0.0.1:1", [200, 200]),
        ("[::1]:1", [200, 200]),
        ("localhost", [200, 200]),
        ("evil.example", [403, 403]),
        ("evil.example:1", [403, 403]),
        ("127.0.0.1.evil.example", [403, 403]),
        ("localhost.evil.example", [403, 403]),
        // A proxy of ours may hand on the name that it is asked by.
        ("chat.example", [403, 200]),
        ("Chat.Example:8443", [403, 200]),
        ("chat.example.evil.example", [403, 403]),
    ] {
        for (server, status) in servers.iter().zip(expected) {
            for path in ["/rooms/KPL/poll", "/health", "/chat"] {
                let mut client = server.connect();
                client.send(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
                assert_eq!(client.head().status, status, "{host} {path}");
            }
        }
    }
}

/// A WebSocket or a simple POST needs no leave to bring the cookie along.
#[test]
fn where_all_sites_are_let_in_a_cookie_from_another_s_page_is_none() {
    let server = Server::start(&["--allow-origin", "*"]);
    let made = server.connect().post_to("/session", "", r#"{"name":"瑶"}"#);
    let cookie = made.header("set-cookie").unwrap();
    let cookie = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap());
    for (origin, status) in [
        (String::new(), 200),
        (format!("Origin: http://{}\r\n", server.public), 200),
        ("Origin: https://any.example\r\n".to_owned(), 204),
    ] {
        let answer = ask(&server, "GET", "/session", &format!("{origin}{cookie}"));
        assert_eq!(answer.status, status, "{origin}");
    }
    let foreign = format!("Origin: https://any.example\r\n{cookie}");
    let posted = ask(&server, "POST", "/rooms/KPL/events", &foreign);
    assert_eq!(posted.status, 201, "{}", posted.text());
    let events = server.get("/rooms/KPL/poll?cursor=0").json();
    assert_eq!(events["events"][0]["user"], serde_json::Value::Null);
}

#[test]
fn the_admin_port_keeps_the_same_list() {
    let server = Server::start(&["--allow-origin", ALLOWED]);
    let ask = |origin: &str| {
        let mut client = Client::connect(server.admin.unwrap());
        client
            .get("/lab/usage", &format!("Origin: {origin}\r\n"))
            .status
    };
    assert_eq!(ask(ALLOWED), 200);
    assert_eq!(ask("https://evil.example"), 403);
}

/// Refused requests are counted as what they are, and none of them publishes or subscribes.
#[test]
fn what_is_refused_leaves_no_trace_but_a_count() {
    let server = Server::start(&[]);
    for (method, path, own, _) in ROUTES {
        ask(
            &server,
            method,
            path,
            &format!("Origin: https://evil.example\r\n{own}"),
        );
    }
    let usage = server.usage();
    assert_eq!(
        (&usage["rooms"], &usage["published"]),
        (&0.into(), &0.into())
    );
    assert_eq!(usage["transports"]["control"]["requests"], ROUTES.len());
}

/// Only the lab has ports of its own, and only there.
#[test]
fn the_chat_s_page_may_connect_to_where_it_came_from_alone() {
    let server = Server::start(&["--lab", "on"]);
    let own = server.public;
    let may_connect = |path: &str, headers: &str| {
        let answer = ask(&server, "GET", path, headers);
        let policy = answer.header("content-security-policy").unwrap();
        let (_, from) = policy.split_once("connect-src ").unwrap();
        from.split(';').next().unwrap().to_owned()
    };
    let chat = format!("'self' ws://{own}");
    assert_eq!(may_connect("/chat", ""), chat);
    let ports = "'self' http://127.0.0.1:* ws://127.0.0.1:*";
    assert_eq!(may_connect("/", ""), ports);
    // What a stranger says of the way here is no host.
    for header in [
        "X-Forwarded-Host: evil.example\r\n",
        "Forwarded: host=evil.example\r\n",
    ] {
        assert_eq!(may_connect("/chat", header), chat);
        assert_eq!(may_connect("/", header), ports);
    }
}

/// A route that is in the source and not in the table above would not be tested.
#[test]
fn the_table_has_every_route_of_the_source() {
    let source = include_str!("../../src/routes.rs");
    let starts = |path: &str| {
        ROUTES
            .iter()
            .any(|(_, known, _, _)| known.starts_with(path))
    };
    let mut paths: BTreeSet<String> = source
        .split('"')
        .filter(|text| text.starts_with('/') && !text.contains(['\n', ' ']))
        .map(|path| path.split('{').next().unwrap().to_owned())
        .collect();
    // `/rooms/{room}/{what}` is taken apart by hand.
    let arms = source.split("\", &Method::").collect::<Vec<_>>();
    let words = arms[..arms.len() - 1].iter();
    let words: Vec<&str> = words.map(|arm| arm.rsplit('"').next().unwrap()).collect();
    assert_eq!(words, ["events", "members"]);
    paths.extend(words.iter().map(|word| format!("/rooms/KPL/{word}")));
    let segments = Transport::in_rooms().filter_map(Transport::segment);
    paths.extend(segments.map(|segment| format!("/rooms/KPL/{segment}")));
    assert!(paths.len() > 10, "{paths:?}");
    let missing: Vec<_> = paths.iter().filter(|path| !starts(path)).collect();
    assert!(missing.is_empty(), "not in the table: {missing:?}");
}
