//! Heads of a size known beforehand, for measurements that replay published ones: the literal headers
//! of `headers/` (their sources stand in `SOURCES` there), or no more than a number of bytes. Both ends
//! fill their heads here, so that each comes out at exactly the published size whatever our own URL,
//! host, date and length take of it. Nothing here decides what a head must hold to be understood.

use super::transport::Transport;
use std::fmt;
use std::str::FromStr;

/// What one side's heads shall look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabHeaders {
    /// Chrome 60 and Node 8, 2017.
    Chrome60,
    /// Firefox 3.5 and a Java servlet, 2009.
    Kaazing,
    /// One header that makes the head this long.
    Bytes(usize),
}

/// The head that one kind of message shall have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// Of the whole head, its empty line included.
    pub bytes: usize,
    /// Whether a body of known length goes out in chunks all the same.
    pub chunked: bool,
    /// Headers that neither the connection nor its body decides.
    lines: Vec<(&'static str, &'static str)>,
}

/// A head needs more bytes than it shall have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it takes {least} bytes at least")]
pub struct TooShort {
    pub least: usize,
}

/// What an answer with an empty `X-Pad` takes: status line, `Transfer-Encoding: chunked`, the
/// `Content-Type` that an `EventSource` asks for, date, padding and the empty line.
pub const LEAST_RESPONSE: usize = 17 + 28 + 33 + 37 + 9 + 2;

const MOST_BYTES: usize = 8 * 1024;

/// Takes up what is left of a head that has no value of its own to lengthen.
const PAD: &str = "X-Pad";

const CHROME60_POLL: &str = include_str!("headers/chrome60-poll.request");
const CHROME60_LONG_POLL: &str = include_str!("headers/chrome60-long-poll.request");
const CHROME60_SSE: &str = include_str!("headers/chrome60-sse.request");
const CHROME60_POLL_ANSWER: &str = include_str!("headers/chrome60-poll.response");
const CHROME60_SSE_ANSWER: &str = include_str!("headers/chrome60-sse.response");
const KAAZING: &str = include_str!("headers/kaazing.request");
const KAAZING_ANSWER: &str = include_str!("headers/kaazing.response");

impl LabHeaders {
    /// A preset has heads of polls and of an `EventSource`: HTTP streaming, which neither source
    /// measured, takes the latter, and a WebSocket's handshake those of a poll.
    pub fn request(self, transport: Transport) -> Template {
        match self {
            LabHeaders::Bytes(bytes) => Template::padding(bytes),
            LabHeaders::Kaazing => Template::of(KAAZING),
            LabHeaders::Chrome60 => Template::of(match transport {
                Transport::IntervalPolling | Transport::Websocket | Transport::Socketio => {
                    CHROME60_POLL
                }
                Transport::LongPolling => CHROME60_LONG_POLL,
                Transport::HttpStreaming | Transport::Sse => CHROME60_SSE,
            }),
        }
    }

    /// `None` for a WebSocket, whose handshake is answered as RFC 6455 has it, and for Socket.IO, which
    /// nobody measured.
    pub fn response(self, transport: Transport) -> Option<Template> {
        let chrome60 = match transport {
            Transport::IntervalPolling | Transport::LongPolling => CHROME60_POLL_ANSWER,
            Transport::HttpStreaming | Transport::Sse => CHROME60_SSE_ANSWER,
            Transport::Websocket | Transport::Socketio => return None,
        };
        Some(match self {
            LabHeaders::Bytes(bytes) => Template::padding(bytes),
            LabHeaders::Kaazing => Template::of(KAAZING_ANSWER),
            LabHeaders::Chrome60 => Template::of(chrome60),
        })
    }
}

impl Template {
    fn of(literal: &'static str) -> Template {
        let mut template = Template {
            bytes: literal.len(),
            chunked: false,
            lines: Vec::new(),
        };
        let lines = literal.split("\r\n").skip(1);
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            match &*name.to_ascii_lowercase() {
                "transfer-encoding" => template.chunked = true,
                "host" | "date" | "content-length" | "connection" | "keep-alive" => {}
                _ => template.lines.push((name, value)),
            }
        }
        template
    }

    fn padding(bytes: usize) -> Template {
        Template {
            bytes,
            chunked: false,
            lines: Vec::new(),
        }
    }

    /// As they were published, of whatever size they are.
    pub fn lines(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.lines.iter().copied()
    }

    /// The headers that make a head of `bytes` out of one that has `own` bytes already, of which
    /// `taken` are header names that it bears itself: the longest value is lengthened or shortened.
    pub fn fill(
        &self,
        own: usize,
        taken: &[&str],
    ) -> Result<Vec<(&'static str, String)>, TooShort> {
        let is_taken = |name: &str| taken.iter().any(|taken| taken.eq_ignore_ascii_case(name));
        let mut lines: Vec<(&str, String)> = (self.lines.iter())
            .filter(|(name, _)| !is_taken(name))
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        let gives = |lines: &[(&str, String)]| {
            let longest = |at: &usize| lines[*at].1.len();
            let mut fitting = (0..lines.len()).filter(|at| is_free(lines[*at].0));
            let first = fitting.next();
            fitting.fold(first, |best, at| {
                let better = best.is_none_or(|best| longest(&at) > longest(&best));
                if better { Some(at) } else { best }
            })
        };
        let at = gives(&lines).unwrap_or_else(|| {
            lines.push((PAD, String::new()));
            lines.len() - 1
        });
        let written: usize = own + lines.iter().map(line_bytes).sum::<usize>();
        let value = &mut lines[at].1;
        let length = (value.len() + self.bytes).checked_sub(written);
        match length {
            Some(length) if length <= value.len() => value.truncate(length),
            Some(length) => value.extend(std::iter::repeat_n('x', length - value.len())),
            None => {
                let least = written - value.len();
                return Err(TooShort { least });
            }
        }
        Ok(lines)
    }
}

/// Whether nobody minds what exactly the header says.
fn is_free(name: &str) -> bool {
    matches!(name, "Cookie" | "User-Agent" | "Server" | PAD)
}

fn line_bytes((name, value): &(&str, String)) -> usize {
    name.len() + ": ".len() + value.len() + "\r\n".len()
}

impl FromStr for LabHeaders {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "chrome60" => Ok(LabHeaders::Chrome60),
            "kaazing" => Ok(LabHeaders::Kaazing),
            number => match number.parse() {
                Ok(bytes) if (LEAST_RESPONSE..=MOST_BYTES).contains(&bytes) => {
                    Ok(LabHeaders::Bytes(bytes))
                }
                Ok(_) | Err(_) => Err(format!(
                    "give chrome60, kaazing or the bytes of an answer's head, {LEAST_RESPONSE} to {MOST_BYTES}"
                )),
            },
        }
    }
}

impl fmt::Display for LabHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LabHeaders::Chrome60 => f.write_str("chrome60"),
            LabHeaders::Kaazing => f.write_str("kaazing"),
            LabHeaders::Bytes(bytes) => write!(f, "{bytes}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_literal_heads_have_the_published_sizes() {
        use Transport::{IntervalPolling, LongPolling, Sse};
        let request = |headers: LabHeaders, transport| headers.request(transport).bytes;
        let response = |headers: LabHeaders, transport| headers.response(transport).unwrap().bytes;
        let both = |headers, transport| (request(headers, transport), response(headers, transport));
        assert_eq!(both(LabHeaders::Kaazing, IntervalPolling), (716, 193));
        assert_eq!(both(LabHeaders::Chrome60, IntervalPolling), (430, 108));
        assert_eq!(both(LabHeaders::Chrome60, LongPolling), (428, 108));
        assert_eq!(both(LabHeaders::Chrome60, Sse), (450, 166));
        let chunked = |headers: LabHeaders| headers.response(IntervalPolling).unwrap().chunked;
        assert!(chunked(LabHeaders::Chrome60) && !chunked(LabHeaders::Kaazing));
    }

    /// Whatever the rest of a head takes, the sum is the published one.
    #[test]
    fn one_value_takes_up_the_difference() {
        let presets = [
            LabHeaders::Kaazing,
            LabHeaders::Chrome60,
            LabHeaders::Bytes(218),
        ];
        for headers in presets {
            let template = headers.request(Transport::IntervalPolling);
            for own in 40..200 {
                let lines = template.fill(own, &[]).unwrap();
                let sum: usize = own + lines.iter().map(line_bytes).sum::<usize>();
                assert_eq!(sum, template.bytes, "{headers} with {own}");
            }
        }
        let template = LabHeaders::Kaazing.request(Transport::IntervalPolling);
        let lines = template.fill(100, &["accept"]).unwrap();
        assert!(lines.iter().all(|(name, _)| *name != "Accept"));
        assert!(lines.iter().any(|(name, _)| *name == "Accept-Language"));
    }

    #[test]
    fn a_head_that_cannot_be_so_short_says_how_short_it_can_be() {
        let template = LabHeaders::Bytes(120).request(Transport::Sse);
        assert_eq!(template.fill(111, &[]).unwrap(), [("X-Pad", String::new())]);
        assert_eq!(template.fill(112, &[]), Err(TooShort { least: 121 }));
    }

    #[test]
    fn flags_are_read_as_they_are_written() {
        for text in ["chrome60", "kaazing", "134"] {
            assert_eq!(text.parse::<LabHeaders>().unwrap().to_string(), text);
        }
        for text in ["125", "lean", "", "9000", "-1"] {
            assert!(text.parse::<LabHeaders>().is_err(), "{text}");
        }
    }
}
