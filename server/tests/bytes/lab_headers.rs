//! Heads of published sizes, to the byte: whatever an answer carries, and if it carries nothing.

use crate::harness::{Client, Server};

/// 39 bytes, the payload of the measurement that `chrome60` replays.
const DATA: &str = r#""abcdefghijklmnopqrstuvwxyz0123456789x""#;

fn bare(headers: &str) -> (Server, Client) {
    let server = Server::start(&["--bare", "--history", "1", "--lab-headers", headers]);
    let client = server.connect();
    (server, client)
}

fn publish(server: &Server, data: &str) {
    server.publish("KPL", &format!(r#"{{"type":"n","data":{data}}}"#));
}

#[test]
fn every_answer_of_the_servlet_has_193_bytes_of_head() {
    let (server, mut client) = bare("kaazing");
    for route in ["poll", "long-poll"] {
        let nothing = client.get(&format!("/rooms/none/{route}?cursor=0&hold=0s"), "");
        assert_eq!((nothing.status, nothing.head.len()), (204, 193), "{route}");
        for data in ["1", "\"0123456789012345678\"", &format!("\"{:0>4000}\"", 0)] {
            publish(&server, data);
            let answer = client.get(&format!("/rooms/KPL/{route}?cursor=0"), "");
            assert_eq!((answer.status, answer.head.len()), (200, 193), "{route}");
            assert_eq!(answer.text(), data);
        }
    }
    publish(&server, "\"0123456789012345678\"");
    let answer = client.get("/rooms/KPL/poll?cursor=0", "");
    // Nothing had to be lengthened for the very payload that was published.
    assert_eq!(
        answer.header("server"),
        Some("Sun Java System Application Server 9.1_02")
    );
    assert_eq!(answer.header("content-length"), Some("21"));
}

#[test]
fn an_answer_of_node_has_108_bytes_of_head_and_39_become_50_in_chunks() {
    let (server, mut client) = bare("chrome60");
    publish(&server, DATA);
    for route in ["poll", "long-poll"] {
        client.send(format!(
            "GET /rooms/KPL/{route}?cursor=0 HTTP/1.1\r\nHost: test\r\n\r\n"
        ));
        let head = client.head();
        assert_eq!((head.status, head.head.len()), (200, 108), "{route}");
        assert_eq!(head.header("transfer-encoding"), Some("chunked"));
        assert_eq!(head.header("content-length"), None);
        let body = client.read_until(b"0\r\n\r\n");
        assert_eq!(
            String::from_utf8(body).unwrap(),
            format!("27\r\n{DATA}\r\n0\r\n\r\n")
        );
        let nothing = client.get(&format!("/rooms/none/{route}?cursor=0&hold=0s"), "");
        assert_eq!((nothing.status, nothing.head.len()), (204, 108), "{route}");
    }
}

#[test]
fn a_stream_begins_with_the_head_of_the_preset_and_goes_on_as_ever() {
    for (headers, bytes) in [
        ("chrome60", 166),
        ("kaazing", 193),
        ("126", 126),
        ("200", 200),
    ] {
        for (route, body) in [("sse", "data: 1\n\n"), ("stream", "1\n")] {
            let (server, mut client) = bare(headers);
            client.send(format!(
                "GET /rooms/KPL/{route} HTTP/1.1\r\nHost: test\r\n\r\n"
            ));
            let head = client.head();
            assert_eq!(
                (head.status, head.head.len()),
                (200, bytes),
                "{headers} {route}"
            );
            assert_eq!(head.header("transfer-encoding"), Some("chunked"));
            if route == "sse" {
                assert_eq!(head.header("content-type"), Some("text/event-stream"));
            }
            publish(&server, "1");
            assert_eq!(client.chunk(), body);
        }
    }
}

#[test]
fn any_size_from_the_least_on_is_exact() {
    for bytes in [126, 127, 134, 350, 8192] {
        let (server, mut client) = bare(&bytes.to_string());
        publish(&server, DATA);
        let answer = client.get("/rooms/KPL/poll?cursor=0", "");
        assert_eq!((answer.head.len(), answer.text()), (bytes, DATA));
        let nothing = client.get("/rooms/none/poll?cursor=0", "");
        assert_eq!((nothing.status, nothing.head.len()), (204, bytes));
    }
}

#[test]
fn what_is_no_answer_to_a_reader_keeps_its_head() {
    let (server, mut client) = bare("kaazing");
    assert_eq!(
        server
            .connect()
            .post("KPL", r#"{"type":"n","data":1}"#)
            .header("content-type"),
        Some("application/json")
    );
    client
        .get("/rooms/KPL/poll?cursor=nonsense", "")
        .expect_problem(400);
    assert_eq!(client.get("/health", "").header("x-powered-by"), None);
}
