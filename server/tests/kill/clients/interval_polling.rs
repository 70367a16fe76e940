//! Interval polling: asks every few milliseconds.

use super::super::journal::Journal;
use super::super::line::{Line, Lost};
use std::time::Duration;

pub async fn listen(line: &mut Line, journal: &mut Journal) -> Result<(), Lost> {
    let pause = || Duration::from_millis(rand::random_range(0..20));
    super::poll(line, journal, "poll?", pause).await
}
