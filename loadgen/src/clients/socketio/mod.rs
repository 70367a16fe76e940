//! Socket.IO, as its own client goes about it: a session is opened by polling, its namespace and room
//! are asked for by POST, and a WebSocket that is tried out meanwhile takes over; or one of the two
//! carriers alone. Spoken by hand over the metered sockets of the other kinds, packets as `wire/` has
//! them. Recovery by `pid` is left to the library's own client: a cursor in `join` does the same here.

mod polling;
mod session;
mod told;
mod websocket;

use super::websocket::Socket;
use super::{Client, End, closing};
use crate::net::failure::Failure;
use crate::net::metered::Speech;
use crate::orders::Interruption;
use crate::scenario::SocketioPath;
use crate::totals::Kind;
use futures_util::future::{FusedFuture, maybe_done};
use polling::Line;
use session::Session;
use std::future::Future;
use std::pin::pin;

pub(super) async fn subscribe(client: &Client) -> Result<End, Failure> {
    let session = Session::new(client);
    match client.transport().socketio.path {
        SocketioPath::Websocket => {
            session.settle();
            let speech = Speech::packets(Kind::Handshake);
            let socket = tokio::select! {
                biased;
                () = closing(&client.orders) => return Ok(End::Closed),
                socket = Box::pin(websocket::open(&session, speech)) => socket?,
            };
            by_websocket(&session, socket, async {}).await
        }
        SocketioPath::Polling => by_polling(&session, false).await,
        SocketioPath::Upgrade => by_polling(&session, true).await,
    }
}

/// Until the end, with `goodbye` to the connections of the time before on the side.
async fn by_websocket(
    session: &Session<'_>,
    mut socket: Socket,
    goodbye: impl Future<Output = ()>,
) -> Result<End, Failure> {
    let client = session.client;
    let mut goodbye = pin!(maybe_done(goodbye));
    let interruption = {
        let mut talk = pin!(websocket::converse(session, &mut socket));
        loop {
            tokio::select! {
                biased;
                interruption = client.orders.interruption() => break interruption,
                result = &mut talk => return result.map(|()| End::Again),
                () = &mut goodbye, if !goodbye.is_terminated() => {}
            }
        }
    };
    match interruption {
        Interruption::Cut => {
            socket.get_ref().reset_on_close();
            Ok(End::Cut)
        }
        Interruption::Close => {
            websocket::close(session, socket).await;
            goodbye.await;
            Ok(End::Closed)
        }
    }
}

/// What ended the time of polling.
enum Turn {
    Interrupted(Interruption),
    /// Both directions rest, and this goes on.
    Upgraded(Box<Socket>),
}

async fn by_polling(session: &Session<'_>, upgrades: bool) -> Result<End, Failure> {
    let client = session.client;
    let (mut down, mut up) = (Line::default(), Line::default());
    let opened = tokio::select! {
        biased;
        interruption = client.orders.interruption() => Err(interruption),
        result = polling::open(session, &mut down) => Ok(result?),
    };
    let turn = match opened {
        Ok(()) => poll(session, &mut down, &mut up, upgrades).await?,
        Err(interruption) => Turn::Interrupted(interruption),
    };
    match turn {
        Turn::Interrupted(Interruption::Cut) => {
            down.reset();
            up.reset();
            Ok(End::Cut)
        }
        Turn::Interrupted(Interruption::Close) => {
            tokio::join!(down.close(client), up.close(client));
            Ok(End::Closed)
        }
        Turn::Upgraded(mut socket) => {
            websocket::take_over(session, &mut socket).await?;
            let goodbye = async {
                tokio::join!(down.close(client), up.close(client));
            };
            by_websocket(session, *socket, goodbye).await
        }
    }
}

/// A WebSocket that was refused, or never answered, is the same error as without Socket.IO.
fn upgrade_class(failure: &Failure) -> String {
    match failure {
        Failure::Status(_) | Failure::TimedOut => "upgrade-blocked".to_owned(),
        other => format!("upgrade-{}", other.class()),
    }
}

/// Polls until something else is to be done, which is when both connections rest; but for a cut.
async fn poll(
    session: &Session<'_>,
    down: &mut Line,
    up: &mut Line,
    upgrades: bool,
) -> Result<Turn, Failure> {
    let client = session.client;
    let mut exchange = Box::pin(polling::converse(session, down, up));
    let mut probing = pin!(maybe_done(websocket::probe(session)));
    let mut candidate = None;
    let mut tries = upgrades && session.offers_websocket();
    if !tries {
        session.settle();
    }
    let interruption = loop {
        tokio::select! {
            biased;
            interruption = client.orders.interruption() => break interruption,
            result = &mut exchange => {
                result?;
                return candidate.map(Turn::Upgraded).ok_or(Failure::SessionGone);
            }
            () = &mut probing, if tries => {
                tries = false;
                match probing.as_mut().take_output() {
                    Some(Ok(socket)) => {
                        candidate = Some(Box::new(socket));
                        session.pause();
                    }
                    Some(Err(failure)) => {
                        client.sink.error(upgrade_class(&failure));
                        session.settle();
                    }
                    None => {}
                }
            }
        }
    };
    if interruption == Interruption::Close {
        session.close();
        let patience = client.close_patience();
        match tokio::time::timeout(patience, &mut exchange).await {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => client.sink.error(format!("close-{}", failure.class())),
            Err(_) => client.sink.error("close-timed-out"),
        }
    } else if let Some(socket) = candidate {
        socket.get_ref().reset_on_close();
    }
    Ok(Turn::Interrupted(interruption))
}
