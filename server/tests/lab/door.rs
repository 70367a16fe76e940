//! Who gets a session: a page of this very server, by an address, while there is room, with the lab on.

use crate::harness::{Answer, LIMIT, Server};
use crate::page::{Page, handshake};
use std::time::Instant;

fn ask(server: &Server, host: &str, origin: &str) -> Answer {
    let mut client = server.connect();
    client.send(handshake(host, origin));
    client.answer()
}

#[test]
fn another_site_or_a_name_that_can_be_rebound_is_refused_before_the_upgrade() {
    let server = Server::start(&["--lab", "on"]);
    let own = server.public.to_string();
    let other_port = "127.0.0.1:1";
    for (host, origin) in [
        (own.as_str(), "http://evil.example".to_owned()),
        (&own, format!("https://{own}")),
        (&own, format!("http://{other_port}")),
        (&own, format!("http://{own}/")),
        (&own, "null".to_owned()),
        (&own, format!("http://{own}\r\nOrigin: http://{own}")),
        ("evil.example", "http://evil.example".to_owned()),
        (
            "localhost.evil.example:80",
            "http://localhost.evil.example:80".to_owned(),
        ),
    ] {
        ask(&server, host, &origin).expect_problem(403);
    }
    let without = handshake(&own, "").replace("Origin: \r\n", "");
    let mut client = server.connect();
    client.send(without);
    client.answer().expect_problem(403);
    for host in [own.as_str(), "localhost:8080", "[::1]:8080"] {
        assert_eq!(ask(&server, host, &format!("http://{host}")).status, 101);
    }
}

/// Behind a proxy everybody comes from this host, and says of it what he likes.
#[test]
fn what_a_proxy_hands_on_is_refused() {
    let server = Server::start(&["--lab", "on"]);
    let host = server.public.to_string();
    let own = handshake(&host, &format!("http://{host}"));
    for header in [
        "Via: 1.1 x",
        "X-Forwarded-For: ::1",
        "X-Forwarded-Proto: http",
        "Forwarded: for=x",
    ] {
        let mut client = server.connect();
        client.send(own.replace("\r\n\r\n", &format!("\r\n{header}\r\n\r\n")));
        client.answer().expect_problem(403);
    }
}

#[test]
fn a_page_of_this_server_that_does_not_upgrade_is_told_so() {
    let server = Server::start(&["--lab", "on"]);
    let host = server.public;
    let mut client = server.connect();
    client.send(format!(
        "GET /lab/session HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n\r\n"
    ));
    client.answer().expect_problem(426);
    client.send("POST /lab/session HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
    client.answer().expect_problem(405);
}

#[test]
fn the_thirty_third_page_is_refused_until_one_has_gone() {
    let server = Server::start(&["--lab", "on"]);
    let mut pages: Vec<Page> = (0..32).map(|_| Page::open(&server)).collect();
    let host = server.public.to_string();
    let origin = format!("http://{host}");
    let refused = ask(&server, &host, &origin);
    refused.expect_problem(503);
    assert!(refused.header("retry-after").is_some());
    // The page asks once more, as pages do: without an Origin.
    let mut client = server.connect();
    let again = format!("GET /lab/session HTTP/1.1\r\nHost: {host}\r\n\r\n");
    client.send(&again);
    let why = client.answer();
    why.expect_problem(503);
    let detail = why.json()["detail"].take();
    assert!(
        detail
            .as_str()
            .unwrap()
            .starts_with("all 32 sessions of the lab are taken"),
        "{detail}"
    );
    pages.pop();
    let deadline = Instant::now() + LIMIT;
    while ask(&server, &host, &origin).status != 101 {
        assert!(Instant::now() < deadline, "the seat was not given back");
    }
    pages.pop();
    while {
        client.send(&again);
        client.answer().status != 426
    } {
        assert!(Instant::now() < deadline, "the seat was not given back");
    }
}

#[test]
fn a_closed_lab_says_how_to_open_it() {
    // With an admin port the server is there to be measured.
    for flags in [&[][..], &["--lab", "off"]] {
        let server = Server::start(flags);
        let host = server.public.to_string();
        let answer = ask(&server, &host, &format!("http://{host}"));
        answer.expect_problem(404);
        assert!(answer.text().contains("--lab on"), "{}", answer.text());
    }
    let off = Server::start_with(&["--workers", "1", "--lab", "off"]);
    assert_eq!(ask(&off, "127.0.0.1", "http://127.0.0.1").status, 404);
    // A stranger is sent to what there is.
    let home = off.get("/");
    assert_eq!((home.status, home.header("location")), (302, Some("/chat")));
    assert_eq!(home.header("cache-control"), Some("no-store"));
    assert_eq!(off.get("/chat").status, 200);
    // On a port of this host's own, without an admin port, it is open.
    let on = Server::start_with(&["--workers", "1"]);
    Page::open(&on);
    assert_eq!(on.get("/").status, 200);
}

#[test]
fn a_lane_is_no_way_into_the_lab() {
    let server = Server::start(&["--lab", "on"]);
    let page = Page::open(&server);
    let host = page.lane_address("sse").to_string();
    let mut client = page.lane("sse");
    client.send(handshake(&host, &format!("http://{host}")));
    client.answer().expect_problem(404);
}
