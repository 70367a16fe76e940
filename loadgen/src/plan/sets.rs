//! Every list of a resolved scenario swept: its (name, parameters), each as the trial that will be
//! repeated.

use super::{
    Arrivals, GatewayPlan, LinkPlan, PlanError, PublishBy, PublishPlan, ServerPlan, SocketioPlan,
    TransportPlan, TrialPlan, TroublePlan, refused,
};
use crate::scenario::units::{Rate, Size, Time};
use crate::scenario::{
    ArrivalLaw, Dialect, Fallback, OneOrMany, Scenario, Speaker, Subprotocol, TargetEntry,
    TransportEntry, Trouble,
};
use pushlab_server::wire::transport::Transport;
use std::time::Duration;

/// Every (name, parameters), with the number of its load: trials of one load share their seeds.
pub(super) fn sets(scenario: &Scenario) -> Result<Vec<(u64, TrialPlan)>, PlanError> {
    let mut sets = Vec::new();
    for entry in &scenario.transports {
        let target = scenario.target_of(entry);
        for transport in transport_plans(entry, target.as_ref()) {
            for (number, load) in loads(scenario)?.into_iter().enumerate() {
                for link in LinkPlan::all_of(scenario.link.as_ref()) {
                    let name = entry.name().to_string();
                    let mut trial = trial_plan(scenario, name, transport.clone(), load, link);
                    if let Some(hold_on) = entry.hold_on {
                        trial.server.hold_on = hold_on;
                    }
                    trial.server.tls = entry.tls.unwrap_or(trial.server.tls);
                    if let Some(Time(heartbeat)) = entry.heartbeat {
                        trial.server.heartbeat = Some(heartbeat);
                    }
                    trial.server.gateway = gateway_plan(scenario, &trial);
                    sets.push((number as u64, trial));
                }
            }
        }
    }
    Ok(sets)
}

/// One combination of what `[load]` and `[publish]` sweep.
#[derive(Clone, Copy)]
struct SweptLoad {
    clients: u32,
    rooms: u32,
    rate: f64,
    payload: usize,
}

fn loads(scenario: &Scenario) -> Result<Vec<SweptLoad>, PlanError> {
    let (load, publish) = (&scenario.load, &scenario.publish);
    let mut loads = Vec::new();
    for &clients in load.clients.values() {
        for &rooms in load.rooms.values() {
            if rooms > clients {
                return refused(
                    "load.rooms",
                    format!(
                        "{rooms} rooms for {clients} clients leave rooms empty; lower rooms or raise clients"
                    ),
                );
            }
            for &Rate(rate) in publish.rate.values() {
                for &Size(payload) in publish.payload.values() {
                    loads.push(SweptLoad {
                        clients,
                        rooms,
                        rate,
                        payload,
                    });
                }
            }
        }
    }
    Ok(loads)
}

fn transport_plans(entry: &TransportEntry, target: Option<&TargetEntry>) -> Vec<TransportPlan> {
    let times = |times: &Option<OneOrMany<Time>>| match times {
        Some(times) => times.values().iter().map(|time| time.0).collect(),
        None => vec![Duration::ZERO],
    };
    let mut plans = Vec::new();
    for interval in times(&entry.interval) {
        for hold in times(&entry.hold) {
            plans.push(TransportPlan {
                interval,
                hold: match entry.fallback {
                    Some(Fallback::LongPolling) => TransportPlan::new(Transport::LongPolling).hold,
                    None => hold,
                },
                resume: entry.resume.unwrap_or(true),
                retry: entry.retry.unwrap_or(false),
                conditional: entry.conditional.unwrap_or(false),
                fallback_after: (entry.fallback)
                    .and(entry.upgrade_patience)
                    .map(|patience| patience.0),
                keep_alive: entry.keep_alive.unwrap_or(true),
                headers: entry.headers.unwrap_or_default(),
                latest: entry.asks_for_latest(),
                max_silence: entry.max_silence.map(|time| time.0),
                dialect: target.map_or(Dialect::Pushlab, TargetEntry::dialect),
                posts: target.is_some_and(|target| target.publish.is_some()),
                socketio: SocketioPlan {
                    path: entry.path.unwrap_or_default(),
                    ..target.map_or_else(SocketioPlan::default, SocketioPlan::of)
                },
                msgpack: entry.subprotocol == Some(Subprotocol::Msgpack),
                ..TransportPlan::new(entry.kind)
            });
        }
    }
    plans
}

fn trial_plan(
    scenario: &Scenario,
    name: String,
    transport: TransportPlan,
    swept: SweptLoad,
    link: LinkPlan,
) -> TrialPlan {
    let (load, publish, server) = (&scenario.load, &scenario.publish, &scenario.server);
    let answered = !matches!(transport.kind, Transport::Websocket | Transport::Socketio);
    let lab_headers = (transport.headers.response()).filter(|_| answered);
    TrialPlan {
        name,
        repeat: 1,
        seed: 0,
        transport,
        clients: swept.clients as usize,
        rooms: swept.rooms as usize,
        ramp: load.ramp.0,
        warm_up: load.warm_up.0,
        duration: load.duration.0,
        graceful_stop: load.graceful_stop.0,
        publish: PublishPlan {
            rate: swept.rate,
            arrivals: match publish.arrivals {
                ArrivalLaw::Constant => Arrivals::Constant,
                ArrivalLaw::Poisson => Arrivals::Poisson,
                ArrivalLaw::Burst => Arrivals::Burst {
                    size: publish.burst.unwrap_or(1),
                },
            },
            payload: swept.payload,
            by: match publish.by {
                Speaker::Clients => PublishBy::Clients,
                Speaker::Publisher => PublishBy::Publisher,
            },
        },
        cuts: (scenario.trouble.cut_at.iter())
            .flat_map(OneOrMany::values)
            .map(|time| time.0)
            .collect(),
        link,
        server: ServerPlan {
            workers: server.workers.map(usize::from),
            history: server.history.map(|events| events as usize),
            history_bytes: server.history_bytes.map(|size| size.0),
            bare: server.bare,
            hold_jitter: server.hold_jitter,
            heartbeat: server.heartbeat.map(|time| time.0),
            hold_on: server.hold_on,
            tls: server.tls,
            lab_headers,
            trouble: trouble_plan(&scenario.trouble),
            gateway: None,
            crowds: load.named,
        },
        named: load.named,
    }
}

/// A scenario that was not read from a file has no configuration unless it stands in it.
fn gateway_plan(scenario: &Scenario, trial: &TrialPlan) -> Option<GatewayPlan> {
    let gateway = scenario.gateway.as_ref()?;
    Some(GatewayPlan {
        configuration: gateway.configuration.clone().unwrap_or_default(),
        idle_timeout: gateway.idle_timeout.map(|time| time.0),
        connections: trial.prediction().connections,
    })
}

fn trouble_plan(trouble: &Trouble) -> TroublePlan {
    TroublePlan {
        idle_cut: trouble.idle_cut.map(|time| time.0),
        silent: trouble.silent,
        buffer: trouble.buffer.map(|size| size.0),
        block_upgrade: trouble.blocking(),
        cut_every: trouble.cut_every.map(|time| time.0),
        cut_for: trouble.cut_for.map(|time| time.0),
    }
}
