//! Whatever a page sends is done, or refused with a sentence, and the session lives; a frame that no
//! page would send ends it, and the server with its other sessions lives.

use crate::harness::Server;
use crate::masked::masked;
use crate::page::Page;
use serde_json::json;

#[test]
fn what_cannot_be_done_is_refused_with_a_sentence() {
    let server = Server::start(&["--lab", "on"]);
    let mut page = Page::open(&server);
    let deep = format!(
        r#"{{"do":"stop","x":{}{}}}"#,
        "[".repeat(60_000),
        "]".repeat(60_000)
    );
    let long_name = format!(r#"{{"do":"{}"}}"#, "<script>".repeat(5_000));
    let publish = |fields: &str| {
        let fields: serde_json::Value = serde_json::from_str(&format!("{{{fields}}}")).unwrap();
        let mut ask = json!({"do": "publish", "rate": 10, "arrivals": "constant", "payload": 128,
                             "seed": 7, "duration_s": 1});
        for (name, value) in fields.as_object().unwrap() {
            ask[name] = value.clone();
        }
        ask.to_string()
    };
    let texts = [
        String::new(),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        r#"{"do":"format-the-disk"}"#.to_owned(),
        r#"{"do":7}"#.to_owned(),
        r#"{"do":"stop"}{"do":"stop"}"#.to_owned(),
        r#"{"do":"clock","sent":NaN}"#.to_owned(),
        r#"{"do":"clock","sent":1e999}"#.to_owned(),
        r#"{"do":"clock","sent":null}"#.to_owned(),
        "\"\\ud800".to_owned(),
        deep,
        long_name,
        publish(r#""rate":1e9"#),
        publish(r#""rate":0"#),
        publish(r#""rate":-1"#),
        publish(r#""rate":1e-320,"duration_s":1e300"#),
        publish(r#""duration_s":0"#),
        publish(r#""payload":1073741824"#),
        publish(r#""payload":0"#),
        publish(r#""payload":1e3"#),
        publish(r#""seed":-1"#),
        publish(r#""arrivals":"whenever""#),
        r#"{"do":"room","history":0}"#.to_owned(),
        r#"{"do":"room","history":4000000000}"#.to_owned(),
        r#"{"do":"room","heartbeat_ms":0}"#.to_owned(),
        r#"{"do":"restart","down_ms":1e300}"#.to_owned(),
        r#"{"do":"restart","down_ms":-1}"#.to_owned(),
        r#"{"do":"cut","lane":"carrier-pigeon"}"#.to_owned(),
        r#"{"do":"lane","lane":"sse","rtt_ms":1e300}"#.to_owned(),
        r#"{"do":"lane","lane":"sse","trouble":{"stall":{"every_ms":1,"for_ms":1}}}"#.to_owned(),
        format!(r#"{{"do":"event","data":"{}"}}"#, "x".repeat(70_000)),
    ];
    for text in texts {
        page.say_text(text.as_bytes());
        let refused = page.hear("refused");
        let why = refused["why"].as_str().unwrap();
        assert!((10..500).contains(&why.len()), "{text:.80}: {why:.500}");
        assert!(refused["do"].as_str().unwrap().len() <= 32, "{text:.80}");
    }
    page.client.send(masked(0x82, b"\x00\xff"));
    page.hear("refused");
    // Nothing of all that was done.
    page.say(&json!({"do": "clock", "sent": 1}));
    page.hear("clock");
    assert!(page.heard.iter().all(|message| message["kind"] != "events"));
}

#[test]
fn commands_that_nobody_reads_the_answers_of_do_not_pile_up() {
    let server = Server::start(&["--lab", "on"]);
    let mut page = Page::open(&server);
    for sent in 0..5_000 {
        page.say(&json!({"do": "clock", "sent": sent}));
    }
    for sent in 0..5_000 {
        assert_eq!(page.hear("clock")["sent"], f64::from(sent));
    }
}

#[test]
fn two_runs_of_the_publisher_do_not_mix() {
    let server = Server::start(&["--lab", "on"]);
    let mut page = Page::open(&server);
    let ask = json!({"do": "publish", "rate": 1, "arrivals": "poisson", "payload": 16,
                     "seed": u64::MAX, "duration_s": 3600});
    page.say(&ask);
    page.say(&ask);
    assert_eq!(page.hear("refused")["do"], "publish");
    page.say(&json!({"do": "stop"}));
    page.hear("published");
    page.say(&ask);
    page.say(&json!({"do": "stop"}));
    page.hear("published");
}

#[test]
fn a_frame_that_no_page_sends_ends_its_session_alone() {
    let server = Server::start(&["--lab", "on"]);
    let mut other = Page::open(&server);
    let unmasked = vec![0x81, 0x02, b'{', b'}'];
    let not_utf8 = masked(0x81, b"\xff\xfe");
    let mut huge = vec![0x81, 0xff];
    huge.extend(u64::MAX.to_be_bytes());
    let stray = masked(0x80, b"continuation of nothing");
    for bytes in [unmasked, not_utf8, huge, stray] {
        let mut page = Page::open(&server);
        page.client.send(&bytes);
        page.client.read_to_end();
    }
    other.say(&json!({"do": "clock", "sent": 1}));
    other.hear("clock");
}
