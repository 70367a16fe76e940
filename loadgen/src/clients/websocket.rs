//! WebSocket: one connection both ways. The library speaks the protocol; bytes of frames are counted
//! below it. An event that this client sends comes back to it, which acknowledges it.

use super::{Carried, Client, End, closing, heads, nchan};
use crate::net::dial::dial;
use crate::net::failure::Failure;
use crate::net::metered::{Metered, Speech};
use crate::orders::{Interruption, Outgoing};
use crate::publisher;
use crate::totals::{Kind, Traffic};
use futures_util::{SinkExt, StreamExt};
use pushlab_server::wire::event::{Message as WireMessage, Probe};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, error::ProtocolError};

pub(super) type Socket = WebSocketStream<Metered>;

/// The default of 128 KiB a connection would be the largest part of a client's memory.
const READ_BUFFER: usize = 4096;

pub(super) async fn subscribe(client: &Client) -> Result<End, Failure> {
    let socket = tokio::select! {
        biased;
        () = closing(&client.orders) => return Ok(End::Closed),
        socket = Box::pin(open_in_time(client)) => socket?,
    };
    let Some(mut socket) = socket else {
        client.fall_back();
        return Ok(End::Again);
    };
    let interruption = tokio::select! {
        biased;
        interruption = client.orders.interruption() => interruption,
        result = converse(client, &mut socket) => return result.map(|()| End::Again),
    };
    match interruption {
        Interruption::Cut => {
            socket.get_ref().reset_on_close();
            Ok(End::Cut)
        }
        Interruption::Close => {
            close(client, socket).await;
            Ok(End::Closed)
        }
    }
}

/// `None` where the client is to fall back: the upgrade was answered by something else, or not in time.
async fn open_in_time(client: &Client) -> Result<Option<Socket>, Failure> {
    let Some(patience) = client.transport().fallback_after else {
        return open(client).await.map(Some);
    };
    match tokio::time::timeout(patience, open(client)).await {
        Ok(Ok(socket)) => Ok(Some(socket)),
        Ok(Err(Failure::Status(_))) | Err(_) => Ok(None),
        Ok(Err(failure)) => Err(failure),
    }
}

async fn open(client: &Client) -> Result<Socket, Failure> {
    let greets = !client.is_ungreeted();
    let protocol = match client.transport().msgpack {
        true => Some("pushlab.msgpack"),
        false => nchan::subprotocol(client),
    };
    let socket = connect(
        client,
        &nchan::resumed(client, client.stream_path()),
        Speech::websocket(greets),
        protocol,
    )
    .await?;
    if client.is_ungreeted() {
        client.greeted();
    }
    Ok(socket)
}

/// A WebSocket at this path, and this subprotocol on it.
pub(super) async fn connect(
    client: &Client,
    path: &str,
    speech: Speech,
    protocol: Option<&'static str>,
) -> Result<Socket, Failure> {
    let tally = client.tally();
    let endpoint = &client.lane.setting.endpoint;
    let stream = dial(endpoint, tally, speech, client.link.as_ref()).await?;
    client.totals().requested();
    let url = format!("{}://{}{path}", endpoint.scheme(), client.host());
    let mut request = url.into_client_request().map_err(|error| failure(&error))?;
    if let Some(protocol) = protocol {
        let protocol = HeaderValue::from_static(protocol);
        request
            .headers_mut()
            .insert("Sec-WebSocket-Protocol", protocol);
    }
    heads::put_on_handshake(client, request.headers_mut());
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0);
    let handshake = tokio_tungstenite::client_async_with_config(request, stream, Some(config));
    let (socket, _) = handshake.await.map_err(|error| failure(&error))?;
    Ok(socket)
}

/// Returns only when the connection is lost.
async fn converse(client: &Client, socket: &mut Socket) -> Result<(), Failure> {
    loop {
        tokio::select! {
            biased;
            message = socket.next() => match message {
                Some(Ok(message)) => take(client, &message),
                Some(Err(error)) => return Err(failure(&error)),
                None => return Err(Failure::Ended),
            },
            outgoing = client.orders.outgoing() => send(client, socket, outgoing).await?,
        }
    }
}

fn take(client: &Client, message: &Message) {
    let shift = |kind, bytes: usize| {
        let (from, bytes) = (Kind::Payload, bytes as u64);
        client.totals().shift(Traffic::Delivery, from, kind, bytes);
    };
    let (carried, length) = match message {
        Message::Text(text) if nchan::subprotocol(client).is_some() => {
            nchan::note_id(client, text);
            let head = nchan::head(text);
            shift(Kind::Framing, head);
            (client.message(text.as_bytes()), text.len() - head)
        }
        Message::Text(text) => (client.message(text.as_bytes()), text.len()),
        Message::Binary(bytes) if client.is_ungreeted() => (client.message(bytes), bytes.len()),
        Message::Binary(bytes) => (client.act_on(read_msgpack(bytes), bytes), bytes.len()),
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => return,
    };
    // The meter has counted what data frames carry as payload.
    let kind = match carried {
        Carried::Event => return,
        Carried::Greeting => Kind::Handshake,
        Carried::Notice => Kind::Framing,
    };
    shift(kind, length);
}

async fn send(client: &Client, socket: &mut Socket, outgoing: Outgoing) -> Result<(), Failure> {
    let setting = &client.lane.setting;
    let (_, token) = publisher::address(setting, outgoing);
    let mut body = Vec::with_capacity(setting.plan.publish.payload + 32);
    let payload = setting.plan.publish.payload;
    match setting.foreign() {
        Some(_) => setting.tag.write_text(token, payload, &mut body),
        None => setting.tag.write_publish(token, payload, &mut body),
    }
    let text = String::from_utf8(body).map_err(|_| Failure::Malformed("our own publish"))?;
    if let Outgoing::Event(index) = outgoing {
        client.sink.sending(index, true);
    }
    socket
        .send(Message::text(text))
        .await
        .map_err(|error| failure(&error))
}

/// Says goodbye and reads to the end: events that come meanwhile still count.
async fn close(client: &Client, mut socket: Socket) {
    let goodbye = async {
        let frame = CloseFrame {
            code: CloseCode::Normal,
            reason: "".into(),
        };
        socket.close(Some(frame)).await?;
        while let Some(message) = socket.next().await {
            take(client, &message?);
        }
        Ok::<(), Error>(())
    };
    let class = match tokio::time::timeout(client.close_patience(), goodbye).await {
        Ok(Ok(())) => return,
        Ok(Err(error)) => failure(&error).class(),
        Err(_) => Failure::TimedOut.class(),
    };
    client.sink.error(format!("close-{class}"));
}

pub(super) fn failure(error: &Error) -> Failure {
    match error {
        Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
        | Error::Protocol(ProtocolError::HandshakeIncomplete) => Failure::Ended,
        Error::Io(error) => Failure::Broken(error.kind()),
        Error::Http(response) => Failure::Status(response.status().as_u16()),
        _ => Failure::Malformed("not WebSocket as RFC 6455 has it"),
    }
}

/// The same messages as [`WireMessage::parse`] reads, as a MessagePack map.
fn read_msgpack(bytes: &[u8]) -> Option<WireMessage> {
    rmp_serde::from_slice::<Probe<'_>>(bytes).ok()?.message()
}

#[cfg(test)]
mod tests {
    use super::*;
    use pushlab_server::wire::cursor::Cursor;

    #[test]
    fn msgpack_messages_are_told_apart() {
        let read = |json: serde_json::Value| {
            read_msgpack(&rmp_serde::to_vec_named(&json).expect("plain JSON"))
        };
        let cursor: Cursor = "a-4".parse().expect("a cursor");
        assert_eq!(
            read(serde_json::json!({"id": 7, "type": "chat", "data": "x"})),
            Some(WireMessage::Event { id: 7 })
        );
        assert_eq!(
            read(serde_json::json!({"type": "hello", "cursor": "a-4", "missed": 0})),
            Some(WireMessage::Hello {
                cursor,
                missed: Some(0)
            })
        );
        assert_eq!(read_msgpack(b"not msgpack"), None);
    }
}
