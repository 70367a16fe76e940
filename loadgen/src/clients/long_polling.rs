//! Long polling: asks, is held until there is something, asks again at once.

use super::Client;
use super::interval_polling::ask;
use crate::net::connection::Connection;
use crate::net::failure::Failure;

/// Returns when the server ends the connection between two polls.
pub async fn subscribe(client: &Client, connection: &mut Connection) -> Result<(), Failure> {
    let hold = format!("hold={}ms", client.transport().hold.as_millis());
    let mut content = Vec::new();
    while ask(client, connection, &hold, &mut content).await?.keep_alive {}
    Ok(())
}
