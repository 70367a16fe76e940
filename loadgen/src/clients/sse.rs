//! Server-sent events: a stream as `EventSource` reads it, resumed by `Last-Event-ID`.

use super::{Carried, Client, Place, heads};
use crate::net::connection::{Connection, Share};
use crate::net::event_stream::{Block, Decoder};
use crate::net::failure::Failure;
use crate::totals::Kind;
use std::time::Duration;

/// Returns only when the connection is lost.
pub async fn subscribe(client: &Client, connection: &mut Connection) -> Result<(), Failure> {
    client.totals().requested();
    {
        let request = request(client)?;
        connection.send(request.as_bytes(), Kind::Handshake).await?;
    }
    let head = connection.head().await?;
    if head.status != 200 {
        return Err(Failure::Status(head.status));
    }
    connection.count(Kind::Handshake, head.length as u64);
    heads::check_answer(client, head.length);
    if !head.is_event_stream {
        return Err(Failure::Malformed("an answer that is no text/event-stream"));
    }
    if client.is_bare() {
        client.greeted();
    }
    let mut decoder = Decoder::default();
    let on_data = |data: &[u8], share: &mut Share<'_>| {
        decoder.decode(data, |block| take(client, &block, share));
        if client.transport().retry {
            client
                .retry
                .set(decoder.retry_ms().map(Duration::from_millis));
        }
        Ok(())
    };
    connection.stream(head.body, on_data).await?;
    Err(Failure::Ended)
}

fn request(client: &Client) -> Result<String, Failure> {
    let known = match client.place.get() {
        Place::At(cursor) => vec![("Last-Event-ID", cursor.to_string())],
        Place::Unknown | Place::Counted(_) => Vec::new(),
    };
    heads::request(client, &client.path(), &known)
}

fn take(client: &Client, block: &Block<'_>, share: &mut Share<'_>) {
    // What is not a `message` goes to listeners that this client does not have.
    let data = block.data.filter(|_| block.event == b"message");
    let carried = data.map(|data| client.message(data));
    if let Some(cursor) = std::str::from_utf8(block.id)
        .ok()
        .and_then(|id| id.parse().ok())
    {
        client.set_cursor(cursor);
    }
    let kind = match carried {
        Some(Carried::Event) => {
            share.count(Kind::Payload, block.data_bytes);
            share.count(Kind::KeepAlive, block.comment_bytes);
            let rest = block.bytes - block.data_bytes - block.comment_bytes;
            share.count(Kind::Framing, rest);
            return share.message(Kind::Framing);
        }
        Some(Carried::Greeting) => Kind::Handshake,
        Some(Carried::Notice) => Kind::Framing,
        None if block.is_heartbeat() => Kind::KeepAlive,
        // A retry time or an id that comes before the greeting is part of it.
        None if !client.known.get() => Kind::Handshake,
        None => Kind::Framing,
    };
    share.count(kind, block.bytes);
    share.message(kind);
}
