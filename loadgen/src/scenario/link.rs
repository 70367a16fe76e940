//! `[link]`: the line that lies between each client and the server. Presets are typical figures of
//! public measurements, rounded; a key given beside one overrides that part of it. A line loses
//! nothing and knows no slow start; how it behaves is `net/line.rs`'s.

use super::sweep::OneOrMany;
use super::units::{Bandwidth, Time};
use super::{Misfit, misfit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;
use strum::{EnumString, VariantNames};

/// The line between each client and the server, emulated in the client
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkEntry {
    /// A typical line; keys beside it override its parts
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<LinkPreset>,
    /// Time there and back, half of it each way; a list sweeps
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rtt: Option<OneOrMany<Time>>,
    /// Most that one way is longer or shorter, uniform; at most half of the rtt
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Time>,
    /// Of each client and each way, shared by its connections
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<Bandwidth>,
    /// Times at which the line carries nothing
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stall: Option<StallEntry>,
}

/// The line carries nothing for `lasts` in each `every`, each client at a phase of its own
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StallEntry {
    pub every: Time,
    pub lasts: Time,
}

#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema,
    EnumString,
    VariantNames,
    strum::Display,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum LinkPreset {
    /// One switched gigabit network: 1 ms, what hosts and switches take themselves
    Lan,
    /// Wi-Fi at home before fixed broadband, server in the region: 20 ms ± 5 ms, 50 Mbit/s; the
    /// shared air makes the jitter
    Wifi,
    /// LTE: 50 ms ± 10 ms, 20 Mbit/s; a few turns of its 10 ms frames and the operator's core
    #[serde(rename = "4g")]
    #[strum(serialize = "4g")]
    FourG,
    /// HSPA: 150 ms ± 30 ms, 1.6 Mbit/s; the radio controller stands between handset and core
    #[serde(rename = "3g")]
    #[strum(serialize = "3g")]
    ThreeG,
    /// Geostationary: 600 ms ± 20 ms, 20 Mbit/s; light takes 480 ms four times up or down, and
    /// sharing the channel takes the rest
    Satellite,
}

impl LinkPreset {
    /// rtt and jitter in milliseconds, bandwidth in kbit/s.
    fn figures(self) -> (u64, u64, u64) {
        match self {
            LinkPreset::Lan => (1, 0, 1_000_000),
            LinkPreset::Wifi => (20, 5, 50_000),
            LinkPreset::FourG => (50, 10, 20_000),
            LinkPreset::ThreeG => (150, 30, 1_600),
            LinkPreset::Satellite => (600, 20, 20_000),
        }
    }
}

impl From<LinkPreset> for LinkEntry {
    fn from(preset: LinkPreset) -> Self {
        LinkEntry {
            preset: Some(preset),
            ..LinkEntry::default()
        }
    }
}

impl LinkEntry {
    /// Every part that the preset has and nobody gave.
    pub(crate) fn fill_in(&mut self) {
        let Some(preset) = self.preset else { return };
        let (rtt_ms, jitter_ms, kbit_per_s) = preset.figures();
        let time = |milliseconds| Time(Duration::from_millis(milliseconds));
        self.rtt.get_or_insert(OneOrMany::one(time(rtt_ms)));
        self.jitter.get_or_insert(time(jitter_ms));
        self.bandwidth.get_or_insert(Bandwidth {
            bytes_per_s: kbit_per_s * 125,
        });
    }

    pub(crate) fn rtts(&self) -> Vec<Duration> {
        match &self.rtt {
            Some(rtts) => rtts.values().iter().map(|rtt| rtt.0).collect(),
            None => vec![Duration::ZERO],
        }
    }

    /// Of a filled one.
    pub(crate) fn does_nothing(&self) -> bool {
        let delays = self.rtts().iter().any(|rtt| !rtt.is_zero());
        !delays && self.bandwidth.is_none() && self.stall.is_none()
    }

    pub(super) fn check(&self) -> Result<(), Misfit> {
        let mut filled = self.clone();
        filled.fill_in();
        if filled.does_nothing() {
            return misfit(
                &["link"],
                "the line is as if there were none; write rtt = \"100ms\" or preset = \"4g\", or remove [link]",
            );
        }
        match filled.contradiction() {
            Some((key, problem)) => misfit(&["link", key], problem),
            None => Ok(()),
        }
    }

    /// A filled-in line that cannot be: the key at fault, and what to do.
    pub(crate) fn contradiction(&self) -> Option<(&'static str, String)> {
        let jitter = self.jitter.unwrap_or(Time(Duration::ZERO));
        let short = (self.rtts().into_iter()).find(|rtt| jitter.0 * 2 > *rtt);
        if let Some(rtt) = short {
            let of_preset =
                (self.preset).map_or(String::new(), |preset| format!(" (as {preset} has it)"));
            let problem = format!(
                "a jitter of {jitter}{of_preset} is more than half of the rtt of {}, so events would arrive before they are sent; write jitter = \"{}\" or less, or a longer rtt",
                Time(rtt),
                Time(rtt / 2)
            );
            return Some(("jitter", problem));
        }
        let StallEntry { every, lasts } = self.stall?;
        if lasts.0.is_zero() {
            return Some((
                "stall",
                "a stall of 0s does nothing; write lasts = \"500ms\" or remove it".to_owned(),
            ));
        }
        (lasts.0 >= every.0).then(|| {
            let problem = format!(
                "a line that stalls for {lasts} in each {every} never carries anything; lower lasts or raise every"
            );
            ("stall", problem)
        })
    }
}

/// `4g, rtt 50ms, jitter ±10ms each way, 20Mbit/s each way`
impl fmt::Display for LinkEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        parts.extend(self.preset.map(|preset| preset.to_string()));
        let rtts: Vec<String> = (self.rtts().into_iter())
            .map(|rtt| Time(rtt).to_string())
            .collect();
        parts.push(format!("rtt {}", rtts.join(" or ")));
        parts.extend((self.jitter).map(|jitter| format!("jitter ±{jitter} each way")));
        parts.extend((self.bandwidth).map(|bandwidth| format!("{bandwidth} each way")));
        parts.extend(
            (self.stall).map(|stall| format!("stalled {} in each {}", stall.lasts, stall.every)),
        );
        f.write_str(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Scenario;
    use super::*;

    const GOOD: &str = "name = \"x\"\n[load]\nclients = 5\n[publish]\nrate = 1\n[[transports]]\nkind = \"sse\"\n[link]\n";

    fn parse(link: &str) -> Result<LinkEntry, String> {
        Scenario::parse(&format!("{GOOD}{link}"), "x.toml")
            .map(|scenario| scenario.link.unwrap())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn a_key_beside_a_preset_overrides_that_part() {
        let mut link = parse("preset = \"3g\"\nrtt = \"100ms\"\n").unwrap();
        link.fill_in();
        assert_eq!(
            link.to_string(),
            "3g, rtt 100ms, jitter ±30ms each way, 1600kbit/s each way"
        );
        let mut plain = parse("rtt = [\"0s\", \"50ms\"]\n").unwrap();
        plain.fill_in();
        assert_eq!(plain.to_string(), "rtt 0s or 50ms");
    }

    #[test]
    fn every_preset_is_a_line_that_can_be() {
        for name in LinkPreset::VARIANTS {
            let link = parse(&format!("preset = \"{name}\"\n")).unwrap();
            let preset: LinkPreset = name.parse().unwrap();
            assert_eq!(link, preset.into(), "serde and strum call it alike");
        }
    }

    #[test]
    fn lines_that_cannot_be_are_refused_with_a_remedy() {
        for (link, expected) in [
            (
                "",
                "x.toml:8:2: link: the line is as if there were none; write rtt = \"100ms\" or preset = \"4g\", or remove [link]",
            ),
            (
                "rtt = \"0s\"\n",
                "x.toml:8:2: link: the line is as if there were none; write rtt = \"100ms\" or preset = \"4g\", or remove [link]",
            ),
            (
                "rtt = \"10ms\"\njitter = \"6ms\"\n",
                "x.toml:10:1: link.jitter: a jitter of 6ms is more than half of the rtt of 10ms, so events would arrive before they are sent; write jitter = \"5ms\" or less, or a longer rtt",
            ),
            (
                "preset = \"3g\"\nrtt = \"10ms\"\n",
                "x.toml:8:2: link.jitter: a jitter of 30ms (as 3g has it) is more than half of the rtt of 10ms, so events would arrive before they are sent; write jitter = \"5ms\" or less, or a longer rtt",
            ),
            (
                "bandwidth = \"0Mbit/s\"\n",
                "x.toml:9:13: link.bandwidth: a line of no bandwidth carries nothing; write \"1MiB/s\"",
            ),
            (
                "bandwidth = 5\n",
                "x.toml:9:13: link.bandwidth: a bandwidth needs a unit, write \"5Mbit/s\"",
            ),
            (
                "stall = { every = \"1s\", lasts = \"1s\" }\n",
                "x.toml:9:1: link.stall: a line that stalls for 1s in each 1s never carries anything; lower lasts or raise every",
            ),
            (
                "preset = \"5g\"\n",
                "x.toml:9:10: unknown value \"5g\" for link.preset; did you mean \"4g\"?",
            ),
        ] {
            assert_eq!(parse(link).unwrap_err(), expected, "{link:?}");
        }
    }
}
