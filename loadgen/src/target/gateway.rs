//! A real nginx between the clients and the embedded server. This binary again keeps it, as a child
//! process: it starts nginx on a port of its own and ends it when its stdin closes, so that nginx
//! outlives neither a run that is stopped nor one that is killed. No bytes pass through here.

mod configuration;
mod keeper;

pub use keeper::keep_gateway;

use super::TargetError;
use super::child::Keeper;
use crate::plan::GatewayPlan;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// The hidden subcommand that the binary must hand to [`keep_gateway`].
pub const GATEWAY_SUBCOMMAND: &str = "gateway-keeper";

/// Names the program where it is not found by itself.
const NGINX: &str = "LOADGEN_NGINX";

const UP: &str = "listening on ";
const FAILED: &str = "failed: ";
/// What a run says once the keeper is there, longer than the keeper's own patience with nginx.
const START_PATIENCE: Duration = Duration::from_secs(20);

/// What the keeper is told, in a line of JSON.
#[derive(Serialize, Deserialize)]
struct Order {
    nginx: PathBuf,
    upstream: SocketAddr,
    plan: GatewayPlan,
}

/// nginx, running.
pub struct Gateway {
    keeper: Keeper,
    /// Where clients connect to.
    pub address: SocketAddr,
}

/// The nginx of this machine: Debian keeps it where only root looks.
pub fn find_nginx() -> Result<PathBuf, TargetError> {
    let named = std::env::var_os(NGINX).filter(|name| !name.is_empty());
    let found = match named {
        Some(path) => Some(PathBuf::from(path)),
        None => {
            let path = std::env::var_os("PATH").unwrap_or_default();
            let beside = ["/usr/sbin", "/usr/local/sbin", "/usr/local/bin"].map(PathBuf::from);
            (std::env::split_paths(&path).chain(beside))
                .map(|folder| folder.join("nginx"))
                .find(|file| file.is_file())
        }
    };
    found
        .filter(|file| file.is_file())
        .ok_or(TargetError::NoNginx)
}

/// `nginx/1.22.1`
pub fn nginx_version() -> Result<String, TargetError> {
    let output = Command::new(find_nginx()?)
        .arg("-v")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| TargetError::Gateway(error.to_string()))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match said.trim().split_once("nginx version: ") {
        Some((_, version)) => Ok(version.to_owned()),
        None => Err(TargetError::Gateway(format!("`nginx -v` said {said:?}"))),
    }
}

impl Gateway {
    /// `program` keeps it in place of this binary; it passes everything on to `upstream`. Blocks until
    /// nginx listens.
    pub fn start(
        plan: &GatewayPlan,
        upstream: SocketAddr,
        program: Option<&Path>,
    ) -> Result<Gateway, TargetError> {
        let order = Order {
            nginx: find_nginx()?,
            upstream,
            plan: plan.clone(),
        };
        let mut keeper = Keeper::start(program, GATEWAY_SUBCOMMAND, &order)?;
        Ok(Gateway {
            address: Self::hear(&mut keeper)?,
            keeper,
        })
    }

    fn hear(keeper: &mut Keeper) -> Result<SocketAddr, TargetError> {
        let not_up = |how: String| Err(TargetError::Gateway(how));
        let line = match keeper.hear() {
            Ok(line) => line,
            Err(error) => return not_up(error.to_string()),
        };
        match (line.strip_prefix(UP), line.strip_prefix(FAILED)) {
            (Some(address), _) => address.parse().or_else(|_| not_up(format!("{address:?}"))),
            (None, Some(reason)) => not_up(reason.to_owned()),
            (None, None) => not_up(format!("its keeper said {line:?}")),
        }
    }

    pub fn ended(&mut self) -> Option<String> {
        match self.keeper.ended() {
            Ok(Some(status)) => Some(format!("the gateway before it ended, {status}")),
            Ok(None) => None,
            Err(error) => Some(error.to_string()),
        }
    }
}

/// Starts without holding up the runtime.
pub(super) async fn start(
    plan: GatewayPlan,
    upstream: SocketAddr,
    program: Option<&Path>,
) -> Result<Gateway, TargetError> {
    let program = program.map(Path::to_owned);
    let started =
        tokio::task::spawn_blocking(move || Gateway::start(&plan, upstream, program.as_deref()));
    match tokio::time::timeout(START_PATIENCE, started).await {
        Ok(Ok(result)) => result,
        Ok(Err(error)) => Err(TargetError::Gateway(error.to_string())),
        Err(_) => Err(TargetError::Gateway(format!(
            "nothing was said within {START_PATIENCE:?}"
        ))),
    }
}
