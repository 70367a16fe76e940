//! A WebSocket for one who may not take part: accepted, told so by close code 4001, and ended. A browser
//! reads a close code; the status of a handshake that failed it does not show.

use super::close::{self, INVALID_USER};
use super::handshake;
use crate::problems::Refusal;
use crate::session;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::header::{HeaderValue, SET_COOKIE};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

const REASON: &str = "Invalid user";

pub async fn answer(
    request: &HttpRequest,
    body: web::Payload,
    refusal: &Refusal,
) -> Result<HttpResponse, Refusal> {
    let (mut response, _) = handshake::accept(request, &super::PROTOCOLS).await?;
    if matches!(refusal, Refusal::BadSession)
        && let Ok(cookie) = HeaderValue::try_from(session::no_cookie())
    {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    let farewell = Farewell {
        frame: Some(close::close(INVALID_USER, REASON)),
        _unread: body,
    };
    Ok(response.map_body(|_, _| BoxBody::new(farewell)))
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
