//! The scenarios that come with pushlab, and their schema. `UPDATE=1 cargo test` rewrites it.

use super::loadgen;
use loadgen::plan::{Overrides, Plan};
use loadgen::scenario::{self, Scenario};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn scenarios() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

fn shipped() -> Vec<(String, PathBuf)> {
    scenarios_of(&scenarios())
}

fn lessons() -> Vec<(String, PathBuf)> {
    scenarios_of(&scenarios().join("lessons"))
}

fn scenarios_of(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut shipped: Vec<(String, PathBuf)> = (fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path))
        .collect();
    shipped.sort();
    shipped
}

fn plan(path: &Path) -> Plan {
    Plan::resolve(&Scenario::read(path).unwrap(), &Overrides::default()).unwrap()
}

#[test]
fn the_schema_on_disk_is_the_one_that_loadgen_prints() {
    let path = scenarios().join("scenario.schema.json");
    let generated = scenario::schema_text();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &generated).unwrap();
    }
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        generated,
        "run again with UPDATE=1"
    );
    let printed = loadgen(&scenarios()).arg("schema").output().unwrap().stdout;
    assert_eq!(String::from_utf8(printed).unwrap(), generated);
}

fn schema() -> jsonschema::Validator {
    jsonschema::validator_for(&serde_json::from_str(&scenario::schema_text()).unwrap()).unwrap()
}

#[test]
fn every_shipped_scenario_is_called_as_its_file_and_fits_the_schema() {
    let schema = schema();
    let names: Vec<String> = shipped().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "aquilio",
            "burst",
            "chat",
            "crossover",
            "delft",
            "fan-out",
            "gateway",
            "hpbn",
            "idle",
            "kaazing",
            "kaazing-latency",
            "mal",
            "notifications",
            "reconnect-storm",
            "rfc6202-transits",
            "smoke",
            "socketio",
            "storm",
            "ticker",
            "tls"
        ]
    );
    for (name, path) in shipped() {
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("#:schema ./scenario.schema.json\n# "),
            "{name}"
        );
        let value: serde_json::Value = toml::from_str(&text).unwrap();
        let errors: Vec<String> = schema.iter_errors(&value).map(|e| e.to_string()).collect();
        assert_eq!(errors, [""; 0], "{name}");
        let plan = plan(&path);
        assert_eq!(plan.scenario.name.as_str(), name);
        let resolved = serde_json::to_value(&plan.scenario).unwrap();
        assert!(schema.is_valid(&resolved), "{name} as resolved");
    }
}

#[test]
fn others_servers_are_measured_beside_ours_by_commands_that_stand_there() {
    let schema = schema();
    let folder = scenarios().join("peers");
    let names: Vec<String> = scenarios_of(&folder)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["idle-peers", "peers"]);
    for (name, path) in scenarios_of(&folder) {
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("#:schema ../scenario.schema.json\n# "),
            "{name}"
        );
        let value: serde_json::Value = toml::from_str(&text).unwrap();
        let errors: Vec<String> = schema.iter_errors(&value).map(|e| e.to_string()).collect();
        assert_eq!(errors, [""; 0], "{name}");
        let plan = plan(&path);
        assert_eq!(plan.scenario.name.as_str(), name);
        let servers = ["node-", "nchan-", "pushlab-"];
        for entry in &plan.scenario.transports {
            let named = entry.name().to_string();
            let foreign = entry
                .target
                .as_ref()
                .and_then(|target| target.command.as_ref());
            assert_eq!(foreign.is_none(), named.starts_with("pushlab-"), "{named}");
            assert!(
                servers.iter().any(|server| named.starts_with(server)),
                "{named}"
            );
            for file in foreign
                .into_iter()
                .flatten()
                .filter(|word| word.contains('.'))
            {
                assert!(folder.join(file).is_file(), "{named}: {file}");
            }
        }
    }
}

#[test]
fn every_lesson_is_a_claim_that_can_fail_and_is_short() {
    let schema = schema();
    let mut all = Duration::ZERO;
    for (name, path) in lessons() {
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("#:schema ../scenario.schema.json\n# "),
            "{name}"
        );
        for part in ["\n# Taught by: ", "\n# Expected", "\n# Tolerance: "] {
            assert!(
                text.contains(part) || name.starts_with("l12-"),
                "{name}: {part}"
            );
        }
        let value: serde_json::Value = toml::from_str(&text).unwrap();
        let errors: Vec<String> = schema.iter_errors(&value).map(|e| e.to_string()).collect();
        assert_eq!(errors, [""; 0], "{name}");
        let plan = plan(&path);
        assert_eq!(plan.scenario.name.as_str(), name);
        assert!(plan.scenario.title.is_some(), "{name}");
        // More than that nothing was lost, or that would be all it can find wrong.
        assert!(plan.checks.len() > plan.sets.len(), "{name}");
        all += plan.estimated_time();
    }
    for lesson in (1..=18).chain([21]) {
        let prefix = format!("l{lesson:02}-");
        assert!(
            lessons().iter().any(|(name, _)| name.starts_with(&prefix)),
            "{prefix}"
        );
    }
    assert!(all < Duration::from_secs(540), "{all:?}");
}

#[test]
fn the_schema_refuses_what_the_reader_refuses() {
    let schema = schema();
    let good =
        "name = \"x\"\n[load]\nclients = 5\n[publish]\nrate = 1\n[[transports]]\nkind = \"sse\"\n";
    let fits = |text: &str| schema.is_valid(&toml::from_str::<serde_json::Value>(text).unwrap());
    assert!(fits(good));
    for (from, to) in [
        ("clients = 5", "clients = 5\nduration = 5"),
        ("clients = 5", "clients = []"),
        ("clients", "cleints"),
        ("\"sse\"", "\"pigeon\""),
        ("rate = 1", "rate = -1"),
        ("rate = 1", "rate = \"fast\""),
        ("\"x\"", "\"a b\""),
        ("\"sse\"", "\"sse\"\n[expect]\nlost = \"0\""),
        ("\"sse\"", "\"sse\"\n[expect]\nlost = []"),
        (
            "\"sse\"",
            "\"sse\"\n[expect]\nlost = { abort_on_fail = true }",
        ),
    ] {
        let text = good.replace(from, to);
        assert!(!fits(&text), "{text}");
        assert!(Scenario::parse(&text, "x").is_err(), "{text}");
    }
}

#[test]
fn the_plans_last_as_long_as_their_comments_say() {
    let lasts = |name: &str| plan(&scenarios().join(format!("{name}.toml"))).estimated_time();
    assert!(
        lasts("smoke") < Duration::from_secs(10),
        "{:?}",
        lasts("smoke")
    );
    assert!(
        lasts("chat") < Duration::from_secs(240),
        "{:?}",
        lasts("chat")
    );
}
