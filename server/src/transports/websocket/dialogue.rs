//! What the WebSockets of rooms and of Socket.IO share: whose turn it is, and how one ends that the server
//! closes first.

use super::decoder::Message;
use super::incoming::Incoming;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Sleep;

/// Messages and control frames that are taken in before others of this worker have their turn.
const FRAMES_A_TURN: u8 = 64;

/// For a client's answer to our close frame.
const ECHO: Duration = Duration::from_secs(5);

/// A client's, until there is nothing to send or it has said so much.
#[derive(Default)]
pub struct Turn {
    frames: u8,
}

impl Turn {
    pub fn took(&mut self) {
        self.frames = self.frames.saturating_add(1);
    }

    pub fn is_over(&self) -> bool {
        self.frames >= FRAMES_A_TURN
    }

    /// Others go first; if the client may have more to say, its task comes again behind them.
    pub fn end(&mut self, context: &Context<'_>) {
        if self.is_over() {
            context.waker().wake_by_ref();
        }
        self.frames = 0;
    }
}

/// Our close frame came first: the wait for the client's.
pub struct Goodbye {
    limit: Pin<Box<Sleep>>,
}

impl Goodbye {
    pub fn new() -> Goodbye {
        Goodbye {
            limit: Box::pin(tokio::time::sleep(ECHO)),
        }
    }

    /// Until the client has closed too. What it says meanwhile is not taken: it gets no acknowledgement,
    /// and says it again elsewhere.
    pub fn poll(&mut self, incoming: &mut Incoming, context: &mut Context<'_>) -> Poll<()> {
        while let Poll::Ready(message) = incoming.poll_next(context) {
            if matches!(message, None | Some(Err(_) | Ok(Message::Close(_)))) {
                return Poll::Ready(());
            }
        }
        self.limit.as_mut().poll(context)
    }
}
