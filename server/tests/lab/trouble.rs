//! What a page can do to its own lanes and its room: a long way, a cut, a restart, a short history, a
//! quick heartbeat. What each trouble does to bytes is tested beside the proxy.

use crate::harness::{Client, Server};
use crate::page::{Page, ask_for_socket, read_frame};
use pushlab_server::wire::transport::Transport;
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::io::Read;
use std::net::TcpStream;
use std::time::{Duration, Instant};
use strum::EnumCount;

fn listen(page: &Page, lane: &str, segment: &str, query: &str) -> (Client, Value) {
    let mut client = page.lane(lane);
    let room = page.room();
    client.send(format!(
        "GET /rooms/{room}/{segment}?{query} HTTP/1.1\r\nHost: x\r\n\r\n"
    ));
    assert_eq!(client.head().status, 200);
    let hello = serde_json::from_str(&client.chunk()).unwrap();
    (client, hello)
}

fn event(page: &mut Page, data: &str) {
    page.say(&json!({"do": "event", "data": data}));
    page.hear("events");
}

#[test]
fn a_long_way_is_long_for_its_lane_alone_and_at_once() {
    let server = Server::start(&["--lab", "on"]);
    let mut page = Page::open(&server);
    let path = format!("/rooms/{}/poll", page.room());
    let (mut far, mut near) = (page.lane("long-polling"), page.lane("interval-polling"));
    far.get(&path, "");
    page.say(&json!({"do": "lane", "lane": "long-polling", "rtt_ms": 300}));
    page.say(&json!({"do": "clock", "sent": 0}));
    page.hear("clock");
    let timed = |client: &mut Client| {
        let began = Instant::now();
        client.get(&path, "");
        began.elapsed()
    };
    assert!(timed(&mut far) >= Duration::from_millis(300));
    assert!(timed(&mut near) < Duration::from_millis(300));
}

#[test]
fn a_cut_closes_the_connections_of_one_lane_and_names_them() {
    let server = Server::start(&["--lab", "on"]);
    let mut page = Page::open(&server);
    let (mut stream, _) = listen(&page, "http-streaming", "stream", "");
    let mut socket = page.lane("websocket");
    ask_for_socket(&mut socket, &page.room());
    page.say(&json!({"do": "cut", "lane": "http-streaming"}));
    stream.expect_end();
    let trouble = page.hear("trouble");
    assert_eq!(
        (&trouble["lane"], &trouble["what"]),
        (&json!("http-streaming"), &json!("cut"))
    );
    assert_eq!(trouble["connection"], 1);
    event(&mut page, "still here");
    read_frame(&mut socket);
    listen(&page, "http-streaming", "stream", "");
}

#[test]
fn an_idle_cut_is_told_with_its_connection() {
    let server = Server::start(&["--lab", "on"]);
    let mut page = Page::open(&server);
    page.say(&json!({"do": "lane", "lane": "http-streaming", "trouble": {"idle_cut_ms": 50}}));
    page.say(&json!({"do": "clock", "sent": 0}));
    page.hear("clock");
    let (mut stream, _) = listen(&page, "http-streaming", "stream", "");
    stream.expect_end();
    let trouble = page.hear("trouble");
    assert_eq!(
        (&trouble["what"], &trouble["connection"]),
        (&json!("idle-cut"), &json!(1))
    );
}

#[test]
fn a_restart_loses_the_events_and_the_epoch_and_goes_on_counting() {
    let server = Server::start(&["--lab", "on"]);
    let mut page = Page::open(&server);
    let (mut before, hello) = listen(&page, "http-streaming", "stream", "");
    let cursor = hello["cursor"].as_str().unwrap().to_owned();
    event(&mut page, "lost");
    before.chunk();
    page.say(&json!({"do": "restart", "down_ms": 300}));
    before.expect_end();
    // While it is down there is nobody to talk to.
    let mut refused = TcpStream::connect(page.lane_address("http-streaming")).unwrap();
    let ended = refused.read(&mut [0]);
    assert!(ended.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
    page.say(&json!({"do": "event", "data": "too early"}));
    assert_eq!(page.hear("refused")["do"], "event");
    let lanes_with = |page: &Page, what: &str| {
        let troubles = page.heard.iter().filter(|message| message["what"] == what);
        troubles.count()
    };
    let lanes = Transport::COUNT;
    while lanes_with(&page, "back") < lanes {
        page.hear("trouble");
    }
    assert_eq!(lanes_with(&page, "restart"), lanes);
    let (mut after, hello) = listen(
        &page,
        "http-streaming",
        "stream",
        &format!("cursor={cursor}"),
    );
    assert_eq!(hello["missed"], Value::Null);
    let epoch = |cursor: &str| cursor.split_once('-').unwrap().0.to_owned();
    assert_ne!(epoch(hello["cursor"].as_str().unwrap()), epoch(&cursor));
    event(&mut page, "new");
    let line: Value = serde_json::from_str(&after.chunk()).unwrap();
    assert_eq!((&line["id"], &line["data"]), (&json!(2), &json!("new")));
}

#[test]
fn a_publisher_waits_for_a_restarted_server_and_tells_how_late_it_was() {
    let server = Server::start(&["--lab", "on"]);
    let mut page = Page::open(&server);
    page.say(
        &json!({"do": "publish", "rate": 50, "arrivals": "constant", "payload": 64,
                     "seed": 1, "duration_s": 0.2}),
    );
    page.say(&json!({"do": "restart", "down_ms": 400}));
    assert_eq!(page.hear("published")["count"], 10);
    let events = page
        .heard
        .iter()
        .filter(|message| message["kind"] == "events");
    let events: Vec<&Value> = events
        .flat_map(|message| message["events"].as_array().unwrap())
        .collect();
    let offsets: Vec<_> = events
        .iter()
        .map(|event| event["offset"].as_u64())
        .collect();
    assert_eq!(offsets, (1..=10).map(Some).collect::<Vec<_>>());
    let late =
        |event: &Value| event["sent_ms"].as_f64().unwrap() - event["planned_ms"].as_f64().unwrap();
    // The last was planned 200 ms after the start; 400 ms after it the server was back.
    assert!(late(events[9]) > 150.0, "{}", events[9]);
}

#[test]
fn a_room_that_keeps_one_event_tells_a_late_reader_what_it_missed() {
    let server = Server::start(&["--lab", "on"]);
    let mut page = Page::open(&server);
    page.say(&json!({"do": "room", "history": 1, "heartbeat_ms": null}));
    let cursor = page
        .lane("sse")
        .get(&format!("/rooms/{}/poll", page.room()), "")
        .cursor();
    for data in ["a", "b", "c"] {
        event(&mut page, data);
    }
    let path = format!("/rooms/{}/poll?cursor={cursor}", page.room());
    let answer = page.lane("interval-polling").get(&path, "").json();
    assert_eq!(answer["missed"], 2);
    assert_eq!(answer["events"][0]["data"], "c");
}

#[test]
fn streams_and_sockets_say_that_they_live_as_often_as_the_page_asks() {
    let server = Server::start(&["--lab", "on"]);
    let mut page = Page::open(&server);
    page.say(&json!({"do": "room", "history": null, "heartbeat_ms": 30}));
    page.reset();
    let (mut stream, _) = listen(&page, "http-streaming", "stream", "");
    let mut socket = page.lane("websocket");
    ask_for_socket(&mut socket, &page.room());
    assert_eq!(stream.chunk(), "\n");
    assert_eq!(read_frame(&mut socket), (9, Vec::new()));
    // Another page's streams keep to the server's 15 s.
    let other = Page::open(&server);
    let (mut quiet, _) = listen(&other, "http-streaming", "stream", "");
    assert_eq!(stream.chunk(), "\n");
    assert!(quiet.is_silent());
}
