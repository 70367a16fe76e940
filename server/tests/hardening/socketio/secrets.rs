//! Who knows a sid speaks for its session, and who knows a pid gets what its client missed: at its most
//! talkative the server says neither, nor the token that came in a CONNECT.

use super::*;
use crate::peer::{POLLING, WEBSOCKET, sid};
use crate::secrets::{Talker, signature};
use serde_json::json;
use std::fs;

/// All that a client does with a session, well and badly; gives what nobody else may know.
fn use_it(place: Place, connect: &str) -> Vec<String> {
    let mut secrets = Vec::new();
    let mut learn = |packet: &str| {
        let start = packet
            .find("0{")
            .expect("an open packet or a CONNECT's answer");
        let said: Value = serde_json::Deserializer::from_str(&packet[start + 1..])
            .into_iter()
            .next()
            .unwrap()
            .unwrap();
        let ids = [&said["sid"], &said["pid"]].into_iter();
        secrets.extend(ids.filter_map(|id| Some(id.as_str()?.to_owned())));
    };
    let session = place.poll();
    let own = session.sid.clone();
    session.give(connect);
    learn(&session.take());
    session.give(r#"420["join",{"room":"KPL"}]"#);
    session.take();
    session.give(r#"421["publish",{"room":"KPL","type":"n","data":1}]"#);
    session.take();
    let mut socket = session.upgraded();
    socket.say(r#"422["publish",{"room":"KPL","type":"n","data":2}]"#);
    socket.text_but_pings();
    // What is refused: polls of an upgraded session, a packet that is none, the end of the connection.
    session.get();
    session.post("4a");
    socket.say("7");
    socket.expect_closed();
    session.get();
    place.get(&format!("{POLLING}&sid={own}x"));
    place.get(&format!("{WEBSOCKET}&sid={own}"));
    let _ = place.upgrade(&format!("{WEBSOCKET}&sid={own}"));
    let mut socket = place.fresh();
    learn(&socket.text());
    socket.say(connect);
    learn(&socket.text());
    socket.client.reset();
    // One that breaks off, with the sid in a head that is none.
    let mut broken = Client::connect(place.address);
    broken.send(format!(
        "GET /socket.io/?{POLLING}&sid={own} HTTP/1.1\r\nHo st: x\r\n\r\n"
    ));
    broken.read_to_end_or_reset();
    let both = [place.poll(), place.poll()];
    for session in &both {
        session.post("47");
    }
    secrets.push(own);
    secrets.extend(both.map(|session| session.sid));
    // What was asked for again with what is secret.
    if let Some(pid) = secrets.get(1).cloned() {
        let mut socket = place.fresh();
        secrets.push(sid(&socket.text()));
        socket.say(&format!("40{}", json!({"pid": pid, "offset": "no cursor"})));
        socket.try_say("1");
        socket.expect_closed();
    }
    secrets
}

#[test]
fn no_session_is_told_of_at_any_level() {
    let folder = tempfile::tempdir().unwrap();
    let talker = Talker::start(folder.path());
    let body = json!({"name": "瑶", "token": true}).to_string();
    let made = Client::connect(talker.address).post_to("/session", "", &body);
    let token = made.json()["token"].as_str().unwrap().to_owned();
    let place = Place {
        address: talker.address,
        path: SOCKETIO,
    };
    let mut secrets = vec![signature(&token)];
    let good = json!({"token": token}).to_string();
    secrets.extend(use_it(place, &format!("40{good}")));
    // A bad one is refused; of it only a part is secret.
    let mut socket = place.socket();
    socket.say(&format!("40{}", json!({"token": format!("x{token}")})));
    let refusal = socket.text();
    assert!(refusal.starts_with("44{"), "{refusal}");
    assert!(!refusal.contains(&signature(&token)), "{refusal}");
    drop(talker);
    let said = ["stdout", "stderr"].map(|name| fs::read(folder.path().join(name)).unwrap());
    let said = String::from_utf8_lossy(&said.concat()).into_owned();
    assert!(
        said.contains("TRACE"),
        "it was not at its most talkative: {said}"
    );
    assert!(secrets.len() > 6, "{secrets:?}");
    for secret in secrets {
        let line = said.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "a secret is in what was said");
    }
}
