//! Counts what a connection's reads filled and its writes accepted, below HTTP and TLS, and closes
//! without a reset that would eat the last answer.
//!
//! A keep-alive connection may carry polls and publishes in turn. What was read belongs to nobody
//! until a handler has seen the request and says whose it is; what is written belongs to the
//! request that is being answered.

use crate::usage::{Class, ClassCounters, WorkerCounters};
use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

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
    /// Bit per class this connection has belonged to.
    seen: Cell<u16>,
}

impl Meter {
    pub fn new(counters: Arc<WorkerCounters>) -> Rc<Meter> {
        counters.of(Class::Control).open.add(1);
        Rc::new(Meter {
            counters,
            class: Cell::new(Class::Control),
            sticky: Cell::new(false),
            unassigned: Cell::new(0),
            seen: Cell::new(0),
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

    /// Says whose the bytes are that came since: a body after its head, or an answer to it.
    pub fn assign(&self, class: Class) {
        let unassigned = self.unassigned.take();
        self.counters.of(Class::Control).rx.subtract(unassigned);
        let counters = self.counters.of(class);
        counters.rx.add(unassigned);
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

    fn read(&self, bytes: usize) {
        let bytes = bytes as u64;
        if self.sticky.get() {
            self.counters.of(self.class.get()).rx.add(bytes);
        } else {
            self.counters.of(Class::Control).rx.add(bytes);
            self.unassigned.set(self.unassigned.get() + bytes);
        }
    }

    fn wrote(&self, bytes: usize) {
        self.counters.of(self.class.get()).tx.add(bytes as u64);
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        self.counters.of(self.class.get()).open.subtract(1);
    }
}

pub struct Metered<T> {
    inner: T,
    meter: Rc<Meter>,
    closing: Option<Pin<Box<Sleep>>>,
}

impl<T> Metered<T> {
    pub fn new(inner: T, meter: Rc<Meter>) -> Self {
        Metered {
            inner,
            meter,
            closing: None,
        }
    }

    pub fn meter(&self) -> &Rc<Meter> {
        &self.meter
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Metered<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(context, buffer))?;
        self.meter.read(buffer.filled().len() - before);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Metered<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.inner).poll_write(context, bytes))?;
        self.meter.wrote(written);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    /// Sends FIN, then reads what still comes: closing a socket with unread bytes would send RST,
    /// and the client might never see the answer that ended the connection (RFC 9112 §9.6).
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.closing.is_none() {
            ready!(Pin::new(&mut self.inner).poll_shutdown(context))?;
            self.closing = Some(Box::pin(tokio::time::sleep(LINGER)));
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
