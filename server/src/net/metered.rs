//! Counts what a connection's reads filled and its writes accepted, below HTTP and TLS, and closes
//! without a reset that would eat the last answer.
//!
//! A keep-alive connection may carry polls and publishes in turn. What was read belongs to nobody
//! until a handler has seen the request and says whose it is; what is written belongs to the
//! request that is being answered.

use super::heads::Progress;
use super::unread::Patience;
use crate::lab::tap::Tap;
use crate::usage::{Class, ClassCounters, Reason, WorkerCounters};
use bytes::{Buf, Bytes};
use socket2::SockRef;
use std::cell::{Cell, OnceCell, RefCell};
use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tokio_rustls::server::TlsStream;

/// How long a closed connection waits for the client to close too.
const LINGER: Duration = Duration::from_secs(2);

/// One connection's counters; handlers find it with `HttpRequest::conn_data`.
pub struct Meter {
    counters: Arc<WorkerCounters>,
    class: Cell<Class>,
    /// A stream or a WebSocket: every later byte is its own.
    sticky: Cell<bool>,
    /// Bytes read since the last answer, counted as control so far.
    unassigned: Cell<u64>,
    /// Bytes written before the first request, counted as control so far: TLS's, which it asks for.
    early: Cell<u64>,
    /// TLS says its goodbye after the last answer, and for that one.
    secure: Cell<bool>,
    /// Bit per class this connection has belonged to.
    seen: Cell<u16>,
    /// The server has said why it ends the connection.
    ended: Cell<bool>,
    pub progress: Progress,
    outlet: OnceCell<Weak<Line<TcpStream>>>,
    /// Where the lab listens in, on its own connections.
    tap: Option<Box<Tap>>,
}

impl Meter {
    pub fn new(counters: Arc<WorkerCounters>, tap: Option<Tap>) -> Rc<Meter> {
        counters.of(Class::Control).open.add(1);
        Rc::new(Meter {
            counters,
            class: Cell::new(Class::Control),
            sticky: Cell::new(false),
            unassigned: Cell::new(0),
            early: Cell::new(0),
            secure: Cell::new(false),
            seen: Cell::new(0),
            ended: Cell::new(false),
            progress: Progress::default(),
            outlet: OnceCell::new(),
            tap: tap.map(Box::new),
        })
    }

    /// Says whose request was just read; counts it.
    pub fn request(&self, class: Class) {
        self.assign(class);
        self.counters.of(class).requests.add(1);
    }

    /// This worker's counters of one class.
    pub fn class(&self, class: Class) -> &ClassCounters {
        self.counters.of(class)
    }

    /// All counters of this worker.
    pub fn counters(&self) -> &Arc<WorkerCounters> {
        &self.counters
    }

    /// Says whose the bytes are that came since: a body after its head, or an answer to it.
    pub fn assign(&self, class: Class) {
        let unassigned = self.unassigned.take();
        self.counters.of(Class::Control).rx.subtract(unassigned);
        let counters = self.counters.of(class);
        counters.rx.add(unassigned);
        let early = self.early.take();
        self.counters.of(Class::Control).tx.subtract(early);
        counters.tx.add(early);
        self.counters.of(self.class.replace(class)).open.subtract(1);
        counters.open.add(1);
        let bit = 1 << class.index();
        if self.seen.get() & bit == 0 {
            self.seen.set(self.seen.get() | bit);
            counters.opened.add(1);
        }
        self.sticky.set(false);
    }

    /// The answer has no end: every later byte of the connection is its own.
    pub fn keep(&self) {
        self.sticky.set(true);
    }

    /// Whether the answer that is being given has no end.
    pub fn is_kept(&self) -> bool {
        self.sticky.get()
    }

    /// Counts that the server ends the connection; the first reason is the one.
    pub fn ends(&self, reason: Reason) {
        if !self.ended.replace(true) {
            self.counters.ended(reason).add(1);
        }
    }

    /// Notes what the socket reports: the kernel's own deadline for unread bytes may come first. It then
    /// says what it met on the way, if anything.
    fn failed(&self, error: &io::Error) {
        if matches!(
            error.kind(),
            io::ErrorKind::TimedOut
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::NetworkUnreachable
        ) {
            self.ends(Reason::Unread);
        }
    }

    /// The connection's socket, where events may be written past its task.
    pub fn outlet(&self) -> Option<Rc<Line<TcpStream>>> {
        self.outlet.get()?.upgrade()
    }

    /// The lab's tap, where the connection is one of a session's lanes.
    pub fn tap(&self) -> Option<&Tap> {
        self.tap.as_deref()
    }

    fn read(&self, filled: &[u8]) {
        if let Some(tap) = &self.tap {
            tap.read(filled);
        }
        let bytes = filled.len() as u64;
        if self.sticky.get() {
            self.counters.of(self.class.get()).rx.add(bytes);
        } else {
            self.counters.of(Class::Control).rx.add(bytes);
            self.unassigned.set(self.unassigned.get() + bytes);
        }
    }

    /// Counts what the socket took.
    pub fn wrote(&self, accepted: &[u8]) {
        if let Some(tap) = &self.tap {
            tap.wrote(accepted);
        }
        let bytes = accepted.len() as u64;
        self.counters.of(self.class.get()).tx.add(bytes);
        if self.seen.get() == 0 {
            self.early.set(self.early.get() + bytes);
        }
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if self.secure.get() {
            let unassigned = self.unassigned.take();
            self.counters.of(Class::Control).rx.subtract(unassigned);
            self.counters.of(self.class.get()).rx.add(unassigned);
        }
        self.counters.of(self.class.get()).open.subtract(1);
    }
}

/// The socket, as the task of its connection and the broadcast of a room share it. Both live on one
/// thread and neither holds a borrow across an await.
pub struct Line<T> {
    socket: RefCell<T>,
    meter: Rc<Meter>,
    /// The task has bytes that the socket did not take yet.
    blocked: Cell<bool>,
    /// There is a `rest`: said here, beside the socket, for those who push.
    has_rest: Cell<bool>,
    /// What the socket left of an event that was pushed: it goes before all else.
    rest: RefCell<Bytes>,
}

/// What became of an event that was pushed past the task of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    Whole,
    /// The rest is kept; the task must flush it.
    Partly,
    /// Nothing was written.
    Refused,
}

impl Line<TcpStream> {
    /// Writes `bytes` now if nothing waits before them; `count` is told what the socket took. It is asked by
    /// trying, not by what the runtime knows of it, which lies elsewhere in memory: of thousands of sockets
    /// in turn each such look costs about as much as all that is computed here.
    pub fn push(&self, bytes: &Bytes, count: impl FnOnce(&[u8])) -> Pushed {
        if self.blocked.get() || self.has_rest.get() {
            return Pushed::Refused;
        }
        // An error ends the connection when its task meets it.
        let written = SockRef::from(&*self.socket.borrow()).send(bytes);
        let written = written.unwrap_or_else(|error| {
            self.meter.failed(&error);
            0
        });
        count(&bytes[..written]);
        if written == bytes.len() {
            return Pushed::Whole;
        }
        if written == 0 {
            return Pushed::Refused;
        }
        self.rest.replace(bytes.slice(written..));
        self.has_rest.set(true);
        Pushed::Partly
    }
}

pub struct Metered<T> {
    line: Rc<Line<T>>,
    /// With a write that the socket does not take.
    patience: Patience,
    closing: Option<Pin<Box<Sleep>>>,
}

impl<T> Metered<T> {
    fn wrap(socket: T, meter: Rc<Meter>, unread: Duration) -> Self {
        let line = Rc::new(Line {
            socket: RefCell::new(socket),
            meter,
            blocked: Cell::new(false),
            has_rest: Cell::new(false),
            rest: RefCell::default(),
        });
        Metered {
            line,
            patience: Patience::new(unread),
            closing: None,
        }
    }
}

/// What HTTP is served over: a metered socket, or TLS over one.
pub trait Carrier: AsyncRead + AsyncWrite + Unpin + 'static {
    fn meter(&self) -> &Rc<Meter>;
}

impl Carrier for Metered<TcpStream> {
    fn meter(&self) -> &Rc<Meter> {
        &self.line.meter
    }
}

impl Carrier for TlsStream<Metered<TcpStream>> {
    fn meter(&self) -> &Rc<Meter> {
        self.get_ref().0.meter()
    }
}

impl Metered<TcpStream> {
    /// Nothing can be pushed past the TLS that will lie on this socket.
    pub fn beneath_tls(socket: TcpStream, meter: Rc<Meter>, unread: Duration) -> Self {
        meter.secure.set(true);
        Self::wrap(socket, meter, unread)
    }

    /// Events may be pushed to a socket that carries them as they are. What stays `unread` for so
    /// long ends the connection.
    pub fn plain(socket: TcpStream, meter: Rc<Meter>, unread: Duration) -> Self {
        let metered = Self::wrap(socket, meter, unread);
        let line = Rc::downgrade(&metered.line);
        // A meter belongs to one connection, so this is the first and only time.
        let _ = metered.line.meter.outlet.set(line);
        metered
    }
}

impl<T: AsyncWrite + AsFd + Unpin> Metered<T> {
    fn poll_socket(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut socket = self.line.socket.borrow_mut();
        let written = match Pin::new(&mut *socket).poll_write(context, bytes) {
            Poll::Ready(written) => {
                self.patience.renew();
                written
            }
            Poll::Pending => Err(ready!(self.patience.poll_stalled(context, &*socket))),
        };
        let meter = &self.line.meter;
        match &written {
            Ok(written) => meter.wrote(&bytes[..*written]),
            Err(error) => meter.failed(error),
        }
        Poll::Ready(written)
    }

    /// What a push left goes first.
    fn poll_rest(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.line.has_rest.get() {
            return Poll::Ready(Ok(()));
        }
        let line = Rc::clone(&self.line);
        let mut rest = line.rest.borrow_mut();
        while !rest.is_empty() {
            let written = ready!(self.poll_socket(context, &rest))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            rest.advance(written);
        }
        // An empty part of an event would hold the whole of it.
        *rest = Bytes::new();
        line.has_rest.set(false);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Metered<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut *self.line.socket.borrow_mut()).poll_read(context, buffer))
            .inspect_err(|error| self.line.meter.failed(error))?;
        self.line.meter.read(&buffer.filled()[before..]);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + AsyncWrite + AsFd + Unpin> AsyncWrite for Metered<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.line.blocked.set(true);
        ready!(self.poll_rest(context))?;
        let written = ready!(self.poll_socket(context, bytes))?;
        self.line.blocked.set(written < bytes.len());
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_rest(context))?;
        Pin::new(&mut *self.line.socket.borrow_mut()).poll_flush(context)
    }

    /// Sends FIN, then reads what still comes: closing a socket with unread bytes would send RST,
    /// and the client might never see the answer that ended the connection (RFC 9112 §9.6).
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.closing.is_none() {
            ready!(self.poll_rest(context))?;
            ready!(Pin::new(&mut *self.line.socket.borrow_mut()).poll_shutdown(context))?;
            self.closing = Some(Box::pin(tokio::time::sleep(LINGER)));
        }
        // The time first: a peer that never stops sending must not keep the socket.
        if let Some(deadline) = &mut self.closing
            && deadline.deadline() <= tokio::time::Instant::now()
        {
            return Poll::Ready(Ok(()));
        }
        loop {
            let mut scratch = [0; 4096];
            let mut buffer = ReadBuf::new(&mut scratch);
            match self.as_mut().poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => break,
            }
        }
        match &mut self.closing {
            Some(deadline) => deadline.as_mut().poll(context).map(Ok),
            None => Poll::Ready(Ok(())),
        }
    }
}
