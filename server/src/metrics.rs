//! The usage answer as Prometheus reads it (OpenMetrics text, RFC draft of the same name).

use crate::wire::usage::{Traffic, Usage};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Labels = Vec<(&'static str, String)>;

/// What a counter of the transports is called, what it says, and where it stands.
type TrafficCounter = (&'static str, &'static str, fn(&Traffic) -> u64);

const TRAFFIC: [TrafficCounter; 6] = [
    ("received_bytes", "Bytes that sockets received", |t| t.rx),
    ("sent_bytes", "Bytes that sockets sent", |t| t.tx),
    ("connections", "Connections opened", |t| t.opened),
    ("requests", "Requests", |t| t.requests),
    ("empty_answers", "Answers without an event", |t| t.empty),
    ("deliveries", "Events handed to subscribers", |t| {
        t.deliveries
    }),
];

pub fn text(usage: &Usage) -> String {
    let mut registry = Registry::with_prefix("pushlab");
    for (name, help, value) in TRAFFIC {
        let family = Family::<Labels, Counter>::default();
        for (transport, traffic) in &usage.transports {
            family
                .get_or_create(&vec![("transport", transport.clone())])
                .inc_by(value(traffic));
        }
        registry.register(name, help, family);
    }
    let open = Family::<Labels, Gauge>::default();
    for (transport, traffic) in &usage.transports {
        open.get_or_create(&vec![("transport", transport.clone())])
            .set(traffic.open.cast_signed());
    }
    registry.register("connections_open", "Connections open now", open);
    let ended = Family::<Labels, Counter>::default();
    for (reason, count) in &usage.ended {
        ended
            .get_or_create(&vec![("reason", reason.clone())])
            .inc_by(*count);
    }
    registry.register(
        "connections_ended",
        "Connections that the server ended",
        ended,
    );
    let published = Counter::<u64>::default();
    published.inc_by(usage.published);
    registry.register("published", "Events published", published);
    gauge(
        &mut registry,
        "rooms",
        "Rooms that exist now",
        Some(usage.rooms),
    );
    gauge(
        &mut registry,
        "history_bytes",
        "Memory that the histories of all rooms hold",
        Some(usage.history_bytes),
    );
    gauge(
        &mut registry,
        "sessions_open",
        "Sessions of Engine.IO that are open now",
        Some(usage.sessions),
    );
    let unheld = Counter::<u64>::default();
    unheld.inc_by(usage.unheld);
    registry.register("unheld_polls", "Long polls that found no thread", unheld);
    process(&mut registry, usage);
    let mut text = String::new();
    encode(&mut text, &registry).expect("writing to a string cannot fail");
    text
}

fn process(registry: &mut Registry, usage: &Usage) {
    let process = &usage.process;
    if let Some(cpu_s) = process.cpu_s {
        let counter = Counter::<f64, std::sync::atomic::AtomicU64>::default();
        counter.inc_by(cpu_s);
        registry.register_with_unit("cpu", "CPU time of the process", Unit::Seconds, counter);
    }
    gauge(registry, "resident_bytes", "Resident memory", process.rss);
    gauge(
        registry,
        "threads",
        "Threads of the process",
        process.threads,
    );
    gauge(registry, "open_fds", "Open file descriptors", process.fds);
}

fn gauge(registry: &mut Registry, name: &'static str, help: &'static str, value: Option<u64>) {
    if let Some(value) = value {
        let gauge = Gauge::<i64>::default();
        gauge.set(value.cast_signed());
        registry.register(name, help, gauge);
    }
}
