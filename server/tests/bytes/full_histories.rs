//! When the histories of all rooms hold what they may: the largest give their oldest events. Where nobody has
//! any to give, a new room is refused, with a sentence that names the limit, by POST and on a WebSocket; one
//! that has something gives its own, and no other loses its newest.

use crate::harness::{Client, Server, at};
use crate::websocket::{open, read, send_text};
use serde_json::Value;

const LIMIT: u64 = 60_000;
const FLAG: &str = "--history-bytes-in-all";

fn line(word: &str) -> String {
    format!(r#"{{"type":"chat","data":"{word} {}"}}"#, "瑶".repeat(300))
}

/// Fills room after room with one event each; gives the first room that is refused.
fn fill(client: &mut Client) -> String {
    for number in 0..1_000 {
        let room = format!("room{number}");
        let answer = client.post(&room, &line("first"));
        if answer.status != 201 {
            answer.expect_problem(503);
            let seconds: u32 = answer.header("retry-after").unwrap().parse().unwrap();
            assert!(seconds > 0);
            let detail = answer.json()["detail"].to_string();
            assert!(
                detail.contains(FLAG) && detail.contains("60000"),
                "{detail}"
            );
            return room;
        }
    }
    panic!("nothing was refused");
}

fn poll(server: &Server, room: &str, cursor: &str) -> Value {
    let answer = server.get(&format!("/rooms/{room}/poll?cursor={cursor}"));
    assert_eq!(answer.status, 200);
    answer.json()
}

#[test]
fn a_full_server_refuses_new_rooms_and_old_ones_go_on() {
    let server = Server::start(&[FLAG, &LIMIT.to_string()]);
    let mut client = server.connect();
    assert_eq!(server.usage()["history_bytes"], 0);
    let refused = fill(&mut client);
    let usage = server.usage();
    let held = usage["history_bytes"].as_u64().unwrap();
    let most = LIMIT + LIMIT / 8;
    assert!((most - 6_000..=most).contains(&held), "{held}");
    let metrics = server.metrics();
    let gauge = format!("\npushlab_history_bytes {held}\n");
    assert!(metrics.contains(&gauge), "{metrics}");
    // There is no part of it.
    let published = usage["published"].as_u64().unwrap();
    assert!(server.head_cursor(&refused).ends_with("-0"));

    let mut talker = open(&server, &format!("/rooms/{refused}/ws"));
    send_text(&mut talker, &line("too much"));
    let error: Value = serde_json::from_str(read(&mut talker).text()).unwrap();
    assert_eq!(
        (&error["type"], &error["status"]),
        (&"error".into(), &503.into())
    );
    assert!(error["detail"].as_str().unwrap().contains(FLAG));
    assert_eq!(error["retry_after"], 30);
    assert_eq!(server.usage()["published"], published);
    assert_eq!(server.usage()["history_bytes"], held);

    let mut talker = open(&server, "/rooms/room0/ws");
    send_text(&mut talker, &line("second"));
    assert!(read(&mut talker).text().contains("second"));
    let start = |room| at(&server.head_cursor(room), 0);
    let (spoken_in, at_rest) = (start("room0"), start("room1"));
    assert_eq!(poll(&server, "room0", &spoken_in)["missed"], 1);
    let rest = poll(&server, "room1", &at_rest);
    assert_eq!(rest["missed"], 0);
    assert!(
        rest["events"][0]["data"]
            .as_str()
            .unwrap()
            .starts_with("first")
    );
}

/// Who came first does not keep it: beyond the limit the largest room gives its oldest events.
#[test]
fn the_largest_room_gives_way_to_others() {
    let server = Server::start(&[FLAG, &LIMIT.to_string()]);
    let held = || server.usage()["history_bytes"].as_u64().unwrap();
    let mut client = server.connect();
    while held() < LIMIT - 6_000 {
        assert_eq!(client.post("hog", &line("first")).status, 201);
    }
    assert_eq!(client.post("small", &line("small")).status, 201);
    for number in 0..8 {
        let answer = client.post(&format!("late{number}"), &line("late"));
        assert_eq!(answer.status, 201, "{}", answer.text());
        let begun = std::time::Instant::now();
        while held() > LIMIT {
            assert!(begun.elapsed() < crate::harness::LIMIT, "nobody gives");
            std::thread::yield_now();
        }
    }
    let start = |room| at(&server.head_cursor(room), 0);
    let (hog, small) = (start("hog"), start("small"));
    let gave = poll(&server, "hog", &hog);
    assert!(gave["missed"].as_u64().unwrap() > 0);
    assert!(!gave["events"].as_array().unwrap().is_empty());
    assert_eq!(poll(&server, "small", &small)["missed"], 0);
}

#[test]
fn no_limit_is_none() {
    let server = Server::start(&[FLAG, "0"]);
    server.publish("KPL", &line("first"));
    assert!(server.usage()["history_bytes"].as_u64().unwrap() > 0);
}
