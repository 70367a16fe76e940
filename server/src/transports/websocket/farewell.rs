//! A WebSocket that is accepted, told by a close frame why it is not served, and ended. A client reads a close
//! code where the status of a handshake that failed does not show, or is taken for a server out of order.

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::{HttpResponse, web};
use bytes::Bytes;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The accepted handshake with nothing behind it but this close frame.
pub fn only(frame: Bytes, response: HttpResponse, body: web::Payload) -> HttpResponse {
    let farewell = Farewell {
        frame: Some(frame),
        _unread: body,
    };
    response.map_body(|_, _| BoxBody::new(farewell))
}

struct Farewell {
    frame: Option<Bytes>,
    /// What the client says is not looked at, and not refused either before the frame is out.
    _unread: web::Payload,
}

impl MessageBody for Farewell {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready(self.frame.take().map(Ok))
    }
}
