//! `loadgen report`: draws a report again from `results.json` alone.

use super::{Exit, print};
use crate::report;
use crate::run::folder::write_within;
use crate::run::stored;
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
        let folder = draw(&stored::file_of(path), arguments.out.as_deref())?;
        print(format!("report: {}/report.html\n", folder.display()).as_bytes())?;
    }
    Ok(Exit::Ok)
}

fn draw(file: &Path, out: Option<&Path>) -> anyhow::Result<PathBuf> {
    let results = stored::read(file)?;
    let beside = file.parent().unwrap_or(Path::new("."));
    let folder = out.unwrap_or(beside);
    for file in report::files(&results) {
        write_within(folder, &file.path, &file.bytes)?;
    }
    if out.is_some() {
        // Byte by byte: it may hold keys of a later loadgen.
        let bytes = fs::read(file).with_context(|| file.display().to_string())?;
        write_within(folder, "results.json", &bytes)?;
    }
    Ok(folder.to_owned())
}
