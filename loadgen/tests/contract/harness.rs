//! A server in this process, on a thread and a port of its own, and plans that take a second.

use loadgen::net::tls::Trust;
use loadgen::plan::{PublishPlan, TransportPlan, TrialPlan};
use loadgen::progress::Live;
use loadgen::target::Target;
use loadgen::trial::{self, Options, Outcome};
use pushlab_server::config::Config;
use pushlab_server::wire::transport::Transport;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::{oneshot, watch};

pub fn plan(kind: Transport) -> TrialPlan {
    let ms = Duration::from_millis;
    let trial = TrialPlan::new(kind);
    TrialPlan {
        seed: 11,
        transport: TransportPlan {
            interval: ms(100),
            ..TransportPlan::new(kind)
        },
        clients: 12,
        rooms: 3,
        ramp: ms(50),
        warm_up: ms(200),
        duration: ms(800),
        publish: PublishPlan {
            rate: 50.0,
            payload: 64,
            ..trial.publish.clone()
        },
        ..trial
    }
}

const CERTIFICATE: &str = "certificate.pem";

pub struct Lab {
    public: SocketAddr,
    admin: SocketAddr,
    /// The folder of what it is trusted by, over TLS.
    certificate: Option<TempDir>,
    running: RefCell<Option<(oneshot::Sender<()>, JoinHandle<()>)>>,
}

#[derive(clap::Parser)]
struct Flags {
    #[command(flatten)]
    config: Config,
}

impl Lab {
    pub fn start(bare: bool) -> Lab {
        Lab::start_with(match bare {
            true => &["--bare"],
            false => &[],
        })
    }

    pub fn start_with(more: &[&str]) -> Lab {
        use clap::Parser;
        let mut flags = vec!["server", "--listen", "127.0.0.1:0", "--workers", "2"];
        flags.extend(["--admin-listen", "127.0.0.1:0"]);
        flags.extend(more);
        let config = Flags::parse_from(flags).config;
        let (stop, stopped) = oneshot::channel::<()>();
        let (sender, addresses) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            tokio::task::LocalSet::new().block_on(&runtime, async {
                let running = pushlab_server::start(config).unwrap();
                sender
                    .send((running.public, running.admin.unwrap()))
                    .unwrap();
                let until = async {
                    let _ = stopped.await;
                };
                running.wait(until).await.unwrap();
            });
        });
        let (public, admin) = addresses.recv().unwrap();
        Lab {
            public,
            admin,
            certificate: None,
            running: RefCell::new(Some((stop, thread))),
        }
    }

    /// Over TLS, with a certificate that is made for it and trusted alone.
    pub fn start_secure(more: &[&str]) -> Lab {
        let folder = tempfile::tempdir().unwrap();
        let certificate = folder.path().join(CERTIFICATE);
        let mut flags = vec!["--tls-self-signed", "--tls-cert-out"];
        flags.push(certificate.to_str().unwrap());
        flags.extend(more);
        let mut lab = Lab::start_with(&flags);
        lab.certificate = Some(folder);
        lab
    }

    pub fn stop(&self) {
        if let Some((stop, thread)) = self.running.take() {
            let _ = stop.send(());
            thread.join().unwrap();
        }
    }

    pub fn run(&self, plan: &TrialPlan) -> Outcome {
        self.run_for(plan, Duration::from_secs(120))
    }

    pub fn public(&self) -> SocketAddr {
        self.public
    }

    /// Stops the trial after `limit`.
    pub fn run_for(&self, plan: &TrialPlan, limit: Duration) -> Outcome {
        self.run_at(self.public, plan, limit)
    }

    /// With what is measured going to `public`, which passes it on to this server.
    pub fn run_through(&self, public: SocketAddr, plan: &TrialPlan) -> Outcome {
        self.run_at(public, plan, Duration::from_secs(120))
    }

    fn run_at(&self, public: SocketAddr, plan: &TrialPlan, limit: Duration) -> Outcome {
        let (scheme, trust) = match &self.certificate {
            None => ("http", Trust::System),
            Some(folder) => ("https", Trust::Authority(folder.path().join(CERTIFICATE))),
        };
        let target = Target::Remote {
            url: format!("{scheme}://{public}"),
            admin: Some(format!("http://{}", self.admin)),
            trust,
        };
        run(plan, &target, None, limit)
    }
}

/// With `program` as the embedded server.
pub fn run_embedded(plan: &TrialPlan, program: PathBuf) -> Outcome {
    run(
        plan,
        &Target::Embedded,
        Some(program),
        Duration::from_secs(120),
    )
}

fn run(plan: &TrialPlan, target: &Target, program: Option<PathBuf>, limit: Duration) -> Outcome {
    let (stop, stopped) = watch::channel(false);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let options = Options {
        threads: 2,
        program,
    };
    let live = Live::default();
    runtime.block_on(async {
        let trial = trial::run_with(plan, target, &live, stopped, &options);
        let timer = async {
            tokio::time::sleep(limit).await;
            let _ = stop.send(true);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            outcome = trial => outcome.unwrap(),
            () = timer => unreachable!("it waits for ever"),
        }
    })
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.stop();
    }
}
