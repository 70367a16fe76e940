//! The open sockets of one thread that events are read from, and the segments of those that have
//! closed: what the kernel has carried for the thread so far, at any instant. It knows sockets by
//! their descriptors, which a [`Metered`](super::metered::Metered) puts in and takes out.

use super::tcp_info::{Segments, segments};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::os::fd::{AsRawFd, RawFd};

#[derive(Debug, Default)]
pub struct Sockets {
    open: RefCell<BTreeSet<RawFd>>,
    closed: Cell<u64>,
    /// A socket closed of which the kernel did not tell.
    unknown: Cell<bool>,
}

impl Sockets {
    pub fn opened(&self, socket: &impl AsRawFd) {
        self.open.borrow_mut().insert(socket.as_raw_fd());
    }

    /// Just before the descriptor is free for others; `carried` as the kernel has it now.
    pub fn closing(&self, socket: &impl AsRawFd, carried: Option<Segments>) {
        if !self.open.borrow_mut().remove(&socket.as_raw_fd()) {
            return;
        }
        match carried {
            Some(carried) => self.closed.set(self.closed.get() + total(carried)),
            None => self.unknown.set(true),
        }
    }

    /// Segments both ways so far; `None` where the kernel does not tell.
    pub fn segments(&self) -> Option<u64> {
        if self.unknown.get() {
            return None;
        }
        let open = self.open.borrow();
        let carried = open.iter().map(|socket| segments(socket).map(total));
        Some(self.closed.get() + carried.sum::<Option<u64>>()?)
    }
}

fn total(segments: Segments) -> u64 {
    segments.sent + segments.received
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn closed_sockets_still_count() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let dial = || TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut one, other) = (dial(), dial());
        let sockets = Sockets::default();
        sockets.opened(&one);
        sockets.opened(&other);
        let before = sockets.segments().unwrap();
        one.write_all(b"a segment and its acknowledgement").unwrap();
        let after = sockets.segments().unwrap();
        assert!(after > before);
        sockets.closing(&one, segments(&one));
        assert!(sockets.segments().unwrap() >= after);
        sockets.closing(&other, None);
        assert_eq!(sockets.segments(), None);
    }
}
