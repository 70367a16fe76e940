//! Decodes `text/event-stream` as a browser does (WHATWG HTML §9.2.6), whatever the reads' cuts,
//! and says how many bytes of each block were data, comment or neither. It only decodes: the server
//! has its own encoder.

/// What ends at an empty line.
#[derive(Debug, PartialEq, Eq)]
pub struct Block<'a> {
    /// The `data` lines, joined by line feeds; `None` if the block had none: nothing is dispatched.
    pub data: Option<&'a [u8]>,
    /// `message` unless the block says otherwise.
    pub event: &'a [u8],
    /// The last event id of the stream, as it stands after this block.
    pub id: &'a [u8],
    /// Bytes on the wire of the whole block, its empty line included.
    pub bytes: u64,
    /// Of these, values of `data` lines.
    pub data_bytes: u64,
    /// Of these, comment lines with their ends.
    pub comment_bytes: u64,
}

impl Block<'_> {
    /// Comments and empty lines only.
    pub fn is_heartbeat(&self) -> bool {
        self.data.is_none() && self.comment_bytes > 0
    }
}

/// The state of one stream.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The part of a line that came without its end.
    partial: Vec<u8>,
    /// The last byte was a CR: a LF that follows belongs to it.
    after_cr: bool,
    /// The first line has been seen, so a BOM is no longer dropped.
    begun: bool,
    data: Vec<u8>,
    has_data: bool,
    event: Vec<u8>,
    /// The id as this block would have it, and as the last whole block left it.
    id: Vec<u8>,
    dispatched_id: Vec<u8>,
    retry_ms: Option<u64>,
    bytes: u64,
    data_bytes: u64,
    comment_bytes: u64,
}

const BOM: &[u8] = b"\xEF\xBB\xBF";

impl Decoder {
    /// The reconnection time that the stream asked for.
    pub fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }

    /// The id to send as `Last-Event-ID`: that of the last block that ended.
    pub fn last_event_id(&self) -> &[u8] {
        &self.dispatched_id
    }

    /// Takes the next bytes and hands each block that ends in them to `on_block`.
    pub fn decode(&mut self, mut input: &[u8], mut on_block: impl FnMut(Block<'_>)) {
        if self.after_cr && !input.is_empty() {
            self.after_cr = false;
            if input[0] == b'\n' {
                // Half of a CRLF: it belongs to the line that the CR ended.
                self.bytes += 1;
                input = &input[1..];
            }
        }
        while let Some(at) = memchr::memchr2(b'\r', b'\n', input) {
            let mut end = at + 1;
            if input[at] == b'\r' {
                match input.get(end) {
                    Some(b'\n') => end += 1,
                    Some(_) => {}
                    None => self.after_cr = true,
                }
            }
            self.end_line(&input[..at], end - at, &mut on_block);
            input = &input[end..];
        }
        self.partial.extend_from_slice(input);
    }

    fn end_line(&mut self, rest: &[u8], end: usize, on_block: &mut impl FnMut(Block<'_>)) {
        if self.partial.is_empty() {
            self.line(rest, end, on_block);
        } else {
            let mut line = std::mem::take(&mut self.partial);
            line.extend_from_slice(rest);
            self.line(&line, end, on_block);
            line.clear();
            self.partial = line;
        }
    }

    fn line(&mut self, whole: &[u8], end: usize, on_block: &mut impl FnMut(Block<'_>)) {
        let wire = (whole.len() + end) as u64;
        self.bytes += wire;
        let mut line = whole;
        if !std::mem::replace(&mut self.begun, true) {
            line = line.strip_prefix(BOM).unwrap_or(line);
        }
        if line.is_empty() {
            self.dispatch(on_block);
        } else if line[0] == b':' {
            self.comment_bytes += wire;
        } else {
            let colon = memchr::memchr(b':', line);
            let (name, value) = match colon {
                Some(at) => (&line[..at], &line[at + 1..]),
                None => (line, &line[line.len()..]),
            };
            self.field(name, value.strip_prefix(b" ").unwrap_or(value));
        }
    }

    fn field(&mut self, name: &[u8], value: &[u8]) {
        match name {
            b"data" => {
                if self.has_data {
                    self.data.push(b'\n');
                }
                self.has_data = true;
                self.data.extend_from_slice(value);
                self.data_bytes += value.len() as u64;
            }
            b"event" => value.clone_into(&mut self.event),
            b"id" if !value.contains(&0) => value.clone_into(&mut self.id),
            b"retry" if !value.is_empty() && value.iter().all(u8::is_ascii_digit) => {
                let text = std::str::from_utf8(value).unwrap_or("");
                self.retry_ms = text.parse().ok().or(self.retry_ms);
            }
            _ => {}
        }
    }

    fn dispatch(&mut self, on_block: &mut impl FnMut(Block<'_>)) {
        self.id.clone_into(&mut self.dispatched_id);
        on_block(Block {
            data: self.has_data.then_some(&self.data[..]),
            event: if self.event.is_empty() {
                b"message"
            } else {
                &self.event
            },
            id: &self.dispatched_id,
            bytes: self.bytes,
            data_bytes: self.data_bytes,
            comment_bytes: self.comment_bytes,
        });
        self.data.clear();
        self.event.clear();
        self.has_data = false;
        (self.bytes, self.data_bytes, self.comment_bytes) = (0, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (event, data, id) of each message, read in runs of `size` bytes.
    fn read(text: &[u8], size: usize) -> (Vec<(String, String, String)>, Decoder) {
        let mut messages = Vec::new();
        let mut decoder = Decoder::default();
        let owned = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        for run in text.chunks(size) {
            decoder.decode(run, |block| {
                if let Some(data) = block.data {
                    messages.push((owned(block.event), owned(data), owned(block.id)));
                }
            });
        }
        (messages, decoder)
    }

    fn messages(text: &str) -> Vec<(String, String, String)> {
        let (whole, _) = read(text.as_bytes(), text.len().max(1));
        for size in 1..text.len() {
            assert_eq!(
                read(text.as_bytes(), size).0,
                whole,
                "{text:?} in runs of {size}"
            );
        }
        whole
    }

    fn data(text: &str) -> Vec<String> {
        messages(text)
            .into_iter()
            .map(|(_, data, _)| data)
            .collect()
    }

    /// After web-platform-tests `eventsource/`.
    #[test]
    fn data_is_read_as_browsers_read_it() {
        let cases: [(&str, &[&str]); 22] = [
            ("data:a\n\n", &["a"]),
            ("data: a\r\n\r\n", &["a"]),
            ("data:\ta\r\r", &["\ta"]),
            ("data:  a\n\n", &[" a"]),
            ("data\n\n", &[""]),
            ("data:\n\n", &[""]),
            ("data\ndata\n\n", &["\n"]),
            ("data:a\ndata:b\n\n", &["a\nb"]),
            ("data:a\r\ndata:b\ndata:c\rdata:d\r\n\n", &["a\nb\nc\nd"]),
            ("data:a\n\ndata:b\r\rdata:c\r\n\r\n", &["a", "b", "c"]),
            ("\u{feff}data:a\n\n", &["a"]),
            ("\u{feff}\u{feff}data:a\n\n", &[]),
            ("data:a\n\n\u{feff}data:b\n\n", &["a"]),
            (":\0 comment\ndata:a\n:x\r\n\n", &["a"]),
            ("Data:a\ndata\0:b\n data:c\nda-ta:d\ndata_5:e\n\n", &[]),
            ("data:unfinished\n", &[]),
            ("data:a\ndata\ndata:b\n\n", &["a\n\nb"]),
            ("data:峡谷\n\n", &["峡谷"]),
            ("\n\n\n", &[]),
            ("data:a:b\n\n", &["a:b"]),
            ("retry:1000\ndata:x\n\n", &["x"]),
            ("data:one\u{2028}line\n\n", &["one\u{2028}line"]),
        ];
        for (text, expected) in cases {
            assert_eq!(data(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_long_comment_passes() {
        let text = format!(":{}\r\rdata:a\n\n", "x".repeat(2048));
        assert_eq!(data(&text), ["a"]);
    }

    #[test]
    fn ids_persist_change_reset_and_refuse_nul() {
        let ids = |text: &str| -> Vec<String> {
            messages(text).into_iter().map(|(_, _, id)| id).collect()
        };
        assert_eq!(ids("id:1\ndata:a\n\ndata:b\n\n"), ["1", "1"]);
        assert_eq!(ids("id:1\ndata:a\n\nid:2\ndata:b\n\n"), ["1", "2"]);
        assert_eq!(ids("id:1\ndata:a\n\nid\ndata:b\n\n"), ["1", ""]);
        for bad in ["x\0", "\0x", " \0"] {
            assert_eq!(
                ids(&format!("id:…\ndata:a\n\nid:{bad}\ndata:b\n\n")),
                ["…", "…"]
            );
        }
        // An id alone sets the id; an unfinished block does not.
        let (_, decoder) = read(b"id:7\n\nid:8\ndata:x\n", 3);
        assert_eq!(decoder.last_event_id(), b"7");
    }

    #[test]
    fn events_are_messages_unless_named() {
        let events = |text: &str| -> Vec<String> {
            messages(text)
                .into_iter()
                .map(|(event, _, _)| event)
                .collect()
        };
        assert_eq!(events("data:a\n\n"), ["message"]);
        assert_eq!(events("event:\ndata:a\n\n"), ["message"]);
        assert_eq!(events("event:x\ndata:a\n\ndata:b\n\n"), ["x", "message"]);
        assert_eq!(events("event:x\n\ndata:b\n\n"), ["message"]);
    }

    #[test]
    fn retry_takes_digits_only() {
        for (text, retry) in [
            ("retry:1000\n\n", Some(1000)),
            ("retry:3000\nretry:1000x\n\n", Some(3000)),
            ("retry:3000\nretry\n\n", Some(3000)),
            ("retry:+5\n\n", None),
        ] {
            assert_eq!(read(text.as_bytes(), 1).1.retry_ms(), retry, "{text:?}");
        }
    }

    #[test]
    fn bytes_are_counted_by_part() {
        let text = b"\xEF\xBB\xBF:hi\r\nid:7\ndata: ab\ndata:c\r\n\r\n:\n\n";
        for size in 1..text.len() {
            let mut decoder = Decoder::default();
            let (mut bytes, mut data_bytes, mut comment_bytes) = (0, 0, 0);
            for run in text.chunks(size) {
                decoder.decode(run, |block| {
                    bytes += block.bytes;
                    data_bytes += block.data_bytes;
                    comment_bytes += block.comment_bytes;
                });
            }
            assert_eq!(
                (bytes, data_bytes),
                (text.len() as u64, 3),
                "runs of {size}"
            );
            // Of a CRLF that is cut in two, the LF counts as neither data nor comment.
            assert!((9..=10).contains(&comment_bytes), "runs of {size}");
        }
    }
}
