//! A page that does not read its session: what it could not be told is counted and told later, and the
//! server's memory stays within bounds. The server is a process of its own, whose memory is its own.

use crate::gone::Program;
use crate::harness::LIMIT;
use serde_json::json;
use std::thread;
use std::time::{Duration, Instant};

const EVENTS: u64 = 1_500;
const PAYLOAD: u64 = 60_000;

/// Less than a third of what went over the lane meanwhile.
const MOST_GROWTH: u64 = 28 << 20;

#[test]
fn a_page_that_does_not_read_costs_bounded_memory_and_is_told_what_it_lost() {
    let program = Program::start(&["--history", "10"]);
    let mut page = program.open();
    let mut stream = page.lane("http-streaming");
    let room = page.room();
    stream.send(format!(
        "GET /rooms/{room}/stream HTTP/1.1\r\nHost: x\r\n\r\n"
    ));
    stream.head();
    stream.chunk();
    let rss = || program.usage()["process"]["rss"].as_u64().unwrap();
    let before = rss();
    page.say(
        &json!({"do": "publish", "rate": 500, "arrivals": "constant", "payload": PAYLOAD,
                     "seed": 1, "duration_s": EVENTS as f64 / 500.0}),
    );
    let mut most = before;
    let reader = thread::spawn(move || {
        // Some fall off the short history where this machine is slow; the last one comes.
        while stream.chunk().split_once(r#""id":1500,"#).is_none() {}
        stream
    });
    let deadline = Instant::now() + 2 * LIMIT;
    while !reader.is_finished() {
        assert!(
            Instant::now() < deadline,
            "the lane stood still with its page"
        );
        most = most.max(rss());
        thread::sleep(Duration::from_millis(20));
    }
    let stream = reader.join().unwrap();
    assert!(
        stream.received > 60 << 20,
        "{} bytes prove nothing",
        stream.received
    );
    assert!(
        most - before < MOST_GROWTH,
        "{} MB more",
        (most - before) >> 20
    );
    // Now it reads, and hears of the loss; the meter has all.
    loop {
        let message = page.hear("wire");
        if let Some(dropped) = message["dropped"].as_u64() {
            assert!(dropped > 0);
            break;
        }
    }
    page.say(&json!({"do": "meter"}));
    let lane = page.hear("meter")["lanes"]["http-streaming"].take();
    assert_eq!(lane["tx"], stream.received);
}
