//! A stream that counts what reads fill and writes accept, below everything else. Bytes written
//! get their kind here; bytes read get it where they are understood: by frame on a WebSocket, in
//! `connection.rs` for HTTP.

use super::frames::{Counted, FrameWalk};
use super::link::Stream;
use super::sockets::Sockets;
use super::tcp_info::HEADER_BYTES;
use crate::results::{Exchanges, UpDown};
use crate::totals::{Kind, Totals, Traffic};
use std::cell::Cell;
use std::io;
use std::os::fd::RawFd;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Where a connection's bytes are counted.
#[derive(Clone)]
pub struct Tally {
    pub totals: Arc<Totals>,
    /// All of one thread.
    pub exchanges: Rc<Cell<Exchanges>>,
    pub sockets: Rc<Sockets>,
    /// All sockets of one client, both ways.
    pub client: Rc<Cell<u64>>,
    /// When something came last, for a client that minds silence.
    pub heard: Option<Rc<Cell<Instant>>>,
    pub traffic: Traffic,
}

/// What is spoken on the stream.
pub enum Speech {
    /// Bytes written are of this kind until told otherwise.
    Http(Kind),
    WebSocket(Box<WebSocketMeter>),
}

#[derive(Default)]
pub struct WebSocketMeter {
    up: FrameWalk,
    down: FrameWalk,
    /// The first data frame that comes is a greeting, not an event.
    greets: bool,
}

impl Speech {
    pub fn websocket(greets: bool) -> Speech {
        Speech::WebSocket(Box::new(WebSocketMeter {
            greets,
            ..WebSocketMeter::default()
        }))
    }
}

pub struct Metered {
    stream: Stream,
    descriptor: Option<RawFd>,
    tally: Tally,
    speech: Speech,
    up: u64,
    down: u64,
}

impl Metered {
    pub fn new(stream: Stream, tally: Tally, speech: Speech) -> Self {
        let descriptor = stream.descriptor();
        if let (Traffic::Delivery, Some(descriptor)) = (tally.traffic, descriptor) {
            tally.sockets.opened(descriptor);
        }
        Metered {
            stream,
            descriptor,
            tally,
            speech,
            up: 0,
            down: 0,
        }
    }

    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The kind of what is written next; HTTP only, frames tell it themselves.
    pub fn write_as(&mut self, kind: Kind) {
        if let Speech::Http(current) = &mut self.speech {
            *current = kind;
        }
    }

    /// The drop that follows cuts the connection: the peer gets a reset and nothing more.
    pub fn reset_on_close(&self) {
        self.stream.reset_on_close();
    }

    /// The longest that a request and its answer are on their way; 0 without a line.
    pub fn on_the_way(&self) -> Duration {
        self.stream.on_the_way()
    }

    fn note_read(&mut self, bytes: &[u8]) {
        let count = bytes.len() as u64;
        self.down += count;
        if let Some(heard) = &self.tally.heard {
            heard.set(Instant::now());
        }
        self.tally.client.set(self.tally.client.get() + count);
        self.tally.totals.read(self.tally.traffic, count);
        if let Speech::WebSocket(meter) = &mut self.speech {
            let counted = meter.down.walk(bytes);
            note_frames_down(&self.tally, &counted, meter.greets);
        }
    }

    fn note_written(&mut self, bytes: &[u8]) {
        let count = bytes.len() as u64;
        self.up += count;
        self.tally.client.set(self.tally.client.get() + count);
        match &mut self.speech {
            Speech::Http(kind) => {
                self.tally.totals.wrote(self.tally.traffic, count);
                self.tally.totals.count(self.tally.traffic, *kind, count);
            }
            Speech::WebSocket(meter) => {
                let counted = meter.up.walk(bytes);
                note_frames_up(&self.tally.totals, &counted);
            }
        }
    }
}

fn note_frames_down(tally: &Tally, counted: &Counted, greets: bool) {
    let mut exchanges = tally.exchanges.get();
    exchanges.add(counted.frames);
    if !greets {
        exchanges.add(counted.first_frame);
    }
    tally.exchanges.set(exchanges);
    let first = if greets {
        Kind::Handshake
    } else {
        Kind::Framing
    };
    let count = |kind, bytes| tally.totals.count(Traffic::Delivery, kind, bytes);
    count(Kind::Handshake, counted.head);
    count(first, counted.first_header);
    count(Kind::Framing, counted.header + counted.close);
    count(Kind::Payload, counted.payload);
    count(Kind::KeepAlive, counted.ping_pong);
}

/// Every data frame that a client sends is a publish.
fn note_frames_up(totals: &Totals, counted: &Counted) {
    let headers = counted.first_header + counted.header;
    totals.wrote(Traffic::Publish, headers + counted.payload);
    totals.count(Traffic::Publish, Kind::Framing, headers);
    totals.count(Traffic::Publish, Kind::Payload, counted.payload);
    let own = counted.head + counted.close + counted.ping_pong;
    totals.wrote(Traffic::Delivery, own);
    totals.count(Traffic::Delivery, Kind::Handshake, counted.head);
    totals.count(Traffic::Delivery, Kind::Framing, counted.close);
    totals.count(Traffic::Delivery, Kind::KeepAlive, counted.ping_pong);
}

impl Drop for Metered {
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

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.note_read(&buffer.filled()[before..]);
        }
        result
    }
}

impl AsyncWrite for Metered {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if let Poll::Ready(Ok(count)) = result {
            self.note_written(&bytes[..count]);
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
