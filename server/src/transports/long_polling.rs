//! Long polling: the answer of interval polling, held until there is something or the hold ends.
//! The hold is shortened at random so that clients do not come back in step (RFC 6202 §5.5 on
//! holds; a held response that broke is simply asked for again with the same cursor).

use super::{poll, query, subscribe};
use crate::desk::Desk;
use crate::problems::Refusal;
use crate::wire::transport::Transport;
use actix_web::{HttpRequest, HttpResponse};
use std::future::poll_fn;
use std::time::Duration;

pub async fn serve(request: HttpRequest) -> Result<HttpResponse, Refusal> {
    let hold = hold(&request)?;
    let mut subscription = subscribe(&request, Transport::LongPolling)?;
    let wants_an_answer = poll::wants_an_answer(&request, &subscription);
    if !wants_an_answer {
        match &Desk::of(&request).threads {
            None => {
                let something = poll_fn(|context| subscription.poll_ready(context));
                // The end of the hold is an answer too, an empty one.
                let _ = tokio::time::timeout(hold, something).await;
            }
            Some(_) if subscription.has_something() => {}
            Some(threads) => {
                let offset = subscription.cursor().offset;
                tokio::select! {
                    held = threads.hold(subscription.room(), offset, hold) => held?,
                    () = Desk::of(&request).worker.drain.begun() => {}
                }
            }
        }
    }
    poll::answer(
        &request,
        subscription,
        Transport::LongPolling,
        wants_an_answer,
    )
}

fn hold(request: &HttpRequest) -> Result<Duration, Refusal> {
    let config = &Desk::of(request).config;
    let longest = Duration::from_secs_f64(config.max_hold);
    let asked = match query(request, "hold") {
        Some(text) => parse_hold(&text).ok_or_else(|| {
            Refusal::BadRequest("hold is a duration such as 25s or 500ms".to_owned())
        })?,
        None => longest,
    };
    let shortened = 1.0 - config.hold_jitter * rand::random::<f64>();
    Ok(asked.min(longest).mul_f64(shortened))
}

fn parse_hold(text: &str) -> Option<Duration> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 1e-3),
        None => (text.strip_suffix('s')?, 1.0),
    };
    let digits = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let seconds = number.parse::<f64>().ok().filter(|_| digits)? * unit;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_have_a_unit() {
        assert_eq!(parse_hold("25s"), Some(Duration::from_secs(25)));
        assert_eq!(parse_hold("0.5s"), Some(Duration::from_millis(500)));
        assert_eq!(parse_hold("500ms"), Some(Duration::from_millis(500)));
        for text in ["", "s", "25", "-1s", "1e3s", "infs", "NaNs", "1..2s"] {
            assert_eq!(parse_hold(text), None, "{text}");
        }
    }
}
