//! The open sockets of one thread that events are read from, and the segments of those that have
//! closed: what the kernel has carried for the thread so far, at any instant. It knows sockets by
//! their descriptors, which a [`Metered`](super::metered::Metered) puts in and takes out.

use super::tcp_info::{Segments, segments};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::os::fd::RawFd;

/// What one thread's sockets carried, publishing aside; since they opened, or in the measure window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WireWindow {
    pub bytes: u64,
    pub segments: u64,
    pub deliveries: u64,
}

impl WireWindow {
    pub fn since(self, earlier: WireWindow) -> Option<WireWindow> {
        Some(WireWindow {
            bytes: self.bytes.checked_sub(earlier.bytes)?,
            segments: self.segments.checked_sub(earlier.segments)?,
            deliveries: self.deliveries.checked_sub(earlier.deliveries)?,
        })
    }

    pub fn plus(self, other: WireWindow) -> WireWindow {
        WireWindow {
            bytes: self.bytes + other.bytes,
            segments: self.segments + other.segments,
            deliveries: self.deliveries + other.deliveries,
        }
    }
}

#[derive(Debug, Default)]
pub struct Sockets {
    open: RefCell<BTreeSet<RawFd>>,
    closed: Cell<u64>,
    /// A socket closed of which the kernel did not tell.
    unknown: Cell<bool>,
}

impl Sockets {
    pub fn opened(&self, socket: RawFd) {
        self.open.borrow_mut().insert(socket);
    }

    /// Just before the descriptor is free for others; `carried` as the kernel has it now.
    pub fn closing(&self, socket: RawFd, carried: Option<Segments>) {
        if !self.open.borrow_mut().remove(&socket) {
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
    use std::os::fd::AsRawFd;

    #[test]
    fn closed_sockets_still_count() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let dial = || TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut one, other) = (dial(), dial());
        let sockets = Sockets::default();
        sockets.opened(one.as_raw_fd());
        sockets.opened(other.as_raw_fd());
        let before = sockets.segments().unwrap();
        one.write_all(b"a segment and its acknowledgement").unwrap();
        let after = sockets.segments().unwrap();
        assert!(after > before);
        sockets.closing(one.as_raw_fd(), segments(&one));
        assert!(sockets.segments().unwrap() >= after);
        sockets.closing(other.as_raw_fd(), None);
        assert_eq!(sockets.segments(), None);
    }
}
