//! Interval polling on the wire: when there is a body and when there is none, the cursor and its
//! ETag, and what a client that fell behind is told.

use crate::harness::{Server, at};

#[test]
fn a_poll_without_a_cursor_gives_one_to_go_on_from() {
    let server = Server::start(&[]);
    let answer = server.get("/rooms/KPL/poll");
    let cursor = answer.cursor();
    let body = format!(r#"{{"cursor":"{cursor}","missed":0,"events":[]}}"#);
    assert_eq!(answer.text(), body);
    assert_eq!(
        answer.lines(),
        [
            "HTTP/1.1 200 OK".to_owned(),
            "cache-control: no-store".to_owned(),
            format!("content-length: {}", body.len()),
            "content-type: application/json".to_owned(),
            "date: *".to_owned(),
            format!("etag: \"{cursor}\""),
        ]
    );
}

#[test]
fn what_comes_before_the_second_poll_is_not_lost() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let first = client.get("/rooms/KPL/poll", "").cursor();
    let published = server.publish("KPL", r#"{"type":"chat","data":"hi"}"#);
    let answer = client.get(&format!("/rooms/KPL/poll?cursor={first}"), "");
    assert_eq!(
        answer.text(),
        format!(
            r#"{{"cursor":"{published}","missed":0,"events":[{{"id":1,"type":"chat","data":"hi"}}]}}"#
        )
    );
    assert_eq!(answer.header("etag"), Some(&*format!("\"{published}\"")));
}

#[test]
fn nothing_new_is_204_without_a_body() {
    let server = Server::start(&[]);
    let cursor = server.publish("KPL", r#"{"type":"n","data":1}"#);
    let mut client = server.connect();
    for _ in 0..3 {
        let answer = client.get(&format!("/rooms/KPL/poll?cursor={cursor}"), "");
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
    assert_eq!(client.get("/rooms/KPL/poll?cursor=0", "").status, 200);
}

#[test]
fn a_matching_tag_is_304_without_a_body() {
    let server = Server::start(&[]);
    let cursor = server.publish("KPL", r#"{"type":"n","data":1}"#);
    let mut client = server.connect();
    for tags in [
        format!("\"{cursor}\""),
        format!("W/\"{cursor}\""),
        format!("\"a-1\", W/\"b,c\",W/\"{cursor}\" , \"z\""),
        "*".to_owned(),
    ] {
        let headers = format!("If-None-Match: {tags}\r\n");
        let answer = client.get(&format!("/rooms/KPL/poll?cursor={cursor}"), &headers);
        assert_eq!(
            answer.lines(),
            [
                "HTTP/1.1 304 Not Modified".to_owned(),
                "cache-control: no-store".to_owned(),
                "date: *".to_owned(),
                format!("etag: \"{cursor}\""),
            ],
            "{tags}"
        );
    }
    for tags in [
        "\"a-1\"".to_owned(),
        cursor.clone(),
        format!("\"{cursor}0\""),
    ] {
        let headers = format!("If-None-Match: {tags}\r\n");
        let answer = client.get(&format!("/rooms/KPL/poll?cursor={cursor}"), &headers);
        assert_eq!(answer.status, 204, "{tags}");
    }
}

#[test]
fn a_matching_tag_does_not_hide_events() {
    let server = Server::start(&[]);
    let cursor = server.publish("KPL", r#"{"type":"n","data":1}"#);
    let headers = format!("If-None-Match: \"{cursor}\"\r\n");
    let mut client = server.connect();
    let answer = client.get("/rooms/KPL/poll?cursor=0", &headers);
    assert_eq!(answer.json()["events"][0]["id"], 1);
}

#[test]
fn a_client_that_fell_behind_is_told_exactly_how_much_it_missed() {
    let server = Server::start(&["--history", "3"]);
    let start = server.head_cursor("KPL");
    server.publish_numbers("KPL", 10);
    for (offset, missed, first) in [(0, 7, 8), (5, 2, 8), (6, 1, 8), (7, 0, 8), (9, 0, 10)] {
        let path = format!("/rooms/KPL/poll?cursor={}", at(&start, offset));
        let answer = server.get(&path).json();
        assert_eq!(answer["missed"], missed, "from {offset}");
        assert_eq!(answer["events"][0]["id"], first, "from {offset}");
        assert_eq!(answer["cursor"], at(&start, 10));
    }
}

#[test]
fn another_epoch_and_the_future_start_from_the_oldest_with_an_unknown_count() {
    let server = Server::start(&["--history", "3"]);
    let start = server.head_cursor("KPL");
    server.publish_numbers("KPL", 5);
    for cursor in [
        "0-0".to_owned(),
        "0-4".to_owned(),
        at(&start, 6),
        at(&start, u64::MAX),
    ] {
        let answer = server.get(&format!("/rooms/KPL/poll?cursor={cursor}"));
        let events = r#"{"id":3,"type":"n","data":3},{"id":4,"type":"n","data":4},{"id":5,"type":"n","data":5}"#;
        assert_eq!(
            answer.text(),
            format!(
                r#"{{"cursor":"{}","missed":null,"events":[{events}]}}"#,
                at(&start, 5)
            ),
            "{cursor}"
        );
    }
}

#[test]
fn an_unknown_count_is_an_answer_even_with_no_events() {
    let server = Server::start(&[]);
    let answer = server.get("/rooms/KPL/poll?cursor=0-3");
    let cursor = answer.cursor();
    assert_eq!(
        answer.text(),
        format!(r#"{{"cursor":"{cursor}","missed":null,"events":[]}}"#)
    );
}

#[test]
fn cursor_zero_is_the_oldest_and_misses_nothing() {
    let server = Server::start(&["--history", "3"]);
    assert_eq!(server.get("/rooms/empty/poll?cursor=0").status, 204);
    server.publish_numbers("KPL", 10);
    let answer = server.get("/rooms/KPL/poll?cursor=0").json();
    assert_eq!(answer["missed"], 0);
    assert_eq!(answer["events"][0]["id"], 8);
    assert_eq!(answer["events"].as_array().unwrap().len(), 3);
}

#[test]
fn a_capped_batch_says_that_there_is_more() {
    let server = Server::start(&[]);
    server.publish_numbers("KPL", 1_500);
    let mut client = server.connect();
    let mut cursor = "0".to_owned();
    let mut ids = Vec::new();
    let mut more = Vec::new();
    while ids.len() < 1_500 {
        let answer = client.get(&format!("/rooms/KPL/poll?cursor={cursor}"), "");
        assert_eq!(answer.status, 200);
        cursor = answer.cursor();
        let answer = answer.json();
        more.push(answer.get("more").is_some_and(|more| more == true));
        ids.extend(
            answer["events"]
                .as_array()
                .unwrap()
                .iter()
                .map(|event| event["id"].as_u64().unwrap()),
        );
    }
    assert_eq!(ids, Vec::from_iter(1..=1_500));
    let (last, rest) = more.split_last().unwrap();
    assert!(!last && !rest.is_empty() && rest.iter().all(|more| *more));
    let answer = client.get(&format!("/rooms/KPL/poll?cursor={cursor}"), "");
    assert_eq!(answer.status, 204);
}

#[test]
fn answers_to_pipelined_polls_do_not_run_into_each_other() {
    let server = Server::start(&[]);
    let cursor = server.publish("KPL", r#"{"type":"n","data":1}"#);
    let mut client = server.connect();
    let at_head = format!("GET /rooms/KPL/poll?cursor={cursor} HTTP/1.1\r\nHost: test\r\n");
    let from_zero = "GET /rooms/KPL/poll?cursor=0 HTTP/1.1\r\nHost: test\r\n\r\n";
    client.send(format!(
        "{at_head}\r\n{at_head}If-None-Match: \"{cursor}\"\r\n\r\n{from_zero}{at_head}\r\n"
    ));
    let statuses = [(); 4].map(|()| client.answer().status);
    assert_eq!(statuses, [204, 304, 200, 204]);
}

#[test]
fn http_1_0_gets_a_length_and_the_end() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send("GET /rooms/KPL/poll HTTP/1.0\r\n\r\n");
    let answer = client.answer();
    assert!(
        answer.head.starts_with("HTTP/1.0 200 OK\r\n"),
        "{}",
        answer.head
    );
    assert_eq!(answer.header("transfer-encoding"), None);
    assert!(answer.text().starts_with(r#"{"cursor":""#));
    client.expect_end();
}

#[test]
fn a_bare_poll_is_the_data_alone() {
    let server = Server::start(&["--bare"]);
    server.publish("KPL", r#"{"type":"n","data":"瑶"}"#);
    server.publish("KPL", r#"{"type":"n","data":[ 2 ]}"#);
    let answer = server.get("/rooms/KPL/poll?cursor=0");
    assert_eq!(answer.text(), "\"瑶\"\n[2]");
    assert_eq!(answer.header("etag"), None);
    assert_eq!(answer.header("cache-control"), None);
    assert_eq!(server.get("/rooms/KPL/poll?cursor=1").text(), "[2]");
    let answer = server.get("/rooms/KPL/poll?cursor=2");
    assert_eq!(answer.lines(), ["HTTP/1.1 204 No Content", "date: *"]);
}

#[test]
fn what_is_no_cursor_is_refused_and_the_connection_lives() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    for cursor in [
        "",
        "x",
        "-1",
        "5",
        "a-",
        "a--1",
        "a-18446744073709551616",
        "%0D%0Ax",
        "a-1%0D%0A",
        "%E7%91%B6",
        "%00",
    ] {
        let answer = client.get(&format!("/rooms/KPL/poll?cursor={cursor}"), "");
        answer.expect_problem(400);
    }
    assert_eq!(client.get("/rooms/KPL/poll?cursor=0", "").status, 204);
}
