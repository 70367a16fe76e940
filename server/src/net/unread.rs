//! Clients that do not read: how long a write may get nowhere before the connection is given up. actix
//! does not poll the body of such a client again, so no timer above the socket would see it; this one
//! exists only while a write is blocked. A connection that waits for events has none.

use clap::Args;
use nix::libc::c_int;
use socket2::SockRef;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

#[derive(Args, Clone, Debug)]
#[group(skip)]
#[command(next_help_heading = "Limits")]
pub struct UnreadFlags {
    /// Seconds for which a client may leave unread what was sent to it; then its connection is reset
    #[arg(long, env = "PUSHLAB_UNREAD_TIMEOUT", value_name = "SECONDS", default_value_t = 20.0, value_parser = crate::config::positive_seconds)]
    unread_timeout: f64,
}

impl UnreadFlags {
    pub fn timeout(&self) -> Duration {
        Duration::from_secs_f64(self.unread_timeout)
    }
}

pub struct Patience {
    limit: Duration,
    stall: Option<Stall>,
}

/// A write that is blocked.
struct Stall {
    /// Bytes that the peer had not acknowledged at the last look, and since when there are so many.
    queued: Option<c_int>,
    since: Instant,
    next_look: Pin<Box<Sleep>>,
}

/// How often a blocked write looks whether the peer has read.
const LOOK: Duration = Duration::from_millis(500);

impl Patience {
    pub fn new(limit: Duration) -> Self {
        Patience { limit, stall: None }
    }

    /// The socket took something.
    pub fn renew(&mut self) {
        self.stall = None;
    }

    /// Waits on while a write is blocked, and ends with the error that ends the connection. A client that
    /// reads slowly is waited for again: the kernel calls a socket writable only when a third of its
    /// buffer is free, but its queue shrinks with every byte that is read. Then a reset, for a FIN would
    /// have to wait behind all that is unread.
    pub fn poll_stalled(
        &mut self,
        context: &mut Context<'_>,
        socket: &impl AsFd,
    ) -> Poll<io::Error> {
        let limit = self.limit;
        let every = LOOK.min(limit / 4);
        let stall = self.stall.get_or_insert_with(|| Stall {
            queued: queued(socket),
            since: Instant::now(),
            next_look: Box::pin(tokio::time::sleep(every)),
        });
        loop {
            ready!(stall.next_look.as_mut().poll(context));
            let (now, queued) = (Instant::now(), queued(socket));
            if queued < stall.queued {
                (stall.queued, stall.since) = (queued, now);
            } else if now.duration_since(stall.since) >= limit {
                let reset = SockRef::from(socket).set_linger(Some(Duration::ZERO));
                return Poll::Ready(reset.err().unwrap_or(io::ErrorKind::TimedOut.into()));
            }
            stall.next_look.as_mut().reset(now + every);
        }
    }
}

nix::ioctl_read_bad!(
    /// SIOCOUTQ of Linux: what a socket has sent or is to send, and the peer has not acknowledged.
    unacknowledged,
    nix::libc::TIOCOUTQ,
    c_int
);

fn queued(socket: &impl AsFd) -> Option<c_int> {
    let mut bytes = 0;
    // SAFETY: the descriptor is open for as long as it is borrowed, and the kernel writes one int.
    let answer = unsafe { unacknowledged(socket.as_fd().as_raw_fd(), &raw mut bytes) };
    answer.ok().map(|_| bytes)
}
