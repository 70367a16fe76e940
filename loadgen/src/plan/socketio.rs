//! What a Socket.IO client asks for: the way it goes and the words it says. Our own server has rooms and
//! cursors; of any other it is enough that it emits an event that holds what was published.

use crate::scenario::{Dialect, SocketioPath, TargetEntry};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketioPlan {
    pub path: SocketioPath,
    /// Where the server speaks it, from slash to slash.
    pub route: String,
    /// Begins with a slash; `/` is the main one.
    pub namespace: String,
    /// The event that is listened to.
    pub event: String,
    /// The event that a client emits to publish.
    pub publish_event: String,
    /// Whether rooms are joined from a cursor, and events are those of every other transport.
    pub rooms: bool,
}

impl SocketioPlan {
    /// What a target says, whose `auth` is no part of a plan: it holds secrets.
    pub(super) fn of(target: &TargetEntry) -> Self {
        let own = SocketioPlan::default();
        if target.dialect() != Dialect::Socketio {
            return own;
        }
        SocketioPlan {
            route: target.subscribe.clone().unwrap_or(own.route),
            namespace: target.namespace.clone().unwrap_or(own.namespace),
            event: target.event.clone().unwrap_or(own.event),
            publish_event: target.publish_event.clone().unwrap_or(own.publish_event),
            rooms: false,
            ..own
        }
    }
}

impl Default for SocketioPlan {
    /// Our own server's.
    fn default() -> Self {
        SocketioPlan {
            path: SocketioPath::Upgrade,
            route: "/socket.io/".to_owned(),
            namespace: "/".to_owned(),
            event: "event".to_owned(),
            publish_event: "publish".to_owned(),
            rooms: true,
        }
    }
}
