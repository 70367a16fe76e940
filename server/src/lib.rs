//! The server half of pushlab.

pub mod wire;
pub mod config;

use config::Config;
use std::net::SocketAddr;

/// A server that accepts connections.
pub struct Running {
    pub public: SocketAddr,
    pub admin: Option<SocketAddr>,
}

impl Running {
    /// Until the server has stopped.
    pub async fn wait(self) -> std::io::Result<()> {
        Ok(())
    }

    /// Asks it to stop: streams end, held polls are answered, then `wait` returns.
    pub fn stop(&self) {}
}

/// Binds both ports and starts the workers. Must be called within an actix system
/// (`actix_rt::System::new().block_on(…)`).
pub fn start(config: Config) -> std::io::Result<Running> {
    Ok(Running {
        public: config.listen,
        admin: config.admin_listen,
    })
}
