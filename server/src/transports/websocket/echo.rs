//! `/lab/echo`, for outside conformance suites: every message comes back as it came, over the decoder and
//! the close frames of the rooms' WebSockets. One message at a time: while its answer is being written
//! nothing is read, so a client that does not read costs one message and no more. It sends no pings.

use super::close;
use super::decoder::{Limits, Message};
use super::handshake;
use super::incoming::Incoming;
use crate::desk::Desk;
use crate::drain::Begun;
use crate::frames::{Opcode, frame, frame_head};
use crate::net::metered::Meter;
use crate::problems::Refusal;
use crate::transports::PIECE;
use crate::transports::{count_control, meter};
use crate::usage::Reason;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use std::convert::Infallible;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

/// What the suites send: 16 MiB at once, and 4 MiB in fragments of 64 bytes.
const LIMITS: Limits = Limits {
    bytes: 16 * 1024 * 1024,
    fragments: 131_072,
};

/// `GET /lab/echo`, where the server was started with `--conformance`.
pub async fn serve(request: HttpRequest, body: web::Payload) -> Result<HttpResponse, Refusal> {
    count_control(&request);
    if !Desk::of(&request).config.websocket.conformance || meter(&request).tap().is_some() {
        return Err(Refusal::NotFound);
    }
    handshake::check(&request)?;
    let (response, _) = handshake::accept(&request, &[]).await?;
    meter(&request).keep();
    let echo = Echo {
        meter: Rc::clone(meter(&request)),
        drain: Desk::of(&request).worker.drain.begun(),
        incoming: Incoming::new(body, LIMITS),
        answer: Bytes::new(),
        closed: false,
    };
    Ok(response.map_body(|_, _| BoxBody::new(echo)))
}

struct Echo {
    meter: Rc<Meter>,
    /// Ends when the server is told to stop.
    drain: Begun,
    incoming: Incoming,
    /// What is left of the payload that is being written.
    answer: Bytes,
    /// Our close frame has been sent: nothing follows.
    closed: bool,
}

impl Echo {
    fn answer(&mut self, opcode: Opcode, payload: Vec<u8>) -> Bytes {
        self.answer = payload.into();
        frame_head(opcode, self.answer.len())
    }

    fn last(&mut self, frame: Bytes) -> Bytes {
        self.closed = true;
        frame
    }

    fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if self.closed {
            return Poll::Ready(None);
        }
        if !self.answer.is_empty() {
            let piece = self.answer.len().min(PIECE);
            return Poll::Ready(Some(self.answer.split_to(piece)));
        }
        if Pin::new(&mut self.drain).poll(context).is_ready() {
            let goodbye = close::close(close::GOING_AWAY, "the server stops");
            return Poll::Ready(Some(self.last(goodbye)));
        }
        loop {
            let Some(said) = ready!(self.incoming.poll_next(context)) else {
                return Poll::Ready(None);
            };
            return Poll::Ready(Some(match said {
                Ok(Message::Text(text)) => self.answer(Opcode::Text, text.into_bytes()),
                Ok(Message::Binary(bytes)) => self.answer(Opcode::Binary, bytes),
                Ok(Message::Ping(payload)) => frame(Opcode::Pong, &payload),
                Ok(Message::Pong) => continue,
                Ok(Message::Close(code)) => self.last(close::echo(code)),
                Err(fault) => {
                    self.meter.ends(Reason::BadFrame);
                    self.last(fault.frame())
                }
            }));
        }
    }
}

impl MessageBody for Echo {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        self.poll_answer(context).map(|piece| piece.map(Ok))
    }
}
