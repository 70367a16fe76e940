//! What is no HTTP, or too much of it: answered with a problem that can be read, where actix alone would
//! say nothing but a number.

use crate::harness::{LIMIT, Server};

fn expect(server: &Server, request: impl AsRef<[u8]>, status: u16) {
    let mut client = server.connect();
    client.send(request.as_ref());
    let answer = client.answer();
    let shown = String::from_utf8_lossy(request.as_ref()).into_owned();
    assert_eq!(answer.status, status, "{shown:.80}");
    answer.expect_problem(status);
    assert_eq!(answer.header("connection"), Some("close"), "{shown:.80}");
    client.expect_end();
}

#[test]
fn what_cannot_be_parsed_is_400_with_a_reason() {
    let server = Server::start(&[]);
    for request in [
        "hello\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/9.9\r\nHost: test\r\n\r\n",
        "GET /\u{0} HTTP/1.1\r\nHost: test\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: test\r\nX: a\u{0}b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: test\r\nX: a\rb\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: test\r\nX Y: z\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: test\r\n folded\r\n\r\n",
        "POST /rooms/KPL/events HTTP/1.1\r\nHost: test\r\nContent-Length: -1\r\n\r\n",
        "POST /rooms/KPL/events HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST /rooms/KPL/events HTTP/1.1\r\nHost: test\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST /rooms/KPL/events HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        expect(&server, request, 400);
    }
    expect(
        &server,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        400,
    );
    server.wait_for_figure("control", "open", 0, LIMIT);
}

#[test]
fn a_head_too_large_is_431_with_a_reason() {
    let server = Server::start(&[]);
    let lines = |count: usize| "X: y\r\n".repeat(count);
    let head = |lines: &str| format!("GET /health HTTP/1.1\r\nHost: test\r\n{lines}\r\n");
    expect(&server, head(&lines(96)), 431);
    // Whole and not, in one piece and in many.
    expect(
        &server,
        head(&format!("X: {}\r\n", "y".repeat(33_000))),
        431,
    );
    expect(&server, format!("GET /{}", "y".repeat(33_000)), 431);
    let mut client = server.connect();
    for piece in head(&format!("X: {}\r\n", "y".repeat(33_000)))
        .as_bytes()
        .chunks(1_000)
    {
        if !client.is_silent() {
            break;
        }
        client.send(piece);
    }
    client.answer().expect_problem(431);
    // A body counts for itself.
    let large = format!(r#"{{"type":"n","data":"{}"}}"#, "y".repeat(50_000));
    assert_eq!(server.connect().post("KPL", &large).status, 201);
    assert_eq!(
        server
            .get(&format!("/health?{}", "y".repeat(30_000)))
            .status,
        200
    );
    // Its client is still at it when the answer comes.
    expect(
        &server,
        head(&format!("X: {}\r\n", "y".repeat(140_000))),
        431,
    );
    let mut client = server.connect();
    client.send(head(&lines(95)));
    assert_eq!(client.answer().status, 200);
    drop(client);
    server.wait_for_figure("control", "open", 0, LIMIT);
}

/// Everything in a query or a path is text, however it is written.
#[test]
fn strange_targets_have_an_answer() {
    let server = Server::start(&[]);
    let digits = "9".repeat(5_000);
    for cursor in [
        "",
        "-",
        "--",
        "-1",
        "a-b-c",
        "a-",
        "%00",
        "%0D%0Aid:%201",
        "%F0%9F%92%A9",
        "%FF",
        "%",
        "0-0-0",
        "18446744073709551616",
        "a-18446744073709551616",
        "a-+1",
        "a-1e3",
        "null",
        &digits,
    ] {
        for what in ["poll", "long-poll", "stream", "sse"] {
            let answer = server.get(&format!("/rooms/KPL/{what}?cursor={cursor}"));
            answer.expect_problem(400);
        }
    }
    for target in [
        "/rooms/%2e%2e/poll/..",
        "/page/../src/lib.rs",
        "/page/%2e%2e/lib.rs",
        "/rooms/a/b/c",
        "//",
        "/%00",
        "/rooms/KPL/poll/",
        "/ROOMS/KPL/poll",
    ] {
        server.get(target).expect_problem(404);
    }
    assert_eq!(server.usage()["rooms"], 0);
}

/// A body as deep as its limit allows, one of a megabyte, and one that is no text.
#[test]
fn strange_bodies_have_an_answer() {
    let server = Server::start(&[]);
    let deep = |open: &str, close: &str, count: usize| {
        format!(
            r#"{{"type":"n","data":{}{}}}"#,
            open.repeat(count),
            close.repeat(count)
        )
    };
    for body in [
        deep("[", "]", 30_000),
        deep("[", "", 60_000),
        deep(r#"{"a":"#, "}", 10_000),
        "\u{0}".to_owned(),
        "\u{1e}".repeat(60_000),
        r#"{"type":"n","data":1}{"type":"n","data":2}"#.to_owned(),
        r#"{"type":"n","data":-}"#.to_owned(),
        r#"{"type":"n","type":"m","data":1}"#.to_owned(),
    ] {
        let answer = server.connect().post("KPL", &body);
        answer.expect_problem(400);
    }
    for byte in ["\u{1e}", "\u{0}", "x"] {
        server
            .connect()
            .post("KPL", &byte.repeat(1_000_000))
            .expect_problem(413);
    }
    assert_eq!(server.usage()["rooms"], 0);
}

/// A NUL and line ends of every kind, in what is carried, come out as they went in.
#[test]
fn control_characters_stay_within_their_event() {
    let server = Server::start(&[]);
    let data = r#""\u0000\r\n\rid: 9\n\nevent: x\r\rdata: y\u2028\u0085""#;
    let kind = r#""a\r\nb\u0000""#;
    let mut stream = server.connect();
    stream.send("GET /rooms/KPL/sse HTTP/1.1\r\nHost: test\r\n\r\n");
    stream.read_until(b"hello");
    server.publish("KPL", &format!(r#"{{"type":{kind},"data":{data}}}"#));
    server.publish("KPL", r#"{"type":"n","data":"last"}"#);
    let sent = stream.read_until(b"last");
    let text = String::from_utf8(sent).unwrap();
    assert!(
        text.contains(&format!(r#""type":{kind},"data":{data}}}"#)),
        "{text}"
    );
    let fields = text.matches("\ndata:").count();
    assert_eq!(fields, 2, "{text}");
    assert!(!text.contains('\u{0}') && !text.contains("\nevent:") && !text.contains("\nid: 9"));
}
