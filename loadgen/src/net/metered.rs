//! A stream whose bytes are given to kinds as they pass, below everything else but TLS. Bytes written
//! get their kind here; bytes read get it where they are understood: by frame on a WebSocket, in
//! `connection.rs` for HTTP. Over TLS `wire.rs` has counted what was carried as TLS's own, and what
//! turns out to be content is taken off that: so the rest is handshake, records and tags, exactly.

use super::frames::{Counted, FrameWalk};
use super::link::Stream;
use super::sockets::Sockets;
use super::wire::Wire;
use crate::results::Exchanges;
use crate::totals::{Kind, Totals, Traffic};
use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::client::TlsStream;

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

pub struct WebSocketMeter {
    up: FrameWalk,
    down: FrameWalk,
    /// Request and answer that open it.
    head: Kind,
    received: Received,
    sent: (Traffic, Kind),
}

/// What the data frames are that come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Received {
    /// The first is a greeting, all others are events.
    GreetingFirst,
    Events,
    /// Packets, which their reader tells apart: until then they are events, and no exchange.
    Packets,
}

impl Speech {
    pub fn websocket(greets: bool) -> Speech {
        let received = match greets {
            true => Received::GreetingFirst,
            false => Received::Events,
        };
        Speech::frames(Kind::Handshake, received)
    }

    /// Frames that carry packets, opened by a `head` of this kind.
    pub fn packets(head: Kind) -> Speech {
        Speech::frames(head, Received::Packets)
    }

    fn frames(head: Kind, received: Received) -> Speech {
        Speech::WebSocket(Box::new(WebSocketMeter {
            up: FrameWalk::default(),
            down: FrameWalk::default(),
            head,
            received,
            sent: (Traffic::Publish, Kind::Payload),
        }))
    }
}

/// What lies below the codec.
pub enum Carrier {
    Plain(Wire),
    Tls(Box<TlsStream<Wire>>),
}

impl Carrier {
    fn wire(&self) -> &Wire {
        match self {
            Carrier::Plain(wire) => wire,
            Carrier::Tls(stream) => stream.get_ref().0,
        }
    }

    fn wire_mut(&mut self) -> &mut Wire {
        match self {
            Carrier::Plain(wire) => wire,
            Carrier::Tls(stream) => stream.get_mut().0,
        }
    }

    fn stream(&self) -> &Stream {
        self.wire().stream()
    }
}

pub struct Metered {
    carrier: Carrier,
    tally: Tally,
    speech: Speech,
}

impl Metered {
    pub fn new(carrier: Carrier, tally: Tally, speech: Speech) -> Self {
        Metered {
            carrier,
            tally,
            speech,
        }
    }

    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The kind of what is written next; HTTP only.
    pub fn write_as(&mut self, kind: Kind) {
        if let Speech::Http(current) = &mut self.speech {
            *current = kind;
        }
    }

    /// What the data frames written next are for; publishes unless told otherwise.
    pub fn write_frames_as(&mut self, traffic: Traffic, kind: Kind) {
        if let Speech::WebSocket(meter) = &mut self.speech {
            meter.sent = (traffic, kind);
        }
    }

    /// What passes from now on serves this, below TLS too.
    pub fn serves(&mut self, traffic: Traffic) {
        self.tally.traffic = traffic;
        self.carrier.wire_mut().serves(traffic);
    }

    /// The drop that follows cuts the connection: the peer gets a reset and nothing more.
    pub fn reset_on_close(&self) {
        self.carrier.stream().reset_on_close();
    }

    /// The longest that a request and its answer are on their way; 0 without a line.
    pub fn on_the_way(&self) -> Duration {
        self.carrier.stream().on_the_way()
    }

    fn carrier(&mut self) -> Pin<&mut Carrier> {
        Pin::new(&mut self.carrier)
    }

    fn note_read(&mut self, bytes: &[u8]) {
        self.is_content(bytes.len() as u64);
        if let Speech::WebSocket(meter) = &mut self.speech {
            let counted = meter.down.walk(bytes);
            note_frames_down(&self.tally, &counted, meter.head, meter.received);
        }
    }

    /// `carried` went over the wire for `bytes`.
    fn note_written(&mut self, bytes: &[u8], carried: u64) {
        let count = bytes.len() as u64;
        self.is_content(count);
        match &mut self.speech {
            Speech::Http(kind) => self.tally.totals.count(self.tally.traffic, *kind, count),
            Speech::WebSocket(meter) => {
                let counted = meter.up.walk(bytes);
                let publishes =
                    note_frames_up(&self.tally.totals, &counted, meter.head, meter.sent);
                if publishes > 0 && matches!(self.carrier, Carrier::Tls(_)) {
                    let record = carried.saturating_sub(count);
                    self.tally.totals.was_publish(Kind::Tls, record);
                }
            }
        }
    }

    /// Bytes that TLS carried have a kind of their own.
    fn is_content(&self, bytes: u64) {
        if let Carrier::Tls(_) = self.carrier {
            let totals = &self.tally.totals;
            totals.count(self.tally.traffic, Kind::Tls, bytes.wrapping_neg());
        }
    }
}

fn note_frames_down(tally: &Tally, counted: &Counted, head: Kind, received: Received) {
    if received != Received::Packets {
        let mut exchanges = tally.exchanges.get();
        exchanges.add(counted.frames);
        if received == Received::Events {
            exchanges.add(counted.first_frame);
        }
        tally.exchanges.set(exchanges);
    }
    let first = match received {
        Received::GreetingFirst => Kind::Handshake,
        Received::Events | Received::Packets => Kind::Framing,
    };
    let count = |kind, bytes| tally.totals.count(Traffic::Delivery, kind, bytes);
    count(head, counted.head);
    count(first, counted.first_header);
    count(Kind::Framing, counted.header + counted.close);
    count(Kind::Payload, counted.payload);
    count(Kind::KeepAlive, counted.ping_pong);
}

/// Gives the bytes of data frames that publish.
fn note_frames_up(
    totals: &Totals,
    counted: &Counted,
    head: Kind,
    (traffic, kind): (Traffic, Kind),
) -> u64 {
    let headers = counted.first_header + counted.header;
    // A frame that carries no event is all of one kind.
    let header = match kind {
        Kind::Payload => Kind::Framing,
        other => other,
    };
    totals.count(Traffic::Delivery, header, headers);
    totals.count(Traffic::Delivery, kind, counted.payload);
    totals.count(Traffic::Delivery, Kind::Framing, counted.close);
    totals.count(Traffic::Delivery, head, counted.head);
    totals.count(Traffic::Delivery, Kind::KeepAlive, counted.ping_pong);
    match traffic {
        Traffic::Delivery => 0,
        Traffic::Publish => {
            totals.was_publish(header, headers);
            totals.was_publish(kind, counted.payload);
            headers + counted.payload
        }
    }
}

impl AsyncRead for Carrier {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Carrier::Plain(wire) => Pin::new(wire).poll_read(cx, buffer),
            Carrier::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Carrier {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Carrier::Plain(wire) => Pin::new(wire).poll_write(cx, bytes),
            Carrier::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Carrier::Plain(wire) => Pin::new(wire).poll_flush(cx),
            Carrier::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Carrier::Plain(wire) => Pin::new(wire).poll_shutdown(cx),
            Carrier::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = self.carrier().poll_read(cx, buffer);
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
        let before = self.carrier.wire().up();
        let result = self.carrier().poll_write(cx, bytes);
        if let Poll::Ready(Ok(count)) = result {
            let carried = self.carrier.wire().up() - before;
            self.note_written(&bytes[..count], carried);
        }
        result
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.carrier().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.carrier().poll_shutdown(cx)
    }
}
