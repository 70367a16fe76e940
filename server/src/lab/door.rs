//! The door of the lab: `GET /lab/session` becomes a WebSocket, and what goes over it passes between
//! the page and its session, each on a thread of its own. It reads no message.

use super::session::Opening;
use super::{Lab, origin};
use crate::desk::Desk;
use crate::net::metered::Meter;
use crate::problems::Refusal;
use crate::transports::websocket::decoder::{Limits, Message};
use crate::transports::websocket::handshake;
use crate::transports::websocket::incoming::Incoming;
use crate::transports::{count_control, meter};
use crate::usage::Reason;
use actix_web::{HttpRequest, HttpResponse, web};
use actix_ws::{CloseCode, CloseReason, Closed};
use std::cell::Cell;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Longest message of a page.
const MAX_COMMAND: usize = 128 * 1024;

/// Messages on their way to the session and to the page; more of them wait with their sender.
const IN_FLIGHT: usize = 4;

/// How often a page is asked whether it is there, and how long it may stay silent.
const PING: Duration = Duration::from_secs(20);
const SILENCE: Duration = Duration::from_secs(60);

/// `GET /lab/session`. A WebSocket does not tell its page why it was refused, so the page asks again by
/// a plain GET, which names no origin: what refuses every page comes first.
pub async fn session(request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Refusal> {
    count_control(&request);
    let lab = lab(&request)?;
    origin::of_visitor(&request)?;
    let seat = Arc::clone(&lab.seats)
        .try_acquire_owned()
        .map_err(|_| Refusal::LabFull)?;
    handshake::check(&request)?;
    let origin = origin::of_page(&request)?;
    let (response, socket) = handshake::accept(&request, &[]).await?;
    let (to_session, commands) = mpsc::channel(IN_FLIGHT);
    let (messages, from_session) = mpsc::channel(IN_FLIGHT);
    let opening = Opening {
        lab: Arc::clone(lab),
        origin,
        commands,
        messages,
        seat,
    };
    lab.openings.send(opening).map_err(|_| Refusal::LabFull)?;
    meter(&request).keep();
    let limits = Limits {
        bytes: MAX_COMMAND,
        fragments: Desk::of(&request).config.websocket.max_fragments,
    };
    let incoming = Incoming::new(body, limits);
    let drain = Rc::clone(&Desk::of(&request).worker.drain);
    let meter = Rc::clone(meter(&request));
    actix_web::rt::spawn(async move {
        let reason = tokio::select! {
            reason = relay(&meter, socket.clone(), incoming, to_session, from_session) => reason,
            () = drain.begun() => Some(CloseCode::Away.into()),
        };
        // One that does not read does not hear this either.
        let _ = tokio::time::timeout(PING, socket.close(reason)).await;
    });
    Ok(response)
}

/// The lab, where it is open and the request did not come over a lane.
pub fn lab(request: &HttpRequest) -> Result<&Arc<Lab>, Refusal> {
    let over_a_lane = meter(request).tap().is_some();
    let lab = Desk::of(request).lab.as_ref().ok_or(Refusal::LabClosed)?;
    match over_a_lane {
        true => Err(Refusal::NotFound),
        false => Ok(lab),
    }
}

/// The lab, for one who looks at what it has: counted, and let in by this host's own addresses alone,
/// with no other page behind it.
pub fn visitor(request: &HttpRequest) -> Result<&Arc<Lab>, Refusal> {
    count_control(request);
    let lab = lab(request)?;
    origin::of_visitor(request)?;
    origin::of_no_other_site(request)?;
    Ok(lab)
}

/// Until either has ended; the session sees that its commands have. Gives what the page is told.
async fn relay(
    meter: &Meter,
    mut socket: actix_ws::Session,
    mut incoming: Incoming,
    to_session: mpsc::Sender<String>,
    mut from_session: mpsc::Receiver<String>,
) -> Option<CloseReason> {
    let heard = Cell::new(Instant::now());
    let (mut pinging, mut answering) = (socket.clone(), socket.clone());
    // Three that do not wait for each other: a session that waits for its page to read must not keep
    // the page from being heard.
    let listen = async {
        loop {
            let said = poll_fn(|context| incoming.poll_next(context)).await;
            heard.set(Instant::now());
            let text = match said? {
                Ok(Message::Text(text)) => text,
                // No command; the session says so.
                Ok(Message::Binary(_)) => String::new(),
                Ok(Message::Ping(payload)) => {
                    answering.pong(&payload).await.ok()?;
                    continue;
                }
                Ok(Message::Pong) => continue,
                Ok(Message::Close(code)) => return code.map(|code| CloseCode::from(code).into()),
                Err(fault) => {
                    meter.ends(Reason::BadFrame);
                    return Some((fault.code().into(), fault.to_string()).into());
                }
            };
            to_session.send(text).await.ok()?;
        }
    };
    let tell = async {
        while let Some(text) = from_session.recv().await {
            socket.text(text).await?;
        }
        Ok::<(), Closed>(())
    };
    let watch = watch(&heard, PING, SILENCE, async || pinging.ping(b"").await);
    tokio::select! {
        reason = listen => reason,
        _ = tell => None,
        _ = watch => None,
    }
}

/// Pings `every` so often, until nothing has been heard for the length of a `silence`. A ping that has no
/// room, for the page does not read, is no reason to wait longer.
async fn watch(
    heard: &Cell<Instant>,
    every: Duration,
    silence: Duration,
    mut ping: impl AsyncFnMut() -> Result<(), Closed>,
) -> Result<(), Closed> {
    loop {
        tokio::time::sleep(every).await;
        if heard.get().elapsed() > silence {
            return Err(Closed);
        }
        if let Ok(sent) = tokio::time::timeout(every, ping()).await {
            sent?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    const EVERY: Duration = Duration::from_millis(5);
    const SHORT: Duration = Duration::from_millis(50);
    const LONG: Duration = Duration::from_secs(10);

    #[tokio::test]
    async fn a_page_that_neither_reads_nor_says_anything_is_given_up() {
        let heard = Cell::new(Instant::now());
        let full = async || std::future::pending().await;
        let ended = timeout(LONG, watch(&heard, EVERY, SHORT, full)).await;
        assert!(ended.expect("it waits for room").is_err());
        assert!(heard.get().elapsed() > SHORT);
    }

    #[tokio::test]
    async fn a_page_that_answers_is_not_given_up() {
        let heard = Cell::new(Instant::now());
        let answered = async || {
            heard.set(Instant::now());
            Ok(())
        };
        let silence = 10 * SHORT;
        let watched = timeout(3 * silence, watch(&heard, EVERY, silence, answered)).await;
        assert!(watched.is_err());
        let gone = async || Err(Closed);
        let ended = timeout(LONG, watch(&heard, EVERY, LONG, gone)).await;
        assert!(
            ended
                .expect("it does not see that the socket is gone")
                .is_err()
        );
    }
}
