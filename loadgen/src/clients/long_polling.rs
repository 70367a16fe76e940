//! Long polling: asks, is held until there is something, asks again at once.

use super::Client;
use super::interval_polling::ask;
use crate::net::connection::Connection;
use crate::net::failure::Failure;

/// Returns when the server ends the connection between two polls.
pub async fn subscribe(client: &Client, connection: &mut Connection) -> Result<(), Failure> {
    let hold = format!("hold={}", client.transport().hold_text());
    let mut content = Vec::new();
    // A bare server has no cursor to hand out at once: without this the first poll would be held
    // until the first event, and nobody could tell that the client is there.
    if client.is_bare() && !client.known.get() {
        ask(client, connection, "hold=0s", &mut content).await?;
    }
    while ask(client, connection, &hold, &mut content)
        .await?
        .keep_alive
    {}
    Ok(())
}
