//! `headers` of a `[[transports]]` entry: which heads both sides send. A name stands for literal,
//! published ones; two numbers are two sizes. Read by hand, so that a wrong value keeps its place.

use pushlab_server::wire::lab_headers::LabHeaders;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Headers {
    /// What loadgen sends by itself: `GET`, `Host`, nothing else.
    #[default]
    Lean,
    Chrome60,
    Kaazing,
    Sizes(HeadSizes),
}

/// Bytes of the two heads of an exchange, empty lines included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadSizes {
    pub request: usize,
    pub response: usize,
}

const NAMES: [&str; 3] = ["lean", "chrome60", "kaazing"];

impl Headers {
    pub fn request(self) -> Option<LabHeaders> {
        self.side(|sizes| sizes.request)
    }

    pub fn response(self) -> Option<LabHeaders> {
        self.side(|sizes| sizes.response)
    }

    fn side(self, size: fn(HeadSizes) -> usize) -> Option<LabHeaders> {
        match self {
            Headers::Lean => None,
            Headers::Chrome60 => Some(LabHeaders::Chrome60),
            Headers::Kaazing => Some(LabHeaders::Kaazing),
            Headers::Sizes(sizes) => Some(LabHeaders::Bytes(size(sizes))),
        }
    }
}

impl Serialize for Headers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let [lean, chrome60, kaazing] = NAMES;
        match self {
            Headers::Lean => serializer.serialize_str(lean),
            Headers::Chrome60 => serializer.serialize_str(chrome60),
            Headers::Kaazing => serializer.serialize_str(kaazing),
            Headers::Sizes(sizes) => sizes.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Headers;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("lean, chrome60, kaazing or { request = 500, response = 350 }")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Headers, E> {
        let known = [Headers::Lean, Headers::Chrome60, Headers::Kaazing];
        let at = NAMES.iter().position(|name| *name == text);
        at.map(|at| known[at])
            .ok_or_else(|| E::unknown_variant(text, &NAMES))
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Headers, M::Error> {
        HeadSizes::deserialize(MapAccessDeserializer::new(map)).map(Headers::Sizes)
    }
}

impl JsonSchema for Headers {
    fn schema_name() -> Cow<'static, str> {
        "Headers".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let size = json_schema!({ "type": "integer", "minimum": 0 });
        json_schema!({
            "anyOf": [
                { "type": "string", "enum": NAMES },
                {
                    "type": "object",
                    "properties": { "request": size, "response": size },
                    "required": ["request", "response"],
                    "additionalProperties": false
                }
            ]
        })
    }
}
