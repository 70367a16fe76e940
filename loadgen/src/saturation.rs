//! Whether the generator was the bottleneck of its own trial, judged by what it knows of itself: how
//! late its clock waits and its threads were, how busy they were, what its own limits refused.
//! Waiting for a slow or frozen target is latency and no sign of anything here. Pure.

use crate::histogram::Samples;
use crate::net::failure::{NO_DESCRIPTOR, NO_PORT};
use crate::recorder::Recording;
use crate::trial::Mark;
use crate::usage::ThreadUsage;
use std::collections::BTreeMap;
use std::time::Duration;

/// Where saturation shows.
pub struct Signs<'a> {
    pub recording: &'a Recording,
    /// Its opening and its close.
    pub window: Option<(&'a Mark, &'a Mark)>,
    pub errors: &'a BTreeMap<String, u64>,
    /// Cores that the generator shares with its server; `None` unless that is the embedded one.
    pub shared_cores: Option<usize>,
}

/// A generator that is this late in one of 20 waits measures itself (fortio's share of late sleeps).
/// A single hiccup, or the storm after a cut, does not spoil a trial.
const LATE_WAKE_US: i64 = 20_000;
const LATE_TICK_US: i64 = 100_000;

/// Of the window (Locust warns at as much): what comes in while a thread is busy waits for it.
const BUSY: f64 = 0.9;

/// Of all cores: beyond it whatever runs takes time from something else that would.
const FULL: f64 = 0.95;

/// Each with its remedy; none if the figures are the target's.
pub fn causes(signs: &Signs<'_>) -> Vec<String> {
    let recording = signs.recording;
    let mut causes = Vec::new();
    if let Some(late) = late(&recording.wake_lag, LATE_WAKE_US) {
        causes.push(bottleneck(&format!("its pacer woke {late} late (p95)")));
    }
    if let Some(late) = late(&recording.tick_lag, LATE_TICK_US) {
        causes.push(bottleneck(&format!(
            "its client threads ran {late} late (p95)"
        )));
    }
    causes.extend(busy_threads(signs));
    if causes.is_empty() {
        causes.extend(full_machine(signs));
    }
    causes.extend(refused_by_the_machine(signs.errors));
    causes
}

fn bottleneck(how: &str) -> String {
    format!("the generator was the bottleneck: {how}; ask for less or give it more cores")
}

/// The p95 of `samples`, if it is above `limit_us`.
fn late(samples: &Samples, limit_us: i64) -> Option<String> {
    let p95 = samples.quantile(0.95).filter(|p95| *p95 > limit_us)?;
    Some(format!("{:.1} ms", p95 as f64 / 1000.0))
}

fn busy_threads(signs: &Signs<'_>) -> Vec<String> {
    let Some((opened, closed)) = signs.window else {
        return Vec::new();
    };
    let length = closed.at - opened.at;
    let busy = |before: Option<ThreadUsage>, after: Option<ThreadUsage>| {
        Busy::of(after?.since(before?), length)
    };
    let mut causes = Vec::new();
    let clients = opened.threads.clients.iter().zip(&closed.threads.clients);
    let busiest = clients
        .filter_map(|(before, after)| busy(*before, *after))
        .max_by(|one, other| one.share().total_cmp(&other.share()));
    if let Some(busiest) = busiest {
        let of = closed.threads.clients.len();
        let whose = format!("the busiest of its client threads ({of})");
        causes.push(bottleneck(&busiest.told(&whose)));
    }
    // Shortly before an event its thread spins, so being busy alone says nothing.
    let lag = late(&signs.recording.publish_lag, LATE_WAKE_US);
    let publisher = busy(opened.threads.publisher, closed.threads.publisher);
    if let (Some(publisher), Some(lag)) = (publisher, lag) {
        let told = publisher.told("its publishing thread");
        causes.push(bottleneck(&format!(
            "events left {lag} late (p95) and {told}"
        )));
    }
    causes
}

/// A server beside the generator that leaves it no core delays what the generator sends.
fn full_machine(signs: &Signs<'_>) -> Option<String> {
    let (opened, closed) = signs.window?;
    let cores = signs.shared_cores?;
    let lag = late(&signs.recording.publish_lag, LATE_WAKE_US)?;
    let server = |mark: &Mark| mark.server.as_ref()?.process.cpu_s;
    let own_s = closed.own.cpu_s? - opened.own.cpu_s?;
    let server_s = server(closed)? - server(opened)?;
    let length_s = (closed.at - opened.at).as_secs_f64();
    let share = |cpu_s: f64| cpu_s / (length_s * cores as f64);
    (length_s > 0.0 && share(own_s + server_s) >= FULL).then(|| {
        bottleneck(&format!(
            "events left {lag} late (p95), for it and the server beside it used {:.0} % and {:.0} % of all cores ({cores})",
            share(own_s) * 100.0,
            share(server_s) * 100.0
        ))
    })
}

/// A thread that had hardly any time left.
struct Busy {
    running: f64,
    waiting: f64,
}

impl Busy {
    fn of(spent: ThreadUsage, length: Duration) -> Option<Busy> {
        let share = |time: Duration| time.as_secs_f64() / length.as_secs_f64();
        let busy = Busy {
            running: share(spent.running),
            waiting: share(spent.waiting),
        };
        (!length.is_zero() && busy.share() >= BUSY).then_some(busy)
    }

    fn share(&self) -> f64 {
        self.running + self.waiting
    }

    fn told(&self, whose: &str) -> String {
        format!(
            "{whose} used {:.0} % of a core and waited for one {:.0} % of the time",
            self.running * 100.0,
            self.waiting * 100.0
        )
    }
}

fn refused_by_the_machine(errors: &BTreeMap<String, u64>) -> Vec<String> {
    let limits = [
        (
            NO_DESCRIPTOR,
            "ran out of file descriptors",
            "raise the limit with `ulimit -n`",
        ),
        (
            NO_PORT,
            "ran out of ports to connect from",
            "widen them with `sysctl -w net.ipv4.ip_local_port_range=\"1024 65535\"`",
        ),
    ];
    let told = |(class, what, remedy)| {
        let times = errors.get(class)?;
        Some(format!(
            "the generator was the bottleneck: it {what} ({times} connects failed); {remedy} or ask for fewer clients"
        ))
    };
    limits.into_iter().filter_map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::totals::Snapshot;
    use crate::trial::Threads;
    use crate::usage::OwnUsage;
    use std::time::Instant;

    fn mark(at: Instant, clients_ms: [u64; 2], publisher_ms: [u64; 2]) -> Mark {
        let usage = |[running, waiting]: [u64; 2]| {
            Some(ThreadUsage {
                running: Duration::from_millis(running),
                waiting: Duration::from_millis(waiting),
            })
        };
        Mark {
            at,
            totals: Snapshot::default(),
            own: OwnUsage::default(),
            threads: Threads {
                clients: vec![usage([0, 0]), usage(clients_ms)],
                publisher: usage(publisher_ms),
            },
            server: None,
        }
    }

    /// After a window of a second.
    fn found(recording: &Recording, clients_ms: [u64; 2], publisher_ms: [u64; 2]) -> Vec<String> {
        let now = Instant::now();
        let opened = mark(now, [0, 0], [0, 0]);
        let closed = mark(now + Duration::from_secs(1), clients_ms, publisher_ms);
        causes(&Signs {
            recording,
            window: Some((&opened, &closed)),
            errors: &BTreeMap::new(),
            shared_cores: Some(2),
        })
    }

    #[test]
    fn a_thread_without_time_left_is_named() {
        let idle = Recording::default();
        assert_eq!(found(&idle, [600, 250], [0, 0]), Vec::<String>::new());
        assert_eq!(
            found(&idle, [600, 350], [0, 0]),
            [
                "the generator was the bottleneck: the busiest of its client threads (2) used 60 % of a core and waited for one 35 % of the time; ask for less or give it more cores"
            ]
        );
    }

    #[test]
    fn a_publisher_that_spins_is_busy_and_one_that_is_late_too_is_not_fit() {
        let mut recording = Recording::default();
        (0..20).for_each(|_| recording.publish_lag.record(100));
        assert_eq!(found(&recording, [0, 0], [950, 0]), Vec::<String>::new());
        (0..20).for_each(|_| recording.publish_lag.record(30_000));
        let causes = found(&recording, [0, 0], [950, 0]);
        assert!(
            causes[0].contains("its publishing thread used 95 %"),
            "{causes:?}"
        );
        // Late, and idle: it waited for the target.
        assert_eq!(found(&recording, [0, 0], [200, 0]), Vec::<String>::new());
    }

    #[test]
    fn a_full_machine_is_named_where_the_server_runs_on_it_and_events_were_late() {
        let mut recording = Recording::default();
        recording.publish_lag.record(30_000);
        let now = Instant::now();
        let spent = |at: Instant, own_s: f64, server_s: f64| {
            let mut mark = mark(at, [0, 0], [0, 0]);
            mark.own.cpu_s = Some(own_s);
            let mut usage = pushlab_server::wire::usage::Usage::default();
            usage.process.cpu_s = Some(server_s);
            mark.server = Some(usage);
            mark
        };
        let opened = spent(now, 1.0, 5.0);
        let found = |recording, own_s, server_s, shared_cores| {
            let closed = spent(now + Duration::from_secs(1), own_s, server_s);
            causes(&Signs {
                recording,
                window: Some((&opened, &closed)),
                errors: &BTreeMap::new(),
                shared_cores,
            })
        };
        assert_eq!(
            found(&recording, 1.95, 6.0, Some(2)),
            [
                "the generator was the bottleneck: events left 30.0 ms late (p95), for it and the server beside it used 48 % and 50 % of all cores (2); ask for less or give it more cores"
            ]
        );
        assert!(found(&recording, 1.95, 6.0, None).is_empty());
        assert!(found(&recording, 1.5, 6.0, Some(2)).is_empty());
        assert!(found(&Recording::default(), 1.95, 6.0, Some(2)).is_empty());
    }

    #[test]
    fn limits_of_the_machine_are_told_from_refusals_of_the_server() {
        let errors = [(NO_DESCRIPTOR, 7), ("connect-connection-refused", 9)];
        let causes = causes(&Signs {
            recording: &Recording::default(),
            window: None,
            errors: &errors
                .map(|(class, count)| (class.to_owned(), count))
                .into(),
            shared_cores: None,
        });
        assert_eq!(causes.len(), 1);
        assert!(causes[0].contains("(7 connects failed)") && causes[0].contains("ulimit"));
    }
}
