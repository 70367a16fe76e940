//! Attachments: bombs by number and by size, placeholders that lie, and published data that looks like
//! them. What any client gets must be a packet that the real parser takes.

use super::*;
use crate::peer::Heard;
use serde_json::json;

const ONE: &str = r#"{"_placeholder":true,"num":0}"#;

#[test]
fn a_bomb_is_refused_before_its_first_attachment() {
    for flags in [&[][..], &["--conformance"]] {
        let server = server(flags);
        for packet in [
            "4599999999-[\"message\"]".to_owned(),
            "4518446744073709551616-[\"message\"]".to_owned(),
            format!("4511-[\"message\",{ONE}]"),
            format!("45[\"message\",{ONE}]"),
            format!("451[\"message\",{ONE}]"),
            format!("45-1-[\"message\",{ONE}]"),
            format!("451.0-[\"message\",{ONE}]"),
            "451-".to_owned(),
            "45-".to_owned(),
            "4611-1[]".to_owned(),
        ] {
            let mut socket = connected(place(&server, SOCKETIO), !flags.is_empty());
            socket.say(&packet);
            socket.expect_closed_after(&[]);
        }
        expect_nobody(&server);
    }
}

/// The publisher is told, or cut off; nobody gets an event that says what it has not.
#[test]
fn placeholders_that_lie_publish_nothing() {
    let server = server(&[]);
    for placeholder in [
        r#"{"_placeholder":true,"num":1}"#,
        r#"{"_placeholder":true,"num":-1}"#,
        r#"{"_placeholder":true,"num":18446744073709551616}"#,
        r#"{"_placeholder":true,"num":0.5}"#,
        r#"{"_placeholder":true,"num":"0"}"#,
        r#"{"_placeholder":true,"num":null}"#,
        r#"{"_placeholder":true,"num":"__proto__"}"#,
        r#"{"_placeholder":true,"num":"length"}"#,
        r#"{"_placeholder":true}"#,
        r#"[{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]"#,
        "5",
    ] {
        let mut socket = connected(place(&server, SOCKETIO), false);
        socket.say(&format!(
            "451-7[\"publish\",{{\"room\":\"KPL\",\"type\":\"n\",\"data\":{placeholder}}}]"
        ));
        socket.try_say_binary(b"\x01");
        if let Heard::Text(told) = socket.hear() {
            assert!(told.starts_with("437["), "{placeholder}: {told}");
            assert!(told.contains(r#""status":400"#), "{placeholder}: {told}");
        }
    }
    assert_eq!(server.usage()["published"], 0);
    expect_nobody(&server);
}

#[test]
fn text_between_the_attachments_ends_the_connection() {
    for flags in [&[][..], &["--conformance"]] {
        let server = server(flags);
        for interloper in ["42[\"message\"]", "40/custom,", "431[]", "41", "4"] {
            let mut socket = connected(place(&server, SOCKETIO), !flags.is_empty());
            let second = r#"{"_placeholder":true,"num":1}"#;
            socket.say(&format!("452-[\"message\",{ONE},{second}]"));
            socket.say_binary(b"\x01");
            socket.say(interloper);
            socket.expect_closed_after(&[]);
        }
        expect_nobody(&server);
    }
}

/// They never come, or in a POST too late: what was begun goes with its session.
#[test]
fn attachments_that_never_come() {
    let server = server(&[]);
    let place = place(&server, SOCKETIO);
    for leave in [
        |socket: Socket| drop(socket),
        |socket: Socket| {
            socket.client.reset();
        },
    ] {
        let mut socket = connected(place, false);
        socket.say(&format!("453-[\"publish\",{ONE}]"));
        leave(socket);
        expect_nobody(&server);
    }
    let session = connected_by_polling(place);
    session.post(format!("453-[\"publish\",{ONE}]"));
    session.post("1");
    expect_nobody(&server);
}

/// A heartbeat is no text of Socket.IO's and may come at any time.
#[test]
fn a_pong_between_the_attachments_is_no_matter() {
    let server = server(&["--conformance"]);
    let mut socket = connected(place(&server, SOCKETIO), true);
    socket.say(&format!("451-[\"message\",{ONE}]"));
    socket.say("3");
    socket.say_binary(b"\x01");
    assert_eq!(socket.text(), format!("451-[\"message-back\",{ONE}]"));
    assert_eq!(socket.binary(), b"\x01");
    // Over polling they come in one payload, or in two.
    let session = connected_by_polling(place(&server, SOCKETIO));
    session.give(format!("451-[\"message\",{ONE}]\u{1e}3\u{1e}bAQ=="));
    session.give(format!("451-[\"message\",{ONE}]"));
    session.give("bAg==");
    let mut taken = String::new();
    while taken.matches("\u{1e}b").count() + usize::from(taken.starts_with('b')) < 2 {
        taken += &session.take();
        taken.push('\u{1e}');
    }
    assert!(
        taken.contains("bAQ==") && taken.contains("bAg=="),
        "{taken}"
    );
}

/// Ten of them as large as a message may be are more than a publish may be.
#[test]
fn what_is_put_together_is_bounded_too() {
    let server = server(&["--max-event-bytes", "1000"]);
    let mut socket = connected(place(&server, SOCKETIO), false);
    socket.say(r#"420["join",{"room":"KPL"}]"#);
    assert!(socket.text().starts_with("430["));
    let places: Vec<String> = (0..10)
        .map(|number| format!("{{\"_placeholder\":true,\"num\":{number}}}"))
        .collect();
    let places = places.join(",");
    socket.say(&format!(
        "4510-1[\"publish\",{{\"room\":\"KPL\",\"type\":\"n\",\"data\":[{places}]}}]"
    ));
    for _ in 0..10 {
        if !socket.try_say_binary(&[7; 100_000]) {
            break;
        }
    }
    // Told so, or cut off; published it is not.
    if let Heard::Text(answer) = socket.hear() {
        assert!(answer.contains("413"), "{answer}");
    }
    assert_eq!(server.usage()["published"], 0);
    drop(socket);
    expect_nobody(&server);
}

/// What a publisher writes into its data must not break the parser of whoever reads it.
#[test]
fn published_data_cannot_be_taken_for_attachments() {
    let server = server(&[]);
    let mut socket = connected(place(&server, SOCKETIO), false);
    socket.say(r#"420["join",{"room":"KPL"}]"#);
    assert!(socket.text().starts_with("430["));
    for data in [
        json!({"_placeholder": true, "num": 0}),
        json!({"_placeholder": true, "num": 99}),
        json!([{"_placeholder": true, "num": 0}, {"$binary": "AQID"}]),
        json!({"a": {"$binary": "AQID"}, "b": {"_placeholder": 1}}),
        json!({"$binary": "no base64!"}),
        json!({"$binary": 5}),
        json!({"$binary": {"$binary": "AQID"}}),
        json!({"$binary": "AQID", "more": 1}),
        json!({"$binary": ""}),
        json!({"$binary": "AQID"}),
        json!(vec![json!({"$binary": "AQID"}); 10]),
        json!(vec![json!({"$binary": "AQID"}); 11]),
        json!(vec![json!({"$binary": "AQID"}); 1_000]),
        json!({"__proto__": {"$binary": "AQID"}}),
        json!("451-[\"event\",{\"_placeholder\":true,\"num\":0}]\u{1e}1"),
    ] {
        let body = json!({"type": "n", "data": data}).to_string();
        server.publish("KPL", &body);
        expect_whole_packet(&mut socket, &data);
    }
    // Escapes hide a key from a search for it, not from a parser.
    let hidden = r#"[{"$binary":"AQID"},{"\u005fplaceholder":true,"num":0}]"#;
    server.publish("KPL", &format!(r#"{{"type":"n","data":{hidden}}}"#));
    let data: Value = serde_json::from_str(hidden).unwrap();
    expect_whole_packet(&mut socket, &data);
    drop(socket);
    expect_nobody(&server);
}

/// Reads a packet as the real parser does, which throws where a placeholder has no attachment.
fn expect_whole_packet(socket: &mut Socket, data: &Value) {
    let packet = socket.text_but_pings();
    let rest = packet.strip_prefix("42").or_else(|| {
        let rest = packet.strip_prefix("45")?;
        let (count, rest) = rest.split_once('-')?;
        let count: u64 = count.parse().unwrap();
        assert!((1..=10).contains(&count), "{packet}");
        assert!(!data.to_string().contains("_placeholder"), "{packet}");
        for number in 0..count {
            let bytes = socket.binary();
            assert!(
                bytes == [1, 2, 3] || bytes.is_empty(),
                "{packet}: {bytes:x?}"
            );
            let place = format!("{{\"_placeholder\":true,\"num\":{number}}}");
            assert_eq!(rest.matches(&place).count(), 1, "{packet}");
        }
        assert_eq!(rest.matches("_placeholder").count() as u64, count);
        Some(rest)
    });
    let arguments: Value = serde_json::from_str(rest.expect("an event")).unwrap();
    assert_eq!(arguments[0], "event", "{packet}");
    if packet.starts_with("42") {
        assert_eq!(arguments[1]["data"], *data, "{packet}");
    }
}
