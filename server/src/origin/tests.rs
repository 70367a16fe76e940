//! Origins against allow-lists, without a server.

use super::*;

fn origins(allowed: &[&str], tls: bool, loopback: bool) -> Origins {
    let allowed: Vec<Allowed> = allowed.iter().map(|text| text.parse().unwrap()).collect();
    Origins {
        listed: allowed
            .iter()
            .filter_map(|allowed| match allowed {
                Allowed::This(origin) => Some(HeaderValue::from_str(origin).unwrap()),
                Allowed::Every => None,
            })
            .collect(),
        every: allowed.contains(&Allowed::Every),
        tls,
        proxies: ProxyFlags {
            trusted: vec!["192.0.2.1".parse().unwrap()],
        },
        loopback,
    }
}

fn is_let_in(origins: &Origins, host: &str, origin: &str) -> bool {
    origins.judge(&head(host, origin)).is_ok()
}

fn head(host: &str, origin: &str) -> RequestHead {
    let mut head = RequestHead::default();
    let mut insert = |name, value| {
        head.headers
            .insert(name, HeaderValue::from_str(value).unwrap())
    };
    insert(header::HOST, host);
    insert(header::ORIGIN, origin);
    head
}

/// Before a proxy of ours; one that anybody may stand behind says nothing that counts.
#[test]
fn behind_a_trusted_proxy_the_own_origin_has_the_scheme_that_it_says() {
    for (peer, scheme, is_own) in [
        ("192.0.2.1:1", "https", true),
        ("192.0.2.1:1", "http", false),
        ("192.0.2.2:1", "https", false),
    ] {
        let mut head = head("chat.example", "https://chat.example");
        head.peer_addr = Some(peer.parse().unwrap());
        let scheme = HeaderValue::from_str(scheme).unwrap();
        head.headers.insert(header::X_FORWARDED_PROTO, scheme);
        let judged = origins(&[], false, false).judge(&head);
        assert_eq!(judged.is_ok(), is_own, "{peer}");
        // A page that had its name rebound could say all of this.
        assert!(origins(&[], false, true).judge(&head).is_err());
    }
}

#[test]
fn the_page_s_own_origin_is_where_the_request_goes() {
    for (tls, loopback, host, origin, expected) in [
        (false, false, "chat.example", "http://chat.example", true),
        (false, false, "chat.example:80", "http://chat.example", true),
        (false, false, "Chat.Example", "http://chat.example", true),
        (false, false, "chat.example", "http://Chat.example", false),
        (false, false, "chat.example", "HTTP://chat.example", false),
        (false, false, "chat.example", "https://chat.example", false),
        (
            false,
            false,
            "chat.example",
            "http://chat.example:81",
            false,
        ),
        (
            false,
            false,
            "chat.example:81",
            "http://chat.example",
            false,
        ),
        (false, false, "chat.example", "http://chat.example.", false),
        (false, false, "chat.example", "http://chat.example/", false),
        (false, false, "chat.example", "chat.example", false),
        (false, false, "", "http://", false),
        (true, false, "chat.example", "https://chat.example", true),
        (
            true,
            false,
            "chat.example:443",
            "https://chat.example",
            true,
        ),
        (true, false, "chat.example", "http://chat.example", false),
        (false, true, "127.0.0.1:8080", "http://127.0.0.1:8080", true),
        (false, true, "localhost:8080", "http://localhost:8080", true),
        (false, true, "[::1]:8080", "http://[::1]:8080", true),
        // A name that was made to mean this host.
        (
            false,
            true,
            "evil.example:8080",
            "http://evil.example:8080",
            false,
        ),
    ] {
        let origins = origins(&[], tls, loopback);
        // The empty pair is nobody's.
        let is_own = is_let_in(&origins, host, origin) && !host.is_empty();
        assert_eq!(is_own, expected, "{origin} at {host}");
    }
}

#[test]
fn every_site_is_not_the_nameless_one() {
    let every = origins(&["*"], false, false);
    assert!(is_let_in(&every, "test", "https://evil.example"));
    assert!(!is_let_in(&every, "test", "null"));
    assert!(is_let_in(
        &origins(&["*", "null"], false, false),
        "test",
        "null"
    ));
}

#[test]
fn a_list_is_written_as_browsers_write_it() {
    for (text, origin) in [
        ("https://Chat.Example", "https://chat.example"),
        ("https://chat.example:443", "https://chat.example"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("null", "null"),
    ] {
        assert_eq!(text.parse(), Ok(Allowed::This(origin.to_owned())));
    }
    for text in [
        "",
        "chat.example",
        "https://chat.example/",
        "https://chat.example/page",
        "https://user@chat.example",
        "ftp://chat.example",
        "https://",
        "https://*.example",
    ] {
        let parsed = text.parse::<Allowed>();
        assert!(parsed.is_err(), "{text}: {parsed:?}");
    }
}

#[test]
fn addresses_and_localhost_are_this_host_and_names_are_not() {
    for host in [
        "127.0.0.1:8080",
        "localhost",
        "localhost:1",
        "[::1]:80",
        "[::1]",
        "10.0.0.7",
    ] {
        assert!(is_address(host), "{host}");
    }
    for host in [
        "",
        "evil.example",
        "evil.example:8080",
        "localhost.evil:80",
        "127.0.0.1.evil",
        "127.0.0.1:99999",
        "::1",
        "[::1",
        "localhost:",
        "user@localhost",
    ] {
        assert!(!is_address(host), "{host}");
    }
}
