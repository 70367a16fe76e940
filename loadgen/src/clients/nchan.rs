//! What Nchan has of its own: where a poll goes on is said by `Last-Modified` and `Etag`, sent back as a
//! browser's cache would (protocol.txt of its repository), and on a WebSocket by ids of the subprotocol
//! `ws+meta.nchan`. Everything else about it is plain HTTP, `EventSource` and WebSocket.

use super::{Client, Mark, heads};
use crate::net::connection::Connection;
use crate::net::failure::Failure;
use crate::scenario::Dialect;
use crate::target::in_a_url;
use pushlab_server::wire::transport::Transport;

/// A poll, held or not as its location is configured.
pub(super) fn request(client: &Client) -> Result<String, Failure> {
    let mut own = Vec::new();
    if let Some(mark) = &*client.mark.borrow() {
        own.push(("If-Modified-Since", mark.since.clone()));
        own.push(("If-None-Match", mark.id.clone()));
    }
    if !client.transport().keep_alive {
        own.push(("Connection", "close".to_owned()));
    }
    heads::request(client, &client.path(), &own)
}

/// A poll is on its way.
pub(super) fn asked(client: &Client, connection: &mut Connection) {
    connection.keep_validators();
    if is_held(client) {
        client.asked();
    }
}

/// One that is held may be answered by the first event only, and by 408 or 304 without one.
pub(super) fn answered(client: &Client) {
    match is_held(client) {
        true => client.answered(),
        false => client.greeted(),
    }
}

fn is_held(client: &Client) -> bool {
    client.kind() == Transport::LongPolling
}

pub(super) fn note_validators(client: &Client, connection: &mut Connection) {
    if let Some((id, since)) = connection.take_validators() {
        client.set_mark(Mark { id, since });
    }
}

/// Asked for where a client is to go on: a message then bears its id, and with it some 50 bytes more.
pub(super) fn subprotocol(client: &Client) -> Option<&'static str> {
    let foreign = client.lane.setting.foreign()?;
    let wanted = foreign.dialect == Dialect::Nchan && client.transport().resume;
    wanted.then_some("ws+meta.nchan")
}

/// The path of a WebSocket that goes on from its last id.
pub(super) fn resumed(client: &Client, path: String) -> String {
    match (&*client.mark.borrow(), subprotocol(client)) {
        (Some(mark), Some(_)) => {
            let separator = if path.contains('?') { '&' } else { '?' };
            format!("{path}{separator}last_event_id={}", in_a_url(&mark.id))
        }
        _ => path,
    }
}

/// `id: 1795302453:0`, then other lines, an empty one, and the message.
pub(super) fn note_id(client: &Client, text: &str) {
    if let Some(id) = id(text) {
        client.set_mark(Mark {
            id: id.to_owned(),
            since: String::new(),
        });
    }
}

/// Bytes of what stands above the message.
pub(super) fn head(text: &str) -> usize {
    let end = text.find("\n\n").filter(|_| id(text).is_some());
    end.map_or(0, |at| at + 2)
}

fn id(text: &str) -> Option<&str> {
    text.lines().next()?.strip_prefix("id: ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_id_stands_in_the_first_line() {
        let text = "id: 1795302453:0\ncontent-type: text/plain\n\nid: of the message";
        assert_eq!(super::id(text), Some("1795302453:0"));
        assert_eq!(super::id("hello"), None);
        assert_eq!(super::id(""), None);
        assert_eq!(&text[super::head(text)..], "id: of the message");
        assert_eq!(super::head("hello\n\nyou"), 0);
    }
}
