//! The emulated line inside a client's own stream, below its meter: whatever is spoken on top, TLS
//! included, pays for it. Bytes from the kernel are stamped as they come and handed on when they
//! are through; bytes written are taken at once and given to the kernel when they are through.
//! `line.rs` says when that is. A stream without a line is the socket itself.

use super::alarm::Alarm;
use super::connection::Scratch;
use super::line::{Line, Way};
use super::one_way::OneWay;
use super::tcp_info::{self, Segments};
use crate::plan::TrialPlan;
use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// One client's line, for all its connections.
#[derive(Clone)]
pub struct Link {
    line: Rc<RefCell<Line>>,
    alarm: Rc<Alarm>,
    scratch: Scratch,
    /// The longest that a request and its answer are on their way.
    on_the_way: Duration,
}

impl Link {
    /// Of the client with this index.
    pub fn new(plan: &TrialPlan, index: usize, alarm: Rc<Alarm>, scratch: Scratch) -> Link {
        // Its phase must not be that of the client's polls.
        const SALT: u64 = 0x6c69_6e65;
        let seed = (plan.seed ^ (index as u64).rotate_left(32)).wrapping_add(SALT);
        Link {
            line: Rc::new(RefCell::new(Line::new(&plan.link, seed, Instant::now()))),
            alarm,
            scratch,
            on_the_way: plan.on_the_way(),
        }
    }

    /// As long as a segment without content takes.
    pub async fn cross(&self, way: Way) {
        let now = Instant::now();
        let arrives = self.line.borrow_mut().cross(way, now, now);
        self.alarm.until(arrives).await;
    }
}

/// What a client reads from and writes to.
pub enum Stream {
    Direct(TcpStream),
    Linked(Linked),
}

impl Stream {
    pub fn segments(&self) -> Option<Segments> {
        match self {
            Stream::Direct(socket) => tcp_info::segments(socket),
            Stream::Linked(linked) => tcp_info::segments(linked.0.state.borrow().socket.as_ref()?),
        }
    }

    /// Of the socket, while there is one.
    pub fn descriptor(&self) -> Option<RawFd> {
        match self {
            Stream::Direct(socket) => Some(socket.as_raw_fd()),
            Stream::Linked(linked) => Some(linked.0.state.borrow().socket.as_ref()?.as_raw_fd()),
        }
    }

    /// The drop that follows sends a reset.
    pub fn reset_on_close(&self) {
        let reset = |socket: &TcpStream| {
            // Should it fail, the kernel says goodbye politely, which is still a cut.
            let _ = socket2::SockRef::from(socket).set_linger(Some(Duration::ZERO));
        };
        match self {
            Stream::Direct(socket) => reset(socket),
            Stream::Linked(linked) => linked.0.state.borrow().socket.iter().for_each(reset),
        }
    }

    /// The longest that a request and its answer are on their way; 0 without a line.
    pub fn on_the_way(&self) -> Duration {
        match self {
            Stream::Direct(_) => Duration::ZERO,
            Stream::Linked(linked) => linked.0.link.on_the_way,
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Direct(socket) => Pin::new(socket).poll_read(cx, buffer),
            Stream::Linked(linked) => linked.0.poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Direct(socket) => Pin::new(socket).poll_write(cx, bytes),
            Stream::Linked(linked) => linked.0.poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Direct(socket) => Pin::new(socket).poll_flush(cx),
            // The line sends whatever it has taken.
            Stream::Linked(_) => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Direct(socket) => Pin::new(socket).poll_shutdown(cx),
            Stream::Linked(linked) => {
                linked.0.shut_down();
                Poll::Ready(Ok(()))
            }
        }
    }
}

/// A connection over a line. Dropping it closes the socket at once, and what was still on its way is
/// gone; a polite end is a shutdown, then reading to the end.
pub struct Linked(Rc<Shared>);

/// What the stream shares with its carrier: the task that moves bytes between line and kernel, also
/// while nobody reads or writes.
struct Shared {
    link: Link,
    state: RefCell<State>,
}

struct State {
    /// Gone when the stream is.
    socket: Option<TcpStream>,
    /// Its reader is the carrier.
    up: OneWay,
    down: OneWay,
    /// Why the kernel takes no more.
    broken: Option<io::ErrorKind>,
}

impl Linked {
    /// Within a `LocalSet`.
    pub fn start(socket: TcpStream, link: Link) -> Linked {
        let now = Instant::now();
        let shared = Rc::new(Shared {
            link,
            state: RefCell::new(State {
                socket: Some(socket),
                up: OneWay::new(Way::Up, now),
                down: OneWay::new(Way::Down, now),
                broken: None,
            }),
        });
        let carried = shared.clone();
        tokio::task::spawn_local(poll_fn(move |cx| carried.carry(cx)));
        Linked(shared)
    }
}

impl Drop for Linked {
    fn drop(&mut self) {
        let mut state = self.0.state.borrow_mut();
        state.socket = None;
        state.up.wake_reader();
    }
}

impl Shared {
    fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let down = &mut self.state.borrow_mut().down;
        let now = Instant::now();
        let through = down.through(now).min(buffer.remaining());
        if through > 0 {
            down.read(through, buffer);
            return Poll::Ready(Ok(()));
        }
        if let Some(how) = down.ended(now) {
            return Poll::Ready(how.map_err(io::Error::from));
        }
        down.wait(cx.waker(), &self.link.alarm);
        Poll::Pending
    }

    fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let State { up, broken, .. } = &mut *self.state.borrow_mut();
        if let Some(kind) = *broken {
            return Poll::Ready(Err(kind.into()));
        }
        let taken = bytes.len().min(up.room());
        if taken == 0 && !bytes.is_empty() {
            up.wait_for_room(cx.waker());
            return Poll::Pending;
        }
        let line = &mut self.link.line.borrow_mut();
        up.enter(&bytes[..taken], Instant::now(), line);
        up.arm(&self.link.alarm);
        Poll::Ready(Ok(taken))
    }

    fn shut_down(&self) {
        let up = &mut self.state.borrow_mut().up;
        up.end(Ok(()), Instant::now(), &mut self.link.line.borrow_mut());
        up.arm(&self.link.alarm);
    }

    /// The carrier's step: from the kernel into the line, out of the line into the kernel.
    fn carry(&self, cx: &mut Context<'_>) -> Poll<()> {
        let State {
            socket,
            up,
            down,
            broken,
        } = &mut *self.state.borrow_mut();
        let Some(socket) = socket else {
            return Poll::Ready(());
        };
        self.take_in(socket, down, cx);
        if broken.is_none()
            && let Poll::Ready(Err(error)) = give_out(socket, up, cx)
        {
            *broken = Some(error.kind());
            up.lose();
        }
        up.wait(cx.waker(), &self.link.alarm);
        Poll::Pending
    }

    /// Takes all that the kernel has, or as much as may be on its way.
    fn take_in(&self, socket: &mut TcpStream, down: &mut OneWay, cx: &mut Context<'_>) {
        let line = &mut self.link.line.borrow_mut();
        let mut scratch = self.link.scratch.borrow_mut();
        while !down.has_end() {
            let room = down.room().min(scratch.len());
            if room == 0 {
                down.wait_for_room(cx.waker());
                break;
            }
            let mut buffer = ReadBuf::new(&mut scratch[..room]);
            let Poll::Ready(result) = Pin::new(&mut *socket).poll_read(cx, &mut buffer) else {
                break;
            };
            let now = Instant::now();
            match result {
                Ok(()) if buffer.filled().is_empty() => down.end(Ok(()), now, line),
                Ok(()) => down.enter(buffer.filled(), now, line),
                Err(error) => down.end(Err(error.kind()), now, line),
            }
        }
        down.arm(&self.link.alarm);
    }
}

/// Gives the kernel what is through, and the end after that.
fn give_out(socket: &mut TcpStream, up: &mut OneWay, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
    loop {
        let now = Instant::now();
        match up.through(now) {
            0 => break,
            through => {
                let written = ready!(Pin::new(&mut *socket).poll_write(cx, up.first(through)))?;
                up.gone(written);
            }
        }
    }
    match up.ended(Instant::now()) {
        Some(_) => Pin::new(socket).poll_shutdown(cx),
        None => Poll::Ready(Ok(())),
    }
}
