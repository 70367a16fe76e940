//! What plans are made of, and what is refused.

use super::*;
use crate::net::tls::Trust;
use crate::scenario::Scenario;
use std::collections::BTreeSet;

const CHAT: &str = "name = \"x\"\nseed = 7\n[load]\nclients = [4, 8]\nrooms = 2\nrepeats = 3\n[publish]\nrate = [\"10/s\", 0]\nby = \"clients\"\n[[transports]]\nkind = \"interval-polling\"\ninterval = [\"200ms\", \"1s\"]\n[[transports]]\nkind = \"websocket\"\n";

fn scenario(text: &str) -> Scenario {
    Scenario::parse(text, "x.toml").unwrap()
}

fn plan(text: &str) -> Plan {
    Plan::resolve(&scenario(text), &Overrides::default()).unwrap()
}

fn refusal(text: &str, overrides: Overrides) -> String {
    Plan::resolve(&scenario(text), &overrides)
        .unwrap_err()
        .to_string()
}

#[test]
fn every_list_sweeps_and_every_repeat_has_all() {
    let plan = plan(CHAT);
    // 2 clients × 2 rates × (2 intervals + 1 websocket), 3 repeats.
    assert_eq!(plan.sets.len(), 12);
    assert_eq!(plan.trials.len(), 36);
    for repeat in 1..=3u32 {
        let round = &plan.trials[(repeat as usize - 1) * 12..repeat as usize * 12];
        assert!(round.iter().all(|trial| trial.repeat == repeat));
        let distinct: BTreeSet<String> = (round.iter())
            .map(|trial| format!("{} {:?}", trial.name, trial.parameters()))
            .collect();
        assert_eq!(distinct.len(), 12);
    }
    let rows = plan.rows();
    assert_eq!(rows[0].0, "interval-polling");
    assert_eq!(rows[0].1.interval_s, Some(0.2));
    assert_eq!(rows[11].0, "websocket");
    assert_eq!(rows[11].1.interval_s, None);
}

#[test]
fn transports_of_one_repeat_and_load_share_their_seed() {
    let plan = plan(CHAT);
    let mut seeds = BTreeSet::new();
    for trial in &plan.trials {
        for other in &plan.trials {
            let same = (trial.repeat, trial.clients, trial.publish.rate)
                == (other.repeat, other.clients, other.publish.rate);
            assert_eq!(trial.seed == other.seed, same, "{trial:?} {other:?}");
        }
        seeds.insert(trial.seed);
    }
    assert_eq!(seeds.len(), 12);
}

#[test]
fn the_seed_decides_the_order() {
    let order = |plan: &Plan| -> Vec<String> {
        (plan.trials.iter())
            .map(|trial| format!("{}{:?}", trial.name, trial.parameters()))
            .collect()
    };
    let again = plan(CHAT);
    assert_eq!(order(&plan(CHAT)), order(&again));
    assert_ne!(
        order(&plan(&CHAT.replace("seed = 7", "seed = 8"))),
        order(&again)
    );
    assert_ne!(order(&again)[..12], order(&again)[12..24]);
}

#[test]
fn overrides_take_the_place_of_lists() {
    let overrides = Overrides {
        clients: Some(6),
        duration: Some(Duration::from_secs(9)),
        warm_up: Some(Duration::ZERO),
        repeats: Some(1),
        seed: Some(1),
        only: vec!["websocket".to_owned()],
        ..Overrides::default()
    };
    let plan = Plan::resolve(&scenario(CHAT), &overrides).unwrap();
    assert_eq!(plan.trials.len(), 2);
    let trial = &plan.trials[0];
    assert_eq!((trial.clients, trial.duration.as_secs()), (6, 9));
    assert_eq!(trial.warm_up, Duration::ZERO);
    assert_eq!(plan.scenario.seed, 1);
}

#[test]
fn the_resolved_scenario_resolves_to_the_same_plan() {
    let plan = plan(CHAT);
    let again = scenario(&plan.scenario.to_toml());
    assert_eq!(again, plan.scenario);
    let again = Plan::resolve(&again, &Overrides::default()).unwrap();
    assert_eq!(again.trials, plan.trials);
}

#[test]
fn refusals_name_key_and_remedy() {
    let none = Overrides::default;
    let cases = [
        (
            refusal(&CHAT.replace("[4, 8]", "0"), none()),
            "load.clients: nobody would listen; write clients = 1 or more",
        ),
        (
            refusal(&CHAT.replace("rooms = 2", "rooms = 0"), none()),
            "load.rooms: clients need a room; write rooms = 1 or more",
        ),
        (
            refusal(&CHAT.replace("rooms = 2", "rooms = 5"), none()),
            "load.rooms: 5 rooms for 4 clients leave rooms empty; lower rooms or raise clients",
        ),
        (
            refusal(&CHAT.replace("repeats = 3", "repeats = 0"), none()),
            "load.repeats: nothing would run; write repeats = 1 or more",
        ),
        (
            refusal(&CHAT.replace("\"10/s\"", "1e19"), none()),
            "publish.rate: 60000000000000000000 events in a trial are more than the 50000000 that can be planned ahead; lower rate or duration",
        ),
        (
            refusal(&CHAT.replace("repeats = 3", "duration = \"0s\""), none()),
            "load.duration: nothing would be measured; write duration = \"5s\"",
        ),
        (
            refusal(&CHAT.replace("by =", "payload = \"13B\"\nby ="), none()),
            "publish.payload: 13 bytes have no room for an event's token; write payload = \"14B\" or more",
        ),
        (
            refusal(&CHAT.replace("by =", "payload = \"1MiB\"\nby ="), none()),
            "publish.payload: the server takes events of 64KiB with their JSON; write payload = \"65472B\" or less",
        ),
        (
            refusal(&format!("{CHAT}[trouble]\ncut_at = \"5s\"\n"), none()),
            "trouble.cut_at: 5s is not within the measure window of 5s; cut earlier or lengthen duration",
        ),
        (
            refusal(
                CHAT,
                Overrides {
                    only: vec!["sse".to_owned()],
                    ..none()
                },
            ),
            "no transport is called \"sse\"; the scenario has interval-polling, websocket",
        ),
        (
            refusal(
                CHAT,
                Overrides {
                    admin: Some("http://x".to_owned()),
                    ..none()
                },
            ),
            "--admin: names no server; give --target too",
        ),
        (
            refusal(
                CHAT,
                Overrides {
                    target: Some("me:secret@x".to_owned()),
                    ..none()
                },
            ),
            "target.url: give a base URL such as http://127.0.0.1:8080",
        ),
    ];
    for (found, expected) in cases {
        assert_eq!(found, expected);
    }
}

#[test]
fn credentials_reach_the_target_and_nothing_else() {
    let overrides = Overrides {
        target: Some("http://me:secret@host:1?token=t".to_owned()),
        ..Overrides::default()
    };
    let plan = Plan::resolve(
        &scenario(&format!("{CHAT}[server]\nworkers = 2\n")),
        &overrides,
    )
    .unwrap();
    let target = &plan.targets[0].1;
    assert!(matches!(target, Target::Remote { url, .. } if url.contains("me:secret@")));
    let stored = plan.scenario.target.as_ref().unwrap();
    assert_eq!(stored.url.as_deref(), Some("http://host:1"));
    assert!(!plan.scenario.to_toml().contains("secret"));
    assert_eq!(plan.scenario.server.workers, None);
}

#[test]
fn a_target_over_tls_is_trusted_as_the_flags_say() {
    let over = |target: Option<&str>, cacert: Option<&str>, insecure| Overrides {
        target: target.map(str::to_owned),
        cacert: cacert.map(Into::into),
        insecure,
        ..Overrides::default()
    };
    let trust = |overrides| {
        let plan = Plan::resolve(&scenario(CHAT), &overrides).unwrap();
        match plan.targets[0].1.clone() {
            Target::Remote { trust, .. } => trust,
            Target::Embedded | Target::Described(_) => panic!("a target was given"),
        }
    };
    let secure = Some("https://host");
    assert_eq!(trust(over(secure, None, false)), Trust::System);
    assert_eq!(trust(over(secure, None, true)), Trust::Anyone);
    let file = trust(over(secure, Some("ca.pem"), false));
    assert_eq!(file, Trust::Authority("ca.pem".into()));
    for overrides in [
        over(None, Some("ca.pem"), false),
        over(None, None, true),
        over(Some("http://host"), None, true),
    ] {
        let said = refusal(CHAT, overrides);
        assert!(
            said.contains("--target") || said.contains("https://"),
            "{said}"
        );
    }
}

#[test]
fn a_record_of_tls_is_predicted_for_whatever_is_written_at_once() {
    let bytes = |kind, tls| {
        let mut trial = TrialPlan::new(kind);
        trial.server.tls = tls;
        trial.prediction().bytes_per_s.unwrap()
    };
    // Five clients hear ten events a second each; polls are asked and answered once a second.
    for (kind, records) in [(Transport::Sse, 50.0), (Transport::IntervalPolling, 10.0)] {
        let added = bytes(kind, true) - bytes(kind, false);
        assert!((added - 22.0 * records).abs() < 1e-6, "{kind}: {added}");
    }
}

#[test]
fn ten_thousand_websockets_fit_in_twenty_thousand_descriptors() {
    let text = "name = \"x\"\n[load]\nclients = 10000\n[publish]\nrate = 1\n[[transports]]\nkind = \"websocket\"\n";
    let machine = Limits {
        descriptors: Some(20_000),
        ports: Some(28_232),
    };
    assert_eq!(plan(text).check_limits(&machine), Ok(()));
    let talking = plan(
        &text
            .replace("rate = 1", "rate = 1\nby = \"clients\"")
            .replace("websocket", "sse"),
    );
    assert_eq!(
        talking.check_limits(&machine).unwrap_err().to_string(),
        "sse needs 20,101 file descriptors, the limit is 20,000: raise it with `ulimit -n 20101` or lower clients to 9949"
    );
    let many = plan(&text.replace("10000", "30000"));
    assert_eq!(
        many.check_limits(&Limits {
            descriptors: None,
            ..machine
        })
        .unwrap_err()
        .to_string(),
        "websocket needs 30,001 ports to connect from, this machine gives 28,232: widen them with `sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"` or lower clients to 28231"
    );
}

#[test]
fn predictions_count_what_the_plan_says() {
    let predictions = plan(CHAT).predictions();
    let polling = &predictions[0];
    assert_eq!((polling.connections, polling.fds_generator), (9, 109));
    assert_eq!(polling.deliveries_per_s, 20.0);
    assert_eq!(polling.requests_per_s, Some(20.0));
    let idle_websocket = &predictions[11];
    assert_eq!(idle_websocket.connections, 9);
    assert_eq!(idle_websocket.requests_per_s, None);
    assert_eq!(idle_websocket.bytes_per_s, Some(0.0));
}

#[test]
fn heads_of_a_size_must_have_room_for_what_stands_in_them() {
    let with = |sizes: &str, kind: &str| {
        let entry = format!("kind = \"{kind}\"\nheaders = {sizes}\n");
        CHAT.replace("kind = \"websocket\"\n", &entry)
    };
    let sizes = |request, response| format!("{{ request = {request}, response = {response} }}");
    let refused = refusal(&with(&sizes(90, 350), "sse"), Overrides::default());
    assert!(
        refused.starts_with("transports.headers.request: a request of sse takes up to 1"),
        "{refused}"
    );
    assert_eq!(
        refusal(&with(&sizes(500, 125), "sse"), Overrides::default()),
        "transports.headers.response: the head of an answer takes up to 126 bytes; write response = 126 or more"
    );
    let plan = plan(&with(&sizes(500, 134), "sse"));
    let streamed = plan.sets.iter().find(|trial| trial.name == "sse").unwrap();
    assert_eq!(
        streamed.server.lab_headers,
        Some(pushlab_server::wire::lab_headers::LabHeaders::Bytes(134))
    );
    assert_eq!(plan.sets[0].server.lab_headers, None);
}

#[test]
fn every_round_trip_sweeps_and_bears_the_same_events() {
    let swept = format!("{CHAT}[link]\npreset = \"4g\"\nrtt = [\"50ms\", \"100ms\"]\n");
    let plan = plan(&swept);
    assert_eq!(plan.sets.len(), 24);
    let bandwidth = Some(20_000_000 / 8);
    assert!((plan.sets.iter()).all(|trial| trial.link.bytes_per_s == bandwidth));
    let rtts: BTreeSet<u64> = (plan.trials.iter())
        .map(|trial| (trial.parameters().rtt_s.unwrap() * 1000.0) as u64)
        .collect();
    assert_eq!(rtts, BTreeSet::from([50, 100]));
    // 2 clients × 2 rates × 3 repeats: the line draws nothing.
    let seeds: BTreeSet<u64> = plan.trials.iter().map(|trial| trial.seed).collect();
    assert_eq!(seeds.len(), 12);
}

#[test]
fn flags_take_the_place_of_the_line() {
    let linked = format!("{CHAT}[link]\nrtt = \"10ms\"\njitter = \"5ms\"\n");
    let line = |text: &str, link, rtt_ms: Option<u64>| {
        let overrides = Overrides {
            link,
            rtt: rtt_ms.map(Duration::from_millis),
            ..Overrides::default()
        };
        Plan::resolve(&scenario(text), &overrides)
            .map(|plan| plan.sets[0].link.clone())
            .map_err(|error| error.to_string())
    };
    let preset = |preset| Some(LinkChoice::Preset(preset));
    assert!(line(CHAT, None, None).unwrap().is_none());
    assert!(
        line(&linked, Some(LinkChoice::None), None)
            .unwrap()
            .is_none()
    );
    let milliseconds = |line: LinkPlan| (line.rtt.as_millis(), line.jitter.as_millis());
    assert_eq!(milliseconds(line(CHAT, None, Some(100)).unwrap()), (100, 0));
    assert_eq!(
        milliseconds(line(&linked, None, Some(100)).unwrap()),
        (100, 5)
    );
    let satellite = line(&linked, preset(LinkPreset::Satellite), Some(500)).unwrap();
    assert_eq!(milliseconds(satellite), (500, 20));
    assert_eq!(
        line(&linked, None, Some(4)),
        Err("link: jitter: a jitter of 5ms is more than half of the rtt of 4ms, so events would arrive before they are sent; write jitter = \"2ms\" or less, or a longer rtt".to_owned())
    );
}

#[test]
fn a_plan_that_ended_early_asks_for_what_ran() {
    let plan = plan(CHAT);
    let part = plan.until(30);
    assert_eq!((part.trials.len(), part.sets.len()), (30, 12));
    assert_eq!(
        part.scenario.load.repeats, 2,
        "the third round is not whole"
    );
    let begun = plan.until(5);
    assert_eq!((begun.sets.len(), begun.scenario.load.repeats), (5, 1));
}
