//! House rules that a compiler does not keep, over every Rust file of the workspace: mirrored
//! names, a pure `wire`, honest file names, headers, sizes, and a README whose commands exist.

#![allow(clippy::unwrap_used)]

use pushlab_server::wire::transport::Transport;
use std::fs;
use std::path::{Path, PathBuf};
use strum::IntoEnumIterator;

const MAX_LINES: usize = 600;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every `.rs` file below `folder` that is written by hand.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// All files of which `is_bad` holds; it gets the path and the text.
fn offenders(folder: &str, is_bad: impl Fn(&Path, &str) -> bool) -> Vec<PathBuf> {
    let files = rust_files(&workspace().join(folder));
    assert!(!files.is_empty(), "no Rust files in {folder}");
    files
        .into_iter()
        .filter(|path| is_bad(path, &fs::read_to_string(path).unwrap()))
        .collect()
}

fn expect_none(rule: &str, offenders: &[PathBuf]) {
    assert!(offenders.is_empty(), "{rule}: {offenders:#?}");
}

/// Code without its comments, which may name what the code may not use.
fn code(text: &str) -> String {
    text.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn wire_knows_neither_actix_nor_tokio() {
    let bad = offenders("server/src/wire", |_, text| {
        let code = code(text);
        code.contains("actix") || code.contains("tokio")
    });
    expect_none("what both ends share must be free of both", &bad);
}

#[test]
fn no_file_is_a_drawer() {
    let bad = offenders(".", |path, _| {
        let stem = path.file_stem().unwrap().to_string_lossy();
        let folder = path.parent().and_then(Path::file_name).unwrap_or_default();
        [&*stem, &folder.to_string_lossy()].iter().any(|name| {
            let name = name.strip_suffix('s').unwrap_or(name);
            matches!(name, "util" | "common" | "helper" | "shared")
        })
    });
    expect_none("a file is named after what it is", &bad);
}

#[test]
fn nothing_is_left_for_later() {
    // In two pieces, so that this file does not find itself.
    let marks: Vec<String> = [
        ("TO", "DO"),
        ("FIX", "ME"),
        ("XX", "X"),
        ("to", "do!"),
        ("unimple", "mented!"),
        ("db", "g!"),
    ]
    .map(|(one, two)| format!("{one}{two}"))
    .into();
    let bad = offenders(".", |_, text| marks.iter().any(|mark| text.contains(mark)));
    expect_none(&format!("marks of unfinished work {marks:?}"), &bad);
}

#[test]
fn every_file_says_what_it_is() {
    // A program without a line of its own is not written yet.
    let bad = offenders(".", |_, text| !text.starts_with("//!"));
    expect_none("files without a header", &bad);
}

#[test]
fn no_file_is_too_long() {
    let bad = offenders(".", |_, text| text.lines().count() > MAX_LINES);
    expect_none(&format!("files beyond {MAX_LINES} lines"), &bad);
}

#[test]
fn every_transport_has_its_file_on_both_ends_and_here() {
    let mut missing = Vec::new();
    for transport in Transport::iter() {
        let name = transport.name().replace('-', "_");
        for (folder, ending) in [
            ("server/src/transports", "rs"),
            ("server/page/clients", "js"),
            ("server/tests/bytes", "rs"),
            ("loadgen/src/clients", "rs"),
        ] {
            let file = workspace().join(folder).join(format!("{name}.{ending}"));
            let of_many = workspace().join(folder).join(&name).join("mod.rs");
            if !file.is_file() && !of_many.is_file() {
                missing.push(file);
            }
        }
    }
    expect_none("mirrored files that are missing", &missing);
}

/// Names of the workspace's packages.
fn packages() -> Vec<String> {
    let workspace = workspace();
    ["server", "loadgen"]
        .iter()
        .map(|member| fs::read_to_string(workspace.join(member).join("Cargo.toml")).unwrap())
        .map(|manifest| {
            let line = manifest.lines().find(|line| line.starts_with("name = "));
            line.unwrap().split('"').nth(1).unwrap().to_owned()
        })
        .collect()
}

/// Words of the README, freed of the punctuation around them.
fn readme_words() -> Vec<String> {
    let Ok(readme) = fs::read_to_string(workspace().join("README.md")) else {
        return Vec::new();
    };
    readme
        .split(|c: char| c.is_whitespace() || "`()[]<>\"',;|".contains(c))
        .filter(|word| !word.is_empty())
        .map(|word| word.trim_end_matches(['.', ':']).to_owned())
        .collect()
}

#[test]
fn the_readme_names_scenarios_that_exist() {
    for word in readme_words() {
        if word.starts_with("scenarios/") && word.ends_with(".toml") && !word.contains('*') {
            assert!(workspace().join(&word).is_file(), "README: no {word}");
        }
    }
}

#[test]
fn the_readme_names_packages_that_exist() {
    let packages = packages();
    for pair in readme_words().windows(2) {
        if let [flag, package] = pair
            && flag == "-p"
        {
            assert!(packages.contains(package), "README: no package {package}");
        }
    }
}
