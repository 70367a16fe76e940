//! `[expect]` as written: figures and the thresholds they must keep. It knows whether each can be
//! understood; what they compare is decided with the plan, by `crate::expect`.

use super::sweep::OneOrMany;
use super::units::Time;
use super::{Misfit, misfit};
use crate::expect::{Expression, Fault, mentions};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What decides the exit code: figures, alone or after a transport's name, and their thresholds
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Expect(BTreeMap<String, OneOrMany<ThresholdEntry>>);

/// `"< 200ms"`, or the same with what is to happen where it fails.
#[derive(Clone, Debug, PartialEq)]
pub struct ThresholdEntry {
    pub threshold: String,
    pub abort_on_fail: bool,
    pub delay_abort_eval: Option<Time>,
}

impl ThresholdEntry {
    pub fn new(threshold: impl Into<String>) -> Self {
        ThresholdEntry {
            threshold: threshold.into(),
            abort_on_fail: false,
            delay_abort_eval: None,
        }
    }

    pub fn delay(&self) -> Duration {
        self.delay_abort_eval.map_or(Duration::ZERO, |time| time.0)
    }
}

impl Expect {
    pub fn thresholds(&self) -> impl Iterator<Item = (&str, &ThresholdEntry)> {
        (self.0.iter()).flat_map(|(key, entries)| {
            (entries.values().iter()).map(move |entry| (key.as_str(), entry))
        })
    }

    /// Of keys and thresholds, as flags give them.
    pub fn of(thresholds: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut all: BTreeMap<String, Vec<ThresholdEntry>> = BTreeMap::new();
        for (key, threshold) in thresholds {
            let entry = ThresholdEntry::new(threshold);
            let entries = all.entry(key).or_default();
            if !entries.contains(&entry) {
                entries.push(entry);
            }
        }
        let whole = |entries| OneOrMany::several(entries).expect("each key has an entry");
        Expect(
            (all.into_iter())
                .map(|(key, entries)| (key, whole(entries)))
                .collect(),
        )
    }

    /// Takes out what names a transport that does not run, and returns it as written.
    pub(crate) fn leave_out(&mut self, transports: &[String], left_out: &[String]) -> Vec<String> {
        let mut gone = Vec::new();
        let all = std::mem::take(&mut self.0);
        for (key, entries) in all {
            let (names_them, kept): (Vec<_>, Vec<_>) = (entries.values().iter().cloned())
                .partition(|entry| mentions(&key, &entry.threshold, transports, left_out));
            gone.extend((names_them.iter()).map(|entry| format!("{key} {}", entry.threshold)));
            if let Some(kept) = OneOrMany::several(kept) {
                self.0.insert(key, kept);
            }
        }
        gone
    }

    pub(super) fn check(&self, transports: &[String]) -> Result<(), Misfit> {
        for (key, entries) in &self.0 {
            for (at, entry) in entries.values().iter().enumerate() {
                let at = at.to_string();
                match Expression::parse(key, &entry.threshold, transports) {
                    Ok(_) if entry.delay_abort_eval.is_some() && !entry.abort_on_fail => {
                        return misfit(
                            &["expect", key, &at],
                            "\"delay_abort_eval\" does nothing without abort_on_fail = true; remove it or add that",
                        );
                    }
                    Ok(_) => {}
                    Err(Fault::Key(problem)) => return misfit(&["expect", key], problem),
                    Err(Fault::Threshold(problem)) => {
                        return misfit(&["expect", key, &at], problem);
                    }
                }
            }
        }
        Ok(())
    }
}

impl Serialize for ThresholdEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !self.abort_on_fail && self.delay_abort_eval.is_none() {
            return self.threshold.serialize(serializer);
        }
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("threshold", &self.threshold)?;
        map.serialize_entry("abort_on_fail", &self.abort_on_fail)?;
        if let Some(delay) = &self.delay_abort_eval {
            map.serialize_entry("delay_abort_eval", delay)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for ThresholdEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EntryVisitor)
    }
}

/// By hand rather than untagged, for its errors name place and remedy.
struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = ThresholdEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a threshold such as \"< 200ms\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ThresholdEntry, E> {
        Ok(ThresholdEntry::new(text))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ThresholdEntry, A::Error> {
        let mut entry = ThresholdEntry::new("");
        let mut given = false;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "threshold" => {
                    entry.threshold = map.next_value()?;
                    given = true;
                }
                "abort_on_fail" => entry.abort_on_fail = map.next_value()?,
                "delay_abort_eval" => entry.delay_abort_eval = Some(map.next_value()?),
                other => {
                    return Err(de::Error::custom(format!(
                        "\"{other}\" is none of threshold, abort_on_fail, delay_abort_eval; a name \
                         with dots needs quotes: \"websocket.latency.p99\" = [\"< 50ms\"]"
                    )));
                }
            }
        }
        if !given {
            return Err(de::Error::custom(
                "no threshold; add threshold = \"< 200ms\"",
            ));
        }
        Ok(entry)
    }
}

impl JsonSchema for ThresholdEntry {
    fn schema_name() -> Cow<'static, str> {
        "Threshold".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let time = generator.subschema_for::<Time>();
        json_schema!({
            "anyOf": [
                {
                    "description": "An operator and what to compare with: < 200ms, == 0, < 0.5 * interval-polling.latency.p99, p(99)<200",
                    "type": "string",
                    "pattern": "[<>=!]"
                },
                {
                    "type": "object",
                    "properties": {
                        "threshold": { "type": "string", "pattern": "[<>=!]" },
                        "abort_on_fail": {
                            "description": "Ends the run after the first trial that makes it fail",
                            "type": "boolean"
                        },
                        "delay_abort_eval": time
                    },
                    "required": ["threshold"],
                    "additionalProperties": false
                }
            ]
        })
    }
}
