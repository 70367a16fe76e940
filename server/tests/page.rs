//! The page's own tests, which are JavaScript: `node --test` runs them. Without node they are left
//! out, and that is said; on a machine that calls itself `CI` they are not left out.

use std::process::{Command, Stdio};

#[test]
fn the_modules_of_the_page_pass_their_tests() {
    let node = Command::new("node")
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    if let Err(error) = node {
        assert!(
            std::env::var_os("CI").is_none(),
            "CI runs the page's tests: node is missing ({error})"
        );
        println!("left out: no node on this machine ({error})");
        return;
    }
    let tests = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/page");
    let files = std::fs::read_dir(tests).expect("the folder of the page's tests");
    let mut files: Vec<_> = files
        .map(|entry| entry.expect("an entry of the folder").path())
        .filter(|path| path.to_string_lossy().ends_with(".test.js"))
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no tests in {tests}");
    let status = Command::new("node")
        .arg("--test")
        .args(&files)
        .status()
        .expect("node was there a moment ago");
    assert!(status.success(), "a test of the page failed, see above");
}
