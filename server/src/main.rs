//! Flags → config → run → wait for a signal → let connections finish; a second signal ends at once.

use clap::Parser;
use pushlab_server::config::{Config, TlsFlags};
use std::process::ExitCode;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Pushes one event stream over interval polling, long polling, HTTP streaming, SSE, WebSocket and
/// Socket.IO.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(flatten)]
    config: Config,

    /// Prints every limit, its default, its flag and its reason, as a Markdown table
    #[arg(long)]
    limits: bool,
}

/// What a hostile client provokes in the HTTP parser is counted, not logged line by line.
const LOG: &str = "warn,actix_http::h1=off";

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.limits {
        print!("{}", pushlab_server::limits::table::markdown());
        return ExitCode::SUCCESS;
    }
    tracing_subscriber::fmt()
        .with_env_filter(
            EnvFilter::try_from_env("PUSHLAB_LOG").unwrap_or_else(|_| EnvFilter::new(LOG)),
        )
        .with_writer(std::io::stderr)
        .init();
    let trust = trust(&arguments.config.tls);
    let lab = arguments.config.lab_is_open();
    let hints = |url: &str| hints(url, &trust, lab);
    // The second signal is listened for once the first has come.
    match pushlab_server::run_and_drain(arguments.config, hints, stop_signal(), stop_signal()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(cut) => {
            eprintln!("pushlab-server: connections cut that had not finished: {cut}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("pushlab-server: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Ctrl-C or SIGTERM; a process that cannot listen for them serves until it is killed.
async fn stop_signal() {
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

/// What curl needs to be told about a certificate that nobody has signed but this server.
fn trust(tls: &TlsFlags) -> String {
    match &tls.tls_cert_out {
        Some(file) => format!("--cacert {} ", file.display()),
        None if tls.tls_self_signed => "--insecure ".to_owned(),
        None => String::new(),
    }
}

fn hints(url: &str, trust: &str, lab_is_open: bool) -> String {
    let socket = url.replacen("http", "ws", 1);
    let lab = match lab_is_open {
        true => format!("\nThe lab that compares the transports, in a browser:\n  {url}/"),
        false => String::new(),
    };
    format!(
        "
The chat, in a browser:
  {url}/chat{lab}
Try, in two terminals:
  curl {trust}-N {url}/rooms/KPL/sse
  curl {trust}-H 'Content-Type: application/json' -d '{{\"type\":\"chat\",\"data\":\"hello\"}}' {url}/rooms/KPL/events
The same events by the other transports:
  curl {trust}-i '{url}/rooms/KPL/poll?cursor=0'
  curl {trust}-i '{url}/rooms/KPL/long-poll?cursor=0&hold=25s'
  curl {trust}-N '{url}/rooms/KPL/stream?cursor=0'
  websocat '{socket}/rooms/KPL/ws?cursor=0'
What it costs so far:
  curl {trust}{url}/lab/usage
"
    )
}
