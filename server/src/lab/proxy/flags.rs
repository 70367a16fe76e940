//! The same trouble for whole runs, as flags of the server: loadgen's `[trouble]` sets them. Only what
//! a scenario needs is here; delay and stalls are emulated in loadgen's own clients (`[link]`).

use super::settings::{BlockUpgrade, Settings, Trouble};
use clap::Args;
use clap::builder::FalseyValueParser;
use std::time::Duration;

#[derive(Args, Clone, Debug, Default, PartialEq)]
// Named, for a program's own flags may be called `Flags` too.
#[group(id = "trouble")]
#[command(next_help_heading = "Lab use")]
pub struct Flags {
    /// Puts a proxy before the public port that cuts connections after so much silence, such as 5s
    #[arg(long, env = "PUSHLAB_TROUBLE_IDLE_CUT", value_parser = time)]
    pub trouble_idle_cut: Option<Duration>,

    /// Lets it forget such connections and tell nobody
    #[arg(long, env = "PUSHLAB_TROUBLE_SILENT", requires = "trouble_idle_cut", value_parser = FalseyValueParser::new())]
    pub trouble_silent: bool,

    /// Puts a proxy before the public port that holds answers until so many bytes are there or they end
    #[arg(long, env = "PUSHLAB_TROUBLE_BUFFER", value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    pub trouble_buffer: Option<u32>,

    /// Puts a proxy before the public port that lets no WebSocket through
    #[arg(long, env = "PUSHLAB_TROUBLE_BLOCK_UPGRADE")]
    pub trouble_block_upgrade: Option<BlockUpgrade>,

    /// Puts a proxy before the public port that cuts all connections this often, such as 5s
    #[arg(long, env = "PUSHLAB_TROUBLE_CUT_EVERY", value_parser = time)]
    pub trouble_cut_every: Option<Duration>,

    /// How long it refuses connections after each cut
    #[arg(long, env = "PUSHLAB_TROUBLE_CUT_FOR", requires = "trouble_cut_every", value_parser = time)]
    pub trouble_cut_for: Option<Duration>,
}

/// All connections are cut in each period, and refused for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cuts {
    pub every: Duration,
    pub lasts: Duration,
}

impl Flags {
    pub fn are_given(&self) -> bool {
        *self != Flags::default()
    }

    /// Blocked upgrades are from the beginning: what an open connection must be had for, comes when
    /// the trouble is `on`.
    pub(super) fn settings(&self, on: bool) -> Settings {
        let blocked = Trouble {
            block_upgrade: self.trouble_block_upgrade,
            ..Trouble::default()
        };
        let trouble = match on {
            false => blocked,
            true => Trouble {
                idle_cut_ms: self
                    .trouble_idle_cut
                    .map(|time| time.as_secs_f64() * 1000.0),
                silent_drop: self.trouble_silent,
                buffer_bytes: self.trouble_buffer,
                ..blocked
            },
        };
        Settings {
            trouble,
            ..Settings::default()
        }
    }

    pub(super) fn cuts(&self) -> Option<Cuts> {
        Some(Cuts {
            every: self.trouble_cut_every?,
            lasts: self.trouble_cut_for.unwrap_or_default(),
        })
    }
}

/// `5s`, `500ms` or bare seconds.
fn time(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s').unwrap_or(text), 1.0),
    };
    match number.parse::<f64>().map(|number| number * unit) {
        Ok(seconds) if (0.001..=600.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("give a time from 1ms to 600s, such as 5s or 500ms".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_bear_their_unit() {
        let ms = |n| Ok(Duration::from_millis(n));
        assert_eq!(
            (time("5s"), time("0.5"), time("500ms")),
            (ms(5000), ms(500), ms(500))
        );
        for wrong in ["", "s", "0s", "-1s", "5m", "NaN", "inf", "1e9"] {
            assert!(time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn until_it_is_on_only_upgrades_are_blocked() {
        let flags = Flags {
            trouble_idle_cut: Some(Duration::from_secs(5)),
            trouble_block_upgrade: Some(BlockUpgrade::Refuse),
            ..Flags::default()
        };
        let off = flags.settings(false).trouble;
        assert_eq!(
            (off.idle_cut_ms, off.block_upgrade),
            (None, Some(BlockUpgrade::Refuse))
        );
        assert_eq!(flags.settings(true).trouble.idle_cut_ms, Some(5000.0));
        assert!(flags.are_given() && !Flags::default().are_given());
    }
}
