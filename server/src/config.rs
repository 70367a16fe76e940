//! Every setting of the server, with its default and its reason. The binary and loadgen's embedded
//! server read the same flags; each is also a variable `PUSHLAB_…`.

use crate::drain::DrainFlags;
use crate::forwarded::ProxyFlags;
use crate::identity::IdentityFlags;
use crate::lab::proxy::Flags;
use crate::limits::LimitFlags;
use crate::net::tls::TlsError;
pub use crate::net::tls::TlsFlags;
use crate::net::unread::UnreadFlags;
use crate::origin;
use crate::presence::PresenceFlags;
use crate::transports::socketio::flags::SocketioFlags;
use crate::transports::websocket::flags::WebsocketFlags;
use crate::wire::hold_on::HoldOn;
use crate::wire::lab_headers::LabHeaders;
use clap::Args;
use clap::builder::{FalseyValueParser, PossibleValuesParser, TypedValueParser};
use std::net::SocketAddr;
use std::path::PathBuf;
use strum::VariantNames;

#[derive(Args, Clone, Debug)]
pub struct Config {
    /// Address of the public port; port 0 takes any free one
    #[arg(long, env = "PUSHLAB_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// Moves /lab/usage and /metrics off the public port, to this one
    #[arg(long, env = "PUSHLAB_ADMIN_LISTEN")]
    pub admin_listen: Option<SocketAddr>,

    /// Worker threads [default: one per core]
    #[arg(long, env = "PUSHLAB_WORKERS", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub workers: Option<u16>,

    /// Events that a room keeps
    #[arg(long, help_heading = "Limits", env = "PUSHLAB_HISTORY", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub history: u32,

    /// Memory that a room's events may take, in all their encodings (about seven times their data); the
    /// newest event is kept whatever its size
    #[arg(long, help_heading = "Limits", env = "PUSHLAB_HISTORY_BYTES", default_value_t = 16 * 1024 * 1024)]
    pub history_bytes: usize,

    /// Memory that the events of all rooms may take together. Beyond it a room gives its own older events
    /// for a new one; a room that has too few to give is answered 503. 0 is no limit
    #[arg(long, help_heading = "Limits", env = "PUSHLAB_HISTORY_BYTES_IN_ALL", default_value_t = 1024 * 1024 * 1024)]
    pub history_bytes_in_all: usize,

    /// Rooms that may exist at once; a further one is answered 503
    #[arg(
        long,
        help_heading = "Limits",
        env = "PUSHLAB_MAX_ROOMS",
        default_value_t = 100_000
    )]
    pub max_rooms: usize,

    #[command(flatten)]
    pub limits: LimitFlags,

    /// Largest publish, in bytes; a larger one is answered 413
    #[arg(long, help_heading = "Limits", env = "PUSHLAB_MAX_EVENT_BYTES", default_value_t = 64 * 1024)]
    pub max_event_bytes: usize,

    /// Longest hold of a long poll; also the one for clients that ask for none
    #[arg(long, help_heading = "Limits", env = "PUSHLAB_MAX_HOLD", value_name = "SECONDS", default_value_t = 25.0, value_parser = positive_seconds)]
    pub max_hold: f64,

    /// Share by which a hold is shortened at random, so that clients do not come back in step
    #[arg(long, help_heading = "Limits", env = "PUSHLAB_HOLD_JITTER", value_name = "SHARE", default_value_t = 0.1, value_parser = share)]
    pub hold_jitter: f64,

    /// What waits while a long poll is held, tasks or threads. A thread takes the stack that
    /// RUST_MIN_STACK says, 2 MiB of address space unless it is set
    #[arg(long, help_heading = "Lab use", env = "PUSHLAB_HOLD_ON", default_value_t, value_parser = hold_on())]
    pub hold_on: HoldOn,

    /// Seconds of silence after which SSE and HTTP streaming send a heartbeat
    #[arg(long, help_heading = "Limits", env = "PUSHLAB_STREAM_HEARTBEAT", value_name = "SECONDS", default_value_t = 15.0, value_parser = positive_seconds)]
    pub stream_heartbeat: f64,

    /// Seconds between WebSocket pings; a connection ends from which no frame of any kind has come between
    /// one and the next
    #[arg(long, help_heading = "Limits", env = "PUSHLAB_PING_INTERVAL", value_name = "SECONDS", default_value_t = 20.0, value_parser = positive_seconds)]
    pub ping_interval: f64,

    /// Serves the lab of the teaching page [default: on where the public address is this host's own
    /// alone and there is no --admin-listen and no TLS]
    #[arg(
        long,
        help_heading = "Lab use",
        env = "PUSHLAB_LAB",
        value_name = "on|off"
    )]
    pub lab: Option<Switch>,

    /// The loadgen that the lab runs [default: the one beside this executable]
    #[arg(
        long,
        help_heading = "Lab use",
        env = "PUSHLAB_LOADGEN",
        value_name = "PATH"
    )]
    pub loadgen: Option<PathBuf>,

    /// Folder of the runs that the lab lists, and where it writes its own
    #[arg(
        long,
        help_heading = "Lab use",
        env = "PUSHLAB_REPORTS",
        value_name = "DIR",
        default_value = "reports"
    )]
    pub reports: PathBuf,

    /// Sends the bare `data` of events, with no envelope, hello, ETag or Cache-Control
    #[arg(long, help_heading = "Lab use", env = "PUSHLAB_BARE", value_parser = FalseyValueParser::new())]
    pub bare: bool,

    /// Gives answers to polls and streams the heads of a published measurement, `chrome60` or
    /// `kaazing`, or heads of this many bytes
    #[arg(long, help_heading = "Lab use", env = "PUSHLAB_LAB_HEADERS")]
    pub lab_headers: Option<LabHeaders>,

    #[command(flatten)]
    pub drain: DrainFlags,

    #[command(flatten)]
    pub tls: TlsFlags,

    #[command(flatten)]
    pub origins: origin::OriginFlags,

    #[command(flatten)]
    pub proxies: ProxyFlags,

    #[command(flatten)]
    pub unread: UnreadFlags,

    #[command(flatten)]
    pub identity: IdentityFlags,

    #[command(flatten)]
    pub presence: PresenceFlags,

    #[command(flatten)]
    pub trouble: Flags,

    #[command(flatten)]
    pub websocket: WebsocketFlags,

    #[command(flatten)]
    pub socketio: SocketioFlags,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Switch {
    On,
    Off,
}

impl Config {
    /// Whether the teaching page may open sessions. A measured server should have no other work.
    pub fn lab_is_open(&self) -> bool {
        match self.lab {
            Some(lab) => lab == Switch::On,
            None => {
                self.listen.ip().is_loopback()
                    && self.admin_listen.is_none()
                    && !self.tls.are_given()
            }
        }
    }

    /// What TLS leaves no place for.
    pub fn check_tls(&self) -> Result<(), TlsError> {
        match self.tls.are_given() {
            true if self.lab == Some(Switch::On) => Err(TlsError::Lab),
            true if self.trouble.are_given() => Err(TlsError::Trouble),
            _ => Ok(()),
        }
    }

    pub fn worker_count(&self) -> usize {
        self.workers.map_or_else(
            || std::thread::available_parallelism().map_or(1, usize::from),
            usize::from,
        )
    }
}

fn hold_on() -> impl TypedValueParser<Value = HoldOn> {
    PossibleValuesParser::new(HoldOn::VARIANTS).try_map(|name| name.parse::<HoldOn>())
}

pub fn positive_seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= 86_400.0 => Ok(seconds),
        _ => Err("give seconds above 0 and up to 86400, such as 25 or 0.5".to_owned()),
    }
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("give a share from 0 to 1, such as 0.1".to_owned()),
    }
}
