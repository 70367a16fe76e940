//! The handshake of a WebSocket (RFC 6455 §4.2): actix-http checks it, actix-ws answers it and chooses
//! the subprotocol. What comes after is not theirs: `Incoming` reads it.

use crate::problems::Refusal;
use actix_http::ws::{HandshakeError, verify_handshake};
use actix_web::http::{Version, header};
use actix_web::{FromRequest, HttpRequest, HttpResponse, dev, web};
use actix_ws::Session;

/// What is no handshake is refused, before anything is opened for it.
pub fn check(request: &HttpRequest) -> Result<(), Refusal> {
    verify_handshake(request.head()).map_err(refuse)?;
    check_version(request)?;
    check_framing(request)
}

/// The answer 101, with the first of the client's subprotocols that is among `protocols`, and what
/// writes its body where the caller does not write one itself.
pub async fn accept(
    request: &HttpRequest,
    protocols: &[&str],
) -> Result<(HttpResponse, Session), Refusal> {
    // actix-ws would read the client's frames too; it gets none.
    let nothing = web::Payload::from_request(request, &mut dev::Payload::None);
    let accepted = match nothing.await {
        Ok(nothing) => actix_ws::handle_with_protocols(request, nothing, protocols),
        Err(error) => Err(error),
    };
    let (response, session, _) =
        accepted.map_err(|error| Refusal::BadRequest(error.to_string()))?;
    Ok((response, session))
}

/// What actix does not look at: HTTP/1.1 (§4.2.1), and headers that are there once (§11.3).
fn check_version(request: &HttpRequest) -> Result<(), Refusal> {
    let once = |name| request.headers().get_all(name).count() == 1;
    match request.version() == Version::HTTP_11
        && once(header::SEC_WEBSOCKET_KEY)
        && once(header::SEC_WEBSOCKET_VERSION)
    {
        true => Ok(()),
        false => Err(Refusal::BadRequest(
            "a WebSocket handshake is HTTP/1.1 and has one key and one version".to_owned(),
        )),
    }
}

/// actix frames the connection by these headers, before and after the handshake; with others than
/// these both sides would speak past each other.
fn check_framing(request: &HttpRequest) -> Result<(), Refusal> {
    let headers = request.headers();
    let upgrade = headers
        .get(header::UPGRADE)
        .map(|upgrade| upgrade.as_bytes());
    let plain = upgrade.is_some_and(|upgrade| upgrade.eq_ignore_ascii_case(b"websocket"))
        && !headers.contains_key(header::TRANSFER_ENCODING)
        && headers
            .get(header::CONTENT_LENGTH)
            .is_none_or(|length| length == "0");
    match plain {
        true => Ok(()),
        false => Err(Refusal::BadRequest(
            "a WebSocket handshake has no body and offers `Upgrade: websocket` alone".to_owned(),
        )),
    }
}

fn refuse(error: HandshakeError) -> Refusal {
    match error {
        HandshakeError::GetMethodRequired => Refusal::MethodNotAllowed("GET"),
        HandshakeError::NoWebsocketUpgrade
        | HandshakeError::NoVersionHeader
        | HandshakeError::UnsupportedVersion => Refusal::UpgradeRequired,
        HandshakeError::NoConnectionUpgrade | HandshakeError::BadWebsocketKey => {
            Refusal::BadRequest(format!("the WebSocket handshake is broken: {error}"))
        }
    }
}
