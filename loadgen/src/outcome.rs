//! What a trial found, as results have it: sums of threads, differences of marks, and the reasons
//! for which it does not count. Pure.

use crate::clients::heads::OFF_PRESET;
use crate::ledger::Ledger;
use crate::net::sockets::WireWindow;
use crate::net::tcp_info::HEADER_BYTES;
use crate::plan::{PublishBy, TrialPlan};
use crate::recorder::Recording;
use crate::results::{Bytes, ConnectParts, GeneratorFigures, Latencies, ServerFigures, Trial};
use crate::saturation;
use crate::table::Table;
use crate::totals::Snapshot;
use crate::trial::{Halt, Mark, Marks};
use crate::worker::BROKEN_TASK;
use pushlab_server::wire::transport::Transport;
use pushlab_server::wire::usage::{Traffic, Usage};
use std::collections::BTreeMap;

pub struct Findings<'a> {
    pub plan: &'a TrialPlan,
    pub table: &'a Table,
    pub recording: &'a Recording,
    /// By client.
    pub ledgers: &'a [(usize, Ledger)],
    /// Of the measure window.
    pub wire: Option<WireWindow>,
    /// After the last close.
    pub totals: Snapshot,
    pub marks: &'a Marks,
    pub halt: Option<Halt>,
    /// Threads that did not come back with what they measured.
    pub silent_threads: u64,
    /// Cores that the generator shares with its server; `None` unless that is the embedded one.
    pub shared_cores: Option<usize>,
}

pub fn trial(found: &Findings<'_>) -> Trial {
    let Findings {
        plan, recording, ..
    } = found;
    let count = Count::of(found);
    let errors = errors(found, &count);
    let reasons = reasons(found, &count, &errors);
    let window = found.marks.opened.as_ref().zip(found.marks.closed.as_ref());
    let since = |figure: fn(&Snapshot) -> u64| {
        window.map_or(0, |(opened, closed)| {
            figure(&closed.totals) - figure(&opened.totals)
        })
    };
    let window_deliveries = since(|totals| totals.deliveries);
    Trial {
        name: plan.name.clone(),
        transport: plan.transport.kind,
        parameters: plan.parameters(),
        clients: plan.clients as u64,
        repeat: plan.repeat,
        valid: reasons.is_empty(),
        reasons,
        window_s: window.map_or(0.0, |(opened, closed)| {
            (closed.at - opened.at).as_secs_f64()
        }),
        published: count.published,
        expected: count.due,
        delivered: recording.delivered,
        lost: count.lost,
        duplicated: recording.duplicated,
        repeated: recording.repeated,
        out_of_order: recording.out_of_order,
        missed: recording.missed,
        reconnects: recording.reconnects,
        away: recording.away,
        errors,
        requests: since(|totals| totals.requests),
        empty_responses: since(|totals| totals.empty),
        connects: since(|totals| totals.connects),
        window_deliveries,
        latency_us: latencies(recording, plan.transport.kind),
        bytes: bytes(found, window, window_deliveries),
        bandwidth_bytes_per_s: recording.bandwidth.distribution(),
        server: server_figures(plan, found.marks, window_deliveries),
        generator: generator_figures(found, window_deliveries),
    }
}

/// The class of events that were due and never went out.
pub const UNSENT: &str = "unsent";

/// What the ledgers say, held against what the server took.
#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    /// Events of the window that the server took, and their receipts that are due.
    published: u64,
    due: u64,
    lost: u64,
    lost_in_warm_up: u64,
    unsent: u64,
    /// Sent, and never heard of again: what a server swallows whole shows nowhere else.
    unanswered: u64,
}

impl Count {
    fn of(found: &Findings<'_>) -> Count {
        let table = found.table;
        let mut count = Count::default();
        for event in table.events() {
            if table.in_window(event) && event.is_taken() {
                count.published += 1;
                count.due += table.subscribers(event.room);
            }
            count.unsent += u64::from(!event.was_sent());
            count.unanswered += u64::from(event.is_unanswered());
        }
        if found.silent_threads > 0 {
            count.lost = count.due.saturating_sub(found.recording.delivered);
            return count;
        }
        for (client, ledger) in found.ledgers {
            for (publisher, planned) in table.publishers(table.room_of(*client)) {
                for sequence in ledger.missing(publisher, planned) {
                    count.miss(table, publisher, sequence);
                }
            }
        }
        count
    }

    fn miss(&mut self, table: &Table, publisher: u32, sequence: u32) {
        let event = table.find(publisher, sequence).map(|at| table.event(at));
        match event {
            Some(event) if event.is_taken() && table.in_window(event) => self.lost += 1,
            Some(event) if event.is_taken() => self.lost_in_warm_up += 1,
            Some(_) | None => {}
        }
    }
}

fn errors(found: &Findings<'_>, count: &Count) -> BTreeMap<String, u64> {
    let mut errors = found.recording.errors.clone();
    let mut add = |class: &str, events: u64| {
        if events > 0 {
            *errors.entry(class.to_owned()).or_default() += events;
        }
    };
    // A server that keeps one value loses the others by design, then as later.
    if !found.plan.transport.latest {
        add("lost-in-warm-up", count.lost_in_warm_up);
    }
    if found.halt.is_none() {
        add(UNSENT, count.unsent);
        add("publish-unanswered", count.unanswered);
    }
    errors
}

fn reasons(found: &Findings<'_>, count: &Count, errors: &BTreeMap<String, u64>) -> Vec<String> {
    let mut reasons = Vec::new();
    if let Some(halt) = &found.halt {
        reasons.push(halt_reason(halt, found.plan.clients, errors));
    }
    if found.silent_threads > 0 {
        reasons.push(format!(
            "{} threads of the generator did not end in time: their figures are missing",
            found.silent_threads
        ));
    }
    if let Some(unsent) = errors.get(UNSENT) {
        reasons.push(format!(
            "{unsent} of {} events were never sent: the target, or the line to it, takes publishes \
             too slowly for this rate, and what came stands for less than was asked; ask for less",
            found.table.events().len()
        ));
    }
    if let Some(broken) = errors.get(BROKEN_TASK) {
        reasons.push(format!(
            "{broken} tasks of the generator broke: what is lost or missing may be its own doing"
        ));
    }
    if let Some(answers) = errors.get(OFF_PRESET) {
        reasons.push(format!(
            "{answers} answers did not have the head that headers asks for; start the server with --lab-headers {}",
            (found.plan.server.lab_headers).map_or(String::new(), |headers| headers.to_string())
        ));
    }
    let (counted, carried) = (
        found.totals.by_kind().total(),
        found.totals.up() + found.totals.down(),
    );
    if counted != carried {
        reasons.push(format!(
            "bytes by kind add up to {counted}, but the sockets carried {carried}"
        ));
    }
    let delivered = found.recording.delivered;
    if count.due != delivered + count.lost {
        reasons.push(format!(
            "{} deliveries were due, but {delivered} delivered and {} lost do not add up to that",
            count.due, count.lost
        ));
    }
    reasons.extend(saturation::causes(&saturation::Signs {
        recording: found.recording,
        window: found.marks.opened.as_ref().zip(found.marks.closed.as_ref()),
        errors,
        shared_cores: found.shared_cores,
    }));
    if let (None, 1..) = (&found.halt, found.totals.gave_up) {
        reasons.push(format!(
            "{} of {} clients were refused and gave up: the others are not the load that was asked for",
            found.totals.gave_up, found.plan.clients
        ));
    }
    reasons
}

fn halt_reason(halt: &Halt, clients: usize, errors: &BTreeMap<String, u64>) -> String {
    let most = errors.iter().max_by_key(|(_, count)| **count);
    let most = most.map_or(String::new(), |(class, count)| {
        format!("; most common error: {class} ({count} times)")
    });
    match halt {
        Halt::Interrupted => "interrupted".to_owned(),
        Halt::ServerEnded(how) => format!("the server ended during the trial ({how})"),
        Halt::NotConnected { connected } => {
            format!("only {connected} of {clients} clients connected in time{most}")
        }
        Halt::NotReady { ready } => {
            format!("only {ready} of {clients} clients received the probe event{most}")
        }
    }
}

fn latencies(recording: &Recording, kind: Transport) -> Latencies {
    let parts = || ConnectParts {
        handshake: recording.handshake.distribution(),
        upgrade: recording.upgrade.distribution(),
        namespace: recording.entry.distribution(),
    };
    Latencies {
        delivery: recording.delivery.distribution(),
        uncorrected: recording.uncorrected.distribution(),
        publish_lag: recording.publish_lag.distribution(),
        publish_ack: recording.publish_ack.distribution(),
        connect: recording.connect.distribution(),
        connect_parts: (kind == Transport::Socketio).then(parts),
        recovery: recording.recovery.distribution(),
    }
}

fn bytes(found: &Findings<'_>, window: Option<(&Mark, &Mark)>, deliveries: u64) -> Bytes {
    let (totals, wire) = (&found.totals, ip_window(found));
    let per = |bytes: f64| (deliveries > 0).then(|| bytes / deliveries as f64);
    let ip = totals.ip();
    Bytes {
        up: totals.up(),
        down: totals.down(),
        ip_up: ip.map(|ip| ip.up),
        ip_down: ip.map(|ip| ip.down),
        publish: totals.publish(),
        by_kind: totals.by_kind(),
        per_delivery: window.and_then(|(opened, closed)| {
            per((closed.totals.delivery_bytes() - opened.totals.delivery_bytes()) as f64)
        }),
        per_delivery_by_kind: window.and_then(|(opened, closed)| {
            let kinds = closed.totals.delivery_kinds_since(&opened.totals);
            kinds
                .into_iter()
                .map(|(kind, bytes)| Some((kind.to_owned(), per(bytes as f64)?)))
                .collect()
        }),
        ip_per_delivery: wire.filter(|wire| wire.deliveries > 0).map(|wire| {
            (wire.bytes + wire.segments * HEADER_BYTES) as f64 / wire.deliveries as f64
        }),
        segments: wire.map(|wire| wire.segments),
        exchanges: found.recording.exchanges,
    }
}

/// A segment of a connection that is also published on belongs to both.
fn ip_window(found: &Findings<'_>) -> Option<WireWindow> {
    let mixed =
        found.plan.publish.by == PublishBy::Clients && found.plan.transport.is_bidirectional();
    found.wire.filter(|_| !mixed)
}

/// Traffic of measured connections: what asks for usage is not.
pub fn measured(usage: &Usage) -> impl Iterator<Item = &Traffic> {
    let measured = usage
        .transports
        .iter()
        .filter(|(name, _)| *name != "control");
    measured.map(|(_, traffic)| traffic)
}

/// A server of ours names every transport, used or not; of another's sockets nobody knows.
fn keeps_books(usage: &Usage) -> bool {
    !usage.transports.is_empty()
}

fn server_figures(plan: &TrialPlan, marks: &Marks, deliveries: u64) -> ServerFigures {
    let opened = marks.opened.as_ref().and_then(|mark| mark.server.as_ref());
    let closed = marks.closed.as_ref().and_then(|mark| mark.server.as_ref());
    let window = opened.zip(closed);
    // Where somebody of a family was lost from sight nobody knows.
    let cpu_s = window
        .and_then(|(o, c)| Some(c.process.cpu_s? - o.process.cpu_s?))
        .filter(|seconds| *seconds >= 0.0);
    let rss_start = marks.server_start.as_ref().and_then(|u| u.process.rss);
    let rss_ready = marks.server_ready.as_ref().and_then(|u| u.process.rss);
    let carried = |figure: fn(&Traffic) -> u64| {
        let sum = |usage: &Usage| measured(usage).map(figure).sum::<u64>();
        let (start, end) = (marks.server_start.as_ref()?, marks.server_end.as_ref()?);
        (keeps_books(start) && keeps_books(end)).then_some(())?;
        Some(sum(end).wrapping_sub(sum(start)))
    };
    ServerFigures {
        cpu_s,
        cpu_s_per_million: per_million(cpu_s, deliveries),
        rss_start,
        rss_ready,
        rss_per_connection: per_client(rss_start, rss_ready, plan.clients),
        threads: closed.and_then(|usage| usage.process.threads),
        connections: (marks.server_ready.as_ref())
            .filter(|usage| keeps_books(usage))
            .map(|usage| measured(usage).map(|traffic| traffic.open).sum()),
        fds: (marks.server_ready.as_ref()).and_then(|usage| usage.process.fds),
        context_switches: window.and_then(|(o, c)| {
            let (before, after) = (o.process.context_switches?, c.process.context_switches?);
            after.checked_sub(before)
        }),
        bytes_rx: carried(|traffic| traffic.rx),
        bytes_tx: carried(|traffic| traffic.tx),
    }
}

fn generator_figures(found: &Findings<'_>, deliveries: u64) -> GeneratorFigures {
    let marks = found.marks;
    let window = marks.opened.as_ref().zip(marks.closed.as_ref());
    let cpu_s = window.and_then(|(o, c)| Some(c.own.cpu_s? - o.own.cpu_s?));
    let rss_start = marks.own_start.rss;
    let rss_ready = marks.own_ready.and_then(|own| own.rss);
    GeneratorFigures {
        cpu_s,
        cpu_s_per_million: per_million(cpu_s, deliveries),
        rss_start,
        rss_ready,
        rss_per_client: per_client(rss_start, rss_ready, found.plan.clients),
        threads: marks.own_ready.and_then(|own| own.threads).unwrap_or(0),
        fds: marks.own_ready.and_then(|own| own.fds),
        control_us: found.recording.control.distribution(),
    }
}

fn per_million(cpu_s: Option<f64>, deliveries: u64) -> Option<f64> {
    cpu_s
        .filter(|_| deliveries > 0)
        .map(|s| s / deliveries as f64 * 1e6)
}

fn per_client(start: Option<u64>, ready: Option<u64>, clients: usize) -> Option<f64> {
    let grown = ready? as f64 - start? as f64;
    (clients > 0).then(|| grown / clients as f64)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::table::tests::plan;
    use crate::trial::Threads;
    use crate::usage::OwnUsage;
    use std::time::Instant;

    /// A trial of `plan` that measured nothing.
    pub(crate) fn empty(plan: &TrialPlan) -> Trial {
        let table = Table::new(plan, Instant::now());
        trial(&Findings {
            plan,
            table: &table,
            recording: &Recording::default(),
            ledgers: &[],
            wire: None,
            totals: Snapshot::default(),
            marks: &Marks::default(),
            halt: None,
            silent_threads: 0,
            shared_cores: None,
        })
    }

    /// Two clients of one room; 20 events before the window and 40 in it.
    fn findings(
        recording: &Recording,
        halt: Option<Halt>,
        judge: impl FnOnce(&Table, &Findings<'_>),
    ) {
        let plan = plan(2, 1);
        let table = Table::new(&plan, Instant::now());
        let ledgers = [(0, Ledger::default()), (1, Ledger::default())];
        let found = Findings {
            plan: &plan,
            table: &table,
            recording,
            ledgers: &ledgers,
            wire: None,
            totals: Snapshot::default(),
            marks: &Marks::default(),
            halt,
            silent_threads: 0,
            shared_cores: None,
        };
        judge(&table, &found);
    }

    #[test]
    fn only_what_the_server_took_can_be_lost() {
        findings(&Recording::default(), None, |table, found| {
            table.sending(0, Instant::now());
            table.taken(0);
            table.sending(30, Instant::now());
            table.taken(30);
            table.sending(31, Instant::now());
            let expected = Count {
                published: 1,
                due: 2,
                lost: 2,
                lost_in_warm_up: 2,
                unsent: 57,
                unanswered: 1,
            };
            assert_eq!(Count::of(found), expected);
            let trial = trial(found);
            assert_eq!((trial.expected, trial.delivered, trial.lost), (2, 0, 2));
            assert_eq!(trial.errors["lost-in-warm-up"], 2);
            assert_eq!(trial.errors["unsent"], 57);
            assert_eq!(trial.errors["publish-unanswered"], 1);
            assert_eq!(trial.reasons.len(), 1, "a loss is a finding");
            assert!(trial.reasons[0].starts_with("57 of 60 events were never sent"));
        });
    }

    #[test]
    fn reasons_name_the_cause() {
        let mut recording = Recording::default();
        recording.errors.insert("connect-refused".to_owned(), 7);
        recording.errors.insert("ended".to_owned(), 2);
        recording.errors.insert(BROKEN_TASK.to_owned(), 1);
        (0..10).for_each(|_| recording.wake_lag.record(25_000));
        let halt = Halt::NotConnected { connected: 1 };
        findings(&recording, Some(halt), |_, found| {
            let reasons = trial(found).reasons;
            assert_eq!(
                reasons[0],
                "only 1 of 2 clients connected in time; most common error: connect-refused (7 times)"
            );
            assert!(reasons[1].contains("1 tasks of the generator broke"));
            assert!(
                reasons[2].contains("pacer woke 25.0 ms late"),
                "{reasons:?}"
            );
        });
    }

    fn usage(cpu_s: f64, tx: Option<u64>) -> Usage {
        let mut usage = Usage::default();
        usage.process.cpu_s = Some(cpu_s);
        if let Some(tx) = tx {
            let traffic = Traffic {
                tx,
                ..Traffic::default()
            };
            usage.transports.insert("sse".to_owned(), traffic);
        }
        usage
    }

    #[test]
    fn what_nobody_knows_of_a_server_is_absent() {
        let mark = |cpu_s| Mark {
            at: Instant::now(),
            totals: Snapshot::default(),
            own: OwnUsage::default(),
            threads: Threads::default(),
            server: Some(usage(cpu_s, None)),
        };
        let figures = |cpu_s: [f64; 2], tx: [Option<u64>; 2]| {
            let marks = Marks {
                opened: Some(mark(cpu_s[0])),
                closed: Some(mark(cpu_s[1])),
                server_start: Some(usage(0.0, tx[0])),
                server_end: Some(usage(0.0, tx[1])),
                ..Marks::default()
            };
            let found = server_figures(&plan(2, 1), &marks, 10);
            (found.cpu_s, found.bytes_tx)
        };
        let full = figures([1.0, 1.5], [Some(3), Some(10)]);
        assert_eq!(full, (Some(0.5), Some(7)));
        assert_eq!(figures([1.5, 1.0], [None, Some(10)]), (None, None));
        assert_eq!(figures([1.0, 1.0], [Some(3), None]), (Some(0.0), None));
    }
}
