//! Long polling on the wire: what is held, what ends the hold, and what a client that left leaves
//! behind.

use crate::harness::{Client, LIMIT, Server};
use std::time::{Duration, Instant};

/// Longer than any test: an answer before that was no timeout.
const HELD: [&str; 4] = ["--max-hold", "300", "--hold-jitter", "0"];

fn ask(client: &mut Client, cursor: &str, hold: &str) {
    client.send(format!(
        "GET /rooms/KPL/long-poll?cursor={cursor}{hold} HTTP/1.1\r\nHost: test\r\n\r\n"
    ));
}

/// Held polls that the server knows of: the events that follow find them waiting.
fn wait_until_held(server: &Server, count: u64) {
    server.wait_for_figure("long-polling", "requests", count, LIMIT);
}

#[test]
fn a_publish_answers_what_is_held() {
    let server = Server::start(&HELD);
    let cursor = server.head_cursor("KPL");
    let mut client = server.connect();
    ask(&mut client, &cursor, "");
    wait_until_held(&server, 1);
    assert!(client.is_silent());
    let published = server.publish("KPL", r#"{"type":"chat","data":"瑶"}"#);
    let answer = client.answer();
    assert_eq!(
        answer.text(),
        format!(
            r#"{{"cursor":"{published}","missed":0,"events":[{{"id":1,"type":"chat","data":"瑶"}}]}}"#
        )
    );
    assert_eq!(
        answer.lines(),
        [
            "HTTP/1.1 200 OK".to_owned(),
            "cache-control: no-store".to_owned(),
            format!("content-length: {}", answer.body.len()),
            "content-type: application/json".to_owned(),
            "date: *".to_owned(),
            format!("etag: \"{published}\""),
        ]
    );
}

#[test]
fn two_polls_with_one_cursor_get_the_same_answer() {
    let server = Server::start(&HELD);
    let cursor = server.head_cursor("KPL");
    let mut clients = [server.connect(), server.connect()];
    for client in &mut clients {
        ask(client, &cursor, "");
    }
    wait_until_held(&server, 2);
    server.publish("KPL", r#"{"type":"n","data":1}"#);
    let [one, other] = clients.map(|mut client| client.answer());
    assert_eq!(one.status, 200);
    assert_eq!(one.text(), other.text());
}

#[test]
fn a_hold_that_ends_is_204_and_the_connection_goes_on() {
    let server = Server::start(&HELD);
    let cursor = server.head_cursor("KPL");
    let mut client = server.connect();
    let asked = Instant::now();
    for hold in ["&hold=50ms", "&hold=0.05s"] {
        ask(&mut client, &cursor, hold);
        let answer = client.answer();
        assert_eq!(
            answer.lines(),
            [
                "HTTP/1.1 204 No Content".to_owned(),
                "cache-control: no-store".to_owned(),
                "date: *".to_owned(),
                format!("etag: \"{cursor}\""),
            ]
        );
    }
    assert!(asked.elapsed() >= Duration::from_millis(100));
    let headers = format!("If-None-Match: W/\"{cursor}\"\r\n");
    let path = format!("/rooms/KPL/long-poll?cursor={cursor}&hold=1ms");
    assert_eq!(client.get(&path, &headers).status, 304);
    server.publish("KPL", r#"{"type":"n","data":1}"#);
    ask(&mut client, &cursor, "&hold=300s");
    assert_eq!(client.answer().json()["events"][0]["id"], 1);
}

#[test]
fn the_server_caps_the_hold() {
    let server = Server::start(&["--max-hold", "0.05"]);
    let cursor = server.head_cursor("KPL");
    let mut client = server.connect();
    for hold in ["", "&hold=86400s", "&hold=99999999999s"] {
        ask(&mut client, &cursor, hold);
        assert_eq!(client.answer().status, 204, "{hold}");
    }
}

#[test]
fn what_is_no_hold_is_refused() {
    let server = Server::start(&HELD);
    let mut client = server.connect();
    for hold in [
        "",
        "25",
        "-1s",
        "1e9s",
        "s",
        "infs",
        "99999999999999999999s",
    ] {
        ask(&mut client, "0", &format!("&hold={hold}"));
        client.answer().expect_problem(400);
    }
}

#[test]
fn without_a_cursor_the_answer_comes_at_once() {
    let server = Server::start(&HELD);
    let answer = server.get("/rooms/KPL/long-poll");
    let cursor = answer.cursor();
    assert_eq!(
        answer.text(),
        format!(r#"{{"cursor":"{cursor}","missed":0,"events":[]}}"#)
    );
}

#[test]
fn a_cursor_that_missed_something_is_answered_at_once() {
    let server = Server::start(&HELD);
    let answer = server.get("/rooms/KPL/long-poll?cursor=0-7").json();
    assert!(answer["missed"].is_null());
    assert_eq!(answer["events"], serde_json::json!([]));
}

#[test]
fn what_waits_already_is_answered_at_once_and_together() {
    let server = Server::start(&HELD);
    server.publish_numbers("KPL", 3);
    let answer = server.get("/rooms/KPL/long-poll?cursor=0").json();
    assert_eq!(answer["events"].as_array().unwrap().len(), 3);
}

#[test]
fn a_client_that_left_frees_its_waiter() {
    let server = Server::start(&HELD);
    let cursor = server.head_cursor("KPL");
    for (round, leave) in [Client::finish as fn(&mut Client), |_| {}]
        .into_iter()
        .enumerate()
    {
        let mut client = server.connect();
        ask(&mut client, &cursor, "");
        wait_until_held(&server, round as u64 + 1);
        assert_eq!(server.figure("long-polling", "open"), 1);
        leave(&mut client);
        if round == 0 {
            // The socket stays open on this side: FIN alone must do.
            server.wait_for_figure("long-polling", "open", 0, Duration::from_secs(1));
        } else {
            client.reset();
            server.wait_for_figure("long-polling", "open", 0, Duration::from_secs(1));
        }
    }
}

/// Polls with one cursor hang side by side; that others of them are cut changes nothing for the one.
#[test]
fn a_poll_beside_others_that_are_aborted_is_answered() {
    let server = Server::start(&HELD);
    let cursor = server.head_cursor("KPL");
    let mut early = server.connect();
    ask(&mut early, &cursor, "");
    wait_until_held(&server, 1);
    let mut stays = server.connect();
    ask(&mut stays, &cursor, "");
    wait_until_held(&server, 2);
    let mut late = server.connect();
    ask(&mut late, &cursor, "");
    wait_until_held(&server, 3);
    early.reset();
    late.finish();
    late.expect_end();
    server.wait_for_figure("long-polling", "open", 1, LIMIT);
    server.publish("KPL", r#"{"type":"n","data":1}"#);
    assert_eq!(stays.answer().json()["events"][0]["id"], 1);
    // Who was cut lost nothing: the cursor is its own.
    let mut again = server.connect();
    ask(&mut again, &cursor, "");
    assert_eq!(again.answer().json()["events"][0]["id"], 1);
}

#[test]
fn http_1_0_is_held_too() {
    let server = Server::start(&HELD);
    let cursor = server.head_cursor("KPL");
    let mut client = server.connect();
    client.send(format!(
        "GET /rooms/KPL/long-poll?cursor={cursor} HTTP/1.0\r\n\r\n"
    ));
    wait_until_held(&server, 1);
    server.publish("KPL", r#"{"type":"n","data":1}"#);
    let answer = client.answer();
    assert_eq!(answer.json()["events"][0]["id"], 1);
    assert_eq!(answer.header("transfer-encoding"), None);
    client.expect_end();
}

/// A publisher races the poller: an event between two polls, or while one goes to sleep, must
/// be in the next answer. A lost wake-up shows as a poll that nothing answers.
#[test]
fn no_event_is_lost_between_two_polls() {
    const EVENTS: u64 = 500;
    let server = Server::start(&["--max-hold", "300", "--workers", "2"]);
    let mut cursor = server.head_cursor("KPL");
    std::thread::scope(|scope| {
        scope.spawn(|| server.publish_numbers("KPL", EVENTS));
        let mut client = server.connect();
        let mut seen = 0;
        while seen < EVENTS {
            ask(&mut client, &cursor, "");
            let answer = client.answer();
            cursor = answer.cursor();
            for event in answer.json()["events"].as_array().unwrap() {
                seen += 1;
                assert_eq!(event["id"], seen);
            }
        }
    });
}

#[test]
fn a_bare_poll_is_held_and_the_data_alone() {
    let server = Server::start(&[&HELD[..], &["--bare"]].concat());
    let mut client = server.connect();
    ask(&mut client, "0", "");
    wait_until_held(&server, 1);
    server.publish("KPL", r#"{"type":"n","data":7}"#);
    let answer = client.answer();
    assert_eq!(answer.text(), "7");
    assert_eq!(answer.header("cache-control"), None);
}
