//! Interval polling: what is there now, or nothing, at once. The client keeps the time.

use super::{poll, subscribe};
use crate::problems::Refusal;
use crate::wire::transport::Transport;
use actix_web::{HttpRequest, HttpResponse};

pub async fn serve(request: HttpRequest) -> Result<HttpResponse, Refusal> {
    let subscription = subscribe(&request, Transport::IntervalPolling)?;
    let wants_an_answer = poll::wants_an_answer(&request, &subscription);
    poll::answer(
        &request,
        subscription,
        Transport::IntervalPolling,
        wants_an_answer,
    )
}
