//! The embedded server: this binary again, as a child process, so that its CPU, memory and
//! descriptors are its own. It ends when its stdin closes, so it never outlives its parent.

use super::TargetError;
use crate::net::tls::Trust;
use crate::plan::{ServerPlan, TroublePlan};
use pushlab_server::config::Config;
use pushlab_server::{TROUBLE_BEGINS, TROUBLE_ENDS};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// The hidden subcommand that the binary must hand to [`serve_embedded`].
pub const EMBEDDED_SUBCOMMAND: &str = "embedded-server";

/// The file of its certificate.
const CERTIFICATE: &str = "certificate.pem";

const START_PATIENCE: Duration = Duration::from_secs(10);

/// What the hidden subcommand does: serves until the parent lets go of stdin.
pub fn serve_embedded(config: Config) -> std::io::Result<()> {
    pushlab_server::run_until_stdin_closes(config)
}

/// A child that serves, and its URLs.
pub(super) struct Started {
    pub child: Child,
    pub public: String,
    pub admin: String,
    /// Past the trouble before the public port.
    pub direct: String,
    /// Its own certificate, if it speaks TLS.
    pub trust: Trust,
}

pub(super) struct Child {
    process: std::process::Child,
    /// Held open for as long as the server shall live; tells it when trouble begins and ends.
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    /// The folder with its certificate, if it speaks TLS.
    certificate: Option<TempDir>,
}

impl Child {
    pub(super) async fn start(
        plan: &ServerPlan,
        program: Option<&Path>,
    ) -> Result<Started, TargetError> {
        let mut command = super::child::command(program, EMBEDDED_SUBCOMMAND)?;
        configure(&mut command, plan);
        let trouble = !plan.trouble.is_none();
        let certificate = match plan.tls {
            true => Some(make_secure(&mut command)?),
            false => None,
        };
        let started = tokio::task::spawn_blocking(move || spawn(command, trouble, certificate));
        match tokio::time::timeout(START_PATIENCE, started).await {
            Ok(Ok(result)) => result,
            Ok(Err(error)) => Err(TargetError::NotUp(error.to_string())),
            Err(_) => Err(TargetError::NotUp(format!(
                "it said nothing within {START_PATIENCE:?}"
            ))),
        }
    }

    /// Its trouble begins or ends.
    pub(super) fn say(&mut self, trouble: bool) {
        let word = if trouble {
            TROUBLE_BEGINS
        } else {
            TROUBLE_ENDS
        };
        if let Some(stdin) = &mut self.stdin {
            // It fails where the child is gone, which the trial finds out by itself.
            let _ = writeln!(stdin, "{word}").and_then(|()| stdin.flush());
        }
    }

    pub(super) fn ended(&mut self) -> Option<String> {
        match self.process.try_wait() {
            Ok(Some(status)) => Some(describe(status)),
            Ok(None) => None,
            Err(error) => Some(error.to_string()),
        }
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Both fail only if it has ended and been reaped already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn configure(command: &mut Command, plan: &ServerPlan) {
    // Variables for a server of the user's own are not meant for this one.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("PUSHLAB_") {
            command.env_remove(name);
        }
    }
    command.args(["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]);
    let mut number = |flag: &str, value: Option<String>| {
        if let Some(value) = value {
            command.arg(flag).arg(value);
        }
    };
    number("--workers", Some(workers(plan).to_string()));
    // What is measured is the transport, not the server's pace for a single user.
    number("--max-publishes-per-second", Some("0".to_owned()));
    number("--history", plan.history.map(|n| n.to_string()));
    number("--history-bytes", plan.history_bytes.map(|n| n.to_string()));
    number("--hold-jitter", plan.hold_jitter.map(|n| n.to_string()));
    number("--hold-on", Some(plan.hold_on.to_string()));
    number("--lab-headers", plan.lab_headers.map(|h| h.to_string()));
    let seconds = |time: Duration| Some(time.as_secs_f64().to_string());
    number("--stream-heartbeat", plan.heartbeat.and_then(seconds));
    number("--ping-interval", plan.heartbeat.and_then(seconds));
    number("--eio-ping-interval", plan.heartbeat.and_then(seconds));
    if plan.crowds {
        command.args(["--max-members", "1000000"]);
    }
    if plan.bare {
        command.arg("--bare");
    }
    make_trouble(command, &plan.trouble);
}

fn make_trouble(command: &mut Command, trouble: &TroublePlan) {
    let mut flag = |flag: &str, value: Option<String>| {
        if let Some(value) = value {
            command.arg(flag).arg(value);
        }
    };
    let time = |time: Option<Duration>| time.map(|time| time.as_secs_f64().to_string());
    flag("--trouble-idle-cut", time(trouble.idle_cut));
    flag(
        "--trouble-buffer",
        trouble.buffer.map(|bytes| bytes.to_string()),
    );
    flag("--trouble-cut-every", time(trouble.cut_every));
    flag("--trouble-cut-for", time(trouble.cut_for));
    let blocking = trouble.block_upgrade.map(|how| how.flag().to_owned());
    flag("--trouble-block-upgrade", blocking);
    if trouble.silent {
        command.arg("--trouble-silent");
    }
}

/// The server makes itself a certificate and leaves it in this folder.
fn make_secure(command: &mut Command) -> Result<TempDir, TargetError> {
    let folder = tempfile::tempdir().map_err(TargetError::Spawn)?;
    command.arg("--tls-self-signed").arg("--tls-cert-out");
    command.arg(folder.path().join(CERTIFICATE));
    // Its warning is for people, and there are none: this process trusts that certificate alone.
    command.stderr(Stdio::null());
    Ok(folder)
}

/// Half of the cores unless the scenario says otherwise: the generator needs the others, and two
/// servers' worth of threads on them would measure the scheduler.
pub fn workers(plan: &ServerPlan) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    plan.workers.unwrap_or((cores / 2).max(1))
}

fn spawn(
    mut command: Command,
    trouble: bool,
    certificate: Option<TempDir>,
) -> Result<Started, TargetError> {
    let mut process = command.spawn().map_err(TargetError::Spawn)?;
    let stdin = process.stdin.take();
    let stdout = process.stdout.take();
    let stdout = stdout.ok_or_else(|| TargetError::NotUp("it has no stdout".to_owned()))?;
    let mut child = Child {
        process,
        stdin,
        stdout: BufReader::new(stdout),
        certificate,
    };
    let public = child.address("listening on ")?;
    let admin = child.address("admin on ")?;
    let direct = match trouble {
        true => child.address("spared from trouble on ")?,
        false => public.clone(),
    };
    let trust = match &child.certificate {
        Some(folder) => Trust::Authority(folder.path().join(CERTIFICATE)),
        None => Trust::System,
    };
    Ok(Started {
        child,
        trust,
        public,
        admin,
        direct,
    })
}

impl Child {
    fn address(&mut self, before: &str) -> Result<String, TargetError> {
        let mut line = String::new();
        let read = self.stdout.read_line(&mut line);
        match (read, line.trim().strip_prefix(before)) {
            (Ok(_), Some(url)) => Ok(url.to_owned()),
            (Ok(0), None) => {
                let ended = self.process.wait().map(describe);
                let ended = ended.unwrap_or_else(|error| error.to_string());
                Err(TargetError::NotUp(format!("it ended at once ({ended})")))
            }
            (Ok(_), None) => Err(TargetError::NotUp(format!("it said {:?}", line.trim()))),
            (Err(error), _) => Err(TargetError::NotUp(error.to_string())),
        }
    }
}

/// `signal 9`, `exit code 1`
fn describe(status: std::process::ExitStatus) -> String {
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt;
        if let Some(signal) = status.signal() {
            return format!("signal {signal}");
        }
    }
    match status.code() {
        Some(code) => format!("exit code {code}"),
        None => status.to_string(),
    }
}
