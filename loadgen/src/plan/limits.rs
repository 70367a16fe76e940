//! Whether the machine lets a plan run at all: file descriptors and ports, asked before anything
//! starts, so that a run of minutes does not end in `EMFILE`.

use super::predict::DESCRIPTORS_BESIDE;
use super::{Plan, PlanError, TrialPlan};
use crate::scenario::units::grouped;
use std::fmt;

/// What the machine allows; `None` where it does not tell.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Soft limit of open files, per process; the embedded server inherits it.
    pub descriptors: Option<u64>,
    /// Ports that outgoing connections to one address can take.
    pub ports: Option<u64>,
}

/// What a trial needs and does not get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// Name of the transport.
    name: String,
    kind: Kind,
    needed: u64,
    limit: u64,
    /// Most clients that would fit.
    clients: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Descriptors,
    Ports,
}

/// Of one thing that the machine limits.
struct Need {
    kind: Kind,
    needed: u64,
    limit: Option<u64>,
    /// Taken by other things than clients.
    beside: u64,
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shortage {
            name,
            needed,
            clients,
            ..
        } = self;
        let (needs, limit) = (grouped(*needed), grouped(self.limit));
        match self.kind {
            Kind::Descriptors => write!(
                f,
                "{name} needs {needs} file descriptors, the limit is {limit}: raise it with \
                 `ulimit -n {needed}` or lower clients to {clients}"
            ),
            Kind::Ports => write!(
                f,
                "{name} needs {needs} ports to connect from, this machine gives {limit}: widen \
                 them with `sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"` or lower \
                 clients to {clients}"
            ),
        }
    }
}

impl Plan {
    pub fn check_limits(&self, limits: &Limits) -> Result<(), PlanError> {
        let shortage = self.sets.iter().find_map(|trial| trial.shortage(limits));
        shortage.map_or(Ok(()), |shortage| Err(PlanError::Impossible(shortage)))
    }
}

/// The greatest number of clients that the machine allows, and what allows no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MostClients {
    pub clients: u64,
    pub because: String,
}

impl TrialPlan {
    /// `None` where the machine does not tell its limits.
    pub fn most_clients(&self, limits: &Limits) -> Option<MostClients> {
        let allowed = self.needs(limits).into_iter().filter_map(|need| {
            let limit = need.limit?;
            Some((self.fitting(limit, need.beside), need.kind, limit))
        });
        let (clients, kind, limit) = allowed.min_by_key(|(clients, ..)| *clients)?;
        let things = match kind {
            Kind::Descriptors => "file descriptors",
            Kind::Ports => "ports to connect from",
        };
        Some(MostClients {
            clients,
            because: format!(
                "{} {things} have room for no more clients of {}",
                grouped(limit),
                self.name
            ),
        })
    }

    fn fitting(&self, limit: u64, beside: u64) -> u64 {
        limit.saturating_sub(beside + 1) / self.connections_per_client()
    }

    fn needs(&self, limits: &Limits) -> [Need; 2] {
        let prediction = self.prediction();
        [
            Need {
                kind: Kind::Descriptors,
                needed: prediction.fds_generator,
                limit: limits.descriptors,
                beside: DESCRIPTORS_BESIDE,
            },
            Need {
                kind: Kind::Ports,
                needed: prediction.connections,
                limit: limits.ports,
                beside: 0,
            },
        ]
    }

    fn shortage(&self, limits: &Limits) -> Option<Shortage> {
        self.needs(limits).into_iter().find_map(|need| {
            let limit = need.limit.filter(|limit| need.needed > *limit)?;
            Some(Shortage {
                name: self.name.clone(),
                kind: need.kind,
                needed: need.needed,
                limit,
                clients: self.fitting(limit, need.beside),
            })
        })
    }
}
