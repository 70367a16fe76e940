//! What a delivery costs in CPU time and an idle connection in memory, beside a Node `ws` broadcast
//! server on the same load, in turn, because only ratios hold from machine to machine.
//!
//! `npm install --prefix DIR ws && NODE_PATH=DIR/node_modules cargo bench --bench cost`; without
//! Node and `ws` the yardstick is left out, and that is said.

use loadgen::plan::{PublishPlan, TrialPlan};
use loadgen::progress::Live;
use loadgen::target::Target;
use loadgen::trial::{self, Options};
use pushlab_server::wire::transport::Transport;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const REPEATS: u32 = 5;
const IDLE_CLIENTS: u64 = 5_000;
const LOADGEN: &str = env!("CARGO_BIN_EXE_loadgen");

fn main() -> anyhow::Result<()> {
    // `cargo test --benches` asks for a list and wants no measurement.
    if std::env::args().any(|argument| argument == "--list" || argument == "--test") {
        return Ok(());
    }
    cpu()?;
    memory()
}

/// One line of the table: a name, and CPU seconds per million deliveries of server and generator.
struct Row {
    name: &'static str,
    server: Vec<f64>,
    generator: Vec<f64>,
}

const PUSHED: [Transport; 4] = [
    Transport::Websocket,
    Transport::Sse,
    Transport::HttpStreaming,
    Transport::LongPolling,
];

fn cpu() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let node = NodeServer::start();
    let mut rows: Vec<Row> = PUSHED
        .iter()
        .map(|transport| transport.title())
        .chain(node.as_ref().map(|_| "Node ws"))
        .map(|name| Row {
            name,
            server: Vec::new(),
            generator: Vec::new(),
        })
        .collect();
    for repeat in 1..=REPEATS {
        for (index, row) in rows.iter_mut().enumerate() {
            let (transport, target) = match (PUSHED.get(index), &node) {
                (None, Some(node)) => (Transport::Websocket, node.target()),
                (transport, _) => (
                    *transport.unwrap_or(&Transport::Websocket),
                    Target::Embedded,
                ),
            };
            let (server, generator) = runtime.block_on(measure(transport, &target, repeat))?;
            eprintln!(
                "repeat {repeat} · {:15} server {server:6.2}  loadgen {generator:6.2}",
                row.name
            );
            row.server.push(server);
            row.generator.push(generator);
        }
    }
    print_cpu(&mut rows, node.is_some());
    Ok(())
}

async fn measure(transport: Transport, target: &Target, repeat: u32) -> anyhow::Result<(f64, f64)> {
    let (_keep, stop) = tokio::sync::watch::channel(false);
    let options = Options {
        program: Some(PathBuf::from(LOADGEN)),
        ..Options::default()
    };
    let plan = plan(transport, repeat);
    let outcome = trial::run_with(&plan, target, &Live::default(), stop, &options).await?;
    let found = outcome.trial;
    anyhow::ensure!(
        found.lost == 0 && found.delivered > 0,
        "{transport}: delivered {}, lost {}: {:?}",
        found.delivered,
        found.lost,
        found.reasons
    );
    let server = found.server.cpu_s_per_million;
    let generator = found.generator.cpu_s_per_million;
    Ok((
        server.ok_or_else(|| anyhow::anyhow!("the server did not tell its CPU time"))?,
        generator.unwrap_or(f64::NAN),
    ))
}

fn plan(transport: Transport, repeat: u32) -> TrialPlan {
    let seconds = Duration::from_secs;
    let trial = TrialPlan::new(transport);
    TrialPlan {
        repeat,
        seed: u64::from(repeat),
        clients: 1_000,
        ramp: seconds(1),
        warm_up: seconds(2),
        duration: seconds(8),
        publish: PublishPlan {
            rate: 50.0,
            ..trial.publish.clone()
        },
        ..trial
    }
}

fn print_cpu(rows: &mut [Row], with_node: bool) {
    println!(
        "\nCPU seconds per million deliveries: 1,000 subscribers, one room, 50 events/s of 128 B"
    );
    println!("medians of {REPEATS} run in turn (least to greatest)\n");
    let yardstick = with_node
        .then(|| rows.last_mut().map(|row| median(&mut row.server)))
        .flatten();
    println!(
        "{:16}{:>26}{:>10}{:>26}{:>10}",
        "", "server", "x Node", "loadgen", "x Node"
    );
    for row in rows {
        let (server, generator) = (spread(&mut row.server), spread(&mut row.generator));
        let ratio = |values: &mut Vec<f64>| match yardstick {
            Some(yardstick) => format!("{:.2}", median(values) / yardstick),
            None => "–".to_owned(),
        };
        println!(
            "{:16}{server:>26}{:>10}{generator:>26}{:>10}",
            row.name,
            ratio(&mut row.server),
            ratio(&mut row.generator)
        );
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn spread(values: &mut [f64]) -> String {
    let median = median(values);
    format!(
        "{median:.2} ({:.2}–{:.2})",
        values[0],
        values[values.len() - 1]
    )
}

/// Idle clients, each transport from a fresh generator and against a fresh server.
fn memory() -> anyhow::Result<()> {
    println!("\nResident memory per idle connection, {IDLE_CLIENTS} clients, KiB\n");
    println!("{:16}{:>10}{:>10}", "", "server", "loadgen");
    let scenario = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/idle.toml");
    for transport in PUSHED {
        let output = Command::new(LOADGEN)
            .arg("run")
            .arg(&scenario)
            .args(["--clients", &IDLE_CLIENTS.to_string()])
            .args(["--only", transport.name()])
            .args([
                "--duration",
                "2s",
                "--output-format",
                "json",
                "--no-progress",
            ])
            .arg("--out")
            .arg(std::env::temp_dir().join(format!("pushlab-bench-{}", std::process::id())))
            .output()?;
        let results: loadgen::results::Results = serde_json::from_slice(&output.stdout)
            .map_err(|_| anyhow::anyhow!(String::from_utf8_lossy(&output.stderr).into_owned()))?;
        let trial = &results.trials[0];
        let kib =
            |bytes: Option<f64>| bytes.map_or("–".to_owned(), |b| format!("{:.1}", b / 1024.0));
        println!(
            "{:16}{:>10}{:>10}",
            transport.title(),
            kib(trial.server.rss_per_connection),
            kib(trial.generator.rss_per_client)
        );
    }
    Ok(())
}

/// `node_ws.cjs`, which ends when its stdin closes.
struct NodeServer {
    url: String,
    child: Child,
}

impl NodeServer {
    fn start() -> Option<NodeServer> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/node_ws.cjs");
        let mut child = Command::new("node")
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| eprintln!("no yardstick: node cannot be started: {error}"))
            .ok()?;
        let mut line = String::new();
        let stdout = child.stdout.take()?;
        // A failed read leaves the line empty, which is told next.
        let _ = BufReader::new(stdout).read_line(&mut line);
        match line.trim().strip_prefix("listening on ") {
            Some(url) => Some(NodeServer {
                url: url.to_owned(),
                child,
            }),
            None => {
                eprintln!("no yardstick: `ws` is not installed where NODE_PATH looks");
                let _ = child.wait();
                None
            }
        }
    }

    fn target(&self) -> Target {
        Target::Remote {
            url: self.url.clone(),
            admin: None,
            trust: loadgen::net::tls::Trust::System,
        }
    }
}

impl Drop for NodeServer {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
