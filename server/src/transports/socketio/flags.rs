//! The settings of Engine.IO and Socket.IO, flattened into the server's. Their names and defaults are those
//! of the reference, but for the payload, which is what our plain WebSocket takes.

use bytes::Bytes;
use clap::Args;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

// clap makes a group of this name, so no other struct of flags may have it.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Socket.IO")]
pub struct SocketioFlags {
    /// How long after its last answer a client is asked whether it is there, such as 25s or 300ms
    #[arg(long, env = "PUSHLAB_EIO_PING_INTERVAL", value_name = "TIME", default_value = "25", value_parser = time)]
    pub eio_ping_interval: Duration,

    /// How long it has for the answer; then its session ends
    #[arg(long, env = "PUSHLAB_EIO_PING_TIMEOUT", value_name = "TIME", default_value = "20", value_parser = time)]
    pub eio_ping_timeout: Duration,

    /// Bytes of one POST or one WebSocket message of a client; more are answered 413, or closed with 1009
    #[arg(long, env = "PUSHLAB_EIO_MAX_PAYLOAD", value_name = "BYTES", default_value_t = 128 * 1024, value_parser = payload())]
    pub eio_max_payload: u32,

    /// How long a connection may stay without a CONNECT; then it is closed
    #[arg(long, env = "PUSHLAB_SIO_CONNECT_TIMEOUT", value_name = "TIME", default_value = "45", value_parser = time)]
    pub sio_connect_timeout: Duration,

    /// How long a client that was cut finds its rooms and its places in them again; 0 for not at all
    #[arg(long, env = "PUSHLAB_SIO_RECOVERY", value_name = "TIME", default_value = "120", value_parser = time_or_none)]
    pub sio_recovery: Duration,

    /// The JavaScript client that is served at /socket.io/socket.io.js, such as the file
    /// dist/socket.io.min.js of the package socket.io-client [default: none]
    #[arg(long, env = "PUSHLAB_SOCKETIO_CLIENT", value_name = "FILE")]
    pub socketio_client: Option<PathBuf>,
}

impl SocketioFlags {
    /// What the file holds that was named.
    pub fn client(&self) -> io::Result<Option<Bytes>> {
        let Some(file) = &self.socketio_client else {
            return Ok(None);
        };
        match std::fs::read(file) {
            Ok(script) => Ok(Some(script.into())),
            Err(error) => Err(io::Error::new(
                error.kind(),
                format!("cannot read --socketio-client {}: {error}", file.display()),
            )),
        }
    }
}

fn payload() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(64..)
}

/// `25s`, `300ms`, or a bare number of seconds; above nothing, and a day at most.
fn time(text: &str) -> Result<Duration, String> {
    time_or_none(text).and_then(|time| match time.is_zero() {
        true => Err("give a time above 0".to_owned()),
        false => Ok(time),
    })
}

fn time_or_none(text: &str) -> Result<Duration, String> {
    const LONGEST: f64 = 86_400.0;
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 1e-3),
        None => (text.strip_suffix('s').unwrap_or(text), 1.0),
    };
    let plain = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    match number.parse::<f64>() {
        Ok(number) if plain && number * unit <= LONGEST => {
            Ok(Duration::from_secs_f64(number * unit))
        }
        _ => Err("give a time of at most a day, such as 25s, 300ms or 0.5".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_unless_they_say_milliseconds() {
        for (text, ms) in [
            ("25", 25_000),
            ("25s", 25_000),
            ("300ms", 300),
            ("0.5", 500),
        ] {
            assert_eq!(time(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in [
            "", "s", "ms", "-1", "1e3", "inf", "1..2", "86401", "0", "0ms",
        ] {
            assert!(time(text).is_err(), "{text}");
        }
        assert_eq!(time_or_none("0"), Ok(Duration::ZERO));
    }
}
