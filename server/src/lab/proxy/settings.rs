//! What the line between browser and server is like, and what goes wrong on it: one field for each
//! behaviour, absent = off. The JSON of the page's `lane` message, and what the server's flags are
//! turned into.

use serde::Deserialize;
use std::time::Duration;

/// Longer times would outlive every lesson.
const LONGEST_MS: f64 = 600_000.0;
const MOST_BUFFERED: u32 = 1 << 20;

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Time there and back, half of it each way; a new connection pays it once before its first byte.
    pub rtt_ms: f64,
    pub trouble: Trouble,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Trouble {
    /// Added to the way down.
    pub delay_ms: f64,
    pub stall: Option<Stall>,
    /// A connection that carried no byte either way for so long is cut: with FIN to both ends, or,
    /// with `silent_drop`, by forgetting it.
    pub idle_cut_ms: Option<f64>,
    /// Nothing passes any more and nobody is told; with `idle_cut_ms`, only where that cuts.
    pub silent_drop: bool,
    /// Answers are held until so many bytes are there, or until they end.
    pub buffer_bytes: Option<u32>,
    pub block_upgrade: Option<BlockUpgrade>,
}

/// Nothing comes down for `for_ms` of every `every_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stall {
    pub every_ms: f64,
    pub for_ms: f64,
}

/// What becomes of a request to upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, clap::ValueEnum, strum::Display)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum BlockUpgrade {
    /// Answered 403, as a filtering proxy does.
    Refuse,
    /// Never answered, as behind a middlebox that waits for the rest of a plain request.
    Swallow,
}

impl Settings {
    /// Why these cannot be, as a sentence with the remedy.
    pub fn check(&self) -> Result<(), String> {
        let trouble = &self.trouble;
        let times = [
            ("rtt_ms", Some(self.rtt_ms), 0.0),
            ("delay_ms", Some(trouble.delay_ms), 0.0),
            ("idle_cut_ms", trouble.idle_cut_ms, 1.0),
            ("every_ms", trouble.stall.map(|stall| stall.every_ms), 1.0),
            ("for_ms", trouble.stall.map(|stall| stall.for_ms), 0.0),
        ];
        for (name, time, least) in times {
            if time.is_some_and(|time| !(least..=LONGEST_MS).contains(&time)) {
                return Err(format!(
                    "give {name} from {least} to {LONGEST_MS} milliseconds"
                ));
            }
        }
        if trouble
            .stall
            .is_some_and(|stall| stall.for_ms >= stall.every_ms)
        {
            return Err("a stall must be shorter than its period; make for_ms less than every_ms, or use silent_drop".to_owned());
        }
        if trouble
            .buffer_bytes
            .is_some_and(|bytes| !(1..=MOST_BUFFERED).contains(&bytes))
        {
            return Err(format!("give buffer_bytes from 1 to {MOST_BUFFERED}"));
        }
        Ok(())
    }

    pub(super) fn rtt(&self) -> Duration {
        milliseconds(self.rtt_ms)
    }

    pub(super) fn up(&self) -> Duration {
        self.rtt() / 2
    }

    pub(super) fn down(&self) -> Duration {
        self.rtt() / 2 + milliseconds(self.trouble.delay_ms)
    }
}

/// Times are checked before they come here; one that was not counts as none.
pub(super) fn milliseconds(time: f64) -> Duration {
    Duration::try_from_secs_f64(time / 1000.0).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Settings {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn what_is_absent_is_off() {
        assert_eq!(read("{}"), Settings::default());
        let some = read(
            r#"{"rtt_ms":100,"trouble":{"delay_ms":7,"block_upgrade":"swallow","stall":{"every_ms":1000,"for_ms":200}}}"#,
        );
        assert_eq!(some.up(), Duration::from_millis(50));
        assert_eq!(some.down(), Duration::from_millis(57));
        assert_eq!(some.trouble.block_upgrade, Some(BlockUpgrade::Swallow));
        assert_eq!(some.check(), Ok(()));
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_name() {
        for (json, name) in [
            (r#"{"rtt_ms":-1}"#, "rtt_ms"),
            (r#"{"rtt_ms":1e300}"#, "rtt_ms"),
            (r#"{"trouble":{"idle_cut_ms":0}}"#, "idle_cut_ms"),
            (r#"{"trouble":{"buffer_bytes":0}}"#, "buffer_bytes"),
            (r#"{"trouble":{"buffer_bytes":4000000000}}"#, "buffer_bytes"),
            (
                r#"{"trouble":{"stall":{"every_ms":100,"for_ms":100}}}"#,
                "for_ms",
            ),
        ] {
            let why = read(json).check().unwrap_err();
            assert!(why.contains(name), "{why}");
        }
        let nan = Settings {
            rtt_ms: f64::NAN,
            ..Settings::default()
        };
        assert!(nan.check().is_err());
        assert!(serde_json::from_str::<Settings>(r#"{"rtt":1}"#).is_err());
    }
}
