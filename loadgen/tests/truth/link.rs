//! The emulated line against arithmetic: a byte through it to an echo server of the standard
//! library's, and every transport under the closed formulas, which know nothing of it.

use super::lab::{Lab, milliseconds, plan, turn};
use super::{assert_complete, p50_ms};
use loadgen::net::alarm::Alarm;
use loadgen::net::connection::scratch;
use loadgen::net::line::Way;
use loadgen::net::link::{Link, Linked, Stream};
use loadgen::plan::{Arrivals, LinkPlan, PublishBy, StallPlan, TrialPlan};
use loadgen::results::Trial;
use pushlab_server::wire::transport::Transport;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};
use strum::IntoEnumIterator;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const STREAMED: [Transport; 4] = [
    Transport::HttpStreaming,
    Transport::Sse,
    Transport::Websocket,
    Transport::Socketio,
];

/// One way, in milliseconds.
const DISTANCES: [u64; 2] = [25, 50];

fn line(one_way_ms: u64) -> LinkPlan {
    LinkPlan {
        rtt: Duration::from_millis(one_way_ms * 2),
        ..LinkPlan::default()
    }
}

/// 1 ms and 2 %.
fn assert_about(what: &str, figure_ms: f64, truth_ms: f64) {
    println!("{what}: {figure_ms:.2} ms, by the formula {truth_ms:.2} ms");
    let tolerance_ms = 1.0 + 0.02 * truth_ms;
    assert!(
        (figure_ms - truth_ms).abs() <= tolerance_ms,
        "{what}: {figure_ms} ms is not {truth_ms} ms"
    );
}

/// Each client in a room of its own, so that no two samples share an event.
fn sparse(kind: Transport, one_way_ms: u64, clients: usize, heard_per_s: f64) -> TrialPlan {
    let mut plan = plan(kind);
    plan.link = line(one_way_ms);
    plan.clients = clients;
    plan.rooms = clients;
    plan.publish.rate = heard_per_s * clients as f64;
    plan.publish.arrivals = Arrivals::Poisson;
    plan.ramp = Duration::from_millis(100);
    plan.warm_up = Duration::from_millis(200);
    plan.duration = Duration::from_secs(3);
    plan
}

fn run(plan: &TrialPlan) -> Trial {
    let trial = Lab::start().run(plan);
    assert_complete(&trial);
    trial
}

#[test]
fn a_stream_is_one_transit_away() {
    let Some(_turn) = turn() else { return };
    for one_way_ms in DISTANCES {
        let d = one_way_ms as f64;
        for kind in STREAMED {
            let trial = run(&sparse(kind, one_way_ms, 10, 5.0));
            let latency = &trial.latency_us.delivery;
            assert!(milliseconds(latency.min) >= d);
            assert_about(&format!("{kind}, d = {d} ms, p50"), p50_ms(&trial), d);
            println!(
                "p99 {:.2} ms, max {:.2} ms",
                milliseconds(latency.p99),
                milliseconds(latency.max)
            );
            assert_about(
                &format!("{kind}, d = {d} ms, p95"),
                milliseconds(latency.p95),
                d,
            );
        }
    }
}

/// TCP takes one round trip and the request another, the upgrade of a WebSocket too. Socket.IO's session
/// begins so; then CONNECT goes up a second connection and down the held poll, and join after it.
#[test]
fn every_transport_pays_two_round_trips_to_begin_and_socketio_five() {
    let Some(_turn) = turn() else { return };
    for kind in Transport::iter() {
        let mut plan = sparse(kind, 50, 10, 1.0);
        plan.duration = Duration::from_secs(1);
        let trial = run(&plan);
        let connect = milliseconds(trial.latency_us.connect.p50);
        let round_trips = if kind == Transport::Socketio {
            5.0
        } else {
            2.0
        };
        assert_about(
            &format!("{kind}, d = 50 ms, connect"),
            connect,
            round_trips * 100.0,
        );
    }
}

/// What a client says goes up the line before it comes down: one transit each.
#[test]
fn publishing_clients_pay_for_the_way_up() {
    let Some(_turn) = turn() else { return };
    for kind in STREAMED {
        let mut plan = sparse(kind, 25, 10, 5.0);
        plan.publish.by = PublishBy::Clients;
        let trial = run(&plan);
        assert_about(
            &format!("{kind} by clients, d = 25 ms, p50"),
            p50_ms(&trial),
            50.0,
        );
    }
}

/// With R = 2d: p50 = d up to λR = 0.567; the mean is d + (λR²/2)/(λR + e^(−λR)).
#[test]
fn long_polling_waits_for_its_way_back() {
    let Some(_turn) = turn() else { return };
    for one_way_ms in DISTANCES {
        let d = one_way_ms as f64;
        for heard_per_s in [1.0, 10.0] {
            let mut plan = sparse(Transport::LongPolling, one_way_ms, 40, heard_per_s);
            plan.duration = Duration::from_secs(5);
            let trial = run(&plan);
            if heard_per_s == 1.0 {
                assert_about(
                    &format!("long polling, λ = 1, d = {d} ms, p50"),
                    p50_ms(&trial),
                    d,
                );
            }
            let latency = &trial.latency_us.delivery;
            let gap = 2.0 * d;
            let met = heard_per_s * gap / 1000.0;
            let truth = d + gap * (met / 2.0) / (met + (-met).exp());
            let mean = latency.mean.unwrap() / 1000.0;
            // Waiting is at most uniform on [0, R]; the rest as everywhere.
            let noise = 3.0 * gap / (12.0 * latency.count as f64).sqrt();
            println!(
                "long polling, λ = {heard_per_s}, d = {d} ms: mean {mean:.2} ms, by the formula {truth:.2} ms ± {noise:.2}; max {:.1} ms beside 3d = {:.0} ms",
                milliseconds(latency.max),
                3.0 * d
            );
            assert!((mean - truth).abs() <= noise + 1.0 + 0.02 * d);
        }
    }
}

#[test]
fn a_narrow_line_takes_its_time_for_each_byte() {
    let Some(_turn) = turn() else { return };
    const BYTES_PER_S: u64 = 1024 * 1024;
    const PAYLOAD: usize = 60_000;
    for kind in [Transport::LongPolling, Transport::Sse, Transport::Websocket] {
        let mut plan = sparse(kind, 10, 1, 2.0);
        plan.link.bytes_per_s = Some(BYTES_PER_S);
        plan.publish.arrivals = Arrivals::Constant;
        plan.publish.payload = PAYLOAD;
        let trial = run(&plan);
        let truth = 10.0 + PAYLOAD as f64 / BYTES_PER_S as f64 * 1000.0;
        let p50 = p50_ms(&trial);
        println!(
            "{kind}, {PAYLOAD} B at 1 MiB/s, d = 10 ms: p50 {p50:.2} ms, by the formula {truth:.2} ms"
        );
        assert!((p50 / truth - 1.0).abs() < 0.05, "{kind}: {p50} ms");
    }
}

/// 200 ms of each second: a fifth of all events wait for a time uniform on [0, 200 ms], so p90 is
/// 100 ms later and the mean 20 ms.
#[test]
fn a_stall_holds_what_comes_in_it() {
    let Some(_turn) = turn() else { return };
    for kind in STREAMED {
        let mut plan = sparse(kind, 10, 50, 10.0);
        plan.link.stall = Some(StallPlan {
            every: Duration::from_secs(1),
            lasts: Duration::from_millis(200),
        });
        let trial = run(&plan);
        let latency = &trial.latency_us.delivery;
        let (p90, mean) = (milliseconds(latency.p90), latency.mean.unwrap() / 1000.0);
        println!(
            "{kind}, stalled 200 ms of each second, d = 10 ms: p90 {p90:.1} ms, mean {mean:.2} ms"
        );
        assert_about(&format!("{kind} stalled, p50"), p50_ms(&trial), 10.0);
        // 1,500 samples: of the p90 a standard deviation of 8 ms, of the mean one of 1.2 ms.
        assert!((p90 - 110.0).abs() < 30.0, "{kind}: {p90} ms");
        assert!((mean - 30.0).abs() < 5.0, "{kind}: {mean} ms");
        assert!(milliseconds(latency.max) < 10.0 + 200.0 + 10.0);
    }
}

/// Answers each connection with what it sends.
fn echo_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.set_nodelay(true).unwrap();
            thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(read @ 1..) = stream.read(&mut buffer) {
                    stream.write_all(&buffer[..read]).unwrap();
                }
            });
        }
    });
    address
}

/// Nothing of loadgen but the line itself, timed by the clock of this test.
#[test]
fn a_byte_there_and_back_takes_a_round_trip() {
    let Some(_turn) = turn() else { return };
    let address = echo_server();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for one_way_ms in DISTANCES {
        let plan = TrialPlan {
            link: line(one_way_ms),
            ..TrialPlan::new(Transport::Websocket)
        };
        let alarm = Rc::new(Alarm::start().unwrap());
        let link = Link::new(&plan, 0, alarm, scratch());
        let truth = 2.0 * one_way_ms as f64;
        let (crossed, mut trips, end) = tokio::task::LocalSet::new().block_on(&runtime, async {
            let begun = Instant::now();
            link.cross(Way::Up).await;
            let crossed = begun.elapsed();
            let socket = TcpStream::connect(address).await.unwrap();
            socket.set_nodelay(true).unwrap();
            let mut stream = Stream::Linked(Linked::start(socket, link));
            let mut trips = Vec::new();
            for _ in 0..20 {
                let begun = Instant::now();
                stream.write_all(b"!").await.unwrap();
                assert_eq!(stream.read_u8().await.unwrap(), b'!');
                trips.push(begun.elapsed());
            }
            let begun = Instant::now();
            stream.shutdown().await.unwrap();
            assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
            (crossed, trips, begun.elapsed())
        });
        trips.sort();
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let d = one_way_ms as f64;
        assert!(trips[0] >= Duration::from_millis(one_way_ms * 2));
        assert_about(&format!("d = {d} ms, one way"), ms(crossed), d);
        assert_about(
            &format!("d = {d} ms, a byte's round trip, median"),
            ms(trips[10]),
            truth,
        );
        assert_about(
            &format!("d = {d} ms, a byte's round trip, worst but one"),
            ms(trips[18]),
            truth,
        );
        assert_about(
            &format!("d = {d} ms, the end and its answer"),
            ms(end),
            truth,
        );
    }
}
