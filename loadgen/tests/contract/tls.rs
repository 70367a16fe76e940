//! https and wss: the accounts are as exact as over plain HTTP, and what counts as TLS is what an
//! observer without keys can read off the records that passed (RFC 8446 §5).

use crate::assert_sound;
use crate::harness::{Lab, plan, run_embedded};
use crate::proxy::Proxy;
use loadgen::net::tls::{RECORD_BYTES, Trust};
use loadgen::plan::{LinkPlan, PublishBy};
use loadgen::target::Target;
use pushlab_server::wire::transport::Transport;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;
use strum::IntoEnumIterator;

const APPLICATION_DATA: u8 = 23;
const HEADER: usize = 5;
/// The record of an encrypted alert of two bytes: with its type and its tag.
const ALERT: usize = 2 + 17;
/// The record in which rustls's server sends session tickets, unasked.
const TICKETS: usize = 1;

/// One way of one connection: its bytes that are not yet a record, and its records so far.
#[derive(Default)]
struct Way {
    rest: Vec<u8>,
    /// Content type and length of each, the header aside.
    records: Vec<(u8, usize)>,
}

impl Way {
    fn read(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
        while let Some(length) = self.length() {
            self.records.push((self.rest[0], length));
            self.rest.drain(..HEADER + length);
        }
    }

    fn length(&self) -> Option<usize> {
        let length = u16::from_be_bytes(self.rest.get(3..HEADER)?.try_into().unwrap()).into();
        (self.rest.len() >= HEADER + length).then_some(length)
    }

    fn encrypted(&self) -> usize {
        let encrypted = self
            .records
            .iter()
            .filter(|(kind, _)| *kind == APPLICATION_DATA);
        encrypted.count()
    }
}

#[derive(Default)]
struct Observed {
    up: Way,
    down: Way,
    /// The server's encrypted records before the client's first, which is its Finished.
    flight: usize,
}

impl Observed {
    /// Bytes that are no content. TLS 1.3 hides which records carry a handshake; their order tells it.
    fn tls(&self) -> usize {
        assert!(
            self.up.rest.is_empty() && self.down.rest.is_empty(),
            "half a record"
        );
        own(&self.up, 1) + own(&self.down, self.flight + TICKETS)
    }
}

/// Of one way, of whose encrypted records the first carry the handshake, and the last may say goodbye.
fn own(way: &Way, handshake: usize) -> usize {
    let encrypted = way.encrypted();
    let mut seen = 0;
    let bytes = way.records.iter().map(|&(kind, length)| {
        seen += usize::from(kind == APPLICATION_DATA);
        let goodbye = seen == encrypted && length == ALERT;
        match kind {
            APPLICATION_DATA if seen > handshake && !goodbye => RECORD_BYTES as usize,
            _ => HEADER + length,
        }
    });
    bytes.sum()
}

fn observed(capture: &str) -> u64 {
    let mut connections: BTreeMap<&str, Observed> = BTreeMap::new();
    for line in capture.lines() {
        let mut words = line.split(' ');
        let (connection, way) = (words.next().unwrap(), words.next().unwrap());
        let hex = words.next().unwrap();
        let bytes: Vec<u8> = (0..hex.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
            .collect();
        let observed = connections.entry(connection).or_default();
        match way {
            "up" => observed.up.read(&bytes),
            _ => observed.down.read(&bytes),
        }
        if observed.up.encrypted() == 0 {
            observed.flight = observed.down.encrypted();
        }
    }
    connections.values().map(Observed::tls).sum::<usize>() as u64
}

fn accounts_agree(kind: Transport, by: PublishBy) {
    let lab = Lab::start_secure(&[]);
    let proxy = Proxy::start(lab.public(), 16 * 1024);
    let mut plan = plan(kind);
    plan.publish.by = by;
    let trial = lab.run_through(proxy.address, &plan).trial;
    let name = format!("{kind} by {by:?}: {:?}", trial.errors);
    assert_sound(&trial);
    assert!(trial.errors.is_empty(), "{name}");
    let bytes = &trial.bytes;
    assert_eq!((bytes.up, bytes.down), proxy.counted(), "proxy, {name}");
    let server = (trial.server.bytes_rx, trial.server.bytes_tx);
    assert_eq!(server, (Some(bytes.up), Some(bytes.down)), "server, {name}");
    assert_eq!(bytes.by_kind.tls, observed(&proxy.capture()), "{name}");
    assert!(bytes.by_kind.tls > 0 && bytes.by_kind.payload > 0, "{name}");
    assert!(
        bytes.publish.up > 0 && bytes.publish.up < bytes.up,
        "{name}"
    );
}

#[test]
fn kinds_add_up_over_tls_and_three_counts_agree() {
    for kind in Transport::iter() {
        for by in [PublishBy::Publisher, PublishBy::Clients] {
            accounts_agree(kind, by);
        }
    }
}

/// The emulated line is below TLS, so a handshake pays for it: SYN, hello, and the request.
#[test]
fn a_line_delays_the_handshake_too() {
    let rtt = Duration::from_millis(40);
    for kind in [Transport::Sse, Transport::Websocket] {
        let lab = Lab::start_secure(&[]);
        let mut plan = plan(kind);
        plan.link = LinkPlan {
            rtt,
            ..LinkPlan::default()
        };
        let trial = lab.run(&plan).trial;
        assert_sound(&trial);
        let round_trips = trial.latency_us.connect.min.unwrap() as f64 / rtt.as_micros() as f64;
        assert!(round_trips >= 3.0, "{kind}: {round_trips} round trips");
    }
}

/// A cut connection leaves what is in no record; all of it still has a kind.
#[test]
fn kinds_add_up_over_tls_though_connections_are_cut() {
    for kind in Transport::iter() {
        let lab = Lab::start_secure(&[]);
        let mut plan = plan(kind);
        plan.cuts = vec![Duration::from_millis(300)];
        let trial = lab.run(&plan).trial;
        crate::assert_valid(&trial);
        assert_eq!(trial.lost, 0, "{kind}");
        let bytes = &trial.bytes;
        assert_eq!(bytes.by_kind.total(), bytes.up + bytes.down, "{kind}");
        assert!(bytes.by_kind.tls > 0, "{kind}");
    }
}

#[test]
fn the_embedded_server_is_trusted_by_its_own_certificate() {
    let mut plan = plan(Transport::Sse);
    plan.server.tls = true;
    let program = PathBuf::from(env!("CARGO_BIN_EXE_loadgen"));
    let trial = run_embedded(&plan, program).trial;
    assert_sound(&trial);
    assert!(trial.bytes.by_kind.tls > 0);
}

/// What a run says before it begins, where the other end is not what the URL says.
#[test]
fn who_is_not_trusted_is_not_measured() {
    let secure = Lab::start_secure(&[]);
    let plain = Lab::start(false);
    let refusal = |lab: &Lab, trust| {
        let target = Target::Remote {
            url: format!("https://{}", lab.public()),
            admin: None,
            trust,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(target.check())
    };
    let found = refusal(&secure, Trust::Anyone).unwrap();
    assert_eq!(found.as_deref(), Some(env!("CARGO_PKG_VERSION")));
    for (trust, lab, part) in [
        (Trust::System, &secure, "--cacert"),
        (Trust::Anyone, &plain, "speaks no TLS"),
    ] {
        let said = refusal(lab, trust).unwrap_err().to_string();
        // A machine that trusts nobody says that instead.
        assert!(
            said.contains(part) || said.contains("trusts no certificates"),
            "{said}"
        );
    }
}
