//! Scenarios as written: what is read, and how errors name the place.

use super::Scenario;

const GOOD: &str =
    "name = \"x\"\n[load]\nclients = 5\n[publish]\nrate = 1\n[[transports]]\nkind = \"sse\"\n";

fn refusal(text: &str) -> String {
    Scenario::parse(text, "x.toml").unwrap_err().to_string()
}

#[test]
fn the_smallest_scenario_has_the_documented_defaults() {
    let scenario = Scenario::parse(GOOD, "x.toml").unwrap();
    insta::assert_snapshot!(scenario.to_toml(), @r#"
    name = "x"
    seed = 1

    [load]
    clients = 5
    rooms = 1
    ramp = "1s"
    warm_up = "1s"
    duration = "5s"
    repeats = 1
    graceful_stop = "30s"

    [publish]
    rate = "1/s"
    arrivals = "constant"
    payload = "128B"
    by = "publisher"

    [[transports]]
    kind = "sse"
    "#);
}

#[test]
fn errors_name_place_key_and_remedy() {
    let cases: [(String, &str); 31] = [
        (
            GOOD.replace("clients = 5", "clients = 5\nduratoin = \"5s\""),
            "x.toml:4:1: unknown key \"duratoin\" in [load]; did you mean \"duration\"?",
        ),
        (
            GOOD.replace("clients = 5", "clients = 5\nwombat = 1"),
            "x.toml:4:1: unknown key \"wombat\" in [load]; remove it; `loadgen schema` lists what there is",
        ),
        (
            format!("titel = \"t\"\n{GOOD}"),
            "x.toml:1:1: unknown key \"titel\" at the top level; did you mean \"title\"?",
        ),
        (
            format!("{GOOD}intervall = \"1s\"\n"),
            "x.toml:8:1: unknown key \"intervall\" in [[transports]]; did you mean \"interval\"?",
        ),
        (
            GOOD.replace("\"sse\"", "\"websockets\""),
            "x.toml:7:8: unknown value \"websockets\" for transports[0].kind; did you mean \"websocket\"?",
        ),
        (
            GOOD.replace("clients = 5", "clients = 5\nduration = 5"),
            "x.toml:4:12: load.duration: a duration needs a unit, write \"5s\"",
        ),
        (
            GOOD.replace("rate = 1", "rate = 1\npayload = [\"128B\", 5]"),
            "x.toml:6:20: publish.payload[1]: a size needs a unit, write \"5B\"",
        ),
        (
            GOOD.replace("clients = 5", "clients = -5"),
            "x.toml:3:11: load.clients: invalid value: integer `-5`, expected a whole number from 0",
        ),
        (
            GOOD.replace("clients = 5", "clients = []"),
            "x.toml:3:11: load.clients: the list is empty; give at least one value",
        ),
        (
            GOOD.replace("clients = 5", "clients = [5, 5]"),
            "x.toml:3:11: load.clients: the list has one value twice; remove one",
        ),
        (
            GOOD.replace("clients = 5", "clients = 5\nrepeats = [1, 2]"),
            "x.toml:4:11: load.repeats: invalid type: sequence, expected a whole number from 0; only clients, rooms, rate, payload, interval, hold and rtt take a list",
        ),
        (
            GOOD.replace("clients = 5\n", ""),
            "x.toml:2:1: [load] lacks \"clients\"; add clients = 100",
        ),
        (
            GOOD.replace("\"x\"", "\"峡谷\""),
            "x.toml:1:8: name: \"峡谷\" cannot be a name: use 1 to 64 letters, digits, - and _ (a title is free)",
        ),
        (
            format!("{GOOD}interval = \"1s\"\n"),
            "x.toml:8:1: transports[0].interval: \"interval\" does nothing on sse; remove it",
        ),
        (
            format!("{GOOD}[[transports]]\nkind = \"sse\"\n"),
            "x.toml:8:1: transports[1]: two transports are called \"sse\"; give one another name = \"…\"",
        ),
        (
            GOOD.replace("rate = 1", "rate = 1\nburst = 5"),
            "x.toml:6:1: publish.burst: only a burst has a size; remove it or write arrivals = \"burst\"",
        ),
        (
            GOOD.replace("rate = 1", "rate = -1"),
            "x.toml:5:8: publish.rate: a rate is 0 or more events in a time above 0; write \"200/s\"",
        ),
        (
            format!("{GOOD}[expect]\nlots = [\"== 0\"]\n"),
            "x.toml:9:1: expect.lots: no figure is called \"lots\"; did you mean \"lost\"?",
        ),
        (
            format!("{GOOD}[expect]\nlost = \"== 0\"\n\"see.lost\" = \"== 0\"\n"),
            "x.toml:10:1: expect.see.lost: no transport is called \"see\"; did you mean \"sse\"?",
        ),
        (
            format!("{GOOD}[expect]\n\"latency.p99\" = [\"< 5s\", \"< 5 parsecs\"]\n"),
            "x.toml:9:26: expect.latency.p99[1]: \"parsecs\" is one too many; write a number, a figure, or 0.5 * figure, with + or - between",
        ),
        (
            format!("{GOOD}[expect]\nlatency.p99 = [\"< 5s\"]\n"),
            "x.toml:9:1: expect.latency: \"p99\" is none of threshold, abort_on_fail, delay_abort_eval; a name with dots needs quotes: \"websocket.latency.p99\" = [\"< 50ms\"]",
        ),
        (
            format!(
                "{GOOD}[expect]\nlost = {{ threshold = \"== 0\", delay_abort_eval = \"1s\" }}\n"
            ),
            "x.toml:9:1: expect.lost[0]: \"delay_abort_eval\" does nothing without abort_on_fail = true; remove it or add that",
        ),
        (
            format!("{GOOD}[expect]\nlost = [{{ threshold = \"== 0\", abort_on_fail = 1 }}]\n"),
            "x.toml:9:47: expect.lost[0].abort_on_fail: invalid type: integer `1`, expected a boolean",
        ),
        (
            format!("{GOOD}[expect]\nlost = 0\n"),
            "x.toml:9:8: expect.lost: invalid type: integer `0`, expected a threshold such as \"< 200ms\"",
        ),
        (
            format!("{GOOD}[server]\nworkers = 2\n[target]\nurl = \"http://x\"\n"),
            "x.toml:9:1: server.workers: \"workers\" is for the embedded server; remove it, or remove [target]",
        ),
        (
            format!("{GOOD}hold_on = \"threads\"\n"),
            "x.toml:8:1: transports[0].hold_on: \"hold_on\" does nothing on sse; remove it",
        ),
        (
            format!("{GOOD}[server]\nhold_on = \"fibers\"\n"),
            "x.toml:9:11: unknown value \"fibers\" for server.hold_on; use one of tasks, threads",
        ),
        (
            format!("{GOOD}[target]\nurl = \"http://x\"\ninsecure = true\n"),
            "x.toml:10:1: target.insecure: whom to trust (ca, insecure) means nothing on http; remove it, or write https://",
        ),
        (
            format!("{GOOD}[target]\nurl = \"https://x\"\nca = \"x.pem\"\ninsecure = true\n"),
            "x.toml:11:1: target.insecure: with a certificate to trust there is nothing to believe; remove insecure or ca",
        ),
        (
            format!("{GOOD}tls = true\n[target]\nurl = \"https://x\"\n"),
            "x.toml:8:1: transports[0].tls: \"tls\" is for the embedded server; the URL of the other says http or https",
        ),
        (
            format!("{GOOD}[server]\ntls = true\n[trouble]\nidle_cut = \"5s\"\n"),
            "x.toml:10:2: trouble: the proxy that makes it reads plain HTTP, and sse speaks TLS; remove tls, or all of it but cut_at",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(refusal(&text), expected, "\n{text}");
    }
}

#[test]
fn broken_toml_shows_its_line() {
    insta::assert_snapshot!(refusal("name = \"x\"\n[load\nclients = 5\n"), @r"
    x.toml:2:6: unclosed table, expected `]`
        [load
             ^
    ");
    insta::assert_snapshot!(refusal("name = \"x\"\ntitle = \n"), @r"
    x.toml:2:9: string values must be quoted, expected literal string
        title = 
                ^
    ");
}

#[test]
fn a_bare_server_has_no_cursors_to_ask_by() {
    let with = |setting: &str| {
        let bare = GOOD.replace(
            "kind = \"sse\"",
            &format!("kind = \"interval-polling\"\n{setting}"),
        );
        Scenario::parse(&format!("{bare}[server]\nbare = true\n"), "x.toml")
    };
    for setting in ["conditional = true", "resume = false"] {
        let refused = with(setting).unwrap_err().to_string();
        assert!(
            refused.contains("needs cursors, which a bare server does not tell"),
            "{refused}"
        );
    }
    assert!(with("resume = true").is_ok());
}

#[test]
fn every_setting_survives_its_toml() {
    let text = "name = \"all\"\ntitle = \"Größe 峡谷\"\nseed = 7\n[load]\nclients = [10, 20]\nrooms = [1, 2]\nramp = \"250ms\"\nwarm_up = \"0s\"\nduration = \"1m30s\"\nrepeats = 3\ngraceful_stop = \"5s\"\n[publish]\nrate = [\"0.5/s\", 10]\narrivals = \"burst\"\nburst = 50\npayload = [\"128B\", \"1KiB\"]\nby = \"clients\"\n[[transports]]\nkind = \"interval-polling\"\ninterval = [\"200ms\", \"1s\"]\nconditional = true\n[[transports]]\nkind = \"long-polling\"\nname = \"held\"\nhold = \"25s\"\nhold_on = \"tasks\"\nresume = false\n[[transports]]\nkind = \"websocket\"\nsubprotocol = \"msgpack\"\n[link]\npreset = \"4g\"\nrtt = [\"50ms\", \"100ms\"]\njitter = \"5ms\"\nbandwidth = \"10Mbit/s\"\nstall = { every = \"5s\", lasts = \"500ms\" }\n[server]\nworkers = 2\nhistory = 100\nhistory_bytes = \"1MiB\"\nhold_jitter = 0.0\nhold_on = \"threads\"\n[trouble]\ncut_at = [\"1s\", \"2s\"]\n[expect]\nlost = \"== 0\"\n\"held.latency.p99\" = [\"< 2 * websocket.latency.p99\", { threshold = \"< 1s\", abort_on_fail = true, delay_abort_eval = \"10s\" }]\n";
    let scenario = Scenario::parse(text, "all.toml").unwrap();
    let again = Scenario::parse(&scenario.to_toml(), "again.toml").unwrap();
    assert_eq!(again, scenario);
}

#[test]
fn a_target_that_cannot_be_measured_is_refused_with_line_key_and_remedy() {
    let refused = |kind: &str, target: &str| {
        let text = format!(
            "name = \"x\"\n[load]\nclients = 5\n[publish]\nrate = 1\n[[transports]]\nkind = \"{kind}\"\n[target]\n{target}\n"
        );
        Scenario::parse(&text, "x.toml").unwrap_err().to_string()
    };
    let url = "url = \"http://h\"\n";
    let cases = [
        (
            "sse",
            "dialect = \"websocket\"",
            "x.toml:9:1: target.dialect: websocket is not measured over sse; write kind = \"websocket\" or another dialect",
        ),
        (
            "sse",
            "dialect = \"sse\"",
            "x.toml:8:2: target.url: it says nowhere where the server is",
        ),
        (
            "websocket",
            &format!("{url}dialect = \"websocket\""),
            "x.toml:8:2: target.publish: a publisher of its own POSTs; add publish",
        ),
        (
            "websocket",
            &format!("{url}event = \"said\""),
            "x.toml:10:1: target.event: \"event\" does nothing with dialect = \"pushlab\"",
        ),
        (
            "sse",
            "command = []",
            "x.toml:9:1: target.command: it starts nothing",
        ),
        (
            "sse",
            &format!("{url}headers = [\"wombat\"]"),
            "x.toml:10:1: target.headers: give \"Name: value\"",
        ),
        (
            "sse",
            &format!("{url}dialect = \"sse\"\npublish = \"/{{channel}}\""),
            "x.toml:11:1: target.publish: only {room}, {cursor} and {port} are filled in",
        ),
        (
            "sse",
            &format!("{url}dialect = \"french\""),
            "x.toml:10:11: unknown value \"french\" for target.dialect",
        ),
    ];
    for (kind, target, expected) in cases {
        let found = refused(kind, target);
        assert!(found.starts_with(expected), "{target}\n{found}\n{expected}");
    }
}

#[test]
fn a_transport_has_a_target_of_its_own_key_by_key() {
    let text = "name = \"x\"\n[load]\nclients = 5\n[publish]\nrate = 1\n[target]\ndialect = \"nchan\"\nurl = \"http://h\"\nsubscribe = \"/sub/{room}\"\npublish = \"/pub/{room}\"\nheaders = [\"A: b\"]\n[[transports]]\nkind = \"sse\"\n[[transports]]\nkind = \"http-streaming\"\ntarget = { subscribe = \"/raw/{room}\", headers = [\"C: d\"] }\n[[transports]]\nkind = \"websocket\"\ntarget = { dialect = \"pushlab\", url = \"http://other\" }\n";
    let scenario = Scenario::parse(text, "x.toml").unwrap();
    let of = |at: usize| scenario.target_of(&scenario.transports[at]).unwrap();
    assert_eq!(of(0).subscribe.as_deref(), Some("/sub/{room}"));
    assert_eq!(of(1).subscribe.as_deref(), Some("/raw/{room}"));
    assert_eq!(of(1).headers, ["A: b", "C: d"]);
    assert_eq!(of(1).url.as_deref(), Some("http://h"));
    assert_eq!(
        (of(2).dialect(), of(2).publish),
        (crate::scenario::Dialect::Pushlab, None)
    );
}
