//! Numbers of an expectation: `200ms`, `5%`, `1.5KiB`, `0.5`. A unit must be one of the figure's;
//! what is no number at all may be the name of a figure, which is the expression's to find out.

use crate::results::Unit;
use crate::scenario::units::Time;

/// Units beside those of [`Time`], and what they multiply with.
const BYTES: [(&str, f64); 4] = [
    ("B", 1.0),
    ("KiB", 1024.0),
    ("MiB", 1024.0 * 1024.0),
    ("GiB", 1024.0 * 1024.0 * 1024.0),
];

/// Both signs that Unicode has for micro.
const MICROSECONDS: [&str; 3] = ["us", "µs", "μs"];

/// `text` in the canonical unit of a figure; `None` if it is no number. `bare` is what a number
/// without a unit counts.
pub(super) fn number(text: &str, unit: Unit, bare: f64) -> Option<Result<f64, String>> {
    let (magnitude, suffix) = quantity(text)?;
    let value = match suffix {
        Suffix::None => Ok(magnitude * bare),
        Suffix::Seconds(seconds) if unit == Unit::Us => Ok(seconds * 1e6),
        Suffix::Seconds(seconds) if unit == Unit::S => Ok(seconds),
        Suffix::Bytes(bytes) if matches!(unit, Unit::Bytes | Unit::BytesPerS) => Ok(bytes),
        Suffix::Percent if unit == Unit::Share => Ok(magnitude / 100.0),
        Suffix::Seconds(_) | Suffix::Bytes(_) | Suffix::Percent => {
            Err(format!("{text:?} does not fit: {}", fitting(unit)))
        }
    };
    Some(value)
}

/// What could be written instead.
pub(super) fn fitting(unit: Unit) -> &'static str {
    match unit {
        Unit::Us => "it is a time; write 200ms, 1.5s or 800us",
        Unit::S => "it is CPU time; write 6.5s",
        Unit::Bytes => "it is a number of bytes; write 300 or 1.5KiB",
        Unit::BytesPerS => "it is bytes per second; write 300 or 1.5KiB/s",
        Unit::PerS => "it is a number per second; write 500",
        Unit::Count => "it is a count; write 0",
        Unit::Share => "it is a share; write 5% or 0.05",
        Unit::Ratio => "it is a plain number; write 2.5",
    }
}

enum Suffix {
    None,
    Seconds(f64),
    Bytes(f64),
    Percent,
}

fn quantity(text: &str) -> Option<(f64, Suffix)> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1.0, digits),
        None => (1.0, text),
    };
    let end = digits
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(digits.len());
    let magnitude: f64 = digits[..end].parse().ok()?;
    let magnitude = sign * magnitude;
    let suffix = match &digits[end..] {
        "" => Suffix::None,
        "%" => Suffix::Percent,
        micro if MICROSECONDS.contains(&micro) => Suffix::Seconds(magnitude / 1e6),
        "/s" => Suffix::None,
        other => match BYTES
            .iter()
            .find(|(name, _)| other.strip_suffix("/s").unwrap_or(other) == *name)
        {
            Some((_, factor)) => Suffix::Bytes(magnitude * factor),
            None => {
                let time: Time = digits.parse().ok()?;
                Suffix::Seconds(sign * time.0.as_secs_f64())
            }
        },
    };
    Some((magnitude, suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_in_the_unit_of_their_figure() {
        let cases = [
            ("200", Unit::Us, Some(Ok(200_000.0))),
            ("200ms", Unit::Us, Some(Ok(200_000.0))),
            ("1m30s", Unit::Us, Some(Ok(90e6))),
            ("800us", Unit::Us, Some(Ok(800.0))),
            ("800µs", Unit::Us, Some(Ok(800.0))),
            ("-2ms", Unit::Us, Some(Ok(-2000.0))),
            ("latency.p99", Unit::Us, None),
            ("5s.latency.p99", Unit::Us, None),
            ("", Unit::Us, None),
            ("1.2.3", Unit::Us, None),
        ];
        for (text, unit, expected) in cases {
            assert_eq!(number(text, unit, 1000.0), expected, "{text}");
        }
        let cases = [
            ("5%", Unit::Share, 0.05),
            ("0.05", Unit::Share, 0.05),
            ("1.5KiB", Unit::Bytes, 1536.0),
            ("2KiB/s", Unit::BytesPerS, 2048.0),
            ("500/s", Unit::PerS, 500.0),
            ("6.5s", Unit::S, 6.5),
        ];
        for (text, unit, expected) in cases {
            assert_eq!(number(text, unit, 1.0), Some(Ok(expected)), "{text}");
        }
    }

    #[test]
    fn a_unit_of_something_else_is_refused() {
        for (text, unit) in [
            ("5ms", Unit::Count),
            ("5%", Unit::Us),
            ("1KiB", Unit::Us),
            ("1s", Unit::Bytes),
            ("5ms", Unit::Ratio),
        ] {
            let refusal = number(text, unit, 1.0).unwrap().unwrap_err();
            assert!(refusal.contains(fitting(unit)), "{refusal}");
        }
    }
}
