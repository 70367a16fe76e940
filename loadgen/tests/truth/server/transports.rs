//! Five ways of reading a room of the truth server. Each hands out whole events or, where its
//! script cuts, the first half of one.

use super::line::{Line, Request};
use super::room::{Entry, Room};
use super::script::Script;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

pub struct Reader<'a> {
    pub room: Arc<Room>,
    pub script: &'a Script,
    pub line: &'a mut Line,
}

/// How long a stream waits for events before it looks whether its client is still there.
const LOOK: Duration = Duration::from_millis(100);

/// The wire form of one event on a stream.
type Frame = fn(&Entry, bool) -> Vec<u8>;

impl Reader<'_> {
    /// Whether the connection serves another request; `answered` counts its answers with events.
    pub fn serve(
        mut self,
        segment: &str,
        request: &Request,
        answered: &mut u64,
    ) -> io::Result<bool> {
        match segment {
            "poll" => self.poll(request, Duration::ZERO, answered),
            "long-poll" => self.poll(request, hold(request), answered),
            "stream" => {
                let place = self.begin_stream("application/x-ndjson", request)?;
                if !self.script.bare {
                    let hello = hello(place) + "\n";
                    self.line.write(&chunk(hello.as_bytes()))?;
                }
                self.follow(place, line)
            }
            "sse" => {
                let place = self.begin_stream("text/event-stream", request)?;
                if !self.script.bare {
                    let hello = format!("id: t-{place}\ndata: {}\n\n", hello(place));
                    self.line.write(&chunk(hello.as_bytes()))?;
                }
                self.follow(place, block)
            }
            "ws" => {
                let place = self.upgrade(request)?;
                self.follow(place, frame)
            }
            _ => Ok(false),
        }
    }

    /// Where the request wants to go on; from now on, if it does not say.
    fn place(&self, request: &Request) -> Option<u64> {
        let cursor = (request.last_event_id.as_deref()).or_else(|| request.parameter("cursor"))?;
        cursor.trim_start_matches("t-").parse().ok()
    }

    fn poll(&mut self, request: &Request, hold: Duration, answered: &mut u64) -> io::Result<bool> {
        let Some(place) = self.place(request) else {
            let here = self.room.end();
            let body = format!(r#"{{"cursor":"t-{here}","missed":0,"events":[]}}"#);
            self.line.write(&answer(body.as_bytes()))?;
            return Ok(true);
        };
        let until = Instant::now() + hold;
        let mut entries;
        loop {
            let look = until.min(Instant::now() + LOOK);
            entries = self.room.after(place, look);
            if !entries.is_empty() || look == until {
                break;
            }
            if self.line.said()?.is_none() {
                return Ok(false);
            }
        }
        if entries.is_empty() {
            self.line.write(b"HTTP/1.1 204 No Content\r\n\r\n")?;
            return Ok(true);
        }
        let whole = answer(&batch(&entries, self.script.bare));
        if *answered > 0 && entries.iter().any(|entry| self.is_cut_at(entry)) {
            self.line
                .write(&whole[..whole.len() - entries[0].data.len() / 2])?;
            self.line.cut()?;
            return Ok(false);
        }
        *answered += 1;
        self.line.write(&whole)?;
        Ok(true)
    }

    fn is_cut_at(&self, entry: &Entry) -> bool {
        (self.script.cut_every).is_some_and(|every| entry.place.is_multiple_of(every))
    }

    fn begin_stream(&mut self, media_type: &str, request: &Request) -> io::Result<u64> {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {media_type}\r\nTransfer-Encoding: chunked\r\n\r\n"
        );
        self.line.write(head.as_bytes())?;
        Ok(self.place(request).unwrap_or_else(|| self.room.end()))
    }

    fn upgrade(&mut self, request: &Request) -> io::Result<u64> {
        let key = request.websocket_key.as_deref().unwrap_or_default();
        let accept = derive_accept_key(key.as_bytes());
        let mut head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        )
        .into_bytes();
        let place = self.place(request).unwrap_or_else(|| self.room.end());
        if !self.script.bare {
            head.extend(text_frame(hello(place).as_bytes()));
        }
        self.line.write(&head)?;
        Ok(place)
    }

    /// Event after event, until the client goes or the script cuts.
    fn follow(&mut self, mut place: u64, frame: Frame) -> io::Result<bool> {
        let begun = place;
        loop {
            for entry in self.room.after(place, Instant::now() + LOOK) {
                let whole = frame(&entry, self.script.bare);
                if place > begun && self.is_cut_at(&entry) {
                    self.line.write(&whole[..whole.len() / 2])?;
                    self.line.cut()?;
                    return Ok(false);
                }
                self.line.write(&whole)?;
                place = entry.place;
            }
            match self.line.said()? {
                // A masked close frame, which is answered in kind.
                Some([0x88, ..]) => {
                    self.line.write(&[0x88, 0])?;
                    self.line.close()?;
                    return Ok(false);
                }
                Some(_) => {}
                None => return Ok(false),
            }
        }
    }
}

fn hold(request: &Request) -> Duration {
    let text = request.parameter("hold").unwrap_or("25s");
    match text.strip_suffix("ms") {
        Some(number) => Duration::from_millis(number.parse().unwrap()),
        None => Duration::from_secs(text.trim_end_matches('s').parse().unwrap()),
    }
}

fn hello(place: u64) -> String {
    format!(r#"{{"type":"hello","cursor":"t-{place}","missed":0}}"#)
}

/// The event object, or its data alone.
fn event(entry: &Entry, bare: bool) -> Vec<u8> {
    if bare {
        return entry.data.to_vec();
    }
    let open = format!(r#"{{"id":{},"type":"chat","data":"#, entry.place);
    [open.as_bytes(), &entry.data, b"}"].concat()
}

fn batch(entries: &[Entry], bare: bool) -> Vec<u8> {
    let events: Vec<Vec<u8>> = entries.iter().map(|entry| event(entry, bare)).collect();
    if bare {
        return events.join(&b'\n');
    }
    let place = entries.last().map_or(0, |entry| entry.place);
    let open = format!(r#"{{"cursor":"t-{place}","missed":0,"events":["#);
    [open.as_bytes(), &events.join(&b','), b"]}"].concat()
}

fn answer(body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn chunk(content: &[u8]) -> Vec<u8> {
    let line = format!("{:x}\r\n", content.len());
    [line.as_bytes(), content, b"\r\n"].concat()
}

fn line(entry: &Entry, bare: bool) -> Vec<u8> {
    let mut line = event(entry, bare);
    line.push(b'\n');
    chunk(&line)
}

fn block(entry: &Entry, bare: bool) -> Vec<u8> {
    let id = match bare {
        true => String::new(),
        false => format!("id: t-{}\n", entry.place),
    };
    let event = event(entry, bare);
    chunk(&[id.as_bytes(), b"data: ", &event, b"\n\n"].concat())
}

fn frame(entry: &Entry, bare: bool) -> Vec<u8> {
    text_frame(&event(entry, bare))
}

/// RFC 6455 §5.2: the length in 7 bits, in 16 or in 64.
fn text_frame(content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut frame = vec![0x81];
    match length {
        0..=125 => frame.push(length as u8),
        126..=65_535 => {
            frame.push(126);
            frame.extend((length as u16).to_be_bytes());
        }
        _ => {
            frame.push(127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    [frame, content.to_vec()].concat()
}
