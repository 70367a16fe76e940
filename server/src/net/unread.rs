//! Clients that do not read: how long a write may get nowhere, and the last try before the connection
//! is given up. actix does not poll the body of such a client again, so no timer above the socket would
//! see it; this one exists only while a write is blocked. A connection that waits for events has none.

use clap::Args;
use socket2::SockRef;
use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Sleep;

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
    blocked: Option<Pin<Box<Sleep>>>,
}

impl Patience {
    pub fn new(limit: Duration) -> Self {
        Patience {
            limit,
            blocked: None,
        }
    }

    /// The socket took something.
    pub fn renew(&mut self) {
        self.blocked = None;
    }

    /// Waits on while `bytes` are blocked. The end of patience is not the end yet: the kernel calls a
    /// socket writable when a third of its buffer is free, and a client that reads slowly may have freed
    /// less. A write that asks nobody whether the socket is ready tells the two apart. Then a reset,
    /// for a FIN would have to wait behind all that is unread.
    pub fn poll_stalled(
        &mut self,
        context: &mut Context<'_>,
        socket: &impl AsFd,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let limit = self.limit;
        let blocked = self
            .blocked
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
        ready!(blocked.as_mut().poll(context));
        self.blocked = None;
        let socket = SockRef::from(socket);
        match socket.send(bytes) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                socket.set_linger(Some(Duration::ZERO))?;
                Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
            }
            written => Poll::Ready(written),
        }
    }
}
