//! HTTP streaming (Comet): one answer that never ends, a JSON event a line, an empty line as
//! heartbeat.

use super::{Carried, Client, heads};
use crate::net::connection::{Connection, Share};
use crate::net::failure::Failure;
use crate::totals::Kind;

/// Returns only when the connection is lost.
pub async fn subscribe(client: &Client, connection: &mut Connection) -> Result<(), Failure> {
    client.totals().requested();
    {
        let request = heads::request(client, &client.stream_path(), &[])?;
        connection.send(request.as_bytes(), Kind::Handshake).await?;
    }
    if client.is_foreign() {
        // Nchan sends a head with the first message, and not before.
        client.asked();
    }
    let head = connection.head().await?;
    if head.status != 200 {
        return Err(Failure::Status(head.status));
    }
    connection.count(Kind::Handshake, head.length as u64);
    heads::check_answer(client, head.length);
    if client.is_foreign() {
        client.answered();
    } else if client.is_bare() {
        client.greeted();
    }
    let mut lines = Lines::default();
    let on_data = |data: &[u8], share: &mut Share<'_>| {
        lines.split(data, |line| message(client, line, share));
        Ok(())
    };
    connection.stream(head.body, on_data).await?;
    Err(Failure::Ended)
}

fn message(client: &Client, line: &[u8], share: &mut Share<'_>) {
    let length = line.len() as u64;
    let kind = if line.is_empty() {
        Kind::KeepAlive
    } else {
        match client.message(line) {
            Carried::Event => {
                share.count(Kind::Payload, length);
                share.count(Kind::Framing, 1);
                return share.message(Kind::Framing);
            }
            Carried::Greeting => Kind::Handshake,
            Carried::Notice => Kind::Framing,
        }
    };
    share.count(kind, length + 1);
    share.message(kind);
}

/// Cuts what comes into lines; the beginning of an unfinished one is kept.
#[derive(Default)]
struct Lines {
    partial: Vec<u8>,
}

impl Lines {
    fn split(&mut self, mut data: &[u8], mut on_line: impl FnMut(&[u8])) {
        while let Some(at) = memchr::memchr(b'\n', data) {
            if self.partial.is_empty() {
                on_line(&data[..at]);
            } else {
                self.partial.extend_from_slice(&data[..at]);
                on_line(&self.partial);
                self.partial.clear();
            }
            data = &data[at + 1..];
        }
        self.partial.extend_from_slice(data);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_wherever_reads_are_split() {
        let text = b"{\"id\":1}\n\n{\"id\":2}\nrest";
        for size in 1..=text.len() {
            let (mut lines, mut found) = (Lines::default(), Vec::new());
            for run in text.chunks(size) {
                lines.split(run, |line| found.push(line.to_vec()));
            }
            assert_eq!(found, [&b"{\"id\":1}"[..], b"", b"{\"id\":2}"]);
            assert_eq!(lines.partial, b"rest");
        }
    }
}
