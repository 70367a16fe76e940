//! The 32 cases of the Socket.IO 5 test suite in our own words, under their numbers, against its test
//! application. The first 16 are those of the carrier; from 17 on it is a WebSocket that carries.

use crate::carrier;
use crate::peer::{Place, Socket};
use crate::suite::socketio;
use serde_json::{Value, json};

#[test]
fn case_01_polling_opens() {
    socketio(carrier::polling_opens);
}

#[test]
fn case_02_polling_needs_the_version() {
    socketio(carrier::polling_needs_the_version);
}

#[test]
fn case_03_polling_needs_a_transport() {
    socketio(carrier::polling_needs_a_transport);
}

#[test]
fn case_04_polling_opens_by_get_alone() {
    socketio(carrier::polling_opens_by_get_alone);
}

#[test]
fn case_05_websocket_opens() {
    socketio(carrier::websocket_opens);
}

#[test]
fn case_06_websocket_needs_the_version() {
    socketio(carrier::websocket_needs_the_version);
}

#[test]
fn case_07_websocket_needs_a_transport() {
    socketio(carrier::websocket_needs_a_transport);
}

#[test]
fn case_08_polling_is_pinged() {
    socketio(carrier::polling_is_pinged);
}

#[test]
fn case_09_silent_polling_ends() {
    socketio(carrier::silent_polling_ends);
}

#[test]
fn case_10_websocket_is_pinged() {
    socketio(carrier::websocket_is_pinged);
}

#[test]
fn case_11_silent_websocket_ends() {
    socketio(carrier::silent_websocket_ends);
}

#[test]
fn case_12_polling_closes() {
    socketio(carrier::polling_closes);
}

#[test]
fn case_13_websocket_closes() {
    socketio(carrier::websocket_closes);
}

#[test]
fn case_14_polling_upgrades() {
    socketio(|place| carrier::polling_upgrades(place, false));
}

#[test]
fn case_15_upgraded_has_no_polling() {
    socketio(carrier::upgraded_has_no_polling);
}

#[test]
fn case_16_upgraded_has_one_websocket() {
    socketio(carrier::upgraded_has_one_websocket);
}

/// The JSON of a packet that begins with `prefix` and nothing else before it.
fn json_after(prefix: &str, packet: &str) -> Value {
    let json = packet.strip_prefix(prefix);
    let json = json.unwrap_or_else(|| panic!("{packet:?} does not begin with {prefix:?}"));
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{error} in {packet:?}"))
}

/// CONNECT with `auth` to a namespace (`""` or `"/custom,"`): its answer, and `auth` handed back.
fn connect(socket: &mut Socket, namespace: &str, auth: &str) {
    socket.say(&format!("40{namespace}{auth}"));
    let answer = json_after(&format!("40{namespace}"), &socket.text());
    let sid = &answer["sid"];
    assert!(sid.as_str().is_some_and(|sid| !sid.is_empty()), "{answer}");
    assert_eq!(answer, json!({ "sid": sid }));
    let auth: Value = serde_json::from_str(if auth.is_empty() { "{}" } else { auth }).unwrap();
    let event = json_after(&format!("42{namespace}"), &socket.text());
    assert_eq!(event, json!(["auth", auth]));
}

/// A WebSocket that is connected to `/`.
fn connected(place: &Place) -> Socket {
    let mut socket = place.socket();
    connect(&mut socket, "", "");
    socket
}

#[test]
fn case_17_connect() {
    socketio(|place| connect(&mut place.socket(), "", ""));
}

#[test]
fn case_18_connect_with_a_payload() {
    socketio(|place| connect(&mut place.socket(), "", r#"{"token":"123"}"#));
}

#[test]
fn case_19_connect_to_a_namespace() {
    socketio(|place| connect(&mut place.socket(), "/custom,", ""));
}

#[test]
fn case_20_connect_to_a_namespace_with_a_payload() {
    socketio(|place| connect(&mut place.socket(), "/custom,", r#"{"token":"abc"}"#));
}

#[test]
fn case_21_no_connect_to_an_unknown_namespace() {
    socketio(|place| {
        let mut socket = place.socket();
        socket.say("40/random");
        let refusal = json_after("44/random,", &socket.text());
        assert_eq!(refusal, json!({"message": "Invalid namespace"}));
    });
}

#[test]
fn case_22_what_is_no_packet_instead_of_connect() {
    socketio(|place| {
        let mut socket = place.socket();
        socket.say("4abc");
        socket.expect_closed_after(&[]);
    });
}

/// It answers pings, so that nothing else ends it.
#[test]
fn case_23_one_who_does_not_connect_is_closed() {
    socketio(|place| {
        let mut socket = place.socket();
        let mut rounds = 0;
        while let crate::peer::Heard::Text(packet) = socket.hear() {
            assert_eq!(packet, "2");
            socket.try_say("3");
            rounds += 1;
        }
        assert!((1..=4).contains(&rounds), "closed after {rounds} pings");
    });
}

#[test]
fn case_24_disconnect_leaves_the_connection() {
    socketio(|place| {
        let mut socket = connected(place);
        socket.say("41");
        assert_eq!(socket.text(), "2");
    });
}

#[test]
fn case_25_disconnect_of_one_namespace_leaves_the_other() {
    socketio(|place| {
        let mut socket = connected(place);
        assert_eq!(socket.text(), "2");
        socket.say("3");
        connect(&mut socket, "/custom,", "");
        socket.say("41/custom");
        socket.say(r#"42["message","message to main namespace"]"#);
        let back = json_after("42", &socket.text());
        assert_eq!(back, json!(["message-back", "message to main namespace"]));
    });
}

#[test]
fn case_26_a_message_comes_back() {
    socketio(|place| {
        let mut socket = connected(place);
        socket.say(r#"42["message",1,"2",{"3":[true]}]"#);
        let back = json_after("42", &socket.text());
        assert_eq!(back, json!(["message-back", 1, "2", {"3": [true]}]));
    });
}

fn placeholder(number: u8) -> Value {
    json!({"_placeholder": true, "num": number})
}

const ATTACHMENTS: [&[u8]; 2] = [&[1, 2, 3], &[4, 5, 6]];

fn say_with_attachments(socket: &mut Socket, prefix: &str, event: &str) {
    let array = json!([event, placeholder(0), placeholder(1)]);
    socket.say(&format!("{prefix}{array}"));
    for bytes in ATTACHMENTS {
        socket.say_binary(bytes);
    }
}

#[test]
fn case_27_a_message_with_binary_comes_back() {
    socketio(|place| {
        let mut socket = connected(place);
        say_with_attachments(&mut socket, "452-", "message");
        let back = json_after("452-", &socket.text());
        let expected = json!(["message-back", placeholder(0), placeholder(1)]);
        assert_eq!(back, expected);
        assert_eq!([socket.binary(), socket.binary()], ATTACHMENTS);
    });
}

#[test]
fn case_28_a_message_is_acknowledged() {
    socketio(|place| {
        let mut socket = connected(place);
        socket.say(r#"42456["message-with-ack",1,"2",{"3":[false]}]"#);
        let acknowledged = json_after("43456", &socket.text());
        assert_eq!(acknowledged, json!([1, "2", {"3": [false]}]));
    });
}

#[test]
fn case_29_a_message_with_binary_is_acknowledged() {
    socketio(|place| {
        let mut socket = connected(place);
        say_with_attachments(&mut socket, "452-789", "message-with-ack");
        let acknowledged = json_after("462-789", &socket.text());
        assert_eq!(acknowledged, json!([placeholder(0), placeholder(1)]));
        assert_eq!([socket.binary(), socket.binary()], ATTACHMENTS);
    });
}

#[test]
fn case_30_what_is_no_packet() {
    closed_by("4abc");
}

#[test]
fn case_31_an_event_that_is_no_array() {
    closed_by("42{}");
}

#[test]
fn case_32_an_acknowledgement_s_number_that_is_none() {
    closed_by(r#"42abc["message-with-ack",1,"2",{"3":[false]}]"#);
}

fn closed_by(packet: &str) {
    socketio(|place| {
        let mut socket = connected(place);
        socket.say(packet);
        socket.expect_closed_after(&[]);
    });
}

/// A case that somebody drops is missed.
#[test]
fn all_cases_are_here() {
    for (source, count) in [
        (include_str!("engineio.rs"), 25),
        (include_str!("socketio.rs"), 32),
    ] {
        let cases = source.split("#[test]\nfn case_").skip(1);
        let numbers: Vec<u8> = cases.map(|case| case[..2].parse().unwrap()).collect();
        assert_eq!(numbers, (1..=count).collect::<Vec<u8>>());
    }
}
