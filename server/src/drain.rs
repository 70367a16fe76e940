//! A server that is told to stop lets everybody finish: no new connections, held polls answered at once,
//! streams ended after what their subscriber has not seen yet, WebSockets closed with 1001, idle
//! connections closed, requests in flight answered. What is not done within `--drain` is cut.
//!
//! Here is one worker's share of it: whether it has begun, and the connections that it must wake. The
//! transports see the rest by their subscription, which says that nothing more comes.

use clap::Args;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

#[derive(Args, Clone, Debug)]
pub struct DrainFlags {
    /// Seconds that connections have to finish when the server is told to stop
    #[arg(long, env = "PUSHLAB_DRAIN", value_name = "SECONDS", default_value_t = 10.0, value_parser = crate::config::positive_seconds)]
    drain: f64,
}

impl DrainFlags {
    pub fn limit(&self) -> Duration {
        Duration::from_secs_f64(self.drain)
    }
}

#[derive(Default)]
pub struct Drain {
    begun: Cell<bool>,
    connections: RefCell<Vec<Option<Waker>>>,
    free: RefCell<Vec<usize>>,
}

impl Drain {
    pub fn has_begun(&self) -> bool {
        self.begun.get()
    }

    /// Wakes every connection, once.
    pub fn begin(&self) {
        if self.begun.replace(true) {
            return;
        }
        for waker in self.connections.borrow_mut().iter_mut() {
            // This only queues the task: nothing of it runs within the walk.
            if let Some(waker) = waker.take() {
                waker.wake();
            }
        }
    }

    /// Ends when the drain begins.
    pub fn begun(self: &Rc<Self>) -> Begun {
        Begun {
            drain: Rc::clone(self),
            slot: None,
        }
    }

    fn take_slot(&self) -> usize {
        self.free.borrow_mut().pop().unwrap_or_else(|| {
            let mut connections = self.connections.borrow_mut();
            connections.push(None);
            connections.len() - 1
        })
    }
}

/// One connection's wait. actix looks at it whenever the connection's task runs.
pub struct Begun {
    drain: Rc<Drain>,
    slot: Option<usize>,
}

impl Future for Begun {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.drain.has_begun() {
            return Poll::Ready(());
        }
        let slot = self.slot.unwrap_or_else(|| self.drain.take_slot());
        self.slot = Some(slot);
        match &mut self.drain.connections.borrow_mut()[slot] {
            Some(waker) => waker.clone_from(context.waker()),
            waker @ None => *waker = Some(context.waker().clone()),
        }
        Poll::Pending
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            self.drain.connections.borrow_mut()[slot] = None;
            self.drain.free.borrow_mut().push(slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;

    fn is_ready(wait: &mut Pin<&mut Begun>) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        wait.as_mut().poll(&mut context).is_ready()
    }

    #[tokio::test]
    async fn it_wakes_who_waits_and_whoever_comes_later() {
        let drain = Rc::new(Drain::default());
        let waiting = drain.begun();
        let begin = async {
            tokio::task::yield_now().await;
            drain.begin();
        };
        tokio::join!(waiting, begin);
        drain.begun().await;
    }

    #[test]
    fn a_connection_that_ends_leaves_its_place_to_the_next() {
        let drain = Rc::new(Drain::default());
        for _ in 0..3 {
            let mut one = pin!(drain.begun());
            let mut other = pin!(drain.begun());
            assert!(!is_ready(&mut one) && !is_ready(&mut other));
        }
        assert_eq!(drain.connections.borrow().len(), 2);
        assert_eq!(drain.free.borrow().len(), 2);
    }
}
