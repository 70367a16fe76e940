//! Sessions that are not whose they are said to be, requests at the wrong time, and the ends of polls.

use super::*;
use crate::frame::{CLOSE, FIN, masked};
use crate::peer::{Heard, POLLING, WEBSOCKET, answer, sid};
use serde_json::json;
use std::collections::BTreeSet;

#[test]
fn a_sid_that_is_none_is_answered_and_opens_nothing() {
    let server = server(&["--conformance"]);
    let own = place(&server, ECHO).poll();
    let long = "x".repeat(10_000);
    for path in [ECHO, SOCKETIO] {
        let place = place(&server, path);
        for sid in ["nobody", "%00", "%ff", "a%1eb", "..", "瑶", "%22", &long] {
            for transport in [POLLING, WEBSOCKET] {
                let query = format!("{transport}&sid={}", sid.replace('瑶', "%E7%91%B6"));
                let refused = place.get(&query);
                assert_eq!(refused.status, 400, "{query}");
                let unknown = json!({"code": 1, "message": "Session ID unknown"});
                assert_eq!(refused.json(), unknown, "{query}");
                let posted = place.post(&query, "4a").expect("an answer");
                assert_eq!(posted.status, 400, "{query}");
            }
            if let Ok(mut socket) = place.upgrade(&format!("{WEBSOCKET}&sid=nobody")) {
                socket.expect_closed_after(&[]);
            }
        }
    }
    // A session of the other path is none here.
    let elsewhere = Polling {
        place: place(&server, SOCKETIO),
        ..own.clone()
    };
    elsewhere.expect_gone();
    own.give("4still there");
    assert_eq!(own.take(), "4still there");
    assert_eq!(sessions(&server.usage()), 1);
    own.give("1");
    expect_nobody(&server);
}

/// It is all that keeps one from another's session: nobody can guess it, nor how many there are.
#[test]
fn a_sid_tells_nothing() {
    let server = server(&[]);
    let mut sids = BTreeSet::new();
    for _ in 0..500 {
        let session = place(&server, SOCKETIO).poll();
        let sid = session.sid.clone();
        // 128 bits in letters of at most six bits.
        assert!(sid.len() >= 22, "{sid}");
        let letters = sid
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter));
        assert!(letters, "{sid}");
        session.give("1");
        sids.insert(sid);
    }
    assert_eq!(sids.len(), 500);
    // No place of it is the same in all, or counts up.
    let shortest = sids.iter().map(String::len).min().unwrap();
    for at in 0..shortest {
        let letters: BTreeSet<u8> = sids.iter().map(|sid| sid.as_bytes()[at]).collect();
        assert!(letters.len() >= 4, "place {at} has only {letters:?}");
    }
    expect_nobody(&server);
}

#[test]
fn two_gets_at_once_end_the_session() {
    let server = server(&["--conformance"]);
    for path in [ECHO, SOCKETIO] {
        let session = place(&server, path).poll();
        let mut first = hung(&server, &session);
        let mut second = session.hang();
        let [first, second] = [&mut first, &mut second].map(|it| answer(it).expect("an answer"));
        let mut both = [(first.status, first.text()), (second.status, second.text())];
        both.sort();
        assert_eq!(both[0], (200, "1"));
        assert_eq!(both[1].0, 400);
        expect_no_session(&server);
        session.expect_gone();
    }
    expect_nobody(&server);
}

#[test]
fn two_posts_at_once_end_the_session() {
    let server = server(&["--conformance"]);
    for path in [ECHO, SOCKETIO] {
        let session = place(&server, path).poll();
        let mut hanging = hung(&server, &session);
        let query = session.query();
        let mut slow = come_in(&server, || {
            let mut slow = Client::connect(server.public);
            slow.send(format!(
                "POST {path}?{query} HTTP/1.1\r\nHost: test\r\nContent-Length: 6\r\n\r\n4a"
            ));
            slow
        });
        let second = session.post("4b").expect("an answer");
        assert_eq!(second.status, 400, "{}", second.text());
        // Nobody is left waiting.
        let last = answer(&mut hanging).expect("an answer");
        assert!(matches!(last.status, 200 | 400), "{}", last.head);
        slow.try_send("1234");
        if let Some(first) = answer(&mut slow) {
            assert_eq!(first.status, 400);
        }
        expect_no_session(&server);
        session.expect_gone();
    }
    expect_nobody(&server);
}

/// By FIN, by RST, and in the middle of a POST.
#[test]
fn an_aborted_poll_ends_its_session() {
    let server = server(&["--conformance"]);
    for path in [ECHO, SOCKETIO] {
        for is_reset in [false, true] {
            let session = place(&server, path).poll();
            let hanging = hung(&server, &session);
            assert_eq!(sessions(&server.usage()), 1);
            match is_reset {
                true => hanging.reset(),
                false => drop(hanging),
            }
            expect_no_session(&server);
            session.expect_gone();
        }
    }
    expect_nobody(&server);
}

/// What comes first counts as the request; the rest is never waited for longer than for any body.
#[test]
fn half_a_post_is_given_up() {
    let server = server(&["--conformance", "--body-timeout", "0.3"]);
    let session = place(&server, ECHO).poll();
    let mut slow = Client::connect(server.public);
    slow.send(format!(
        "POST /engine.io/?{} HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\n4a",
        session.query()
    ));
    let refused = answer(&mut slow).expect("an answer");
    assert_eq!(refused.status, 408, "{}", refused.text());
    // Of it nothing was taken; whether the session lives on or not, it ends when its client says so.
    session.post("1");
    expect_no_session(&server);
    let mut half = Client::connect(server.public);
    half.send("GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHo");
    drop(half);
    expect_nobody(&server);
}

/// Methods and versions that no session has.
#[test]
fn odd_requests_are_refused() {
    let server = server(&["--conformance"]);
    let session = place(&server, ECHO).poll();
    for method in ["PUT", "DELETE", "PATCH", "HEAD"] {
        let mut client = place(&server, ECHO).ask(method, &session.query(), "", "");
        let status = client.head().status;
        assert!((400..500).contains(&status), "{method}: {status}");
    }
    session.give("4queued");
    let both = format!("{}&sid=nobody", session.query());
    let status = place(&server, ECHO).get(&both).status;
    assert!(matches!(status, 200 | 400), "{status}");
    session.post("1");
    expect_nobody(&server);
}

/// Neither a close that says `1` nor one of the WebSocket waits for a ping that is not answered.
#[test]
fn a_websocket_that_closes_ends_its_session() {
    let server = server(&["--conformance"]);
    for path in [ECHO, SOCKETIO] {
        let mut socket = place(&server, path).socket();
        socket.say("1");
        socket.expect_closed_after(&[]);
        expect_no_session(&server);
        let mut socket = place(&server, path).socket();
        socket
            .client
            .send(masked(FIN | CLOSE, &1000_u16.to_be_bytes()));
        assert_eq!(socket.hear(), Heard::Closed(Some(1000)));
        expect_no_session(&server);
        let socket = place(&server, path).socket();
        socket.client.reset();
        expect_no_session(&server);
    }
    expect_nobody(&server);
}

/// Signs in; gives the line that says so.
fn cookie(server: &Server, name: &str) -> String {
    let body = json!({"name": name}).to_string();
    let made = server.connect().post_to("/session", "", &body);
    let cookie = made.header("set-cookie").unwrap();
    format!("Cookie: {}\r\n", cookie.split(';').next().unwrap())
}

/// As in Engine.IO the sid is the secret: a later request's cookie neither takes the session over nor
/// speaks in another's name. Whoever shook hands is who publishes.
#[test]
fn a_session_is_whose_it_was_at_its_handshake() {
    let server = server(&[]);
    let place = place(&server, SOCKETIO);
    let [yao, other] = ["瑶", "程序"].map(|name| cookie(&server, name));
    let ask = |method: &str, query: &str, cookie: &str, body: &str| {
        answer(&mut place.ask(method, query, cookie, body)).expect("an answer")
    };
    let session = Polling {
        place,
        sid: sid(ask("GET", POLLING, &yao, "").text()),
    };
    let publish = r#"421["publish",{"room":"KPL","type":"n","data":1}]"#;
    let said = ask(
        "POST",
        &session.query(),
        &other,
        &format!("40\u{1e}{publish}"),
    );
    assert_eq!(said.text(), "ok");
    let taken = ask("GET", &session.query(), &other, "");
    assert!(taken.text().contains("431["), "{}", taken.text());
    let events = server.get("/rooms/KPL/poll?cursor=0").json();
    assert!(events.to_string().contains("瑶"), "{events}");
    assert!(!events.to_string().contains("程序"), "{events}");
    session.give("1");
    expect_nobody(&server);
}

/// What was missed is for the user who missed it, who must show that he is it; a pid in other hands, or
/// one that is none, begins anew.
#[test]
fn a_pid_recovers_its_own_user_alone() {
    let server = server(&[]);
    let place = place(&server, SOCKETIO);
    let [yao, other] = ["瑶", "程序"].map(|name| cookie(&server, name));
    let shake = |cookie: &str, connect: &Value| {
        let opened = answer(&mut place.ask("GET", POLLING, cookie, "")).expect("an answer");
        let sid = sid(opened.text());
        let session = Polling { place, sid };
        session.give(format!("40{connect}"));
        let said = session.take();
        let connected = said.split('\u{1e}').next().unwrap();
        let ids: Value = serde_json::from_str(connected.strip_prefix("40").unwrap()).unwrap();
        (session, ids)
    };
    let (session, ids) = shake(&yao, &json!({}));
    session.give(r#"421["join",{"room":"KPL"}]"#);
    let joined = session.take();
    assert!(joined.contains("431["), "{joined}");
    let offset = server.publish("KPL", r#"{"type":"n","data":1}"#);
    // Cut: an aborted poll.
    session.take();
    hung(&server, &session).reset();
    expect_no_session(&server);
    server.publish("KPL", r#"{"type":"n","data":"missed"}"#);
    for hands in [&other, ""] {
        let asked = json!({"pid": ids["pid"], "offset": offset});
        let (thief, theirs) = shake(hands, &asked);
        assert_ne!(theirs["sid"], ids["sid"], "{hands}");
        assert_ne!(theirs["pid"], ids["pid"], "{hands}");
        thief.give(r#"429["leave",{"room":"KPL"}]"#);
        let heard = thief.take();
        assert!(!heard.contains("missed\""), "{heard}");
        thief.give("1");
    }
    // They have used nothing up.
    let (session, again) = shake(&yao, &json!({"pid": ids["pid"], "offset": offset}));
    assert_eq!(again, ids);
    session.give("41");
    session.give("1");
    for pid in [json!(""), json!("x".repeat(10_000)), json!(5), json!(null)] {
        let (session, fresh) = shake(&yao, &json!({"pid": pid, "offset": {"no": "cursor"}}));
        assert_ne!(fresh["sid"], ids["sid"]);
        session.give("1");
    }
    expect_nobody(&server);
}

/// The secret is the sid alone, as in Engine.IO: a cookie or a token does not bind it. It stands in no
/// answer but the first to its own client.
#[test]
fn nobody_else_is_told_a_sid() {
    let server = server(&[]);
    let session = place(&server, SOCKETIO).poll();
    for path in ["/lab/usage", "/metrics"] {
        let mut client = Client::connect(server.admin.unwrap());
        assert!(!client.get(path, "").text().contains(&session.sid));
    }
    let refused = place(&server, SOCKETIO).get(&format!("{WEBSOCKET}&sid={}", session.sid));
    assert!(!refused.text().contains(&session.sid), "{}", refused.text());
    session.post("1");
    expect_nobody(&server);
}
