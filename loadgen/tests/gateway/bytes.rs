//! What a browser would send, byte by byte through nginx: streams that are not held back, pings that
//! come through, an event stream that is resumed, problems that arrive as they were said, and the two
//! settings that break a stream.

use crate::harness::{Client, LIMIT, Server, at};
use crate::{before, defaults, nginx_is_here, recommended};
use std::time::Instant;

const ROOM: &str = "%E5%B3%A1%E8%B0%B7";

fn open(address: std::net::SocketAddr, path: &str, headers: &str) -> Client {
    let mut client = Client::connect(address);
    client.send(format!(
        "GET /rooms/{ROOM}/{path} HTTP/1.1\r\nHost: test\r\n{headers}\r\n"
    ));
    client
}

#[test]
fn an_event_stream_is_resumed_through_nginx() {
    if !nginx_is_here() {
        return;
    }
    for configuration in [defaults(), recommended()] {
        let server = Server::start(&["--stream-heartbeat", "0.1"]);
        let nginx = before(server.public, &configuration);
        let mut stream = open(nginx.address, "sse", "");
        let head = stream.head();
        assert_eq!(head.status, 200);
        assert_eq!(head.header("content-type"), Some("text/event-stream"));
        let said = Client::connect(nginx.address).post(ROOM, r#"{"type":"chat","data":"瑶"}"#);
        assert_eq!(said.status, 201, "{}", said.text());
        stream.read_until("\"data\":\"瑶\"}\n\n".as_bytes());
        stream.read_until(b":\n");
        let first = said.cursor();
        server.publish(ROOM, r#"{"type":"chat","data":"meanwhile"}"#);
        let mut again = open(nginx.address, "sse", &format!("Last-Event-ID: {first}\r\n"));
        let text = again.read_until(b"\"data\":\"meanwhile\"}\n\n");
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains(&format!("id: {}\n", at(&first, 2))), "{text}");
        assert!(!text.contains("瑶"), "{text}");
    }
}

/// Signed in through nginx, a browser has a name on the transports behind it.
#[test]
fn a_session_passes_and_its_cookie_knows_of_tls() {
    if !nginx_is_here() {
        return;
    }
    let server = Server::start(&["--trusted-proxy", "127.0.0.1"]);
    let over_tls = recommended().replace("$scheme", "https");
    for (configuration, is_secure) in [(recommended(), false), (over_tls, true)] {
        let nginx = before(server.public, &configuration);
        let mut client = Client::connect(nginx.address);
        let body = r#"{"name":"瑶"}"#;
        client.send(format!(
            "POST /session HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        let answer = client.answer();
        assert_eq!(answer.status, 201, "{}", answer.text());
        let cookie = answer.header("set-cookie").unwrap();
        assert!(cookie.contains("; HttpOnly; SameSite=Lax"), "{cookie}");
        assert_eq!(cookie.contains("; Secure"), is_secure, "{cookie}");
        let pair = cookie.split(';').next().unwrap();
        let headers = format!("Content-Type: application/json\r\nCookie: {pair}\r\n");
        let said = Client::connect(nginx.address).post_with(
            ROOM,
            &headers,
            r#"{"type":"chat","data":"talk"}"#,
        );
        assert_eq!(said.status, 201, "{}", said.text());
        let since = at(&said.cursor(), said.json()["offset"].as_u64().unwrap() - 1);
        let polled = open(nginx.address, &format!("poll?cursor={since}"), "").answer();
        assert_eq!(polled.json()["events"][0]["user"]["name"], "瑶");
    }
}

/// The server listens on loopback and is asked by a name, as by a page that had its name rebound: only a
/// list can tell the two apart.
#[test]
fn a_page_behind_nginx_is_let_in_where_it_is_listed() {
    if !nginx_is_here() {
        return;
    }
    let page = "Host: chat.example\r\nOrigin: https://chat.example\r\n";
    let evil = "Host: chat.example\r\nOrigin: https://evil.example\r\n";
    for configuration in [defaults(), recommended()] {
        for (flags, listed) in [
            (["--allow-origin", "https://chat.example"], true),
            (["--allow-origin", "https://other.example"], false),
        ] {
            let server = Server::start(&flags);
            let nginx = before(server.public, &configuration);
            for (path, more, fine) in [("poll", "", 200), ("sse", "", 200), ("ws", UPGRADE, 101)] {
                let ask = |origin: &str| {
                    let mut client = Client::connect(nginx.address);
                    client.send(format!(
                        "GET /rooms/{ROOM}/{path} HTTP/1.1\r\n{origin}{more}\r\n"
                    ));
                    client.head().status
                };
                assert_eq!(ask(page), if listed { fine } else { 403 }, "{path}");
                assert_eq!(ask(evil), 403, "{path}");
            }
        }
    }
}

const UPGRADE: &str = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[test]
fn pings_and_frames_pass_both_ways() {
    if !nginx_is_here() {
        return;
    }
    for configuration in [defaults(), recommended()] {
        let server = Server::start(&["--ping-interval", "0.1"]);
        let nginx = before(server.public, &configuration);
        let mut socket = open(nginx.address, "ws", UPGRADE);
        let head = socket.head();
        assert_eq!(head.status, 101);
        let accept = head.header("sec-websocket-accept");
        assert_eq!(accept, Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        socket.read_until(b"\"missed\":0}");
        // A masked text frame, its key 0: what it says stands in it as it is.
        socket.send([b"\x81\x84\0\0\0\0".as_slice(), b"talk"].concat());
        socket.read_until(b"\"data\":\"talk\"}");
        // The server's ping is two bytes and no payload; ours is answered with what it bore.
        socket.read_until(b"\x89\x00");
        socket.send(b"\x89\x83\0\0\0\0abc");
        socket.read_until(b"\x8a\x03abc");
        // 1000, and the server's answer to it.
        socket.send(b"\x88\x82\0\0\0\0\x03\xe8");
        socket.read_until(b"\x88\x02\x03\xe8");
        socket.read_to_end();
        server.wait_for_figure("websocket", "open", 0, LIMIT);
    }
}

#[test]
fn answers_pass_as_they_were_said() {
    if !nginx_is_here() {
        return;
    }
    let server = Server::start(&[]);
    let nginx = before(server.public, &recommended());
    let get = |path: &str, headers: &str| Client::connect(nginx.address).get(path, headers);
    let poll = format!("/rooms/{ROOM}/poll");
    let first = server.publish(ROOM, r#"{"type":"chat","data":1}"#);
    let answer = get(&format!("{poll}?cursor=0"), "");
    assert_eq!(answer.header("etag"), Some(&*format!("\"{first}\"")));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert_eq!(answer.cursor(), first);
    let known = format!("If-None-Match: \"{first}\"\r\n");
    assert_eq!(get(&format!("{poll}?cursor={first}"), &known).status, 304);
    assert_eq!(get(&format!("{poll}?cursor={first}"), "").status, 204);
    get(&format!("{poll}?cursor=x"), "").expect_problem(400);
    get(&format!("/rooms/{ROOM}/ws"), "").expect_problem(426);
    get("/nowhere", "").expect_problem(404);
    let long = format!(r#"{{"type":"chat","data":"{}"}}"#, "x".repeat(70_000));
    let refused = Client::connect(nginx.address).post(ROOM, &long);
    refused.expect_problem(413);
    let gone = format!("{poll}?cursor={first}");
    let nginx_address = nginx.address;
    drop(server);
    assert_eq!(Client::connect(nginx_address).get(&gone, "").status, 502);
}

/// A browser that is gone is gone for the server too, whatever it was waiting for.
#[test]
fn who_hangs_up_on_nginx_has_hung_up_on_the_server() {
    if !nginx_is_here() {
        return;
    }
    let server = Server::start(&[]);
    let nginx = before(server.public, &defaults());
    for (class, path, headers) in [
        ("long-polling", "long-poll?cursor=0&hold=20s", ""),
        ("http-streaming", "stream", ""),
        ("sse", "sse", ""),
        ("websocket", "ws", UPGRADE),
    ] {
        let client = open(nginx.address, path, headers);
        server.wait_for_figure(class, "open", 1, LIMIT);
        drop(client);
        server.wait_for_figure(class, "open", 0, LIMIT);
    }
}

/// nginx before 1.29 speaks HTTP/1.0 to a server unless told: streams then end by closing, and there is
/// no WebSocket.
#[test]
fn over_http_1_0_all_but_websocket_works() {
    if !nginx_is_here() {
        return;
    }
    let old = "server { listen 80; location / { proxy_http_version 1.0; proxy_pass http://127.0.0.1:8080; } }";
    let server = Server::start(&["--stream-heartbeat", "0.1"]);
    let nginx = before(server.public, old);
    let first = server.publish(ROOM, r#"{"type":"chat","data":"first"}"#);
    for path in [
        "stream?cursor=0",
        "sse?cursor=0",
        "poll?cursor=0",
        "long-poll?cursor=0",
    ] {
        let mut client = open(nginx.address, path, "");
        assert_eq!(client.head().status, 200, "{path}");
        client.read_until(b"\"data\":\"first\"}");
        if path.starts_with('s') {
            server.publish(ROOM, r#"{"type":"chat","data":"next"}"#);
            client.read_until(b"\"data\":\"next\"}");
        }
    }
    let mut held = open(
        nginx.address,
        &format!("long-poll?cursor={}&hold=20s", at(&first, 3)),
        "",
    );
    server.publish(ROOM, r#"{"type":"chat","data":"held"}"#);
    assert_eq!(held.head().status, 200);
    assert_eq!(open(nginx.address, "ws", UPGRADE).head().status, 426);
}

/// nginx with what makes it collect: HTTP/1.0 to the server, which is its default, and compression.
const COLLECTING: &str = "gzip on; gzip_types *; gzip_proxied any; server { listen 80; location / { proxy_http_version 1.0; proxy_pass http://127.0.0.1:8080; } }";

/// How much it collects of a stream that does not ask to be spared; the README has the figure.
#[test]
fn without_the_streams_own_header_nginx_holds_them_back() {
    if !nginx_is_here() {
        return;
    }
    let deaf = COLLECTING.replace(
        "location / {",
        "location / { proxy_ignore_headers X-Accel-Buffering;",
    );
    for path in ["stream", "sse"] {
        let server = Server::start(&[]);
        let nginx = before(server.public, &deaf);
        let mut stream = open(nginx.address, path, "");
        let mut speaker = Client::connect(nginx.address);
        let body = format!(r#"{{"type":"n","data":"{}"}}"#, "x".repeat(100));
        server.wait_for_figure(class_of(path), "open", 1, LIMIT);
        let (mut said, begun) = (0, Instant::now());
        // The worker that answers the publish has long had what it led to.
        while stream.is_silent() {
            assert_eq!(speaker.post(ROOM, &body).status, 201);
            said += 1;
            assert!(begun.elapsed() < LIMIT, "nothing came after {said} events");
        }
        let sent = server.figure(class_of(path), "tx");
        println!("{path}: nothing came before event {said}, {sent} bytes from the server");
        assert!(
            said > 10 && sent > 4000,
            "{path}: {said} events, {sent} bytes"
        );
    }
}

#[test]
fn with_it_each_event_comes_at_once_compressed_or_not() {
    if !nginx_is_here() {
        return;
    }
    for accept in ["", "Accept-Encoding: gzip\r\n"] {
        for path in ["stream", "sse"] {
            let server = Server::start(&[]);
            let nginx = before(server.public, COLLECTING);
            let mut stream = open(nginx.address, path, accept);
            let head = stream.head();
            let coding = head.header("content-encoding");
            assert_eq!(coding, (!accept.is_empty()).then_some("gzip"), "{path}");
            chunk(&mut stream);
            for _ in 0..3 {
                server.publish(ROOM, r#"{"type":"chat","data":"瑶"}"#);
                // It would wait for ever for what is held back.
                assert!(!chunk(&mut stream).is_empty(), "{path}");
            }
        }
    }
}

/// The bytes of one chunk, whatever they say.
fn chunk(stream: &mut Client) -> Vec<u8> {
    let size = String::from_utf8(stream.read_until(b"\r\n")).unwrap();
    let size = usize::from_str_radix(size.trim_end(), 16).unwrap();
    let data = stream.read_exactly(size + 2);
    data[..size].to_vec()
}

fn class_of(path: &str) -> &'static str {
    match path {
        "stream" => "http-streaming",
        _ => "sse",
    }
}
