//! Request heads that do not come: the first one, one that begins on a kept connection, one byte at a
//! time; and those that do not end. actix has a deadline for the first head alone. Here the timer exists
//! only while a head is awaited: a head that comes whole, and a connection at rest or held, have none.
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
    /// Bytes that came since.
    ahead: Cell<u32>,
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
        self.ahead.set(0);
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

    /// Bytes that came without a request, as a head without its end or with what stands behind it.
    pub fn ahead(&self) -> u32 {
        self.ahead.get()
    }

    fn read(&self, bytes: usize) {
        if !self.busy.get() {
            let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
            self.ahead.set(self.ahead.get().saturating_add(bytes));
        }
    }

    fn awaits_a_head(&self) -> bool {
        !self.busy.get() && (self.ahead.get() > 0 || !self.heard.get() || self.body_left.get())
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

/// How long a head may take, and how long it may be.
pub struct Bounds {
    pub patience: Duration,
    pub bytes: u32,
}

/// What HTTP is served over. A few words more than the carrier itself, for there are many at rest.
pub struct Heads<T: Carrier> {
    /// Taken where it closes after its owner is gone.
    io: Option<T>,
    bounds: Rc<Bounds>,
    timer: Option<Pin<Box<Sleep>>>,
    /// What is said in place of what actix would.
    answer: Option<Box<Bytes>>,
    /// The last word was said.
    over: bool,
    closed: bool,
    pass: Option<Pass>,
}

impl<T: Carrier> Heads<T> {
    pub fn new(io: T, bounds: Rc<Bounds>, pass: Pass) -> Heads<T> {
        Heads {
            io: Some(io),
            bounds,
            timer: None,
            answer: None,
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
        // The rest of a body that nobody wants may be long.
        if meter.progress.ahead() > self.bounds.bytes && !meter.progress.body_left.get() {
            let limit = self.bounds.bytes;
            return self.give_up(&Refusal::HeadTooLarge { limit }, context);
        }
        let patience = self.bounds.patience;
        self.timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        self.poll_timer(context);
    }

    fn poll_timer(&mut self, context: &mut Context<'_>) {
        if let Some(timer) = &mut self.timer
            && timer.as_mut().poll(context).is_ready()
        {
            Carrier::meter(self).ends(Reason::TooSlow);
            self.give_up(&Refusal::HeadTooSlow, context);
        }
    }

    fn give_up(&mut self, refusal: &Refusal, context: &Context<'_>) {
        self.timer = None;
        self.say(answer::last(refusal));
        // To be read, where it meets the end.
        context.waker().wake_by_ref();
    }

    fn is_given_up(&self) -> bool {
        let progress = &Carrier::meter(self).progress;
        progress.given_up.get() && !progress.busy.get()
    }

    fn say(&mut self, last: Bytes) {
        self.answer = Some(Box::new(last));
        self.over = true;
    }

    fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(answer) = &mut self.answer {
            let io = self.io.as_mut().expect("it is taken when this is dropped");
            let written = ready!(Pin::new(io).poll_write(context, answer))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            answer.advance(written);
            if answer.is_empty() {
                self.answer = None;
            }
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
        if !Carrier::meter(&*self).progress.busy.get() {
            self.poll_timer(context);
        }
        // After the last word nothing is heard: this is the end.
        if self.over || self.is_given_up() {
            return Poll::Ready(Ok(()));
        }
        let before = buffer.filled().len();
        ready!(self.io().poll_read(context, buffer))?;
        let read = buffer.filled().len() - before;
        Carrier::meter(&*self).progress.read(read);
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
        if let Some(answer) = answer::in_place_of(bytes, self.bounds.bytes) {
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
            bounds: Rc::clone(&self.bounds),
            timer: None,
            answer: self.answer.take(),
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
