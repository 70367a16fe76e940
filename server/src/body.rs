//! Reads the body of a request: whether it is JSON, no more of it than allowed, and for no longer than
//! `--body-timeout`. What it says is for others to find out.

use crate::desk::Desk;
use crate::problems::Refusal;
use crate::transports::meter;
use crate::usage::Reason;
use actix_web::http::header;
use actix_web::{HttpRequest, web};
use bytes::{Bytes, BytesMut};
use std::future::poll_fn;
use std::pin::Pin;

/// `application/json`, with or without parameters; a request that names no type is believed.
pub fn is_json(request: &HttpRequest) -> bool {
    let Some(kind) = request.headers().get(header::CONTENT_TYPE) else {
        return true;
    };
    kind.to_str().is_ok_and(|kind| {
        kind.split(';')
            .next()
            .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
    })
}

/// Reads no more than `limit` bytes, whatever the head announces, and for no longer than
/// `--body-timeout`.
pub async fn read_body(
    request: &HttpRequest,
    body: web::Payload,
    limit: usize,
) -> Result<Bytes, Refusal> {
    let patience = Desk::of(request).config.limits.body_patience();
    let read = tokio::time::timeout(patience, read_all(request, body, limit)).await;
    let progress = &meter(request).progress;
    match &read {
        Ok(Ok(_)) => progress.body_is_read(),
        Ok(Err(_)) => {}
        Err(_) => {
            meter(request).ends(Reason::TooSlow);
            progress.give_up();
        }
    }
    read.unwrap_or(Err(Refusal::BodyTooSlow))
}

async fn read_all(
    request: &HttpRequest,
    mut body: web::Payload,
    limit: usize,
) -> Result<Bytes, Refusal> {
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > limit) {
        return Err(Refusal::TooLarge { limit });
    }
    let mut read = BytesMut::new();
    while let Some(chunk) =
        poll_fn(|context| futures_core::Stream::poll_next(Pin::new(&mut body), context)).await
    {
        let chunk =
            chunk.map_err(|error| Refusal::BadRequest(format!("the body broke off: {error}")))?;
        if read.len() + chunk.len() > limit {
            return Err(Refusal::TooLarge { limit });
        }
        read.extend_from_slice(&chunk);
    }
    Ok(read.freeze())
}
