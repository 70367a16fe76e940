//! Members who join, leave, flap and crash at random over all transports, against a real server and a
//! model: each user's `join` and `left` in the room's log must be those of the model, one for one.
//!
//! No sleep decides: who comes back within the grace by this side's clock, taken from before the end to
//! after the return, cannot have left; where the machine was too slow for that, the log says what he did.
//! `PUSHLAB_PRESENCE_STAYS` sets how often each user joins and leaves.

use crate::harness::{Client, LIMIT, Server};
use crate::subscribe::{request, until};
use pushlab_server::wire::transport::Transport;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

const GRACE: Duration = Duration::from_millis(800);
const FLAGS: [&str; 6] = [
    "--member-grace",
    "0.8",
    "--poll-grace",
    "0.8",
    "--workers",
    "2",
];
const ROOMS: [&str; 2] = ["KPL", "%E5%B3%A1%E8%B0%B7"];
const USERS: usize = 14;

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// Gives the header line that bears the cookie, and the id.
fn sign_in(server: &Server, name: &str) -> (String, String) {
    let body = json!({ "name": name }).to_string();
    let answer = server.connect().post_to("/session", "", &body);
    let cookie = answer.header("set-cookie").unwrap();
    let line = format!("Cookie: {}\r\n", cookie.split(';').next().unwrap());
    (line, answer.json()["id"].as_str().unwrap().to_owned())
}

/// `join` and `left` of one user, in the order of the room's log.
fn own_log(server: &Server, room: &str, id: &str) -> Vec<String> {
    let answer = server.get(&format!("/rooms/{room}/poll?cursor=0"));
    if answer.status == 204 {
        return Vec::new();
    }
    let answer = answer.json();
    assert_eq!(answer.get("more"), None, "the log is one batch");
    (answer["events"].as_array().unwrap().iter())
        .filter(|event| event["user"]["id"] == id)
        .map(|event| event["type"].as_str().unwrap().to_owned())
        .collect()
}

/// One user and what he must have done by now.
struct Life<'a> {
    server: &'a Server,
    room: &'static str,
    cookie: String,
    id: String,
    random: Xoshiro256PlusPlus,
    /// Streams that are open: those keep him a member for certain.
    tabs: Vec<Client>,
    /// Half-closed and forgotten, as a phone in a tunnel does.
    forgotten: Vec<Client>,
    /// Since when he may be away.
    away_since: Option<Instant>,
    pairs: usize,
}

impl Life<'_> {
    fn pick(&mut self, most: usize) -> usize {
        self.random.random_range(0..most)
    }

    fn ask(&mut self, transport: Transport) -> Client {
        // A long poll with this cursor is held until something happens.
        let cursor =
            (transport == Transport::LongPolling).then(|| self.server.head_cursor(self.room));
        let request = request(transport, self.room, cursor.as_deref());
        let host = "Host: test\r\n";
        let mut client = self.server.connect();
        client.send(request.replacen(host, &format!("{host}{}", self.cookie), 1));
        client
    }

    /// One more subscription, of whatever transport.
    fn enter(&mut self) {
        let transport = Transport::in_rooms().nth(self.pick(5)).unwrap();
        // No other long poll comes between the two looks at their number.
        let one_at_a_time = (transport == Transport::LongPolling)
            .then(|| ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner));
        let polls_before = self.server.figure("long-polling", "requests");
        let asked = Instant::now();
        let mut client = self.ask(transport);
        match transport {
            Transport::HttpStreaming | Transport::Sse | Transport::Websocket => {
                assert!(matches!(client.head().status, 101 | 200));
                // Hello and list: the subscription is there.
                let greeting = client.read_until(br#""type":"list","data":["#);
                let text = String::from_utf8_lossy(&greeting).into_owned();
                assert!(text.contains(r#""type":"hello""#), "{text}");
                client.read_until(self.id.as_bytes());
                self.came_back();
                self.tabs.push(client);
            }
            Transport::IntervalPolling => {
                assert!(matches!(client.answer().status, 200 | 204));
                self.came_back();
                self.may_be_away_since(asked);
            }
            Transport::LongPolling => {
                // Held or answered, nobody knows: the server has seen it, and no more is needed.
                let seen = || self.server.figure("long-polling", "requests");
                until("a poll is seen", LIMIT, || seen() > polls_before);
                drop(one_at_a_time);
                self.came_back();
                self.may_be_away_since(asked);
                self.crash(client);
            }
            Transport::Socketio => unreachable!("its connections are no requests in a room"),
        }
    }

    /// He is there. If he was away for so long that he may have left, the log tells whether he did.
    fn came_back(&mut self) {
        let away = self.away_since.take().map(|since| since.elapsed());
        if away.is_some_and(|away| away >= GRACE) {
            self.pairs = own_log(self.server, self.room, &self.id).len() / 2;
        }
    }

    fn may_be_away_since(&mut self, since: Instant) {
        if self.tabs.is_empty() {
            self.away_since = Some(since);
        }
    }

    /// The end of one subscription, tidy or not.
    fn leave(&mut self) {
        let now = Instant::now();
        let at = self.pick(self.tabs.len());
        let tab = self.tabs.swap_remove(at);
        self.crash(tab);
        self.may_be_away_since(now);
    }

    fn crash(&mut self, client: Client) {
        match self.pick(3) {
            0 => client.reset(),
            1 => drop(client),
            _ => {
                let mut client = client;
                client.finish();
                self.forgotten.push(client);
            }
        }
    }

    /// A request that breaks off makes no member.
    fn stumble(&mut self) {
        let mut client = self.server.connect();
        client.send(format!(
            "GET /rooms/{}/sse HTTP/1.1\r\n{}",
            self.room, self.cookie
        ));
        client.reset();
    }

    /// From joining to having left.
    fn stay(&mut self) {
        self.enter();
        for _ in 0..self.pick(10) {
            match self.pick(7) {
                0..=2 => self.enter(),
                3 => self.stumble(),
                _ if self.tabs.is_empty() => self.enter(),
                _ => self.leave(),
            }
        }
        while !self.tabs.is_empty() {
            self.leave();
        }
        let log = || own_log(self.server, self.room, &self.id);
        let away = self.away_since.take().map(|since| since.elapsed());
        until("he leaves", LIMIT, || {
            log().last().is_some_and(|last| last == "left")
        });
        self.pairs = match away.is_some_and(|away| away < GRACE) {
            true => self.pairs + 1,
            false => log().len() / 2,
        };
        assert_eq!(log().len(), 2 * self.pairs, "{} in {}", self.id, self.room);
    }
}

#[test]
fn the_log_of_random_lives_over_all_transports_equals_the_model() {
    let stays = std::env::var("PUSHLAB_PRESENCE_STAYS").map_or(4, |stays| stays.parse().unwrap());
    let server = Server::start(&FLAGS);
    let lives: Vec<_> = thread::scope(|threads| {
        let lives: Vec<_> = (0..USERS)
            .map(|number| {
                let server = &server;
                threads.spawn(move || live(server, number, stays))
            })
            .collect();
        lives.into_iter().map(|life| life.join().unwrap()).collect()
    });
    for (room, id, pairs) in lives {
        let expected: Vec<_> = (0..pairs).flat_map(|_| ["join", "left"]).collect();
        assert_eq!(own_log(&server, room, &id), expected);
    }
    for room in ROOMS {
        assert_eq!(
            server.get(&format!("/rooms/{room}/members")).json(),
            json!([])
        );
    }
    for transport in Transport::in_rooms() {
        server.wait_for_figure(transport.name(), "open", 0, LIMIT);
    }
}

fn live(server: &Server, number: usize, stays: usize) -> (&'static str, String, usize) {
    let (cookie, id) = sign_in(server, &format!("瑶{number}"));
    let mut life = Life {
        server,
        room: ROOMS[number % ROOMS.len()],
        cookie,
        id,
        random: Xoshiro256PlusPlus::seed_from_u64(number as u64),
        tabs: Vec::new(),
        forgotten: Vec::new(),
        away_since: None,
        pairs: 0,
    };
    for _ in 0..stays {
        life.stay();
    }
    (life.room, life.id, life.pairs)
}

/// Neither FIN nor RST: a WebSocket whose client has gone silent leaves when no pong comes.
#[test]
fn a_member_who_answers_no_ping_leaves() {
    let flags = [&FLAGS[..], &["--ping-interval", "0.3"]].concat();
    let server = Server::start(&flags);
    let (cookie, id) = sign_in(&server, "瑶");
    let mut client = server.connect();
    let request = request(Transport::Websocket, "KPL", None);
    client.send(request.replacen("Host: test\r\n", &format!("Host: test\r\n{cookie}"), 1));
    assert_eq!(client.head().status, 101);
    until("he leaves", LIMIT, || {
        own_log(&server, "KPL", &id).len() == 2
    });
    assert_eq!(own_log(&server, "KPL", &id), ["join", "left"]);
    let members: Value = server.get("/rooms/KPL/members").json();
    assert_eq!(members, json!([]));
}
