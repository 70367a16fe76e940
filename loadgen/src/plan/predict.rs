//! What a trial will need, before it runs: connections, file descriptors, deliveries, requests and
//! bytes, as the model has them.

use super::{Plan, PublishBy, TrialPlan};
use crate::results::Prediction;
use crate::scenario::SocketioPath;
use pushlab_server::wire::transport::Transport;

/// Descriptors beside the clients' sockets: listeners, epoll, pipes, control connections, files.
pub(super) const DESCRIPTORS_BESIDE: u64 = 100;

/// About what server and client take for an exchange, until a calibration has measured it.
const SERVICE_S: f64 = 0.0005;

impl Plan {
    /// One for each (name, parameters), in the order of the scenario.
    pub fn predictions(&self) -> Vec<Prediction> {
        self.sets.iter().map(TrialPlan::prediction).collect()
    }
}

impl TrialPlan {
    pub fn prediction(&self) -> Prediction {
        let connections = self.connections();
        let forecast = self.situation(self.heard_per_s(), SERVICE_S).forecast();
        let all = |each: f64| each * self.clients as f64;
        let ours = |rate: &f64| *rate > 0.0 && !self.transport.dialect.is_foreign();
        Prediction {
            name: self.name.clone(),
            transport: self.transport.kind,
            parameters: self.parameters(),
            connections,
            fds_generator: connections + DESCRIPTORS_BESIDE,
            fds_server: connections * self.sockets_there() + DESCRIPTORS_BESIDE,
            deliveries_per_s: all(self.heard_per_s()),
            requests_per_s: (forecast.requests_per_s.map(all)).filter(ours),
            bytes_per_s: (forecast.app_bytes_per_s.map(all))
                .filter(|_| !self.transport.dialect.is_foreign()),
        }
    }

    /// Sockets of the server's process for each connection: a proxy before it has both of its own.
    fn sockets_there(&self) -> u64 {
        if self.server.trouble.is_none() { 1 } else { 3 }
    }

    /// At most. A client that cannot publish on its own connection opens a second one; the publisher (of
    /// probes alone, where clients do the talking) has one too.
    fn connections(&self) -> u64 {
        self.clients as u64 * self.connections_per_client() + 1
    }

    pub(super) fn connections_per_client(&self) -> u64 {
        match self.publish.by {
            _ if self.transport.kind == Transport::Socketio => match self.transport.socketio.path {
                SocketioPath::Websocket => 1,
                SocketioPath::Polling => 2,
                // For the moment of the change.
                SocketioPath::Upgrade => 3,
            },
            PublishBy::Clients if !self.transport.is_bidirectional() => 2,
            PublishBy::Clients | PublishBy::Publisher => 1,
        }
    }

    /// Events a second that one client hears.
    fn heard_per_s(&self) -> f64 {
        self.publish.rate / self.rooms as f64
    }
}
