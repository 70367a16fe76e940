//! One accepted connection: bytes in and out, both counted, and requests read off them by httparse.
//! Blocking, one thread a connection.

use super::Shared;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering;

pub struct Line {
    stream: TcpStream,
    shared: Arc<Shared>,
    input: Vec<u8>,
}

/// What of a request bears on the answer.
#[derive(Debug, Default)]
pub struct Request {
    pub method: String,
    /// Without the query.
    pub path: String,
    pub query: String,
    pub last_event_id: Option<String>,
    pub websocket_key: Option<String>,
    pub body: Vec<u8>,
}

impl Request {
    /// The value of `name` in the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut pairs = self
            .query
            .split('&')
            .filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

impl Line {
    pub fn new(stream: TcpStream, shared: Arc<Shared>) -> io::Result<Line> {
        stream.set_nodelay(true)?;
        Ok(Line {
            stream,
            shared,
            input: Vec::new(),
        })
    }

    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.shared.thaw();
        // Counted first: the peer may look at the count as soon as it has the bytes.
        let sent = &self.shared.sent;
        sent.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        self.stream.write_all(bytes)
    }

    /// 0 is the end.
    fn read(&mut self) -> io::Result<usize> {
        let mut buffer = [0; 8192];
        let read = self.stream.read(&mut buffer)?;
        self.shared
            .received
            .fetch_add(read as u64, Ordering::SeqCst);
        self.input.extend_from_slice(&buffer[..read]);
        Ok(read)
    }

    /// `None` when the peer has nothing more to ask.
    pub fn request(&mut self) -> io::Result<Option<Request>> {
        loop {
            if let Some((request, length)) = parse(&self.input)? {
                self.input.drain(..length);
                self.shared.thaw();
                return Ok(Some(request));
            }
            if self.read()? == 0 {
                return Ok(None);
            }
        }
    }

    /// What the peer has said unasked, without waiting for it; `None` when it has ended.
    pub fn said(&mut self) -> io::Result<Option<&[u8]>> {
        self.stream.set_nonblocking(true)?;
        let read = self.read();
        self.stream.set_nonblocking(false)?;
        match read {
            Ok(0) => Ok(None),
            Ok(_) => Ok(Some(&self.input)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(Some(&self.input)),
            Err(error) => Err(error),
        }
    }

    /// Breaks off where it is.
    pub fn cut(&mut self) -> io::Result<()> {
        self.shared.cuts.fetch_add(1, Ordering::SeqCst);
        self.stream.shutdown(Shutdown::Both)
    }

    /// Ends its own side and waits for the peer to end the other.
    pub fn close(&mut self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)?;
        while self.read()? > 0 {}
        Ok(())
    }
}

/// A whole request and its length.
fn parse(input: &[u8]) -> io::Result<Option<(Request, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut parsed = httparse::Request::new(&mut headers);
    let bad = |_| io::Error::from(ErrorKind::InvalidData);
    let httparse::Status::Complete(head) = parsed.parse(input).map_err(bad)? else {
        return Ok(None);
    };
    let value = |name: &str| {
        let mut found = parsed.headers.iter();
        let header = found.find(|header| header.name.eq_ignore_ascii_case(name))?;
        String::from_utf8(header.value.to_vec()).ok()
    };
    let length: usize = value("content-length").map_or(0, |text| text.parse().unwrap());
    let Some(body) = input.get(head..head + length) else {
        return Ok(None);
    };
    let target = parsed.path.unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let request = Request {
        method: parsed.method.unwrap().to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        last_event_id: value("last-event-id"),
        websocket_key: value("sec-websocket-key"),
        body: body.to_vec(),
    };
    Ok(Some((request, head + length)))
}
