//! From the text of a scenario to a [`Scenario`], or to an error that names file, line, column, key
//! and remedy. Positions come from the TOML parser; what serde says is put in a person's words.

use super::{Misfit, Scenario, misfit};
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
    #[error("{place}: unknown value \"{value}\" for {key}; {remedy}")]
    UnknownValue {
        place: Place,
        key: String,
        value: String,
        remedy: String,
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
            Ok(text) => Scenario::parse_in(&text, &file, path.parent()),
            Err(cause) => Err(ScenarioError::Unreadable { file, cause }),
        }
    }

    /// `file` is only named in errors.
    pub fn parse(text: &str, file: &str) -> Result<Self, ScenarioError> {
        Scenario::parse_in(text, file, None)
    }

    /// With the files that it names, if it stands in a folder.
    fn parse_in(text: &str, file: &str, folder: Option<&Path>) -> Result<Self, ScenarioError> {
        let source = Source { text, file };
        let document = DeTable::parse(text).map_err(|error| source.syntax(&error))?;
        let mut scenario: Scenario =
            toml::from_str(text).map_err(|error| source.explain(&error, document.get_ref()))?;
        scenario.set_folder(folder);
        let read = folder.map_or(Ok(()), |folder| scenario.read_named_files(folder));
        match read.and_then(|()| scenario.check()) {
            Ok(()) => Ok(scenario),
            Err(misfit) => Err(source.refuse(misfit, document.get_ref())),
        }
    }

    /// Where commands run: beside the file, or where this program was started.
    fn set_folder(&mut self, folder: Option<&Path>) {
        let own = self
            .transports
            .iter_mut()
            .filter_map(|entry| entry.target.as_mut());
        for target in own.chain(self.target.as_mut()) {
            target.folder = folder.unwrap_or(Path::new("")).to_owned();
        }
    }

    fn read_named_files(&mut self, folder: &Path) -> Result<(), Misfit> {
        let Some(gateway) = &mut self.gateway else {
            return Ok(());
        };
        if gateway.configuration.is_some() {
            return Ok(());
        }
        match fs::read_to_string(folder.join(&gateway.nginx)) {
            Ok(text) => gateway.configuration = Some(text),
            Err(cause) => {
                return misfit(
                    &["gateway", "nginx"],
                    format!(
                        "{} cannot be read ({cause}); give the path of a configuration from the scenario's folder",
                        gateway.nginx
                    ),
                );
            }
        }
        Ok(())
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
                remedy: remedy(
                    &nearest(&value, &known),
                    &format!("use one of {}", known.join(", ")),
                ),
                value,
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
pub(crate) fn nearest(word: &str, known: &[String]) -> Option<String> {
    known
        .iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate.clone())
}

fn example(key: &str) -> &'static str {
    match key {
        "every" => "every = \"5s\"",
        "lasts" => "lasts = \"500ms\"",
        "name" => "name = \"my-run\"",
        "load" => "[load] with clients = 100",
        "clients" => "clients = 100",
        "publish" => "[publish] with rate = \"20/s\"",
        "rate" => "rate = \"20/s\"",
        "transports" => "[[transports]] with kind = \"websocket\"",
        "kind" => "kind = \"websocket\"",
        "nginx" => "nginx = \"deploy/nginx.conf\"",
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
            "{message}; only clients, rooms, rate, payload, interval, hold and rtt take a list"
        );
    }
    message
}
