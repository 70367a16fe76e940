//! Who somebody is: a name and an id that this server has signed. What a client holds is
//! `1.<id>.<end>.<name>.<mac>`, the end in Unix seconds, the name and the HMAC-SHA256 in base64url; the
//! MAC is over a word of what it is for and the four parts before it, so that none can be changed, taken
//! from another or used for something else. The server keeps nothing of it.
//!
//! Absent on purpose: passwords, a list of users, and taking a credential back before its end other than
//! by new keys. Whether a request bears one is `session.rs`.

use crate::config::Switch;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use serde::Serialize;
use sha2::Sha256;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Keys, comma-separated: the first signs, all are read. A variable alone, for a flag could be read by
/// every program of the machine.
pub const KEYS_VARIABLE: &str = "PUSHLAB_SESSION_KEYS";

/// Shortest key, in bytes: as much as `openssl rand -base64 24` gives.
const MIN_KEY_BYTES: usize = 32;

/// Longest name, in characters.
pub const MAX_NAME_CHARS: usize = 32;

/// Characters of an id: 62 bits, so that among a million users no two have the same.
const ID_CHARS: usize = 12;

/// Longer than any credential that was ever signed.
const MAX_CREDENTIAL_BYTES: usize = 512;

const VERSION: &str = "1";

#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Who is who")]
pub struct IdentityFlags {
    /// Whether clients without a session may publish; with off, such a publish is answered 401, and a
    /// WebSocket without a session is closed as soon as it is open
    #[arg(
        long,
        env = "PUSHLAB_ANONYMOUS",
        value_name = "on|off",
        default_value = "on"
    )]
    pub anonymous: Switch,

    /// Seconds for which a session is valid
    #[arg(long, env = "PUSHLAB_SESSION_LIFETIME", value_name = "SECONDS", default_value_t = 30 * 86_400, value_parser = clap::value_parser!(u64).range(1..=400 * 86_400))]
    pub session_lifetime: u64,
}

/// Somebody, as events and member lists show them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct User {
    pub id: Box<str>,
    pub name: Box<str>,
}

impl User {
    /// Somebody new of this name.
    pub fn new(name: &str) -> Result<User, BadName> {
        Ok(User {
            id: random_id(),
            name: checked_name(name)?.into(),
        })
    }

    /// `{"id":"…","name":"…"}`
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("two strings have a JSON form")
    }
}

fn random_id() -> Box<str> {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let id: String = (0..ID_CHARS)
        .map(|_| char::from(DIGITS[rand::random_range(0..DIGITS.len())]))
        .collect();
    id.into()
}

/// A name that cannot be shown as one line of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to {MAX_NAME_CHARS} characters that can be seen, and no control characters")]
pub struct BadName;

fn checked_name(name: &str) -> Result<&str, BadName> {
    let name = name.trim();
    let fits = (1..=MAX_NAME_CHARS).contains(&name.chars().count());
    match fits && !name.chars().any(reorders_or_controls) && is_seen(name) {
        true => Ok(name),
        false => Err(BadName),
    }
}

/// Whether each character shows, so that no two names look the same. Blanks between words do, and what
/// makes one picture of several: a joiner between two, and the mark that asks for colour.
fn is_seen(name: &str) -> bool {
    let is_picture = |character: char| {
        !character.is_ascii() && !character.is_alphanumeric() && !is_invisible(character)
    };
    let mut before = ' ';
    let mut characters = name.chars().peekable();
    while let Some(character) = characters.next() {
        let after = characters.peek().copied().unwrap_or(' ');
        let shows = match character {
            ' ' => true,
            '\u{fe0f}' => is_picture(before),
            '\u{200d}' => (is_picture(before) || before == '\u{fe0f}') && is_picture(after),
            other => !is_invisible(other),
        };
        if !shows {
            return false;
        }
        before = character;
    }
    true
}

/// Characters without a glyph: with these one could take the name of another to the eye.
fn is_invisible(character: char) -> bool {
    character.is_whitespace()
        || matches!(character, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}'
            | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Control characters, line separators, and those that turn the direction of the text after them, so
/// that a name could rewrite the line it stands in (Unicode TR 36, §3.1.1 on bidirectional spoofing).
fn reorders_or_controls(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}')
}

/// What a credential is for: one made for a cookie is refused in a header, and the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Cookie,
    Token,
}

impl Purpose {
    fn domain(self) -> &'static [u8] {
        match self {
            Purpose::Cookie => b"pushlab session cookie\n",
            Purpose::Token => b"pushlab session token\n",
        }
    }
}

/// A credential that is none: forged, over, for something else, or signed with a key that is gone. Which
/// of these is nobody's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadCredential;

/// The keys that credentials are signed with and checked against.
pub struct Keys {
    /// Never empty; the first signs.
    keys: Vec<Hmac<Sha256>>,
}

/// Says how many there are, and nothing else of them.
impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} session keys", self.keys.len())
    }
}

/// Keys that are none. It does not repeat them.
#[derive(Debug, thiserror::Error)]
#[error(
    "a key in {KEYS_VARIABLE} has less than {MIN_KEY_BYTES} characters; make one with `openssl rand -base64 33`"
)]
pub struct BadKeys;

impl Keys {
    /// From the environment, or made now: then every restart makes strangers of all.
    pub fn from_environment() -> Result<Keys, BadKeys> {
        match std::env::var_os(KEYS_VARIABLE) {
            Some(list) => Keys::read(list.to_str().ok_or(BadKeys)?),
            None => Ok(Keys::random()),
        }
    }

    /// Reads a comma-separated list.
    pub fn read(list: &str) -> Result<Keys, BadKeys> {
        let keys: Vec<_> = list
            .split(',')
            .map(|key| match key.trim() {
                key if key.len() >= MIN_KEY_BYTES => Ok(mac(key.as_bytes())),
                _ => Err(BadKeys),
            })
            .collect::<Result<_, _>>()?;
        Ok(Keys { keys })
    }

    pub fn random() -> Keys {
        let key: [u8; 32] = rand::random();
        Keys {
            keys: vec![mac(&key)],
        }
    }

    /// What `user` shows from now on, for as long as `lifetime`.
    pub fn sign(
        &self,
        purpose: Purpose,
        user: &User,
        lifetime: Duration,
        now: SystemTime,
    ) -> String {
        let end = unix_seconds(now) + lifetime.as_secs();
        let name = URL_SAFE_NO_PAD.encode(user.name.as_bytes());
        let mut credential = format!("{VERSION}.{}.{end}.{name}", user.id);
        let mac = signed(&self.keys[0], purpose, &credential).finalize();
        credential.push('.');
        URL_SAFE_NO_PAD.encode_string(mac.into_bytes(), &mut credential);
        credential
    }

    /// Whose credential this is, if one of these keys has signed it and it is not over. Signatures are
    /// compared in constant time, and before anything that they cover is looked at.
    pub fn verify(
        &self,
        purpose: Purpose,
        credential: &str,
        now: SystemTime,
    ) -> Result<User, BadCredential> {
        if credential.len() > MAX_CREDENTIAL_BYTES {
            return Err(BadCredential);
        }
        let (text, mac) = credential.rsplit_once('.').ok_or(BadCredential)?;
        let mac = URL_SAFE_NO_PAD.decode(mac).map_err(|_| BadCredential)?;
        let is_ours = |key| signed(key, purpose, text).verify_slice(&mac).is_ok();
        if !self.keys.iter().any(is_ours) {
            return Err(BadCredential);
        }
        read(text, unix_seconds(now)).ok_or(BadCredential)
    }
}

/// Takes the parts of a credential from a text whose signature is right.
fn read(text: &str, now: u64) -> Option<User> {
    let mut parts = text.split('.');
    let (version, id, end, name) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let name = String::from_utf8(URL_SAFE_NO_PAD.decode(name).ok()?).ok()?;
    let is_valid = version == VERSION && parts.next().is_none() && now < end.parse::<u64>().ok()?;
    is_valid.then(|| User {
        id: id.into(),
        name: name.into(),
    })
}

fn mac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

fn signed(key: &Hmac<Sha256>, purpose: Purpose, text: &str) -> Hmac<Sha256> {
    let mut mac = key.clone();
    mac.update(purpose.domain());
    mac.update(text.as_bytes());
    mac
}

fn unix_seconds(now: SystemTime) -> u64 {
    now.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// What every worker signs and checks with.
pub struct Identity {
    pub keys: Keys,
    pub lifetime: Duration,
    pub anonymous: bool,
}

impl Identity {
    pub fn new(flags: &IdentityFlags, keys: Keys) -> Arc<Identity> {
        Arc::new(Identity {
            keys,
            lifetime: Duration::from_secs(flags.session_lifetime),
            anonymous: flags.anonymous == Switch::On,
        })
    }
}

#[cfg(test)]
mod tests;
