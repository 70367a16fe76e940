//! RFC 6202: long polling takes one network transit on average and over three at most. A line of its
//! own for each distance and rate, so that it shows where “close to one” ends.

use super::evidence::{Evidence, max_ms, mean_ms, p50_ms};
use super::kaazing_latency::transits;
use crate::model::Law;
use crate::results::{Parameters, PublishedRow};
use pushlab_server::wire::transport::Transport;

pub(super) const SOURCE: &str = "S. Loreto, P. Saint-Andre, S. Salsano, G. Wilkins, RFC 6202, “Known Issues and Best Practices for the Use of Long Polling and Streaming in Bidirectional HTTP”, 2011";

pub(super) const FOOTNOTES: [&str; 3] = [
    "“Close to one network transit” holds for long polling only while events are rare: 1.73 transits at one event in each re-request gap (λR = 1), and two in the limit.",
    "The maximum is d + R, three transits where nothing but the line takes time; what the machine adds comes on top, so it is printed and not judged.",
    "Latency begins at the server: events are published over a connection without a line.",
];

pub(super) fn rows(evidence: &Evidence<'_>) -> Vec<PublishedRow> {
    let by_distance_and_rate =
        |set: &Parameters| set.rtt_s.unwrap_or(0.0) * 1e6 + set.rate / set.rooms as f64;
    let mut rows = Vec::new();
    for name in ["sse", "websocket"] {
        let of = evidence.named(name);
        for set in of.sets(by_distance_and_rate) {
            rows.push(streamed(name, &of.at(set), set));
        }
    }
    let held = evidence.named("long-polling");
    for set in held.sets(by_distance_and_rate) {
        rows.extend(long_polled(&held.at(set), set));
    }
    rows
}

/// d, in milliseconds.
fn transit_ms(set: &Parameters) -> f64 {
    set.rtt_s.unwrap_or(0.0) * 500.0
}

fn case(name: &str, set: &Parameters) -> String {
    let rate = set.rate / set.rooms as f64;
    let gaps = rate * set.rtt_s.unwrap_or(0.0);
    format!("{name}, d = {} ms, λR = {gaps:.2}", transit_ms(set))
}

fn tolerance_ms(set: &Parameters) -> f64 {
    1.0 + 0.02 * transit_ms(set)
}

fn streamed(name: &str, of: &Evidence<'_>, set: &Parameters) -> PublishedRow {
    PublishedRow::new(case(name, set), "p50", "ms")
        .quoted("one transit, average and maximum")
        .model(transit_ms(set))
        .measured(of.median(p50_ms))
        .within(tolerance_ms(set))
}

fn long_polled(of: &Evidence<'_>, set: &Parameters) -> Vec<PublishedRow> {
    let rtt_s = set.rtt_s.unwrap_or(0.0);
    let Some(law) = transits(Transport::LongPolling, set, rtt_s).latency else {
        return Vec::new();
    };
    let row = |figure: &str| PublishedRow::new(case("long-polling", set), figure, "ms");
    let samples = of.median(|trial| Some(trial.latency_us.delivery.count as f64));
    let few = samples.is_none_or(|samples| samples < TAIL_SAMPLES);
    let mean = row("mean")
        .quoted("close to one transit")
        .model(law.mean_s() * 1000.0)
        .measured(of.median(mean_ms))
        .within(tolerance_ms(set) + chance_ms(law, samples.unwrap_or(1.0)));
    let tail = row("p99.5").model(law.quantile_s(0.995) * 1000.0);
    let tail = match few {
        true => tail.note("too few events to judge a p99.5"),
        false => tail
            .measured(of.quantile_ms(0.995))
            .within(tolerance_ms(set)),
    };
    let max = row("max")
        .quoted("over three transits")
        .model(law.most_s() * 1000.0)
        .measured(of.median(max_ms));
    vec![mean, tail, max]
}

/// Below this fewer than ten events decide a p99.5.
const TAIL_SAMPLES: f64 = 2_000.0;

/// Three standard errors of a mean.
fn chance_ms(law: Law, samples: f64) -> f64 {
    3.0 * law.deviation_s() * 1000.0 / samples.sqrt()
}
