//! What waits while a long poll is held. Scenarios and the server's flag name it by the same words; how
//! it is done stands in the server's `parking.rs`.

use serde::{Deserialize, Serialize};
use strum::{Display, EnumString, VariantNames};

#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    Display,
    EnumString,
    VariantNames,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum HoldOn {
    /// A task of the worker: a few hundred bytes that nobody schedules.
    #[default]
    Tasks,
    /// An OS thread of its own for each held poll, as servlet containers did before Servlet 3.0.
    Threads,
}
