//! `[trouble]`: what goes wrong on purpose. Cuts at given instants are the clients' own doing; all else
//! is done by a proxy that the embedded server puts before its public port, during the measure window
//! (a blocked upgrade from the beginning). The publisher's own connection is spared, as it is by `[link]`.

use super::sweep::OneOrMany;
use super::transports::TransportEntry;
use super::units::{Size, Time};
use super::{Misfit, misfit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// The proxy knows no longer times.
const LONGEST: Duration = Duration::from_secs(600);
const MOST_BUFFERED: usize = 1 << 20;

/// What goes wrong on purpose
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trouble {
    /// Instants after the opening of the measure window at which all connections are cut at once
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut_at: Option<OneOrMany<Time>>,
    /// A proxy on the way cuts connections that carried nothing for so long, with FIN to both ends
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_cut: Option<Time>,
    /// It forgets such connections instead, and neither end is told
    #[serde(default, skip_serializing_if = "super::is_default")]
    pub silent: bool,
    /// A proxy on the way holds answers until so many bytes are there or they end
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buffer: Option<Size>,
    /// A proxy on the way lets no WebSocket through: true or "refuse" = it answers 403, "swallow" =
    /// it never answers
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block_upgrade: Option<BlockUpgrade>,
    /// All connections are cut each time so much of the measure window has passed
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut_every: Option<Time>,
    /// How long connections are refused after each of these cuts
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut_for: Option<Time>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum BlockUpgrade {
    Switch(bool),
    How(Blocking),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Blocking {
    Refuse,
    Swallow,
}

impl BlockUpgrade {
    fn how(self) -> Option<Blocking> {
        match self {
            BlockUpgrade::Switch(on) => on.then_some(Blocking::Refuse),
            BlockUpgrade::How(how) => Some(how),
        }
    }
}

impl Blocking {
    /// As the server's flag has it.
    pub fn flag(self) -> &'static str {
        match self {
            Blocking::Refuse => "refuse",
            Blocking::Swallow => "swallow",
        }
    }
}

impl Trouble {
    pub(crate) fn blocking(&self) -> Option<Blocking> {
        self.block_upgrade.and_then(BlockUpgrade::how)
    }

    /// Some of it is a proxy's doing.
    pub(crate) fn needs_a_proxy(&self) -> bool {
        let clients_own = Trouble {
            cut_at: self.cut_at.clone(),
            ..Trouble::default()
        };
        *self != clients_own
    }

    pub(super) fn check(
        &self,
        transports: &[TransportEntry],
        has_target: bool,
    ) -> Result<(), Misfit> {
        let on_the_way = [
            ("idle_cut", self.idle_cut.is_some()),
            ("buffer", self.buffer.is_some()),
            ("block_upgrade", self.block_upgrade.is_some()),
            ("cut_every", self.cut_every.is_some()),
        ];
        if let Some((key, _)) = on_the_way
            .into_iter()
            .find(|(_, given)| *given && has_target)
        {
            return misfit(
                &["trouble", key],
                format!(
                    "\"{key}\" is for the embedded server; remove it, or remove [target], or start that server with --trouble-{}",
                    key.replace('_', "-")
                ),
            );
        }
        if self.silent && self.idle_cut.is_none() {
            return misfit(
                &["trouble", "silent"],
                "only an idle cut can be silent; add idle_cut = \"5s\" or remove it",
            );
        }
        self.check_times()?;
        if self
            .buffer
            .is_some_and(|Size(bytes)| !(1..=MOST_BUFFERED).contains(&bytes))
        {
            return misfit(
                &["trouble", "buffer"],
                "give 1B to 1MiB, such as buffer = \"4KiB\"",
            );
        }
        let upgrades = transports.iter().any(TransportEntry::asks_for_upgrade);
        if self.block_upgrade.is_some() && !upgrades {
            return misfit(
                &["trouble", "block_upgrade"],
                "no transport asks for an upgrade; add one of kind = \"websocket\" or remove it",
            );
        }
        Ok(())
    }

    fn check_times(&self) -> Result<(), Misfit> {
        let times = [
            ("idle_cut", self.idle_cut),
            ("cut_every", self.cut_every),
            ("cut_for", self.cut_for),
        ];
        for (key, time) in times {
            if time.is_some_and(|Time(time)| !(Duration::from_millis(1)..=LONGEST).contains(&time))
            {
                return misfit(
                    &["trouble", key],
                    format!("\"{key}\" is 1ms to 10m; write {key} = \"5s\""),
                );
            }
        }
        match (self.cut_every, self.cut_for) {
            (None, Some(_)) => misfit(
                &["trouble", "cut_for"],
                "nothing is cut; add cut_every = \"5s\" or remove it",
            ),
            (Some(every), Some(lasts)) if lasts.0 >= every.0 => misfit(
                &["trouble", "cut_for"],
                format!("connections would be refused for all of {every}; write a shorter cut_for"),
            ),
            (Some(_) | None, Some(_) | None) => Ok(()),
        }
    }
}

/// As a person would say it; empty where nothing goes wrong.
impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = Vec::new();
        if let Some(instants) = &self.cut_at {
            let instants: Vec<String> = instants.values().iter().map(Time::to_string).collect();
            said.push(format!("connections cut at {}", instants.join(", ")));
        }
        if let Some(idle) = self.idle_cut {
            let how = if self.silent { "silently" } else { "with FIN" };
            said.push(format!("connections idle for {idle} cut {how}"));
        }
        if let Some(bytes) = self.buffer {
            said.push(format!("answers held until {bytes} are there"));
        }
        match self.blocking() {
            Some(Blocking::Refuse) => said.push("upgrades refused".to_owned()),
            Some(Blocking::Swallow) => said.push("upgrades never answered".to_owned()),
            None => {}
        }
        if let Some(every) = self.cut_every {
            let refused = self
                .cut_for
                .map_or(String::new(), |lasts| format!(" and refused for {lasts}"));
            said.push(format!("connections cut every {every}{refused}"));
        }
        f.write_str(&said.join("; "))
    }
}
