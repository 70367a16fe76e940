//! One client of each transport, as small as it can be: it listens from its journal's place until
//! the journal is complete or the connection is lost. Coming back is not its business.

mod interval_polling;
mod long_polling;
mod http_streaming;
mod sse;
pub mod websocket;

use super::journal::Journal;
use super::line::{Line, Lost};
use pushlab_server::wire::transport::Transport;
use std::time::Duration;

/// 峡谷
pub const ROOM: &str = "%E5%B3%A1%E8%B0%B7";

pub async fn listen(
    transport: Transport,
    line: &mut Line,
    journal: &mut Journal,
) -> Result<(), Lost> {
    match transport {
        Transport::IntervalPolling => interval_polling::listen(line, journal).await,
        Transport::LongPolling => long_polling::listen(line, journal).await,
        Transport::HttpStreaming => http_streaming::listen(line, journal).await,
        Transport::Sse => sse::listen(line, journal).await,
        Transport::Websocket => websocket::listen(line, journal).await,
        Transport::Socketio => unreachable!("its connections are no requests in a room"),
    }
}

fn get(target: &str, headers: &str) -> String {
    format!("GET /rooms/{ROOM}/{target} HTTP/1.1\r\nHost: test\r\n{headers}\r\n")
}

/// Both polls: ask, take in, pause, over one connection for as long as it lasts.
async fn poll(
    line: &mut Line,
    journal: &mut Journal,
    target: &str,
    pause: impl Fn() -> Duration,
) -> Result<(), Lost> {
    while !journal.is_complete() {
        let request = get(&format!("{target}cursor={}", journal.cursor()), "");
        let (status, length) = line.ask(&request).await?;
        let body = line.body(length).await?;
        match status {
            200 => journal.answer(&body),
            204 => {}
            _ => panic!("{status}: {}", String::from_utf8_lossy(&body)),
        }
        line.rest(pause()).await?;
    }
    Ok(())
}
