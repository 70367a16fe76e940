//! Results as a run would leave them, from seeded random numbers: for tests of the reporters alone.

use crate::model::Law;
use crate::results::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};
use pushlab_server::wire::transport::Transport;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::BTreeMap;
use strum::IntoEnumIterator;

const SECONDS: i64 = 5;
const PER_SECOND: u64 = 2_500;

/// Every transport, five repeats each, the third of long polling invalid.
pub(super) fn every_transport() -> Results {
    let mut results = nothing();
    results.verdict.valid = true;
    let mut random = StdRng::seed_from_u64(7);
    for repeat in 1..=5 {
        for transport in Transport::iter() {
            add_trial(
                &mut results,
                &mut random,
                transport,
                parameters(100),
                repeat,
            );
        }
    }
    let broken = &mut results.trials[13];
    broken.valid = false;
    broken.reasons = vec!["the generator woke 12 ms late at p99".to_string()];
    summarise(&mut results);
    results
}

/// SSE and interval polling at three numbers of clients, and one name beside them.
pub(super) fn sweep() -> Results {
    let mut results = nothing();
    results.verdict.valid = true;
    let mut random = StdRng::seed_from_u64(8);
    for clients in [100, 500, 2_000] {
        for transport in [Transport::IntervalPolling, Transport::Sse] {
            for repeat in 1..=2 {
                let parameters = parameters(clients);
                add_trial(&mut results, &mut random, transport, parameters, repeat);
            }
        }
    }
    summarise(&mut results);
    results
}

/// SSE at the maximum of a search, and interval polling that did not begin.
pub(super) fn capacity() -> Results {
    let mut results = nothing();
    results.verdict.valid = true;
    let mut random = StdRng::seed_from_u64(10);
    let (sse, polling) = (Transport::Sse, Transport::IntervalPolling);
    add_trial(&mut results, &mut random, sse, parameters(1_600), 1);
    add_trial(&mut results, &mut random, polling, parameters(400), 1);
    let step = |load: f64, holds: bool| CapacityStep {
        load,
        trial: 0,
        holds,
        p99_us: Some(load as i64 * 100),
        deliveries_per_s: Some(load * 10.0),
        server_cpu_share: Some(load / 2_500.0),
        machine_cpu_share: Some(load / 4_000.0),
        failures: if holds {
            vec![]
        } else {
            vec!["latency.p99 < 250ms".to_string()]
        },
    };
    let found =
        |transport: Transport, at: u64, side, reason: &str, steps: Vec<CapacityStep>| Capacity {
            name: transport.name().to_string(),
            transport,
            parameters: parameters(at),
            dimension: Dimension::Clients,
            slo: vec!["latency.p99 < 250ms".to_string(), "lost == 0".to_string()],
            maximum: steps
                .iter()
                .filter(|step| step.holds)
                .map(|step| step.load)
                .reduce(f64::max),
            limit: Some(Limit {
                side,
                reason: reason.to_string(),
            }),
            steps,
        };
    let full = "latency.p99 < 250ms failed, with the server's workers at 92 % of their CPU";
    let climb = vec![
        step(400.0, true),
        step(800.0, true),
        step(1_600.0, true),
        step(3_200.0, false),
        step(2_000.0, false),
    ];
    let none = vec![step(400.0, false)];
    results.capacity = vec![
        found(sse, 1_600, Side::Server, full, climb),
        found(polling, 400, Side::Slo, "latency.p99 < 250ms failed", none),
    ];
    summarise(&mut results);
    results
}

pub(crate) fn one_trial() -> Results {
    let mut results = nothing();
    results.verdict.valid = true;
    let mut random = StdRng::seed_from_u64(9);
    add_trial(
        &mut results,
        &mut random,
        Transport::Sse,
        parameters(100),
        1,
    );
    summarise(&mut results);
    results
}

/// A trial in which nothing arrived: no histogram, no figure.
pub(super) fn zero_deliveries() -> Results {
    let mut results = one_trial();
    let trial = &mut results.trials[0];
    trial.lost = trial.expected;
    trial.delivered = 0;
    trial.window_deliveries = 0;
    trial.latency_us = Latencies::default();
    trial.bandwidth_bytes_per_s = Distribution::default();
    trial.bytes.per_delivery = None;
    trial.bytes.per_delivery_by_kind = None;
    trial.server = ServerFigures::default();
    results.timeline.clear();
    summarise(&mut results);
    results
}

/// One trial, of which the mean holds and the bytes do not.
pub(super) fn modelled() -> Results {
    let mut results = one_trial();
    let trial = &results.trials[0];
    let figure = |figure: &str, model, measured, verdict| ModelFigure {
        figure: figure.to_string(),
        model,
        measured: Some(measured),
        low: model * 0.9,
        high: model * 1.1,
        verdict,
    };
    results.model = vec![ModelRow {
        name: trial.name.clone(),
        transport: trial.transport,
        parameters: trial.parameters.clone(),
        events: 12_500,
        floor: None,
        latency: Some(Law::evenly(0.001, 0.25)),
        figures: vec![
            figure("latency_mean_us", 126_000.0, 127_000.0, Holds::Holds),
            figure("bytes_per_delivery", 188.0, 250.0, Holds::DoesNot),
        ],
        notes: vec!["no closed form for p99: a test".to_string()],
    }];
    results
}

pub(super) fn nothing() -> Results {
    Results {
        schema: SCHEMA_NAME.to_owned(),
        schema_version: SCHEMA_VERSION,
        generated_at: "2026-11-21T03:02:01Z".to_string(),
        scenario: serde_json::json!({
            "name": "chat", "title": "Five heroes a room, everyone talks", "seed": 7,
            "load": {"clients": 500, "rooms": 100, "duration": "5s", "repeats": 5},
            "publish": {"rate": "200/s", "arrivals": "poisson", "payload": "128B"},
        }),
        environment: environment(),
        verdict: Verdict::default(),
        interrupted: false,
        trials: Vec::new(),
        summary: Vec::new(),
        timeline: Vec::new(),
        expectations: Vec::new(),
        capacity: Vec::new(),
        model: Vec::new(),
        calibration: Vec::new(),
        published: Vec::new(),
        predicted: Vec::new(),
    }
}

fn environment() -> Environment {
    Environment {
        loadgen_version: "0.1.0".to_string(),
        profile: "release".to_string(),
        rustc: "rustc 1.90.0".to_string(),
        git_revision: Some("e7137aa".to_string()),
        git_dirty: Some(true),
        os: "linux".to_string(),
        kernel: Some("6.8.0".to_string()),
        cpu: Some("AMD EPYC 9B14".to_string()),
        cpu_governor: Some("performance".to_string()),
        load_average: Some(0.25),
        cores: 8,
        memory_bytes: Some(16 << 30),
        fd_limit: Some(1_048_576),
        clock: "CLOCK_MONOTONIC".to_string(),
        sysctls: BTreeMap::from([("net.core.somaxconn".to_string(), "4096".to_string())]),
        target: "embedded".to_string(),
        target_version: Some("0.1.0".to_string()),
        gateway: None,
        labels: BTreeMap::new(),
    }
}

fn parameters(clients: u64) -> Parameters {
    Parameters {
        clients,
        rooms: 20,
        rate: 500.0,
        payload: 128,
        ..Parameters::default()
    }
}

fn add_trial(
    results: &mut Results,
    random: &mut StdRng,
    transport: Transport,
    parameters: Parameters,
    repeat: u32,
) {
    let mut delivery = histogram();
    for second in -1..SECONDS {
        let mut own = histogram();
        for _ in 0..PER_SECOND {
            own.record(latency_us(transport, random)).unwrap();
        }
        results
            .timeline
            .push(timeline_row(results.trials.len(), second, &own));
        if second >= 0 {
            delivery.add(&own).unwrap();
        }
    }
    results
        .trials
        .push(trial(transport, parameters, repeat, &delivery, random));
}

fn timeline_row(trial: usize, second: i64, own: &Histogram<u64>) -> TimelineRow {
    let known = distribution(own);
    TimelineRow {
        trial,
        second,
        deliveries: own.len(),
        p50_us: known.p50,
        p99_us: known.p99,
        max_us: known.max,
        bytes: 100_000,
        hdr: known.hdr,
    }
}

fn trial(
    transport: Transport,
    parameters: Parameters,
    repeat: u32,
    delivery: &Histogram<u64>,
    random: &mut StdRng,
) -> Trial {
    let delivered = delivery.len();
    let (requests, empty) = requests(transport);
    let by_kind = per_delivery(transport, random);
    let per_delivery: f64 = by_kind.values().sum();
    let scaled = |kind: &str| {
        by_kind
            .get(kind)
            .map_or(0.0, |bytes| bytes * delivered as f64) as u64
    };
    let by_kind_sums = ByKind {
        payload: scaled("payload"),
        framing: scaled("framing"),
        http_headers: scaled("http_headers"),
        empty_polls: scaled("empty_polls"),
        handshake: 20_000,
        keep_alive: scaled("keep_alive"),
        packets: scaled("packets"),
        probes: 0,
        upgrade: 0,
        tls: 0,
    };
    let clients = parameters.clients;
    Trial {
        name: transport.name().to_string(),
        transport,
        parameters,
        clients,
        repeat,
        valid: true,
        reasons: Vec::new(),
        window_s: SECONDS as f64,
        published: delivered / 5,
        expected: delivered,
        delivered,
        lost: 0,
        duplicated: 0,
        repeated: 0,
        out_of_order: 0,
        missed: 0,
        reconnects: 0,
        away: 0,
        errors: BTreeMap::new(),
        requests: (requests * delivered as f64) as u64,
        empty_responses: (requests * empty * delivered as f64) as u64,
        connects: 0,
        window_deliveries: delivered,
        latency_us: latencies(delivery),
        bytes: Bytes {
            up: by_kind_sums.total() / 3,
            down: by_kind_sums.total() - by_kind_sums.total() / 3,
            ip_up: None,
            ip_down: None,
            publish: UpDown {
                up: 90_000,
                down: 30_000,
            },
            by_kind: by_kind_sums,
            per_delivery: Some(per_delivery),
            per_delivery_by_kind: Some(by_kind),
            ..Bytes::default()
        },
        bandwidth_bytes_per_s: distribution(&bandwidth(transport, per_delivery, random)),
        server: ServerFigures {
            cpu_s: Some(0.4),
            cpu_s_per_million: Some(cpu_s(transport) * random.random_range(0.9..1.1)),
            rss_per_connection: Some(14_000.0 * random.random_range(0.9..1.1)),
            ..ServerFigures::default()
        },
        generator: GeneratorFigures::default(),
    }
}

fn latencies(delivery: &Histogram<u64>) -> Latencies {
    let mut lag = histogram();
    lag.record_n(40, 900).unwrap();
    lag.record_n(95, 100).unwrap();
    Latencies {
        delivery: distribution(delivery),
        uncorrected: distribution(delivery),
        publish_lag: distribution(&lag),
        publish_ack: Distribution::default(),
        connect: Distribution::default(),
        connect_parts: None,
        recovery: Distribution::default(),
    }
}

fn latency_us(transport: Transport, random: &mut StdRng) -> u64 {
    let log_normal = |random: &mut StdRng, median: f64, spread: f64| {
        // Box and Muller: a normal number from two uniform ones.
        let (u, v): (f64, f64) = (random.random_range(1e-12..1.0), random.random());
        let normal = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
        (median * (spread * normal).exp()) as u64
    };
    match transport {
        Transport::IntervalPolling => random.random_range(300..1_000_300),
        Transport::LongPolling => log_normal(random, 900.0, 0.6),
        Transport::HttpStreaming => log_normal(random, 420.0, 0.5),
        Transport::Sse => log_normal(random, 440.0, 0.5),
        Transport::Websocket => log_normal(random, 330.0, 0.45),
        Transport::Socketio => log_normal(random, 340.0, 0.45),
    }
}

/// Requests per delivery, and the share answered empty.
fn requests(transport: Transport) -> (f64, f64) {
    match transport {
        Transport::IntervalPolling => (2.5, 0.6),
        Transport::LongPolling => (0.97, 0.01),
        Transport::HttpStreaming | Transport::Sse | Transport::Websocket | Transport::Socketio => {
            (0.0, 0.0)
        }
    }
}

fn per_delivery(transport: Transport, random: &mut StdRng) -> BTreeMap<String, f64> {
    let kinds: &[(&str, f64)] = match transport {
        Transport::IntervalPolling => &[
            ("payload", 165.0),
            ("framing", 31.0),
            ("http_headers", 208.0),
            ("empty_polls", 4_800.0),
        ],
        Transport::LongPolling => &[
            ("payload", 165.0),
            ("framing", 31.0),
            ("http_headers", 210.0),
            ("empty_polls", 2.0),
        ],
        Transport::HttpStreaming => &[("payload", 165.0), ("framing", 7.0), ("keep_alive", 0.5)],
        Transport::Sse => &[("payload", 165.0), ("framing", 30.0), ("keep_alive", 0.5)],
        Transport::Websocket => &[("payload", 165.0), ("framing", 4.0), ("keep_alive", 0.4)],
        Transport::Socketio => &[
            ("payload", 165.0),
            ("framing", 4.0),
            ("packets", 33.0),
            ("keep_alive", 0.2),
        ],
    };
    let noise = random.random_range(0.98..1.02);
    kinds
        .iter()
        .map(|(kind, bytes)| (kind.to_string(), bytes * noise))
        .collect()
}

fn cpu_s(transport: Transport) -> f64 {
    match transport {
        Transport::IntervalPolling => 61.0,
        Transport::LongPolling => 38.0,
        Transport::HttpStreaming => 9.5,
        Transport::Sse => 9.9,
        Transport::Websocket => 8.1,
        Transport::Socketio => 8.2,
    }
}

fn bandwidth(transport: Transport, per_event: f64, random: &mut StdRng) -> Histogram<u64> {
    let mut bandwidth = histogram();
    for _ in 0..2_000 {
        let events = random.random_range(0..8);
        let least = if transport.is_push() { 0.0 } else { 190.0 };
        let noise = random.random_range(0.9..1.1);
        let bytes = least + f64::from(events) * per_event * noise;
        bandwidth.record(bytes as u64).unwrap();
    }
    bandwidth
}

fn histogram() -> Histogram<u64> {
    let mut histogram = Histogram::new(3).unwrap();
    histogram.auto(true);
    histogram
}

fn distribution(histogram: &Histogram<u64>) -> Distribution {
    let at = |quantile: f64| i64::try_from(histogram.value_at_quantile(quantile)).ok();
    let mut bytes = Vec::new();
    V2DeflateSerializer::new()
        .serialize(histogram, &mut bytes)
        .unwrap();
    Distribution {
        count: histogram.len(),
        negative: 0,
        min: at(0.0),
        mean: Some(histogram.mean()),
        p50: at(0.5),
        p75: at(0.75),
        p90: at(0.9),
        p95: at(0.95),
        p99: at(0.99),
        p999: at(0.999),
        max: at(1.0),
        hdr: STANDARD.encode(bytes),
    }
}

/// Medians over valid trials with their range as interval: enough for a report.
fn summarise(results: &mut Results) {
    results.summary.clear();
    let mut keys: Vec<(String, Transport, Parameters)> = Vec::new();
    for trial in &results.trials {
        let key = (
            trial.name.clone(),
            trial.transport,
            trial.parameters.clone(),
        );
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    for (name, transport, parameters) in keys {
        let is_ours = |trial: &&Trial| trial.name == name && trial.parameters == parameters;
        let all: Vec<&Trial> = results.trials.iter().filter(is_ours).collect();
        let valid: Vec<&Trial> = all.iter().copied().filter(|trial| trial.valid).collect();
        let row = SummaryRow {
            counts: counts(&valid),
            figures: figures(&valid),
            outliers: Vec::new(),
            repeats_valid: u32::try_from(valid.len()).unwrap(),
            repeats: u32::try_from(all.len()).unwrap(),
            name,
            transport,
            parameters,
        };
        results.summary.push(row);
    }
}

fn counts(trials: &[&Trial]) -> Counts {
    let sum = |of: fn(&Trial) -> u64| trials.iter().map(|trial| of(trial)).sum();
    Counts {
        published: sum(|trial| trial.published),
        expected: sum(|trial| trial.expected),
        delivered: sum(|trial| trial.delivered),
        lost: sum(|trial| trial.lost),
        ..Counts::default()
    }
}

type Reading = fn(&Trial) -> Option<f64>;

fn figures(trials: &[&Trial]) -> BTreeMap<String, Figure> {
    let of: [(&str, Reading); 13] = [
        ("latency_p50_us", |t| {
            t.latency_us.delivery.p50.map(|v| v as f64)
        }),
        ("latency_p90_us", |t| {
            t.latency_us.delivery.p90.map(|v| v as f64)
        }),
        ("latency_p99_us", |t| {
            t.latency_us.delivery.p99.map(|v| v as f64)
        }),
        ("latency_p999_us", |t| {
            t.latency_us.delivery.p999.map(|v| v as f64)
        }),
        ("latency_max_us", |t| {
            t.latency_us.delivery.max.map(|v| v as f64)
        }),
        ("uncorrected_p99_us", |t| {
            t.latency_us.uncorrected.p99.map(|v| v as f64)
        }),
        ("publish_lag_p99_us", |t| {
            t.latency_us.publish_lag.p99.map(|v| v as f64)
        }),
        ("bytes_per_delivery", |t| t.bytes.per_delivery),
        ("requests_per_delivery", |t| {
            ratio(t.requests, t.window_deliveries)
        }),
        ("empty_share", |t| ratio(t.empty_responses, t.requests)),
        ("server_cpu_s_per_million", |t| t.server.cpu_s_per_million),
        ("server_rss_per_connection", |t| t.server.rss_per_connection),
        ("deliveries_per_s", |t| {
            Some(t.window_deliveries as f64 / t.window_s)
        }),
    ];
    let mut figures = BTreeMap::new();
    for (name, value) in of {
        let mut values: Vec<f64> = trials.iter().filter_map(|trial| value(trial)).collect();
        values.sort_by(f64::total_cmp);
        if let (Some(low), Some(high)) = (values.first(), values.last()) {
            let median = values[values.len() / 2];
            figures.insert(
                name.to_string(),
                Figure {
                    median,
                    low: *low,
                    high: *high,
                },
            );
        }
    }
    figures
}

fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
