//! Every error a client can get over HTTP, each with its status and a sentence that says what to
//! do about it.

use crate::allowance::Spent;
use crate::hub::Full;
use crate::identity::BadName;
use crate::lab::MAX_SESSIONS;
use crate::parking::NoThread;
use crate::session;
use crate::wire::cursor::BadCursor;
use crate::wire::problem::{PROBLEM_JSON, Problem};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use std::time::Duration;

#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("{0}")]
    BadRequest(String),
    #[error(transparent)]
    BadName(#[from] BadName),
    #[error("sign in first: POST /session {{\"name\":\"…\"}}, and send the cookie that it sets")]
    NoSession,
    #[error(
        "this session is none of this server's, or it is over; sign in again: POST /session {{\"name\":\"…\"}}"
    )]
    BadSession,
    #[error("{0}")]
    Forbidden(&'static str),
    #[error("the lab is off; start the server with --lab on")]
    LabClosed,
    #[error(
        "all {MAX_SESSIONS} sessions of the lab are taken; close another tab of it and try again"
    )]
    LabFull,
    #[error("one connection may be in {limit} rooms; leave some, or open another connection")]
    TooManyRooms { limit: usize },
    #[error("a lane leads to the room of its session alone; reload the page")]
    NoSuchRoom,
    #[error(transparent)]
    BadCursor(#[from] BadCursor),
    #[error("no such page here; see the README for the routes")]
    NotFound,
    #[error("this route takes {0} only")]
    MethodNotAllowed(&'static str),
    #[error(
        "an event may have {limit} bytes; send less, or start the server with a larger --max-event-bytes"
    )]
    TooLarge { limit: usize },
    #[error(
        "the file has more than the {limit} bytes that are sent; open it in the folder of the reports"
    )]
    FileTooLarge { limit: u64 },
    #[error("the body of the request did not come in time; send it at once (--body-timeout)")]
    BodyTooSlow,
    #[error("the head of the request did not come in time; send it at once (--head-timeout)")]
    HeadTooSlow,
    #[error(
        "the head of a request has at most {limit} bytes and 96 lines; send fewer or shorter ones (--max-head-bytes)"
    )]
    HeadTooLarge { limit: u32 },
    #[error(
        "the server holds as many connections as it may ({limit}); come again later, or start it with a larger --max-connections"
    )]
    ConnectionsFull { limit: usize },
    #[error(
        "the server holds as many connections as its open files leave room for ({limit}); come again later, or allow it more open files (ulimit -n)"
    )]
    FilesFull { limit: usize },
    #[error(
        "one address may have {limit} connections here; close some, or start the server with a larger --max-connections-per-address"
    )]
    TooManyConnections { limit: usize },
    #[error(
        "one address may open {limit} connections a second; wait and keep those you have, or start the server with a larger --max-new-connections-per-second"
    )]
    TooManyNewConnections { limit: u32, wait: Duration },
    #[error(
        "no more than {limit} publishes a second; wait, or start the server with a larger --max-publishes-per-second"
    )]
    TooOften { limit: u32, wait: Duration },
    #[error("send the event as application/json")]
    UnsupportedMediaType,
    #[error(
        "this route speaks WebSocket only: send Upgrade: websocket and Sec-WebSocket-Version: 13"
    )]
    UpgradeRequired,
    #[error(
        "the server holds as many rooms as it may ({limit}); try again later, or start it with a larger --max-rooms"
    )]
    RoomsFull { limit: usize },
    #[error(
        "the histories of all rooms hold the {limit} bytes that they may; try again later, or start the server with a larger --history-bytes-in-all"
    )]
    HistoriesFull { limit: usize },
    #[error(
        "{0}; try again later, allow more processes (ulimit -u), or start the server with --hold-on tasks"
    )]
    NoThread(#[from] NoThread),
}

impl From<Full> for Refusal {
    fn from(full: Full) -> Self {
        Refusal::RoomsFull { limit: full.limit }
    }
}

impl From<Spent> for Refusal {
    fn from(spent: Spent) -> Self {
        Refusal::HistoriesFull { limit: spent.limit }
    }
}

impl Refusal {
    /// Whole seconds after which it is worth to try again, where time is the remedy.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Refusal::RoomsFull { .. }
            | Refusal::LabFull
            | Refusal::NoThread(_)
            | Refusal::ConnectionsFull { .. }
            | Refusal::FilesFull { .. }
            | Refusal::TooManyConnections { .. }
            | Refusal::HistoriesFull { .. } => Some(30),
            Refusal::TooManyNewConnections { wait, .. } | Refusal::TooOften { wait, .. } => {
                Some(wait.as_secs_f64().ceil().max(1.0) as u64)
            }
            _ => None,
        }
    }

    pub fn problem(&self) -> Problem {
        let status = self.status_code();
        let title = status.canonical_reason().unwrap_or("Error");
        Problem::new(status.as_u16(), title, self.to_string())
    }

    /// What is said in place of an HTTP status and of `Retry-After`, on a connection that lives on.
    pub fn message(&self) -> serde_json::Value {
        let problem = self.problem();
        let mut said = serde_json::json!({
            "type": "error",
            "status": problem.status,
            "title": problem.title,
            "detail": problem.detail,
        });
        if let Some(seconds) = self.retry_after() {
            said["retry_after"] = seconds.into();
        }
        said
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        match self {
            Refusal::BadRequest(_) | Refusal::BadCursor(_) | Refusal::BadName(_) => {
                StatusCode::BAD_REQUEST
            }
            Refusal::NoSession | Refusal::BadSession => StatusCode::UNAUTHORIZED,
            Refusal::Forbidden(_) => StatusCode::FORBIDDEN,
            Refusal::NotFound | Refusal::LabClosed | Refusal::NoSuchRoom => StatusCode::NOT_FOUND,
            Refusal::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Refusal::TooLarge { .. } | Refusal::FileTooLarge { .. } => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Refusal::BodyTooSlow | Refusal::HeadTooSlow => StatusCode::REQUEST_TIMEOUT,
            Refusal::HeadTooLarge { .. } => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Refusal::TooManyRooms { .. }
            | Refusal::TooManyConnections { .. }
            | Refusal::TooManyNewConnections { .. }
            | Refusal::TooOften { .. } => StatusCode::TOO_MANY_REQUESTS,
            Refusal::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Refusal::UpgradeRequired => StatusCode::UPGRADE_REQUIRED,
            Refusal::RoomsFull { .. }
            | Refusal::HistoriesFull { .. }
            | Refusal::LabFull
            | Refusal::NoThread(_)
            | Refusal::ConnectionsFull { .. }
            | Refusal::FilesFull { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code());
        match self {
            Refusal::MethodNotAllowed(allow) => {
                response.insert_header((header::ALLOW, *allow));
            }
            // RFC 6455 §4.2.2: the answer to a version that is not spoken names the one that is.
            Refusal::UpgradeRequired => {
                response.insert_header((header::UPGRADE, "websocket"));
                response.insert_header((header::SEC_WEBSOCKET_VERSION, "13"));
            }
            Refusal::BodyTooSlow | Refusal::HeadTooLarge { .. } => {
                response.force_close();
            }
            // RFC 9110 §15.5.2: a 401 names a scheme. Browsers know none of this name and ask nobody.
            Refusal::NoSession => {
                response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
            }
            Refusal::BadSession => {
                let challenge = r#"Bearer error="invalid_token""#;
                response.insert_header((header::WWW_AUTHENTICATE, challenge));
                response.insert_header((header::SET_COOKIE, session::no_cookie()));
            }
            Refusal::BadRequest(_)
            | Refusal::BadCursor(_)
            | Refusal::BadName(_)
            | Refusal::Forbidden(_)
            | Refusal::NotFound
            | Refusal::LabClosed
            | Refusal::NoSuchRoom
            | Refusal::TooManyRooms { .. }
            | Refusal::TooLarge { .. }
            | Refusal::FileTooLarge { .. }
            | Refusal::HeadTooSlow
            | Refusal::RoomsFull { .. }
            | Refusal::HistoriesFull { .. }
            | Refusal::LabFull
            | Refusal::NoThread(_)
            | Refusal::ConnectionsFull { .. }
            | Refusal::FilesFull { .. }
            | Refusal::TooManyConnections { .. }
            | Refusal::TooManyNewConnections { .. }
            | Refusal::TooOften { .. }
            | Refusal::UnsupportedMediaType => {}
        }
        if let Some(seconds) = self.retry_after() {
            response.insert_header((header::RETRY_AFTER, seconds));
        }
        response
            .insert_header((header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON)))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .json(self.problem())
    }
}
