//! The one place that knows colours: a name for each thing drawn, its colour on white and on dark.
//! Transports follow Okabe and Ito, which the colour-blind can tell apart; markers tell them apart
//! without colour.

use plotters::style::RGBColor;
use pushlab_server::wire::transport::Transport;
use std::fmt::Write;
use strum::IntoEnumIterator;

/// A named colour. No two share a light value, for the SVG finds a colour's name by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) struct Colour {
    pub(in crate::report) name: &'static str,
    light: u32,
    dark: u32,
}

pub(super) const PAPER: Colour = colour("paper", 0xFFFFFF, 0x16181C);
pub(super) const INK: Colour = colour("ink", 0x1B1D21, 0xE9EAEC);
pub(super) const MUTED: Colour = colour("muted", 0x5B616B, 0xA5ABB5);
pub(super) const GRID: Colour = colour("grid", 0xDDE0E4, 0x363A42);
pub(super) const UNSPLIT: Colour = colour("unsplit", 0x8E95A0, 0x7E8590);

/// A shape of its own for each transport, so that lines differ without colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    Circle,
    Triangle,
    Square,
    Diamond,
    Cross,
    Ring,
}

const fn colour(name: &'static str, light: u32, dark: u32) -> Colour {
    Colour { name, light, dark }
}

pub(in crate::report) fn transport_colour(transport: Transport) -> Colour {
    match transport {
        Transport::IntervalPolling => colour("interval-polling", 0xD55E00, 0xFF8A3D),
        Transport::LongPolling => colour("long-polling", 0xB8860B, 0xF0C04A),
        Transport::HttpStreaming => colour("http-streaming", 0x009E73, 0x2CC79A),
        Transport::Sse => colour("sse", 0xB8578F, 0xE39BC4),
        Transport::Websocket => colour("websocket", 0x0072B2, 0x56B4E9),
        Transport::Socketio => colour("socketio", 0x6A51A3, 0xB39DDB),
    }
}

pub(super) fn transport_marker(transport: Transport) -> Marker {
    match transport {
        Transport::IntervalPolling => Marker::Square,
        Transport::LongPolling => Marker::Diamond,
        Transport::HttpStreaming => Marker::Triangle,
        Transport::Sse => Marker::Cross,
        Transport::Websocket => Marker::Circle,
        Transport::Socketio => Marker::Ring,
    }
}

/// The colour of a kind of bytes, by its key in `by_kind`.
pub(in crate::report) fn kind_colour(kind: &str) -> Colour {
    let known = KINDS.iter().find(|(name, _)| *name == kind);
    known.map_or(UNSPLIT, |(_, colour)| *colour)
}

const KINDS: [(&str, Colour); 10] = [
    ("payload", colour("payload", 0x2A78B8, 0x5AA9E6)),
    ("framing", colour("framing", 0x7CC4E8, 0xA6DCF5)),
    ("http_headers", colour("http-headers", 0xE08A1E, 0xF2A541)),
    ("empty_polls", colour("empty-polls", 0xB83A2B, 0xE0624F)),
    ("handshake", colour("handshake", 0x75539C, 0xA886D0)),
    ("keep_alive", colour("keep-alive", 0x2E8F63, 0x4FBF8D)),
    ("packets", colour("packets", 0xC2A23C, 0xE3CB72)),
    ("probes", colour("probes", 0x5B7F95, 0x8FB3C7)),
    ("upgrade", colour("upgrade", 0x93705A, 0xBF9A83)),
    ("tls", colour("tls", 0x4E5560, 0xC2C8D0)),
];

impl Colour {
    pub(super) fn rgb(self) -> RGBColor {
        let [_, red, green, blue] = self.light.to_be_bytes();
        RGBColor(red, green, blue)
    }

    /// As the SVG backend writes it.
    pub(super) fn hex(self) -> String {
        format!("#{:06X}", self.light)
    }
}

pub(super) fn all() -> Vec<Colour> {
    let mut all = vec![PAPER, INK, MUTED, GRID, UNSPLIT];
    all.extend(Transport::iter().map(transport_colour));
    all.extend(KINDS.map(|(_, colour)| colour));
    all
}

/// A variable for every colour, light and dark, and classes `f-…` that fill and `s-…` that stroke.
pub(in crate::report) fn stylesheet() -> String {
    let mut light = String::new();
    let mut dark = String::new();
    let mut classes = String::new();
    for Colour {
        name,
        light: on_light,
        dark: on_dark,
    } in all()
    {
        put(&mut light, &format!("--c-{name}:#{on_light:06x};"));
        put(&mut dark, &format!("--c-{name}:#{on_dark:06x};"));
        let value = format!("var(--c-{name},#{on_light:06x})");
        put(
            &mut classes,
            &format!(".f-{name}{{fill:{value}}}.s-{name}{{stroke:{value}}}"),
        );
    }
    format!(
        ":root{{color-scheme:light dark;{light}}}\
         @media(prefers-color-scheme:dark){{:root{{{dark}}}}}{classes}"
    )
}

fn put(out: &mut String, text: &str) {
    write!(out, "{text}").expect("a string takes every text");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::ByKind;
    use std::collections::BTreeSet;

    #[test]
    fn every_colour_can_be_found_by_its_light_value_and_every_kind_has_one() {
        let values: BTreeSet<u32> = all().iter().map(|colour| colour.light).collect();
        assert_eq!(values.len(), all().len());
        for (kind, _) in ByKind::default().entries() {
            assert_ne!(kind_colour(kind), UNSPLIT, "{kind}");
        }
    }
}
