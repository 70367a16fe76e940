//! What interval polling and long polling share: the answer to a poll, and when it may be empty.

use super::meter;
use crate::desk::Desk;
use crate::problems::Refusal;
use crate::subscription::Subscription;
use crate::transports::PIECE;
use crate::usage::Class;
use crate::wire::transport::Transport;
use actix_web::body::{BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A poll without a cursor, or with one that missed events, is answered even with nothing, so that
/// the client has a cursor to go on from.
pub(super) fn wants_an_answer(request: &HttpRequest, subscription: &Subscription) -> bool {
    super::query(request, "cursor").is_none() || subscription.missed() != Some(0)
}

/// 200 with what is there; 204 where there is nothing; 304 where the client has said that nothing
/// is what it expects.
pub(super) fn answer(
    request: &HttpRequest,
    mut subscription: Subscription,
    transport: Transport,
    wants_an_answer: bool,
) -> Result<HttpResponse, Refusal> {
    let desk = Desk::of(request);
    let counters = meter(request).class(Class::Transport(transport));
    let batch = subscription.ready();
    counters.deliveries.add(batch.events as u64);
    if batch.events == 0 {
        counters.empty.add(1);
    }
    let nothing = batch.events == 0 && batch.missed == Some(0);
    let tag = format!("\"{}\"", batch.cursor);
    let status = if nothing && matches(request.headers(), &tag) {
        StatusCode::NOT_MODIFIED
    } else if nothing && !wants_an_answer {
        StatusCode::NO_CONTENT
    } else {
        StatusCode::OK
    };
    let mut response = HttpResponse::build(status);
    if !desk.config.bare {
        tagged(&mut response, tag)?;
    }
    if status != StatusCode::OK {
        return Ok(response.finish());
    }
    Ok(response
        .insert_header((
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ))
        .body(Pieces(batch.body)))
}

/// An answer that is written piece by piece: no more of it than one piece waits in the connection's own
/// buffer, while the rest is shared by all who ask for the same events.
struct Pieces(Bytes);

impl MessageBody for Pieces {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.0.len() as u64)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        let piece = self.0.len().min(PIECE);
        match piece {
            0 => Poll::Ready(None),
            _ => Poll::Ready(Some(Ok(self.0.split_to(piece)))),
        }
    }

    fn try_into_bytes(self) -> Result<Bytes, Self> {
        Ok(self.0)
    }
}

fn tagged(response: &mut HttpResponseBuilder, tag: String) -> Result<(), Refusal> {
    let tag = HeaderValue::try_from(tag)
        .map_err(|_| Refusal::BadRequest("the cursor is no header value".to_owned()))?;
    response
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")));
    Ok(())
}

/// Weak comparison (RFC 9110 §13.1.2): a compressing proxy turns `"e-9"` into `W/"e-9"`.
fn matches(headers: &HeaderMap, tag: &str) -> bool {
    headers.get_all(header::IF_NONE_MATCH).any(|value| {
        value.to_str().is_ok_and(|list| {
            list.split(',')
                .map(|one| one.trim().trim_start_matches("W/"))
                .any(|one| one == "*" || one == tag)
        })
    })
}
