//! Publishing faster than one may: 429 and a time to wait, an error message on a WebSocket, and 1008 for
//! one who does not listen.

use crate::harness::{Client, LIMIT, Server};

const SLOW: [&str; 2] = ["--max-publishes-per-second", "1"];
const BODY: &str = r#"{"type":"n","data":1}"#;

/// How many of twenty publishes in a row went through; the others were refused as they should be.
fn through(client: &mut Client, headers: &str) -> usize {
    let answers = (0..20).map(|_| client.post_with("KPL", headers, BODY));
    let through = answers.filter(|answer| {
        if answer.status == 201 {
            return true;
        }
        answer.expect_problem(429);
        assert_eq!(answer.header("retry-after"), Some("1"));
        false
    });
    through.count()
}

fn sign_in(server: &Server) -> String {
    let answer = server
        .connect()
        .post_to("/session", "", r#"{"name":"瑶","token":true}"#);
    assert_eq!(answer.status, 201, "{}", answer.text());
    let token = answer.json()["token"].as_str().unwrap().to_owned();
    format!("Authorization: Bearer {token}\r\n")
}

#[test]
fn a_publish_too_many_is_429_by_post() {
    let server = Server::start(&[&SLOW[..], &["--limit-loopback"]].concat());
    let nameless = through(&mut server.connect(), "");
    assert!((1..20).contains(&nameless), "{nameless}");
    // A user has his own pace, from wherever he comes.
    let user = sign_in(&server);
    let named = through(&mut server.connect(), &user) + through(&mut server.connect(), &user);
    assert!((1..40).contains(&named), "{named}");
    assert_eq!(server.usage()["published"], nameless + named);
}

#[test]
fn this_host_s_nameless_publishers_are_exempt_and_its_users_are_not() {
    let server = Server::start(&SLOW);
    assert_eq!(through(&mut server.connect(), ""), 20);
    let user = sign_in(&server);
    assert!(through(&mut server.connect(), &user) < 20);
    let free = Server::start(&["--max-publishes-per-second", "0", "--limit-loopback"]);
    assert_eq!(through(&mut free.connect(), &sign_in(&free)), 20);
}

/// Their addresses are counted as if they had come by themselves.
#[test]
fn two_behind_one_trusted_proxy_have_a_pace_of_their_own() {
    let proxy = ["--trusted-proxy", "127.0.0.1"];
    let server = Server::start(&[&SLOW[..], &proxy].concat());
    let behind = |address: &str| {
        let headers = format!("X-Forwarded-For: 198.51.100.1, {address}\r\n");
        through(&mut server.connect(), &headers)
    };
    let first = behind("203.0.113.1");
    assert!((1..20).contains(&first), "{first}");
    assert!(behind("203.0.113.2") >= 1);
    let mut socket = websocket(&server, "X-Forwarded-For: 203.0.113.3\r\n");
    socket.send(text_frame(BODY).repeat(20));
    socket.read_until(br#""status":429"#);
    // Whom it hands nobody on for is this host.
    assert_eq!(through(&mut server.connect(), ""), 20);
}

/// Anybody can write the header.
#[test]
fn who_is_no_trusted_proxy_is_counted_as_himself() {
    for flags in [&[][..], &["--trusted-proxy", "192.0.2.1"]] {
        let limit = [&SLOW[..], &["--limit-loopback"], flags].concat();
        let server = Server::start(&limit);
        let mut client = server.connect();
        let answers: Vec<u16> = (0..20)
            .map(|number| {
                let headers = format!("X-Forwarded-For: 203.0.113.{number}\r\n");
                client.post_with("KPL", &headers, BODY).status
            })
            .collect();
        assert!(answers.contains(&429), "{answers:?}");
    }
}

fn websocket(server: &Server, headers: &str) -> Client {
    let mut client = server.connect();
    client.send(format!(
        "GET /rooms/KPL/ws HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
    ));
    client.read_until(b"hello");
    client
}

/// Masked with zeros, as a client may.
fn text_frame(text: &str) -> Vec<u8> {
    let mut frame = vec![0x81, 0x80 | text.len() as u8, 0, 0, 0, 0];
    frame.extend(text.as_bytes());
    frame
}

/// What is nothing to publish costs the server as much as what is.
#[test]
fn on_a_websocket_what_does_not_parse_counts_too() {
    let server = Server::start(&[&SLOW[..], &["--limit-loopback"]].concat());
    let mut client = websocket(&server, "");
    client.send(text_frame(r#"{"data":"瑶"}"#).repeat(150));
    let said = client.read_to_end();
    let text = String::from_utf8_lossy(&said);
    let [bad, too_often] =
        [400, 429].map(|status| text.matches(&format!(r#""status":{status}"#)).count());
    assert!((1..50).contains(&bad), "{bad}");
    assert!(too_often >= 90, "{too_often}");
    assert!(said.ends_with(b"publishes too fast"), "{text}");
    assert_eq!(server.usage()["ended"]["flooding"], 1);
}

#[test]
fn a_websocket_is_told_and_then_closed_with_1008() {
    let server = Server::start(&[&SLOW[..], &["--limit-loopback"]].concat());
    let mut client = websocket(&server, "");
    client.send(text_frame(BODY).repeat(150));
    let said = client.read_to_end();
    let text = String::from_utf8_lossy(&said);
    let refused = text.matches(r#""status":429"#).count();
    assert!((90..150).contains(&refused), "{refused}");
    assert!(text.contains("--max-publishes-per-second"));
    // Where HTTP has `Retry-After`, in whole seconds as well.
    let waits: Vec<u64> = text
        .split(r#""retry_after":"#)
        .skip(1)
        .map(|rest| rest.split([',', '}']).next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(waits.len(), refused);
    assert!(
        waits.iter().all(|wait| (1..=60).contains(wait)),
        "{waits:?}"
    );
    let close = [
        &[0x88, 20][..],
        &1008u16.to_be_bytes(),
        b"publishes too fast",
    ]
    .concat();
    assert!(said.ends_with(&close), "{text}");
    assert_eq!(server.usage()["ended"]["flooding"], 1);
    server.wait_for_figure("websocket", "open", 0, LIMIT);
}

/// In a full room one still talks under one's name over the WebSocket that one reads by.
#[test]
fn who_finds_a_room_full_of_members_talks_under_his_name() {
    let server = Server::start(&["--limit-loopback", "--max-members-per-address", "1"]);
    let _member = websocket(&server, &sign_in(&server));
    let mut other = websocket(&server, &sign_in(&server));
    other.send(text_frame(BODY));
    let said = other.read_until(br#""data":1"#);
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(!said.contains(r#""type":"list""#), "{said}");
    assert!(!said.contains(r#""type":"join""#), "{said}");
    let log = server.get("/rooms/KPL/poll?cursor=0").json();
    let events: Vec<_> = (log["events"].as_array().unwrap().iter())
        .map(|event| (event["type"].as_str().unwrap(), &event["user"]["id"]))
        .collect();
    let [("join", member), ("n", author)] = events[..] else {
        panic!("{log}");
    };
    assert!(author.is_string() && author != member, "{log}");
    let members = server.get("/rooms/KPL/members").json();
    assert_eq!(members.as_array().unwrap().len(), 1);
}

#[test]
fn signing_in_and_making_rooms_too_fast_is_429() {
    let server = Server::start(&[&SLOW[..], &["--limit-loopback"]].concat());
    let mut client = server.connect();
    let body = r#"{"name":"瑶"}"#;
    let signed_in: Vec<u16> = (0..40)
        .map(|_| client.post_to("/session", "", body).status)
        .collect();
    assert!(
        signed_in.starts_with(&[201]) && signed_in.contains(&429),
        "{signed_in:?}"
    );
    let named: Vec<u16> = (0..20)
        .map(|number| client.get(&format!("/rooms/{number}/poll"), "").status)
        .collect();
    assert!(
        named.starts_with(&[200]) && named.contains(&429),
        "{named:?}"
    );
    let made = named.iter().filter(|status| **status == 200).count();
    assert_eq!(server.usage()["rooms"], made);
    // A room that is there costs nothing.
    assert!((0..20).all(|_| client.get("/rooms/0/poll", "").status == 200));
}
