//! HTTP/1.1 answers as a client reads them (RFC 9112): heads by httparse, bodies by length, by
//! chunks or to the end. Pure: it looks at bytes and says how many belong to what, so that each can
//! be counted for what it is.

use super::failure::Failure;

/// The head of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub status: u16,
    /// Bytes of the head, its empty line included.
    pub length: usize,
    pub body: Body,
    /// Whether the connection serves another request afterwards.
    pub keep_alive: bool,
    pub is_event_stream: bool,
}

/// The body of an answer, as far as it has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    Done,
    Sized(u64),
    /// Up to the end of the connection.
    ToEnd,
    ChunkLine,
    Chunk(u64),
    ChunkEnd,
    Trailers,
}

/// What the next bytes of a body are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing can be said before more bytes come.
    More,
    /// This many bytes announce a chunk.
    ChunkLine(usize),
    /// This many bytes of content.
    Data(usize),
    /// This many bytes end a chunk or the chunked body.
    ChunkEnd(usize),
    Done,
}

const MAX_HEADERS: usize = 64;
const MAX_HEAD_BYTES: usize = 64 * 1024;
const MAX_LINE_BYTES: usize = 1024;

/// Reads the head at the front of `input`; `None` until all of it is there.
pub fn head(input: &[u8]) -> Result<Option<Head>, Failure> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    match response.parse(input) {
        Ok(httparse::Status::Complete(length)) if length <= MAX_HEAD_BYTES => {
            Ok(Some(understand(&response, length)?))
        }
        Ok(_) if input.len() > MAX_HEAD_BYTES => Err(Failure::Malformed("a head above 64 KiB")),
        Ok(_) => Ok(None),
        Err(_) => Err(Failure::Malformed("no HTTP/1.1 head")),
    }
}

fn understand(response: &httparse::Response<'_, '_>, length: usize) -> Result<Head, Failure> {
    let status = response.code.unwrap_or(0);
    let mut head = Head {
        status,
        length,
        body: Body::ToEnd,
        keep_alive: response.version == Some(1),
        is_event_stream: false,
    };
    for header in response.headers.iter() {
        let is = |name: &str| header.name.eq_ignore_ascii_case(name);
        if is("content-length") && head.body != Body::ChunkLine {
            head.body = Body::Sized(decimal(header.value)?);
        } else if is("transfer-encoding") && has_token(header.value, "chunked") {
            head.body = Body::ChunkLine;
        } else if is("connection") && has_token(header.value, "close") {
            head.keep_alive = false;
        } else if is("content-type") {
            let media_type = header.value.split(|b| *b == b';').next().unwrap_or(&[]);
            head.is_event_stream = media_type
                .trim_ascii()
                .eq_ignore_ascii_case(b"text/event-stream");
        }
    }
    // RFC 9112 §6.3: these never have a body, whatever their headers say.
    if matches!(status, 100..=199 | 204 | 304) || head.body == Body::Sized(0) {
        head.body = Body::Done;
    }
    if head.body == Body::ToEnd {
        head.keep_alive = false;
    }
    Ok(head)
}

/// `Etag` and `Last-Modified` of the whole head at the front of `input`, if it has both.
pub fn validators(input: &[u8]) -> Option<(String, String)> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    response.parse(input).ok()?;
    let of = |name: &str| {
        let mut all = response.headers.iter();
        let found = all.find(|header| header.name.eq_ignore_ascii_case(name))?;
        Some(std::str::from_utf8(found.value).ok()?.to_owned())
    };
    Some((of("etag")?, of("last-modified")?))
}

fn has_token(value: &[u8], token: &str) -> bool {
    value
        .split(|b| *b == b',')
        .any(|part| part.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

fn decimal(value: &[u8]) -> Result<u64, Failure> {
    let text = std::str::from_utf8(value.trim_ascii()).unwrap_or("");
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Failure::Malformed("a Content-Length that is no number"));
    }
    text.parse()
        .map_err(|_| Failure::Malformed("a Content-Length above 64 bits"))
}

impl Body {
    /// Looks at the front of `input`. The bytes of the step are used up; the caller takes them away
    /// before it asks again.
    pub fn step(&mut self, input: &[u8]) -> Result<Step, Failure> {
        match self {
            Body::Done => Ok(Step::Done),
            _ if input.is_empty() => Ok(Step::More),
            Body::ToEnd => Ok(Step::Data(input.len())),
            Body::Sized(left) => {
                let (run, rest) = run(*left, input.len());
                *self = if rest == 0 {
                    Body::Done
                } else {
                    Body::Sized(rest)
                };
                Ok(Step::Data(run))
            }
            Body::Chunk(left) => {
                let (run, rest) = run(*left, input.len());
                *self = if rest == 0 {
                    Body::ChunkEnd
                } else {
                    Body::Chunk(rest)
                };
                Ok(Step::Data(run))
            }
            Body::ChunkLine => self.chunk_line(input),
            Body::ChunkEnd => self.chunk_end(input),
            Body::Trailers => self.trailer(input),
        }
    }

    fn chunk_line(&mut self, input: &[u8]) -> Result<Step, Failure> {
        let Some(length) = line(input)? else {
            return Ok(Step::More);
        };
        // A chunk extension follows a semicolon and means nothing to us.
        let size = input[..length].split(|b| *b == b';').next().unwrap_or(&[]);
        let size = std::str::from_utf8(size.trim_ascii()).unwrap_or("");
        if size.starts_with('+') {
            return Err(Failure::Malformed("a chunk size with a sign"));
        }
        *self = match u64::from_str_radix(size, 16) {
            Ok(0) => Body::Trailers,
            Ok(size) => Body::Chunk(size),
            Err(_) => return Err(Failure::Malformed("a chunk without a size")),
        };
        Ok(Step::ChunkLine(length))
    }

    fn chunk_end(&mut self, input: &[u8]) -> Result<Step, Failure> {
        if input.len() < 2 {
            return Ok(Step::More);
        }
        if !input.starts_with(b"\r\n") {
            return Err(Failure::Malformed("a chunk longer than announced"));
        }
        *self = Body::ChunkLine;
        Ok(Step::ChunkEnd(2))
    }

    fn trailer(&mut self, input: &[u8]) -> Result<Step, Failure> {
        let Some(length) = line(input)? else {
            return Ok(Step::More);
        };
        if input[..length].trim_ascii().is_empty() {
            *self = Body::Done;
        }
        Ok(Step::ChunkEnd(length))
    }
}

fn run(left: u64, available: usize) -> (usize, u64) {
    let run = usize::try_from(left).map_or(available, |left| left.min(available));
    (run, left - run as u64)
}

/// Bytes up to and with the next line feed. A line is as long as it may be however it comes.
fn line(input: &[u8]) -> Result<Option<usize>, Failure> {
    let input = &input[..input.len().min(MAX_LINE_BYTES + 1)];
    match memchr::memchr(b'\n', input) {
        Some(at) => Ok(Some(at + 1)),
        None if input.len() > MAX_LINE_BYTES => Err(Failure::Malformed("a chunk line above 1 KiB")),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads one answer that comes in runs of `size` bytes: (status, content, framing, rest).
    fn read(bytes: &[u8], size: usize) -> (u16, Vec<u8>, usize, usize) {
        let (mut buffer, mut body, mut status) = (Vec::new(), None::<Body>, 0);
        let (mut content, mut framing, mut used) = (Vec::new(), 0, 0);
        for run in bytes.chunks(size) {
            buffer.extend_from_slice(run);
            if body.is_none() {
                let Some(found) = head(&buffer).unwrap() else {
                    continue;
                };
                buffer.drain(..found.length);
                used += found.length;
                (body, status) = (Some(found.body), found.status);
            }
            let body = body.as_mut().unwrap();
            loop {
                let taken = match body.step(&buffer).unwrap() {
                    Step::More | Step::Done => break,
                    Step::Data(taken) => {
                        content.extend_from_slice(&buffer[..taken]);
                        taken
                    }
                    Step::ChunkLine(taken) | Step::ChunkEnd(taken) => {
                        framing += taken;
                        taken
                    }
                };
                buffer.drain(..taken);
                used += taken;
            }
        }
        (status, content, framing, bytes.len() - used)
    }

    #[test]
    fn bodies_are_read_alike_wherever_reads_are_split() {
        let cases: [(&str, u16, &str, usize, usize); 6] = [
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP",
                200,
                "hello",
                0,
                4,
            ),
            (
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=1\r\n0123456789\r\n0\r\n\r\n",
                200,
                "hello0123456789",
                3 + 2 + 7 + 2 + 3 + 2,
                0,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n!\r\n0\r\nTrailer: x\r\n\r\nrest",
                200,
                "!",
                3 + 2 + 3 + 12 + 2,
                4,
            ),
            (
                "HTTP/1.1 204 No Content\r\nETag: \"e-9\"\r\n\r\nHTTP/1.1",
                204,
                "",
                0,
                8,
            ),
            (
                "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
                304,
                "",
                0,
                0,
            ),
            ("HTTP/1.0 200 OK\r\n\r\nto the end", 200, "to the end", 0, 0),
        ];
        for (text, status, content, framing, rest) in cases {
            for size in 1..=text.len() {
                assert_eq!(
                    read(text.as_bytes(), size),
                    (status, content.as_bytes().to_vec(), framing, rest),
                    "{text:?} in runs of {size}"
                );
            }
        }
    }

    #[test]
    fn heads_tell_what_follows() {
        let parse = |text: &str| head(text.as_bytes()).unwrap().unwrap();
        let closing = parse("HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 1\r\n\r\n");
        assert!(!closing.keep_alive);
        assert!(parse("HTTP/1.1 204 x\r\n\r\n").keep_alive);
        assert!(!parse("HTTP/1.1 200 x\r\n\r\n").keep_alive);
        assert!(!parse("HTTP/1.0 204 x\r\n\r\n").keep_alive);
        let both =
            b"HTTP/1.1 200 x\r\nLast-Modified: Sat, 21 Nov 2026 23:07:33 GMT\r\nEtag: 0\r\n\r\n";
        let expected = ("0".to_owned(), "Sat, 21 Nov 2026 23:07:33 GMT".to_owned());
        assert_eq!(validators(both), Some(expected));
        assert_eq!(validators(b"HTTP/1.1 200 x\r\nEtag: 0\r\n\r\n"), None);
        let sse = parse("HTTP/1.1 200 x\r\nContent-Type: text/event-stream; charset=x\r\n\r\n");
        assert!(sse.is_event_stream);
        assert!(!parse("HTTP/1.1 200 x\r\nContent-Type: text/plain\r\n\r\n").is_event_stream);
    }

    #[test]
    fn nonsense_is_an_error_and_not_a_guess() {
        assert!(head(b"SSH-2.0-OpenSSH\r\n\r\n").is_err());
        assert!(head(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n").is_err());
        for line in ["g\r\n", "+5\r\n", "\r\n", "fffffffffffffffff\r\n"] {
            assert!(Body::ChunkLine.step(line.as_bytes()).is_err(), "{line:?}");
        }
        assert!(Body::ChunkEnd.step(b"xy").is_err());
        assert!(Body::ChunkLine.step(&[b'1'; 2000]).is_err());
        // The same whether or not its end has come already.
        let mut long = vec![b'0'; 2000];
        long.extend(b"\r\n");
        assert!(Body::ChunkLine.step(&long).is_err());
        assert!(Body::Trailers.step(&long).is_err());
    }
}
