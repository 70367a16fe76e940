//! Interval polling: asks on a fixed beat whether there is something new. The beat has a random
//! phase and is not moved by how long an answer takes, as with `setInterval` in a browser.

use super::{Client, Place, heads, nchan};
use crate::net::connection::{Answer, Connection};
use crate::net::failure::Failure;
use crate::totals::Kind;
use pushlab_server::wire::event::PollAnswer;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use std::time::{Duration, Instant};

/// Returns when the server ends the connection between two polls.
pub async fn subscribe(client: &Client, connection: &mut Connection) -> Result<(), Failure> {
    let mut content = Vec::new();
    loop {
        if let Some(next) = client.next_poll.get() {
            tokio::time::sleep_until(next.into()).await;
            if connection.has_ended().await {
                return Ok(());
            }
        }
        let asked = Instant::now();
        let mut poll = ask(client, connection, "", &mut content).await?;
        while poll.more && poll.keep_alive {
            poll = ask(client, connection, "", &mut content).await?;
        }
        let beat = client
            .next_poll
            .get()
            .unwrap_or_else(|| first_beat(client, asked));
        let interval = client.transport().interval;
        client
            .next_poll
            .set(Some(next_beat(beat, interval, Instant::now())));
        if !poll.keep_alive {
            return Ok(());
        }
    }
}

/// The first poll comes at once, to begin somewhere; the beat starts within one interval of it.
fn first_beat(client: &Client, asked: Instant) -> Instant {
    let seed = client.lane.setting.plan.seed ^ (client.index as u64).rotate_left(32);
    let phase: f64 = Xoshiro256PlusPlus::seed_from_u64(seed).random();
    asked + client.transport().interval.mul_f64(phase)
}

/// The first beat after `now`: those that passed meanwhile are not made up for.
fn next_beat(beat: Instant, interval: Duration, now: Instant) -> Instant {
    match now.checked_duration_since(beat) {
        None => beat,
        Some(late) if interval.is_zero() => beat + late,
        Some(late) => {
            let passed = late.as_nanos() / interval.as_nanos() + 1;
            beat + interval * u32::try_from(passed).unwrap_or(u32::MAX)
        }
    }
}

/// What a client does next depends on no more of an answer than this.
pub(super) struct Poll {
    pub more: bool,
    pub keep_alive: bool,
}

/// One poll, of either kind: asks from the client's place, hands on what came, counts every byte.
pub(super) async fn ask(
    client: &Client,
    connection: &mut Connection,
    query: &str,
    content: &mut Vec<u8>,
) -> Result<Poll, Failure> {
    client.totals().requested();
    let asked_bytes = {
        let request = match client.is_foreign() {
            true => nchan::request(client)?,
            false => request(client, query)?,
        };
        connection
            .send(request.as_bytes(), Kind::EmptyPolls)
            .await?;
        request.len() as u64
    };
    if client.is_foreign() {
        nchan::asked(client, connection);
    }
    let answer = connection.answer(content).await?;
    let mut taken = Taken::default();
    match answer.status {
        200 if client.is_foreign() => {
            nchan::note_validators(client, connection);
            // Nchan puts one message into an answer, so whether there is another is for the next to tell.
            taken.foreign(client, content);
            taken.more = true;
        }
        408 if client.is_foreign() => {}
        200 if client.is_bare() => taken.datas(client, content),
        200 => taken.envelope(client, content)?,
        204 | 304 => {}
        status => return Err(Failure::Status(status)),
    }
    count(
        client,
        connection,
        &answer,
        asked_bytes,
        content.len(),
        &taken,
    );
    match client.is_foreign() {
        true => nchan::answered(client),
        false => client.greeted(),
    }
    content.clear();
    content.shrink_to(4096);
    Ok(Poll {
        more: taken.more,
        keep_alive: answer.keep_alive,
    })
}

fn request(client: &Client, query: &str) -> Result<String, Failure> {
    let mut target = client.path();
    let cursor = client.cursor_query();
    let parameters = cursor.iter().map(String::as_str).chain([query]);
    let mut separator = '?';
    for parameter in parameters.filter(|parameter| !parameter.is_empty()) {
        target.push(separator);
        target.push_str(parameter);
        separator = '&';
    }
    let mut own = match client.place.get() {
        Place::At(cursor) if client.transport().conditional => {
            vec![("If-None-Match", format!("\"{cursor}\""))]
        }
        Place::At(_) | Place::Unknown | Place::Counted(_) => Vec::new(),
    };
    if !client.transport().keep_alive {
        own.push(("Connection", "close".to_owned()));
    }
    heads::request(client, &target, &own)
}

/// What an answer brought.
#[derive(Default)]
struct Taken {
    events: u64,
    payload_bytes: u64,
    more: bool,
}

impl Taken {
    fn event(&mut self, client: &Client, payload: &[u8]) {
        client.sink.receive(payload);
        self.events += 1;
        self.payload_bytes += payload.len() as u64;
    }

    fn foreign(&mut self, client: &Client, content: &[u8]) {
        let payload = client.sink.receive_foreign([content].into_iter());
        self.events += u64::from(payload > 0);
        self.payload_bytes += payload as u64;
    }

    fn envelope(&mut self, client: &Client, content: &[u8]) -> Result<(), Failure> {
        let answer: PollAnswer<'_> = serde_json::from_slice(content)
            .map_err(|_| Failure::Malformed("a poll's answer that is no envelope"))?;
        for event in &answer.events {
            self.event(client, event.get().as_bytes());
        }
        self.more = answer.more;
        if answer.missed != Some(0) {
            client.sink.missed(answer.missed);
        }
        if let Ok(cursor) = answer.cursor.parse() {
            client.set_cursor(cursor);
        }
        Ok(())
    }

    /// A bare answer: the `data` of events, a line each.
    fn datas(&mut self, client: &Client, content: &[u8]) {
        for data in content
            .split(|b| *b == b'\n')
            .filter(|data| !data.is_empty())
        {
            self.event(client, data);
        }
        if let Place::Counted(events) = client.place.get() {
            client.place.set(Place::Counted(events + self.events));
        }
    }
}

fn count(
    client: &Client,
    connection: &Connection,
    answer: &Answer,
    asked_bytes: u64,
    content: usize,
    taken: &Taken,
) {
    let body = answer.chunk_bytes + content as u64;
    heads::check_answer(client, answer.head_bytes as usize);
    let heads = asked_bytes + answer.head_bytes;
    let mut exchanges = client.lane.exchanges.get();
    exchanges.note(heads, heads + body, taken.events > 0);
    client.lane.exchanges.set(exchanges);
    if taken.events == 0 {
        client.totals().answered_empty();
        connection.count(Kind::EmptyPolls, answer.head_bytes + body);
    } else {
        connection.shift(Kind::EmptyPolls, Kind::HttpHeaders, asked_bytes);
        connection.count(Kind::HttpHeaders, answer.head_bytes);
        connection.count(Kind::Payload, taken.payload_bytes);
        connection.count(Kind::Framing, body - taken.payload_bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beats_keep_their_grid() {
        let start = Instant::now();
        let ms = Duration::from_millis;
        let next = |now| next_beat(start, ms(200), start + ms(now));
        assert_eq!(next_beat(start + ms(30), ms(200), start), start + ms(30));
        assert_eq!(next(0), start + ms(200));
        assert_eq!(next(199), start + ms(200));
        assert_eq!(next(200), start + ms(400));
        assert_eq!(next(999), start + ms(1000));
    }
}
