//! HTTP streaming (Comet): one response without end, one JSON message a line (NDJSON) and a chunk,
//! an empty line as heartbeat.

use super::stream::{self, Framing};
use super::subscribe;
use crate::frames::Event;
use crate::problems::Refusal;
use crate::wire::cursor::Cursor;
use crate::wire::transport::Transport;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;

struct Lines;

impl Framing for Lines {
    const TRANSPORT: Transport = Transport::HttpStreaming;
    const HEARTBEAT: &'static [u8] = b"\n";
    const CACHE_CONTROL: &'static str = "no-store";

    fn event(event: &Event) -> Bytes {
        event.line()
    }

    fn chunk(event: &Event) -> &Bytes {
        event.line_chunk()
    }

    fn message(json: &str, _: Cursor) -> Bytes {
        format!("{json}\n").into()
    }
}

pub async fn serve(request: HttpRequest) -> Result<HttpResponse, Refusal> {
    let subscription = subscribe(&request, Transport::HttpStreaming)?;
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_TYPE, "application/x-ndjson"));
    Ok(stream::respond::<Lines>(response, &request, subscription))
}
