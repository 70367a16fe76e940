//! Clients that a page lets loadgen drive against this very server, beside its own. A page gives numbers
//! and the name of a transport; the scenario is written here from those alone.

use crate::wire::transport::Transport;
use serde::Deserialize;
use std::net::SocketAddr;
use std::ops::RangeInclusive;

/// What a page may give, with its bounds; what is left out has a default.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Background {
    pub transport: Transport,
    /// 1 to 5,000.
    pub clients: u32,
    /// Events a second over all rooms, 0 to 1,000.
    pub rate: f64,
    /// 1 to `clients`.
    #[serde(default = "one")]
    pub rooms: u32,
    /// Bytes of an event's `data`, 32 to 16,384.
    #[serde(default = "payload")]
    pub payload: u32,
    /// Of interval polling, 20 to 600,000.
    #[serde(default = "interval")]
    pub interval_ms: f64,
    /// Of long polling, 0.1 to 600.
    #[serde(default = "hold")]
    pub hold_s: f64,
    /// 1 to 3,600; a page ends it sooner by `stop`.
    #[serde(default = "duration")]
    pub duration_s: f64,
    #[serde(default)]
    pub seed: u32,
}

fn one() -> u32 {
    1
}

fn payload() -> u32 {
    128
}

fn interval() -> f64 {
    1_000.0
}

fn hold() -> f64 {
    25.0
}

fn duration() -> f64 {
    600.0
}

impl Background {
    /// The scenario, against the server at `public`; or which number does not fit.
    pub fn toml(&self, public: SocketAddr, admin: Option<SocketAddr>) -> Result<String, String> {
        within("clients", f64::from(self.clients), 1.0..=5_000.0)?;
        within("rate", self.rate, 0.0..=1_000.0)?;
        within(
            "rooms",
            f64::from(self.rooms),
            1.0..=f64::from(self.clients),
        )?;
        within("payload", f64::from(self.payload), 32.0..=16_384.0)?;
        within("interval_ms", self.interval_ms, 20.0..=600_000.0)?;
        within("hold_s", self.hold_s, 0.1..=600.0)?;
        within("duration_s", self.duration_s, 1.0..=3_600.0)?;
        let admin = admin.map_or(String::new(), |admin| {
            format!("admin = \"http://{admin}\"\n")
        });
        let waits = match self.transport {
            Transport::IntervalPolling => {
                format!("interval = \"{}ms\"\n", millis(self.interval_ms / 1e3))
            }
            Transport::LongPolling => format!("hold = \"{}ms\"\n", millis(self.hold_s)),
            Transport::HttpStreaming
            | Transport::Sse
            | Transport::Websocket
            | Transport::Socketio => String::new(),
        };
        Ok(format!(
            "name = \"background\"\ntitle = \"Clients in the background of the lab\"\nseed = {}\n\
             [load]\nclients = {}\nrooms = {}\nramp = \"1s\"\nwarm_up = \"500ms\"\nduration = \"{}ms\"\n\
             repeats = 1\ngraceful_stop = \"2s\"\n\
             [publish]\nrate = {}\narrivals = \"poisson\"\npayload = \"{}B\"\nby = \"publisher\"\n\
             [[transports]]\nkind = \"{}\"\n{waits}\
             [target]\nurl = \"http://{public}\"\n{admin}",
            self.seed,
            self.clients,
            self.rooms,
            millis(self.duration_s),
            self.rate,
            self.payload,
            self.transport,
        ))
    }
}

fn millis(seconds: f64) -> u64 {
    (seconds * 1e3).round() as u64
}

fn within(name: &str, value: f64, range: RangeInclusive<f64>) -> Result<(), String> {
    match range.contains(&value) {
        true => Ok(()),
        false => Err(format!("{name} is {} to {}", range.start(), range.end())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn background(more: &str) -> Result<Background, serde_json::Error> {
        serde_json::from_str(&format!(
            r#"{{"transport":"long-polling","clients":200,"rate":10{more}}}"#
        ))
    }

    #[test]
    fn numbers_become_a_scenario() {
        let public = "127.0.0.1:8080".parse().unwrap();
        let text = background("").unwrap().toml(public, Some(public)).unwrap();
        let table: toml::Table = toml::from_str(&text).unwrap();
        assert_eq!(table["load"]["clients"].as_integer(), Some(200));
        assert_eq!(table["transports"][0]["hold"].as_str(), Some("25000ms"));
        assert_eq!(
            table["target"]["admin"].as_str(),
            Some("http://127.0.0.1:8080")
        );
    }

    #[test]
    fn numbers_out_of_bounds_and_anything_else_are_refused() {
        let public = "127.0.0.1:8080".parse().unwrap();
        for more in [
            r#","rooms":201"#,
            r#","rooms":0"#,
            r#","payload":31"#,
            r#","interval_ms":0"#,
            r#","hold_s":-1"#,
            r#","duration_s":1e9"#,
        ] {
            assert!(
                background(more).unwrap().toml(public, None).is_err(),
                "{more}"
            );
        }
        for more in [
            r#","target":"http://example.org""#,
            r#","payload":"128B\"\n[target]""#,
            r#","seed":-1"#,
            r#","rooms":1.5"#,
        ] {
            assert!(background(more).is_err(), "{more}");
        }
    }
}
