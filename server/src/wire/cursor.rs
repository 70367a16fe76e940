//! A place in a room's history: `epoch-offset`. Clients treat it as opaque and hand it back.

use std::fmt;
use std::str::FromStr;

/// Names one numbering of a room: offsets of two epochs cannot be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch(pub u64);

/// The place after the event with this offset; offset 0 is before the first event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    pub epoch: Epoch,
    pub offset: u64,
}

/// Where a subscriber wants to start, as it stands in `?cursor=` or `Last-Event-ID`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// No cursor: what comes from now on.
    Now,
    /// `0`: the oldest event kept.
    Oldest,
    /// Go on after this place.
    After(Cursor),
    /// A bare number, without its epoch: only a `--bare` server takes it, for there a client has
    /// nothing but its own count of events.
    AfterOffset(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a cursor is 0 or what this server gave out, such as k3j9x0-17; leave it away to start now"
)]
pub struct BadCursor;

/// Longest text that can be a cursor: 13 base-36 digits, a dash, 20 decimal digits.
const MAX_LENGTH: usize = 34;

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0u8; 13];
        let mut at = digits.len();
        let mut rest = self.0;
        loop {
            at -= 1;
            digits[at] = b"0123456789abcdefghijklmnopqrstuvwxyz"[(rest % 36) as usize];
            rest /= 36;
            if rest == 0 {
                break;
            }
        }
        f.write_str(std::str::from_utf8(&digits[at..]).expect("base-36 digits are ASCII"))
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.offset)
    }
}

impl FromStr for Cursor {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        if text.len() > MAX_LENGTH {
            return Err(BadCursor);
        }
        let (epoch, offset) = text.split_once('-').ok_or(BadCursor)?;
        if epoch.is_empty()
            || !epoch
                .bytes()
                .all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
        {
            return Err(BadCursor);
        }
        let epoch = u64::from_str_radix(epoch, 36).map_err(|_| BadCursor)?;
        Ok(Cursor {
            epoch: Epoch(epoch),
            offset: decimal(offset)?,
        })
    }
}

impl FromStr for Start {
    type Err = BadCursor;

    fn from_str(text: &str) -> Result<Self, BadCursor> {
        if text == "0" {
            return Ok(Start::Oldest);
        }
        if text.contains('-') {
            return text.parse().map(Start::After);
        }
        decimal(text).map(Start::AfterOffset)
    }
}

/// Digits only: `u64::from_str` would take a leading plus sign too.
fn decimal(text: &str) -> Result<u64, BadCursor> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return Err(BadCursor);
    }
    text.parse().map_err(|_| BadCursor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text() {
        for (epoch, offset) in [(0, 0), (1, 7), (u64::MAX, u64::MAX), (35, 1), (36, 2)] {
            let cursor = Cursor {
                epoch: Epoch(epoch),
                offset,
            };
            assert_eq!(cursor.to_string().parse(), Ok(cursor));
        }
    }

    #[test]
    fn what_is_not_a_cursor_is_refused() {
        for text in [
            "",
            "-",
            "a-",
            "-1",
            "a-b",
            "a--1",
            "a-1-2",
            "A-1",
            "a-+1",
            "a-18446744073709551616",
            "zzzzzzzzzzzzzz-1",
            "瑶-1",
            "a-1\r\nx",
            " a-1",
            "+5",
            "x",
        ] {
            assert_eq!(text.parse::<Start>(), Err(BadCursor), "{text:?}");
        }
    }

    #[test]
    fn a_start_is_zero_a_cursor_or_a_bare_count() {
        assert_eq!("0".parse(), Ok(Start::Oldest));
        assert_eq!("12".parse(), Ok(Start::AfterOffset(12)));
        assert_eq!(
            "a-0".parse(),
            Ok(Start::After(Cursor {
                epoch: Epoch(10),
                offset: 0
            }))
        );
    }
}
