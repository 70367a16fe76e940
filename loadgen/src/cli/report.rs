//! `loadgen report`: draws a report again from `results.json` alone.

use super::{Exit, print};
use crate::report;
use crate::results::{Results, SCHEMA_VERSION};
use crate::run::folder::write_within;
use anyhow::{Context, bail};
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub(super) struct Arguments {
    /// results.json of a run, or its folder; each is drawn on its own
    #[arg(required = true, value_name = "RESULTS.json|DIR")]
    results: Vec<PathBuf>,

    /// Folder of the report [default: beside the results]
    #[arg(short, long, value_name = "DIR", help_heading = "Output")]
    out: Option<PathBuf>,
}

pub(super) fn report(arguments: &Arguments) -> anyhow::Result<Exit> {
    if arguments.out.is_some() && arguments.results.len() > 1 {
        bail!("--out takes one report; draw several one by one");
    }
    for path in &arguments.results {
        let file = if path.is_dir() {
            path.join("results.json")
        } else {
            path.clone()
        };
        let folder = draw(&file, arguments.out.as_deref())?;
        print(format!("report: {}/report.html\n", folder.display()).as_bytes())?;
    }
    Ok(Exit::Ok)
}

fn draw(file: &Path, out: Option<&Path>) -> anyhow::Result<PathBuf> {
    let bytes = fs::read(file).with_context(|| {
        format!(
            "{}: give the results.json of a run, or its folder",
            file.display()
        )
    })?;
    let results = read(&bytes).with_context(|| file.display().to_string())?;
    let beside = file.parent().unwrap_or(Path::new("."));
    let folder = out.unwrap_or(beside);
    for file in report::files(&results) {
        write_within(folder, &file.path, &file.bytes)?;
    }
    if out.is_some() {
        write_within(folder, "results.json", &bytes)?;
    }
    Ok(folder.to_owned())
}

fn read(bytes: &[u8]) -> anyhow::Result<Results> {
    let results: Results =
        serde_json::from_slice(bytes).context("is not the results.json of a run")?;
    if results.schema_version > SCHEMA_VERSION {
        bail!(
            "has schema version {}, this loadgen reads up to {SCHEMA_VERSION}; use a newer one",
            results.schema_version
        );
    }
    Ok(results)
}
