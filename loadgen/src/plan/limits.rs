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

impl TrialPlan {
    fn shortage(&self, limits: &Limits) -> Option<Shortage> {
        let prediction = self.prediction();
        let kinds = [
            (
                Kind::Descriptors,
                prediction.fds_generator,
                limits.descriptors,
                DESCRIPTORS_BESIDE,
            ),
            (Kind::Ports, prediction.connections, limits.ports, 0),
        ];
        kinds.into_iter().find_map(|(kind, needed, limit, beside)| {
            let limit = limit.filter(|limit| needed > *limit)?;
            Some(Shortage {
                name: self.name.clone(),
                kind,
                needed,
                limit,
                clients: limit.saturating_sub(beside + 1) / self.connections_per_client(),
            })
        })
    }
}
