//! Every limit of the server in one table: what it is, its flag and default, what one gets who goes
//! beyond it, why it is what it is, and what others have. Defaults come out of the flags themselves, so
//! that the table cannot say another.

use crate::config::Config;
use crate::identity::MAX_NAME_CHARS;
use crate::pace::USERS_PER_ADDRESS;
use crate::transports::socketio::party::{ORDERS, orders};
use crate::transports::socketio::{self, outbox, recovery};
use crate::wire::socketio::MAX_ATTACHMENTS;
use clap::{Args, Command};

/// One row.
struct Limit {
    name: &'static str,
    value: Value,
    beyond: &'static str,
    why: &'static str,
    others: &'static str,
}

enum Value {
    /// The default of this flag, in this unit.
    Flag(&'static str, Unit),
    /// What no flag changes.
    Fixed(String),
}

#[derive(Clone, Copy)]
enum Unit {
    Bytes,
    Seconds,
    Count,
    PerSecond,
}

const fn row(
    name: &'static str,
    value: Value,
    beyond: &'static str,
    why: &'static str,
    others: &'static str,
) -> Limit {
    Limit {
        name,
        value,
        beyond,
        why,
        others,
    }
}

fn table() -> Vec<Limit> {
    use Unit::{Bytes, Count, PerSecond, Seconds};
    use Value::{Fixed, Flag};
    let fixed = |text: &str| Fixed(text.to_owned());
    vec![
        row(
            "connections",
            Flag("max-connections", Count),
            "503 and `Retry-After`, at once; over TLS closed without a word",
            "about 20 KiB each, so 1 GB; fewer, and said at start, where `ulimit -n` leaves room for fewer",
            "Pushpin 50,000; actix 25,000 a worker, further ones wait unanswered",
        ),
        row(
            "connections of an address",
            Flag("max-connections-per-address", Count),
            "429 and `Retry-After`; over TLS closed without a word",
            "a school behind one address fits; nobody fills the server alone",
            "Centrifugo: by user; most none",
        ),
        row(
            "new connections of an address",
            Flag("max-new-connections-per-second", PerSecond),
            "the same",
            "a handshake is the dearest thing a stranger can ask for",
            "Centrifugo: in all; most none",
        ),
        row(
            "publishes of a user, or of the nameless of an address, well-formed or not",
            Flag("max-publishes-per-second", PerSecond),
            "429 and `Retry-After`; on WebSocket an `error` with status 429, then 1008",
            "each is written to everybody in the room",
            "Pushpin 2,500 messages/s; most none",
        ),
        row(
            "publishes of an address in all",
            Fixed(format!("{USERS_PER_ADDRESS} × that")),
            "the same",
            "signing in again and again gains nothing",
            "none",
        ),
        row(
            "request head, its bytes",
            Flag("max-head-bytes", Bytes),
            "431",
            "cookies fit; half a head is memory that a stranger fills",
            "Pushpin 8,192; nginx 32 KiB",
        ),
        row(
            "request head, its lines",
            fixed("96"),
            "431",
            "actix's parser; no flag",
            "Apache 100",
        ),
        row(
            "request head, its time",
            Flag("head-timeout", Seconds),
            "408",
            "slow-loris; every head of a connection, also one byte at a time",
            "actix 5 s, the first one only; Centrifugo 10 s; nginx 60 s",
        ),
        row(
            "request body, its time",
            Flag("body-timeout", Seconds),
            "408",
            "slow-loris",
            "nginx 60 s between two reads",
        ),
        row(
            "rest between two requests",
            Flag("keep-alive", Seconds),
            "closed",
            "one who polls every minute keeps the connection",
            "actix 5 s; nginx 75 s",
        ),
        row(
            "event",
            Flag("max-event-bytes", Bytes),
            "413; on WebSocket an `error` with status 413",
            "chat, not files",
            "uWebSockets 16 KiB; SignalR 32 KB; Centrifugo 64 KiB; Engine.IO, Mercure, Pushpin 1 MB",
        ),
        row(
            "WebSocket message",
            fixed("2 × an event"),
            "1009, before it is read",
            "a little too large is answered, far too large is not read",
            "actix-ws reads the whole frame first; ws 100 MiB; Phoenix none",
        ),
        row(
            "frames of a message",
            Flag("max-fragments", Count),
            "1008",
            "empty ones cost too",
            "ws 131,072; most none",
        ),
        row(
            "message of `/lab/echo`, with `--conformance`",
            fixed("16 MiB in 131,072 frames"),
            "1009; 1008",
            "what conformance suites send",
            "Autobahn sends 16 MiB at most, and 4 MiB in 65,536 frames",
        ),
        row(
            "nesting of JSON",
            fixed("128"),
            "400",
            "the reader's stack",
            "serde_json 128",
        ),
        row(
            "room name",
            fixed("64 bytes"),
            "400",
            "a name, not a message",
            "Nchan 1,024",
        ),
        row(
            "rooms",
            Flag("max-rooms", Count),
            "503 and `Retry-After`",
            "anybody who names a room makes it; after 10 idle minutes it is gone, and before a further one \
             is refused all that are empty go",
            "Centrifugo 128 a connection; Pushpin 20",
        ),
        row(
            "rooms that an address makes",
            fixed("as many a second as the nameless of an address publish"),
            "429 and `Retry-After`",
            "in ten minutes no address fills the server with rooms",
            "none",
        ),
        row(
            "members of a room",
            Flag("max-members", Count),
            "reads and publishes under his name, but is no member: no `join`, no list",
            "the list that a newcomer gets stays below 200 KiB",
            "Phoenix, Centrifugo: none",
        ),
        row(
            "members of a room, of one address",
            Flag("max-members-per-address", Count),
            "the same",
            "names are free: nobody fills a room alone",
            "none",
        ),
        row(
            "sign-ins of an address, and its joins of rooms",
            fixed("count as publishes of the address in all"),
            "429 and `Retry-After`",
            "each is signed or told to everybody in the room",
            "none",
        ),
        row(
            "absence of a member",
            Flag("member-grace", Seconds),
            "`left`",
            "a reload is no leaving",
            "SockJS 5 s; CometD 10 s",
        ),
        row(
            "absence of a member who polls",
            Flag("poll-grace", Seconds),
            "`left`",
            "3 × the longest pause between its polls, but no longer",
            "Phoenix 1.5 × its 10 s",
        ),
        row(
            "a user's name",
            Fixed(format!("{MAX_NAME_CHARS} characters")),
            "400",
            "a name, not a message",
            "",
        ),
        row(
            "a session",
            Flag("session-lifetime", Seconds),
            "401; WebSocket 4001",
            "nobody signs in every day, and a cookie that was stolen ends",
            "",
        ),
        row(
            "history of a room, events",
            Flag("history", Count),
            "`missed`",
            "what a phone misses in a tunnel",
            "Nchan 10 messages and 1 h; Mercure unlimited",
        ),
        row(
            "history of a room, memory",
            Flag("history-bytes", Bytes),
            "`missed`",
            "the only queue there is: a slow client owns none",
            "Socket.IO, Phoenix: a queue for each client, unbounded",
        ),
        row(
            "histories of all rooms, memory",
            Flag("history-bytes-in-all", Bytes),
            "`missed` in the largest rooms, which give their oldest events but never the newest; where that is \
             not enough, from an eighth more on, in the room that is published to; and where that has too \
             little, 503 and `Retry-After` (on WebSocket an `error` with status 503); `join` and `left` always \
             go in",
            "as much as all connections may take; strangers can name 100,000 rooms",
            "Nchan 128 MiB; most none",
        ),
        row(
            "hold of a long poll",
            Flag("max-hold", Seconds),
            "shortened, by up to 10 % more at random",
            "below the 30 s at which proxies begin to cut",
            "SignalR 90 s; CometD 30 s; Phoenix 10 s",
        ),
        row(
            "silence of a stream",
            Flag("stream-heartbeat", Seconds),
            "a heartbeat",
            "proxies cut after 30 to 60 s",
            "Socket.IO, SockJS 25 s; Mercure 40 s; Nchan none",
        ),
        row(
            "silence of a WebSocket",
            Flag("ping-interval", Seconds),
            "a ping; then closed",
            "the same, and it notices who is gone without a word",
            "Engine.IO 25 + 20 s; Centrifugo 25 + 8 s; ws none",
        ),
        row(
            "a WebSocket message, its time",
            fixed("one to two ping intervals"),
            "closed with 1008",
            "memory that is never given back; pings are answered between fragments",
            "most none",
        ),
        row(
            "pings and pongs of a WebSocket",
            fixed("100 a second"),
            "after 100 more closed with 1008",
            "each is read and answered, and others wait",
            "most none",
        ),
        row(
            "a payload of Engine.IO: a POST, or a WebSocket message",
            Flag("eio-max-payload", Bytes),
            "413; 1009",
            "as a message of the plain WebSocket",
            "Engine.IO, socketioxide 1 MB and 100 kB",
        ),
        row(
            "packets of a POST",
            Fixed(socketio::MAX_POSTED.to_string()),
            "400, and the session ends",
            "each may be a publish",
            "Phoenix 100; Engine.IO none",
        ),
        row(
            "answers that wait for a client of Engine.IO",
            Fixed(format!(
                "{} packets, {} KiB and two payloads",
                outbox::MAX_PACKETS,
                outbox::MAX_BYTES / 1024
            )),
            "the session ends",
            "events do not wait there: the history is their queue",
            "Engine.IO none; socketioxide 128 packets",
        ),
        row(
            "attachments of a Socket.IO packet",
            Fixed(MAX_ATTACHMENTS.to_string()),
            "the session ends; an event with more binary data goes with base64 in it",
            "the client takes no more; all together are as long as a payload at most",
            "Socket.IO 10",
        ),
        row(
            "rooms of a Socket.IO connection",
            Fixed(orders::MAX_ROOMS.to_string()),
            "an `error` with status 429",
            "each is looked at when it is read",
            "Centrifugo 128, Pushpin 20; Socket.IO none",
        ),
        row(
            "joins and the like of a Socket.IO connection",
            Fixed(format!("{} a second", ORDERS.per_second)),
            "an `error` with status 429; after 100 more the session ends",
            "all rooms at once fit; each is answered, and others wait",
            "most none",
        ),
        row(
            "Socket.IO clients that were cut and may read on",
            Fixed(format!(
                "{}, {} of an address, {} MiB",
                recovery::MAX_KEPT,
                recovery::MAX_KEPT_OF_ADDRESS,
                recovery::MAX_BYTES / 1024 / 1024
            )),
            "the first of them join anew, of an address the last",
            "what they left behind is a place in each room, and no events",
            "Socket.IO: packets of two minutes, unbounded",
        ),
        row(
            "sessions of Engine.IO",
            Fixed("as many as connections, in all and of one address".to_owned()),
            "503 or 429 and `Retry-After`",
            "one that is polled costs memory between two connections too",
            "none",
        ),
        row(
            "silence of a session of Engine.IO",
            Flag("eio-ping-interval", Seconds),
            "a ping",
            "as in the reference",
            "Engine.IO 25 s",
        ),
        row(
            "the answer to it",
            Flag("eio-ping-timeout", Seconds),
            "the session ends",
            "as in the reference",
            "Engine.IO 20 s",
        ),
        row(
            "an upgrade of Engine.IO, its time",
            fixed("10 s"),
            "the WebSocket is closed, and polling goes on",
            "as in the reference",
            "Engine.IO 10 s",
        ),
        row(
            "a Socket.IO connection without CONNECT",
            Flag("sio-connect-timeout", Seconds),
            "closed",
            "as in the reference",
            "Socket.IO 45 s",
        ),
        row(
            "unread bytes, their time",
            Flag("unread-timeout", Seconds),
            "reset",
            "who does not read is gone",
            "nginx 60 s; Mercure 5 s",
        ),
        row(
            "TLS handshake",
            Flag("tls-handshake-timeout", Seconds),
            "closed",
            "slow-loris",
            "actix 3 s",
        ),
    ]
}

/// The table as the README has it.
pub fn markdown() -> String {
    let flags = Config::augment_args(Command::new("pushlab-server"));
    let mut text =
        "| limit | default | flag | beyond it | why | others |\n|---|--:|---|---|---|---|\n"
            .to_owned();
    for limit in table() {
        let (default, flag) = match &limit.value {
            Value::Fixed(text) => (text.clone(), String::new()),
            Value::Flag(flag, unit) => {
                (unit.write(&default_of(&flags, flag)), format!("`--{flag}`"))
            }
        };
        let Limit {
            name,
            beyond,
            why,
            others,
            ..
        } = limit;
        text.push_str(&format!(
            "| {name} | {default} | {flag} | {beyond} | {why} | {others} |\n"
        ));
    }
    text
}

fn default_of(flags: &Command, flag: &str) -> String {
    let argument = flags
        .get_arguments()
        .find(|argument| argument.get_long() == Some(flag))
        .unwrap_or_else(|| panic!("no flag --{flag}"));
    let default = argument.get_default_values().first();
    let default = default.unwrap_or_else(|| panic!("--{flag} has no default"));
    default.to_string_lossy().into_owned()
}

impl Unit {
    fn write(self, number: &str) -> String {
        match self {
            Unit::Bytes => bytes(number),
            Unit::Seconds => seconds(number),
            Unit::Count => in_thousands(number),
            Unit::PerSecond => format!("{}/s", in_thousands(number)),
        }
    }
}

fn bytes(number: &str) -> String {
    let number: u64 = number.parse().expect("a default that clap has parsed");
    match number {
        n if n > 0 && n % (1 << 30) == 0 => format!("{} GiB", n >> 30),
        n if n > 0 && n % (1 << 20) == 0 => format!("{} MiB", n >> 20),
        n if n > 0 && n % (1 << 10) == 0 => format!("{} KiB", n >> 10),
        n => format!("{n} bytes"),
    }
}

fn seconds(number: &str) -> String {
    const DAY: u64 = 86_400;
    match number.parse::<u64>() {
        Ok(n) if n > DAY && n % DAY == 0 => format!("{} days", n / DAY),
        _ => format!("{number} s"),
    }
}

fn in_thousands(number: &str) -> String {
    let mut text = String::new();
    for (index, digit) in number.chars().enumerate() {
        if index > 0 && (number.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_a_user_writes_them() {
        assert_eq!(Unit::Bytes.write("65536"), "64 KiB");
        assert_eq!(Unit::Bytes.write("16777216"), "16 MiB");
        assert_eq!(Unit::Bytes.write("1073741824"), "1 GiB");
        assert_eq!(Unit::Bytes.write("1000"), "1000 bytes");
        assert_eq!(Unit::Count.write("100000"), "100,000");
        assert_eq!(Unit::PerSecond.write("50"), "50/s");
        assert_eq!(Unit::Seconds.write("25"), "25 s");
        assert_eq!(Unit::Seconds.write("0.5"), "0.5 s");
        assert_eq!(Unit::Seconds.write("2592000"), "30 days");
    }

    /// A limit that is not in the table would be one that nobody is told of.
    #[test]
    fn every_flag_that_sounds_like_a_limit_is_in_the_table() {
        let flags = Config::augment_args(Command::new("pushlab-server"));
        let known: Vec<&str> = table()
            .iter()
            .filter_map(|limit| match limit.value {
                Value::Flag(flag, _) => Some(flag),
                Value::Fixed(_) => None,
            })
            .collect();
        let missing: Vec<&str> = flags
            .get_arguments()
            .filter_map(|argument| argument.get_long())
            .filter(|flag| flag.starts_with("max-") || flag.ends_with("-timeout"))
            .filter(|flag| !known.contains(flag))
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
