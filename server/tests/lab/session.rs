//! What a page gets of its session when all goes well: ports, events, and the bytes of its own
//! connections, equal to the meter's and to `/lab/usage`.

use crate::harness::{Client, Server};
use crate::page::{Page, read_frame};
use pushlab_server::wire::transport::Transport;
use serde_json::{Value, json};
use strum::EnumCount;

#[test]
fn a_session_names_its_room_and_a_port_for_each_transport() {
    let server = Server::start(&["--lab", "on", "--max-hold", "7"]);
    let page = Page::open(&server);
    assert!(page.room().starts_with("lab-"));
    assert_eq!(page.session["max_hold_s"], 7.0);
    let lanes = page.session["lanes"].as_object().unwrap();
    let ports: std::collections::HashSet<_> =
        lanes.values().map(|lane| lane["port"].as_u64()).collect();
    let transports = Transport::COUNT;
    assert_eq!((lanes.len(), ports.len()), (transports, transports));
    let other = Page::open(&server);
    assert_ne!(page.room(), other.room());
}

#[test]
fn the_clock_comes_back_with_the_server_s_time() {
    let server = Server::start(&["--lab", "on"]);
    let mut page = Page::open(&server);
    let now = || {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.unwrap().as_secs_f64() * 1e3
    };
    let before = now();
    page.say(&json!({"do": "clock", "sent": 1234.5}));
    let clock = page.hear("clock");
    assert_eq!(clock["sent"], 1234.5);
    let told = clock["server_ms"].as_f64().unwrap();
    // To a rounding of a microsecond, and a correction of the system's clock since the start.
    assert!(
        told > before - 50.0 && told < now() + 50.0,
        "{told} {before}"
    );
}

#[test]
fn the_publisher_follows_its_schedule_and_tells_every_event() {
    let server = Server::start(&["--lab", "on"]);
    let mut page = Page::open(&server);
    let mut reader = page.lane("http-streaming");
    reader.send(format!(
        "GET /rooms/{}/stream HTTP/1.1\r\nHost: x\r\n\r\n",
        page.room()
    ));
    reader.head();
    reader.chunk();
    page.say(
        &json!({"do": "publish", "rate": 100, "arrivals": "constant", "payload": 64,
                     "seed": 1, "duration_s": 0.2}),
    );
    assert_eq!(page.hear("published")["count"], 20);
    let events: Vec<Value> = page
        .heard
        .iter()
        .filter(|message| message["kind"] == "events")
        .flat_map(|message| message["events"].as_array().unwrap().clone())
        .collect();
    let offsets: Vec<_> = events
        .iter()
        .map(|event| event["offset"].as_u64().unwrap())
        .collect();
    assert_eq!(offsets, (1..=20).collect::<Vec<_>>());
    for pair in events.windows(2) {
        let planned = |event: &Value| event["planned_ms"].as_f64().unwrap();
        let gap = planned(&pair[1]) - planned(&pair[0]);
        assert!((gap - 10.0).abs() < 0.01, "{gap}");
    }
    for event in &events {
        assert!(event["sent_ms"].as_f64() >= event["planned_ms"].as_f64());
        let line: Value = serde_json::from_str(&reader.chunk()).unwrap();
        assert_eq!(line["id"], event["offset"]);
        assert_eq!(line["type"], "tick");
        assert_eq!(line["data"].to_string().len(), 64);
    }
}

#[test]
fn an_event_by_hand_reaches_the_lanes_whatever_it_holds() {
    let server = Server::start(&["--lab", "on"]);
    let mut page = Page::open(&server);
    let mut reader = page.lane("http-streaming");
    reader.send(format!(
        "GET /rooms/{}/stream HTTP/1.1\r\nHost: x\r\n\r\n",
        page.room()
    ));
    reader.head();
    reader.chunk();
    let data = "</script>\n\u{2028}瑶 \"quoted\" \u{0}";
    page.say(&json!({"do": "event", "data": data}));
    let line: Value = serde_json::from_str(&reader.chunk()).unwrap();
    assert_eq!(line["data"], data);
    assert_eq!(page.hear("events")["events"][0]["offset"], 1);
}

/// Uses every lane as a browser does; gives what its clients sent and received, by lane.
fn use_all_lanes(page: &mut Page) -> Vec<(&'static str, u64, u64)> {
    let room = page.room();
    let mut carried = Vec::new();
    let mut rest = |lane, mut client: Client| {
        client.finish();
        client.read_to_end();
        carried.push((lane, client.sent, client.received));
    };
    let mut streams = Vec::new();
    for (lane, segment) in [("http-streaming", "stream"), ("sse", "sse")] {
        let mut client = page.lane(lane);
        client.send(format!(
            "GET /rooms/{room}/{segment} HTTP/1.1\r\nHost: x\r\n\r\n"
        ));
        client.head();
        client.chunk();
        streams.push((lane, client));
    }
    let mut socket = page.lane("websocket");
    crate::page::ask_for_socket(&mut socket, &room);
    page.say(
        &json!({"do": "publish", "rate": 100, "arrivals": "constant", "payload": 2000,
                     "seed": 1, "duration_s": 0.1}),
    );
    page.hear("published");
    for (lane, mut client) in streams {
        for _ in 0..10 {
            client.chunk();
        }
        rest(lane, client);
    }
    for _ in 0..10 {
        read_frame(&mut socket);
    }
    rest("websocket", socket);
    for (lane, segment) in [("interval-polling", "poll"), ("long-polling", "long-poll")] {
        let mut client = page.lane(lane);
        let cursor = client
            .get(&format!("/rooms/{room}/{segment}?cursor=0"), "")
            .cursor();
        let again = format!("/rooms/{room}/{segment}?cursor={cursor}&hold=1ms");
        assert_eq!(client.get(&again, "").status, 204);
        rest(lane, client);
    }
    let mut client = page.lane("socketio");
    let session = "/socket.io/?EIO=4&transport=polling";
    let open = client.get(session, "");
    let open: Value = serde_json::from_str(open.text().strip_prefix('0').unwrap()).unwrap();
    let session = format!("{session}&sid={}", open["sid"].as_str().unwrap());
    assert_eq!(client.post_to(&session, "", "40").text(), "ok");
    assert!(client.get(&session, "").text().starts_with("40{"));
    rest("socketio", client);
    carried
}

#[test]
fn wire_bytes_are_the_meter_s_the_clients_and_those_of_usage() {
    let server = Server::start(&["--lab", "on"]);
    let mut page = Page::open(&server);
    for _ in 0..2 {
        let before = server.usage();
        let carried = use_all_lanes(&mut page);
        let meters = page.meters_at_rest();
        let after = server.usage();
        assert_eq!(carried.len(), Transport::COUNT);
        for (lane, sent, received) in carried {
            let grown = |figure: &str| {
                let at = |usage: &Value| usage["transports"][lane][figure].as_u64().unwrap();
                at(&after) - at(&before)
            };
            assert_eq!(meters[lane]["rx"], sent, "{lane}");
            assert_eq!(meters[lane]["tx"], received, "{lane}");
            assert_eq!((grown("rx"), grown("tx")), (sent, received), "{lane}");
            assert_eq!(page.bytes(lane, "up").len() as u64, sent, "{lane}");
            assert_eq!(page.bytes(lane, "down").len() as u64, received, "{lane}");
            assert_eq!(meters[lane]["opened"], 1, "{lane}");
        }
        page.reset();
        page.heard.clear();
    }
}

#[test]
fn the_wire_holds_the_very_bytes_in_their_order() {
    let server = Server::start(&["--lab", "on"]);
    let mut page = Page::open(&server);
    let mut client = page.lane("sse");
    let request = format!(
        "GET /rooms/{}/sse HTTP/1.1\r\nHost: x\r\nCookie: a=瑶\r\n\r\n",
        page.room()
    );
    client.send(&request);
    client.head();
    client.chunk();
    page.say(&json!({"do": "event", "data": "hello"}));
    let chunk = client.chunk();
    client.finish();
    client.read_to_end();
    page.meters_at_rest();
    assert_eq!(String::from_utf8(page.bytes("sse", "up")).unwrap(), request);
    let down = String::from_utf8(page.bytes("sse", "down")).unwrap();
    assert!(down.starts_with("HTTP/1.1 200 OK\r\n"), "{down}");
    assert!(down.contains(&chunk), "{down}");
    let records = page.records();
    let times: Vec<_> = records
        .iter()
        .map(|record| record["at_ms"].as_f64().unwrap())
        .collect();
    assert!(times.is_sorted());
    assert_eq!(records[0]["what"], "opened");
    assert_eq!(records[records.len() - 1]["what"], "ended");
    assert!(records.iter().all(|record| record["connection"] == 1));
}

#[test]
fn a_reset_gives_a_fresh_room_and_zeroed_meters_and_closes_what_was_open() {
    let server = Server::start(&["--lab", "on"]);
    let mut page = Page::open(&server);
    let room = page.room();
    let mut client = page.lane("http-streaming");
    client.send(format!(
        "GET /rooms/{room}/stream HTTP/1.1\r\nHost: x\r\n\r\n"
    ));
    client.head();
    client.chunk();
    page.reset();
    assert_ne!(page.room(), room);
    client.read_to_end();
    let meters = page.meters_at_rest();
    for lane in meters.as_object().unwrap().values() {
        assert_eq!(lane, &json!({"rx": 0, "tx": 0, "opened": 0, "open": 0}));
    }
    // The old room is nobody's: a lane does not lead there.
    let old = page
        .lane("interval-polling")
        .get(&format!("/rooms/{room}/poll"), "");
    old.expect_problem(404);
}

#[test]
fn a_lane_answers_its_own_page_across_origins_and_no_other() {
    let server = Server::start(&["--lab", "on"]);
    let page = Page::open(&server);
    let path = format!("/rooms/{}/poll", page.room());
    let own = format!("Origin: {}\r\n", page.origin);
    let allowed = |answer: &crate::harness::Answer| {
        let origin = answer.header("access-control-allow-origin");
        let credentials = answer.header("access-control-allow-credentials");
        origin.map(|origin| (origin.to_owned(), credentials.map(str::to_owned)))
    };
    let leave = Some((page.origin.clone(), Some("true".to_owned())));
    let mut lane = page.lane("interval-polling");
    assert_eq!(allowed(&lane.get(&path, &own)), leave);
    assert_eq!(
        allowed(&lane.get(&format!("{path}?cursor=nonsense"), &own)),
        leave
    );
    assert_eq!(allowed(&lane.get(&path, "")), None);
    // Not on the public port, whoever asks.
    assert_eq!(allowed(&server.connect().get(&path, &own)), None);
    // A JSON publish is asked for first.
    lane.send(format!("OPTIONS {path} HTTP/1.1\r\nHost: x\r\n{own}\r\n"));
    let preflight = lane.answer();
    assert_eq!((preflight.status, allowed(&preflight)), (204, leave));
}

#[test]
fn a_lane_serves_no_other_page_in_the_browser() {
    let server = Server::start_with(&["--workers", "1"]);
    let page = Page::open(&server);
    let room = page.room();
    let own = format!("Origin: {}\r\n", page.origin);
    let lane = page.lane_address("websocket");
    let socket = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                  Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let paths = [
        format!("/rooms/{room}/poll"),
        format!("/rooms/{room}/stream"),
        format!("/rooms/{room}/sse"),
        format!("/rooms/{room}/ws"),
        "/".to_owned(),
        "/page/main.js".to_owned(),
        "/health".to_owned(),
        "/lab/usage".to_owned(),
        "/metrics".to_owned(),
    ];
    for foreign in [
        "Origin: http://evil.example\r\n",
        "Origin: null\r\n",
        &format!("Origin: http://{lane}\r\nSec-Fetch-Site: same-origin\r\n"),
        &format!("{own}Origin: http://evil.example\r\n"),
        "Sec-Fetch-Site: cross-site\r\n",
        "Sec-Fetch-Site: same-site\r\n",
        "Sec-Fetch-Site: none\r\n",
    ] {
        for path in &paths {
            let mut client = page.lane("websocket");
            let refused = client.get(path, &format!("{foreign}{socket}"));
            refused.expect_problem(403);
            assert!(refused.text().contains("its own page"), "{foreign}");
            assert_eq!(refused.header("access-control-allow-origin"), None);
        }
        let mut client = page.lane("sse");
        client.send(format!(
            "OPTIONS /rooms/{room}/poll HTTP/1.1\r\nHost: x\r\n{foreign}\r\n"
        ));
        client.answer().expect_problem(403);
        let posted = client.post_with(&room, foreign, r#"{"type":"x","data":1}"#);
        posted.expect_problem(403);
    }
    for mine in [&*format!("{own}Sec-Fetch-Site: same-site\r\n"), ""] {
        let path = format!("/rooms/{room}/poll");
        assert_eq!(page.lane("sse").get(&path, mine).status, 200, "{mine}");
        let path = format!("/rooms/{room}/ws");
        let answer = page.lane("sse").get(&path, &format!("{mine}{socket}"));
        assert_eq!(answer.status, 101, "{mine}");
    }
    // Nothing of this on the public port, where the bytes are nobody's.
    let outside = server
        .connect()
        .get("/health", "Sec-Fetch-Site: cross-site\r\n");
    assert_eq!(outside.status, 200);
}
