//! What the controller tells a client's task: send this, be cut, close. One task waits, on the same
//! thread that orders; so a queue and a waker do, and an idle client costs a few words.

use crate::table::EventIndex;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll, Waker};

/// Something to publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outgoing {
    Probe { room: u32 },
    Event(EventIndex),
}

/// Why a task must leave what it is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interruption {
    /// Lose the connection at once, then come back.
    Cut,
    /// Say goodbye and end.
    Close,
}

#[derive(Debug, Default)]
pub struct Orders {
    outgoing: RefCell<VecDeque<Outgoing>>,
    cut: Cell<bool>,
    closing: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Orders {
    pub fn publish(&self, outgoing: Outgoing) {
        self.outgoing.borrow_mut().push_back(outgoing);
        self.wake();
    }

    pub fn cut(&self) {
        self.cut.set(true);
        self.wake();
    }

    pub fn close(&self) {
        self.closing.set(true);
        self.wake();
    }

    pub fn is_closing(&self) -> bool {
        self.closing.get()
    }

    /// A cut that was ordered while nothing was connected is over with nothing to do.
    pub fn forget_cut(&self) {
        self.cut.set(false);
    }

    pub async fn outgoing(&self) -> Outgoing {
        poll_fn(|cx| self.wait(cx, || self.next_outgoing())).await
    }

    /// The next, if there is one.
    pub fn next_outgoing(&self) -> Option<Outgoing> {
        self.outgoing.borrow_mut().pop_front()
    }

    /// A cut is told once, closing for ever.
    pub async fn interruption(&self) -> Interruption {
        poll_fn(|cx| {
            self.wait(cx, || {
                if self.closing.get() {
                    Some(Interruption::Close)
                } else {
                    self.cut.replace(false).then_some(Interruption::Cut)
                }
            })
        })
        .await
    }

    fn wait<T>(&self, cx: &mut Context<'_>, mut take: impl FnMut() -> Option<T>) -> Poll<T> {
        if let Some(found) = take() {
            return Poll::Ready(found);
        }
        let mut waker = self.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|w| w.will_wake(cx.waker())) {
            *waker = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn orders_come_in_order_and_closing_stays() {
        let orders = Orders::default();
        orders.publish(Outgoing::Event(1));
        orders.publish(Outgoing::Probe { room: 2 });
        assert_eq!(orders.outgoing().await, Outgoing::Event(1));
        assert_eq!(orders.outgoing().await, Outgoing::Probe { room: 2 });
        orders.cut();
        assert_eq!(orders.interruption().await, Interruption::Cut);
        let waits = async { tokio::join!(orders.interruption(), async { orders.close() }).0 };
        assert_eq!(waits.await, Interruption::Close);
        assert_eq!(orders.interruption().await, Interruption::Close);
    }
}
