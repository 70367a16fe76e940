//! Credentials of every kind against the keys of a server: who is let in, who is refused, and who is told why.
//! It opens no port.

use super::*;

const OLD: &str = "an old key of thirty-two letters!";
const NEW: &str = "a new key of thirty-three letters!";
const DAY: Duration = Duration::from_secs(86_400);

fn keys(list: &str) -> Keys {
    Keys::read(list).unwrap()
}

fn user() -> User {
    User::new("瑶").unwrap()
}

#[test]
fn what_was_signed_is_read_again() {
    let (keys, user, now) = (keys(OLD), user(), SystemTime::now());
    for purpose in [Purpose::Cookie, Purpose::Token] {
        let credential = keys.sign(purpose, &user, DAY, now);
        assert_eq!(keys.verify(purpose, &credential, now), Ok(user.clone()));
    }
}

/// The same made by hand after RFC 2104, so that the format cannot change unseen.
#[test]
fn the_signature_is_hmac_sha256() {
    use sha2::Digest;
    let block = |pad: u8| -> Vec<u8> {
        let mut key = OLD.as_bytes().to_vec();
        key.resize(64, 0);
        key.iter().map(|byte| byte ^ pad).collect()
    };
    let text = "1.0123456789ab.4102444800.55G2";
    let message = format!("pushlab session cookie\n{text}");
    let inner = Sha256::digest([block(0x36), message.into()].concat());
    let outer = Sha256::digest([block(0x5c), inner.to_vec()].concat());
    let credential = format!("{text}.{}", URL_SAFE_NO_PAD.encode(outer));
    let user = User {
        id: "0123456789ab".into(),
        name: "瑶".into(),
    };
    let read = keys(OLD).verify(Purpose::Cookie, &credential, SystemTime::now());
    assert_eq!(read, Ok(user));
}

#[test]
fn a_new_key_leaves_old_credentials_readable_until_the_old_one_goes() {
    let (user, now) = (user(), SystemTime::now());
    let before = keys(OLD).sign(Purpose::Cookie, &user, DAY, now);
    let both = keys(&format!("{NEW}, {OLD}"));
    assert_eq!(both.verify(Purpose::Cookie, &before, now), Ok(user.clone()));
    let after = both.sign(Purpose::Cookie, &user, DAY, now);
    let new = keys(NEW);
    assert_eq!(new.verify(Purpose::Cookie, &after, now), Ok(user));
    assert_eq!(
        new.verify(Purpose::Cookie, &before, now),
        Err(BadCredential)
    );
}

#[test]
fn a_credential_ends_and_serves_one_purpose() {
    let (keys, user, now) = (keys(OLD), user(), SystemTime::now());
    let cookie = keys.sign(Purpose::Cookie, &user, DAY, now);
    assert!(keys.verify(Purpose::Cookie, &cookie, now).is_ok());
    assert_eq!(
        keys.verify(Purpose::Cookie, &cookie, now + DAY),
        Err(BadCredential)
    );
    assert_eq!(
        keys.verify(Purpose::Token, &cookie, now),
        Err(BadCredential)
    );
}

/// Every byte of it counts: no other text is taken for the same credential.
#[test]
fn no_byte_can_be_changed_added_or_left_out() {
    let (keys, now) = (keys(OLD), SystemTime::now());
    let good = keys.sign(Purpose::Cookie, &user(), DAY, now);
    let refused = |text: &str| {
        let read = keys.verify(Purpose::Cookie, text, now);
        assert_eq!(read, Err(BadCredential), "{text}");
    };
    for at in 0..good.len() {
        let (before, after) = (&good[..at], &good[at + 1..]);
        for other in ['A', 'b', '7', '.', '-', '=', ' '] {
            if !good[at..].starts_with(other) {
                refused(&format!("{before}{other}{after}"));
            }
            refused(&format!("{before}{other}{}", &good[at..]));
        }
        refused(&format!("{before}{after}"));
        refused(before);
    }
    for other in ["", ".", "....", "1.a.9999999999.YQ.", &"1".repeat(100_000)] {
        refused(other);
    }
}

#[test]
fn a_signature_cannot_be_moved_to_another_user() {
    let (keys, now) = (keys(OLD), SystemTime::now());
    let [one, two] = ["云缨", "瑶"].map(|name| {
        let user = User::new(name).unwrap();
        keys.sign(Purpose::Cookie, &user, DAY, now)
    });
    let (text, _) = one.rsplit_once('.').unwrap();
    let (_, mac) = two.rsplit_once('.').unwrap();
    let swapped = format!("{text}.{mac}");
    assert_eq!(
        keys.verify(Purpose::Cookie, &swapped, now),
        Err(BadCredential)
    );
}

#[test]
fn names() {
    for (name, kept) in [
        ("瑶", "瑶"),
        ("  云 缨 ", "云 缨"),
        ("👩‍👩‍👧", "👩‍👩‍👧"),
        ("❤️‍🔥", "❤️‍🔥"),
        ("瑶 ❤️", "瑶 ❤️"),
        ("<b>\"x\"</b>", "<b>\"x\"</b>"),
    ] {
        assert_eq!(checked_name(name), Ok(kept));
    }
    let long = "瑶".repeat(MAX_NAME_CHARS);
    assert_eq!(checked_name(&long), Ok(&*long));
    for name in [
        "",
        "  ",
        "a\nb",
        "a\0b",
        "\u{200b}",
        "a\u{202e}b",
        "\u{85}a\u{9b}",
        "ad\u{200b}min",
        "admin\u{200d}",
        "admin\u{fe0f}",
        "a\u{ad}dmin",
        "a\u{61c}dmin",
        "ad\u{a0}min",
        "瑶\u{200d}",
        "云\u{200d}缨",
        "瑶\u{fe0f}",
        "瑶\u{3000}瑶",
        "👩\u{200d}",
        "👩\u{200d}\u{200d}👧",
        "❤\u{fe0f}\u{fe0f}",
        "🏴\u{e0067}",
    ] {
        assert_eq!(checked_name(name), Err(BadName), "{name:?}");
    }
    assert_eq!(checked_name(&format!("{long}瑶")), Err(BadName));
}

#[test]
fn keys_are_long_enough_and_never_shown() {
    for list in ["", "short", &format!("{OLD},"), &format!("{OLD},short")] {
        let error = Keys::read(list).unwrap_err().to_string();
        assert!(error.contains(KEYS_VARIABLE) && !error.contains("short"));
    }
    assert_eq!(
        format!("{:?}", keys(&format!("{NEW},{OLD}"))),
        "2 session keys"
    );
}
