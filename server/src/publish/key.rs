//! The key of a publish: said again under the same one, a publish appends nothing while its event is
//! kept. A POST bears it as `Idempotency-Key`, a WebSocket frame beside `type` and `data`. There a look
//! whether the line has arrived would not do: it may still be on its way on the connection that broke.

use crate::frames::Draft;
use crate::problems::Refusal;
use serde::Deserialize;
use serde_json::Value;
use std::borrow::Cow;

/// Longest key, in bytes.
const MAX_BYTES: usize = 255;

/// A user's keys are his own: one who knows another's cannot swallow an event by it.
pub fn scoped<'a>(key: &'a str, draft: &Draft) -> Cow<'a, str> {
    match &draft.user {
        None => key.into(),
        // No key holds a newline.
        Some(user) => format!("{}\n{key}", user.id).into(),
    }
}

pub fn checked(key: &str) -> Result<&str, Refusal> {
    let is_visible = key.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
    match (1..=MAX_BYTES).contains(&key.len()) && is_visible {
        true => Ok(key),
        false => Err(bad()),
    }
}

pub fn bad() -> Refusal {
    Refusal::BadRequest(format!(
        "an Idempotency-Key has 1 to {MAX_BYTES} visible ASCII characters"
    ))
}

/// The key in the text of a JSON object. What is wrong with the rest is said by who reads that.
pub fn beside(text: &str) -> Result<Option<String>, Refusal> {
    #[derive(Deserialize)]
    struct Keyed {
        #[serde(default)]
        key: Value,
    }
    serde_json::from_str(text).map_or(Ok(None), |Keyed { key }| text_of(&key))
}

/// The same of one that has been read.
pub fn within(map: &Value) -> Result<Option<String>, Refusal> {
    map.get("key").map_or(Ok(None), text_of)
}

fn text_of(key: &Value) -> Result<Option<String>, Refusal> {
    match key {
        Value::Null => Ok(None),
        Value::String(key) => checked(key).map(|key| Some(key.to_owned())),
        _ => Err(bad()),
    }
}

#[cfg(test)]
mod tests {
    use crate::publish::{from_msgpack, from_text};

    #[test]
    fn a_frame_may_bear_a_key() {
        for (text, key) in [
            (r#"{"type":"x","data":1,"key":"瑶"}"#, None),
            (r#"{"type":"x","data":1,"key":""}"#, None),
            (r#"{"type":"x","data":1,"key":7}"#, None),
            (r#"{"type":"x","data":1,"key":"a\nb"}"#, None),
            (r#"{"type":"x","data":1,"key":null}"#, Some(None)),
            (r#"{"type":"x","data":{"key":"in data"}}"#, Some(None)),
            (r#"{"key":"a-1","type":"x","data":1}"#, Some(Some("a-1"))),
        ] {
            let read = from_text(text).ok().map(|said| said.key);
            assert_eq!(read, key.map(|key| key.map(str::to_owned)), "{text}");
        }
        let packed = serde_json::json!({"type": "x", "data": 1, "key": "a-1"});
        let said = from_msgpack(&rmp_serde::to_vec_named(&packed).unwrap()).unwrap();
        assert_eq!(said.key.as_deref(), Some("a-1"));
    }
}
