//! The kernel's own count of segments (`TCP_INFO`), for bytes at the IP level. The only unsafe code
//! of the engine. Linux only: elsewhere the figure is absent, not estimated.

/// TCP segments of one connection, pure acknowledgements included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segments {
    pub sent: u64,
    pub received: u64,
}

/// Bytes of TCP (20, and 12 of timestamps) and IPv4 (20) headers in each segment.
pub const HEADER_BYTES: u64 = 52;

#[cfg(target_os = "linux")]
pub fn segments(socket: &impl std::os::fd::AsRawFd) -> Option<Segments> {
    // Offsets within `struct tcp_info` (linux/tcp.h): `tcpi_segs_out` and `tcpi_segs_in`. libc's own
    // struct ends before them.
    const SENT: usize = 136;
    const RECEIVED: usize = 140;
    let mut info = [0u8; 144];
    let mut length = info.len() as libc::socklen_t;
    // SAFETY: `info` is writable for `length` bytes, which is what the kernel is told, and both
    // pointers live for the call; a descriptor that is no TCP socket only makes the call fail.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast(),
            &mut length,
        )
    };
    if result != 0 || (length as usize) < info.len() {
        return None;
    }
    let number = |at: usize| {
        u64::from(u32::from_ne_bytes([
            info[at],
            info[at + 1],
            info[at + 2],
            info[at + 3],
        ]))
    };
    Some(Segments {
        sent: number(SENT),
        received: number(RECEIVED),
    })
}

#[cfg(not(target_os = "linux"))]
pub fn segments<S>(_socket: &S) -> Option<Segments> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_connection_counts_its_segments() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let before = segments(&client).unwrap();
        client.write_all(b"one segment").unwrap();
        let mut buffer = [0; 11];
        server.read_exact(&mut buffer).unwrap();
        let after = segments(&client).unwrap();
        assert_eq!(after.sent, before.sent + 1);
        assert!(segments(&listener).is_some_and(|s| s.sent == 0));
    }
}
