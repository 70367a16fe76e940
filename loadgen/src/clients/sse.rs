//! Server-sent events: a stream as `EventSource` reads it, resumed by `Last-Event-ID`.

use super::{Carried, Client, Mark, heads};
use crate::net::connection::{Connection, Share};
use crate::net::event_stream::{Block, Decoder};
use crate::net::failure::Failure;
use crate::net::http1::Head;
use crate::totals::Kind;
use std::pin::pin;
use std::time::Duration;

/// For the head of a foreign answer, until the client is taken to be there without.
const HEAD_PATIENCE: Duration = Duration::from_secs(2);

/// Returns only when the connection is lost.
pub async fn subscribe(client: &Client, connection: &mut Connection) -> Result<(), Failure> {
    client.totals().requested();
    {
        let request = request(client)?;
        connection.send(request.as_bytes(), Kind::Handshake).await?;
    }
    let (head, is_late) = head(client, connection).await?;
    if head.status != 200 {
        return Err(Failure::Status(head.status));
    }
    connection.count(Kind::Handshake, head.length as u64);
    heads::check_answer(client, head.length);
    if !head.is_event_stream {
        return Err(Failure::Malformed("an answer that is no text/event-stream"));
    }
    match is_late {
        true => client.answered(),
        false if client.is_ungreeted() => client.greeted(),
        false => {}
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

/// The answer's head, and whether it came late: a server of somebody else may send it with the first event, as
/// Node's does by itself, so a client counts as there before.
async fn head(client: &Client, connection: &mut Connection) -> Result<(Head, bool), Failure> {
    let mut head = pin!(connection.head());
    if !client.is_foreign() {
        return Ok((head.await?, false));
    }
    match tokio::time::timeout(HEAD_PATIENCE, head.as_mut()).await {
        Ok(head) => Ok((head?, false)),
        Err(_) => {
            client.asked();
            Ok((head.await?, true))
        }
    }
}

fn request(client: &Client) -> Result<String, Failure> {
    let mut own = Vec::new();
    if client.is_foreign() {
        // Nchan tells what is wanted by it.
        own.push(("Accept", "text/event-stream".to_owned()));
    }
    own.extend(client.last_event_id().map(|id| ("Last-Event-ID", id)));
    heads::request(client, &client.path(), &own)
}

fn note_id(client: &Client, id: &[u8]) {
    let Ok(id) = std::str::from_utf8(id) else {
        return;
    };
    if client.is_foreign() {
        if !id.is_empty() {
            client.set_mark(Mark {
                id: id.to_owned(),
                ..Mark::default()
            });
        }
    } else if let Ok(cursor) = id.parse() {
        client.set_cursor(cursor);
    }
}

fn take(client: &Client, block: &Block<'_>, share: &mut Share<'_>) {
    // What is not a `message` goes to listeners that this client does not have; another server's events
    // may have whatever name.
    let heeded = block.event == b"message" || client.is_foreign();
    let data = block.data.filter(|_| heeded);
    let carried = data.map(|data| client.message(data));
    note_id(client, block.id);
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
