//! HTTP streaming: JSON lines; a line without its end was never received.

use super::super::journal::Journal;
use super::super::line::{Line, Lost};
use super::get;

pub async fn listen(line: &mut Line, journal: &mut Journal) -> Result<(), Lost> {
    let request = get(&format!("stream?cursor={}", journal.cursor()), "");
    let (status, _) = line.ask(&request).await?;
    assert_eq!(status, 200);
    let mut text = String::new();
    while !journal.is_complete() {
        text.push_str(&line.chunk().await?);
        while let Some(end) = text.find('\n') {
            let json: String = text.drain(..=end).collect();
            // An empty line is a heartbeat.
            if json.len() > 1 {
                journal.message(json.as_bytes());
            }
        }
    }
    Ok(())
}
