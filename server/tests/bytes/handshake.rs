//! The WebSocket handshake (RFC 6455 §4.2): what is answered 101, what is refused, and how the
//! subprotocol is chosen.

use crate::harness::{Answer, Server};
use crate::websocket::{self, KEY};

const PATH: &str = "/rooms/KPL/ws";

fn refused(server: &Server, method: &str, headers: &[&str]) -> Answer {
    let mut client = server.connect();
    let headers = headers.join("\r\n");
    client.send(format!(
        "{method} {PATH} HTTP/1.1\r\nHost: test\r\n{headers}\r\n\r\n"
    ));
    client.answer()
}

fn chosen(server: &Server, offer: &str) -> Option<String> {
    let mut client = server.connect();
    websocket::ask(&mut client, PATH, offer);
    let head = client.head();
    assert_eq!(head.status, 101, "{offer}");
    head.header("sec-websocket-protocol").map(str::to_owned)
}

#[test]
fn the_key_of_the_rfc_gets_the_answer_of_the_rfc() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    websocket::ask(&mut client, PATH, "");
    assert_eq!(
        client.head().lines(),
        [
            "HTTP/1.1 101 Switching Protocols",
            "connection: upgrade",
            "date: *",
            "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
            "upgrade: websocket",
        ]
    );
}

#[test]
fn upgrade_and_connection_are_lists_of_tokens_in_any_case() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send(format!(
        "GET {PATH} HTTP/1.1\r\nHost: test\r\nUPGRADE: WebSocket\r\n\
         Connection: keep-alive, Upgrade\r\nSec-WebSocket-Key: {KEY}\r\n\
         Sec-WebSocket-Version: 13\r\n\r\n"
    ));
    assert_eq!(client.head().status, 101);
}

#[test]
fn what_is_no_upgrade_is_426() {
    let server = Server::start(&[]);
    let key = format!("Sec-WebSocket-Key: {KEY}");
    for headers in [
        &["Accept: */*"][..],
        &[
            "Upgrade: h2c",
            "Connection: Upgrade",
            &key,
            "Sec-WebSocket-Version: 13",
        ],
        &["Upgrade: websocket", "Connection: Upgrade", &key],
        &[
            "Upgrade: websocket",
            "Connection: Upgrade",
            &key,
            "Sec-WebSocket-Version: 8",
        ],
        &[
            "Upgrade: websocket",
            "Connection: Upgrade",
            &key,
            "Sec-WebSocket-Version: 99",
        ],
    ] {
        let answer = refused(&server, "GET", headers);
        answer.expect_problem(426);
        assert_eq!(answer.header("sec-websocket-version"), Some("13"));
        assert_eq!(answer.header("upgrade"), Some("websocket"));
    }
}

#[test]
fn a_broken_handshake_is_400() {
    let server = Server::start(&[]);
    let good_key = format!("Sec-WebSocket-Key: {KEY}");
    for (connection, key) in [
        ("Connection: keep-alive", &*good_key),
        ("Connection: Upgrade", "Sec-WebSocket-Key: short"),
        ("Connection: Upgrade", "Sec-WebSocket-Key: "),
        (
            "Connection: Upgrade",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAAA",
        ),
        ("Connection: Upgrade", "X-No-Key: 1"),
    ] {
        let headers = [
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            connection,
            key,
        ];
        refused(&server, "GET", &headers).expect_problem(400);
    }
}

#[test]
fn other_methods_are_405() {
    let server = Server::start(&[]);
    let key = format!("Sec-WebSocket-Key: {KEY}");
    let upgrade = [
        "Upgrade: websocket",
        "Connection: Upgrade",
        &key,
        "Sec-WebSocket-Version: 13",
    ];
    for method in ["POST", "PUT", "DELETE"] {
        for headers in [&["Content-Length: 0"][..], &upgrade] {
            let answer = refused(&server, method, headers);
            answer.expect_problem(405);
            assert_eq!(answer.header("allow"), Some("GET"));
        }
    }
}

#[test]
fn a_bad_room_or_cursor_is_refused_before_the_upgrade() {
    let server = Server::start(&[]);
    for path in ["/rooms/%00/ws", "/rooms/KPL/ws?cursor=x"] {
        let mut client = server.connect();
        websocket::ask(&mut client, path, "");
        client.answer().expect_problem(400);
    }
}

#[test]
fn the_subprotocol_is_chosen_from_the_offer_only() {
    let server = Server::start(&[]);
    for (offer, expected) in [
        ("", None),
        ("Sec-WebSocket-Protocol: chat\r\n", None),
        ("Sec-WebSocket-Protocol: PUSHLAB.JSON\r\n", None),
        (
            "Sec-WebSocket-Protocol: pushlab.json\r\n",
            Some("pushlab.json"),
        ),
        (
            "Sec-WebSocket-Protocol: pushlab.msgpack\r\n",
            Some("pushlab.msgpack"),
        ),
        (
            "Sec-WebSocket-Protocol: chat, pushlab.msgpack\r\n",
            Some("pushlab.msgpack"),
        ),
        (
            "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: pushlab.json\r\n",
            Some("pushlab.json"),
        ),
    ] {
        assert_eq!(chosen(&server, offer).as_deref(), expected, "{offer}");
    }
}

#[test]
fn a_handshake_byte_by_byte_with_the_first_frame_behind_it() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let request = format!(
        "GET {PATH} HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    for byte in request.bytes() {
        client.send([byte]);
    }
    websocket::send_text(&mut client, "early");
    assert_eq!(client.head().status, 101);
    assert!(websocket::read(&mut client).text().contains("hello"));
    assert!(websocket::read(&mut client).text().contains("early"));
}

/// A client may not wait for 101 before its first frame reaches the server's buffer.
#[test]
fn a_frame_in_the_same_packet_as_the_handshake_is_read() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let request = format!(
        "GET {PATH} HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    let frame = websocket::masked(0x81, b"early");
    client.send([request.as_bytes(), &frame].concat());
    assert_eq!(client.head().status, 101);
    assert!(websocket::read(&mut client).text().contains("hello"));
    assert!(websocket::read(&mut client).text().contains("early"));
}

/// actix would frame the connection in another way than the frames that are sent on it.
#[test]
fn a_handshake_that_mixes_framings_is_refused() {
    let server = Server::start(&[]);
    let key = format!("Sec-WebSocket-Key: {KEY}");
    for (upgrade, more) in [
        ("websocket", "Transfer-Encoding: chunked"),
        ("websocket", "Content-Length: 5"),
        ("foo, websocket", "Accept: */*"),
        ("xwebsocket", "Accept: */*"),
    ] {
        let upgrade = format!("Upgrade: {upgrade}");
        let headers = [
            &upgrade,
            "Connection: Upgrade",
            &key,
            "Sec-WebSocket-Version: 13",
            more,
        ];
        assert_eq!(refused(&server, "GET", &headers).status, 400, "{headers:?}");
    }
}

#[test]
fn a_handshake_of_http_1_0_or_with_a_header_twice_is_refused() {
    let server = Server::start(&[]);
    for (version, more) in [
        ("1.0", ""),
        ("1.1", "Sec-WebSocket-Version: 13\r\n"),
        ("1.1", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"),
    ] {
        let mut client = server.connect();
        client.send(format!(
            "GET {PATH} HTTP/{version}\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
        ));
        client.answer().expect_problem(400);
    }
}
