//! Publishing by POST on the wire: the one good answer, every refusal as problem JSON, and the
//! names that rooms may have.

use crate::harness::{Client, Server};

const JSON: &str = "Content-Type: application/json\r\n";

/// The newest events of a room, as JSON text.
fn events(server: &Server, room: &str) -> String {
    let answer = server.get(&format!("/rooms/{room}/poll?cursor=0"));
    if answer.status == 204 {
        return "[]".to_owned();
    }
    answer.json()["events"].to_string()
}

#[test]
fn a_publish_is_answered_with_its_cursor() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    for offset in 1..=3 {
        let answer = client.post("KPL", r#"{"type":"chat","data":{"text":"瑶"}}"#);
        let cursor = answer.cursor();
        assert!(cursor.ends_with(&format!("-{offset}")));
        assert_eq!(
            answer.text(),
            format!(r#"{{"cursor":"{cursor}","offset":{offset}}}"#)
        );
        assert_eq!(
            answer.lines(),
            [
                "HTTP/1.1 201 Created".to_owned(),
                format!("content-length: {}", answer.body.len()),
                "content-type: application/json".to_owned(),
                "date: *".to_owned(),
            ]
        );
    }
    assert_eq!(server.usage()["published"], 3);
}

#[test]
fn what_is_no_event_is_400() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let long = format!(r#"{{"type":"{}","data":1}}"#, "瑶".repeat(65));
    for body in [
        "",
        "{",
        "[]",
        "{}",
        r#"{"type":"chat"}"#,
        r#"{"type":"","data":1}"#,
        r#"{"type":1,"data":1}"#,
        r#"{"type":"n","data":1}{}"#,
        r#"{"type":"n","data":"\ud800"}"#,
        "{\"type\":\"n\",\"data\":\"\n\"}",
        r#"{"type":"hello","data":1}"#,
        r#"{"type":"error","data":1}"#,
        r#"{"type":"join","data":1}"#,
        r#"{"type":"left","data":1}"#,
        r#"{"type":"list","data":1}"#,
        r#"{"type":"gap","data":1}"#,
        r#"{"type":"\u0067ap","data":1}"#,
        &long,
    ] {
        client.post("KPL", body).expect_problem(400);
    }
    let head = "POST /rooms/KPL/events HTTP/1.1\r\nHost: test\r\nContent-Length: 24\r\n\r\n";
    client.send([head.as_bytes(), b"{\"type\":\"n\",\"data\":\"\xff\xfe\"}"].concat());
    client.answer().expect_problem(400);
    assert_eq!(events(&server, "KPL"), "[]");
    let longest = format!(r#"{{"type":"{}","data":1}}"#, "瑶".repeat(64));
    assert_eq!(client.post("KPL", &longest).status, 201);
}

#[test]
fn an_announced_length_beyond_the_limit_is_413() {
    let server = Server::start(&["--max-event-bytes", "100"]);
    let body = format!(r#"{{"type":"n","data":"{}"}}"#, "x".repeat(80));
    assert_eq!(body.len(), 102);
    server.connect().post("KPL", &body).expect_problem(413);
    // No byte of the body is sent.
    let mut client = server.connect();
    client.send("POST /rooms/KPL/events HTTP/1.1\r\nHost: test\r\nContent-Length: 1000000\r\n\r\n");
    client.answer().expect_problem(413);
    let body = format!(r#"{{"type":"n","data":"{}"}}"#, "x".repeat(78));
    assert_eq!(server.connect().post("KPL", &body).status, 201);
}

fn send_chunked(client: &mut Client, chunks: &[&str]) {
    client.send(
        "POST /rooms/KPL/events HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: chunked\r\n\r\n",
    );
    for chunk in chunks {
        client.send(format!("{:x}\r\n{chunk}\r\n", chunk.len()));
    }
    client.send("0\r\n\r\n");
}

#[test]
fn a_chunked_body_counts_as_it_comes() {
    let server = Server::start(&["--max-event-bytes", "100"]);
    let mut client = server.connect();
    send_chunked(&mut client, &[r#"{"type":"n","#, r#""data":"#, "1}"]);
    assert_eq!(client.answer().status, 201);
    let part = "x".repeat(60);
    send_chunked(
        &mut client,
        &[r#"{"type":"n","data":""#, &part, &part, "\"}"],
    );
    client.answer().expect_problem(413);
    assert_eq!(events(&server, "KPL"), r#"[{"id":1,"type":"n","data":1}]"#);
}

#[test]
fn only_json_is_taken() {
    let server = Server::start(&[]);
    let body = r#"{"type":"n","data":1}"#;
    for kind in [
        "text/plain",
        "application/jsonx",
        "application/x-www-form-urlencoded",
        "",
    ] {
        let headers = format!("Content-Type: {kind}\r\n");
        let answer = server.connect().post_with("KPL", &headers, body);
        answer.expect_problem(415);
    }
    for kind in ["application/json;charset=utf-8", "Application/JSON ; x=y"] {
        let headers = format!("Content-Type: {kind}\r\n");
        assert_eq!(
            server.connect().post_with("KPL", &headers, body).status,
            201
        );
    }
}

#[test]
fn unknown_paths_are_404_and_other_methods_405() {
    let server = Server::start(&[]);
    for path in [
        "/nothing",
        "/rooms",
        "/rooms/KPL",
        "/rooms/KPL/events/1",
        "/rooms//poll",
    ] {
        server.get(path).expect_problem(404);
    }
    for (method, path, allow) in [
        ("GET", "/rooms/KPL/events", "POST"),
        ("PUT", "/rooms/KPL/events", "POST"),
        ("POST", "/rooms/KPL/poll", "GET"),
        ("DELETE", "/rooms/KPL/long-poll", "GET"),
        ("POST", "/rooms/KPL/stream", "GET"),
        ("POST", "/rooms/KPL/sse", "GET"),
        ("POST", "/health", "GET"),
    ] {
        let mut client = server.connect();
        client.send(format!(
            "{method} {path} HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n\r\n"
        ));
        let answer = client.answer();
        answer.expect_problem(405);
        assert_eq!(answer.header("allow"), Some(allow), "{method} {path}");
    }
}

#[test]
fn a_repeated_key_gets_the_first_answer_again() {
    let server = Server::start(&["--history", "3"]);
    let mut client = server.connect();
    let mut post = |key: &str, data: u64| {
        let headers = format!("{JSON}Idempotency-Key: {key}\r\n");
        client.post_with("KPL", &headers, &format!(r#"{{"type":"n","data":{data}}}"#))
    };
    let first = post("a", 1);
    let again = post("a", 2);
    assert_eq!(again.status, 201);
    assert_eq!(first.text(), again.text());
    assert_eq!(post("b", 3).json()["offset"], 2);
    let keys = [String::new(), "x".repeat(256), "瑶".to_owned()];
    for key in keys {
        let headers = format!("{JSON}Idempotency-Key: {key}\r\n");
        let answer = server.connect().post_with("KPL", &headers, "1");
        answer.expect_problem(400);
    }
    assert_eq!(post(&"x".repeat(255), 5).json()["offset"], 3);
    assert_eq!(post("c", 6).json()["offset"], 4);
    // The first event has left the history, and its key with it.
    assert_eq!(post("a", 7).json()["offset"], 5);
    let data: Vec<_> = server.get("/rooms/KPL/poll?cursor=0").json()["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["data"].as_u64().unwrap())
        .collect();
    assert_eq!(data, [5, 6, 7]);
}

#[test]
fn a_key_belongs_to_its_room() {
    let server = Server::start(&[]);
    let headers = format!("{JSON}Idempotency-Key: a\r\n");
    for room in ["one", "two"] {
        let answer = server
            .connect()
            .post_with(room, &headers, r#"{"type":"n","data":1}"#);
        assert_eq!(answer.json()["offset"], 1);
        assert_eq!(events(&server, room), r#"[{"id":1,"type":"n","data":1}]"#);
    }
}

#[test]
fn a_room_may_have_any_printable_name_of_64_bytes() {
    let server = Server::start(&[]);
    let sixty_four = "a".repeat(64);
    let sixty_three = "%E7%91%B6".repeat(21);
    for room in [
        "KPL",
        "a-b_9",
        "%E5%B3%A1%E8%B0%B7",
        "a%2Fb",
        "100%25",
        &sixty_four,
        &sixty_three,
    ] {
        server.publish(room, r#"{"type":"n","data":1}"#);
        assert_eq!(
            events(&server, room),
            r#"[{"id":1,"type":"n","data":1}]"#,
            "{room}"
        );
    }
    // The same name in other letters of the code is the same room.
    assert_eq!(
        events(&server, "%e5%b3%a1%e8%b0%b7"),
        r#"[{"id":1,"type":"n","data":1}]"#
    );
    assert_eq!(
        events(&server, "%4BPL"),
        r#"[{"id":1,"type":"n","data":1}]"#
    );
}

#[test]
fn other_names_are_400_on_every_route() {
    let server = Server::start(&[]);
    let sixty_five = "a".repeat(65);
    let sixty_six = "%E7%91%B6".repeat(22);
    for room in [
        "%00",
        "a%0Ab",
        "%7F",
        "%C2%85",
        "%FF",
        "%E7%91",
        "%C0%AF",
        "%ED%A0%80",
        &sixty_five,
        &sixty_six,
    ] {
        server
            .connect()
            .post(room, r#"{"type":"n","data":1}"#)
            .expect_problem(400);
        for segment in ["poll", "long-poll", "stream", "sse"] {
            server
                .get(&format!("/rooms/{room}/{segment}"))
                .expect_problem(400);
        }
    }
    assert_eq!(server.usage()["rooms"], 0);
}

#[test]
fn a_room_too_many_is_503_with_a_time_to_come_back() {
    let server = Server::start(&["--max-rooms", "1"]);
    server.publish("one", r#"{"type":"n","data":1}"#);
    let refusals = [
        server.connect().post("two", r#"{"type":"n","data":1}"#),
        server.get("/rooms/two/poll"),
        server.get("/rooms/two/long-poll"),
        server.get("/rooms/two/stream"),
        server.get("/rooms/two/sse"),
    ];
    for answer in refusals {
        answer.expect_problem(503);
        let seconds: u32 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!(seconds > 0);
    }
    server.publish("one", r#"{"type":"n","data":2}"#);
}

/// A cursor that is refused makes no room: a scanner would fill the server with empty ones.
#[test]
fn a_refused_request_makes_no_room() {
    let server = Server::start(&[]);
    server.get("/rooms/one/poll?cursor=x").expect_problem(400);
    server.connect().post("two", "{").expect_problem(400);
    assert_eq!(server.usage()["rooms"], 0);
}

#[test]
fn expect_100_continue_is_answered_before_the_body() {
    let server = Server::start(&[]);
    let body = r#"{"type":"n","data":1}"#;
    let mut client = server.connect();
    client.send(format!(
        "POST /rooms/KPL/events HTTP/1.1\r\nHost: test\r\n{JSON}Expect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        body.len()
    ));
    assert_eq!(
        client.read_until(b"\r\n\r\n"),
        b"HTTP/1.1 100 Continue\r\n\r\n"
    );
    client.send(body);
    assert_eq!(client.answer().status, 201);
}

/// No answer to HTTP/1.0 has chunks, and each ends with its connection, whatever became of the request.
#[test]
fn http_1_0_gets_a_length_and_the_end() {
    let server = Server::start(&[]);
    let body = r#"{"type":"n","data":1}"#;
    let length = body.len();
    for (head, body, status) in [
        (
            format!("POST /rooms/KPL/events HTTP/1.0\r\nContent-Length: {length}"),
            body,
            201,
        ),
        (
            "POST /rooms/KPL/events HTTP/1.0\r\nContent-Length: 1".to_owned(),
            "x",
            400,
        ),
        ("GET /health HTTP/1.0".to_owned(), "", 200),
        ("GET /nowhere HTTP/1.0".to_owned(), "", 404),
        ("GET /rooms/KPL/ws HTTP/1.0".to_owned(), "", 426),
    ] {
        let mut client = server.connect();
        client.send(format!("{head}\r\n\r\n{body}"));
        let answer = client.answer();
        assert_eq!(answer.status, status, "{head}");
        assert!(answer.head.starts_with("HTTP/1.0 "), "{}", answer.head);
        assert_eq!(answer.header("transfer-encoding"), None, "{head}");
        client.expect_end();
    }
}

/// One connection, one request after the other, as long as the client likes (RFC 9112 §9.3).
#[test]
fn http_1_1_is_kept_alive_after_every_kind_of_answer() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    for _ in 0..3 {
        assert_eq!(client.post("KPL", r#"{"type":"n","data":1}"#).status, 201);
        assert_eq!(client.post("KPL", "x").status, 400);
        let poll = client.get("/rooms/KPL/poll", "");
        let cursor = poll.cursor();
        let path = format!("/rooms/KPL/poll?cursor={cursor}");
        assert_eq!(client.get(&path, "").status, 204);
        let tag = format!("If-None-Match: {}\r\n", poll.header("etag").unwrap());
        assert_eq!(client.get(&path, &tag).status, 304);
        assert_eq!(client.get("/nowhere", "").status, 404);
        assert_eq!(client.get("/health", "").status, 200);
    }
}

#[test]
fn a_request_byte_by_byte_is_read() {
    let server = Server::start(&[]);
    let body = r#"{"type":"n","data":"瑶"}"#;
    let mut client = server.connect();
    let request = format!(
        "POST /rooms/%E5%B3%A1%E8%B0%B7/events HTTP/1.1\r\nHost: test\r\n{JSON}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    for byte in request.bytes() {
        client.send([byte]);
    }
    assert_eq!(client.answer().status, 201);
    assert_eq!(
        events(&server, "%E5%B3%A1%E8%B0%B7"),
        r#"[{"id":1,"type":"n","data":"瑶"}]"#
    );
}

#[test]
fn health_names_the_server_on_both_ports() {
    let server = Server::start(&[]);
    for address in [server.public, server.admin.unwrap()] {
        let answer = Client::connect(address).get("/health", "");
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json()["name"], "pushlab-server");
    }
}
