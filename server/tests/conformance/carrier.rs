//! What both suites ask of a session and of the two transports that carry it: handshake, heartbeat, close
//! and upgrade. What is said over it is none of its matter, but for one word that shows it is alive.

use crate::peer::{POLLING, Place, WEBSOCKET, answer};
use crate::suite::{MAX_PAYLOAD, PING_INTERVAL, PING_TIMEOUT, is_ours};
use serde_json::{Value, json};
use std::thread::sleep;
use std::time::Duration;

/// The open packet has these five keys and no other.
fn expect_open(packet: &str, upgrades: &Value) {
    let open: Value = serde_json::from_str(packet.strip_prefix('0').unwrap()).unwrap();
    let sid = &open["sid"];
    assert!(sid.as_str().is_some_and(|sid| !sid.is_empty()), "{packet}");
    let expected = json!({
        "sid": sid,
        "upgrades": upgrades,
        "pingInterval": PING_INTERVAL.as_millis() as u64,
        "pingTimeout": PING_TIMEOUT.as_millis() as u64,
        "maxPayload": MAX_PAYLOAD,
    });
    assert_eq!(open, expected);
}

pub fn polling_opens(place: &Place) {
    let answer = place.get(POLLING);
    assert_eq!(answer.status, 200);
    expect_open(answer.text(), &json!(["websocket"]));
}

pub fn polling_needs_the_version(place: &Place) {
    for query in ["transport=polling", "EIO=abc&transport=polling"] {
        assert_eq!(place.get(query).status, 400, "{query}");
    }
}

pub fn polling_needs_a_transport(place: &Place) {
    for query in ["EIO=4", "EIO=4&transport=abc"] {
        assert_eq!(place.get(query).status, 400, "{query}");
    }
}

pub fn polling_opens_by_get_alone(place: &Place) {
    for method in ["POST", "PUT"] {
        let refused = answer(&mut place.ask(method, POLLING, "", "")).unwrap();
        assert_eq!(refused.status, 400, "{method}");
    }
}

pub fn websocket_opens(place: &Place) {
    expect_open(&place.fresh().text(), &json!([]));
}

pub fn websocket_needs_the_version(place: &Place) {
    expect_no_websocket(
        place,
        &["transport=websocket", "EIO=abc&transport=websocket"],
    );
}

pub fn websocket_needs_a_transport(place: &Place) {
    expect_no_websocket(place, &["EIO=4", "EIO=4&transport=abc"]);
}

fn expect_no_websocket(place: &Place, queries: &[&str]) {
    for query in queries {
        // Some accept the upgrade and then hang up, the reference with an HTTP answer for a last frame.
        if let Ok(mut socket) = place.upgrade(query) {
            let rest = socket.client.try_until(b"0{");
            assert_eq!(rest, None, "{query}");
        }
    }
}

pub fn polling_is_pinged(place: &Place) {
    let session = place.poll();
    for _ in 0..3 {
        assert_eq!(session.take(), "2");
        session.give("3");
    }
}

/// Longer than a server waits for a pong.
fn be_silent() {
    sleep(PING_INTERVAL + PING_TIMEOUT + Duration::from_millis(10));
}

pub fn silent_polling_ends(place: &Place) {
    let session = place.poll();
    be_silent();
    session.expect_gone();
}

pub fn websocket_is_pinged(place: &Place) {
    let mut socket = place.socket();
    for _ in 0..3 {
        assert_eq!(socket.text(), "2");
        socket.say("3");
    }
}

pub fn silent_websocket_ends(place: &Place) {
    place.socket().expect_closed_after(&["2"]);
}

pub fn polling_closes(place: &Place) {
    let session = place.poll();
    let mut hanging = session.hang();
    settle();
    session.give("1");
    let last = answer(&mut hanging).unwrap();
    assert_eq!((last.status, last.text()), (200, "6"));
    session.expect_gone();
}

/// So that a request which was sent is there before the next one, which takes another way.
pub fn settle() {
    sleep(Duration::from_millis(20));
}

pub fn websocket_closes(place: &Place) {
    let mut socket = place.socket();
    socket.say("1");
    if is_ours() {
        socket.expect_closed_after(&[]);
    } else {
        // The reference does not look at it over a WebSocket, and ends what answers its ping no more.
        socket.expect_closed();
    }
}

/// While a GET hangs, or with none.
pub fn polling_upgrades(place: &Place, with_get: bool) {
    let session = place.poll();
    let mut socket = session.second();
    socket.say("2probe");
    assert_eq!(socket.text(), "3probe");
    if with_get {
        assert_eq!(session.take(), "6");
    }
    socket.say("5");
    place.expect_alive(&mut socket);
}

pub fn upgraded_has_no_polling(place: &Place) {
    let session = place.poll();
    let mut socket = session.upgraded();
    settle();
    session.expect_gone();
    place.expect_alive(&mut socket);
}

pub fn upgraded_has_one_websocket(place: &Place) {
    let session = place.poll();
    let mut socket = session.upgraded();
    settle();
    // Refused at once, or closed without a word.
    if let Ok(mut second) = session.upgrade() {
        second.expect_closed_after(&[]);
    }
    place.expect_alive(&mut socket);
}

impl Place {
    /// An echo, or on Socket.IO an answer to CONNECT; pings may come between.
    fn expect_alive(&self, socket: &mut crate::peer::Socket) {
        let (said, heard) = match self.path {
            "/socket.io/" => ("40", "40{"),
            _ => ("4hello", "4hello"),
        };
        socket.say(said);
        let answer = socket.text_but_pings();
        assert!(answer.starts_with(heard), "{answer}");
    }
}

#[test]
fn what_is_refused_says_which_of_the_rules_it_broke() {
    crate::suite::engineio(|place| {
        let session = place.poll();
        let unknown = format!("{POLLING}&sid=nobody");
        let misfit = format!("{WEBSOCKET}&sid={}", session.sid);
        for (method, query, code, message) in [
            ("GET", "EIO=4&transport=abc", 0, "Transport unknown"),
            ("GET", &*unknown, 1, "Session ID unknown"),
            ("POST", &*unknown, 1, "Session ID unknown"),
            ("POST", POLLING, 2, "Bad handshake method"),
            ("GET", &*misfit, 3, "Bad request"),
            (
                "GET",
                "EIO=2&transport=polling",
                5,
                "Unsupported protocol version",
            ),
        ] {
            let refused = answer(&mut place.ask(method, query, "", "")).unwrap();
            let place = format!("{method} {query}: {}", refused.text());
            assert_eq!(refused.status, 400, "{place}");
            assert_eq!(
                refused.header("content-type"),
                Some("application/json"),
                "{place}"
            );
            assert_eq!(
                refused.json(),
                json!({"code": code, "message": message}),
                "{place}"
            );
        }
    });
}
