//! Who is in a room, as its events, the list of a newcomer and `GET /rooms/{room}/members` tell it.

use crate::harness::{Client, LIMIT, Server};
use crate::session::{SignedIn, sign_in};
use crate::websocket;
use serde_json::{Value, json};
use std::thread;
use std::time::{Duration, Instant};

/// Short, so that tests see members leave.
const SHORT: [&str; 4] = ["--member-grace", "0.2", "--poll-grace", "0.3"];
/// Nobody leaves within a test.
const LONG: [&str; 4] = ["--member-grace", "3600", "--poll-grace", "3600"];

fn members(server: &Server, room: &str) -> Value {
    let answer = server.get(&format!("/rooms/{room}/members"));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    answer.json()
}

/// All that has happened in the room: kind and user of each event.
fn log(server: &Server, room: &str) -> Vec<(String, Value)> {
    let batch = server.get(&format!("/rooms/{room}/poll?cursor=0"));
    if batch.status == 204 {
        return Vec::new();
    }
    let batch = batch.json();
    let events = batch["events"].as_array().unwrap();
    let kind = |event: &Value| event["type"].as_str().unwrap().to_owned();
    (events.iter())
        .map(|event| (kind(event), event["user"].clone()))
        .collect()
}

/// Waits until so many events have happened; gives them.
fn wait_for_log(server: &Server, room: &str, length: usize) -> Vec<(String, Value)> {
    let deadline = Instant::now() + LIMIT;
    loop {
        let log = log(server, room);
        if log.len() >= length {
            return log;
        }
        assert!(Instant::now() < deadline, "{log:?} after {LIMIT:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn open_sse(server: &Server, headers: &str) -> Client {
    let mut client = server.connect();
    client.send(format!(
        "GET /rooms/KPL/sse HTTP/1.1\r\nHost: test\r\n{headers}\r\n"
    ));
    assert_eq!(client.head().status, 200);
    client
}

/// The messages of one chunk of an event stream.
fn messages(chunk: &str) -> Vec<Value> {
    (chunk.lines())
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|json| serde_json::from_str(json).unwrap())
        .collect()
}

#[test]
fn a_newcomer_is_told_who_is_there_and_reads_its_own_join() {
    let server = Server::start(&LONG);
    let [first, second] = ["云缨", "瑶"].map(|name| sign_in(&server, name));
    let mut one = open_sse(&server, &first.cookie);
    let greeting = messages(&one.chunk());
    assert_eq!(greeting[0]["type"], "hello");
    assert_eq!(greeting[1], json!({"type": "list", "data": [first.user]}));
    let joined =
        |id: u64, user: &Value| json!({"id": id, "type": "join", "user": user, "data": null});
    assert_eq!(messages(&one.chunk()), [joined(1, &first.user)]);
    let mut two = server.connect();
    websocket::ask(&mut two, "/rooms/KPL/ws", &second.cookie);
    assert_eq!(two.head().status, 101);
    let mut read = || -> Value { serde_json::from_str(websocket::read(&mut two).text()).unwrap() };
    let hello = read();
    assert!(hello["cursor"].as_str().unwrap().ends_with("-1"));
    let both = json!([first.user, second.user]);
    assert_eq!(read(), json!({"type": "list", "data": both}));
    assert_eq!(read(), joined(2, &second.user));
    assert_eq!(messages(&one.chunk()), [joined(2, &second.user)]);
    assert_eq!(members(&server, "KPL"), both);
}

#[test]
fn who_has_no_name_is_no_member_and_is_told_no_list() {
    let server = Server::start(&LONG);
    let mut client = open_sse(&server, "");
    assert_eq!(messages(&client.chunk()).len(), 1);
    assert_eq!(members(&server, "KPL"), json!([]));
    assert_eq!(members(&server, "nowhere"), json!([]));
    assert_eq!(server.usage()["rooms"], 1, "to be asked for makes no room");
    let mut client = server.connect();
    client.send("POST /rooms/KPL/members HTTP/1.1\r\nHost: test\r\n\r\n");
    client.answer().expect_problem(405);
}

#[test]
fn publishing_makes_no_member() {
    let server = Server::start(&LONG);
    let SignedIn { cookie, .. } = sign_in(&server, "瑶");
    let answer = (server.connect()).post_with("KPL", &cookie, r#"{"type":"chat","data":1}"#);
    assert_eq!(answer.status, 201);
    assert_eq!(members(&server, "KPL"), json!([]));
    assert_eq!(log(&server, "KPL").len(), 1);
}

#[test]
fn tabs_of_one_user_count_as_one_and_a_reload_is_no_leaving() {
    let server = Server::start(&LONG);
    let SignedIn { cookie, user } = sign_in(&server, "瑶");
    let tabs = [0; 3].map(|_| open_sse(&server, &cookie));
    for tab in tabs {
        tab.reset();
        drop(open_sse(&server, &cookie));
    }
    server.wait_for_figure("sse", "open", 0, LIMIT);
    let again = server.connect().get("/rooms/KPL/poll?cursor=0", &cookie);
    assert_eq!(again.json()["events"].as_array().unwrap().len(), 1);
    assert_eq!(members(&server, "KPL"), json!([user]));
}

#[test]
fn who_is_gone_for_the_grace_has_left() {
    let server = Server::start(&SHORT);
    let SignedIn { cookie, user } = sign_in(&server, "瑶");
    for round in 1..=3 {
        let mut tab = open_sse(&server, &cookie);
        tab.chunk();
        match round {
            1 => drop(tab),
            2 => tab.reset(),
            _ => tab.finish(),
        }
        wait_for_log(&server, "KPL", 2 * round);
    }
    let log = log(&server, "KPL");
    let expected = ["join", "left"].map(|kind| (kind.to_owned(), user.clone()));
    assert_eq!(log, [expected.clone(), expected.clone(), expected].concat());
    assert_eq!(members(&server, "KPL"), json!([]));
}

#[test]
fn who_polls_is_a_member_between_its_polls_and_reads_its_own_join() {
    let server = Server::start(&["--member-grace", "0.001", "--poll-grace", "3600"]);
    let SignedIn { cookie, user } = sign_in(&server, "瑶");
    let first = server.connect().get("/rooms/KPL/poll", &cookie);
    let join = json!({"id": 1, "type": "join", "user": user, "data": null});
    assert_eq!(first.json()["events"], json!([join]));
    let cursor = first.cursor();
    let polled = (server.connect()).get(&format!("/rooms/KPL/poll?cursor={cursor}"), &cookie);
    assert_eq!(polled.status, 204);
    assert_eq!(members(&server, "KPL"), json!([user]));
    // The pause between the two was its interval; thrice that is soon over.
    wait_for_log(&server, "KPL", 2);
    let left = server
        .get(&format!("/rooms/KPL/poll?cursor={cursor}"))
        .json();
    assert_eq!(left["events"][0]["type"], "left");
}

/// A hold of five times the grace that ends with nothing: had he left, that would have ended it.
#[test]
fn a_held_poll_is_a_presence() {
    let server = Server::start(&["--member-grace", "0.2", "--poll-grace", "0.2"]);
    let SignedIn { cookie, .. } = sign_in(&server, "瑶");
    let mut client = server.connect();
    let mut cursor = server.head_cursor("KPL");
    // More than one if the machine is so slow that he has left before he asks again.
    for _ in 0..20 {
        let path = format!("/rooms/KPL/long-poll?cursor={cursor}&hold=1s");
        let answer = client.get(&path, &cookie);
        if answer.status == 204 {
            return;
        }
        cursor = answer.cursor();
    }
    panic!("no poll was held: {:?}", log(&server, "KPL"));
}

#[test]
fn a_room_has_so_many_members_and_no_more() {
    let flags = [&LONG[..], &["--max-members", "1"]].concat();
    let server = Server::start(&flags);
    let [first, second] = ["云缨", "瑶"].map(|name| sign_in(&server, name));
    let _one = open_sse(&server, &first.cookie);
    let _again = open_sse(&server, &first.cookie);
    // Who is none reads all the same, and is not told of.
    let reads = server
        .connect()
        .get("/rooms/KPL/poll?cursor=0", &second.cookie);
    assert_eq!(reads.status, 200);
    assert_eq!(log(&server, "KPL").len(), 1);
    let elsewhere = server.connect().get("/rooms/other/poll", &second.cookie);
    assert_eq!(elsewhere.status, 200);
    assert_eq!(members(&server, "KPL"), json!([first.user]));
}

#[test]
fn a_bare_server_knows_no_members() {
    let flags = [&LONG[..], &["--bare"]].concat();
    let server = Server::start(&flags);
    let SignedIn { cookie, .. } = sign_in(&server, "瑶");
    let answer = server.connect().get("/rooms/KPL/poll?cursor=0", &cookie);
    assert_eq!(answer.status, 204);
    assert_eq!(members(&server, "KPL"), json!([]));
}
