//! What each transport is measured against, as flags and the scenario's targets say; and the scenario
//! as it may be stored, without the secrets that it was given.

use super::{Overrides, PlanError, refused};
use crate::net::tls::Trust;
use crate::scenario::{Dialect, Scenario, ServerEntry, TargetEntry, TransportEntry};
use crate::target::{Described, Source, Target};
use reqwest::Url;
use std::path::PathBuf;

/// Stands for the port of a command's server until there is one.
const PORT: &str = "{port}";

/// A port that nobody has, in its place while a URL is read.
const STANDS_IN: &str = "65535";

/// Flags in place of what the scenario says of the server of the run; transports keep their own.
pub(super) fn override_target(
    scenario: &mut Scenario,
    overrides: &Overrides,
) -> Result<(), PlanError> {
    if overrides.target.is_some() || overrides.command.is_some() || overrides.pid.is_some() {
        point_elsewhere(scenario, overrides);
    }
    let Some(entry) = &mut scenario.target else {
        return refuse_flags_without_a_target(overrides);
    };
    if overrides.insecure || overrides.cacert.is_some() {
        (entry.ca, entry.insecure) = (overrides.cacert.clone(), overrides.insecure);
    }
    entry.admin = overrides.admin.clone().or(entry.admin.take());
    entry.dialect = overrides.dialect.or(entry.dialect);
    entry.headers.extend(overrides.headers.iter().cloned());
    entry
        .check_flags()
        .or_else(|problem| refused("target", problem))
}

fn point_elsewhere(scenario: &mut Scenario, overrides: &Overrides) {
    let before = scenario.target.take().unwrap_or_default();
    // A process is measured beside whatever URL there is.
    let stays = overrides.target.is_none() && overrides.command.is_none();
    scenario.target = Some(TargetEntry {
        url: overrides.target.clone().or(before.url.filter(|_| stays)),
        admin: before.admin.filter(|_| stays),
        ca: before.ca.filter(|_| stays),
        insecure: before.insecure && stays,
        command: overrides.command.clone(),
        pid: overrides.pid,
        folder: PathBuf::new(),
        ..before
    });
    scenario.gateway = None;
    // The others are the embedded server's; a flag may well point an old scenario elsewhere.
    scenario.server = ServerEntry {
        bare: scenario.server.bare,
        ..ServerEntry::default()
    };
    for entry in &mut scenario.transports {
        entry.tls = None;
    }
}

fn refuse_flags_without_a_target(overrides: &Overrides) -> Result<(), PlanError> {
    let flags = [
        ("--admin", overrides.admin.is_some()),
        ("--cacert", overrides.cacert.is_some()),
        ("--insecure", overrides.insecure),
        ("--dialect", overrides.dialect.is_some()),
        ("--header", !overrides.headers.is_empty()),
    ];
    match flags.into_iter().find(|(_, given)| *given) {
        Some((flag, _)) => refused(flag, "names no server; give --target too"),
        None => Ok(()),
    }
}

/// By the transports' names.
pub(super) fn resolve(scenario: &Scenario) -> Result<Vec<(String, Target)>, PlanError> {
    let of = |entry: &TransportEntry| {
        let target = match scenario.target_of(entry) {
            None => Target::Embedded,
            Some(target) => of_entry(scenario, entry, target)?,
        };
        Ok((entry.name().to_string(), target))
    };
    scenario.transports.iter().map(of).collect()
}

fn of_entry(
    scenario: &Scenario,
    entry: &TransportEntry,
    target: TargetEntry,
) -> Result<Target, PlanError> {
    if let Some((key, problem)) = target.problem(entry, &scenario.load, &scenario.publish) {
        return refused("target", format!("{key}: {problem}"));
    }
    let url = match &target.url {
        Some(url) => base_url("target.url", url, target.dialect())?,
        None => format!("http://127.0.0.1:{PORT}"),
    };
    let admin = (target.admin.as_deref())
        .map(|url| base_url("target.admin", url, target.dialect()))
        .transpose()?;
    let trust = trust(&target)?;
    let source = match (&target.command, target.pid) {
        (Some(command), _) => Source::Command {
            command: command.clone(),
            folder: target.folder.clone(),
        },
        (None, Some(pid)) => Source::Process(pid),
        (None, None) => Source::Runs,
    };
    if source == Source::Runs && !target.dialect().is_foreign() && target.headers.is_empty() {
        return Ok(Target::Remote { url, admin, trust });
    }
    Ok(Target::Described(Box::new(Described {
        url,
        admin,
        trust,
        source,
        entry: target,
    })))
}

/// Whose word is taken, and that it is of use at all.
fn trust(entry: &TargetEntry) -> Result<Trust, PlanError> {
    if let Err(problem) = entry.check_trust() {
        return refused("target", problem);
    }
    Ok(match (&entry.ca, entry.insecure) {
        (Some(file), _) => Trust::Authority(file.clone()),
        (None, true) => Trust::Anyone,
        (None, false) => Trust::System,
    })
}

/// Routes are appended to it, so it has neither query nor slash at its end. `text` is never repeated in
/// the error: it may hold a password.
fn base_url(key: &'static str, text: &str, dialect: Dialect) -> Result<String, PlanError> {
    match read(text, dialect) {
        Some(url) => Ok(written(&url, text)),
        None => refused(key, "give a base URL such as http://127.0.0.1:8080"),
    }
}

fn read(text: &str, dialect: Dialect) -> Option<Url> {
    let mut url = Url::parse(&text.replace(PORT, STANDS_IN)).ok()?;
    let is_web_socket = dialect.is_foreign() && matches!(url.scheme(), "ws" | "wss");
    if !(is_web_socket || matches!(url.scheme(), "http" | "https")) || !url.has_host() {
        return None;
    }
    url.set_query(None);
    url.set_fragment(None);
    Some(url)
}

/// With the placeholder again where `given` had it.
fn written(url: &Url, given: &str) -> String {
    let base = url.as_str().trim_end_matches('/');
    match given.contains(PORT) {
        true => base.replacen(STANDS_IN, PORT, 1),
        false => base.to_owned(),
    }
}

/// As it may be stored.
pub(super) fn mask(scenario: &mut Scenario) {
    let own = (scenario.transports.iter_mut()).filter_map(|entry| entry.target.as_mut());
    for target in own.chain(scenario.target.as_mut()) {
        *target = target.masked();
        // A transport's table may leave the dialect to that of the run; Nchan reads every scheme.
        for url in [&mut target.url, &mut target.admin].into_iter().flatten() {
            *url = read(url, Dialect::Nchan)
                .map_or_else(String::new, |bare| written(&without_credentials(bare), url));
        }
    }
}

fn without_credentials(mut url: Url) -> Url {
    url.set_username("")
        .and_then(|()| url.set_password(None))
        .expect("a URL with a host can do without credentials");
    url
}
