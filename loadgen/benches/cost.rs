//! What a delivery costs in CPU time and an idle connection in memory, beside `ws` and Socket.IO on Node,
//! the same load on each, in random order, because only ratios hold from machine to machine. It is the load of
//! `cost.toml` and of `scenarios/peers/idle-peers.toml`.
//!
//! `npm ci --prefix scenarios/peers && cargo bench -p loadgen --bench cost`; a server that cannot be
//! started is left out, and that is said; but none of ours.

use anyhow::Context;
use loadgen::plan::{Overrides, Plan, TrialPlan};
use loadgen::progress::Live;
use loadgen::results::{Results, Trial};
use loadgen::scenario::Scenario;
use loadgen::trial::{self, Options, TrialError};
use std::path::{Path, PathBuf};
use std::process::Command;

const LOADGEN: &str = env!("CARGO_BIN_EXE_loadgen");

/// Ours, its yardstick, and what must not be passed.
const SOCKETIO: (&str, &str, f64) = ("pushlab-socketio", "node-socketio", 0.5);
const WEBSOCKET: (&str, &str) = ("pushlab-websocket", "node-ws");
/// Of an idle Socket.IO connection above a plain WebSocket, in KiB.
const MOST_ABOVE: f64 = 3.0;

fn main() -> anyhow::Result<()> {
    // `cargo test --benches` asks for a list and wants no measurement.
    if std::env::args().any(|argument| argument == "--list" || argument == "--test") {
        return Ok(());
    }
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    cpu(&plan(&crate_folder.join("benches/cost.toml"))?)?;
    memory(&crate_folder.join("../scenarios/peers/idle-peers.toml"))
}

fn plan(file: &Path) -> anyhow::Result<Plan> {
    // For a first look on a small machine.
    let overrides = Overrides {
        clients: number("LOADGEN_CLIENTS")?,
        repeats: number("LOADGEN_REPEATS")?,
        ..Overrides::default()
    };
    Ok(Plan::resolve(&Scenario::read(file)?, &overrides)?)
}

fn number(variable: &str) -> anyhow::Result<Option<u32>> {
    let text = std::env::var(variable).ok();
    let parsed = text.map(|text| text.parse()).transpose();
    parsed.with_context(|| format!("{variable} is no number"))
}

/// One line of the table: a name, and CPU seconds per million deliveries of server and generator.
struct Row {
    name: String,
    server: Vec<f64>,
    /// Empty where the system does not tell.
    generator: Vec<f64>,
}

fn cpu(plan: &Plan) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut rows: Vec<Row> = Vec::new();
    let mut left_out: Vec<&str> = Vec::new();
    // Every name once, then all again, in another order.
    for trial in &plan.trials {
        if left_out.contains(&trial.name.as_str()) {
            continue;
        }
        let Some((server, generator)) = runtime.block_on(measure(plan, trial))? else {
            left_out.push(&trial.name);
            continue;
        };
        eprintln!(
            "repeat {} · {:24} server {server:6.2}  loadgen {:>6}",
            trial.repeat,
            trial.name,
            generator.map_or("–".to_owned(), |generator| format!("{generator:.2}"))
        );
        match rows.iter_mut().find(|row| row.name == trial.name) {
            Some(row) => {
                row.server.push(server);
                row.generator.extend(generator);
            }
            None => rows.push(Row {
                name: trial.name.clone(),
                server: vec![server],
                generator: generator.into_iter().collect(),
            }),
        }
    }
    rows.sort_by_key(|row| plan.sets.iter().position(|set| set.name == row.name));
    print_cpu(&mut rows, &plan.sets[0]);
    Ok(())
}

/// `None` if there is no such server here.
async fn measure(plan: &Plan, trial: &TrialPlan) -> anyhow::Result<Option<(f64, Option<f64>)>> {
    let (_keep, stop) = tokio::sync::watch::channel(false);
    let options = Options {
        program: Some(PathBuf::from(LOADGEN)),
        ..Options::default()
    };
    let target = plan.target_of(&trial.name);
    let outcome = match trial::run_with(trial, target, &Live::default(), stop, &options).await {
        Err(TrialError::Target(error)) if target.is_foreign() => {
            eprintln!("no {}: {error}", trial.name);
            return Ok(None);
        }
        outcome => outcome?,
    };
    let found = outcome.trial;
    anyhow::ensure!(
        found.lost == 0 && found.delivered > 0,
        "{}: delivered {}, lost {}: {:?}",
        trial.name,
        found.delivered,
        found.lost,
        found.reasons
    );
    let server = found.server.cpu_s_per_million;
    let server = server.ok_or_else(|| anyhow::anyhow!("the server did not tell its CPU time"))?;
    Ok(Some((server, found.generator.cpu_s_per_million)))
}

fn print_cpu(rows: &mut [Row], load: &TrialPlan) {
    println!(
        "\nCPU seconds per million deliveries: {} subscribers, one room, {} events/s of {} B",
        load.clients, load.publish.rate, load.publish.payload
    );
    println!("medians of the repeats, run in random order (least to greatest)\n");
    let yardstick = median_of(rows, WEBSOCKET.1);
    println!(
        "{:24}{:>26}{:>12}{:>26}",
        "", "server", "x Node ws", "loadgen"
    );
    for row in rows.iter_mut() {
        let (server, generator) = (spread(&mut row.server), spread(&mut row.generator));
        let ratio = match yardstick {
            Some(yardstick) => format!("{:.2}", median(&mut row.server) / yardstick),
            None => "–".to_owned(),
        };
        println!("{:24}{server:>26}{ratio:>12}{generator:>26}", row.name);
    }
    let (ours, theirs, most) = SOCKETIO;
    if let (Some(ours), Some(theirs)) = (median_of(rows, ours), median_of(rows, theirs)) {
        let ratio = ours / theirs;
        let verdict = holds(ratio <= most);
        println!(
            "\nSocket.IO over WebSocket costs {ratio:.2} of Node's (at most {most}: {verdict})"
        );
    }
}

fn holds(it: bool) -> &'static str {
    match it {
        true => "holds",
        false => "does not hold",
    }
}

fn median_of(rows: &mut [Row], name: &str) -> Option<f64> {
    let row = rows.iter_mut().find(|row| row.name == name);
    row.map(|row| median(&mut row.server))
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn spread(values: &mut [f64]) -> String {
    if values.is_empty() {
        return "–".to_owned();
    }
    let median = median(values);
    format!(
        "{median:.2} ({:.2}–{:.2})",
        values[0],
        values[values.len() - 1]
    )
}

/// Idle clients, each transport from a fresh generator and against a fresh server.
fn memory(file: &Path) -> anyhow::Result<()> {
    let plan = plan(file)?;
    println!(
        "\nResident memory per idle connection, {} clients, KiB\n",
        plan.sets[0].clients
    );
    println!("{:24}{:>10}{:>10}", "", "server", "loadgen");
    let mut found: Vec<(&str, f64)> = Vec::new();
    for set in &plan.sets {
        let trial = match idle(file, set) {
            Ok(trial) => trial,
            Err(error) if plan.target_of(&set.name).is_foreign() => {
                eprintln!("no {}: {error:#}", set.name);
                continue;
            }
            Err(error) => return Err(error),
        };
        let kib = |bytes: Option<f64>| bytes.map(|bytes| bytes / 1024.0);
        let shown = |kib: Option<f64>| kib.map_or("–".to_owned(), |kib| format!("{kib:.1}"));
        let server = kib(trial.server.rss_per_connection);
        let generator = kib(trial.generator.rss_per_client);
        println!(
            "{:24}{:>10}{:>10}",
            set.name,
            shown(server),
            shown(generator)
        );
        found.extend(server.map(|server| (set.name.as_str(), server)));
    }
    let of = |name| {
        found
            .iter()
            .find(|(of, _)| *of == name)
            .map(|(_, kib)| *kib)
    };
    if let (Some(socketio), Some(websocket)) = (of(SOCKETIO.0), of(WEBSOCKET.0)) {
        let above = socketio - websocket;
        let verdict = holds(above <= MOST_ABOVE);
        println!(
            "\nan idle Socket.IO connection has {above:.1} KiB above a WebSocket (at most {MOST_ABOVE}: {verdict})"
        );
    }
    Ok(())
}

fn idle(file: &Path, set: &TrialPlan) -> anyhow::Result<Trial> {
    let output = Command::new(LOADGEN)
        .arg("run")
        .arg(file)
        .args(["--clients", &set.clients.to_string()])
        .args(["--only", &set.name, "--repeats", "1"])
        .args(["--output-format", "json", "--no-progress"])
        .arg("--out")
        .arg(std::env::temp_dir().join(format!("pushlab-bench-{}", std::process::id())))
        .output()?;
    let results: Results = serde_json::from_slice(&output.stdout)
        .map_err(|_| anyhow::anyhow!(String::from_utf8_lossy(&output.stderr).into_owned()))?;
    let trial = results.trials.into_iter().next();
    trial.context("it ran no trial")
}
