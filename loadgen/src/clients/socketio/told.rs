//! What a packet was that came, and what is sent: texts and what their bytes are for. Pure.

use crate::totals::Kind;
use serde_json::value::RawValue;

/// A packet to send.
pub(super) struct Reply {
    pub text: String,
    /// What it is for; of what publishes, `Payload`.
    pub kind: Kind,
    /// Bytes of it that are payload.
    pub payload: usize,
}

/// What a packet was that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub is_event: bool,
    /// Bytes of it that are payload, and what all others are.
    pub payload: usize,
    pub rest: Kind,
}

impl Told {
    /// An answer to a probe.
    pub fn of_probe() -> Told {
        Told::all(Kind::Probes)
    }

    /// An event with so much payload; what stands around it is packet.
    pub fn event(payload: usize) -> Told {
        Told {
            is_event: true,
            payload,
            rest: Kind::Packets,
        }
    }

    pub fn all(rest: Kind) -> Told {
        Told {
            is_event: false,
            payload: 0,
            rest,
        }
    }
}

impl Reply {
    /// What the change to a WebSocket takes.
    pub fn of_probe(text: String) -> Reply {
        Reply::all(Kind::Probes, text)
    }

    pub fn all(kind: Kind, text: String) -> Reply {
        Reply {
            text,
            kind,
            payload: 0,
        }
    }
}

/// Whether this JSON is a string that says so; most are written without escapes.
pub(super) fn is_string(json: &RawValue, text: &str) -> bool {
    let inner = json
        .get()
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    match inner {
        Some(inner) if !inner.contains('\\') => inner == text,
        Some(_) => serde_json::from_str::<String>(json.get()).is_ok_and(|found| found == text),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_however_they_are_written() {
        for (json, is) in [
            (r#""event""#, true),
            (r#""\u0065vent""#, true),
            (r#""events""#, false),
            ("7", false),
            (r#""\"event""#, false),
        ] {
            let raw: Box<RawValue> = serde_json::from_str(json).unwrap();
            assert_eq!(is_string(&raw, "event"), is, "{json}");
        }
    }
}
