//! A session's packets by WebSocket: one a message, binary data as it is. A frame is of the kind of its
//! packet; of an event's frame the header is framing, what stands around the event is the packet's.

use super::session::Session;
use super::told::{Reply, Told};
use crate::clients::websocket::{self, Socket, failure};
use crate::net::failure::Failure;
use crate::net::metered::Speech;
use crate::totals::{Kind, Traffic};
use futures_util::{SinkExt, StreamExt};
use pushlab_server::wire::engineio::{PROBE, Packet};
use std::borrow::Cow;
use std::time::Duration;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

/// A WebSocket that is not there by then is given up, and polling goes on.
const PROBE_PATIENCE: Duration = Duration::from_secs(10);

const NOT_ENGINEIO: Failure = Failure::Malformed("no Engine.IO packet");

pub(super) async fn open(session: &Session<'_>, speech: Speech) -> Result<Socket, Failure> {
    websocket::connect(session.client, &session.path("websocket"), speech, None).await
}

/// Tries one out beside polling: `2probe`, `3probe`.
pub(super) async fn probe(session: &Session<'_>) -> Result<Socket, Failure> {
    session.probing();
    let probe = async {
        let mut socket = open(session, Speech::packets(Kind::Upgrade)).await?;
        let ping = Reply::of_probe(Packet::Ping(PROBE).text());
        send(session, &mut socket, &ping).await?;
        loop {
            let message = next(&mut socket).await?;
            match &message {
                Message::Text(text) if text.as_str() == Packet::Pong(PROBE).text() => {
                    let told = Told::of_probe();
                    count(session, told, text.len());
                    return Ok(socket);
                }
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
                Message::Text(_) | Message::Binary(_) | Message::Close(_) => {
                    return Err(Failure::Malformed("no answer to a probe"));
                }
            }
        }
    };
    match tokio::time::timeout(PROBE_PATIENCE, probe).await {
        Ok(result) => result,
        Err(_) => Err(Failure::TimedOut),
    }
}

/// Polling rests: from here on the session is this WebSocket's.
pub(super) async fn take_over(session: &Session<'_>, socket: &mut Socket) -> Result<(), Failure> {
    let upgrade = Reply::of_probe(Packet::Upgrade.text());
    send(session, socket, &upgrade).await?;
    session.upgraded();
    Ok(())
}

/// Returns only when the connection is lost.
pub(super) async fn converse(session: &Session<'_>, socket: &mut Socket) -> Result<(), Failure> {
    let client = session.client;
    loop {
        for reply in session.take_replies() {
            send(session, socket, &reply).await?;
        }
        tokio::select! {
            biased;
            message = next(socket) => take(session, message?)?,
            outgoing = client.orders.outgoing(), if session.is_there() => {
                let publish = session.publish(outgoing)?;
                send(session, socket, &publish).await?;
            }
        }
    }
}

async fn next(socket: &mut Socket) -> Result<Message, Failure> {
    match socket.next().await {
        Some(Ok(message)) => Ok(message),
        Some(Err(error)) => Err(failure(&error)),
        None => Err(Failure::Ended),
    }
}

fn take(session: &Session<'_>, message: Message) -> Result<(), Failure> {
    let (told, length) = match &message {
        Message::Text(text) => {
            let packet = Packet::from_text(text).map_err(|_| NOT_ENGINEIO)?;
            (session.take(packet)?, text.len())
        }
        Message::Binary(data) => {
            let packet = Packet::Binary(Cow::Borrowed(data));
            (session.take(packet)?, data.len())
        }
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => {
            return Ok(());
        }
    };
    count(session, told, length);
    Ok(())
}

/// The meter has counted the frame as an event's.
fn count(session: &Session<'_>, told: Told, length: usize) {
    let client = session.client;
    let shift = |from, to, bytes: usize| {
        let totals = client.totals();
        totals.shift(Traffic::Delivery, from, to, bytes as u64);
    };
    let header = header_bytes(length);
    shift(Kind::Payload, told.rest, length - told.payload);
    if told.is_event {
        let mut exchanges = client.lane.exchanges.get();
        exchanges.note(header as u64, (header + length) as u64, true);
        client.lane.exchanges.set(exchanges);
    } else {
        shift(Kind::Framing, told.rest, header);
    }
}

/// Of an unmasked frame (RFC 6455 §5.2).
fn header_bytes(length: usize) -> usize {
    match length {
        0..=125 => 2,
        126..=65_535 => 4,
        _ => 10,
    }
}

async fn send(session: &Session<'_>, socket: &mut Socket, reply: &Reply) -> Result<(), Failure> {
    let publishes = reply.kind == Kind::Payload;
    let traffic = match publishes {
        true => Traffic::Publish,
        false => Traffic::Delivery,
    };
    socket.get_mut().write_frames_as(traffic, reply.kind);
    let message = Message::text(reply.text.as_str());
    socket
        .send(message)
        .await
        .map_err(|error| failure(&error))?;
    if publishes {
        let packet = (reply.text.len() - reply.payload) as u64;
        let totals = session.client.totals();
        totals.shift(traffic, Kind::Payload, Kind::Packets, packet);
    }
    Ok(())
}

/// Says goodbye and reads to the end: events that come meanwhile still count.
pub(super) async fn close(session: &Session<'_>, mut socket: Socket) {
    let goodbye = async {
        send(session, &mut socket, &session.goodbye()).await?;
        let frame = CloseFrame {
            code: CloseCode::Normal,
            reason: "".into(),
        };
        let closed = socket.close(Some(frame)).await;
        closed.map_err(|error: Error| failure(&error))?;
        while let Some(message) = socket.next().await {
            take(session, message.map_err(|error| failure(&error))?)?;
        }
        Ok::<(), Failure>(())
    };
    let class = match tokio::time::timeout(session.client.close_patience(), goodbye).await {
        Ok(Ok(())) => return,
        Ok(Err(failure)) => failure.class(),
        Err(_) => Failure::TimedOut.class(),
    };
    session.client.sink.error(format!("close-{class}"));
}
