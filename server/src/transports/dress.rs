//! Lab use: an answer in the head of a published measurement. actix writes the status, the date and
//! how the body is framed; the other headers are the template's, and one of them takes up what is left
//! to the published size. It makes heads alike in size and does not touch what they carry; the head of a
//! connection that the client wants closed is longer by what says so.

use crate::problems::Refusal;
use crate::wire::lab_headers::Template;
use crate::wire::transport::Transport;
use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use std::pin::Pin;
use std::task::{Context, Poll};

pub(super) fn dressed(
    answer: HttpResponse,
    transport: Transport,
    template: &Template,
) -> Result<HttpResponse, Refusal> {
    let length = answer.body().size();
    let chunked = template.chunked && matches!(length, BodySize::Sized(1..));
    let mut answer = match chunked {
        true => answer.map_body(|_, body| BoxBody::new(InChunks(body))),
        false => answer,
    };
    let framing = framing_bytes(answer.status(), answer.body().size());
    let reason = answer.head().reason().len();
    let mut own = "HTTP/1.1 200 \r\n".len() + reason + framing + DATE_BYTES + "\r\n".len();
    let headers = answer.headers_mut();
    let kind = headers.get(header::CONTENT_TYPE).cloned();
    headers.clear();
    let mut taken = Vec::new();
    // An EventSource refuses a stream of any other type.
    if let (Transport::Sse, Some(kind)) = (transport, kind) {
        own += "content-type: \r\n".len() + kind.len();
        headers.insert(header::CONTENT_TYPE, kind);
        taken.push("content-type");
    }
    let lines = template.fill(own, &taken).map_err(|short| {
        Refusal::BadRequest(format!(
            "--lab-headers asks for a head of {} bytes; {short}",
            template.bytes
        ))
    })?;
    for (name, value) in lines {
        let name = HeaderName::try_from(name).expect("templates have plain names");
        let value = HeaderValue::try_from(value).expect("templates have plain values");
        headers.insert(name, value);
    }
    answer.head_mut().set_camel_case_headers(true);
    Ok(answer)
}

/// `Date: ` and an IMF-fixdate.
const DATE_BYTES: usize = 37;

/// What actix writes of a body's length; an answer that says that there is nothing has none.
fn framing_bytes(status: StatusCode, size: BodySize) -> usize {
    match size {
        _ if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) => 0,
        BodySize::None => 0,
        BodySize::Stream => "Transfer-Encoding: chunked\r\n".len(),
        BodySize::Sized(bytes) => "Content-Length: \r\n".len() + bytes.to_string().len(),
    }
}

/// A body of known length that goes out as one chunk and its end.
struct InChunks(BoxBody);

impl MessageBody for InChunks {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<bytes::Bytes, Self::Error>>> {
        Pin::new(&mut self.0).poll_next(context)
    }
}
