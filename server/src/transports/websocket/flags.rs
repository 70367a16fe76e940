//! The settings of WebSockets, flattened into the server's.

use clap::Args;
use clap::builder::FalseyValueParser;

// clap makes a group of this name, so no other struct of flags may have it.
#[derive(Args, Clone, Debug)]
pub struct WebsocketFlags {
    /// Frames that one WebSocket message may come in, empty ones too; more are cut off with 1008
    #[arg(long, help_heading = "Limits", env = "PUSHLAB_MAX_FRAGMENTS", default_value_t = 1_024, value_parser = clap::value_parser!(u32).range(1..))]
    pub max_fragments: u32,

    /// For outside conformance suites: opens a WebSocket echo at /lab/echo, text and binary, messages of
    /// up to 16 MiB in up to 131,072 frames
    #[arg(long, help_heading = "Lab use", env = "PUSHLAB_CONFORMANCE", value_parser = FalseyValueParser::new())]
    pub conformance: bool,
}
