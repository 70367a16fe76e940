//! A session's packets by polling: one GET that is held, and POSTs on a connection of their own. Two of
//! either at once would end the session, so each waits for the answer to the last.

use super::session::Session;
use super::told::{Reply, Told};
use crate::clients::{Client, heads};
use crate::net::connection::{Answer, Connection};
use crate::net::dial::dial;
use crate::net::failure::Failure;
use crate::net::metered::Speech;
use crate::totals::{Kind, Traffic};
use pushlab_server::wire::engineio::{self, Limits, SEPARATOR};

/// In one POST; what is more waits for the next.
const MOST_PACKETS: usize = 100;

/// What a payload of the server may hold: as much as it likes.
const ANY: Limits = Limits {
    packets: usize::MAX,
    bytes: usize::MAX,
};

/// A connection that is opened when it is needed, and again when the server has ended it.
#[derive(Default)]
pub(super) struct Line {
    connection: Option<Connection>,
}

impl Line {
    async fn ready(&mut self, client: &Client) -> Result<&mut Connection, Failure> {
        if let Some(connection) = &mut self.connection
            && connection.has_ended().await
        {
            self.connection = None;
        }
        if self.connection.is_none() {
            let endpoint = &client.lane.setting.endpoint;
            let speech = Speech::Http(Kind::Handshake);
            let stream = dial(endpoint, client.tally(), speech, client.link.as_ref()).await?;
            self.connection = Some(Connection::new(stream, client.lane.scratch.clone()));
        }
        self.connection.as_mut().ok_or(Failure::Ended)
    }

    fn answered(&mut self, answer: &Answer) {
        if !answer.keep_alive {
            self.connection = None;
        }
    }

    pub fn reset(&mut self) {
        if let Some(connection) = self.connection.take() {
            connection.reset();
        }
    }

    /// Reads to the end.
    pub async fn close(&mut self, client: &Client) {
        if let Some(connection) = self.connection.take()
            && let Err(failure) = connection.close().await
        {
            client.sink.error(format!("close-{}", failure.class()));
        }
    }
}

/// Opens the session.
pub(super) async fn open(session: &Session<'_>, line: &mut Line) -> Result<(), Failure> {
    ask(session, line, &mut Vec::new()).await?;
    match session.is_open() {
        true => Ok(()),
        false => Err(Failure::Malformed("no Engine.IO handshake")),
    }
}

/// Both directions; returns when the session pauses or closes, and both rest.
pub(super) async fn converse(
    session: &Session<'_>,
    down: &mut Line,
    up: &mut Line,
) -> Result<(), Failure> {
    tokio::try_join!(listen(session, down), speak(session, up)).map(|_| ())
}

async fn listen(session: &Session<'_>, line: &mut Line) -> Result<(), Failure> {
    let mut content = Vec::new();
    while !session.is_pausing() && !session.is_closing() {
        ask(session, line, &mut content).await?;
    }
    Ok(())
}

async fn speak(session: &Session<'_>, line: &mut Line) -> Result<(), Failure> {
    let client = session.client;
    let mut batch = Vec::new();
    loop {
        // What is still to be said is said by the WebSocket that takes over.
        if session.is_pausing() && !session.is_closing() {
            return Ok(());
        }
        let closing = session.is_closing();
        batch.extend(session.take_replies());
        if session.is_there() && !closing {
            fill(session, &mut batch)?;
        }
        if !batch.is_empty() {
            post(session, line, &batch).await?;
            batch.clear();
        } else if closing {
            return Ok(());
        } else {
            tokio::select! {
                biased;
                () = session.changed() => {}
                outgoing = client.orders.outgoing(), if session.is_there() => {
                    batch.push(session.publish(outgoing)?);
                }
            }
        }
    }
}

/// Publishes that wait, as many as one POST may bear.
fn fill(session: &Session<'_>, batch: &mut Vec<Reply>) -> Result<(), Failure> {
    let payload = session.client.lane.setting.plan.publish.payload;
    let mut bytes: usize = batch.iter().map(|reply| reply.text.len() + 1).sum();
    while batch.len() < MOST_PACKETS
        && (batch.is_empty() || bytes + payload + 128 < session.max_payload())
    {
        let Some(outgoing) = session.client.orders.next_outgoing() else {
            break;
        };
        let reply = session.publish(outgoing)?;
        bytes += reply.text.len() + 1;
        batch.push(reply);
    }
    Ok(())
}

/// One GET: hands on what came, counts every byte.
async fn ask(session: &Session<'_>, line: &mut Line, content: &mut Vec<u8>) -> Result<(), Failure> {
    let client = session.client;
    let opens = !session.is_open();
    let connection = line.ready(client).await?;
    client.totals().requested();
    let asked = {
        let request = heads::request(client, &session.path("polling"), &[])?;
        connection
            .send(request.as_bytes(), Kind::EmptyPolls)
            .await?;
        request.len() as u64
    };
    let answer = connection.answer(content).await?;
    match answer.status {
        200 => {}
        status if opens => return Err(Failure::Status(status)),
        _ => return Err(Failure::SessionGone),
    }
    let mut taken = Taken::default();
    for packet in content.split(|byte| *byte == SEPARATOR as u8) {
        taken.packet(session, packet)?;
    }
    taken.count(client, connection, &answer, asked, content.len() as u64);
    content.clear();
    content.shrink_to(4096);
    line.answered(&answer);
    Ok(())
}

/// What an answer brought.
#[derive(Default)]
struct Taken {
    events: u64,
    payload: u64,
    keep_alive: u64,
    /// What it was for, if it brought no event.
    kind: Option<Kind>,
}

impl Taken {
    fn packet(&mut self, session: &Session<'_>, packet: &[u8]) -> Result<(), Failure> {
        let read = engineio::read_payload(packet, ANY);
        let read = read.map_err(|_| Failure::Malformed("no Engine.IO payload"))?;
        for one in read {
            let told: Told = session.take(one)?;
            self.events += u64::from(told.is_event);
            self.payload += told.payload as u64;
            if told.rest == Kind::KeepAlive {
                self.keep_alive += packet.len() as u64;
            }
            self.kind = Some(
                self.kind
                    .map_or(told.rest, |kind| weightier(kind, told.rest)),
            );
        }
        Ok(())
    }

    fn count(
        &self,
        client: &Client,
        connection: &Connection,
        answer: &Answer,
        asked: u64,
        content: u64,
    ) {
        let heads = asked + answer.head_bytes;
        let body = answer.chunk_bytes + content;
        let mut exchanges = client.lane.exchanges.get();
        exchanges.note(heads, heads + body, self.events > 0);
        client.lane.exchanges.set(exchanges);
        if self.events == 0 {
            client.totals().answered_empty();
        }
        match self.kind.unwrap_or(Kind::EmptyPolls) {
            Kind::Packets => {
                connection.shift(Kind::EmptyPolls, Kind::HttpHeaders, asked);
                connection.count(Kind::HttpHeaders, answer.head_bytes);
                connection.count(Kind::Framing, answer.chunk_bytes);
                connection.count(Kind::Payload, self.payload);
                connection.count(Kind::KeepAlive, self.keep_alive);
                let rest = content - self.payload - self.keep_alive;
                connection.count(Kind::Packets, rest);
            }
            whole => {
                connection.shift(Kind::EmptyPolls, whole, asked);
                connection.count(whole, answer.head_bytes + body);
            }
        }
    }
}

/// An exchange is for the weightiest of its packets: an event or a notice, the beginning, a heartbeat,
/// a probe.
fn weightier(one: Kind, other: Kind) -> Kind {
    let weight = |kind: Kind| match kind {
        Kind::Packets => 3,
        Kind::Handshake => 2,
        Kind::KeepAlive => 1,
        _ => 0,
    };
    if weight(one) >= weight(other) {
        one
    } else {
        other
    }
}

/// One POST. If anything in it publishes, it is a publish.
async fn post(session: &Session<'_>, line: &mut Line, batch: &[Reply]) -> Result<(), Failure> {
    let client = session.client;
    let mut body = String::new();
    for reply in batch {
        if !body.is_empty() {
            body.push(SEPARATOR);
        }
        body.push_str(&reply.text);
    }
    let publishes = batch.iter().any(|reply| reply.kind == Kind::Payload);
    let first = batch.first().map_or(Kind::Packets, |reply| reply.kind);
    let whole = batch
        .iter()
        .fold(first, |kind, reply| weightier(kind, reply.kind));
    let connection = line.ready(client).await?;
    if !publishes {
        client.totals().requested();
    }
    connection.serves(match publishes {
        true => Traffic::Publish,
        false => Traffic::Delivery,
    });
    let head = heads::post(client, &session.path("polling"), body.len())?;
    let heads = match publishes {
        true => Kind::HttpHeaders,
        false => whole,
    };
    connection.send((head + &body).as_bytes(), heads).await?;
    if publishes {
        let payload: usize = batch.iter().map(|reply| reply.payload).sum();
        connection.shift(heads, Kind::Payload, payload as u64);
        connection.shift(heads, Kind::Packets, (body.len() - payload) as u64);
    }
    let mut content = Vec::new();
    let answer = connection.answer(&mut content).await?;
    connection.count(heads, answer.head_bytes);
    let rest = match publishes {
        true => Kind::Framing,
        false => whole,
    };
    connection.count(rest, answer.chunk_bytes + content.len() as u64);
    connection.serves(Traffic::Delivery);
    line.answered(&answer);
    match answer.status {
        200..=299 => Ok(()),
        413 if publishes => {
            client.sink.refused(413);
            Err(Failure::SessionGone)
        }
        _ => Err(Failure::SessionGone),
    }
}
