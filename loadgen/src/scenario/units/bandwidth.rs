//! A number of bytes in a second, as lines are sold (`10Mbit/s`) or as programs count (`1MiB/s`).
//! Bits come in thousands, bytes in steps of 1,024.

use super::{Unit, leading_number, needs_a_unit};
use std::fmt;
use std::str::FromStr;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bandwidth {
    /// At least 1.
    pub bytes_per_s: u64,
}

/// Bits in each unit, from the largest; of those that fit exactly the first is written.
const UNITS: [(&str, u64); 6] = [
    ("Gbit/s", 1_000_000_000),
    ("MiB/s", 8 * 1024 * 1024),
    ("Mbit/s", 1_000_000),
    ("KiB/s", 8 * 1024),
    ("kbit/s", 1_000),
    ("B/s", 8),
];

/// Far above any line, and far below where arithmetic would end.
const MOST_BYTES_PER_S: f64 = 1e15;

impl FromStr for Bandwidth {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("{text:?} is not a bandwidth; write \"1MiB/s\", \"500KiB/s\" or \"10Mbit/s\"")
        };
        if text.parse::<f64>().is_ok() {
            return Err(needs_a_unit("bandwidth", &format!("{text}Mbit/s")));
        }
        let (number, unit) = leading_number(text).ok_or_else(wrong)?;
        let (_, bits) = UNITS
            .into_iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(wrong)?;
        let bytes = number * bits as f64 / 8.0;
        if bytes == 0.0 {
            return Err("a line of no bandwidth carries nothing; write \"1MiB/s\"".to_owned());
        }
        if bytes.fract() != 0.0 || bytes > MOST_BYTES_PER_S {
            return Err(format!(
                "{text:?} is not a whole number of bytes a second that a line could carry"
            ));
        }
        Ok(Bandwidth {
            bytes_per_s: bytes as u64,
        })
    }
}

impl fmt::Display for Bandwidth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bits = self.bytes_per_s * 8;
        let (unit, factor) = UNITS
            .into_iter()
            .find(|(_, factor)| bits.is_multiple_of(*factor))
            .unwrap_or(("B/s", 8));
        write!(f, "{}{unit}", bits / factor)
    }
}

impl Unit for Bandwidth {
    const EXPECTED: &'static str = "a bandwidth such as \"1MiB/s\" or \"10Mbit/s\"";

    fn from_number(number: f64) -> Result<Self, String> {
        Err(needs_a_unit("bandwidth", &format!("{number}Mbit/s")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_and_bytes_are_told_apart() {
        for (text, bytes_per_s, written) in [
            ("1MiB/s", 1_048_576, "1MiB/s"),
            ("1.5KiB/s", 1_536, "1536B/s"),
            ("10Mbit/s", 1_250_000, "10Mbit/s"),
            ("1.6Mbit/s", 200_000, "1600kbit/s"),
            ("1Gbit/s", 125_000_000, "1Gbit/s"),
            ("1000Mbit/s", 125_000_000, "1Gbit/s"),
            ("7B/s", 7, "7B/s"),
        ] {
            let read: Bandwidth = text.parse().unwrap();
            assert_eq!(read.bytes_per_s, bytes_per_s, "{text}");
            assert_eq!(read.to_string(), written, "{text}");
            assert_eq!(written.parse(), Ok(read), "{text}");
        }
    }

    #[test]
    fn what_is_no_bandwidth_is_told_how_to_be_written() {
        let refusal = |text: &str| text.parse::<Bandwidth>().unwrap_err();
        assert_eq!(
            refusal("10"),
            "a bandwidth needs a unit, write \"10Mbit/s\""
        );
        assert_eq!(
            refusal("0MiB/s"),
            "a line of no bandwidth carries nothing; write \"1MiB/s\""
        );
        for text in ["", "1MB/s", "1Mbit", "-1MiB/s", "0.5B/s", "99999999Gbit/s"] {
            assert!(text.parse::<Bandwidth>().is_err(), "{text:?}");
        }
    }
}
