//! `[target]`: a server that is not the embedded one, by the dialect that it speaks, and where it comes
//! from: it runs already, or a command starts it for each trial. A transport may have a target of its
//! own, key by key. `$NAME` stands for a variable of the environment; nothing is looked up here.

use super::{Load, Misfit, Publish, Speaker, TransportEntry, is_default, misfit};
use pushlab_server::wire::transport::Transport;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use strum::{Display, EnumString, VariantNames};

/// What a server understands
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    Display,
    EnumString,
    VariantNames,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum Dialect {
    #[default]
    Pushlab,
    Socketio,
    Websocket,
    Sse,
    Nchan,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetEntry {
    /// What it speaks: ours, Socket.IO, a WebSocket broadcast, an EventSource with a POST, or Nchan
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect: Option<Dialect>,
    /// Such as http://127.0.0.1:8080 or https://example.org; {port} is the port that a command was given
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Where its /lab/usage is, if not on the public port
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<String>,
    /// Certificates in PEM that https URLs are trusted by; those of this system unless given
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// Whoever answers at an https URL is believed to be the server
    #[serde(default, skip_serializing_if = "is_default")]
    pub insecure: bool,
    /// Program and arguments that start it, afresh for each trial, in the folder of the scenario: its
    /// port is PORT in its environment, and {port} in its arguments
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub command: Option<Vec<String>>,
    /// Process on this machine whose CPU and memory, and those of its children, are the server's
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub pid: Option<u32>,
    /// Path or URL that a client listens at, the URL itself, or /socket.io/, unless given: {room} is its room, {cursor}
    /// what the server said last
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subscribe: Option<String>,
    /// Path or URL that events are POSTed to, as text; clients of a WebSocket send frames without it
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish: Option<String>,
    /// Socket.IO: name of the event to listen for; "event" unless given
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// Socket.IO: name of the event that publishes; "publish" unless given
    #[serde(skip_serializing_if = "Option::is_none")]
    pub publish_event: Option<String>,
    /// Socket.IO: namespace to connect to; "/" unless given
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Socket.IO: what CONNECT bears
    #[serde(default, skip_serializing_if = "is_default")]
    pub auth: BTreeMap<String, String>,
    /// Lines for the head of every request, such as "Authorization: Bearer $TOKEN"
    #[serde(default, skip_serializing_if = "is_default")]
    pub headers: Vec<String>,
    /// Where the command runs: the folder that the scenario stands in.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// A key, and whether it is given.
type Given = (&'static str, bool);

impl Dialect {
    /// What a client can listen by.
    pub fn speaks(self, kind: Transport) -> bool {
        match self {
            Dialect::Pushlab => true,
            Dialect::Socketio => kind == Transport::Socketio,
            Dialect::Websocket => kind == Transport::Websocket,
            Dialect::Sse => kind == Transport::Sse,
            Dialect::Nchan => kind != Transport::Socketio,
        }
    }

    fn kinds(self) -> &'static str {
        match self {
            Dialect::Pushlab => "any kind",
            Dialect::Socketio => "kind = \"socketio\"",
            Dialect::Websocket => "kind = \"websocket\"",
            Dialect::Sse => "kind = \"sse\"",
            Dialect::Nchan => {
                "kind = \"websocket\", \"sse\", \"long-polling\", \"interval-polling\" or \"http-streaming\""
            }
        }
    }

    pub fn is_foreign(self) -> bool {
        self != Dialect::Pushlab
    }

    /// Whether a client that was cut can go on from where it was.
    pub fn resumes(self, kind: Transport) -> bool {
        match self {
            Dialect::Pushlab | Dialect::Sse => true,
            Dialect::Socketio | Dialect::Websocket => false,
            Dialect::Nchan => kind != Transport::HttpStreaming,
        }
    }
}

impl TargetEntry {
    pub fn dialect(&self) -> Dialect {
        self.dialect.unwrap_or_default()
    }

    /// With the run's keys where it has none. Who says where the server is says all of that; who
    /// speaks another dialect shares nothing.
    pub fn over(&self, of_run: Option<&TargetEntry>) -> TargetEntry {
        let shares = |run: &&TargetEntry| self.dialect.is_none_or(|own| own == run.dialect());
        let Some(run) = of_run.filter(shares) else {
            return self.clone();
        };
        let place = if self.names_a_server() { self } else { run };
        let either = |own: &Option<String>, runs: &Option<String>| own.clone().or(runs.clone());
        TargetEntry {
            dialect: run.dialect,
            url: place.url.clone(),
            admin: place.admin.clone(),
            ca: place.ca.clone(),
            insecure: place.insecure,
            command: place.command.clone(),
            pid: place.pid,
            folder: place.folder.clone(),
            subscribe: either(&self.subscribe, &run.subscribe),
            publish: either(&self.publish, &run.publish),
            event: either(&self.event, &run.event),
            publish_event: either(&self.publish_event, &run.publish_event),
            namespace: either(&self.namespace, &run.namespace),
            auth: match self.auth.is_empty() {
                true => run.auth.clone(),
                false => self.auth.clone(),
            },
            headers: run.headers.iter().chain(&self.headers).cloned().collect(),
        }
    }

    fn names_a_server(&self) -> bool {
        self.url.is_some() || self.command.is_some() || self.pid.is_some()
    }

    /// What can be said of a table by itself; `path` is where it stands.
    pub(super) fn check(&self, path: &[&str]) -> Result<(), Misfit> {
        let at = |key| [path, &[key]].concat();
        if self.command.as_ref().is_some_and(Vec::is_empty) {
            return misfit(
                &at("command"),
                "it starts nothing; write command = [\"node\", \"server.js\"]",
            );
        }
        if self.command.is_some() && self.pid.is_some() {
            return misfit(
                &at("pid"),
                "a command's server is measured anyway; remove pid or command",
            );
        }
        if self.pid == Some(0) {
            return misfit(&at("pid"), "no process has it; write that of the server");
        }
        for line in &self.headers {
            if let Err(problem) = header(line) {
                return misfit(&at("headers"), problem);
            }
        }
        for (key, template) in [("subscribe", &self.subscribe), ("publish", &self.publish)] {
            if let Some(Err(problem)) = template.as_deref().map(check_template) {
                return misfit(&at(key), problem);
            }
        }
        let trust = if self.insecure { "insecure" } else { "ca" };
        self.check_trust()
            .or_else(|problem| misfit(&at(trust), problem))
    }

    /// What flags can say wrongly.
    pub(crate) fn check_flags(&self) -> Result<(), String> {
        self.check(&["target"]).map_err(|misfit| {
            let key = misfit.path.last().cloned().unwrap_or_default();
            format!("{key}: {}", misfit.problem)
        })
    }

    /// Flags can say the same things, so the plan asks again.
    pub(crate) fn check_trust(&self) -> Result<(), String> {
        let is_secure = |url: &Option<String>| {
            url.as_deref()
                .is_some_and(|url| url.starts_with("https:") || url.starts_with("wss:"))
        };
        let urls = [&self.url, &self.admin, &self.subscribe, &self.publish];
        let secure = urls.into_iter().any(is_secure);
        match (&self.ca, self.insecure) {
            (Some(_), true) => Err(
                "with a certificate to trust there is nothing to believe; remove insecure or ca"
                    .to_owned(),
            ),
            (Some(_), _) | (_, true) if !secure => Err(
                "whom to trust (ca, insecure) means nothing on http; remove it, or write https://"
                    .to_owned(),
            ),
            _ => Ok(()),
        }
    }

    /// What fits neither the dialect nor the transport that is measured with it: key and remedy. The
    /// entry is whole, and flags are in place.
    pub(crate) fn problem(
        &self,
        entry: &TransportEntry,
        load: &Load,
        publish: &Publish,
    ) -> Option<(&'static str, String)> {
        let told = |key, problem: &str| Some((key, problem.to_owned()));
        if !self.dialect().speaks(entry.kind) {
            let said = format!(
                "{} is not measured over {}; write {} or another dialect",
                self.dialect(),
                entry.kind,
                self.dialect().kinds()
            );
            return Some(("dialect", said));
        }
        if self.url.is_none() && self.command.is_none() {
            return told(
                "url",
                "it says nowhere where the server is; add url = \"http://127.0.0.1:8080\", or a command that starts it",
            );
        }
        if let Some((key, _)) = self.useless().into_iter().find(|(_, given)| *given) {
            return Some((
                key,
                format!(
                    "\"{key}\" does nothing with dialect = \"{}\"; remove it",
                    self.dialect()
                ),
            ));
        }
        if !self.dialect().is_foreign() {
            let cookie = (self.headers.iter().filter_map(|line| header(line).ok()))
                .any(|(name, _)| name.eq_ignore_ascii_case("cookie"));
            return match cookie && load.named {
                true => told(
                    "headers",
                    "named gives each client a cookie of its own; remove that or the header",
                ),
                false => None,
            };
        }
        if load.named {
            return told(
                "dialect",
                "only pushlab signs clients in; remove named, and give headers",
            );
        }
        if let Some(problem) = self.socketio_problem(load) {
            return Some(problem);
        }
        if publish.by == Speaker::Publisher && self.publish.is_none() {
            return told(
                "publish",
                "a publisher of its own POSTs; add publish = \"/pub/{room}\", or write by = \"clients\" if they can publish on their connections",
            );
        }
        if publish.by == Speaker::Clients
            && self.publish.is_none()
            && !entry.kind.is_bidirectional()
        {
            return told(
                "publish",
                "clients cannot publish on what they listen by; add publish = \"/pub/{room}\"",
            );
        }
        let many = load.rooms.values().iter().any(|rooms| *rooms > 1);
        let lacks = |template: &Option<String>| {
            template
                .as_ref()
                .is_none_or(|text| !text.contains("{room}"))
        };
        let one_room = [
            ("subscribe", lacks(&self.subscribe)),
            ("publish", self.publish.is_some() && lacks(&self.publish)),
        ];
        let (key, _) = one_room.into_iter().find(|(_, one)| *one && many)?;
        told(
            key,
            "several rooms need {room} in it; add that, or write rooms = 1",
        )
    }

    /// Its clients have a path and a namespace, and no rooms that they could ask for.
    fn socketio_problem(&self, load: &Load) -> Option<(&'static str, String)> {
        let told = |key, problem: &str| Some((key, problem.to_owned()));
        if self.dialect() != Dialect::Socketio {
            return None;
        }
        let is_path = |path: &String| {
            path.starts_with('/') && path.ends_with('/') && !path.contains(['{', '?'])
        };
        if self.subscribe.as_ref().is_some_and(|path| !is_path(path)) {
            return told(
                "subscribe",
                "give the path of Socket.IO from slash to slash, such as \"/socket.io/\"",
            );
        }
        if self
            .namespace
            .as_ref()
            .is_some_and(|name| !name.starts_with('/') || name.contains(','))
        {
            return told(
                "namespace",
                "a namespace begins with a slash and has no comma; write namespace = \"/chat\"",
            );
        }
        if load.rooms.values().iter().any(|rooms| *rooms > 1) {
            return told(
                "dialect",
                "clients of a Socket.IO server that is not ours join no room by themselves; write rooms = 1",
            );
        }
        None
    }

    /// Keys that the dialect has no use for.
    fn useless(&self) -> Vec<Given> {
        let ours = self.dialect() == Dialect::Pushlab;
        let theirs = self.dialect() == Dialect::Socketio;
        let mut given = Vec::new();
        if ours {
            given.push(("subscribe", self.subscribe.is_some()));
            given.push(("publish", self.publish.is_some()));
        } else {
            given.push(("admin", self.admin.is_some()));
        }
        if !theirs {
            given.push(("event", self.event.is_some()));
            given.push(("publish_event", self.publish_event.is_some()));
            given.push(("namespace", self.namespace.is_some()));
            given.push(("auth", !self.auth.is_empty()));
        }
        given
    }

    /// What it is, as a person would say it, without secrets.
    pub fn described(&self) -> String {
        let entry = self.masked();
        let place = match (&entry.url, &entry.command) {
            (_, Some(command)) => format!("started by `{}`", command.join(" ")),
            (Some(url), None) => url.clone(),
            (None, None) => "nowhere".to_owned(),
        };
        match entry.dialect() {
            Dialect::Pushlab => place,
            dialect => format!("{dialect} {place}"),
        }
    }
}

/// Name and value of a header line.
pub(crate) fn header(line: &str) -> Result<(&str, &str), String> {
    let give = || "give \"Name: value\", as curl takes it".to_owned();
    let (name, value) = line.split_once(':').ok_or_else(give)?;
    let (name, value) = (name.trim(), value.trim());
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(is_token) || value.bytes().any(|b| b.is_ascii_control())
    {
        return Err(give());
    }
    let own = [
        "host",
        "connection",
        "upgrade",
        "content-length",
        "transfer-encoding",
    ];
    match own.iter().find(|own| name.eq_ignore_ascii_case(own)) {
        Some(own) => Err(format!("\"{own}\" is written by loadgen itself; remove it")),
        None => Ok((name, value)),
    }
}

fn check_template(template: &str) -> Result<(), String> {
    let known = template
        .replace("{room}", "")
        .replace("{cursor}", "")
        .replace("{port}", "");
    let is_url = ["http://", "https://", "ws://", "wss://"]
        .iter()
        .any(|scheme| template.starts_with(scheme));
    if !template.starts_with('/') && !is_url {
        return Err("give a path such as \"/sub/{room}\", or a URL".to_owned());
    }
    if known.contains(['{', '}']) {
        return Err("only {room}, {cursor} and {port} are filled in; remove the others".to_owned());
    }
    match template
        .chars()
        .any(|c| c.is_whitespace() || c.is_control())
    {
        true => Err("a path has no spaces; write %20".to_owned()),
        false => Ok(()),
    }
}
