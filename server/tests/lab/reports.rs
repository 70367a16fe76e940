//! What the lab lists and lets be read over HTTP, asked for as a browser and as somebody hostile would.

use crate::harness::{Client, Server};
use std::fs;
use std::os::unix::fs::symlink;
use tempfile::TempDir;

const RESULTS: &str = r#"{"schema_version":1,"generated_at":"2026-11-21T00:00:00Z",
    "scenario":{"name":"chat","title":"<script>alert(1)</script>"},
    "verdict":{"valid":true,"reasons":[]},"trials":[],"summary":[{"name":"sse"}]}"#;

fn lab(flags: &[&str]) -> (Server, TempDir) {
    let home = tempfile::tempdir().unwrap();
    let run = home.path().join("reports/chat/20261121T000000Z");
    fs::create_dir_all(&run).unwrap();
    fs::write(run.join("results.json"), RESULTS).unwrap();
    fs::write(run.join("report.html"), "<h1>峡谷</h1>").unwrap();
    fs::write(run.join("notes.txt"), "mine").unwrap();
    fs::write(home.path().join("results.json"), "secret").unwrap();
    symlink(home.path(), home.path().join("reports/chat/out")).unwrap();
    let reports = home.path().join("reports");
    let more = ["--workers", "1", "--reports", reports.to_str().unwrap()];
    (Server::start_with(&[&more, flags].concat()), home)
}

fn get(server: &Server, path: &str) -> crate::harness::Answer {
    let mut client = server.connect();
    client.send(format!(
        "GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n",
        server.public
    ));
    client.answer()
}

#[test]
fn runs_are_listed_and_their_files_read() {
    let (server, _home) = lab(&[]);
    let list = get(&server, "/lab/reports").json();
    assert_eq!(list["runs"][0]["title"], "<script>alert(1)</script>");
    assert_eq!(
        list["runs"][0]["files"],
        serde_json::json!(["results.json", "report.html"])
    );
    assert_eq!(list["runs"].as_array().unwrap().len(), 1);
    let report = get(&server, "/lab/reports/chat/20261121T000000Z/report.html");
    assert_eq!((report.status, report.text()), (200, "<h1>峡谷</h1>"));
    assert!(
        report
            .head
            .contains("content-security-policy: sandbox; default-src 'none'")
    );
    assert!(report.head.contains("x-content-type-options: nosniff"));
}

#[test]
fn a_file_of_a_size_that_no_report_has_is_refused_with_a_sentence() {
    let (server, home) = lab(&[]);
    let run = home.path().join("reports/chat/20261121T000000Z");
    let huge = fs::File::create(run.join("latency.hlog")).unwrap();
    huge.set_len(64 * 1024 * 1024 + 1).unwrap();
    let answer = get(&server, "/lab/reports/chat/20261121T000000Z/latency.hlog");
    answer.expect_problem(413);
    assert!(answer.text().contains("folder of the reports"));
}

#[test]
fn nothing_else_on_the_disk_is_read() {
    let (server, _home) = lab(&[]);
    for path in [
        "chat/20261121T000000Z/notes.txt",
        "chat/out/results.json",
        "../results.json",
        "chat/../../results.json",
        "../-/results.json",
        "..%2f../-/results.json",
        "%2e%2e/-/results.json",
        "%2e%2e/%2e%2e/results.json",
        "chat/%2e%2e/results.json",
        "chat/..%2f..%2f/results.json",
        "chat/%2e%2e%2f%2e%2e/results.json",
        "chat/20261121T000000Z/..%2f..%2f..%2fresults.json",
        "chat/20261121T000000Z/results.json%00",
        "chat/%00/results.json",
        "%2fetc/-/passwd",
        "/etc/passwd",
        "chat/20261121T000000Z/",
        "chat/20261121T000000Z",
    ] {
        let answer = get(&server, &format!("/lab/reports/{path}"));
        assert!(
            [400, 404].contains(&answer.status),
            "{path}: {}",
            answer.status
        );
        assert!(!answer.text().contains("secret"), "{path}");
    }
}

#[test]
fn scenarios_are_listed_by_title() {
    let (server, _home) = lab(&[]);
    let list = get(&server, "/lab/scenarios").json();
    let ticker = list
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == "ticker");
    assert_eq!(ticker.unwrap()["title"], "A price ticker");
}

#[test]
fn a_name_that_was_bound_to_this_host_sees_none_of_it_and_a_closed_lab_nobody() {
    let (server, _home) = lab(&[]);
    let (closed, _other) = lab(&["--lab", "off"]);
    for path in [
        "/lab/reports",
        "/lab/scenarios",
        "/lab/reports/chat/20261121T000000Z/results.json",
    ] {
        let mut client: Client = server.connect();
        client.send(format!("GET {path} HTTP/1.1\r\nHost: evil.example\r\n\r\n"));
        assert_eq!(client.answer().status, 403, "{path}");
        for (site, status) in [
            ("cross-site", 403),
            ("same-site", 403),
            ("same-origin", 200),
            ("none", 200),
        ] {
            client.send(format!(
                "GET {path} HTTP/1.1\r\nHost: {}\r\nSec-Fetch-Site: {site}\r\n\r\n",
                server.public
            ));
            assert_eq!(client.answer().status, status, "{site} {path}");
        }
        let answer = get(&closed, path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text().contains("--lab on"), "{}", answer.text());
        assert_eq!(get(&server, path).status, 200, "{path}");
    }
}
