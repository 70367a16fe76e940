//! A WebSocket for one who may not take part: accepted, told so by close code 4001, and ended. A cookie that
//! is none of ours is taken away with it.

use super::close::{self, INVALID_USER};
use super::{farewell, handshake};
use crate::problems::Refusal;
use crate::session;
use actix_web::http::header::{HeaderValue, SET_COOKIE};
use actix_web::{HttpRequest, HttpResponse, web};

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
    let frame = close::close(INVALID_USER, REASON);
    Ok(farewell::only(frame, response, body))
}
