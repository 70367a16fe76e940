//! Opens a metered connection to the server under test.

use super::failure::Failure;
use super::metered::{Metered, Speech, Tally};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;

/// The server under test as a client sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub address: SocketAddr,
    /// The value of `Host`.
    pub host: String,
    /// Path that stands before `/rooms`; empty or without a slash at its end.
    pub prefix: String,
}

const PATIENCE: Duration = Duration::from_secs(10);

pub async fn dial(endpoint: &Endpoint, tally: Tally, speech: Speech) -> Result<Metered, Failure> {
    let stream = tokio::time::timeout(PATIENCE, TcpStream::connect(endpoint.address))
        .await
        .map_err(|_| Failure::Connect(std::io::ErrorKind::TimedOut))?
        .map_err(|error| Failure::connect(&error))?;
    stream.set_nodelay(true)?;
    Ok(Metered::new(stream, tally, speech))
}
