//! What must not be stored: header values, auth, and whatever is called a token or a key. `$NAME` is
//! how a scenario says a secret without having it, so that stays as it is written.

use super::target::{TargetEntry, header};

/// In place of what was there.
const MASK: &str = "…";

impl TargetEntry {
    /// As it may be stored and shown.
    pub fn masked(&self) -> TargetEntry {
        TargetEntry {
            subscribe: self.subscribe.as_deref().map(without_secret_parameters),
            publish: self.publish.as_deref().map(without_secret_parameters),
            auth: (self.auth.iter())
                .map(|(key, value)| (key.clone(), kept(value)))
                .collect(),
            headers: self
                .headers
                .iter()
                .map(|line| masked_header(line))
                .collect(),
            command: self.command.as_deref().map(masked_command),
            ..self.clone()
        }
    }
}

/// A value that names a variable holds no secret of its own.
fn kept(value: &str) -> String {
    match names(value).next() {
        Some(_) => value.to_owned(),
        None => MASK.to_owned(),
    }
}

fn masked_header(line: &str) -> String {
    match header(line) {
        Ok((name, value)) => format!("{name}: {}", kept(value)),
        Err(_) => MASK.to_owned(),
    }
}

/// `--token x` and `--token=x`.
fn masked_command(command: &[String]) -> Vec<String> {
    let mut hide = false;
    let mask = |argument: &String| {
        if std::mem::take(&mut hide) {
            return MASK.to_owned();
        }
        match argument.split_once('=') {
            Some((flag, _)) if is_telling(flag) => format!("{flag}={MASK}"),
            Some(_) => argument.clone(),
            None => {
                hide = argument.starts_with('-') && is_telling(argument);
                argument.clone()
            }
        }
    };
    command.iter().map(mask).collect()
}

fn without_secret_parameters(template: &str) -> String {
    let Some((path, query)) = template.split_once('?') else {
        return without_credentials(template);
    };
    let mask = |parameter: &str| match parameter.split_once('=') {
        Some((name, value)) if is_telling(name) => format!("{name}={}", kept(value)),
        Some(_) | None => parameter.to_owned(),
    };
    let query: Vec<String> = query.split('&').map(mask).collect();
    format!("{}?{}", without_credentials(path), query.join("&"))
}

/// `https://me:secret@host/` → `https://host/`
fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let end = rest.find('/').unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => url.to_owned(),
    }
}

/// A name that secrets go by.
fn is_telling(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "token", "secret", "pass", "key", "auth", "cookie", "jwt", "sig",
    ]
    .iter()
    .any(|telling| name.contains(telling))
}

/// `$NAME`s of a value: letters, digits and `_`, not beginning with a digit; `$$` is a dollar.
fn names(value: &str) -> impl Iterator<Item = &str> {
    pieces(value).filter_map(|piece| match piece {
        Piece::Name(name) => Some(name),
        Piece::Text(_) => None,
    })
}

#[derive(Debug, PartialEq)]
enum Piece<'a> {
    Text(&'a str),
    Name(&'a str),
}

fn pieces(mut value: &str) -> impl Iterator<Item = Piece<'_>> {
    std::iter::from_fn(move || {
        if value.is_empty() {
            return None;
        }
        let Some(rest) = value.strip_prefix('$') else {
            let end = value.find('$').unwrap_or(value.len());
            let (text, rest) = value.split_at(end);
            value = rest;
            return Some(Piece::Text(text));
        };
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            value = rest.strip_prefix('$').unwrap_or(rest);
            return Some(Piece::Text("$"));
        }
        value = after;
        Some(Piece::Name(name))
    })
}

/// With every `$NAME` filled in; `Err` is the name of the first variable that is not there.
pub fn filled_in(value: &str, lookup: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    pieces(value)
        .map(|piece| match piece {
            Piece::Text(text) => Ok(text.to_owned()),
            Piece::Name(name) => lookup(name).ok_or_else(|| name.to_owned()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in_and_nothing_else() {
        let lookup = |name: &str| (name == "TOKEN").then(|| "s3cret".to_owned());
        let fill = |value| filled_in(value, lookup);
        assert_eq!(fill("Bearer $TOKEN").unwrap(), "Bearer s3cret");
        assert_eq!(fill("$TOKEN$TOKEN!").unwrap(), "s3crets3cret!");
        assert_eq!(fill("5$, $$TOKEN and $1").unwrap(), "5$, $TOKEN and $1");
        assert_eq!(fill("峡谷").unwrap(), "峡谷");
        assert_eq!(fill("a $WOMBAT"), Err("WOMBAT".to_owned()));
    }

    #[test]
    fn what_is_stored_has_no_secret() {
        let entry = TargetEntry {
            url: Some("http://127.0.0.1:1".to_owned()),
            subscribe: Some("wss://me:s3cret@host/ws?room={room}&token=s3cret".to_owned()),
            publish: Some("/pub/{room}?access_key=$KEY".to_owned()),
            auth: [("token".to_owned(), "s3cret".to_owned())].into(),
            headers: vec![
                "Authorization: Bearer s3cret".to_owned(),
                "X-Key: $KEY".to_owned(),
            ],
            command: Some(
                [
                    "server",
                    "--token",
                    "s3cret",
                    "--api-key=s3cret",
                    "--port={port}",
                ]
                .map(str::to_owned)
                .to_vec(),
            ),
            ..TargetEntry::default()
        };
        let masked = entry.masked();
        assert!(!format!("{masked:?}").contains("s3cret"), "{masked:?}");
        assert_eq!(masked.headers, ["Authorization: …", "X-Key: $KEY"]);
        assert_eq!(masked.publish, entry.publish);
        let command = masked.command.as_deref().unwrap_or_default().join(" ");
        assert_eq!(command, "server --token … --api-key=… --port={port}");
        assert_eq!(
            masked.subscribe.as_deref(),
            Some("wss://host/ws?room={room}&token=…")
        );
    }
}
