//! Long polling: asks at once, with a hold below its patience.

use super::super::journal::Journal;
use super::super::line::{Line, Lost};
use std::time::Duration;

pub async fn listen(line: &mut Line, journal: &mut Journal) -> Result<(), Lost> {
    super::poll(line, journal, "long-poll?hold=300ms&", || Duration::ZERO).await
}
