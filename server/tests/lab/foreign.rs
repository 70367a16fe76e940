//! One's own connections only: neither another session's nor the public port's bytes are ever told.

use crate::harness::Server;
use crate::page::Page;
use serde_json::json;

#[test]
fn nobody_sees_another_s_connections() {
    let server = Server::start(&["--lab", "on", "--workers", "2"]);
    let mut pages = [Page::open(&server), Page::open(&server)];
    // Taking turns, so that each address is soon used again by the other.
    for turn in 0..30 {
        for (number, page) in pages.iter_mut().enumerate() {
            let path = format!("/rooms/{}/poll?secret-of-{number}-{turn}", page.room());
            page.lane("interval-polling").get(&path, "");
            server.connect().get("/rooms/KPL/poll?secret-of-nobody", "");
        }
    }
    for (number, page) in pages.iter_mut().enumerate() {
        let meters = page.meters_at_rest();
        page.say(&json!({"do": "meter"}));
        page.hear("meter");
        let up = String::from_utf8(page.bytes("interval-polling", "up")).unwrap();
        assert_eq!(up.matches("secret-of").count(), 30);
        assert_eq!(up.matches(&format!("secret-of-{number}-")).count(), 30);
        assert!(
            page.records()
                .iter()
                .all(|record| record["lane"] == "interval-polling")
        );
        assert_eq!(meters["interval-polling"]["opened"], 30);
    }
}
