//! WebSocket: answers pings, which is all that keeps it alive while nobody talks.

use super::super::journal::Journal;
use super::super::line::{Line, Lost, masked};
use super::get;

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

pub async fn listen(line: &mut Line, journal: &mut Journal) -> Result<(), Lost> {
    open(line, journal).await?;
    while !journal.is_complete() {
        receive(line, journal).await?;
    }
    Ok(())
}

pub async fn open(line: &mut Line, journal: &Journal) -> Result<(), Lost> {
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let request = get(&format!("ws?cursor={}", journal.cursor()), upgrade);
    let (status, _) = line.ask(&request).await?;
    assert_eq!(status, 101);
    Ok(())
}

/// Takes in one frame, whatever it is.
pub async fn receive(line: &mut Line, journal: &mut Journal) -> Result<(), Lost> {
    match line.frame().await? {
        (TEXT, json) => journal.message(&json),
        (PING, payload) => line.send(&masked(PONG, &payload)).await?,
        // It says goodbye before the connection ends, which is the next thing to be read.
        (CLOSE, _) => {}
        (opcode, _) => panic!("a frame of opcode {opcode}"),
    }
    Ok(())
}

/// Says `json`; an event of it comes back as all others do.
pub async fn say(line: &mut Line, json: &str) -> Result<(), Lost> {
    line.send(&masked(TEXT, json.as_bytes())).await
}
