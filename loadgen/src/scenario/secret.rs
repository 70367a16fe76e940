//! What must not be stored or shown: header values, auth, and whatever is called a token or a key, in URLs
//! and in commands too. `$NAME` is how a scenario says a secret without having it, so that stays as it is
//! written. Rather too much is masked than too little.

use super::target::{TargetEntry, header};

/// In place of what was there.
const MASK: &str = "…";

/// How credentials are given is no secret.
const SCHEMES: [&str; 3] = ["Bearer", "Basic", "Token"];

/// Whatever is shorter is found in every other word.
const SHORTEST: usize = 3;

impl TargetEntry {
    /// As it may be stored and shown.
    pub fn masked(&self) -> TargetEntry {
        let of_url = |url: &Option<String>| url.as_deref().map(without_secret_parameters);
        TargetEntry {
            url: of_url(&self.url),
            admin: of_url(&self.admin),
            subscribe: of_url(&self.subscribe),
            publish: of_url(&self.publish),
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

    /// What a server that is told them might say again: the secrets that stand here, and the values of the
    /// variables that are named. The longest come first.
    pub fn secrets(&self, lookup: impl Fn(&str) -> Option<String>) -> Vec<String> {
        let mut found = Vec::new();
        let headers = self.headers.iter().filter_map(|line| header(line).ok());
        let values = headers.map(|(_, value)| value);
        for value in values.chain(self.auth.values().map(String::as_str)) {
            found.extend(names(value).filter_map(&lookup));
            found.extend(filled_in(value, &lookup));
            found.extend(texts(value));
        }
        for url in [&self.url, &self.admin, &self.subscribe, &self.publish] {
            note_secrets_of_url(url.as_deref().unwrap_or_default(), &lookup, &mut found);
        }
        note_secrets_of_command(
            self.command.as_deref().unwrap_or_default(),
            &lookup,
            &mut found,
        );
        found.retain(|secret| secret.len() >= SHORTEST && !is_scheme(secret));
        found.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        found.dedup();
        found
    }
}

/// `text` without these.
pub fn without_secrets(text: &str, secrets: &[String]) -> String {
    let hide = |text: String, secret: &String| text.replace(secret, MASK);
    secrets.iter().fold(text.to_owned(), hide)
}

/// The names of variables, and how credentials are given; anything else is taken for a secret.
fn kept(value: &str) -> String {
    let mut kept = String::new();
    for piece in pieces(value) {
        match piece {
            Piece::Name(name) => {
                kept.push('$');
                kept.push_str(name);
            }
            Piece::Text(text) => text
                .split_inclusive(' ')
                .for_each(|word| keep_word(word, &mut kept)),
        }
    }
    kept.trim_end().to_owned()
}

fn keep_word(word: &str, kept: &mut String) {
    let bare = word.trim_end();
    if bare.is_empty() || is_scheme(bare) {
        kept.push_str(word);
    } else if !kept.trim_end().ends_with(MASK) {
        kept.push_str(MASK);
        kept.push_str(&word[bare.len()..]);
    }
}

fn is_scheme(word: &str) -> bool {
    SCHEMES
        .iter()
        .any(|scheme| word.eq_ignore_ascii_case(scheme))
}

/// The words of a value, and the parts of a cookie.
fn texts(value: &str) -> impl Iterator<Item = String> {
    let of_text = |piece| match piece {
        Piece::Text(text) => text,
        Piece::Name(_) => "",
    };
    let words = pieces(value).map(of_text).flat_map(|text| {
        text.split(|c: char| c.is_whitespace() || matches!(c, ';' | ',' | '=' | '\'' | '"'))
    });
    words.map(str::to_owned).collect::<Vec<_>>().into_iter()
}

fn masked_header(line: &str) -> String {
    match header(line) {
        Ok((name, value)) => format!("{name}: {}", kept(value)),
        Err(_) => MASK.to_owned(),
    }
}

/// `--token x` hides `x`, and what has a name that tells hides all behind it.
fn masked_command(command: &[String]) -> Vec<String> {
    let mut hide = false;
    let mask = |argument: &String| {
        let hidden = std::mem::replace(&mut hide, hides_the_next(argument));
        if hidden {
            return kept(argument);
        }
        let argument = without_credentials(argument);
        let (shown, secret) = argument.split_at(telling(&argument));
        format!("{shown}{}", kept(secret))
    };
    command.iter().map(mask).collect()
}

/// A flag that is told what it wants by the next argument.
fn hides_the_next(argument: &str) -> bool {
    argument.starts_with('-')
        && !argument.contains(|c: char| c == '=' || c == ':' || c.is_whitespace())
        && is_telling(argument)
}

/// Where the secret of an argument begins, or its end: behind `NAME=`, `Name: ` and `--name `, wherever
/// they stand, for an argument may well be a whole script.
fn telling(argument: &str) -> usize {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let ends = argument.char_indices().filter(|(at, c)| {
        let name = argument[..*at].rsplit(|c| !is_of_name(c)).next();
        let name = name.unwrap_or_default();
        let separates = matches!(*c, '=' | ':') || c.is_whitespace() && name.starts_with('-');
        separates && is_telling(name)
    });
    let behind = |(at, c): (usize, char)| {
        let rest = &argument[at + c.len_utf8()..];
        argument.len() - rest.trim_start_matches(' ').len()
    };
    ends.map(behind).next().unwrap_or(argument.len())
}

fn note_secrets_of_command(
    command: &[String],
    lookup: &impl Fn(&str) -> Option<String>,
    found: &mut Vec<String>,
) {
    let mut hidden = false;
    for argument in command {
        let secret = match std::mem::replace(&mut hidden, hides_the_next(argument)) {
            true => argument.as_str(),
            false => &argument[telling(argument)..],
        };
        // A script goes on behind it, with words that anybody may say.
        let word = texts(secret).find(|word| !word.is_empty() && !is_scheme(word));
        found.extend(word);
        found.extend(credentials(argument).map(str::to_owned));
        let named = argument.replace("${", "$");
        let telling = names(&named).filter(|name| is_telling(name));
        found.extend(telling.filter_map(lookup));
    }
}

fn note_secrets_of_url(
    url: &str,
    lookup: &impl Fn(&str) -> Option<String>,
    found: &mut Vec<String>,
) {
    found.extend(names(url).filter_map(lookup));
    found.extend(credentials(url).map(str::to_owned));
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let parameters = query.split('&').filter_map(|pair| pair.split_once('='));
    let telling = parameters.filter(|(name, _)| is_telling(name));
    found.extend(telling.flat_map(|(_, value)| texts(value)));
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

/// `https://me:secret@host/` → `https://host/`, wherever such stand in a text.
fn without_credentials(text: &str) -> String {
    let mut parts = text.split("://");
    let mut bare = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (_, rest) = part.split_at(end_of_credentials(part));
        bare.push_str("://");
        bare.push_str(rest);
    }
    bare
}

/// Of what follows a scheme.
fn end_of_credentials(part: &str) -> usize {
    let is_end = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '\'' | '"');
    let end = part.find(is_end).unwrap_or(part.len());
    part[..end].rfind('@').map_or(0, |at| at + 1)
}

/// The passwords, or the lone names.
fn credentials(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split("://").skip(1);
    let both = parts.map(|part| part[..end_of_credentials(part)].trim_end_matches('@'));
    both.map(|both| both.split_once(':').map_or(both, |(_, password)| password))
}

/// A name that secrets go by.
fn is_telling(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    [
        "token", "secret", "pass", "pwd", "key", "auth", "cookie", "cred", "jwt", "sig",
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
        assert_eq!(masked.headers, ["Authorization: Bearer …", "X-Key: $KEY"]);
        assert_eq!(masked.publish, entry.publish);
        let command = masked.command.as_deref().unwrap_or_default().join(" ");
        assert_eq!(command, "server --token … --api-key=… --port={port}");
        assert_eq!(
            masked.subscribe.as_deref(),
            Some("wss://host/ws?room={room}&token=…")
        );
    }

    #[test]
    fn a_variable_beside_a_secret_makes_it_no_less_secret() {
        assert_eq!(kept("sid=s3cret; t=$T"), "… $T");
        assert_eq!(kept("p4$word"), "…$word");
        assert_eq!(kept("bearer $TOKEN"), "bearer $TOKEN");
        assert_eq!(kept("Basic $USER:s3cret and more"), "Basic $USER…");
        assert_eq!(kept("5$"), "…");
    }

    #[test]
    fn an_argument_may_have_a_secret_anywhere() {
        let masked = |argument: &str| masked_command(&[argument.to_owned()]).concat();
        let cases = [
            ("DB=postgres://me:s3cret@db/x", "DB=postgres://db/x"),
            ("Authorization: Bearer s3cret", "Authorization: Bearer …"),
            (
                "--header=Authorization: s3cret",
                "--header=Authorization: …",
            ),
            ("PORT=1 TOKEN=s3cret exec node", "PORT=1 TOKEN=…"),
            ("node x --api-key s3cret", "node x --api-key …"),
            ("curl 'http://h/?token=s3cret'", "curl 'http://h/?token=…"),
            ("X_TOKEN=$TOKEN node x", "X_TOKEN=$TOKEN …"),
            (
                "http://127.0.0.1:{port}/峡谷",
                "http://127.0.0.1:{port}/峡谷",
            ),
        ];
        for (argument, expected) in cases {
            assert_eq!(masked(argument), expected);
        }
    }

    #[test]
    fn what_a_server_says_again_is_hidden() {
        let entry = TargetEntry {
            url: Some("http://me:pa55word@h".to_owned()),
            publish: Some("/pub?key=p-1234".to_owned()),
            auth: [("token".to_owned(), "$WORD".to_owned())].into(),
            headers: vec!["Cookie: sid=s3cret; t=$T".to_owned()],
            command: Some(
                ["sh", "-c", "TOKEN=abc exec node x", "--password", "hush"]
                    .map(str::to_owned)
                    .to_vec(),
            ),
            ..TargetEntry::default()
        };
        let lookup = |name: &str| (name == "WORD").then(|| "瑶瑶".to_owned());
        let secrets = entry.secrets(lookup);
        let said = "no 瑶瑶, s3cret, pa55word, p-1234, abc or hush for node at /pub";
        let expected = "no …, …, …, …, … or … for node at /pub";
        assert_eq!(without_secrets(said, &secrets), expected, "{secrets:?}");
    }
}
