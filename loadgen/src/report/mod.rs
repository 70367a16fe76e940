//! Results in, bytes out: no file, no clock and no sample here.

use crate::results::Results;

/// One file of a run's folder: its path within it, and its bytes.
pub struct ReportFile {
    pub path: String,
    pub bytes: Vec<u8>,
}

/// Every file of DESIGN §8 but `results.json` and `scenario.toml`.
pub fn files(_results: &Results) -> Vec<ReportFile> {
    Vec::new()
}

/// The table that ends a run on stdout.
pub fn table(_results: &Results) -> String {
    String::new()
}

/// One sentence per transport that a person can repeat at lunch.
pub fn sentences(_results: &Results) -> Vec<String> {
    Vec::new()
}
