//! Long polls that park threads: answers as in `long_polling.rs`, and a thread for each as long as it
//! is held and its client is there. `PUSHLAB_HOLD_ON=threads` runs all other tests of this folder so.

use crate::harness::{Client, LIMIT, Server};
use std::time::{Duration, Instant};

const MODES: [[&str; 6]; 2] = [
    [
        "--hold-on",
        "tasks",
        "--max-hold",
        "300",
        "--hold-jitter",
        "0",
    ],
    [
        "--hold-on",
        "threads",
        "--max-hold",
        "300",
        "--hold-jitter",
        "0",
    ],
];

/// All answers of a client that is held and then answered, held to the end, and not held at all.
fn conversation(server: &Server) -> Vec<Vec<String>> {
    let cursor = server.head_cursor("KPL");
    let mut client = server.connect();
    let ask = |client: &mut Client, hold: &str, headers: &str| {
        client.send(format!(
            "GET /rooms/KPL/long-poll?cursor={cursor}&hold={hold} HTTP/1.1\r\nHost: test\r\n{headers}\r\n"
        ));
    };
    let mut answers = Vec::new();
    ask(&mut client, "20ms", "");
    answers.push(client.answer());
    ask(
        &mut client,
        "20ms",
        &format!("If-None-Match: \"{cursor}\"\r\n"),
    );
    answers.push(client.answer());
    ask(&mut client, "300s", "");
    server.wait_for_figure("long-polling", "requests", 3, LIMIT);
    server.publish("KPL", r#"{"type":"chat","data":"瑶"}"#);
    answers.push(client.answer());
    ask(&mut client, "300s", "");
    answers.push(client.answer());
    let epoch = cursor.split('-').next().unwrap();
    (answers.iter())
        .map(|answer| {
            let lines = answer.lines().into_iter().chain([answer.text().to_owned()]);
            lines.map(|line| line.replace(epoch, "epoch")).collect()
        })
        .collect()
}

#[test]
fn both_modes_give_the_same_answers() {
    let [tasks, threads] = MODES.map(|flags| conversation(&Server::start(&flags)));
    assert_eq!(tasks, threads);
    assert!(threads[2].last().unwrap().contains("瑶"), "{threads:?}");
}

/// The names of this process's threads that hold a poll. Other tests of this process run in tasks.
#[cfg(target_os = "linux")]
fn parked() -> usize {
    (std::fs::read_dir("/proc/self/task").unwrap())
        .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
        .filter(|name| name.trim() == "held poll")
        .count()
}

#[test]
#[cfg(target_os = "linux")]
fn each_held_poll_has_a_thread_of_its_own_and_gives_it_back() {
    const POLLS: usize = 50;
    const ROUNDS: usize = 8;
    let server = Server::start(&MODES[1]);
    let cursor = server.head_cursor("KPL");
    let hold = |count: usize| -> Vec<Client> {
        (0..count)
            .map(|_| {
                let mut client = server.connect();
                client.send(format!(
                    "GET /rooms/KPL/long-poll?cursor={cursor} HTTP/1.1\r\nHost: test\r\n\r\n"
                ));
                client
            })
            .collect()
    };
    let until = |what: &dyn Fn() -> bool| {
        let deadline = Instant::now() + LIMIT;
        while !what() {
            assert!(Instant::now() < deadline, "{} threads", parked());
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    let mut gone = 0;
    for round in 1..=ROUNDS {
        let clients = hold(POLLS);
        server.wait_for_figure("long-polling", "requests", (round * POLLS) as u64, LIMIT);
        until(&|| parked() >= POLLS);
        drop(clients);
        server.wait_for_figure("long-polling", "open", 0, LIMIT);
        gone += POLLS;
    }
    let mut clients = hold(POLLS);
    server.wait_for_figure("long-polling", "requests", (gone + POLLS) as u64, LIMIT);
    server.publish("KPL", r#"{"type":"n","data":1}"#);
    for client in &mut clients {
        assert_eq!(client.answer().json()["events"][0]["data"], 1);
    }
    // Those of clients that left hold the next ones: they are not made anew each round.
    assert!(parked() < ROUNDS * POLLS / 2, "{} threads", parked());
    assert_eq!(server.usage()["unheld"], 0);
}
