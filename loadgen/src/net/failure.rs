//! What can go wrong on the measured path. A failure ends one connection and is counted by its
//! class; it never ends a trial.

use pushlab_server::wire::lab_headers::TooShort;
use std::io;

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Failure {
    #[error("cannot connect: {0}")]
    Connect(io::ErrorKind),
    #[error("cannot connect: this process has too many open files")]
    NoDescriptor,
    /// The peer, or what it says of itself, is not to be trusted.
    #[error("no TLS with it: {0}")]
    Tls(String),
    #[error("the connection broke: {0}")]
    Broken(io::ErrorKind),
    /// The peer ended what should have gone on.
    #[error("the server ended the connection")]
    Ended,
    #[error("answered {0}")]
    Status(u16),
    #[error("not understood: {0}")]
    Malformed(&'static str),
    /// A head of the wanted size has no room for what must stand in it.
    #[error("a request cannot be that short: {0}")]
    HeadTooLong(#[from] TooShort),
    #[error("nothing came in time")]
    TimedOut,
    /// A client that minds it has heard nothing for too long.
    #[error("nothing was heard for too long")]
    Silence,
    /// Socket.IO lets nobody in, or not with this.
    #[error("the namespace was refused")]
    Refused,
    /// A request of a session that the server no longer has.
    #[error("the server has ended the session")]
    SessionGone,
}

/// Classes that are the generator's own limits, not the server's.
pub const NO_DESCRIPTOR: &str = "connect-too-many-open-files";
pub const NO_PORT: &str = "connect-addr-not-available";

impl Failure {
    /// A connect that failed.
    pub fn connect(error: &io::Error) -> Failure {
        match error.raw_os_error() {
            Some(libc::EMFILE | libc::ENFILE) => Failure::NoDescriptor,
            Some(_) | None => Failure::Connect(error.kind()),
        }
    }

    /// Whether TLS itself refused: a certificate, a version, what was no TLS at all.
    pub fn is_of_tls(error: &io::Error) -> bool {
        (error.get_ref()).is_some_and(|reason| reason.is::<rustls::Error>())
    }

    /// The key under which results count it.
    pub fn class(&self) -> String {
        match self {
            Failure::Connect(kind) => format!("connect-{}", kebab(*kind)),
            Failure::NoDescriptor => NO_DESCRIPTOR.to_owned(),
            Failure::Tls(_) => "tls".to_owned(),
            Failure::Broken(kind) => kebab(*kind),
            Failure::Ended => "ended".to_owned(),
            Failure::Status(status) => format!("status-{status}"),
            Failure::Malformed(_) => "malformed".to_owned(),
            Failure::HeadTooLong(_) => "head-too-long".to_owned(),
            Failure::TimedOut => "timed-out".to_owned(),
            Failure::Silence => "silence".to_owned(),
            Failure::Refused => "connect-error".to_owned(),
            Failure::SessionGone => "session-gone".to_owned(),
        }
    }

    /// Asking again will be answered the same.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Failure::Refused | Failure::Status(400..=428 | 430..=499)
        )
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Broken(error.kind())
    }
}

/// `ConnectionReset` → `connection-reset`.
fn kebab(kind: io::ErrorKind) -> String {
    let mut text = String::new();
    for c in format!("{kind:?}").chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_short_and_stable() {
        let cases = [
            (
                Failure::Connect(io::ErrorKind::ConnectionRefused),
                "connect-connection-refused",
            ),
            (
                Failure::Broken(io::ErrorKind::ConnectionReset),
                "connection-reset",
            ),
            (
                Failure::connect(&io::Error::from_raw_os_error(libc::EMFILE)),
                NO_DESCRIPTOR,
            ),
            (
                Failure::connect(&io::Error::from_raw_os_error(libc::EADDRNOTAVAIL)),
                NO_PORT,
            ),
            (Failure::Status(404), "status-404"),
            (Failure::Ended, "ended"),
        ];
        for (failure, class) in cases {
            assert_eq!(failure.class(), class);
        }
        assert!(Failure::Status(404).is_refusal());
        assert!(!Failure::Status(429).is_refusal());
        assert!(!Failure::Status(503).is_refusal());
    }
}
