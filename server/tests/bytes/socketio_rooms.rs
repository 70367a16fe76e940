//! The rooms over Socket.IO: who is let in, what join, leave and publish answer, what is refused, binary data
//! on both sides of it, and what a client finds again that was cut.

use crate::harness::{Client, Server};
use crate::session::{CLEARED, sign_in};
use crate::socketio::{connect, open, read, wait_for_sessions};
use crate::websocket::{self, BINARY};
use serde_json::{Value, json};
use std::time::Duration;

/// Packets are read until one begins so; those before are given too.
fn read_to(client: &mut Client, start: &str) -> (Vec<String>, String) {
    let mut before = Vec::new();
    loop {
        let packet = read(client);
        if packet.starts_with(start) {
            return (before, packet);
        }
        before.push(packet);
    }
}

/// Emits an event and gives what it is acknowledged with.
fn ask(client: &mut Client, name: &str, argument: &Value) -> Value {
    websocket::send_text(client, &format!(r#"427["{name}",{argument}]"#));
    let (_, packet) = read_to(client, "437[");
    let mut said: Vec<Value> = serde_json::from_str(&packet["437".len()..]).unwrap();
    assert_eq!(said.len(), 1);
    said.remove(0)
}

fn join(client: &mut Client, room: &str) -> String {
    let said = ask(client, "join", &json!({ "room": room }));
    said["cursor"].as_str().unwrap().to_owned()
}

/// The arguments of an event.
fn event(packet: &str) -> Value {
    let said: Value = serde_json::from_str(packet.strip_prefix("42").unwrap()).unwrap();
    assert_eq!(said[0], "event", "{packet}");
    said
}

/// What CONNECT is answered, over a session of its own.
fn connected(server: &Server, said: &Value) -> (Client, Value) {
    let mut client = open(server, "/socket.io/");
    websocket::send_text(&mut client, &format!("40{said}"));
    let packet = read(&mut client);
    let said = serde_json::from_str(packet.strip_prefix("40").unwrap()).unwrap();
    (client, said)
}

fn token(server: &Server, name: &str) -> String {
    let body = json!({"name": name, "token": true}).to_string();
    let answer = server.connect().post_to("/session", "", &body);
    answer.json()["token"].as_str().unwrap().to_owned()
}

#[test]
fn a_token_or_the_cookie_of_the_handshake_says_who_it_is() {
    let server = Server::start(&["--anonymous", "off"]);
    let own = token(&server, "瑶");
    let (mut named, _) = connected(&server, &json!({ "token": own }));
    join(&mut named, "KPL");
    let (_, list) = read_to(&mut named, r#"42["event",{"type":"list""#);
    assert_eq!(event(&list)[1]["data"][0]["name"], "瑶");
    let (_, joined) = read_to(&mut named, "42");
    let joined = event(&joined);
    assert_eq!(
        (&joined[1]["type"], &joined[2]),
        (&json!("join"), &json!("KPL"))
    );

    let mut client = by_cookie(&server, "云");
    websocket::send_text(&mut client, "40");
    assert!(read(&mut client).starts_with(r#"40{"sid":"#));
    let order = json!({"room": "KPL", "type": "chat", "data": 1});
    ask(&mut client, "publish", &order);
    let (_, told) = read_to(&mut named, "42");
    assert_eq!(event(&told)[1]["user"]["name"], "云");
}

/// A session whose handshake bears the cookie.
fn by_cookie(server: &Server, name: &str) -> Client {
    let cookie = sign_in(server, name).cookie;
    let mut client = server.connect();
    let path = "/socket.io/?EIO=4&transport=websocket";
    websocket::ask(&mut client, path, &cookie);
    assert_eq!(client.head().status, 101);
    assert!(read(&mut client).starts_with("0{"));
    client
}

#[test]
fn who_is_nobody_we_know_is_told_so_and_may_try_again() {
    let server = Server::start(&["--anonymous", "off"]);
    let mut client = open(&server, "/socket.io/");
    for said in ["", r#"{"token":"1.x.y"}"#, r#"{"token":7}"#] {
        websocket::send_text(&mut client, &format!("40{said}"));
        let answer = read(&mut client);
        let answer: Value = serde_json::from_str(answer.strip_prefix("44").unwrap()).unwrap();
        assert_eq!(answer["message"], "Invalid user", "{said}");
        assert_eq!(answer["data"]["status"], 401);
    }
    let said = json!({"token": token(&server, "瑶")});
    websocket::send_text(&mut client, &format!("40{said}"));
    assert!(read(&mut client).starts_with(r#"40{"sid":"#));
}

/// Else its browser would bear it for ever, and be nobody. One that is let in keeps his.
#[test]
fn a_cookie_that_is_none_is_taken_away_with_the_handshake() {
    let server = Server::start(&[]);
    let bad = "Cookie: pushlab_session=1.x.y\r\n";
    let token = format!("{bad}Authorization: Bearer 1.x.y\r\n");
    let good = sign_in(&server, "瑶").cookie;
    for (headers, is_taken) in [(bad, true), (&token, false), (&good, false), ("", false)] {
        for transport in ["polling", "websocket"] {
            let mut client = server.connect();
            let path = format!("/socket.io/?EIO=4&transport={transport}");
            let head = match transport {
                "polling" => client.get(&path, headers),
                _ => {
                    websocket::ask(&mut client, &path, headers);
                    client.head()
                }
            };
            assert!(matches!(head.status, 101 | 200));
            let cookie = head.header("set-cookie");
            assert_eq!(cookie.is_some(), is_taken, "{headers} {transport}");
            assert!(cookie.is_none_or(|cookie| cookie == CLEARED));
        }
    }
}

#[test]
fn there_is_one_namespace_and_one_may_leave_it_and_come_again() {
    let server = Server::start(&[]);
    let mut client = open(&server, "/socket.io/");
    websocket::send_text(&mut client, "40/峡谷,");
    assert_eq!(
        read(&mut client),
        r#"44/峡谷,{"message":"Invalid namespace"}"#
    );
    websocket::send_text(&mut client, "40");
    read_to(&mut client, "40{");
    join(&mut client, "KPL");
    websocket::send_text(&mut client, "41");
    websocket::send_text(&mut client, "40");
    read_to(&mut client, "40{");
    // It is in no room any more: what comes next is the answer, and not the event.
    server.publish_numbers("KPL", 1);
    websocket::send_text(&mut client, r#"421["leave",{"room":"KPL"}]"#);
    assert_eq!(read(&mut client), "431[{}]");
}

#[test]
fn what_no_guest_says_ends_the_session() {
    let server = Server::start(&[]);
    for said in [r#"42["join",{"room":"KPL"}]"#, "41", "430[]", "4x", "44{}"] {
        let mut client = open(&server, "/socket.io/");
        websocket::send_text(&mut client, said);
        websocket::expect_close(&mut client, 1002);
    }
    for said in [
        "40",
        "42[]",
        r#"42["connect"]"#,
        r#"42/x,["a"]"#,
        "44{}",
        "4511-[]",
    ] {
        let mut client = connect(&server);
        websocket::send_text(&mut client, said);
        websocket::expect_close(&mut client, 1002);
    }
    wait_for_sessions(&server, 0);
}

#[test]
fn what_is_refused_is_acknowledged_with_the_reason_and_the_connection_lives() {
    let server = Server::start(&["--max-event-bytes", "1000", "--max-rooms", "2"]);
    let mut client = connect(&server);
    let long = "x".repeat(64);
    let publish = |data: Value| json!({"room": "KPL", "type": "chat", "data": data});
    for (name, argument, status) in [
        ("join", json!({}), 400),
        ("join", json!("KPL"), 400),
        ("join", json!({"room": ""}), 400),
        ("join", json!({"room": format!("{long}x")}), 400),
        ("join", json!({"room": "a\u{0}b"}), 400),
        ("join", json!({"room": "KPL", "cursor": "瑶"}), 400),
        ("join", json!({"room": "KPL", "cursor": "5"}), 400),
        ("publish", json!({"room": "KPL", "type": "chat"}), 400),
        (
            "publish",
            json!({"room": "KPL", "type": "gap", "data": 1}),
            400,
        ),
        ("publish", publish(json!("x".repeat(1_000))), 413),
        ("say", json!(1), 400),
    ] {
        let said = ask(&mut client, name, &argument);
        assert_eq!(said["type"], "error", "{name} {argument}");
        assert_eq!(said["status"], status, "{name} {argument}");
        assert!(said["detail"].as_str().unwrap().len() > 10);
    }
    // What was refused has made no room.
    assert_eq!(server.usage()["rooms"], 0);
    join(&mut client, &long);
    join(&mut client, "峡谷");
    let said = ask(&mut client, "join", &json!({"room": "one too many"}));
    assert_eq!(
        (&said["status"], &said["retry_after"]),
        (&json!(503), &json!(30))
    );
    // Without an acknowledgement it is an event, with no cursor that a client would remember.
    websocket::send_text(
        &mut client,
        r#"42["publish",{"room":"峡谷","type":"","data":1}]"#,
    );
    let said = read(&mut client);
    let said = event(&said);
    assert_eq!(said.as_array().unwrap().len(), 2);
    assert_eq!(
        (&said[1]["type"], &said[1]["room"]),
        (&json!("error"), &json!("峡谷"))
    );
    let said = ask(
        &mut client,
        "publish",
        &json!({"room": "峡谷", "type": "chat", "data": "瑶"}),
    );
    assert_eq!(said["offset"], 1);
}

#[test]
fn a_join_begins_at_its_cursor_and_says_what_is_missing() {
    let server = Server::start(&["--history", "5"]);
    server.publish_numbers("KPL", 10);
    let head = server.head_cursor("KPL");
    let epoch = head.split('-').next().unwrap();
    let mut client = connect(&server);
    for (cursor, begins, missed) in [("0", 5, json!(0)), ("8", 8, json!(0)), ("2", 5, json!(3))] {
        let cursor = match cursor {
            "0" => "0".to_owned(),
            offset => format!("{epoch}-{offset}"),
        };
        let said = ask(
            &mut client,
            "join",
            &json!({"room": "KPL", "cursor": cursor}),
        );
        assert_eq!(said["cursor"], format!("{epoch}-{begins}"));
        assert_eq!(said["missed"], missed);
        for id in begins + 1..=10 {
            let (_, packet) = read_to(&mut client, "42");
            assert_eq!(event(&packet)[1]["id"], id);
        }
        // It is in the room: once more changes nothing, and nothing is told twice.
        let again = ask(
            &mut client,
            "join",
            &json!({"room": "KPL", "cursor": format!("{epoch}-9")}),
        );
        assert_eq!(again, json!({"cursor": format!("{epoch}-9"), "missed": 0}));
        ask(&mut client, "leave", &json!({"room": "KPL"}));
    }
    let said = ask(
        &mut client,
        "join",
        &json!({"room": "KPL", "cursor": "other-1"}),
    );
    assert_eq!(said["missed"], Value::Null);
}

#[test]
fn a_connection_is_in_so_many_rooms_and_no_more() {
    let server = Server::start(&[]);
    let mut client = connect(&server);
    for number in 0..128 {
        join(&mut client, &number.to_string());
    }
    let said = ask(&mut client, "join", &json!({"room": "one more"}));
    assert_eq!(said["status"], 429);
    // Again is not more.
    join(&mut client, "7");
    ask(&mut client, "leave", &json!({"room": "7"}));
    join(&mut client, "one more");
}

/// Also one that asks for no acknowledgement, and so is told of nothing but by the end.
#[test]
fn who_goes_on_too_fast_loses_the_connection() {
    let server = Server::start(&["--limit-loopback", "--max-publishes-per-second", "1"]);
    let mut client = connect(&server);
    let order = r#"42["publish",{"room":"KPL","type":"chat","data":1}]"#;
    for _ in 0..110 {
        client.try_send(websocket::masked(0x81, order.as_bytes()));
    }
    let (mut told, mut closed) = (0, false);
    while !closed {
        let frame = websocket::read(&mut client);
        closed = frame.first == 0x88;
        if !closed && frame.text().contains(r#""status":429"#) {
            assert!(frame.text().contains(r#""retry_after""#));
            told += 1;
        }
    }
    assert!(told > 0);
    wait_for_sessions(&server, 0);
    let free = Server::start(&[]);
    let mut client = connect(&free);
    let order = r#"42["leave",{"room":"KPL"}]"#;
    for _ in 0..2_000 {
        client.try_send(websocket::masked(0x81, order.as_bytes()));
    }
    while websocket::read(&mut client).first != 0x88 {}
    wait_for_sessions(&free, 0);
}

/// What is told of it is no longer than a name.
#[test]
fn a_namespace_may_be_long_and_not_longer() {
    let server = Server::start(&[]);
    let mut client = connect(&server);
    let asked = |length| format!("40/{},", "x".repeat(length));
    websocket::send_text(&mut client, &asked(1_023));
    assert!(read(&mut client).starts_with("44/x"));
    websocket::send_text(&mut client, &asked(1_024));
    assert_eq!(websocket::read(&mut client).first, 0x88);
    wait_for_sessions(&server, 0);
}

#[test]
fn a_key_publishes_once() {
    let server = Server::start(&[]);
    let mut client = connect(&server);
    let order = json!({"room": "KPL", "type": "chat", "data": 1, "key": "k"});
    let first = ask(&mut client, "publish", &order);
    assert_eq!(ask(&mut client, "publish", &order), first);
    assert_eq!(server.usage()["published"], 1);
}

#[test]
fn binary_data_is_base64_everywhere_else() {
    let server = Server::start(&[]);
    let mut plain = websocket::open(&server, "/rooms/KPL/ws");
    let (mut client, mut other) = (connect(&server), connect(&server));
    join(&mut other, "KPL");
    let text = r#"452-3["publish",{"room":"KPL","type":"皮肤","data":[{"_placeholder":true,"num":1},{"_placeholder":true,"num":0},2.50]}]"#;
    websocket::send_text(&mut client, text);
    client.send(websocket::masked(0x80 | BINARY, &[1, 2, 3]));
    client.send(websocket::masked(0x80 | BINARY, &[0xff]));
    let (_, answer) = read_to(&mut client, "433[");
    assert!(answer.contains(r#""offset":1"#), "{answer}");
    let data = r#"[{"$binary":"/w=="},{"$binary":"AQID"},2.5]"#;
    let told = format!(r#"{{"id":1,"type":"皮肤","data":{data}}}"#);
    assert_eq!(websocket::read(&mut plain).text(), told);
    let packet = read(&mut other);
    let placed = r#"[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1},2.5]"#;
    assert!(
        packet.starts_with("452-[") && packet.contains(placed),
        "{packet}"
    );
    for data in [&[0xff][..], &[1, 2, 3]] {
        let frame = websocket::read(&mut other);
        assert_eq!((frame.first, &*frame.payload), (0x80 | BINARY, data));
    }
    // Each attachment has its place: none is sent twice, and none is left over.
    for data in ["1", r#"[{"_placeholder":true,"num":1}]"#] {
        let text = format!(r#"451-4["publish",{{"room":"KPL","type":"x","data":{data}}}]"#);
        websocket::send_text(&mut client, &text);
        client.send(websocket::masked(0x80 | BINARY, &[1]));
        let (_, answer) = read_to(&mut client, "434[");
        assert!(answer.contains(r#""status":400"#), "{answer}");
    }
}

#[test]
fn on_a_bare_server_an_event_is_its_data() {
    let server = Server::start(&["--bare"]);
    let (mut client, said) = connected(&server, &json!({}));
    assert_eq!(said.as_object().unwrap().len(), 1, "{said}");
    let said = ask(&mut client, "join", &json!({"room": "KPL", "cursor": "0"}));
    assert_eq!(said["missed"], 0);
    server.publish("KPL", r#"{"type":"chat","data":"瑶"}"#);
    assert_eq!(read(&mut client), r#"42["event","瑶"]"#);
}

/// Comes again after a cut, as the client of Socket.IO does.
fn again(server: &Server, pid: &Value, offset: Option<&str>) -> (Client, Value) {
    connected(server, &json!({"pid": pid, "offset": offset}))
}

#[test]
fn one_who_was_cut_reads_on_where_he_was() {
    let server = Server::start(&[]);
    let (mut client, first) = connected(&server, &json!({}));
    join(&mut client, "峡谷");
    join(&mut client, "KPL");
    server.publish_numbers("KPL", 3);
    let mut offset = String::new();
    for id in 1..=2 {
        let (_, packet) = read_to(&mut client, "42");
        assert_eq!(event(&packet)[1]["id"], id);
        offset = event(&packet)[3].as_str().unwrap().to_owned();
    }
    client.reset();
    wait_for_sessions(&server, 0);
    server.publish_numbers("KPL", 1);
    server.publish("%E5%B3%A1%E8%B0%B7", r#"{"type":"chat","data":"瑶"}"#);
    let (mut client, second) = again(&server, &first["pid"], Some(&offset));
    assert_eq!(second, first);
    let mut told: Vec<(Value, Value)> = (0..3)
        .map(|_| {
            let (_, packet) = read_to(&mut client, "42");
            let said = event(&packet);
            (said[2].clone(), said[1]["id"].clone())
        })
        .collect();
    told.sort_by_key(|(room, id)| (room.to_string(), id.as_u64()));
    let expected = [("KPL", 3), ("KPL", 4), ("峡谷", 1)];
    assert_eq!(told, expected.map(|(room, id)| (json!(room), json!(id))));
    // Cut again before anything new: as before, and it is there once.
    client.reset();
    wait_for_sessions(&server, 0);
    let (mut third, said) = again(&server, &first["pid"], Some(&offset));
    assert_eq!(said, first);
    // It comes again before that connection is known to be lost: there is one of it.
    let (_fourth, said) = again(&server, &first["pid"], Some(&offset));
    assert_eq!(said, first);
    third.read_to_end();
    wait_for_sessions(&server, 1);
}

#[test]
fn one_who_has_said_goodbye_finds_nothing_again() {
    let server = Server::start(&[]);
    // With `1` a client closes what broke under it, too: that alone says no goodbye.
    for (goodbye, is_kept) in [("41", false), ("1", true)] {
        let (mut client, first) = connected(&server, &json!({}));
        let cursor = join(&mut client, "KPL");
        websocket::send_text(&mut client, goodbye);
        client.finish();
        wait_for_sessions(&server, 0);
        let (client, second) = again(&server, &first["pid"], Some(&cursor));
        assert_eq!(second["pid"] == first["pid"], is_kept, "{goodbye}");
        client.reset();
        wait_for_sessions(&server, 0);
    }
}

#[test]
fn what_one_user_was_in_another_does_not_find() {
    let server = Server::start(&[]);
    let own = token(&server, "瑶");
    let (mut client, first) = connected(&server, &json!({ "token": own }));
    let cursor = join(&mut client, "KPL");
    // Nor does another end what lives, or use up what waits.
    let (_other, second) = again(&server, &first["pid"], Some(&cursor));
    assert_ne!(second["pid"], first["pid"]);
    assert_eq!(
        ask(&mut client, "leave", &json!({"room": "峡谷"})),
        json!({})
    );
    client.reset();
    wait_for_sessions(&server, 1);
    let (_other, third) = again(&server, &first["pid"], Some(&cursor));
    assert_ne!(third["pid"], first["pid"]);
    let own = json!({"token": own, "pid": first["pid"], "offset": cursor});
    let (_client, fourth) = connected(&server, &own);
    assert_eq!(fourth, first);
}

#[test]
fn nothing_is_kept_where_recovery_is_off_or_its_time_over() {
    let off = Server::start(&["--sio-recovery", "0"]);
    let (_, said) = connected(&off, &json!({}));
    assert_eq!(said.get("pid"), None);
    let short = Server::start(&["--sio-recovery", "100ms"]);
    let (mut client, first) = connected(&short, &json!({}));
    let cursor = join(&mut client, "KPL");
    client.reset();
    wait_for_sessions(&short, 0);
    std::thread::sleep(Duration::from_millis(150));
    let (_client, second) = again(&short, &first["pid"], Some(&cursor));
    assert_ne!(second["pid"], first["pid"]);
}
