//! Packets for a client that are no events: answers, acknowledgements, pings. It is bounded, and a session
//! whose client lets it overflow ends. Events are never in it: the history is their only queue.

use crate::wire::engineio::{Packet, SEPARATOR};
use crate::wire::socketio;
use bytes::Bytes;
use std::collections::VecDeque;

/// Packets that may wait for a client that does not take them.
pub const MAX_PACKETS: usize = 1_000;

/// Their bytes, beside the largest message that a client may send twice; a single packet may have more.
pub const MAX_BYTES: usize = 256 * 1024;

/// One packet, encoded but for its framing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parcel {
    /// An Engine.IO packet as text, its type included.
    Text(String),
    /// Binary data, which has no type in a WebSocket and `b` in a payload.
    Binary(Bytes),
}

pub struct Outbox {
    parcels: VecDeque<Parcel>,
    bytes: usize,
    max_bytes: usize,
    overflown: bool,
}

impl Parcel {
    fn len(&self) -> usize {
        match self {
            Parcel::Text(text) => text.len(),
            Parcel::Binary(data) => data.len(),
        }
    }

    /// Whether it says something to the application, and is no ping or the like.
    pub fn is_message(&self) -> bool {
        match self {
            Parcel::Text(text) => text.starts_with('4'),
            Parcel::Binary(_) => true,
        }
    }

    /// As a payload has it.
    pub fn write(&self, payload: &mut String) {
        match self {
            Parcel::Text(text) => payload.push_str(text),
            Parcel::Binary(data) => Packet::Binary(data[..].into()).write(payload),
        }
    }
}

impl Outbox {
    /// `max_payload` is what a client may send at once.
    pub fn new(max_payload: usize) -> Outbox {
        Outbox {
            parcels: VecDeque::new(),
            bytes: 0,
            max_bytes: MAX_BYTES + 2 * max_payload,
            overflown: false,
        }
    }

    /// Puts an Engine.IO packet.
    pub fn packet(&mut self, packet: &Packet<'_>) {
        self.put(Parcel::Text(packet.text()));
    }

    /// Puts a message of the application: a Socket.IO packet without the `4` of Engine.IO.
    pub fn message(&mut self, text: &str) {
        self.packet(&Packet::Message(text));
    }

    /// Puts an Engine.IO packet that is encoded.
    pub fn packet_text(&mut self, text: String) {
        self.put(Parcel::Text(text));
    }

    /// Puts a packet of Socket.IO with its attachments.
    pub fn socketio(&mut self, packet: &socketio::Packet<'_>) {
        self.message(&packet.text());
        for data in packet.attachments {
            self.binary(data.clone());
        }
    }

    /// Puts binary data of the application, which follows the packet that announces it.
    pub fn binary(&mut self, data: Bytes) {
        self.put(Parcel::Binary(data));
    }

    fn put(&mut self, parcel: Parcel) {
        let bytes = self.bytes + parcel.len();
        // Who is in a large room has a place, however long it is, where nothing else waits.
        let has_place = bytes <= self.max_bytes || self.parcels.is_empty();
        if self.parcels.len() >= MAX_PACKETS || !has_place {
            self.overflown = true;
            return;
        }
        self.bytes = bytes;
        self.parcels.push_back(parcel);
    }

    pub fn take(&mut self) -> Option<Parcel> {
        let parcel = self.parcels.pop_front();
        match &parcel {
            Some(parcel) => self.bytes -= parcel.len(),
            // One that waited for once must not cost its memory for ever.
            None => self.parcels = VecDeque::new(),
        }
        parcel
    }

    pub fn is_empty(&self) -> bool {
        self.parcels.is_empty()
    }

    /// Whether something had no place: then the session cannot go on.
    pub fn has_overflown(&self) -> bool {
        self.overflown
    }

    pub fn clear(&mut self) {
        self.parcels = VecDeque::new();
        self.bytes = 0;
    }
}

/// Appends one more packet to a payload.
pub fn append(payload: &mut String, write: impl FnOnce(&mut String)) {
    if !payload.is_empty() {
        payload.push(SEPARATOR);
    }
    write(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_gives_back_what_was_put_and_counts_it_away() {
        let mut outbox = Outbox::new(0);
        outbox.message("2[\"瑶\"]");
        outbox.binary(Bytes::from_static(&[1, 2, 3, 4]));
        let mut payload = String::new();
        while let Some(parcel) = outbox.take() {
            append(&mut payload, |payload| parcel.write(payload));
        }
        assert_eq!(payload, "42[\"瑶\"]\u{1e}bAQIDBA==");
        assert_eq!((outbox.bytes, outbox.has_overflown()), (0, false));
    }

    #[test]
    fn it_holds_so_many_packets_and_so_many_bytes() {
        let mut outbox = Outbox::new(0);
        for _ in 0..MAX_PACKETS {
            outbox.packet(&Packet::Noop);
        }
        assert!(!outbox.has_overflown());
        outbox.packet(&Packet::Noop);
        assert!(outbox.has_overflown());
        let mut outbox = Outbox::new(0);
        outbox.binary(vec![0; MAX_BYTES].into());
        assert!(!outbox.has_overflown());
        outbox.message("");
        assert!(outbox.has_overflown());
        let mut outbox = Outbox::new(0);
        outbox.binary(vec![0; 2 * MAX_BYTES].into());
        assert!(!outbox.has_overflown());
    }
}
