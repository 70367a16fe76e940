//! Flags → config → start → wait.
fn main() {}
