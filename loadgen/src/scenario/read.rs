//! From the text of a scenario to a [`Scenario`], or to an error that names file, line, column, key
//! and remedy. Positions come from the TOML parser; what serde says is put in a person's words.

use super::{Misfit, Scenario};
use std::fs;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Why a scenario cannot be used. Messages are whole: `file:line:column: what, and what to do`.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    #[error("{file}: {cause}; give the path of a scenario, or write one: `loadgen new {file}`")]
    Unreadable { file: String, cause: std::io::Error },
    #[error("{place}: {message}\n{snippet}")]
    Syntax {
        place: Place,
        message: String,
        /// The line and a caret below it.
        snippet: String,
    },
    #[error(
        "{place}: unknown key \"{key}\" {section}; {}",
        remedy(nearest, "remove it; `loadgen schema` lists what there is")
    )]
    UnknownKey {
        place: Place,
        key: String,
        /// `in [load]`
        section: String,
        nearest: Option<String>,
    },
    #[error(
        "{place}: unknown value \"{value}\" for {key}; {}",
        remedy(nearest, &format!("use one of {}", known.join(", ")))
    )]
    UnknownValue {
        place: Place,
        key: String,
        value: String,
        known: Vec<String>,
        nearest: Option<String>,
    },
    #[error("{place}: {section} lacks \"{key}\"; add {example}")]
    MissingKey {
        place: Place,
        key: String,
        section: String,
        example: &'static str,
    },
    #[error("{place}: {key}: {problem}")]
    Value {
        place: Place,
        /// From the top, such as `load.duration`.
        key: String,
        problem: String,
    },
}

/// `file:line:column`, counted from 1, columns in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub file: String,
    pub line: usize,
    pub column: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

fn remedy(nearest: &Option<String>, otherwise: &str) -> String {
    match nearest {
        Some(nearest) => format!("did you mean \"{nearest}\"?"),
        None => otherwise.to_owned(),
    }
}

impl Scenario {
    pub fn read(path: &Path) -> Result<Self, ScenarioError> {
        let file = path.display().to_string();
        match fs::read_to_string(path) {
            Ok(text) => Scenario::parse(&text, &file),
            Err(cause) => Err(ScenarioError::Unreadable { file, cause }),
        }
    }

    /// `file` is only named in errors.
    pub fn parse(text: &str, file: &str) -> Result<Self, ScenarioError> {
        let source = Source { text, file };
        let document = DeTable::parse(text).map_err(|error| source.syntax(&error))?;
        let scenario: Scenario =
            toml::from_str(text).map_err(|error| source.explain(&error, document.get_ref()))?;
        match scenario.check() {
            Ok(()) => Ok(scenario),
            Err(misfit) => Err(source.refuse(misfit, document.get_ref())),
        }
    }

    /// The scenario as TOML that `parse` reads back.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a scenario holds nothing that TOML cannot say")
    }
}

struct Source<'a> {
    text: &'a str,
    file: &'a str,
}

impl Source<'_> {
    fn place(&self, at: usize) -> Place {
        let before = &self.text[..at.min(self.text.len())];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Place {
            file: self.file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }

    fn syntax(&self, error: &toml::de::Error) -> ScenarioError {
        let span = error.span().unwrap_or(0..0);
        let place = self.place(span.start);
        let line = self.text.lines().nth(place.line - 1).unwrap_or_default();
        // Tabs stay tabs, so that the caret stands below its character.
        let indent: String = (line.chars().take(place.column - 1))
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        ScenarioError::Syntax {
            message: error.message().replace('\n', ", "),
            snippet: format!("    {line}\n    {indent}^"),
            place,
        }
    }

    /// Valid TOML that is no scenario. serde's sentences are matched because its error type has no
    /// fields; the tests below hold them fast.
    fn explain(&self, error: &toml::de::Error, document: &DeTable<'_>) -> ScenarioError {
        let message = error.message();
        let span = error.span().unwrap_or(0..0);
        let place = self.place(span.start);
        let path = path_of(document, &span);
        let mut quoted = message.split('`').skip(1).step_by(2).map(str::to_owned);
        let mut named = || quoted.next().unwrap_or_default();
        if message.starts_with("unknown field") {
            let (key, known) = (named(), quoted.collect::<Vec<_>>());
            return ScenarioError::UnknownKey {
                place,
                section: match &path[..path.len().saturating_sub(1)] {
                    [] => "at the top level".to_owned(),
                    path => format!("in {}", header(path)),
                },
                nearest: nearest(&key, &known),
                key,
            };
        }
        if message.starts_with("unknown variant") {
            let (value, known) = (named(), quoted.collect::<Vec<_>>());
            return ScenarioError::UnknownValue {
                place,
                key: dotted(&path),
                nearest: nearest(&value, &known),
                value,
                known,
            };
        }
        if message.starts_with("missing field") {
            let key = named();
            return ScenarioError::MissingKey {
                place,
                section: header(&path),
                example: example(&key),
                key,
            };
        }
        ScenarioError::Value {
            place,
            key: dotted(&path),
            problem: in_plain_words(message),
        }
    }

    fn refuse(&self, misfit: Misfit, document: &DeTable<'_>) -> ScenarioError {
        ScenarioError::Value {
            place: self.place(start_of(document, &misfit.path)),
            key: dotted(&misfit.path),
            problem: misfit.problem,
        }
    }
}

/// The path of the key or value at `span`; empty for the whole document.
fn path_of(table: &DeTable<'_>, span: &Range<usize>) -> Vec<String> {
    let mut path = Vec::new();
    for (key, value) in table {
        path.push(key.get_ref().to_string());
        if key.span() == *span || finds(value, span, &mut path) {
            return path;
        }
        path.pop();
    }
    path
}

fn finds(value: &Spanned<DeValue<'_>>, span: &Range<usize>, path: &mut Vec<String>) -> bool {
    if let DeValue::Array(list) = value.get_ref() {
        for (at, item) in list.iter().enumerate() {
            path.push(at.to_string());
            if finds(item, span, path) {
                return true;
            }
            path.pop();
        }
    }
    if let DeValue::Table(table) = value.get_ref() {
        let inner = path_of(table, span);
        if !inner.is_empty() {
            path.extend(inner);
            return true;
        }
    }
    value.span() == *span
}

/// Where the deepest part of `path` that stands in the document begins.
fn start_of(table: &DeTable<'_>, path: &[String]) -> usize {
    let Some((first, rest)) = path.split_first() else {
        return 0;
    };
    let Some((key, value)) = table.iter().find(|(key, _)| key.get_ref() == first) else {
        return 0;
    };
    let (mut start, mut value, mut rest) = (key.span().start, value, rest);
    while let Some((step, after)) = rest.split_first() {
        rest = after;
        value = match value.get_ref() {
            DeValue::Table(table) => {
                let Some((key, inner)) = table.iter().find(|(key, _)| key.get_ref() == step) else {
                    return start;
                };
                start = key.span().start;
                inner
            }
            DeValue::Array(list) => {
                let Some(item) = step.parse().ok().and_then(|at: usize| list.get(at)) else {
                    return start;
                };
                start = item.span().start;
                item
            }
            DeValue::String(_)
            | DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_) => return start,
        };
    }
    start
}

/// `["transports", "2", "interval"]` → `transports[2].interval`, counted from 0 as the TOML does.
fn dotted(path: &[String]) -> String {
    path.iter().fold(String::new(), |mut text, step| {
        if step.bytes().all(|b| b.is_ascii_digit()) {
            text.push_str(&format!("[{step}]"));
        } else {
            if !text.is_empty() {
                text.push('.');
            }
            text.push_str(step);
        }
        text
    })
}

/// As the header of the table is written.
fn header(path: &[String]) -> String {
    match path {
        [] => "the scenario".to_owned(),
        [list, index] if index.bytes().all(|b| b.is_ascii_digit()) => format!("[[{list}]]"),
        _ => format!("[{}]", path.join(".")),
    }
}

/// Close enough to be a slip of the hand.
fn nearest(word: &str, known: &[String]) -> Option<String> {
    known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.clone())
}

fn example(key: &str) -> &'static str {
    match key {
        "name" => "name = \"my-run\"",
        "load" => "[load] with clients = 100",
        "clients" => "clients = 100",
        "publish" => "[publish] with rate = \"20/s\"",
        "rate" => "rate = \"20/s\"",
        "transports" => "[[transports]] with kind = \"websocket\"",
        "kind" => "kind = \"websocket\"",
        "url" => "url = \"http://127.0.0.1:8080\"",
        _ => "it",
    }
}

fn in_plain_words(message: &str) -> String {
    let message = message
        .replace("expected u64", "expected a whole number from 0")
        .replace("expected u32", "expected a whole number from 0")
        .replace("expected u16", "expected a whole number from 0");
    if message.contains("invalid type: sequence") {
        return format!(
            "{message}; only clients, rooms, rate, payload, interval and hold take a list"
        );
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let cases: [(String, &str); 19] = [
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
                "x.toml:4:11: load.repeats: invalid type: sequence, expected a whole number from 0; only clients, rooms, rate, payload, interval and hold take a list",
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
                format!("{GOOD}[expect]\nlost = [\"== 0\"]\n"),
                "x.toml:8:2: unknown key \"expect\" at the top level; remove it; `loadgen schema` lists what there is",
            ),
            (
                format!("{GOOD}[server]\nworkers = 2\n[target]\nurl = \"http://x\"\n"),
                "x.toml:9:1: server.workers: \"workers\" is for the embedded server; remove it, or remove [target]",
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
    fn every_setting_survives_its_toml() {
        let text = "name = \"all\"\ntitle = \"Größe 峡谷\"\nseed = 7\n[load]\nclients = [10, 20]\nrooms = [1, 2]\nramp = \"250ms\"\nwarm_up = \"0s\"\nduration = \"1m30s\"\nrepeats = 3\ngraceful_stop = \"5s\"\n[publish]\nrate = [\"0.5/s\", 10]\narrivals = \"burst\"\nburst = 50\npayload = [\"128B\", \"1KiB\"]\nby = \"clients\"\n[[transports]]\nkind = \"interval-polling\"\ninterval = [\"200ms\", \"1s\"]\nconditional = true\n[[transports]]\nkind = \"long-polling\"\nname = \"held\"\nhold = \"25s\"\nresume = false\n[[transports]]\nkind = \"websocket\"\nsubprotocol = \"msgpack\"\n[server]\nworkers = 2\nhistory = 100\nhistory_bytes = \"1MiB\"\nbare = true\nhold_jitter = 0.0\n[trouble]\ncut_at = [\"1s\", \"2s\"]\n";
        let scenario = Scenario::parse(text, "all.toml").unwrap();
        let again = Scenario::parse(&scenario.to_toml(), "again.toml").unwrap();
        assert_eq!(again, scenario);
    }
}
