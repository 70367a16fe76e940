//! Server-sent events (WHATWG HTML §9.2). `id:` is the cursor, so that a browser's `Last-Event-ID`
//! resumes by itself; hello and gap bear one too. No `event:` line: types like `open` and `error`
//! would collide with EventSource's own.

use super::stream::{self, Framing};
use super::subscribe;
use crate::frames::Event;
use crate::problems::Refusal;
use crate::wire::cursor::Cursor;
use crate::wire::transport::Transport;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;

struct Fields;

impl Framing for Fields {
    const TRANSPORT: Transport = Transport::Sse;
    const HEARTBEAT: &'static [u8] = b":\n\n";
    const CACHE_CONTROL: &'static str = "no-cache, no-transform";

    fn event(event: &Event) -> Bytes {
        event.sse()
    }

    fn chunk(event: &Event) -> &Bytes {
        event.sse_chunk()
    }

    fn message(json: &str, cursor: Cursor) -> Bytes {
        format!("id: {cursor}\ndata: {json}\n\n").into()
    }

    /// Milliseconds until a browser comes back, drawn so that not all do at once.
    fn prelude() -> Option<String> {
        Some(format!("retry: {}\n", rand::random_range(1_000..2_000)))
    }
}

pub async fn serve(request: HttpRequest) -> Result<HttpResponse, Refusal> {
    let subscription = subscribe(&request, Transport::Sse)?;
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_TYPE, "text/event-stream"));
    Ok(stream::respond::<Fields>(response, &request, subscription))
}
