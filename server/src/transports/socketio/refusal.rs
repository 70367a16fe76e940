//! What is no Engine.IO is answered in its own words: a status, and JSON with a code and a message
//! (`v4-current.md` and the `errors` of the reference). What any route refuses is said as elsewhere.

use crate::problems::Refusal;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpResponse, ResponseError};

#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("Transport unknown")]
    UnknownTransport,
    #[error("Session ID unknown")]
    UnknownSession,
    #[error("Bad handshake method")]
    BadHandshakeMethod,
    #[error("Bad request")]
    BadRequest,
    #[error("Unsupported protocol version")]
    UnsupportedVersion,
    #[error("Payload too large")]
    TooLarge,
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl Fault {
    fn code(&self) -> u8 {
        match self {
            Fault::UnknownTransport => 0,
            Fault::UnknownSession => 1,
            Fault::BadHandshakeMethod => 2,
            Fault::BadRequest | Fault::TooLarge => 3,
            Fault::Refused(_) => 4,
            Fault::UnsupportedVersion => 5,
        }
    }
}

impl ResponseError for Fault {
    fn status_code(&self) -> StatusCode {
        match self {
            Fault::UnknownTransport
            | Fault::UnknownSession
            | Fault::BadHandshakeMethod
            | Fault::BadRequest
            | Fault::UnsupportedVersion => StatusCode::BAD_REQUEST,
            Fault::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Fault::Refused(refusal) => refusal.status_code(),
        }
    }

    fn error_response(&self) -> HttpResponse {
        if let Fault::Refused(refusal) = self {
            return refusal.error_response();
        }
        HttpResponse::build(self.status_code())
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .json(serde_json::json!({"code": self.code(), "message": self.to_string()}))
    }
}
