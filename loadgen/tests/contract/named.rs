//! `named = true`: each client is a member of its room and its events bear its name, and nothing of that
//! is lost, counted as another's, or missing from the bytes.

use crate::assert_sound;
use crate::harness::{Lab, plan};
use loadgen::plan::PublishBy;
use pushlab_server::wire::transport::Transport;
use std::io::{Read, Write};
use std::net::TcpStream;
use strum::IntoEnumIterator;

/// All events of a room, as the server has them.
fn history(lab: &Lab, room: &str) -> String {
    let mut stream = TcpStream::connect(lab.public()).unwrap();
    let ask = format!(
        "GET /rooms/{room}/poll?cursor=0 HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
        lab.public()
    );
    stream.write_all(ask.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn clients_with_names_are_members_and_the_ledger_counts_their_events_alone() {
    for kind in Transport::iter() {
        for by in [PublishBy::Publisher, PublishBy::Clients] {
            let lab = Lab::start(false);
            let mut plan = plan(kind);
            plan.named = true;
            plan.publish.by = by;
            let trial = lab.run(&plan).trial;
            assert_sound(&trial);
            assert_eq!(trial.errors.len(), 0, "{kind}: {:?}", trial.errors);
            let server = (trial.server.bytes_rx, trial.server.bytes_tx);
            let client = (Some(trial.bytes.up), Some(trial.bytes.down));
            assert_eq!(client, server, "{kind}");
            for room in 0..plan.rooms {
                let events = history(&lab, &format!("room-{room}"));
                let times = |part: &str| events.matches(part).count();
                assert_eq!(
                    times(r#""type":"join""#),
                    plan.clients / plan.rooms,
                    "{kind}"
                );
                let named = times(r#""type":"chat","user":{"id":""#);
                match by {
                    PublishBy::Publisher => assert_eq!(named, 0, "{kind}"),
                    // The probe is the publisher's own.
                    PublishBy::Clients => assert!(named + 1 >= times(r#""type":"chat""#), "{kind}"),
                }
            }
        }
    }
}

/// As many as the byte model has.
#[test]
fn a_name_costs_each_poll_114_bytes() {
    let most = [false, true].map(|named| {
        let lab = Lab::start(false);
        let mut plan = plan(Transport::IntervalPolling);
        plan.named = named;
        let trial = lab.run(&plan).trial;
        assert_sound(&trial);
        trial.bytes.exchanges.header_bytes.most.unwrap()
    });
    assert_eq!(most[1] - most[0], 114);
}
