//! G10: what threads, processes and repeats recorded apart is, put together, bit by bit what one
//! recording of the same samples is. Nothing here is timed.

use crate::lab::plan;
use crate::simulation::{Simulation, drawn, spread};
use loadgen::recorder::Recording;
use loadgen::results::{Results, TimelineRow, Trial};
use loadgen::{report, timeline::Timeline};
use pushlab_server::wire::transport::Transport;
use std::thread;
use std::time::Duration;

const SHARES: usize = 4;

/// Share `number` of a run of 64 clients and 10 s.
fn recorded(number: usize, of: usize) -> (Recording, Vec<TimelineRow>) {
    let mut plan = plan(Transport::Websocket);
    spread(&mut plan, 64, 50.0, Duration::from_secs(10));
    let mut simulation = Simulation::share(&plan, number, of);
    (0..simulation.events()).for_each(|index| simulation.event(index, drawn(index)));
    simulation.finish()
}

fn shares() -> Vec<(Recording, Vec<TimelineRow>)> {
    let running = (0..SHARES).map(|number| thread::spawn(move || recorded(number, SHARES)));
    let running: Vec<_> = running.collect();
    running
        .into_iter()
        .map(|share| share.join().unwrap())
        .collect()
}

#[test]
fn recordings_of_threads_add_up_to_one() {
    let (whole, _) = recorded(0, 1);
    let mut sum = Recording::default();
    for (share, _) in shares() {
        assert_eq!(share.delivered, whole.delivered / SHARES as u64);
        sum.merge(share);
    }
    assert_eq!(sum.delivered, whole.delivered);
    // Counts of all buckets in base64, and every figure drawn from them.
    assert_eq!(sum.delivery.distribution(), whole.delivery.distribution());
    assert_eq!(
        sum.uncorrected.distribution(),
        whole.uncorrected.distribution()
    );
    assert_eq!(sum.delivery.count(), 64 * 500);
}

/// Through their JSON, as processes and files have it: a repeat a share, held against one trial
/// with all samples.
#[test]
fn a_log_of_repeats_is_the_log_of_all_their_samples() {
    let whole = log(vec![recorded(0, 1).1]);
    let merged = log(shares().into_iter().map(|(_, rows)| rows).collect());
    assert_eq!(
        whole
            .lines()
            .filter(|line| line.starts_with("Tag="))
            .count(),
        10
    );
    assert_eq!(merged, whole);
}

fn log(repeats: Vec<Vec<TimelineRow>>) -> String {
    let example = include_str!("../../../reports/example/results.json");
    let mut results: Results = serde_json::from_str(example).unwrap();
    let template = results.trials[0].clone();
    results.summary.retain(|row| row.name == template.name);
    results.trials = (0..repeats.len())
        .map(|repeat| Trial {
            repeat: repeat as u32 + 1,
            valid: true,
            ..template.clone()
        })
        .collect();
    let rows = repeats.into_iter().enumerate();
    let rows = rows.flat_map(|(trial, rows)| {
        let numbered = rows
            .into_iter()
            .map(move |row| TimelineRow { trial, ..row });
        numbered.collect::<Vec<_>>()
    });
    results.timeline = rows.collect();
    let stored = serde_json::to_string(&results).unwrap();
    let read: Results = serde_json::from_str(&stored).unwrap();
    let files = report::files(&read);
    let log = files.into_iter().find(|file| file.path == "latency.hlog");
    String::from_utf8(log.unwrap().bytes).unwrap()
}

/// Seconds that threads report in any order make the rows that one thread would have made.
#[test]
fn seconds_of_threads_make_one_timeline() {
    use loadgen::histogram::Samples;
    use loadgen::recorder::SecondSample;
    let second = |second: i64, latencies: &[i64]| {
        let mut delivery = Samples::default();
        latencies
            .iter()
            .for_each(|latency| delivery.record(*latency));
        SecondSample {
            second,
            deliveries: latencies.len() as u64,
            bytes: 10 * latencies.len() as u64,
            delivery,
        }
    };
    let rows = |samples: Vec<SecondSample>| {
        let mut timeline = Timeline::default();
        samples.into_iter().for_each(|sample| timeline.add(sample));
        serde_json::to_string(&timeline.finish()).unwrap()
    };
    let apart = [(1, &[5, 9][..]), (0, &[3]), (0, &[700, -4]), (1, &[80_000])];
    let together = [(0, &[3, 700, -4][..]), (1, &[5, 9, 80_000])];
    let of = |list: &[(i64, &[i64])]| rows(list.iter().map(|(at, all)| second(*at, all)).collect());
    assert_eq!(of(&apart), of(&together));
}
