//! Request heads that do not come: the first one, one that begins on a kept connection, one byte at a
//! time. actix has a deadline for the first head alone. Here the timer exists only while a head is
//! awaited: a head that comes whole, and a connection at rest or held, have none.
//!
//! It does not parse: it knows that bytes came and that no handler has seen a request.

use super::admission::Pass;
use super::answer;
use super::metered::{Carrier, Meter};
use crate::problems::Refusal;
use crate::usage::Reason;
use bytes::{Buf, Bytes};
use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// Where a connection stands between one request and the next.
#[derive(Default)]
pub struct Progress {
    /// A handler is at work on a request.
    busy: Cell<bool>,
    /// Bytes came since.
    begun: Cell<bool>,
    /// There was a request at all.
    heard: Cell<bool>,
    /// The last request's body was not read to its end: nobody wants the rest.
    body_left: Cell<bool>,
    /// A handler has said its last word.
    given_up: Cell<bool>,
}

impl Progress {
    fn begins(&self, has_body: bool) {
        self.body_left.set(has_body);
        self.busy.set(true);
        self.begun.set(false);
        self.heard.set(true);
    }

    fn ends(&self) {
        self.busy.set(false);
    }

    pub fn body_is_read(&self) {
        self.body_left.set(false);
    }

    /// The connection ends with the answer to this request. actix would wait for the rest of a chunked
    /// body, for ever where the connection is not to be kept.
    pub fn give_up(&self) {
        self.given_up.set(true);
    }

    fn read(&self) {
        if !self.busy.get() {
            self.begun.set(true);
        }
    }

    fn awaits_a_head(&self) -> bool {
        !self.busy.get() && (self.begun.get() || !self.heard.get() || self.body_left.get())
    }
}

/// A request in a handler's hands, until it is answered or given up.
pub struct InHand(Rc<Meter>);

impl InHand {
    pub fn new(meter: &Rc<Meter>, has_body: bool) -> InHand {
        meter.progress.begins(has_body);
        InHand(Rc::clone(meter))
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.0.progress.ends();
    }
}

/// What HTTP is served over.
pub struct Heads<T: Carrier> {
    /// Taken where it closes after its owner is gone.
    io: Option<T>,
    patience: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    /// What is said in place of what actix would.
    answer: Bytes,
    /// The last word was said.
    over: bool,
    closed: bool,
    pass: Option<Pass>,
}

impl<T: Carrier> Heads<T> {
    pub fn new(io: T, patience: Duration, pass: Pass) -> Heads<T> {
        Heads {
            io: Some(io),
            patience,
            timer: None,
            answer: Bytes::new(),
            over: false,
            closed: false,
            pass: Some(pass),
        }
    }

    fn io(&mut self) -> Pin<&mut T> {
        Pin::new(self.io.as_mut().expect("it is taken when this is dropped"))
    }

    /// Starts the timer where a head is awaited, and gives the connection up when it has ended.
    fn poll_patience(&mut self, context: &mut Context<'_>) {
        let meter = Carrier::meter(self);
        if self.over || meter.is_kept() || !meter.progress.awaits_a_head() {
            self.timer = None;
            return;
        }
        let patience = self.patience;
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        if timer.as_mut().poll(context).is_ready() {
            self.timer = None;
            Carrier::meter(self).ends(Reason::TooSlow);
            self.say(answer::last(&Refusal::HeadTooSlow));
            // To be read, where it meets the end.
            context.waker().wake_by_ref();
        }
    }

    fn is_given_up(&self) -> bool {
        let progress = &Carrier::meter(self).progress;
        progress.given_up.get() && !progress.busy.get()
    }

    fn say(&mut self, last: Bytes) {
        self.answer = last;
        self.over = true;
    }

    fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.answer.is_empty() {
            let answer = self.answer.clone();
            let written = ready!(self.io().poll_write(context, &answer))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.answer.advance(written);
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: Carrier> Carrier for Heads<T> {
    fn meter(&self) -> &Rc<Meter> {
        self.io
            .as_ref()
            .expect("it is taken when this is dropped")
            .meter()
    }
}

impl<T: Carrier> AsyncRead for Heads<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.timer.is_some() {
            self.poll_patience(context);
        }
        // After the last word nothing is heard: this is the end.
        if self.over || self.is_given_up() {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(self.io().poll_read(context, buffer))?;
        if buffer.filled().len() > before {
            Carrier::meter(&*self).progress.read();
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: Carrier> AsyncWrite for Heads<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_answer(context))?;
        if let Some(answer) = answer::in_place_of(bytes) {
            self.say(answer);
            return Poll::Ready(Ok(bytes.len()));
        }
        self.io().poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_answer(context))?;
        ready!(self.io().poll_flush(context))?;
        if self.is_given_up() && !self.over {
            self.over = true;
            // To be read, where it meets the end.
            context.waker().wake_by_ref();
        }
        // actix flushes whenever it has looked at what was read.
        self.poll_patience(context);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_answer(context))?;
        self.closed = true;
        self.io().poll_shutdown(context)
    }
}

/// actix drops a connection at once whose request was no HTTP; the client still has to read why.
impl<T: Carrier> Drop for Heads<T> {
    fn drop(&mut self) {
        let (Some(io), true, false) = (self.io.take(), self.over, self.closed) else {
            return;
        };
        let mut rest = Heads {
            io: Some(io),
            patience: self.patience,
            timer: None,
            answer: std::mem::take(&mut self.answer),
            over: true,
            closed: true,
            pass: self.pass.take(),
        };
        actix_web::rt::spawn(async move {
            // Either way nothing is left to do for it.
            let _ =
                std::future::poll_fn(|context| Pin::new(&mut rest).poll_shutdown(context)).await;
        });
    }
}
