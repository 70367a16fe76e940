//! Answers written by hand, where no handler has a say: to a connection that is turned away, to a head
//! that does not come, and in place of the empty ones that actix gives to what is no HTTP.

use crate::problems::Refusal;
use crate::wire::problem::PROBLEM_JSON;
use actix_web::ResponseError;
use actix_web::http::header::HttpDate;
use bytes::Bytes;
use std::time::SystemTime;

/// The whole answer; the connection ends with it.
pub fn last(refusal: &Refusal) -> Bytes {
    let problem = refusal.problem();
    let body = serde_json::to_string(&problem).expect("a problem is text and a number");
    let retry = refusal
        .retry_after()
        .map(|seconds| format!("retry-after: {seconds}\r\n"))
        .unwrap_or_default();
    format!(
        "HTTP/1.1 {}\r\ncontent-type: {PROBLEM_JSON}\r\ncontent-length: {}\r\ncache-control: no-store\r\n\
         {retry}connection: close\r\ndate: {}\r\n\r\n{body}",
        refusal.status_code(),
        body.len(),
        HttpDate::from(SystemTime::now()),
    )
    .into()
}

/// What to say in place of `written`, if that is one of the empty answers that actix gives itself. None
/// of ours to a bad request is empty. `limit` is what a head may have.
pub fn in_place_of(written: &[u8], limit: u32) -> Option<Bytes> {
    let status = written.strip_prefix(b"HTTP/1.1 4")?;
    let refusal = match status.get(..2)? {
        b"00" => Refusal::BadRequest(
            "this is no HTTP/1.1 request: check its first line, its header lines, and that it has one Host"
                .to_owned(),
        ),
        b"08" => Refusal::HeadTooSlow,
        b"31" => Refusal::HeadTooLarge { limit },
        _ => return None,
    };
    let head = written
        .windows(4)
        .position(|window| window == b"\r\n\r\n")?;
    let is_empty = written[..head]
        .split(|byte| *byte == b'\n')
        .any(|line| line.trim_ascii() == b"content-length: 0");
    (is_empty && head + 4 == written.len()).then(|| last(&refusal))
}
