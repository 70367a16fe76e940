//! What a client says: the messages of a connection's body as they come, no more of them kept than one
//! and what the socket gave with it. It answers nothing.

use super::close::Fault;
use super::decoder::{Decoder, Limits, Message, Unfinished};
use actix_web::web;
use bytes::{Buf, Bytes};
use futures_core::Stream;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pub struct Incoming {
    body: web::Payload,
    /// Read from the body and not decoded yet.
    ahead: Bytes,
    decoder: Decoder,
}

impl Incoming {
    pub fn new(body: web::Payload, limits: Limits) -> Incoming {
        Incoming {
            body,
            ahead: Bytes::new(),
            decoder: Decoder::new(limits),
        }
    }

    /// What has begun to come and is not whole.
    pub fn unfinished(&self) -> Option<Unfinished> {
        self.decoder.unfinished()
    }

    /// `None`: the client is gone, and nobody would read an answer.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Message, Fault>>> {
        loop {
            let mut rest = &self.ahead[..];
            let decoded = self.decoder.decode(&mut rest);
            let left = rest.len();
            match left {
                // Lets go of the memory.
                0 => self.ahead = Bytes::new(),
                _ => self.ahead.advance(self.ahead.len() - left),
            }
            if let Some(message) = decoded.transpose() {
                return Poll::Ready(Some(message));
            }
            match ready!(Pin::new(&mut self.body).poll_next(context)) {
                Some(Ok(bytes)) => self.ahead = bytes,
                Some(Err(_)) | None => return Poll::Ready(None),
            }
        }
    }
}
