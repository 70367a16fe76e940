//! The server under test: an embedded one, started afresh as a child process for each trial, or
//! one that runs already.

/// Where a trial's server comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A child process of this binary, new for each trial.
    Embedded,
    /// Base URLs, such as `http://127.0.0.1:8080`; control requests go to `admin` if given.
    Remote { url: String, admin: Option<String> },
}

// Stands in for the engine's until both branches meet; replaced by it as a whole.

#[derive(Debug, thiserror::Error)]
pub enum TargetError {}

impl Target {
    /// Whether it answers; its version, if it says one.
    pub async fn check(&self) -> Result<Option<String>, TargetError> {
        Ok(None)
    }
}

/// Runs the server of `config` until it is told to stop.
pub fn serve_embedded(_config: pushlab_server::config::Config) -> std::io::Result<()> {
    Ok(())
}
