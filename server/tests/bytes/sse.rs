//! Server-sent events on the wire: fields exactly as WHATWG HTML §9.2 reads them, and the two
//! cursors of a browser that comes back.

use crate::harness::{Client, Server, at};
use std::time::Duration;

fn open(server: &Server, path: &str, headers: &str) -> Client {
    let mut client = server.connect();
    client.send(format!(
        "GET {path} HTTP/1.1\r\nHost: test\r\n{headers}\r\n"
    ));
    assert_eq!(client.head().status, 200);
    client
}

/// The first block without its `retry:` line, which must be digits.
fn hello(client: &mut Client) -> String {
    let block = client.chunk();
    let (retry, rest) = block.split_once('\n').unwrap();
    let digits = retry.strip_prefix("retry: ").unwrap();
    assert!(!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()));
    rest.to_owned()
}

#[test]
fn head_hello_and_events_byte_by_byte() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send("GET /rooms/KPL/sse HTTP/1.1\r\nHost: test\r\nAccept: text/event-stream\r\n\r\n");
    assert_eq!(
        client.head().lines(),
        [
            "HTTP/1.1 200 OK",
            "cache-control: no-cache, no-transform",
            "content-type: text/event-stream",
            "date: *",
            "transfer-encoding: chunked",
            "x-accel-buffering: no",
        ]
    );
    let start = server.head_cursor("KPL");
    assert_eq!(
        hello(&mut client),
        format!(
            "id: {start}\ndata: {{\"type\":\"hello\",\"cursor\":\"{start}\",\"missed\":0}}\n\n"
        )
    );
    let cursor = server.publish("KPL", r#"{"type":"chat","data":"瑶"}"#);
    let block = format!("id: {cursor}\ndata: {{\"id\":1,\"type\":\"chat\",\"data\":\"瑶\"}}\n\n");
    let chunk = format!("{:X}\r\n{block}\r\n", block.len());
    assert_eq!(client.read_exactly(chunk.len()), chunk.as_bytes());
}

#[test]
fn no_type_becomes_an_event_line() {
    let server = Server::start(&[]);
    let mut client = open(&server, "/rooms/KPL/sse", "");
    hello(&mut client);
    for kind in ["open", "message", "x\\nevent: y", "\\r\\ndata: z"] {
        server.publish("KPL", &format!(r#"{{"type":"{kind}","data":1}}"#));
        let block = client.chunk();
        let fields: Vec<_> = block
            .split(['\n', '\r'])
            .filter_map(|line| line.split_once(": "))
            .map(|(field, _)| field)
            .collect();
        assert_eq!(fields, ["id", "data"], "{block:?}");
        assert!(block.contains(&format!(r#""type":"{kind}""#)), "{block:?}");
    }
}

#[test]
fn last_event_id_wins_over_the_cursor() {
    let server = Server::start(&[]);
    let start = server.head_cursor("KPL");
    server.publish_numbers("KPL", 5);
    for (path, headers, first) in [
        ("/rooms/KPL/sse?cursor=0", String::new(), 1),
        (
            "/rooms/KPL/sse?cursor=0",
            format!("Last-Event-ID: {}\r\n", at(&start, 3)),
            4,
        ),
        (
            "/rooms/KPL/sse",
            format!("last-event-id: {}\r\n", at(&start, 4)),
            5,
        ),
        (
            "/rooms/KPL/sse?cursor=rubbish",
            format!("Last-Event-ID: {}\r\n", at(&start, 1)),
            2,
        ),
    ] {
        let mut client = open(&server, path, &headers);
        hello(&mut client);
        let cursor = at(&start, first);
        assert_eq!(
            client.chunk(),
            format!("id: {cursor}\ndata: {{\"id\":{first},\"type\":\"n\",\"data\":{first}}}\n\n")
        );
    }
}

#[test]
fn the_id_of_hello_resumes_a_client_that_has_seen_no_event() {
    let server = Server::start(&[]);
    let mut client = open(&server, "/rooms/KPL/sse", "");
    let block = hello(&mut client);
    let id = block.split_once('\n').unwrap().0.to_owned();
    client.reset();
    server.publish("KPL", r#"{"type":"n","data":1}"#);
    let headers = format!("Last-Event-ID: {}\r\n", &id["id: ".len()..]);
    let mut client = open(&server, "/rooms/KPL/sse", &headers);
    hello(&mut client);
    assert!(client.chunk().contains(r#"{"id":1,"#));
}

#[test]
fn hello_says_what_was_missed() {
    let server = Server::start(&["--history", "3"]);
    let start = server.head_cursor("KPL");
    server.publish_numbers("KPL", 10);
    for (id, missed) in [
        (at(&start, 2), "5"),
        (at(&start, 99), "null"),
        ("0-1".to_owned(), "null"),
    ] {
        let headers = format!("Last-Event-ID: {id}\r\n");
        let mut client = open(&server, "/rooms/KPL/sse", &headers);
        let cursor = at(&start, 7);
        assert_eq!(
            hello(&mut client),
            format!(
                "id: {cursor}\ndata: {{\"type\":\"hello\",\"cursor\":\"{cursor}\",\"missed\":{missed}}}\n\n"
            )
        );
    }
}

#[test]
fn silence_is_kept_alive_by_comments() {
    let server = Server::start(&["--stream-heartbeat", "0.2"]);
    let mut client = open(&server, "/rooms/KPL/sse", "");
    hello(&mut client);
    assert_eq!(client.read_exactly(8), b"3\r\n:\n\n\r\n");
    assert_eq!(client.chunk(), ":\n\n");
}

#[test]
fn a_bad_id_is_refused() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    for id in ["rubbish", "a-", "瑶-1"] {
        let headers = format!("Last-Event-ID: {id}\r\n");
        client
            .get("/rooms/KPL/sse?cursor=0", &headers)
            .expect_problem(400);
    }
}

#[test]
fn http_1_0_has_neither_chunks_nor_a_length_and_ends_by_closing() {
    let server = Server::start(&[]);
    server.publish_numbers("KPL", 1);
    let mut client = server.connect();
    client.send("GET /rooms/KPL/sse?cursor=0 HTTP/1.0\r\n\r\n");
    let head = client.head();
    assert_eq!(head.header("transfer-encoding"), None);
    assert_eq!(head.header("content-length"), None);
    assert!(client.read_until(b"\n\n").starts_with(b"retry: "));
    assert!(client.read_until(b"\n\n").ends_with(b"\"data\":1}\n\n"));
    client.finish();
    client.expect_end();
}

#[test]
fn a_bare_block_is_the_data_alone() {
    let server = Server::start(&["--bare"]);
    server.publish("KPL", r#"{"type":"n","data":"瑶"}"#);
    let mut client = server.connect();
    client.send("GET /rooms/KPL/sse?cursor=0 HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(client.head().header("cache-control"), None);
    assert_eq!(client.chunk(), "data: \"瑶\"\n\n");
}

#[test]
fn a_client_that_left_frees_its_stream() {
    let server = Server::start(&[]);
    for reset in [false, true] {
        let mut client = open(&server, "/rooms/KPL/sse", "");
        hello(&mut client);
        assert_eq!(server.figure("sse", "open"), 1);
        if reset {
            client.reset();
            server.wait_for_figure("sse", "open", 0, Duration::from_secs(1));
        } else {
            client.finish();
            server.wait_for_figure("sse", "open", 0, Duration::from_secs(1));
        }
    }
}

/// Blocks as WHATWG HTML §9.2.6 has them, read in the most literal way: `data` and last id of each.
fn blocks(text: &str) -> Vec<(String, String)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut id = String::new();
    let (mut blocks, mut data) = (Vec::new(), String::new());
    for line in text.split('\n') {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" if line.is_empty() && !data.is_empty() => {
                data.pop();
                blocks.push((std::mem::take(&mut data), id.clone()));
            }
            "data" => data = format!("{data}{value}\n"),
            "id" if !value.contains('\0') => id = value.to_owned(),
            _ => {}
        }
    }
    blocks
}

/// Texts out of all that the format could trip over come out as they went in, an event each, whatever
/// stands between the tokens of their JSON.
#[test]
fn any_text_comes_through_as_one_event() {
    const PARTS: [&str; 16] = [
        "\r",
        "\n",
        "\r\n",
        "\0",
        "\u{feff}",
        ":",
        " ",
        "\t",
        "data:",
        "\ndata: x\n\n",
        "\nid: 0-0\n",
        "\u{2028}",
        "\u{85}",
        "event",
        "瑶",
        "\\",
    ];
    const BLANKS: [&str; 5] = ["", " ", "\n", "\r\n", "\r\t"];
    let server = Server::start(&[]);
    let start = server.head_cursor("KPL");
    let mut publisher = server.connect();
    // A fixed sequence, as of a die (Knuth's MMIX constants).
    let mut state = 5_u64;
    let mut die = |sides: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % sides
    };
    let mut texts = Vec::new();
    for _ in 0..300 {
        let text: String = (0..die(9)).map(|_| PARTS[die(PARTS.len())]).collect();
        let mut blank = || BLANKS[die(BLANKS.len())];
        let (a, b, c) = (blank(), blank(), blank());
        let json = serde_json::to_string(&text).unwrap();
        let body = format!("{a}{{\"type\":{b}\"n\",{c}\"data\"{a}:{b}[{c}{json}{a}]{b}}}{c}");
        assert_eq!(publisher.post("KPL", &body).status, 201, "{body}");
        texts.push(text);
    }
    let mut client = server.connect();
    client.send(format!(
        "GET /rooms/KPL/sse?cursor={start} HTTP/1.0\r\n\r\n"
    ));
    client.head();
    let end = format!("id: {}\n", at(&start, 300));
    let mut stream = client.read_until(end.as_bytes());
    stream.extend(client.read_until(b"\n\n"));
    let blocks = blocks(std::str::from_utf8(&stream).unwrap());
    // The hello before them.
    assert_eq!(blocks.len(), 301);
    for (number, (text, (data, id))) in (1..).zip(texts.iter().zip(&blocks[1..])) {
        let event: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!(event["data"][0], **text, "event {number}");
        assert_eq!(event["id"], number);
        assert_eq!(*id, at(&start, number));
    }
}
