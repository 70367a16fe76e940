//! What was not the same when two runs were taken, key by key: settings that change what a figure
//! means, and the machine. What is being compared (the server, its version and compiler, the
//! revision) may differ; so may names, notes, the seed and how often a trial was repeated.

use crate::results::{Environment, Results};
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// A key of `results.json` and its value on both sides; `None` where it is absent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    pub key: String,
    pub a: Option<String>,
    pub b: Option<String>,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "not set".to_owned());
        write!(out, "{}: {} | {}", self.key, side(&self.a), side(&self.b))
    }
}

/// Of a scenario, by the first words of their keys: they name, judge, repeat or draw, or say where
/// the server is, and leave what a figure means as it is.
const SCENARIO_MAY: [&str; 7] = [
    "name",
    "title",
    "seed",
    "load.repeats",
    "expect",
    "target.url",
    "target.admin",
];

/// Of an environment: what is compared, notes, and what bears on no figure.
const ENVIRONMENT_MAY: [&str; 10] = [
    "loadgen_version",
    "rustc",
    "git_revision",
    "git_dirty",
    "target",
    "target_version",
    "labels",
    "memory_bytes",
    "fd_limit",
    "load_average",
];

/// Everything that must not differ and does.
pub fn differences(a: &Results, b: &Results) -> Vec<Difference> {
    let mut all = of_scenarios(&a.scenario, &b.scenario);
    all.extend(of_environments(&a.environment, &b.environment));
    all
}

/// As resolved.
pub fn of_scenarios(a: &Value, b: &Value) -> Vec<Difference> {
    let mut found = unlike("scenario", a, b, &SCENARIO_MAY);
    // Another server is the very thing compared; a fresh one a trial against one that runs is not.
    let target = |scenario: &Value| match scenario.get("target") {
        Some(_) => "one that runs already".to_owned(),
        None => "embedded, fresh for each trial".to_owned(),
    };
    let (of_a, of_b) = (target(a), target(b));
    if of_a != of_b {
        found.push(Difference {
            key: "scenario.target".to_owned(),
            a: Some(of_a),
            b: Some(of_b),
        });
    }
    found
}

pub fn of_environments(a: &Environment, b: &Environment) -> Vec<Difference> {
    let json = |environment: &Environment| {
        serde_json::to_value(environment)
            .expect("an environment holds nothing but texts and numbers")
    };
    unlike("environment", &json(a), &json(b), &ENVIRONMENT_MAY)
}

fn unlike(top: &str, a: &Value, b: &Value, may: &[&str]) -> Vec<Difference> {
    let (a, b) = (flat(a), flat(b));
    let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let differing = keys.into_iter().filter(|key| a.get(*key) != b.get(*key));
    let counted = differing.filter(|key| !may.iter().any(|free| is_within(key, free)));
    counted
        .map(|key| Difference {
            key: format!("{top}.{key}"),
            a: a.get(key).cloned(),
            b: b.get(key).cloned(),
        })
        .collect()
}

fn is_within(key: &str, free: &str) -> bool {
    key.strip_prefix(free)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Leaves by their path. Transports go by their names, for leaving one out moves the others up.
fn flat(value: &Value) -> BTreeMap<String, String> {
    let mut leaves = BTreeMap::new();
    flatten("", value, &mut leaves);
    leaves
}

fn flatten(path: &str, value: &Value, leaves: &mut BTreeMap<String, String>) {
    let below = |key: &str| match path.is_empty() {
        true => key.to_owned(),
        false => format!("{path}.{key}"),
    };
    match value {
        Value::Null => {}
        Value::Object(entries) => {
            for (key, value) in entries {
                flatten(&below(key), value, leaves);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (at, item) in items.iter().enumerate() {
                let name = item.get("name").and_then(Value::as_str);
                let key = name.map_or_else(|| at.to_string(), str::to_owned);
                flatten(&below(&key), item, leaves);
            }
        }
        Value::String(text) => drop(leaves.insert(path.to_owned(), text.clone())),
        Value::Array(_) | Value::Bool(_) | Value::Number(_) => {
            drop(leaves.insert(path.to_owned(), value.to_string()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn said(a: &Value, b: &Value) -> Vec<String> {
        let found = of_scenarios(a, b);
        found.iter().map(Difference::to_string).collect()
    }

    #[test]
    fn what_changes_a_figures_meaning_is_named_key_by_key() {
        let a = json!({"name": "x", "load": {"clients": 5, "repeats": 5}, "transports": [
            {"name": "sse", "kind": "sse"}, {"name": "ws", "kind": "websocket", "resume": true}]});
        let mut b = a.clone();
        assert!(said(&a, &b).is_empty());
        b["load"]["clients"] = json!([5, 10]);
        b["transports"][0] = json!({"name": "ws", "kind": "websocket", "resume": false});
        b["transports"].as_array_mut().unwrap().pop();
        assert_eq!(
            said(&a, &b),
            [
                "scenario.load.clients: 5 | [5,10]",
                "scenario.transports.sse.kind: sse | not set",
                "scenario.transports.sse.name: sse | not set",
                "scenario.transports.ws.resume: true | false",
            ]
        );
    }

    #[test]
    fn names_seeds_repeats_thresholds_and_addresses_may_differ() {
        let a = json!({"name": "x", "seed": 1, "load": {"repeats": 5},
            "target": {"url": "http://127.0.0.1:1"}});
        let b = json!({"name": "y", "title": "峡谷", "seed": 2, "load": {"repeats": 9},
            "expect": {"lost": ["== 0"]},
            "target": {"url": "http://127.0.0.1:2", "admin": "http://127.0.0.1:3"}});
        assert!(said(&a, &b).is_empty());
        let embedded = json!({"name": "x", "seed": 1, "load": {"repeats": 5}});
        assert_eq!(
            said(&a, &embedded),
            ["scenario.target: one that runs already | embedded, fresh for each trial"]
        );
        // A key is not free because a free one begins it.
        assert_eq!(said(&json!({"seeds": 1}), &json!({"seeds": 2})).len(), 1);
    }

    #[test]
    fn another_machine_is_named_and_another_revision_is_not() {
        let a = Environment {
            cpu: Some("EPYC".to_owned()),
            cores: 2,
            sysctls: BTreeMap::from([("net.core.somaxconn".to_owned(), "4096".to_owned())]),
            git_revision: Some("a".to_owned()),
            ..Environment::default()
        };
        let mut b = a.clone();
        b.git_revision = Some("b".to_owned());
        b.labels.insert("branch".to_owned(), "main".to_owned());
        assert!(of_environments(&a, &b).is_empty());
        b.cores = 8;
        b.cpu = None;
        b.sysctls.clear();
        let found = of_environments(&a, &b);
        let said: Vec<String> = found.iter().map(Difference::to_string).collect();
        assert_eq!(
            said,
            [
                "environment.cores: 2 | 8",
                "environment.cpu: EPYC | not set",
                "environment.sysctls.net.core.somaxconn: 4096 | not set",
            ]
        );
    }
}
