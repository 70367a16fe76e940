//! A client's socket, and the count of what it carried: every byte that reads filled and writes
//! accepted, whatever is spoken on top. Over TLS all of them are TLS's own until they are
//! understood; see `metered.rs`.

use super::link::Stream;
use super::metered::Tally;
use super::tcp_info::HEADER_BYTES;
use crate::results::UpDown;
use crate::totals::{Kind, Traffic};
use std::io;
use std::os::fd::RawFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

pub struct Wire {
    stream: Stream,
    descriptor: Option<RawFd>,
    tally: Tally,
    secure: bool,
    up: u64,
    down: u64,
}

impl Wire {
    /// What is spoken on it is `secure` if it is TLS.
    pub fn new(stream: Stream, tally: Tally, secure: bool) -> Self {
        let descriptor = stream.descriptor();
        if let (Traffic::Delivery, Some(descriptor)) = (tally.traffic, descriptor) {
            tally.sockets.opened(descriptor);
        }
        Wire {
            stream,
            descriptor,
            tally,
            secure,
            up: 0,
            down: 0,
        }
    }

    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// What passes from now on is for this.
    pub fn serves(&mut self, traffic: Traffic) {
        self.tally.traffic = traffic;
    }

    /// Bytes written so far.
    pub fn up(&self) -> u64 {
        self.up
    }

    fn carried(&self, bytes: u64) {
        self.tally.client.set(self.tally.client.get() + bytes);
        if self.secure {
            let totals = &self.tally.totals;
            totals.count(self.tally.traffic, Kind::Tls, bytes);
        }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let segments = self.stream.segments();
        if let Some(descriptor) = self.descriptor {
            self.tally.sockets.closing(descriptor, segments);
        }
        let ip = segments.map(|segments| UpDown {
            up: self.up + segments.sent * HEADER_BYTES,
            down: self.down + segments.received * HEADER_BYTES,
        });
        self.tally.totals.closed(ip);
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let bytes = (buffer.filled().len() - before) as u64;
        if bytes > 0 {
            self.down += bytes;
            if let Some(heard) = &self.tally.heard {
                heard.set(Instant::now());
            }
            self.tally.totals.read(self.tally.traffic, bytes);
            self.carried(bytes);
        }
        result
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        let bytes = written as u64;
        self.up += bytes;
        self.tally.totals.wrote(self.tally.traffic, bytes);
        self.carried(bytes);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
