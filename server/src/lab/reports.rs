//! The runs that loadgen has written under `--reports`: a list of them, and their files by fixed names. A
//! run is `NAME/STAMP`, or `NAME` alone (as with `--out`), whose stamp is `-` here. Nothing outside of that
//! folder is read, whatever a request or a link on disk says, and a report can run no script. What a
//! file says is believed only so far as it is short: somebody else may have written it.

mod gist;

use super::door;
use crate::problems::Refusal;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use gist::{Results, short};
use serde::Serialize;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use tokio::sync::Semaphore;

/// What of a run is served, and as what.
const FILES: [(&str, &str); 6] = [
    ("results.json", "application/json"),
    ("report.html", "text/html; charset=utf-8"),
    ("summary.md", "text/plain; charset=utf-8"),
    ("results.csv", "text/csv; charset=utf-8"),
    ("latency.hlog", "text/plain; charset=utf-8"),
    ("scenario.toml", "text/plain; charset=utf-8"),
];

/// The newest runs that are listed.
const MOST_RUNS: usize = 200;

/// Folders that are looked into.
const MOST_FOLDERS: usize = 10_000;

/// Files larger than this are not read.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// Whoever lists has one file in memory.
static LISTING: Semaphore = Semaphore::const_new(1);

/// The stamp of a run that lies right below its name.
const NO_STAMP: &str = "-";

/// A report is one page with its styles and pictures within; framed by the lab's page, which is alone
/// in its process, it must say that it may be.
const POLICY: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
                      frame-ancestors 'self'";

#[derive(Debug, Default, Serialize)]
struct Listing {
    /// Newest first.
    runs: Vec<Run>,
    /// Runs that are not listed, for there are too many.
    more: usize,
    /// Folders of runs that cannot be read, and why.
    skipped: Vec<Skipped>,
}

#[derive(Debug, Serialize)]
struct Run {
    name: String,
    stamp: String,
    title: String,
    /// UTC, RFC 3339.
    generated_at: String,
    /// Whether its figures may be believed, by its own verdict.
    valid: bool,
    transports: Vec<String>,
    files: Vec<&'static str>,
}

#[derive(Debug, PartialEq, Serialize)]
struct Skipped {
    name: String,
    stamp: String,
    why: String,
}

/// `GET /lab/reports`
pub async fn list(request: HttpRequest) -> Result<HttpResponse, Refusal> {
    let root = door::visitor(&request)?.reports().to_owned();
    let alone = LISTING.acquire().await;
    let listing = web::block(move || {
        let _alone = alone;
        runs(&root)
    })
    .await
    .map_err(|_| Refusal::NotFound)?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(listing))
}

/// `GET /lab/reports/{name}/{stamp}/{file}`
pub async fn file(request: HttpRequest) -> Result<HttpResponse, Refusal> {
    let root = door::visitor(&request)?.reports().to_owned();
    let part = |key| request.match_info().query(key).to_owned();
    let (name, stamp, file) = (part("name"), part("stamp"), part("file"));
    let kind = FILES.iter().find(|(known, _)| *known == file);
    let (_, kind) = kind.ok_or(Refusal::NotFound)?;
    let read =
        web::block(move || read_up_to(&within(&root, &name, &stamp, &file)?, MOST_BYTES)).await;
    let Ok(Ok(bytes)) = read else {
        return Err(Refusal::NotFound);
    };
    let bytes = bytes.ok_or(Refusal::FileTooLarge { limit: MOST_BYTES })?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, *kind))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::CROSS_ORIGIN_EMBEDDER_POLICY, "require-corp"))
        .insert_header((header::CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"))
        .body(bytes))
}

/// The real path of a run's file, if that is below `root`.
fn within(root: &Path, name: &str, stamp: &str, file: &str) -> io::Result<PathBuf> {
    let outside = || io::Error::from(io::ErrorKind::NotFound);
    let mut path = root.to_owned();
    for part in [Some(name), (stamp != NO_STAMP).then_some(stamp)]
        .into_iter()
        .flatten()
    {
        if !is_folder_name(part) {
            return Err(outside());
        }
        path.push(part);
    }
    let path = path.join(file).canonicalize()?;
    match path.starts_with(root.canonicalize()?) && path.is_file() {
        true => Ok(path),
        false => Err(outside()),
    }
}

/// A whole file, if it has no more bytes than this, also while it grows.
fn read_up_to(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let file = fs::File::open(path)?;
    if file.metadata()?.len() > limit {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}

/// One step down, and no hidden one: loadgen's unfinished runs begin with a dot.
fn is_folder_name(part: &str) -> bool {
    let odd = |c: char| c.is_control() || c == '/' || c == '\\';
    (1..=255).contains(&part.len()) && !part.starts_with('.') && !part.contains(odd)
}

/// Every run below `root`; links among the folders are passed over, for `latest` is one.
fn runs(root: &Path) -> Listing {
    let mut found: Vec<(String, String)> = Vec::new();
    for name in folders(root) {
        if holds_results(&root.join(&name)) {
            found.push((name.clone(), NO_STAMP.to_owned()));
        }
        for stamp in folders(&root.join(&name)) {
            if holds_results(&root.join(&name).join(&stamp)) {
                found.push((name.clone(), stamp));
            }
        }
    }
    // Stamps read as dates, so the newest are read first and the others need not be.
    found.sort_by(|(one, one_stamp), (other, other_stamp)| {
        other_stamp.cmp(one_stamp).then_with(|| one.cmp(other))
    });
    let mut listing = Listing {
        more: found.len().saturating_sub(MOST_RUNS),
        ..Listing::default()
    };
    for (name, stamp) in found.into_iter().take(MOST_RUNS) {
        match run(root, &name, &stamp) {
            Ok(run) => listing.runs.push(run),
            Err(why) => listing.skipped.push(Skipped { name, stamp, why }),
        }
    }
    (listing.runs).sort_by(|one, other| other.generated_at.cmp(&one.generated_at));
    listing
}

fn folders(parent: &Path) -> Vec<String> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    entries
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| is_folder_name(name))
        .take(MOST_FOLDERS)
        .collect()
}

fn holds_results(folder: &Path) -> bool {
    folder.join("results.json").is_file()
}

fn run(root: &Path, name: &str, stamp: &str) -> Result<Run, String> {
    let path = within(root, name, stamp, "results.json").map_err(|error| error.to_string())?;
    let bytes = read_up_to(&path, MOST_BYTES)
        .map_err(|error| error.to_string())?
        .ok_or_else(|| {
            format!("results.json has more than the {MOST_BYTES} bytes that are read")
        })?;
    let results: Results = serde_json::from_slice(&bytes)
        .map_err(|error| short(&format!("results.json is none of loadgen's: {error}")))?;
    Ok(Run {
        name: name.to_owned(),
        stamp: stamp.to_owned(),
        title: (results.scenario.title).map_or_else(|| name.to_owned(), |title| title.0),
        generated_at: results.generated_at.0,
        valid: results.verdict.valid,
        transports: (results.summary.0.into_iter()).map(|name| name.0).collect(),
        files: (FILES.iter())
            .map(|(file, _)| *file)
            .filter(|file| within(root, name, stamp, file).is_ok())
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::gist::{MOST_CHARACTERS, MOST_TRANSPORTS};
    use super::*;

    fn results(title: &str, at: &str) -> String {
        format!(
            r#"{{"schema_version":1,"generated_at":"{at}","scenario":{{"name":"x","title":"{title}"}},
               "verdict":{{"valid":true,"reasons":[]}},"trials":[],
               "summary":[{{"name":"sse"}},{{"name":"sse"}},{{"name":"websocket"}}]}}"#
        )
    }

    fn write(root: &Path, path: &str, text: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn runs_are_listed_newest_first_and_unreadable_ones_named() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("reports");
        assert!(runs(&root).runs.is_empty());
        let (old, new) = ("2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z");
        write(
            &root,
            "chat/20261120T000000Z/results.json",
            &results("峡谷 <b>", old),
        );
        write(
            &root,
            "chat/20261121T000000Z/results.json",
            &results("later", new),
        );
        write(&root, "chat/20261121T000000Z/report.html", "<p>");
        write(&root, "chat/20261121T000000Z/notes.txt", "mine");
        write(
            &root,
            "example/results.json",
            &results("alone", "2026-01-01T00:00:00Z"),
        );
        write(&root, "broken/20261121T000001Z/results.json", "{");
        write(
            &root,
            "chat/.x.partial-7/results.json",
            &results("unfinished", new),
        );
        write(&root, "chat/empty/summary.md", "");
        let listing = runs(&root);
        let titles: Vec<&str> = listing.runs.iter().map(|run| &*run.title).collect();
        assert_eq!(titles, ["later", "峡谷 <b>", "alone"]);
        assert_eq!(listing.runs[0].files, ["results.json", "report.html"]);
        assert_eq!(listing.runs[0].transports, ["sse", "websocket"]);
        assert_eq!(listing.runs[2].stamp, NO_STAMP);
        assert_eq!(listing.skipped.len(), 1, "{listing:?}");
        assert_eq!(listing.skipped[0].name, "broken");
        assert!(listing.skipped[0].why.contains("none of loadgen's"));
    }

    #[test]
    fn a_long_list_is_capped_and_says_so() {
        let home = tempfile::tempdir().unwrap();
        for number in 0..MOST_RUNS + 5 {
            let text = results("x", "2026-11-21T00:00:00Z");
            write(home.path(), &format!("x/{number:06}/results.json"), &text);
        }
        let listing = runs(home.path());
        assert_eq!((listing.runs.len(), listing.more), (MOST_RUNS, 5));
        assert!(listing.runs.iter().all(|run| run.stamp != "000000"));
    }

    #[test]
    fn what_a_file_says_at_length_is_cut() {
        let home = tempfile::tempdir().unwrap();
        let long = "峡".repeat(1_000_000);
        write(home.path(), "a/1/results.json", &results(&long, &long));
        let rows: Vec<String> = (0..1_000)
            .map(|row| format!(r#"{{"name":"{row}{long:.400}"}}"#))
            .collect();
        let many = results("many", "2026").replace(r#"{"name":"sse"}"#, &rows[..].join(","));
        write(home.path(), "b/2/results.json", &many);
        let quoted = format!(r#"{{"verdict":{{"valid":"{long}"}}}}"#);
        write(home.path(), "c/3/results.json", &quoted);
        let listing = runs(home.path());
        let title = |name: &str| {
            let run = listing.runs.iter().find(|run| run.name == name).unwrap();
            run.title.chars().count()
        };
        assert_eq!((title("a"), title("b")), (MOST_CHARACTERS, 4));
        let many = listing.runs.iter().find(|run| run.name == "b").unwrap();
        assert_eq!(many.transports.len(), MOST_TRANSPORTS);
        assert_eq!(listing.skipped.len(), 1, "{}", listing.skipped.len());
        // All of it: titles, dates, names and causes.
        let told = serde_json::to_string(&listing).unwrap();
        assert!(told.len() < 60_000, "{} bytes", told.len());
    }

    #[test]
    fn a_file_beyond_the_limit_is_not_read() {
        let home = tempfile::tempdir().unwrap();
        write(home.path(), "file", "12345");
        let path = home.path().join("file");
        assert_eq!(read_up_to(&path, 5).unwrap().unwrap(), b"12345");
        assert_eq!(read_up_to(&path, 4).unwrap(), None);
        let endless = Path::new("/dev/zero");
        if endless.exists() {
            assert_eq!(read_up_to(endless, 1_000_000).unwrap(), None);
        }
    }

    #[test]
    #[cfg(unix)]
    fn no_link_leads_out_and_no_name_up() {
        use std::os::unix::fs::symlink;
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("reports");
        write(home.path(), "secret/results.json", &results("secret", ""));
        write(&root, "chat/1/results.json", &results("x", ""));
        symlink("1", root.join("chat/latest")).unwrap();
        symlink(home.path().join("secret"), root.join("chat/out")).unwrap();
        symlink(home.path().join("secret"), root.join("out")).unwrap();
        fs::create_dir(root.join("chat/2")).unwrap();
        let secret = home.path().join("secret/results.json");
        symlink(&secret, root.join("chat/2/results.json")).unwrap();
        let opens = |name: &str, stamp: &str| within(&root, name, stamp, "results.json").is_ok();
        assert!(opens("chat", "1"));
        assert!(opens("chat", "latest"));
        let absolute = home.path().join("secret");
        for (name, stamp) in [
            ("chat", "out"),
            ("chat", "2"),
            ("out", "-"),
            ("..", "secret"),
            ("chat", ".."),
            ("../secret", "-"),
            (absolute.to_str().unwrap(), "-"),
            ("", "-"),
            ("", ""),
            (".", "-"),
            ("chat/1", "-"),
            ("chat\\1", "-"),
            ("chat\0", "1"),
        ] {
            assert!(!opens(name, stamp), "{name:?} {stamp:?}");
        }
        let listing = runs(&root);
        assert_eq!(listing.runs.len(), 1, "{listing:?}");
        assert_eq!(listing.skipped.len(), 1, "{listing:?}");
        assert_eq!(listing.skipped[0].stamp, "2");
    }
}
