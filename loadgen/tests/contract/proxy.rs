//! A TCP proxy that counts and keeps the bytes it reads from either side: a third count of what
//! loadgen and the server each count for themselves. It knows no protocol.

use crate::assert_sound;
use crate::harness::{Lab, plan};
use loadgen::plan::PublishBy;
use pushlab_server::wire::transport::Transport;
use std::fmt::Write as _;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use strum::IntoEnumIterator;

/// Bytes read from clients and from the server.
#[derive(Default)]
struct Counts {
    up: AtomicU64,
    down: AtomicU64,
    /// Connection, direction and hexadecimal of each piece, in order.
    capture: Mutex<String>,
}

impl Counts {
    fn read(&self, connection: usize, way: Way, bytes: &[u8]) {
        let (count, name) = match way {
            Way::Up => (&self.up, "up"),
            Way::Down => (&self.down, "down"),
        };
        count.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        let mut capture = self.capture.lock().unwrap();
        write!(capture, "{connection} {name} ").unwrap();
        for byte in bytes {
            write!(capture, "{byte:02x}").unwrap();
        }
        capture.push('\n');
    }
}

#[derive(Clone, Copy)]
enum Way {
    Up,
    Down,
}

pub struct Proxy {
    pub address: SocketAddr,
    counts: Arc<Counts>,
}

impl Proxy {
    /// Hands on at most `piece` bytes at once. Its threads end with their connections, and the one
    /// that accepts with the process.
    pub fn start(server: SocketAddr, piece: usize) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let counts = Arc::new(Counts::default());
        let counting = counts.clone();
        thread::spawn(move || {
            for (connection, client) in listener.incoming().enumerate() {
                let client = client.unwrap();
                let server = TcpStream::connect(server).unwrap();
                for stream in [&client, &server] {
                    stream.set_nodelay(true).unwrap();
                }
                let (from_client, to_client) = (client.try_clone().unwrap(), client);
                let (from_server, to_server) = (server.try_clone().unwrap(), server);
                let (up, down) = (counting.clone(), counting.clone());
                thread::spawn(move || {
                    copy(from_client, to_server, piece, |bytes| {
                        up.read(connection, Way::Up, bytes);
                    });
                });
                thread::spawn(move || {
                    copy(from_server, to_client, piece, |bytes| {
                        down.read(connection, Way::Down, bytes);
                    });
                });
            }
        });
        Proxy { address, counts }
    }

    pub fn capture(&self) -> String {
        self.counts.capture.lock().unwrap().clone()
    }

    pub fn counted(&self) -> (u64, u64) {
        let get = |count: &AtomicU64| count.load(Ordering::SeqCst);
        (get(&self.counts.up), get(&self.counts.down))
    }
}

/// Until the one side ends, which the other is then told.
fn copy(mut from: TcpStream, mut to: TcpStream, piece: usize, on_read: impl Fn(&[u8])) {
    let mut buffer = vec![0; piece];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                on_read(&buffer[..read]);
                if to.write_all(&buffer[..read]).is_err() {
                    break;
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    // The other side may have gone first.
    let _ = to.shutdown(Shutdown::Write);
}

fn three_counts_agree(kind: Transport, by: PublishBy, piece: usize) {
    let lab = Lab::start(false);
    let proxy = Proxy::start(lab.public(), piece);
    let mut plan = plan(kind);
    plan.publish.by = by;
    let trial = lab.run_through(proxy.address, &plan).trial;
    assert_sound(&trial);
    let name = format!("{kind} by {by:?}: {:?}", trial.errors);
    let bytes = &trial.bytes;
    let server = (trial.server.bytes_rx, trial.server.bytes_tx);
    assert_eq!((bytes.up, bytes.down), proxy.counted(), "proxy, {name}");
    assert_eq!(server, (Some(bytes.up), Some(bytes.down)), "server, {name}");
    assert!(
        bytes.publish.up > 0 && bytes.publish.up < bytes.up,
        "{name}"
    );
    assert!(
        bytes.by_kind.payload > 0 && bytes.by_kind.tls == 0,
        "{name}"
    );
}

#[test]
fn loadgen_the_server_and_a_proxy_between_them_count_the_same_bytes() {
    for kind in Transport::iter() {
        for by in [PublishBy::Publisher, PublishBy::Clients] {
            three_counts_agree(kind, by, 16 * 1024);
        }
    }
}

/// Reads that end anywhere: within a head, a chunk line, a frame header, a character.
#[test]
fn bytes_that_come_in_pieces_are_counted_and_understood_alike() {
    for kind in Transport::iter() {
        three_counts_agree(kind, PublishBy::Publisher, 7);
    }
}
