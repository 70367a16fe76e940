//! Opens a metered connection to the server under test, over the client's line if it has one.

use super::failure::Failure;
use super::line::Way;
use super::link::{Link, Linked, Stream};
use super::metered::{Carrier, Metered, Speech, Tally};
use super::tls::Secure;
use super::wire::Wire;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;

/// The server under test as a client sees it.
#[derive(Clone, Debug)]
pub struct Endpoint {
    pub address: SocketAddr,
    /// The value of `Host`.
    pub host: String,
    /// Path that stands before `/rooms`; empty or without a slash at its end.
    pub prefix: String,
    /// Where it is spoken to over TLS.
    pub secure: Option<Secure>,
}

impl Endpoint {
    /// Of a WebSocket's URL.
    pub fn scheme(&self) -> &'static str {
        match self.secure {
            None => "ws",
            Some(_) => "wss",
        }
    }
}

const PATIENCE: Duration = Duration::from_secs(10);

/// Over a line the SYN and what answers it take their time too. A connection is open when TLS is.
pub async fn dial(
    endpoint: &Endpoint,
    tally: Tally,
    speech: Speech,
    link: Option<&Link>,
) -> Result<Metered, Failure> {
    if let Some(link) = link {
        link.cross(Way::Up).await;
    }
    let connected = connect(endpoint).await;
    let stream = match link {
        None => Stream::Direct(connected?),
        Some(link) => {
            link.cross(Way::Down).await;
            Stream::Linked(Linked::start(connected?, link.clone()))
        }
    };
    tally.totals.opened(tally.traffic);
    let patience = PATIENCE + stream.on_the_way() * 2;
    let wire = Wire::new(stream, tally.clone(), endpoint.secure.is_some());
    let carrier = match &endpoint.secure {
        None => Carrier::Plain(wire),
        Some(secure) => {
            let shaken = tokio::time::timeout(patience, secure.shake_hands(wire)).await;
            Carrier::Tls(Box::new(shaken.map_err(|_| Failure::TimedOut)??))
        }
    };
    Ok(Metered::new(carrier, tally, speech))
}

async fn connect(endpoint: &Endpoint) -> Result<TcpStream, Failure> {
    let stream = tokio::time::timeout(PATIENCE, TcpStream::connect(endpoint.address))
        .await
        .map_err(|_| Failure::Connect(std::io::ErrorKind::TimedOut))?
        .map_err(|error| Failure::connect(&error))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
