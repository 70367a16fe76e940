//! Binary data within arguments: Socket.IO puts `{"_placeholder":true,"num":0}` where an attachment
//! belongs, every other transport carries `{"$binary":"<base64>"}` there. This goes from one to the
//! other. What it leaves alone stays as it was, but numbers are written anew.

use super::{Fault, MAX_ATTACHMENTS};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};

const PLACEHOLDER: &str = "_placeholder";
const BINARY: &str = "$binary";

/// Whether this JSON may hold binary data: a cheap look that is sometimes wrong about texts, and does
/// not see a key that was written with escapes.
pub fn may_hold_binary(json: &[u8]) -> bool {
    memchr::memmem::find(json, BINARY.as_bytes()).is_some()
}

/// Puts each attachment as base64 where its placeholder stands. Each stands at one place: else a short
/// packet would become a long event.
pub fn put_in(value: &mut Value, attachments: &[Bytes]) -> Result<(), Fault> {
    let mut left: Vec<Option<&Bytes>> = attachments.iter().map(Some).collect();
    put(value, &mut left)?;
    match left.iter().all(Option::is_none) {
        true => Ok(()),
        false => Err(Fault::BadPlaceholder),
    }
}

fn put(value: &mut Value, left: &mut [Option<&Bytes>]) -> Result<(), Fault> {
    match value {
        Value::Object(map) if is_placeholder(map) => {
            let number = map.get("num").and_then(Value::as_u64);
            let attachment = number
                .and_then(|number| left.get_mut(usize::try_from(number).ok()?))
                .and_then(Option::take)
                .ok_or(Fault::BadPlaceholder)?;
            *value = json!({ BINARY: STANDARD.encode(attachment) });
            Ok(())
        }
        Value::Object(map) => map.values_mut().try_for_each(|value| put(value, left)),
        Value::Array(values) => values.iter_mut().try_for_each(|value| put(value, left)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn is_placeholder(map: &Map<String, Value>) -> bool {
    map.get(PLACEHOLDER) == Some(&Value::Bool(true))
}

/// Takes the binary data out of `value`, placeholders in its stead. `None`, and `value` is as it was,
/// where there is none, or too much for one packet, or where the value has a `_placeholder` of its own,
/// which a client would take for one of ours.
pub fn take_out(value: &mut Value) -> Option<Vec<Bytes>> {
    let mut found = 0;
    if !is_fit(value, &mut found) || !(1..=MAX_ATTACHMENTS).contains(&found) {
        return None;
    }
    let mut attachments = Vec::with_capacity(found);
    take(value, &mut attachments);
    Some(attachments)
}

fn is_fit(value: &Value, found: &mut usize) -> bool {
    match value {
        Value::Object(map) if binary(map).is_some() => {
            *found += 1;
            true
        }
        Value::Object(map) => {
            !map.contains_key(PLACEHOLDER) && map.values().all(|value| is_fit(value, found))
        }
        Value::Array(values) => values.iter().all(|value| is_fit(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

fn take(value: &mut Value, attachments: &mut Vec<Bytes>) {
    match value {
        Value::Object(map) => match binary(map) {
            Some(data) => {
                *value = json!({ PLACEHOLDER: true, "num": attachments.len() });
                attachments.push(data.into());
            }
            None => map.values_mut().for_each(|value| take(value, attachments)),
        },
        Value::Array(values) => values.iter_mut().for_each(|value| take(value, attachments)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The data of `{"$binary":"<base64>"}`.
fn binary(map: &Map<String, Value>) -> Option<Vec<u8>> {
    match map.get(BINARY) {
        Some(Value::String(base64)) if map.len() == 1 => STANDARD.decode(base64).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(json: &str) -> Value {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn attachments_go_in_and_come_out_in_order() {
        let with =
            r#"{"皮肤":{"_placeholder":true,"num":0},"all":[1,{"_placeholder":true,"num":1}]}"#;
        let without = r#"{"皮肤":{"$binary":"AQID"},"all":[1,{"$binary":""}]}"#;
        let attachments = [Bytes::from_static(&[1, 2, 3]), Bytes::new()];
        let mut there = value(with);
        put_in(&mut there, &attachments).unwrap();
        assert_eq!(there.to_string(), without);
        assert!(may_hold_binary(without.as_bytes()));
        assert!(!may_hold_binary(with.as_bytes()));
        assert_eq!(take_out(&mut there).unwrap(), attachments);
        assert_eq!(there.to_string(), with);
    }

    #[test]
    fn an_attachment_stands_at_one_place() {
        let one = [Bytes::from_static(b"x")];
        for json in [
            "1",
            r#"[{"_placeholder":true,"num":1}]"#,
            r#"[{"_placeholder":true,"num":-1}]"#,
            r#"[{"_placeholder":true,"num":0.5}]"#,
            r#"[{"_placeholder":true}]"#,
            r#"[{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]"#,
        ] {
            let fault = put_in(&mut value(json), &one);
            assert_eq!(fault, Err(Fault::BadPlaceholder), "{json}");
        }
        let mut no_placeholder = value(r#"[{"_placeholder":false,"num":0}]"#);
        assert_eq!(put_in(&mut no_placeholder, &[]), Ok(()));
    }

    #[test]
    fn what_a_client_would_misread_goes_as_it_is() {
        let eleven = [r#"{"$binary":"AQID"}"#; MAX_ATTACHMENTS + 1].join(",");
        for json in [
            "null",
            r#"{"$binary":"not base64"}"#,
            r#"{"$binary":"AQID","and":"more"}"#,
            r#"{"$binary":7}"#,
            r#"[{"$binary":"AQID"},{"_placeholder":true,"num":0}]"#,
            r#"[{"$binary":"AQID"},{"_placeholder":1}]"#,
            &format!("[{eleven}]"),
        ] {
            let mut given = value(json);
            assert_eq!(take_out(&mut given), None, "{json}");
            assert_eq!(given, value(json));
        }
    }
}
