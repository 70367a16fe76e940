//! How the requests to a server look: headers of the user's own, and where a foreign server takes
//! subscribers and events. Variables are filled in here, so this holds secrets and is never shown.

use super::TargetError;
use crate::scenario::{Dialect, TargetEntry, filled_in, header};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use std::fmt;

#[derive(Clone, Default)]
pub struct Manner {
    /// Beside those that every client sends.
    pub headers: Vec<(String, String)>,
    /// Of a server that is not ours.
    pub foreign: Option<Foreign>,
}

#[derive(Clone)]
pub struct Foreign {
    pub dialect: Dialect,
    pub subscribe: Template,
    /// Where events are POSTed to, if anywhere.
    pub publish: Option<Template>,
    /// JSON of an object that a CONNECT of Socket.IO bears, or nothing.
    pub auth: String,
}

/// A path in which `{room}` and `{cursor}` are filled in.
#[derive(Clone)]
pub struct Template(String);

/// Secrets stay where they are.
impl fmt::Debug for Manner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dialect = self.foreign.as_ref().map(|foreign| foreign.dialect);
        write!(f, "Manner({dialect:?})")
    }
}

impl Template {
    pub fn fill(&self, room: &str, cursor: &str) -> String {
        let cursor = in_a_url(cursor);
        self.0.replace("{room}", room).replace("{cursor}", &cursor)
    }

    pub fn has_cursor(&self) -> bool {
        self.0.contains("{cursor}")
    }
}

/// What ids are made of, and what would end the place where one stands.
const SPECIAL: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'&')
    .add(b'+')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// What a server said, where it is said to it in a URL.
pub fn in_a_url(cursor: &str) -> String {
    utf8_percent_encode(cursor, SPECIAL).to_string()
}

/// A manner, and the base URLs that its paths belong to.
pub(super) struct Resolved {
    pub(super) manner: Manner,
    pub(super) subscribe: String,
    pub(super) publish: String,
}

impl Manner {
    /// `url` is the server's, its port filled in.
    pub(super) fn of(entry: &TargetEntry, url: &str, port: &str) -> Result<Resolved, TargetError> {
        let fill = |value: &str| -> Result<String, TargetError> {
            filled_in(value, |name| std::env::var(name).ok())
                .map_err(|name| TargetError::NoVariable { name })
        };
        let mut headers = Vec::new();
        for line in &entry.headers {
            let (name, value) = header(line).unwrap_or_default();
            let value = fill(value)?;
            if value.bytes().any(|b| b.is_ascii_control()) {
                return Err(TargetError::BadHeader {
                    name: name.to_owned(),
                });
            }
            headers.push((name.to_owned(), value));
        }
        let mut resolved = Resolved {
            manner: Manner {
                headers,
                foreign: None,
            },
            subscribe: url.to_owned(),
            publish: url.to_owned(),
        };
        if !entry.dialect().is_foreign() {
            return Ok(resolved);
        }
        let placed = |key, template: &str| -> Result<(String, Template), TargetError> {
            let filled = fill(template)?.replace("{port}", port);
            if filled.contains(|c: char| c.is_whitespace() || c.is_control()) {
                return Err(TargetError::BadPath { key });
            }
            let (base, path) = split(&filled, url);
            Ok((base, Template(path)))
        };
        let subscribe = placed("subscribe", entry.subscribe.as_deref().unwrap_or(url))?;
        let publish = (entry.publish.as_deref())
            .map(|template| placed("publish", template))
            .transpose()?;
        let mut auth = serde_json::Map::new();
        for (key, value) in &entry.auth {
            auth.insert(key.clone(), fill(value)?.into());
        }
        // Socket.IO has one path below the URL, which the plan has.
        if entry.dialect() != Dialect::Socketio {
            resolved.subscribe = subscribe.0;
        }
        resolved.manner.foreign = Some(Foreign {
            dialect: entry.dialect(),
            subscribe: subscribe.1,
            publish: publish.as_ref().map(|(_, path)| path.clone()),
            auth: match auth.is_empty() {
                true => String::new(),
                false => serde_json::Value::from(auth).to_string(),
            },
        });
        if let Some((base, _)) = publish {
            resolved.publish = base;
        }
        Ok(resolved)
    }
}

/// The base URL that a template belongs to, and its path from the root on.
fn split(template: &str, url: &str) -> (String, String) {
    let root = |path: &str| match path.starts_with('/') {
        true => path.to_owned(),
        false => format!("/{path}"),
    };
    match template.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            (format!("{scheme}://{}", &rest[..end]), root(&rest[end..]))
        }
        None => {
            let (base, prefix) = split_base(url);
            (base, format!("{prefix}{template}"))
        }
    }
}

/// `http://host:1/lab` → (`http://host:1`, `/lab`)
fn split_base(url: &str) -> (String, String) {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url[host..].find('/').map_or(url.len(), |at| host + at);
    (
        url[..end].to_owned(),
        url[end..].trim_end_matches('/').to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_paths_below_the_url_or_urls_of_their_own() {
        let split = |template| {
            let (base, path) = split(template, "http://127.0.0.1:1/lab");
            (base, Template(path).fill("峡谷", "7"))
        };
        let (here, there) = ("http://127.0.0.1:1".to_owned(), "ws://host:2".to_owned());
        assert_eq!(split("/sub/{room}"), (here, "/lab/sub/峡谷".to_owned()));
        assert_eq!(
            split("ws://host:2/{room}?from={cursor}"),
            (there.clone(), "/峡谷?from=7".to_owned())
        );
        assert_eq!(split("ws://host:2"), (there.clone(), "/".to_owned()));
        assert_eq!(split("ws://host:2?a=b"), (there, "/?a=b".to_owned()));
    }

    #[test]
    fn neither_a_variable_nor_a_cursor_ends_a_path() {
        let template = Template("/{room}?from={cursor}".to_owned());
        let filled = template.fill("峡谷", "17:[0],1 HTTP/1.1\r\n&a=瑶");
        assert_eq!(
            filled,
            "/峡谷?from=17:[0],1%20HTTP%2F1.1%0D%0A%26a=%E7%91%B6"
        );
        // Every test has it, and no shell gives it blanks but this.
        let entry = TargetEntry {
            dialect: Some(Dialect::Sse),
            subscribe: Some("/$CARGO_PKG_DESCRIPTION".to_owned()),
            ..TargetEntry::default()
        };
        assert!(env!("CARGO_PKG_DESCRIPTION").contains(' '));
        let refused = Manner::of(&entry, "http://h", "80").err().unwrap();
        assert!(matches!(refused, TargetError::BadPath { key: "subscribe" }));
    }

    #[test]
    fn what_it_holds_is_not_shown() {
        let entry = TargetEntry {
            headers: vec!["Authorization: Bearer s3cret".to_owned()],
            ..TargetEntry::default()
        };
        let manner = Manner::of(&entry, "http://h", "80").unwrap().manner;
        assert_eq!(manner.headers[0].1, "Bearer s3cret");
        assert!(!format!("{manner:?}").contains("s3cret"));
        let entry = TargetEntry {
            headers: vec!["X: $NO_SUCH_VARIABLE_HERE".to_owned()],
            ..TargetEntry::default()
        };
        let refused = Manner::of(&entry, "http://h", "80")
            .err()
            .unwrap()
            .to_string();
        assert!(refused.contains("NO_SUCH_VARIABLE_HERE"), "{refused}");
    }
}
