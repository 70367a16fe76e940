//! `[gateway]`: a real nginx before the embedded server, by a configuration that stands beside the
//! scenario. Its text is read with the scenario and kept with the results, so that a run can be
//! repeated from them alone. Nothing is started here.

use super::units::Time;
use super::{Misfit, misfit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// What a configuration must say, for a run puts its own addresses in their place.
pub(crate) const LISTENS: &str = "listen 80;";
pub(crate) const PASSES_ON: &str = "127.0.0.1:8080";

/// A real nginx between the clients and the embedded server
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GatewayEntry {
    /// Its configuration, a file such as stands in nginx's conf.d, by its path from the scenario's
    /// folder: "deploy/nginx.conf". It says `listen 80;` and passes on to 127.0.0.1:8080
    pub nginx: String,
    /// Silence of the server after which nginx gives up on it: proxy_read_timeout, as the
    /// configuration has it unless given
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_timeout: Option<Time>,
    /// What the file says; read from it unless given
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration: Option<String>,
}

impl GatewayEntry {
    pub(super) fn check(&self, has_target: bool) -> Result<(), Misfit> {
        if has_target {
            return misfit(
                &["gateway"],
                "a gateway stands before the embedded server; remove it or [target]",
            );
        }
        let hour = Duration::from_secs(3600);
        if self
            .idle_timeout
            .is_some_and(|Time(time)| !(Duration::from_millis(100)..=hour).contains(&time))
        {
            return misfit(
                &["gateway", "idle_timeout"],
                "give 100ms to 1h, such as idle_timeout = \"2s\"",
            );
        }
        match self.configuration.as_deref().and_then(lacks) {
            Some(problem) => misfit(&["gateway", "nginx"], problem),
            None => Ok(()),
        }
    }
}

/// What is wrong with a configuration's addresses.
fn lacks(configuration: &str) -> Option<String> {
    let says = |what: &str| -> usize {
        (configuration.lines())
            .map(|line| directive(line).matches(what).count())
            .sum()
    };
    match (says(LISTENS), says(PASSES_ON)) {
        (1, 1..) => None,
        (1, 0) => Some(format!(
            "it must pass on to {PASSES_ON}, where a run puts its server; write proxy_pass http://{PASSES_ON};"
        )),
        (found, _) => Some(format!(
            "it must say `{LISTENS}` once, where a run puts a port of its own; it does {found} times"
        )),
    }
}

/// A line of a configuration without its comment.
pub(crate) fn directive(line: &str) -> &str {
    line.split('#').next().unwrap_or_default()
}

/// As a person would say it.
impl fmt::Display for GatewayEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nginx by {}", self.nginx)?;
        match self.idle_timeout {
            Some(time) => write!(f, ", which gives up after {time} of silence"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_names_both_addresses_outside_its_comments() {
        let whole = "listen 80;\nproxy_pass http://127.0.0.1:8080;\n";
        assert_eq!(lacks(whole), None);
        let other = lacks("listen 80;\nproxy_pass http://10.0.0.1; # not 127.0.0.1:8080");
        assert!(other.unwrap().contains("proxy_pass http://127.0.0.1:8080;"));
        let silent = lacks("# listen 80;\nproxy_pass http://127.0.0.1:8080;");
        assert!(silent.unwrap().contains("it does 0 times"));
        assert!(lacks(&whole.repeat(2)).unwrap().contains("2 times"));
    }
}
