//! A client's HTTP connection: requests out, answers in, each byte read given to its kind once it
//! is understood. What a cut leaves half read counts as framing; a request that was never answered
//! keeps the kind it was written as.

use super::failure::Failure;
use super::http1::{self, Body, Head, Step};
use super::metered::Metered;
use crate::totals::{Kind, Totals, Traffic};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};

/// One buffer that all connections of a thread read into: idle ones own no memory.
pub type Scratch = Rc<RefCell<Box<[u8]>>>;

/// Large enough that a short read shows the socket to be empty, which spares asking it again.
pub fn scratch() -> Scratch {
    Rc::new(RefCell::new(vec![0; 64 * 1024].into_boxed_slice()))
}

/// Above this an empty buffer is given back.
const KEPT_CAPACITY: usize = 4096;
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);
const MAX_BODY_BYTES: usize = 256 * 1024 * 1024;

pub struct Connection {
    stream: Metered,
    scratch: Scratch,
    buffer: Vec<u8>,
    start: usize,
    /// Bytes read, taken and not yet given to a kind.
    open: Cell<u64>,
    validators: Validators,
}

/// `Etag` and `Last-Modified` of the last answer, where somebody asks for them.
#[derive(Default)]
enum Validators {
    #[default]
    Unasked,
    Asked(Option<Box<(String, String)>>),
}

/// An answer whose body has been read; none of its bytes has a kind yet.
#[derive(Clone, Copy, Debug)]
pub struct Answer {
    pub status: u16,
    pub keep_alive: bool,
    pub head_bytes: u64,
    pub chunk_bytes: u64,
}

impl Connection {
    pub fn new(stream: Metered, scratch: Scratch) -> Self {
        Connection {
            stream,
            scratch,
            buffer: Vec::new(),
            start: 0,
            open: Cell::new(0),
            validators: Validators::Unasked,
        }
    }

    fn totals(&self) -> &Totals {
        &self.stream.tally().totals
    }

    fn traffic(&self) -> Traffic {
        self.stream.tally().traffic
    }

    /// Gives `bytes` of what was read to `kind`.
    pub fn count(&self, kind: Kind, bytes: u64) {
        self.open.set(self.open.get() - bytes);
        self.totals().count(self.traffic(), kind, bytes);
    }

    /// Bytes written as `from` turned out to be `to`.
    pub fn shift(&self, from: Kind, to: Kind, bytes: u64) {
        self.totals().shift(self.traffic(), from, to, bytes);
    }

    pub async fn send(&mut self, bytes: &[u8], kind: Kind) -> Result<(), Failure> {
        self.stream.write_as(kind);
        Ok(self.stream.write_all(bytes).await?)
    }

    /// What is asked and answered from now on serves this; nothing may be under way.
    pub fn serves(&mut self, traffic: Traffic) {
        self.stream.serves(traffic);
    }

    fn input(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Takes bytes from the input; they wait for [`Connection::count`].
    fn take(&mut self, bytes: usize) {
        self.open.set(self.open.get() + bytes as u64);
        self.advance(bytes);
    }

    fn advance(&mut self, bytes: usize) {
        self.start += bytes;
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
            if self.buffer.capacity() > KEPT_CAPACITY {
                self.buffer = Vec::new();
            }
        }
    }

    /// Waits for more bytes; 0 is the end of the stream.
    async fn fill(&mut self) -> io::Result<usize> {
        poll_fn(|cx| {
            let mut scratch = self.scratch.borrow_mut();
            let mut read = ReadBuf::new(&mut scratch);
            match Pin::new(&mut self.stream).poll_read(cx, &mut read) {
                Poll::Ready(Ok(())) => {
                    self.buffer.extend_from_slice(read.filled());
                    Poll::Ready(Ok(read.filled().len()))
                }
                Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    }

    /// From now on heads are read for them.
    pub fn keep_validators(&mut self) {
        if let Validators::Unasked = self.validators {
            self.validators = Validators::Asked(None);
        }
    }

    pub fn take_validators(&mut self) -> Option<(String, String)> {
        match &mut self.validators {
            Validators::Unasked => None,
            Validators::Asked(found) => found.take().map(|found| *found),
        }
    }

    /// Whether the server has closed the idle connection, or said something unasked. Does not wait.
    pub async fn has_ended(&mut self) -> bool {
        let ended = tokio::select! {
            biased;
            _ = self.fill() => true,
            () = std::future::ready(()) => false,
        };
        ended || !self.input().is_empty()
    }

    async fn fill_or_fail(&mut self) -> Result<(), Failure> {
        match self.fill().await? {
            0 => Err(Failure::Ended),
            _ => Ok(()),
        }
    }

    /// Waits for the head of an answer and takes it; interim answers (1xx) are skipped as framing.
    pub async fn head(&mut self) -> Result<Head, Failure> {
        loop {
            match http1::head(self.input())? {
                Some(head) if (100..200).contains(&head.status) => {
                    self.take(head.length);
                    self.count(Kind::Framing, head.length as u64);
                }
                Some(head) => {
                    if let Validators::Asked(_) = self.validators {
                        let found = http1::validators(self.input());
                        self.validators = Validators::Asked(found.map(Box::new));
                    }
                    self.take(head.length);
                    return Ok(head);
                }
                None => self.fill_or_fail().await?,
            }
        }
    }

    /// Reads a whole answer; its content goes into `content`.
    pub async fn answer(&mut self, content: &mut Vec<u8>) -> Result<Answer, Failure> {
        content.clear();
        let head = self.head().await?;
        let mut body = head.body;
        let mut answer = Answer {
            status: head.status,
            keep_alive: head.keep_alive,
            head_bytes: head.length as u64,
            chunk_bytes: 0,
        };
        loop {
            match body.step(self.input())? {
                Step::Done => return Ok(answer),
                Step::Data(bytes) => {
                    content.extend_from_slice(&self.input()[..bytes]);
                    self.take(bytes);
                }
                Step::ChunkLine(bytes) | Step::ChunkEnd(bytes) => {
                    answer.chunk_bytes += bytes as u64;
                    self.take(bytes);
                }
                Step::More if content.len() > MAX_BODY_BYTES => {
                    return Err(Failure::Malformed("a body above 256 MiB"));
                }
                Step::More => match self.fill().await? {
                    0 if body == Body::ToEnd => return Ok(answer),
                    0 => return Err(Failure::Ended),
                    _ => {}
                },
            }
        }
    }

    /// Hands the content of an endless body to `on_data` as it comes, until the body ends.
    pub async fn stream(
        &mut self,
        mut body: Body,
        mut on_data: impl FnMut(&[u8], &mut Share<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut chunk = Chunk::default();
        loop {
            match body.step(self.input())? {
                Step::Done => return Ok(()),
                Step::More => self.fill_or_fail().await?,
                Step::ChunkLine(bytes) => {
                    self.take(bytes);
                    chunk.began(bytes as u64);
                }
                Step::ChunkEnd(bytes) => {
                    self.take(bytes);
                    if let Some(kind) = chunk.ended(bytes as u64) {
                        self.count(kind, bytes as u64);
                    }
                }
                Step::Data(bytes) => {
                    // Content may wait for its other half, so it is open from here on.
                    self.open.set(self.open.get() + bytes as u64);
                    let mut share = Share {
                        connection: self,
                        chunk: &mut chunk,
                    };
                    let result = on_data(&self.input()[..bytes], &mut share);
                    self.advance(bytes);
                    result?;
                }
            }
        }
    }

    /// Says that nothing more will be asked and reads what is left to the end.
    pub async fn close(mut self) -> Result<(), Failure> {
        let patience = CLOSE_PATIENCE + self.stream.on_the_way();
        let end = async {
            self.stream.shutdown().await?;
            loop {
                let left = self.buffer.len() - self.start;
                self.take(left);
                if self.fill().await? == 0 {
                    return Ok::<(), io::Error>(());
                }
            }
        };
        match tokio::time::timeout(patience, end).await {
            Ok(result) => Ok(result?),
            Err(_) => Err(Failure::TimedOut),
        }
    }

    /// Cuts the connection.
    pub fn reset(self) {
        self.stream.reset_on_close();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let rest = self.open.get() + (self.buffer.len() - self.start) as u64;
        self.totals().count(self.traffic(), Kind::Framing, rest);
    }
}

/// Gives the bytes of a stream to their kinds, the framing of chunks included: a chunk's framing is
/// of the kind of the first message that ends in it.
pub struct Share<'a> {
    connection: &'a Connection,
    chunk: &'a mut Chunk,
}

impl Share<'_> {
    pub fn count(&mut self, kind: Kind, bytes: u64) {
        self.connection.count(kind, bytes);
    }

    /// A message that was carried as `kind` has ended.
    pub fn message(&mut self, kind: Kind) {
        let held = self.chunk.carried(kind);
        self.connection.count(kind, held);
    }
}

/// Framing of the current chunk, and whose it is.
#[derive(Debug, Default)]
struct Chunk {
    held: u64,
    kind: Option<Kind>,
}

impl Chunk {
    fn began(&mut self, bytes: u64) {
        self.held += bytes;
        self.kind = None;
    }

    fn carried(&mut self, kind: Kind) -> u64 {
        self.kind.get_or_insert(kind);
        std::mem::take(&mut self.held)
    }

    /// The kind of the end's bytes, unless they wait for the message's end too.
    fn ended(&mut self, bytes: u64) -> Option<Kind> {
        if self.kind.is_none() {
            self.held += bytes;
        }
        self.kind
    }
}
