//! The process that keeps nginx: it writes the configuration into a folder of its own, starts nginx,
//! says where it listens, and ends it when stdin closes. The folder goes with it.

use super::configuration;
use super::{FAILED, Order, UP};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::io::{self, BufRead, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A free port may be taken before nginx has it.
const TRIES: usize = 3;
const START_PATIENCE: Duration = Duration::from_secs(5);
const END_PATIENCE: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(10);

/// What the hidden subcommand does: reads its order, keeps nginx until stdin closes. An error is told
/// on stdout, where the order came from.
pub fn keep_gateway() -> io::Result<()> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    let order: Order = serde_json::from_str(&line)?;
    let nginx = match up(&order) {
        Ok(nginx) => nginx,
        Err(reason) => return say(FAILED, &reason),
    };
    say(UP, &nginx.address.to_string())?;
    nginx.keep()
}

fn say(what: &str, more: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    // A reason is told in one line.
    writeln!(stdout, "{what}{}", more.replace('\n', "; "))?;
    stdout.flush()
}

fn up(order: &Order) -> Result<Nginx, String> {
    let mut reason = String::new();
    for _ in 0..TRIES {
        match Nginx::start(order) {
            Ok(nginx) => return Ok(nginx),
            Err(why) => reason = why,
        }
        if !reason.contains("Address already in use") {
            break;
        }
    }
    Err(reason)
}

struct Nginx {
    process: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl Nginx {
    fn start(order: &Order) -> Result<Nginx, String> {
        let told = |error: io::Error| error.to_string();
        let address = free_address().map_err(told)?;
        let folder = folder(order, address).map_err(told)?;
        let process = spawn(&order.nginx, folder.path()).map_err(told)?;
        let mut nginx = Nginx {
            process,
            address,
            folder,
        };
        match nginx.listens() {
            true => Ok(nginx),
            false => Err(nginx.complaint()),
        }
    }

    fn listens(&mut self) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < START_PATIENCE {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return false;
            }
            // Another program may have the port, and nginx be about to find that out.
            if TcpStream::connect(self.address).is_ok() && self.folder.path().join(PID).exists() {
                return true;
            }
            std::thread::sleep(LOOK);
        }
        false
    }

    /// What nginx said last, the reason why it is not there.
    fn complaint(&self) -> String {
        let said = fs::read_to_string(self.folder.path().join(SAID)).unwrap_or_default();
        let grave = said.lines().rfind(|line| line.contains("[emerg]"));
        match grave.or(said.lines().last()) {
            Some(line) => line.to_owned(),
            None => format!("nginx did not listen within {START_PATIENCE:?}"),
        }
    }

    /// Until stdin closes; nginx's own end is an error.
    fn keep(mut self) -> io::Result<()> {
        let closed = Arc::new(AtomicBool::new(false));
        let closes = closed.clone();
        std::thread::spawn(move || {
            // An error is an end too.
            let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
            closes.store(true, Ordering::Release);
        });
        while !closed.load(Ordering::Acquire) {
            if let Some(status) = self.process.try_wait()? {
                return Err(io::Error::other(format!("nginx ended ({status})")));
            }
            std::thread::sleep(LOOK);
        }
        self.end().map(drop)
    }

    /// By SIGTERM, which ends its workers too.
    fn end(&mut self) -> io::Result<ExitStatus> {
        let pid = Pid::from_raw(self.process.id() as i32);
        let begun = Instant::now();
        // It fails only if nginx has ended.
        let _ = kill(pid, Signal::SIGTERM);
        while begun.elapsed() < END_PATIENCE {
            if let Some(status) = self.process.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(LOOK);
        }
        self.process.kill()?;
        self.process.wait()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            // Whatever the reason, nobody is left to be told.
            let _ = self.end();
        }
    }
}

const MAIN: &str = "nginx.conf";
const PID: &str = "nginx.pid";
const SAID: &str = "said";

fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// Workers of a root's nginx run as somebody else and have to pass through it.
fn folder(order: &Order, address: SocketAddr) -> io::Result<TempDir> {
    let folder = tempfile::Builder::new()
        .prefix("loadgen-gateway-")
        .permissions(fs::Permissions::from_mode(0o711))
        .tempdir()?;
    let site = configuration::site(&order.plan, address, order.upstream);
    fs::write(folder.path().join("site.conf"), site)?;
    fs::write(folder.path().join(MAIN), configuration::main(&order.plan))?;
    Ok(folder)
}

fn spawn(nginx: &Path, folder: &Path) -> io::Result<Child> {
    let said = File::create(folder.join(SAID))?;
    Command::new(nginx)
        .arg("-p")
        .arg(folder)
        .arg("-c")
        .arg(folder.join(MAIN))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(said)
        .spawn()
}
