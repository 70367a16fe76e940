//! The application that outside suites of Socket.IO expect (`docs/socket.io-protocol/v5-test-suite` of
//! socketio/socket.io), in place of the rooms where the server was started with `--conformance`: whoever
//! connects to `/` or `/custom` is told what it has brought as `auth`; on `/` a `message` comes back as
//! `message-back`, and `message-with-ack` is acknowledged with its arguments.

use super::application::{Broken, Said, Stage};
use super::outbox::Outbox;
use super::sessions::random_id;
use crate::usage::Reason;
use crate::wire::socketio::{Body, MAIN, Packet, Reassembly};
use bytes::Bytes;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

const NAMESPACES: [&str; 2] = [MAIN, "/custom"];

pub struct Conformance {
    reassembly: Reassembly,
    /// Which of the namespaces the client is in.
    connected: [bool; NAMESPACES.len()],
    was_connected: bool,
}

impl Conformance {
    pub fn new(max_payload: usize) -> Conformance {
        Conformance {
            reassembly: Reassembly::new(max_payload),
            connected: Default::default(),
            was_connected: false,
        }
    }

    pub fn is_connected(&self) -> bool {
        self.was_connected
    }

    pub fn take(&mut self, said: Said<'_>, stage: &mut Stage<'_>) -> Result<(), Broken> {
        let outbox = &mut *stage.outbox;
        let taken = match said {
            Said::Text(text) => match self.reassembly.text(text) {
                Ok(None) => Some(()),
                Ok(Some(packet)) => self.packet(&packet, outbox),
                Err(_) => None,
            },
            Said::Binary(data) => match self.reassembly.binary(data) {
                Ok(None) => Some(()),
                Ok(Some(whole)) => self.packet(&whole.packet(), outbox),
                Err(_) => None,
            },
        };
        taken.ok_or(Broken(Reason::BadPacket))
    }

    /// `None` for what no client says at this point.
    fn packet(&mut self, packet: &Packet<'_>, outbox: &mut Outbox) -> Option<()> {
        let namespace = packet.namespace;
        let at = NAMESPACES.iter().position(|known| *known == namespace);
        let is_in = at.is_some_and(|at| self.connected[at]);
        match (&packet.body, at) {
            (Body::Connect(_), None) => {
                let said = raw(&json!({ "message": "Invalid namespace" }));
                send(outbox, namespace, Body::ConnectError(&said), &[]);
            }
            (Body::Connect(auth), Some(at)) if !is_in => {
                self.connected[at] = true;
                self.was_connected = true;
                welcome(outbox, namespace, *auth);
            }
            (Body::Disconnect, Some(at)) if is_in => self.connected[at] = false,
            (Body::Event { id, arguments }, Some(_)) if is_in => {
                if namespace == MAIN {
                    event(outbox, *id, arguments, packet.attachments);
                }
            }
            (Body::Ack { .. }, Some(_)) if is_in => {}
            _ => return None,
        }
        Some(())
    }
}

fn raw(value: &serde_json::Value) -> Box<RawValue> {
    to_raw_value(value).expect("a JSON value has a JSON form")
}

fn send(outbox: &mut Outbox, namespace: &str, body: Body<'_>, attachments: &[Bytes]) {
    outbox.socketio(&Packet {
        namespace,
        body,
        attachments,
    });
}

fn welcome(outbox: &mut Outbox, namespace: &str, auth: Option<&RawValue>) {
    let sid = raw(&json!({ "sid": random_id() }));
    send(outbox, namespace, Body::Connect(Some(&sid)), &[]);
    let (name, nothing) = (raw(&json!("auth")), raw(&json!({})));
    let arguments = vec![&*name, auth.unwrap_or(&nothing)];
    let id = None;
    send(outbox, namespace, Body::Event { id, arguments }, &[]);
}

fn event(outbox: &mut Outbox, id: Option<u64>, arguments: &[&RawValue], attachments: &[Bytes]) {
    let Some((name, rest)) = arguments.split_first() else {
        return;
    };
    match (serde_json::from_str(name.get()), id) {
        (Ok("message"), _) => {
            let name = raw(&json!("message-back"));
            let arguments = [&[&*name], rest].concat();
            let id = None;
            send(outbox, MAIN, Body::Event { id, arguments }, attachments);
        }
        (Ok("message-with-ack"), Some(id)) => {
            let arguments = rest.to_vec();
            send(outbox, MAIN, Body::Ack { id, arguments }, attachments);
        }
        _ => {}
    }
}
