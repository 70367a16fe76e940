//! A client's connection: it reads whole heads, chunks and frames or says that it was lost, and
//! where. What was read of a half is thrown away with it, as a browser does.

use super::proxy::Knowledge;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Three heartbeats.
pub const PATIENCE: Duration = Duration::from_millis(600);

/// Where a client was when its connection was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::EnumIter, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum Place {
    /// It had asked, and not one byte of the answer had come.
    Unanswered,
    /// Inside the head of the answer.
    Head,
    /// Inside a body, a chunk or a frame.
    Body,
    /// Between two of them.
    Between,
}

#[derive(Debug)]
pub struct Lost(pub Place);

pub struct Line {
    stream: TcpStream,
    ahead: Vec<u8>,
    /// Where a loss would be, were nothing ahead, and where if something is.
    at: (Place, Place),
}

impl Line {
    pub async fn dial(proxy: SocketAddr, known: &Knowledge) -> Line {
        known.connection.set(known.connection.get() + 1);
        Line {
            stream: TcpStream::connect(proxy).await.unwrap(),
            ahead: Vec::new(),
            at: (Place::Unanswered, Place::Head),
        }
    }

    fn lost(&self) -> Lost {
        let (empty, partial) = self.at;
        Lost(if self.ahead.is_empty() {
            empty
        } else {
            partial
        })
    }

    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), Lost> {
        match timeout(PATIENCE, self.stream.write_all(bytes)).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(self.lost()),
        }
    }

    async fn fill(&mut self) -> Result<(), Lost> {
        match timeout(PATIENCE, self.stream.read_buf(&mut self.ahead)).await {
            Ok(Ok(1..)) => Ok(()),
            _ => Err(self.lost()),
        }
    }

    /// Takes what `whole` finds to be complete; it gives its length.
    async fn take(&mut self, whole: impl Fn(&[u8]) -> Option<usize>) -> Result<Vec<u8>, Lost> {
        loop {
            match whole(&self.ahead).filter(|length| *length <= self.ahead.len()) {
                Some(length) => return Ok(self.ahead.drain(..length).collect()),
                None => self.fill().await?,
            }
        }
    }

    /// Sends a request and reads the head of its answer, with status and length.
    pub async fn ask(&mut self, request: &str) -> Result<(u16, usize), Lost> {
        self.at = (Place::Unanswered, Place::Head);
        self.send(request.as_bytes()).await?;
        let head = self
            .take(|ahead| Some(find(ahead, b"\r\n\r\n")? + 4))
            .await?;
        let head = String::from_utf8(head).unwrap().to_lowercase();
        let length = head
            .split("\r\n")
            .find_map(|line| line.strip_prefix("content-length: "))
            .map_or(0, |length| length.parse().unwrap());
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        self.at = (Place::Between, Place::Body);
        Ok((status, length))
    }

    pub async fn body(&mut self, length: usize) -> Result<Vec<u8>, Lost> {
        self.at = (Place::Body, Place::Body);
        let body = self.take(|_| Some(length)).await?;
        self.at = (Place::Between, Place::Body);
        Ok(body)
    }

    /// The data of the next chunk (RFC 9112 §7.1).
    pub async fn chunk(&mut self) -> Result<String, Lost> {
        let whole = |ahead: &[u8]| {
            let digits = find(ahead, b"\r\n")?;
            let size = std::str::from_utf8(&ahead[..digits]).unwrap();
            Some(digits + 2 + usize::from_str_radix(size, 16).unwrap() + 2)
        };
        let chunk = String::from_utf8(self.take(whole).await?).unwrap();
        let (_, data) = chunk.split_once("\r\n").unwrap();
        Ok(data.strip_suffix("\r\n").unwrap().to_owned())
    }

    /// Opcode and payload of the server's next frame (RFC 6455 §5.2); none of ours is fragmented.
    pub async fn frame(&mut self) -> Result<(u8, Vec<u8>), Lost> {
        let frame = self
            .take(|ahead| {
                let (before, length) = frame_lengths(ahead)?;
                Some(before + length)
            })
            .await?;
        let (before, _) = frame_lengths(&frame).unwrap();
        assert_eq!(frame[0] & 0xf0, 0x80, "a whole frame without extensions");
        Ok((frame[0] & 0x0f, frame[before..].to_vec()))
    }

    /// Does nothing for so long, unless the connection is lost meanwhile.
    pub async fn rest(&mut self, pause: Duration) -> Result<(), Lost> {
        match timeout(pause, self.stream.read_buf(&mut self.ahead)).await {
            Err(_) => Ok(()),
            Ok(Ok(1..)) => panic!("the server said something unasked: {:?}", self.ahead),
            Ok(_) => Err(self.lost()),
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// Bytes before the payload, and of it.
fn frame_lengths(ahead: &[u8]) -> Option<(usize, usize)> {
    Some(match *ahead.get(1)? {
        126 => (
            4,
            usize::from(u16::from_be_bytes(*ahead.get(2..)?.first_chunk()?)),
        ),
        127 => {
            let length = u64::from_be_bytes(*ahead.get(2..)?.first_chunk()?);
            (10, usize::try_from(length).unwrap())
        }
        short => (2, usize::from(short)),
    })
}

/// A client's frame, masked (RFC 6455 §5.3).
pub fn masked(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode];
    match u8::try_from(payload.len()) {
        Ok(length @ ..126) => frame.push(0x80 | length),
        _ => {
            let length = u16::try_from(payload.len()).expect("no test says more");
            frame.push(0x80 | 126);
            frame.extend(length.to_be_bytes());
        }
    }
    let key: [u8; 4] = rand::random();
    frame.extend(key);
    let masked = payload.iter().zip(key.iter().cycle());
    frame.extend(masked.map(|(byte, key)| byte ^ key));
    frame
}
