//! SSE: comes back with `Last-Event-ID`; a block without its empty line is thrown away, its id too
//! (WHATWG HTML §9.2.6).

use super::super::journal::Journal;
use super::super::line::{Line, Lost};
use super::get;

pub async fn listen(line: &mut Line, journal: &mut Journal) -> Result<(), Lost> {
    let last_event_id = format!("Last-Event-ID: {}\r\n", journal.cursor());
    let (status, _) = line.ask(&get("sse", &last_event_id)).await?;
    assert_eq!(status, 200);
    let mut text = String::new();
    while !journal.is_complete() {
        text.push_str(&line.chunk().await?);
        while let Some(end) = text.find("\n\n") {
            let block: String = text.drain(..end + 2).collect();
            dispatch(&block, journal);
        }
    }
    Ok(())
}

fn dispatch(block: &str, journal: &mut Journal) {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
    if let Some(data) = field("data: ") {
        journal.message(data.as_bytes());
        assert_eq!(
            field("id: "),
            Some(&*journal.cursor()),
            "what a browser would come back with"
        );
    }
}
