//! The only way in: a publish is checked, compacted and appended, whichever transport brought it.

use crate::frames::Draft;
use crate::problems::Refusal;
use crate::value::Plain;
use crate::wire::event::{MAX_TYPE_CHARS, Publish, RESERVED_TYPES};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// Nesting of a MessagePack publish: what JSON readers take. rmp-serde's own 1,024 would overflow
/// a worker's stack, and with it the process.
const MAX_DEPTH: usize = 128;

/// Longest key of a publish that may be sent again, in bytes.
const MAX_KEY_BYTES: usize = 255;

/// Reads `{"type":"chat","data":…}`, with a `key` where the publisher may send it again.
pub fn from_json(body: &[u8]) -> Result<Draft, Refusal> {
    let publish: Publish<'_> = serde_json::from_slice(body).map_err(|error| {
        Refusal::BadRequest(format!(
            r#"the body is not {{"type":"chat","data":…}}: {error}"#
        ))
    })?;
    from_parts(&publish.kind, publish.data, publish.key.as_deref())
}

/// The parts of such an object.
pub fn from_parts(kind: &str, data: &RawValue, key: Option<&str>) -> Result<Draft, Refusal> {
    draft(kind, compact(data.get()))?.keyed(key)
}

/// The same where the data has a value that is not written yet.
pub fn from_value(kind: &str, data: &Value, key: Option<&str>) -> Result<Draft, Refusal> {
    draft(kind, data.to_string())?.keyed(key)
}

/// Reads the same object as MessagePack; binary data becomes `{"$binary":"<base64>"}`.
pub fn from_msgpack(body: &[u8]) -> Result<Draft, Refusal> {
    let mut packed = rmp_serde::Deserializer::from_read_ref(body);
    packed.set_max_depth(MAX_DEPTH);
    let Plain(value) = Plain::deserialize(&mut packed)
        .map_err(|error| Refusal::BadRequest(format!("the frame is not MessagePack: {error}")))?;
    let (Some(Value::String(kind)), Some(data)) = (value.get("type"), value.get("data")) else {
        return Err(Refusal::BadRequest(
            "the frame is not a map with `type` and `data`".to_owned(),
        ));
    };
    let draft = from_value(kind, data, None)?;
    match value.get("key") {
        None => Ok(draft),
        Some(Value::String(key)) => draft.keyed(Some(key)),
        Some(_) => Err(bad_key("`key`")),
    }
}

/// A WebSocket text frame: a JSON object is a publish, any other text is a line of chat.
pub fn from_text(text: &str) -> Result<Draft, Refusal> {
    let is_json = || serde_json::from_str::<&RawValue>(text).is_ok();
    if text.trim_start().starts_with('{') && is_json() {
        return from_json(text.as_bytes());
    }
    draft("chat", Value::from(text).to_string())
}

/// What the server itself publishes: `data_json` is compact JSON that every framing can carry.
pub fn trusted(kind: &str, data_json: String) -> Draft {
    Draft {
        user: None,
        key: None,
        kind_json: Value::from(kind).to_string(),
        data_json,
    }
}

impl Draft {
    /// The same with this key, where it is one.
    fn keyed(self, key: Option<&str>) -> Result<Draft, Refusal> {
        let key = key.map(|key| checked_key(key, "`key`").map(Box::from));
        Ok(Draft {
            key: key.transpose()?,
            ..self
        })
    }
}

/// A key as one that a header can hold, wherever it came from; `what` names it to its author.
pub fn checked_key<'a>(key: &'a str, what: &str) -> Result<&'a str, Refusal> {
    let visible = key.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    match visible && (1..=MAX_KEY_BYTES).contains(&key.len()) {
        true => Ok(key),
        false => Err(bad_key(what)),
    }
}

pub fn bad_key(what: &str) -> Refusal {
    Refusal::BadRequest(format!(
        "{what} has 1 to {MAX_KEY_BYTES} visible ASCII characters"
    ))
}

fn draft(kind: &str, data_json: String) -> Result<Draft, Refusal> {
    if kind.is_empty() || kind.chars().count() > MAX_TYPE_CHARS {
        return Err(Refusal::BadRequest(format!(
            "`type` has 1 to {MAX_TYPE_CHARS} characters"
        )));
    }
    if RESERVED_TYPES.contains(&kind) {
        return Err(Refusal::BadRequest(format!(
            "`type` {kind:?} is the server's own; choose another"
        )));
    }
    check_carriable(&data_json)?;
    Ok(trusted(kind, data_json))
}

/// Every framing must be able to carry what is published: this refuses what JSON text may hold and
/// MessagePack cannot (lone surrogates, numbers beyond a double), and nesting that readers would
/// refuse (128 in serde_json): in a poll's answer the data stands three levels deep.
fn check_carriable(data_json: &str) -> Result<(), Refusal> {
    serde_json::from_str::<Plain>(&format!("[[[{data_json}]]]"))
        .map(drop)
        .map_err(|error| Refusal::BadRequest(format!("the data cannot be carried: {error}")))
}

/// Valid JSON without the blanks between its tokens, numbers and strings as they were written.
/// A newline between tokens would break an NDJSON line and an SSE field.
fn compact(json: &str) -> String {
    let mut compact = String::with_capacity(json.len());
    let mut in_string = false;
    let mut escaped = false;
    for character in json.chars() {
        if in_string {
            in_string = escaped || character != '"';
            escaped = !escaped && character == '\\';
        } else if matches!(character, ' ' | '\t' | '\r' | '\n') {
            continue;
        } else {
            in_string = character == '"';
        }
        compact.push(character);
    }
    compact
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_between_tokens_go_and_those_in_strings_stay() {
        let draft = from_json(
            b"{\"type\":\"chat\",\"data\": {\n \"a b\" : [1, 2.50,\r\n\t\"x \\\" y\\\\\"] }\n}",
        )
        .unwrap();
        assert_eq!(draft.data_json, r#"{"a b":[1,2.50,"x \" y\\"]}"#);
    }

    #[test]
    fn what_cannot_be_an_event_is_refused() {
        let long = format!(r#"{{"type":"{}","data":1}}"#, "瑶".repeat(65));
        let deep = format!(
            r#"{{"type":"x","data":{}{}}}"#,
            "[".repeat(5_000),
            "]".repeat(5_000)
        );
        for body in [
            "",
            "{}",
            "[]",
            r#"{"type":"chat"}"#,
            r#"{"data":1}"#,
            r#"{"type":"","data":1}"#,
            r#"{"type":"hello","data":1}"#,
            r#"{"type":"gap","data":1}"#,
            r#"{"type":7,"data":1}"#,
            r#"{"type":"x","data":1} x"#,
            r#"{"type":"x","data":"\ud800"}"#,
            &long,
            &deep,
        ] {
            assert!(from_json(body.as_bytes()).is_err(), "{body:.60}");
        }
        assert!(
            from_json(format!(r#"{{"type":"{}","data":1}}"#, "瑶".repeat(64)).as_bytes()).is_ok()
        );
    }

    #[test]
    fn text_that_is_no_object_is_chat() {
        for text in ["hello, 瑶", "42", "[1]", r#""quoted""#, "line\nbreak"] {
            let draft = from_text(text).unwrap();
            assert_eq!(draft.kind_json, r#""chat""#);
            assert_eq!(
                serde_json::from_str::<String>(&draft.data_json).unwrap(),
                text
            );
        }
        for object in [
            r#"{"data":1}"#,
            " {\"type\":\"x\",\"data\":\"\\ud800\"}",
            r#"{"type":"x","data":1e999}"#,
        ] {
            assert!(from_text(object).is_err(), "{object}");
        }
    }

    #[test]
    fn binary_data_becomes_base64() {
        let mut body = rmp_serde::to_vec_named(&serde_json::json!({"type": "img"})).unwrap();
        body[0] = 0x82;
        body.extend(b"\xa4data\xc4\x03\x01\x02\x03");
        let draft = from_msgpack(&body).unwrap();
        assert_eq!(draft.data_json, r#"{"$binary":"AQID"}"#);
        assert!(from_msgpack(b"\x81").is_err());
    }
}
