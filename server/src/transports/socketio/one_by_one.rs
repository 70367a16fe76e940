//! Under `--conformance` messages leave one by one: outside suites wait for a message and only then begin to
//! listen for the next, so that they miss one that comes in the same read. It delays nothing else.

use crate::config::Config;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// Enough for a client to read the one message before the other is there.
const PAUSE: Duration = Duration::from_millis(5);

/// The wait between two messages; none where nobody asked for it.
pub struct OneByOne {
    pause: Option<Pin<Box<Sleep>>>,
    is_pausing: bool,
}

impl OneByOne {
    pub fn new(config: &Config) -> OneByOne {
        let sleep = || Box::pin(tokio::time::sleep(Duration::ZERO));
        OneByOne {
            pause: config.websocket.conformance.then(sleep),
            is_pausing: false,
        }
    }

    /// Whether the next message may go.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(pause) = &mut self.pause else {
            return Poll::Ready(());
        };
        let polled = pause.as_mut().poll(context);
        self.is_pausing = polled.is_pending();
        polled
    }

    /// Whether the next message had to wait when it was asked for last.
    pub fn is_pausing(&self) -> bool {
        self.is_pausing
    }

    /// One has gone.
    pub fn sent(&mut self) {
        if let Some(pause) = &mut self.pause {
            pause.as_mut().reset(Instant::now() + PAUSE);
        }
    }
}
