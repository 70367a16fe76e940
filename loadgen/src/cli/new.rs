//! `loadgen new`: a commented scenario to begin with.

use super::{Exit, print};
use crate::scenario::Name;
use anyhow::{Context, bail};
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};

pub(super) const TEMPLATE: &str = include_str!("template.toml");

#[derive(Args)]
pub(super) struct Arguments {
    /// File to write; stdout if left out
    file: Option<PathBuf>,

    /// Overwrites the file
    #[arg(long)]
    force: bool,
}

pub(super) fn new(arguments: &Arguments) -> anyhow::Result<Exit> {
    let Some(file) = &arguments.file else {
        print(TEMPLATE.as_bytes())?;
        return Ok(Exit::Ok);
    };
    if file.exists() && !arguments.force {
        bail!(
            "{}: is there already; give another name, or --force to overwrite it",
            file.display()
        );
    }
    fs::write(file, template_for(file))
        .with_context(|| format!("{}: cannot be written", file.display()))?;
    print(format!("{0}: written; run it: loadgen run {0}\n", file.display()).as_bytes())?;
    Ok(Exit::Ok)
}

/// The scenario is called as its file, if that can be a name.
fn template_for(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    match Name::try_from(stem.into_owned()) {
        Ok(name) => TEMPLATE.replace("name = \"my-run\"", &format!("name = \"{name}\"")),
        Err(_) => TEMPLATE.to_owned(),
    }
}
