//! A scenario with overrides in place and nothing left to default; what cannot be run is refused
//! here, with the key and the remedy.

use super::{FindMax, LinkChoice, MOST_PAYLOAD, Overrides, PlanError, refused, targets};
use crate::expect::key_and_threshold;
use crate::results::Dimension;
use crate::scenario::units::{Rate, Size, Time};
use crate::scenario::{
    CursorUse, Dialect, Expect, Headers, LinkEntry, OneOrMany, Scenario, Speaker, Subprotocol,
    TransportEntry,
};
use crate::target::Target;
use crate::token;
use pushlab_server::wire::lab_headers::LEAST_RESPONSE;
use pushlab_server::wire::transport::Transport;
use std::time::Duration;

pub(super) struct Resolved {
    /// With overrides in place and nothing left to default.
    pub(super) scenario: Scenario,
    /// What each of its transports is measured against.
    pub(super) targets: Vec<(String, Target)>,
    /// Expectations of transports that were left out.
    pub(super) left_out: Vec<String>,
}

pub(super) fn resolved(scenario: &Scenario, overrides: &Overrides) -> Result<Resolved, PlanError> {
    let mut scenario = scenario.clone();
    let load = &mut scenario.load;
    if let Some(clients) = overrides.clients {
        load.clients = OneOrMany::one(clients);
    }
    load.duration = overrides.duration.map_or(load.duration, Time);
    load.warm_up = overrides.warm_up.map_or(load.warm_up, Time);
    load.repeats = overrides.repeats.unwrap_or(load.repeats);
    scenario.seed = overrides.seed.unwrap_or(scenario.seed);
    targets::override_target(&mut scenario, overrides)?;
    let dialects: Vec<Dialect> = (scenario.transports.iter())
        .map(|entry| {
            (scenario.target_of(entry)).map_or(Dialect::Pushlab, |target| target.dialect())
        })
        .collect();
    for (entry, dialect) in scenario.transports.iter_mut().zip(dialects) {
        fill_in(entry, dialect);
    }
    scenario.link = resolve_link(scenario.link.take(), overrides)?;
    let all = scenario.transport_names();
    keep_only(&mut scenario.transports, &overrides.only)?;
    let kept = scenario.transport_names();
    let gone: Vec<String> = (all.iter().filter(|name| !kept.contains(name)))
        .cloned()
        .collect();
    let left_out = scenario.expect.leave_out(&all, &gone);
    if let Some(find_max) = &overrides.find_max {
        prepare_search(&mut scenario, find_max)?;
    }
    let targets = targets::resolve(&scenario)?;
    targets::mask(&mut scenario);
    check_gateway(&scenario)?;
    check_load(&scenario)?;
    check_heads(&scenario)?;
    Ok(Resolved {
        scenario,
        targets,
        left_out,
    })
}

/// Bytes of an event that can carry whatever token: 20 characters, two quotes, two to spare.
const ANY_TOKEN: usize = 24;

/// Events of a trial; all are planned before the first is sent.
const MOST_EVENTS: f64 = 50e6;

/// A step is one trial; what it must keep is the flag's to say, and that nothing is lost.
fn prepare_search(scenario: &mut Scenario, find_max: &FindMax) -> Result<(), PlanError> {
    let one_start = |key, swept: bool| match swept {
        true => refused(
            key,
            "a list cannot be searched; write one value, the load to begin with",
        ),
        false => Ok(()),
    };
    match find_max.dimension {
        Dimension::Clients => one_start("load.clients", scenario.load.clients.values().len() > 1)?,
        Dimension::Rate => {
            one_start("publish.rate", scenario.publish.rate.values().len() > 1)?;
            if scenario.publish.rate.values().contains(&Rate(0.0)) {
                return refused(
                    "publish.rate",
                    "0 cannot be raised; write the rate to begin with",
                );
            }
        }
    }
    if let Some(Size(payload)) =
        (scenario.publish.payload.values().iter()).find(|payload| payload.0 < ANY_TOKEN)
    {
        return refused(
            "publish.payload",
            format!(
                "{payload} bytes have no room for the tokens of every load that a search may come to; write payload = \"{ANY_TOKEN}B\" or more"
            ),
        );
    }
    let names = scenario.transport_names();
    let slo = (find_max.slo.iter()).map(|text| key_and_threshold(text, &names));
    let mut slo = slo
        .collect::<Result<Vec<_>, _>>()
        .or_else(|problem| refused("--slo", problem))?;
    if !slo.iter().any(|(key, _)| key == "lost") {
        slo.push(("lost".to_owned(), "== 0".to_owned()));
    }
    scenario.expect = Expect::of(slo);
    scenario.load.repeats = 1;
    Ok(())
}

fn fill_in(entry: &mut TransportEntry, dialect: Dialect) {
    let seconds = |seconds| OneOrMany::one(Time(Duration::from_secs(seconds)));
    entry.name = Some(entry.name());
    let latest = entry.asks_for_latest();
    if !latest {
        // On a WebSocket Nchan tells its ids only to who asks for them, at a price in bytes.
        let plain = dialect == Dialect::Nchan && entry.kind == Transport::Websocket;
        (entry.resume).get_or_insert(dialect.resumes(entry.kind) && !plain);
    }
    if dialect.is_foreign() {
        return fill_in_foreign(entry);
    }
    if entry.polls_by_interval() {
        entry.interval.get_or_insert_with(|| seconds(1));
    }
    if entry.is_held() {
        entry.hold.get_or_insert_with(|| seconds(25));
    }
    if !entry.kind.is_push() && !latest {
        entry.conditional.get_or_insert(false);
        entry.cursor.get_or_insert(CursorUse::Kept);
    }
    if !entry.kind.is_push() {
        entry.keep_alive.get_or_insert(true);
    }
    if entry.fallback.is_some() {
        let patience = Time(Duration::from_secs(10));
        entry.upgrade_patience.get_or_insert(patience);
    }
    entry.headers.get_or_insert(Headers::Lean);
    if entry.kind == Transport::Socketio {
        entry.path.get_or_insert_default();
    }
    if entry.kind == Transport::Websocket {
        entry.subprotocol.get_or_insert(Subprotocol::Json);
    }
}

/// How long a poll is held, and by what, is for the other side to say.
fn fill_in_foreign(entry: &mut TransportEntry) {
    if entry.polls_by_interval() {
        let second = Time(Duration::from_secs(1));
        entry.interval.get_or_insert_with(|| OneOrMany::one(second));
    }
    if !entry.kind.is_push() {
        entry.keep_alive.get_or_insert(true);
    }
}

fn keep_only(transports: &mut Vec<TransportEntry>, only: &[String]) -> Result<(), PlanError> {
    let known: Vec<String> = transports.iter().map(|t| t.name().to_string()).collect();
    if let Some(name) = only.iter().find(|name| !known.contains(name)) {
        return Err(PlanError::NoSuchTransport {
            name: name.clone(),
            known,
        });
    }
    transports.retain(|entry| only.is_empty() || only.iter().any(|n| n == entry.name().as_str()));
    Ok(())
}

/// A round trip of its own makes a line where the scenario has none.
fn resolve_link(
    link: Option<LinkEntry>,
    overrides: &Overrides,
) -> Result<Option<LinkEntry>, PlanError> {
    let mut link = match overrides.link {
        None => link,
        Some(LinkChoice::None) => None,
        Some(LinkChoice::Preset(preset)) => Some(preset.into()),
    };
    if let Some(rtt) = overrides.rtt {
        link.get_or_insert_default().rtt = Some(OneOrMany::one(Time(rtt)));
    }
    let Some(mut link) = link else {
        return Ok(None);
    };
    link.fill_in();
    if link.does_nothing() {
        return Ok(None);
    }
    match link.contradiction() {
        Some((key, problem)) => refused("link", format!("{key}: {problem}")),
        None => Ok(Some(link)),
    }
}

fn check_gateway(scenario: &Scenario) -> Result<(), PlanError> {
    match &scenario.gateway {
        Some(gateway) if gateway.configuration.is_none() => refused(
            "gateway.nginx",
            "its file was not read; give the scenario as a file, or write what it says as configuration",
        ),
        Some(_) | None => Ok(()),
    }
}

fn check_load(scenario: &Scenario) -> Result<(), PlanError> {
    let load = &scenario.load;
    if load.clients.values().contains(&0) {
        return refused(
            "load.clients",
            "nobody would listen; write clients = 1 or more",
        );
    }
    if load.rooms.values().contains(&0) {
        return refused("load.rooms", "clients need a room; write rooms = 1 or more");
    }
    if load.repeats == 0 {
        return refused(
            "load.repeats",
            "nothing would run; write repeats = 1 or more",
        );
    }
    if load.duration.0.is_zero() {
        return refused(
            "load.duration",
            "nothing would be measured; write duration = \"5s\"",
        );
    }
    let time = load.warm_up.0.saturating_add(load.duration.0);
    for Rate(rate) in scenario.publish.rate.values() {
        let events = rate * time.as_secs_f64();
        if events > MOST_EVENTS {
            return refused(
                "publish.rate",
                format!(
                    "{events:.0} events in a trial are more than the {MOST_EVENTS:.0} that can be planned ahead; lower rate or duration"
                ),
            );
        }
    }
    for Size(payload) in scenario.publish.payload.values() {
        let least = least_payload(scenario);
        if *payload < least {
            return refused(
                "publish.payload",
                format!(
                    "{payload} bytes have no room for an event's token; write payload = \"{least}B\" or more"
                ),
            );
        }
        if *payload > MOST_PAYLOAD {
            return refused(
                "publish.payload",
                format!(
                    "the server takes events of 64KiB with their JSON; write payload = \"{MOST_PAYLOAD}B\" or less"
                ),
            );
        }
    }
    let cuts = scenario.trouble.cut_at.iter().flat_map(OneOrMany::values);
    if let Some(late) = cuts.into_iter().find(|cut| cut.0 >= load.duration.0) {
        return refused(
            "trouble.cut_at",
            format!(
                "{late} is not within the measure window of {}; cut earlier or lengthen duration",
                load.duration
            ),
        );
    }
    let window = load.duration.0;
    if let Some(late) = scenario.trouble.cut_every.filter(|every| every.0 >= window) {
        return refused(
            "trouble.cut_every",
            format!(
                "nothing is cut within a measure window of {}; write less than {late} or lengthen duration",
                load.duration
            ),
        );
    }
    Ok(())
}

/// Bytes of the shortest event that can carry any token of the scenario.
fn least_payload(scenario: &Scenario) -> usize {
    let (load, publish) = (&scenario.load, &scenario.publish);
    let most = |swept: &OneOrMany<u32>| swept.values().iter().max().copied().unwrap_or(1);
    let publishers = match publish.by {
        Speaker::Clients => most(&load.clients),
        Speaker::Publisher => most(&load.rooms),
    };
    let rate = publish.rate.values().iter().map(|rate| rate.0);
    let time = (load.warm_up.0 + load.duration.0).as_secs_f64();
    // Twice what is due: Poisson's chance may give some more.
    let events = 2.0 * rate.fold(0.0, f64::max) * time + 100.0;
    token::least_payload(publishers.into(), events as u64)
}

/// Longest cursor that a server of ours gives out, in characters.
const LONGEST_CURSOR: usize = 34;

/// A head of a given size must have room for the longest that the transport has to say.
fn check_heads(scenario: &Scenario) -> Result<(), PlanError> {
    for entry in &scenario.transports {
        let Some(Headers::Sizes(sizes)) = entry.headers else {
            continue;
        };
        let least = least_request(scenario, entry);
        if sizes.request < least {
            return refused(
                "transports.headers.request",
                format!(
                    "a request of {} takes up to {least} bytes; write request = {least} or more",
                    entry.name()
                ),
            );
        }
        if sizes.response < LEAST_RESPONSE {
            return refused(
                "transports.headers.response",
                format!(
                    "the head of an answer takes up to {LEAST_RESPONSE} bytes; write response = {LEAST_RESPONSE} or more"
                ),
            );
        }
    }
    Ok(())
}

/// Request line, `Host`, what tells the place, an empty `X-Pad` and the empty line.
fn least_request(scenario: &Scenario, entry: &TransportEntry) -> usize {
    let url = scenario.target_of(entry).and_then(|target| target.url);
    let (host, prefix) = match url.and_then(|url| reqwest::Url::parse(&url).ok()) {
        Some(url) => (
            url.authority().len(),
            url.path().trim_end_matches('/').len(),
        ),
        None => ("127.0.0.1:65535".len(), 0),
    };
    let rooms = scenario
        .load
        .rooms
        .values()
        .iter()
        .max()
        .copied()
        .unwrap_or(1);
    let path = format!(
        "/rooms/room-{rooms}/{}?cursor=",
        entry.kind.segment().unwrap_or_default()
    )
    .len();
    let holds = entry.hold.iter().flat_map(OneOrMany::values);
    let hold = holds.map(|hold| format!("&hold={}ms", hold.0.as_millis()).len());
    let known = match entry.conditional {
        Some(true) => "If-None-Match: \"\"\r\n".len() + LONGEST_CURSOR,
        Some(false) | None => 0,
    };
    let closes = match entry.keep_alive {
        Some(false) => "Connection: close\r\n".len(),
        Some(true) | None => 0,
    };
    "GET  HTTP/1.1\r\nHost: \r\nX-Pad: \r\n\r\n".len()
        + closes
        + prefix
        + path
        + LONGEST_CURSOR
        + hold.max().unwrap_or(0)
        + host
        + known
}
