//! Reads the headers of incoming WebSocket frames (RFC 6455 §5.2) as they come, ahead of actix-ws,
//! which would buffer a frame whole before it finds that it is too long. It knows nothing of
//! masks, fragments or text.

use actix_http::error::PayloadError;
use actix_web::dev;
use actix_web::{FromRequest, HttpRequest, web};
use bytes::Bytes;
use futures_core::Stream;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Longest payload of a control frame (RFC 6455 §5.5).
const MAX_CONTROL: u64 = 125;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadFrame {
    #[error("the frame is longer than it may be")]
    TooLong,
    #[error("a control frame has at most {MAX_CONTROL} bytes")]
    LongControl,
}

/// `body`, which ends with a [`BadFrame`] where a frame announces more than `limit` bytes.
pub(crate) async fn guarded(
    request: &HttpRequest,
    body: web::Payload,
    limit: usize,
) -> Result<web::Payload, actix_web::Error> {
    let guard = FrameGuard {
        body,
        headers: Headers::new(limit as u64),
    };
    let mut payload: dev::Payload = dev::Payload::Stream {
        payload: Box::pin(guard),
    };
    web::Payload::from_request(request, &mut payload).await
}

struct FrameGuard {
    body: web::Payload,
    headers: Headers,
}

impl Stream for FrameGuard {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(Pin::new(&mut self.body).poll_next(context));
        Poll::Ready(next.map(|bytes| {
            let bytes = bytes?;
            self.headers
                .look_at(&bytes)
                .map_err(|bad| PayloadError::Io(io::Error::other(bad)))?;
            Ok(bytes)
        }))
    }
}

/// Where in the sequence of frames the bytes stand.
struct Headers {
    limit: u64,
    /// The header that is being read.
    header: [u8; 14],
    filled: usize,
    /// Payload bytes of the current frame still to come.
    payload: u64,
}

impl Headers {
    fn new(limit: u64) -> Headers {
        Headers {
            limit,
            header: [0; 14],
            filled: 0,
            payload: 0,
        }
    }

    fn look_at(&mut self, mut bytes: &[u8]) -> Result<(), BadFrame> {
        loop {
            let here = bytes
                .len()
                .min(usize::try_from(self.payload).unwrap_or(usize::MAX));
            self.payload -= here as u64;
            bytes = &bytes[here..];
            let Some((&byte, rest)) = bytes.split_first() else {
                return Ok(());
            };
            bytes = rest;
            self.header[self.filled] = byte;
            self.filled += 1;
            self.look_at_header()?;
        }
    }

    fn look_at_header(&mut self) -> Result<(), BadFrame> {
        let header = &self.header[..self.filled];
        let Some((length, size)) = announced(header) else {
            return Ok(());
        };
        if header[0] & 0x08 != 0 && length > MAX_CONTROL {
            return Err(BadFrame::LongControl);
        }
        if length > self.limit {
            return Err(BadFrame::TooLong);
        }
        if self.filled == size {
            self.payload = length;
            self.filled = 0;
        }
        Ok(())
    }
}

/// The length of the payload and of the header, as soon as the header tells them.
fn announced(header: &[u8]) -> Option<(u64, usize)> {
    let second = *header.get(1)?;
    let mask = if second & 0x80 != 0 { 4 } else { 0 };
    let (length, size) = match second & 0x7f {
        126 => (
            u64::from(u16::from_be_bytes(header.get(2..4)?.try_into().ok()?)),
            4,
        ),
        127 => (u64::from_be_bytes(header.get(2..10)?.try_into().ok()?), 10),
        length => (length.into(), 2),
    };
    Some((length, size + mask))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::{Opcode, frame};

    #[test]
    fn frames_within_the_limit_pass_however_they_are_cut() {
        let mut bytes = Vec::new();
        for length in [0, 1, 125, 126, 1_000, 65_535, 65_536, 100_000] {
            bytes.extend(frame(Opcode::Text, &vec![0xff; length]));
        }
        for size in [1, 2, 3, 997, bytes.len()] {
            let mut headers = Headers::new(100_000);
            for piece in bytes.chunks(size) {
                assert_eq!(headers.look_at(piece), Ok(()), "in pieces of {size}");
            }
            assert_eq!((headers.filled, headers.payload), (0, 0));
        }
    }

    #[test]
    fn a_long_frame_is_found_by_its_header() {
        let long = frame(Opcode::Text, &[0; 201]);
        assert_eq!(
            Headers::new(200).look_at(&long[..4]),
            Err(BadFrame::TooLong)
        );
        let ping = frame(Opcode::Ping, &[0; 126]);
        assert_eq!(
            Headers::new(200).look_at(&ping[..4]),
            Err(BadFrame::LongControl)
        );
    }
}
