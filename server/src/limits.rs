//! The flags of what a stranger may take of the server: connections, rates, heads and bodies. Every limit
//! there is stands in `table`, also those whose flags are elsewhere; the code that keeps a limit is not here.

pub mod table;

use crate::config::positive_seconds;
use crate::net::heads::Bounds;
use clap::Args;
use clap::builder::FalseyValueParser;
use std::time::Duration;

#[derive(Args, Clone, Debug)]
#[group(skip)]
#[command(next_help_heading = "Limits")]
pub struct LimitFlags {
    /// Connections that the server holds at once; a further one is answered 503 (over TLS: closed)
    #[arg(long, env = "PUSHLAB_MAX_CONNECTIONS", default_value_t = 50_000)]
    pub max_connections: usize,

    /// Connections of one address (IPv6: one /64) at once; a further one is answered 429
    /// (over TLS: closed); 0 is no limit
    #[arg(
        long,
        env = "PUSHLAB_MAX_CONNECTIONS_PER_ADDRESS",
        default_value_t = 1_000
    )]
    pub max_connections_per_address: usize,

    /// New connections, so handshakes, of one address a second; a further one is answered 429
    /// (over TLS: closed); 0 is no limit
    #[arg(
        long,
        env = "PUSHLAB_MAX_NEW_CONNECTIONS_PER_SECOND",
        default_value_t = 100
    )]
    pub max_new_connections_per_second: u32,

    /// Publishes of one user a second, or of all nameless ones of an address; a further one is answered 429;
    /// 0 is no limit
    #[arg(long, env = "PUSHLAB_MAX_PUBLISHES_PER_SECOND", default_value_t = 50)]
    pub max_publishes_per_second: u32,

    /// Applies the limits of an address to this host's own too
    #[arg(long, env = "PUSHLAB_LIMIT_LOOPBACK", value_parser = FalseyValueParser::new())]
    pub limit_loopback: bool,

    /// Bytes of a request's head; a longer one is answered 431
    #[arg(long, env = "PUSHLAB_MAX_HEAD_BYTES", default_value_t = 32 * 1024, value_parser = clap::value_parser!(u32).range(1_024..=131_072))]
    pub max_head_bytes: u32,

    /// Seconds for a request's head, the first and every later one, from its first byte (of a connection:
    /// from its start)
    #[arg(long, env = "PUSHLAB_HEAD_TIMEOUT", value_name = "SECONDS", default_value_t = 10.0, value_parser = positive_seconds)]
    pub head_timeout: f64,

    /// Seconds for a request's body, from the end of its head
    #[arg(long, env = "PUSHLAB_BODY_TIMEOUT", value_name = "SECONDS", default_value_t = 10.0, value_parser = positive_seconds)]
    pub body_timeout: f64,

    /// Seconds for which a connection may rest between two requests. Clients that poll every minute keep
    /// theirs
    #[arg(long, env = "PUSHLAB_KEEP_ALIVE", value_name = "SECONDS", default_value_t = 75.0, value_parser = positive_seconds)]
    pub keep_alive: f64,
}

impl LimitFlags {
    pub fn of_heads(&self) -> Bounds {
        Bounds {
            patience: Duration::from_secs_f64(self.head_timeout),
            bytes: self.max_head_bytes,
        }
    }

    pub fn body_patience(&self) -> Duration {
        Duration::from_secs_f64(self.body_timeout)
    }

    pub fn keep_alive(&self) -> Duration {
        Duration::from_secs_f64(self.keep_alive)
    }

    #[cfg(test)]
    pub fn for_test() -> LimitFlags {
        LimitFlags {
            max_connections: 10,
            max_connections_per_address: 0,
            max_new_connections_per_second: 0,
            max_publishes_per_second: 0,
            limit_loopback: false,
            max_head_bytes: 1_024,
            head_timeout: 1.0,
            body_timeout: 1.0,
            keep_alive: 1.0,
        }
    }
}
