//! What a client of Socket.IO hears of its rooms: byte by byte what every other transport tells, in the order
//! of each room, without its own where it says so, and on whichever carrier it is at the moment.

use crate::harness::{Client, LIMIT, Server};
use crate::socketio::{Polled, connect, read, wait_for_sessions};
use crate::websocket;

/// What `read` gives until something begins with this, with that.
fn read_to(client: &mut Client, start: &str) -> String {
    loop {
        let packet = read(client);
        if packet.starts_with(start) {
            return packet;
        }
    }
}

fn join(client: &mut Client, room: &str) -> String {
    websocket::send_text(client, &format!(r#"420["join",{{"room":"{room}"}}]"#));
    read_to(client, "430").split('"').nth(3).unwrap().to_owned()
}

#[test]
fn an_event_is_the_object_of_every_transport_with_its_room_and_cursor() {
    let server = Server::start(&["--socketio-client", "/dev/null"]);
    let mut socket = connect(&server);
    let cursor = join(&mut socket, "峡谷");
    let first = server.publish(
        "%E5%B3%A1%E8%B0%B7",
        r#"{"type":"chat","data":{"a":[1, 2.50]}}"#,
    );
    let expected = |id: u64, data: &str, cursor: &str| {
        format!(r#"42["event",{{"id":{id},"type":"chat","data":{data}}},"峡谷","{cursor}"]"#)
    };
    let told = expected(1, r#"{"a":[1,2.50]}"#, &first);
    assert_eq!(read(&mut socket), told);
    // The short way is open now.
    let second = server.publish("%E5%B3%A1%E8%B0%B7", r#"{"type":"chat","data":2}"#);
    assert_eq!(read(&mut socket), expected(2, "2", &second));
    let mut polled = Polled::open(&server, "/socket.io/");
    polled.say(&server, "40");
    assert!(polled.get().text().starts_with(r#"40{"sid":""#));
    let order = format!(r#"421["join",{{"room":"峡谷","cursor":"{cursor}"}}]"#);
    polled.say(&server, &order);
    assert_eq!(
        polled.get().text(),
        format!(
            "431[{{\"cursor\":\"{cursor}\",\"missed\":0}}]\u{1e}{told}\u{1e}{}",
            expected(2, "2", &second)
        )
    );
    polled.ask();
    let third = server.publish("%E5%B3%A1%E8%B0%B7", r#"{"type":"chat","data":"瑶"}"#);
    assert_eq!(
        polled.client.answer().text(),
        expected(3, r#""瑶""#, &third)
    );
    assert_eq!(server.figure("socketio", "deliveries"), 6);
}

#[test]
fn who_publishes_without_echo_is_spared_his_own_and_nothing_else() {
    let server = Server::start(&[]);
    let mut socket = connect(&server);
    join(&mut socket, "KPL");
    let mut other = connect(&server);
    join(&mut other, "KPL");
    let publish = |client: &mut Client, data: u64, echo: bool| {
        let order =
            format!(r#"429["publish",{{"room":"KPL","type":"n","data":{data},"echo":{echo}}}]"#);
        websocket::send_text(client, &order);
    };
    let mut told = Vec::new();
    for round in 0..50 {
        server.publish("KPL", &format!(r#"{{"type":"n","data":{}}}"#, 3 * round));
        publish(&mut socket, 3 * round + 1, false);
        publish(&mut socket, 3 * round + 2, true);
    }
    while told.len() < 100 {
        let packet = read(&mut socket);
        if packet.starts_with("42") {
            told.push(number(&packet));
        }
    }
    let mut expected: Vec<u64> = (0..150).filter(|n| n % 3 != 1).collect();
    // Those of the other publisher came when they came.
    told.sort_unstable();
    expected.sort_unstable();
    assert_eq!(told, expected);
    let heard: Vec<u64> = (0..150).map(|_| number(&read(&mut other))).collect();
    assert_eq!(heard.len(), 150);
    assert!((0..150).all(|n| heard.contains(&n)));
}

/// The data of an event, which is a number.
fn number(packet: &str) -> u64 {
    let data = packet.split(r#""data":"#).nth(1).unwrap();
    data.split('}').next().unwrap().parse().unwrap()
}

#[test]
fn many_rooms_are_heard_each_in_its_order_and_one_that_is_left_is_not() {
    let server = Server::start(&["--workers", "2"]);
    let mut socket = connect(&server);
    let rooms = ["a", "b", "c"];
    for room in rooms {
        join(&mut socket, room);
    }
    for number in 1..=20 {
        for room in rooms {
            server.publish(room, &format!(r#"{{"type":"n","data":{number}}}"#));
        }
    }
    let mut told = vec![Vec::new(); 3];
    for _ in 0..60 {
        let packet = read(&mut socket);
        let room = rooms
            .iter()
            .position(|room| packet.contains(&format!("}},\"{room}\",\"")));
        told[room.unwrap()].push(number(&packet));
    }
    for room in told {
        assert_eq!(room, (1..=20).collect::<Vec<_>>());
    }
    websocket::send_text(&mut socket, r#"422["leave",{"room":"b"}]"#);
    assert_eq!(read_to(&mut socket, "43"), "432[{}]");
    server.publish("b", r#"{"type":"n","data":1}"#);
    server.publish("c", r#"{"type":"n","data":2}"#);
    assert!(read(&mut socket).contains(r#"},"c",""#));
    drop(socket);
    wait_for_sessions(&server, 0);
    server.wait_for_figure("socketio", "open", 0, LIMIT);
}

#[test]
fn events_go_on_where_they_were_while_the_carrier_changes() {
    let server = Server::start(&["--workers", "2"]);
    let mut polled = Polled::open(&server, "/socket.io/");
    polled.say(&server, "40\u{1e}420[\"join\",{\"room\":\"KPL\"}]");
    let mut told: Vec<u64> = Vec::new();
    let mut hear = |text: &str| {
        let events = text
            .split('\u{1e}')
            .filter(|packet| packet.starts_with("42"));
        told.extend(events.map(number));
    };
    hear(polled.get().text());
    let mut publish = 0..;
    let mut publish = || {
        let data = publish.next().unwrap();
        server.publish("KPL", &format!(r#"{{"type":"n","data":{data}}}"#));
    };
    publish();
    hear(polled.get().text());
    let mut socket = polled.upgrade(&server);
    assert_eq!(socket.head().status, 101);
    publish();
    websocket::send_text(&mut socket, "2probe");
    assert_eq!(read(&mut socket), "3probe");
    publish();
    hear(polled.get().text());
    publish();
    websocket::send_text(&mut socket, "5");
    publish();
    for _ in 0..2 {
        hear(&read(&mut socket));
    }
    publish();
    hear(&read(&mut socket));
    assert_eq!(told, [0, 1, 2, 3, 4, 5]);
}
