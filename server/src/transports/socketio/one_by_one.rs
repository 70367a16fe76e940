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
pub struct OneByOne(Option<Pin<Box<Sleep>>>);

impl OneByOne {
    pub fn new(config: &Config) -> OneByOne {
        let sleep = || Box::pin(tokio::time::sleep(Duration::ZERO));
        OneByOne(config.websocket.conformance.then(sleep))
    }

    /// Whether the next message may go.
    pub fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.0 {
            Some(pause) => pause.as_mut().poll(context),
            None => Poll::Ready(()),
        }
    }

    /// Whether the next message has to wait; what is not there yet is not read meanwhile.
    pub fn is_pausing(&self) -> bool {
        self.0.as_ref().is_some_and(|pause| !pause.is_elapsed())
    }

    /// One has gone.
    pub fn sent(&mut self) {
        if let Some(pause) = &mut self.0 {
            pause.as_mut().reset(Instant::now() + PAUSE);
        }
    }
}
