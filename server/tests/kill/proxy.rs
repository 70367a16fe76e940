//! Stands between one client and the server, and breaks each connection at the next point. It knows
//! nothing of HTTP or WebSocket: it counts bytes, and how often the server began to answer.

use super::points::{Fault, Point, Points, Trigger};
use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::spawn_local;
use tokio::time::{Instant, sleep, sleep_until, timeout};

/// How long a broken connection may still hang about.
const GHOST: Duration = Duration::from_secs(1);

/// What the proxy and its client know of each other.
#[derive(Default)]
pub struct Knowledge {
    /// Number of the client's present connection.
    pub connection: Cell<u64>,
    struck: Cell<Option<(u64, Point)>>,
}

impl Knowledge {
    /// The point that broke the client's present connection, if the proxy did.
    pub fn cause(&self) -> Option<Point> {
        let (connection, point) = self.struck.take()?;
        (connection == self.connection.get()).then_some(point)
    }
}

/// Gives the address that the client dials.
pub async fn open(upstream: SocketAddr, mut points: Points, known: Rc<Knowledge>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    spawn_local(async move {
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let server = TcpStream::connect(upstream).await.unwrap();
            for socket in [&client, &server] {
                socket.set_nodelay(true).unwrap();
            }
            let pair = Pair { client, server };
            spawn_local(pair.carry(points.next(), known.clone()));
        }
    });
    address
}

struct Pair {
    client: TcpStream,
    server: TcpStream,
}

impl Pair {
    async fn carry(mut self, point: Point, known: Rc<Knowledge>) {
        let connection = known.connection.get();
        if let Some(held) = self.until_it_breaks(point).await {
            known.struck.set(Some((connection, point)));
            self.break_off(point.fault, held).await;
        }
    }

    /// What the client had said and the server never saw; `None` where either of them ended the
    /// connection before the point was reached.
    async fn until_it_breaks(&mut self, point: Point) -> Option<Vec<u8>> {
        let at_latest = Instant::now() + point.at_latest;
        let (mut said, mut answered) = ([0; 4096], [0; 4096]);
        let (mut up, mut down, mut answers) = (0, 0, 0);
        let mut asked = false;
        loop {
            tokio::select! {
                read = self.client.read(&mut said) => {
                    let said = &said[..read.ok().filter(|read| *read > 0)?];
                    let (passes, rest) = split(said, up, match point.trigger {
                        Trigger::Request(limit) => limit,
                        _ => u64::MAX,
                    });
                    self.server.write_all(passes).await.ok()?;
                    up += passes.len() as u64;
                    asked = true;
                    if let Some(rest) = rest {
                        return Some(rest.to_vec());
                    }
                }
                read = self.server.read(&mut answered) => {
                    let Some(read) = read.ok().filter(|read| *read > 0) else {
                        let _ = self.client.shutdown().await;
                        return None;
                    };
                    answers += u32::from(std::mem::take(&mut asked));
                    if point.trigger == Trigger::AnswerLost(answers) {
                        return Some(Vec::new());
                    }
                    let (passes, rest) = split(&answered[..read], down, match point.trigger {
                        Trigger::Answer(limit) => limit,
                        _ => u64::MAX,
                    });
                    self.client.write_all(passes).await.ok()?;
                    down += passes.len() as u64;
                    if rest.is_some() {
                        return Some(Vec::new());
                    }
                }
                () = sleep_until(at_latest) => return Some(Vec::new()),
            }
        }
    }

    async fn break_off(mut self, fault: Fault, mut held: Vec<u8>) {
        match fault {
            Fault::Fin => {
                let _ = self.client.shutdown().await;
                let _ = self.server.shutdown().await;
                // Unread bytes would turn the close into a reset.
                let both = async { tokio::join!(drain(&mut self.client), drain(&mut self.server)) };
                let _ = timeout(GHOST, both).await;
            }
            Fault::Reset => {
                reset(self.client);
                reset(self.server);
            }
            Fault::Stall => {
                drain(&mut self.client).await;
                // The server is not told either, and goes on for a while.
                sleep(GHOST).await;
                reset(self.server);
            }
            Fault::Late => {
                let _ = self.client.read_to_end(&mut held).await;
                // By now the client has asked again over another connection, or is about to.
                let _ = self.server.write_all(&held).await;
                let _ = timeout(GHOST, drain(&mut self.server)).await;
            }
        }
    }
}

/// What still passes, and what does not, where `before` bytes have passed and `limit` may.
fn split(bytes: &[u8], before: u64, limit: u64) -> (&[u8], Option<&[u8]>) {
    let left = usize::try_from(limit - before).unwrap_or(usize::MAX);
    match bytes.split_at_checked(left) {
        Some((passes, rest)) => (passes, Some(rest)),
        None => (bytes, None),
    }
}

/// Reads until the other end is gone.
async fn drain(socket: &mut TcpStream) {
    let mut scratch = [0; 4096];
    while let Ok(1..) = socket.read(&mut scratch).await {}
}

fn reset(socket: TcpStream) {
    let _ = socket2::SockRef::from(&socket).set_linger(Some(Duration::ZERO));
}
