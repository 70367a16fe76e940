//! What the truth tests begin with: plans, runs of them against a target, a server in a process of
//! its own that can be stopped, and the turn that one test takes after the other.

use loadgen::net::tls::Trust;
use loadgen::plan::{PublishPlan, TransportPlan, TrialPlan};
use loadgen::progress::{Live, Phase};
use loadgen::results::Trial;
use loadgen::target::{EMBEDDED_SUBCOMMAND, Target};
use loadgen::trial::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pushlab_server::wire::transport::Transport;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

static TURN: Mutex<()> = Mutex::new(());

/// One test at a time; `None` where nobody asked for them.
pub fn turn() -> Option<MutexGuard<'static, ()>> {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let optimised = !cfg!(debug_assertions);
    if is_set("PUSHLAB_TRUTH") || (is_set("CI") && optimised) {
        // What another test's failure left is of no use to this one.
        return Some(TURN.lock().unwrap_or_else(PoisonError::into_inner));
    }
    println!("skipped: set PUSHLAB_TRUTH=1; wall-clock figures decide here");
    None
}

/// In milliseconds, of a figure in microseconds.
pub fn milliseconds(figure: Option<i64>) -> f64 {
    figure.unwrap() as f64 / 1000.0
}

pub fn plan(kind: Transport) -> TrialPlan {
    let ms = Duration::from_millis;
    let trial = TrialPlan::new(kind);
    TrialPlan {
        seed: 11,
        transport: TransportPlan {
            interval: ms(200),
            ..TransportPlan::new(kind)
        },
        ramp: ms(500),
        warm_up: ms(500),
        duration: ms(5_000),
        publish: PublishPlan {
            rate: 50.0,
            ..trial.publish.clone()
        },
        ..trial
    }
}

/// A server that ends with this value.
pub struct Lab {
    server: Child,
    target: Target,
}

impl Lab {
    pub fn start() -> Lab {
        let mut command = Command::new(env!("CARGO_BIN_EXE_loadgen"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PUSHLAB_") {
                command.env_remove(name);
            }
        }
        let mut server = command
            .args([EMBEDDED_SUBCOMMAND, "--listen", "127.0.0.1:0"])
            .args(["--admin-listen", "127.0.0.1:0"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let mut address = |before| {
            let line = lines.next().unwrap().unwrap();
            line.strip_prefix(before).unwrap().to_owned()
        };
        let target = Target::Remote {
            url: address("listening on "),
            admin: Some(address("admin on ")),
            trust: Trust::System,
        };
        Lab { server, target }
    }

    pub fn run(&self, plan: &TrialPlan) -> Trial {
        run(&self.target, plan)
    }

    /// The server stands still from `after` the opening of the window, for `time`.
    pub fn run_frozen(&self, plan: &TrialPlan, after: Duration, time: Duration) -> Trial {
        let server = Pid::from_raw(self.server.id() as i32);
        run_disturbed(&self.target, plan, after, || {
            kill(server, Signal::SIGSTOP).unwrap();
            thread::sleep(time);
            kill(server, Signal::SIGCONT).unwrap();
        })
    }
}

pub fn run(target: &Target, plan: &TrialPlan) -> Trial {
    run_watched(target, plan, &Live::default())
}

/// With `disturb` on a thread of its own, `after` the opening of the window.
pub fn run_disturbed(
    target: &Target,
    plan: &TrialPlan,
    after: Duration,
    disturb: impl FnOnce() + Send,
) -> Trial {
    let live = Live::default();
    thread::scope(|scope| {
        scope.spawn(|| {
            while live.phase() != Phase::Measuring {
                thread::sleep(Duration::from_millis(1));
            }
            thread::sleep(after);
            disturb();
        });
        run_watched(target, plan, &live)
    })
}

fn run_watched(target: &Target, plan: &TrialPlan, live: &Live) -> Trial {
    let (_keep, stop) = tokio::sync::watch::channel(false);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let options = Options::default();
    let trial = trial::run_with(plan, target, live, stop, &options);
    runtime.block_on(trial).unwrap().trial
}

impl Drop for Lab {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
