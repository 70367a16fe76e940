//! Durations, sizes and rates as people write them: `"1m30s"`, `"1KiB"`, `"100/1s"`. Each reads and
//! writes its text exactly, so that a resolved scenario is itself a scenario.

mod bandwidth;

pub use bandwidth::Bandwidth;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;
use std::time::Duration;

/// A duration: digits and a suffix `ms`, `s`, `m` or `h`, once or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Time(pub Duration);

/// A number of bytes: `128B`, `1KiB`, `2MiB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub usize);

/// Events per second: `200/s`, `100/1s`, `0.5/s`, or a bare number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate(pub f64);

const TIME_UNITS: [(&str, f64); 4] = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
/// Sums of a few of these cannot overflow.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);
const SIZE_UNITS: [(&str, usize); 3] = [("B", 1), ("KiB", 1024), ("MiB", 1024 * 1024)];

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a duration; write \"5s\", \"250ms\" or \"1m30s\"");
        if !text.is_empty() && text.parse::<f64>().is_ok_and(|number| number >= 0.0) {
            return Err(needs_a_unit("duration", &format!("{text}s")));
        }
        let mut total = Duration::ZERO;
        let mut rest = text;
        while !rest.is_empty() {
            let (number, after) = leading_number(rest).ok_or_else(wrong)?;
            let end = after
                .find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(after.len());
            let (_, seconds) = TIME_UNITS
                .into_iter()
                .find(|(unit, _)| *unit == &after[..end])
                .ok_or_else(wrong)?;
            let part = Duration::try_from_secs_f64(number * seconds).map_err(|_| wrong())?;
            total = total.checked_add(part).ok_or_else(wrong)?;
            rest = &after[end..];
        }
        if text.is_empty() {
            return Err(wrong());
        }
        if total > LONGEST {
            return Err(format!(
                "{text:?} is longer than a year; write a shorter time"
            ));
        }
        Ok(Time(total))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Time(time) = *self;
        if time.is_zero() {
            return f.write_str("0s");
        }
        if time < Duration::from_secs(1) {
            return write!(f, "{}ms", time.as_nanos() as f64 / 1e6);
        }
        let (minutes, hours) = (time.as_secs() / 60 % 60, time.as_secs() / 3600);
        let nanoseconds = time.as_nanos() % 60_000_000_000;
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if minutes > 0 {
            write!(f, "{minutes}m")?;
        }
        if nanoseconds > 0 {
            write!(f, "{}s", nanoseconds as f64 / 1e9)?;
        }
        Ok(())
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a size; write \"128B\", \"1KiB\" or \"2MiB\"");
        if text.parse::<u64>().is_ok() {
            return Err(needs_a_unit("size", &format!("{text}B")));
        }
        let (number, unit) = leading_number(text).ok_or_else(wrong)?;
        let (_, factor) = SIZE_UNITS
            .into_iter()
            .find(|(name, _)| *name == unit)
            .ok_or_else(wrong)?;
        let bytes = number * factor as f64;
        if bytes.fract() != 0.0 || bytes > u32::MAX.into() {
            return Err(format!(
                "{text:?} is not a whole number of bytes below 4GiB"
            ));
        }
        Ok(Size(bytes as usize))
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, factor) = SIZE_UNITS
            .into_iter()
            .rev()
            .find(|(_, factor)| self.0 > 0 && self.0.is_multiple_of(*factor))
            .unwrap_or(SIZE_UNITS[0]);
        write!(f, "{}{unit}", self.0 / factor)
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a rate; write \"200/s\", \"100/1s\" or \"30/1m\"");
        let (events, period) = text.split_once('/').unwrap_or((text, "s"));
        let events: f64 = events.trim().parse().map_err(|_| wrong())?;
        let period = match period.trim() {
            unit if unit.starts_with(|c: char| c.is_ascii_alphabetic()) => format!("1{unit}"),
            period => period.to_owned(),
        };
        let Time(period) = period.parse().map_err(|_| wrong())?;
        Rate::checked(events / period.as_secs_f64())
    }
}

impl Rate {
    fn checked(per_second: f64) -> Result<Self, String> {
        if per_second.is_finite() && per_second >= 0.0 {
            return Ok(Rate(per_second));
        }
        Err("a rate is 0 or more events in a time above 0; write \"200/s\"".to_owned())
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

fn needs_a_unit(what: &str, example: &str) -> String {
    format!("a {what} needs a unit, write \"{example}\"")
}

/// `"1.5KiB"` → `(1.5, "KiB")`.
fn leading_number(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    Some((text[..end].parse().ok()?, &text[end..]))
}

/// `1234567` → `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What a unit makes of a bare number; its text goes through `FromStr`.
trait Unit: FromStr<Err = String> {
    const EXPECTED: &'static str;

    fn from_number(number: f64) -> Result<Self, String>;
}

impl Unit for Time {
    const EXPECTED: &'static str = "a duration such as \"5s\"";

    fn from_number(number: f64) -> Result<Self, String> {
        Err(needs_a_unit("duration", &format!("{number}s")))
    }
}

impl Unit for Size {
    const EXPECTED: &'static str = "a size such as \"128B\"";

    fn from_number(number: f64) -> Result<Self, String> {
        Err(needs_a_unit("size", &format!("{number}B")))
    }
}

impl Unit for Rate {
    const EXPECTED: &'static str = "a rate such as \"200/s\"";

    fn from_number(number: f64) -> Result<Self, String> {
        Rate::checked(number)
    }
}

struct UnitVisitor<T>(PhantomData<T>);

impl<T: Unit> Visitor<'_> for UnitVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(T::EXPECTED)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<T, E> {
        T::from_number(number as f64).map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<T, E> {
        T::from_number(number as f64).map_err(E::custom)
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<T, E> {
        T::from_number(number).map_err(E::custom)
    }
}

macro_rules! as_text {
    ($unit:ident, $schema:tt) => {
        impl<'de> Deserialize<'de> for $unit {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(UnitVisitor(PhantomData))
            }
        }

        impl Serialize for $unit {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl JsonSchema for $unit {
            fn schema_name() -> Cow<'static, str> {
                stringify!($unit).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

as_text!(Time, {
    "description": "A duration with its unit: 250ms, 5s, 1m30s, 2h",
    "type": "string",
    "pattern": r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$"
});
as_text!(Size, {
    "description": "A size with its unit: 128B, 1KiB, 2MiB",
    "type": "string",
    "pattern": r"^[0-9]+(\.[0-9]+)?(B|KiB|MiB)$"
});
as_text!(Bandwidth, {
    "description": "Bytes or bits in a second: 1MiB/s, 500KiB/s, 10Mbit/s",
    "type": "string",
    "pattern": r"^[0-9]+(\.[0-9]+)?(B|KiB|MiB|kbit|Mbit|Gbit)/s$"
});
as_text!(Rate, {
    "description": "Events per second: 200/s, 100/1s, 0.5/s, or a bare number",
    "anyOf": [
        { "type": "number", "minimum": 0 },
        { "type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?(/([0-9]+(\.[0-9]+)?)?(ms|s|m|h))?$" }
    ]
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written() {
        let cases = [
            ("5s", 5_000, "5s"),
            ("250ms", 250, "250ms"),
            ("1m30s", 90_000, "1m30s"),
            ("90s", 90_000, "1m30s"),
            ("1.5s", 1_500, "1.5s"),
            ("2h", 7_200_000, "2h"),
            ("0s", 0, "0s"),
            ("1h0m1s", 3_601_000, "1h1s"),
        ];
        for (text, milliseconds, written) in cases {
            let time: Time = text.parse().unwrap();
            assert_eq!(time.0, Duration::from_millis(milliseconds), "{text}");
            assert_eq!(time.to_string(), written, "{text}");
        }
    }

    #[test]
    fn a_duration_without_a_unit_is_told_how_to_be_written() {
        let refusal = "5".parse::<Time>().unwrap_err();
        assert_eq!(refusal, "a duration needs a unit, write \"5s\"");
        for text in [
            "", "s", "-5s", "5 s", "5d", "5s3", "1e400h", "inf", "NaN", "9999h",
        ] {
            assert!(text.parse::<Time>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn sizes_are_read_and_written() {
        for (text, bytes, written) in [
            ("128B", 128, "128B"),
            ("1KiB", 1024, "1KiB"),
            ("1.5KiB", 1536, "1536B"),
            ("2MiB", 2_097_152, "2MiB"),
            ("0B", 0, "0B"),
        ] {
            assert_eq!(text.parse(), Ok(Size(bytes)), "{text}");
            assert_eq!(Size(bytes).to_string(), written);
        }
        for text in ["", "128", "1kb", "-1B", "1.5B", "99999MiB"] {
            assert!(text.parse::<Size>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn rates_are_per_second() {
        for (text, rate) in [
            ("200/s", 200.0),
            ("100/1s", 100.0),
            ("0.5/s", 0.5),
            ("30/1m", 0.5),
            ("30/m", 0.5),
            ("1/100ms", 10.0),
            ("7", 7.0),
            ("0", 0.0),
        ] {
            assert_eq!(text.parse(), Ok(Rate(rate)), "{text}");
        }
        for text in ["", "-1/s", "1/0s", "x/s", "1/", "inf/s"] {
            assert!(text.parse::<Rate>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (28_232_000, "28,232,000"),
        ] {
            assert_eq!(grouped(number), text);
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_written_reads_back(milliseconds in 0u64..10_000_000_000, bytes in 0usize..1 << 30, rate in 0.0f64..1e6) {
            let time = Time(Duration::from_millis(milliseconds));
            proptest::prop_assert_eq!(time.to_string().parse(), Ok(time));
            proptest::prop_assert_eq!(Size(bytes).to_string().parse(), Ok(Size(bytes)));
            proptest::prop_assert_eq!(Rate(rate).to_string().parse(), Ok(Rate(rate)));
        }
    }
}
