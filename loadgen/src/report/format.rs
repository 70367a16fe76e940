//! Numbers as a person reads them: three significant digits, a unit that fits, a dash for what was
//! not taken. Every reporter for people uses these; `results.csv` does not.

use crate::comparison::Unit;
use crate::results::Figure;

pub(super) const ABSENT: &str = "–";

/// Microseconds in the unit that keeps the number short: `312 µs`, `4.56 ms`, `1.23 s`.
pub(super) fn duration(microseconds: f64) -> String {
    let magnitude = microseconds.abs();
    // 999.5 would round to 1,000 of its own unit.
    if magnitude < 999.5 {
        format!("{} µs", significant(microseconds))
    } else if magnitude < 999_500.0 {
        format!("{} ms", significant(microseconds / 1e3))
    } else {
        format!("{} s", significant(microseconds / 1e6))
    }
}

/// Three significant digits; whole numbers and large ones stay whole and are grouped.
pub(super) fn significant(value: f64) -> String {
    if !value.is_finite() {
        return ABSENT.to_string();
    }
    let magnitude = value.abs();
    if magnitude >= 99.95 {
        return grouped(&format!("{value:.0}"));
    }
    if magnitude < 0.000_5 {
        return "0".to_string();
    }
    let digits_before = (magnitude.log10().floor() as i32 + 1).max(-2);
    let decimals = usize::try_from(3 - digits_before).unwrap_or(0).min(4);
    let text = format!("{value:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text,
    }
}

pub(super) fn count(value: u64) -> String {
    grouped(&value.to_string())
}

/// Memory: `912 B`, `138 KiB`, `1.5 MiB`.
pub(super) fn memory(bytes: f64) -> String {
    const UNITS: [&str; 4] = ["B", "KiB", "MiB", "GiB"];
    let mut value = bytes;
    let mut unit = UNITS[0];
    for larger in &UNITS[1..] {
        if value.abs() < 1023.5 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    format!("{} {unit}", significant(value))
}

pub(super) fn percent(share: f64) -> String {
    format!("{} %", significant(share * 100.0))
}

pub(super) fn in_unit(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Microseconds => duration(value),
        Unit::Memory => memory(value),
        Unit::Share => percent(value),
        Unit::Plain => significant(value),
    }
}

/// A figure's median, or the dash.
pub(super) fn median(figure: Option<Figure>, unit: fn(f64) -> String) -> String {
    figure.map_or_else(|| ABSENT.to_string(), |figure| unit(figure.median))
}

/// A figure's 95 % interval; nothing where it has no width to speak of.
pub(super) fn interval(figure: Option<Figure>, unit: fn(f64) -> String) -> Option<String> {
    let figure = figure?;
    let (low, high) = (unit(figure.low), unit(figure.high));
    (low != high).then(|| format!("{low} – {high}"))
}

/// Digits in groups of three: `-1234567.5` becomes `-1,234,567.5`.
fn grouped(digits: &str) -> String {
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", digits),
    };
    let mut out = String::from(sign);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_take_the_unit_that_fits() {
        let said = [
            0.0,
            7.0,
            312.4,
            999.7,
            4_564.0,
            498_000.0,
            999_700.0,
            1_234_000.0,
        ];
        assert_eq!(
            said.map(duration),
            [
                "0 µs", "7 µs", "312 µs", "1 ms", "4.56 ms", "498 ms", "1 s", "1.23 s"
            ]
        );
        assert_eq!(duration(-1_500.0), "-1.5 ms");
    }

    #[test]
    fn numbers_keep_three_digits() {
        let said = [
            0.0,
            0.0012,
            0.0456,
            2.5,
            9.999,
            12.34,
            99.97,
            1204.4,
            1_234_567.0,
        ];
        assert_eq!(
            said.map(significant),
            [
                "0",
                "0.0012",
                "0.0456",
                "2.5",
                "10",
                "12.3",
                "100",
                "1,204",
                "1,234,567"
            ]
        );
        assert_eq!(significant(f64::NAN), ABSENT);
        assert_eq!(memory(141_312.0), "138 KiB");
        assert_eq!(percent(0.6), "60 %");
        assert_eq!(count(1_000), "1,000");
    }
}
