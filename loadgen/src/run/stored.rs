//! Results where they stand on disk: the file of a run, its folder, or a baseline kept by name under
//! `reports/baselines`. It judges nothing: whether two runs may be compared is asked elsewhere.

use crate::results::{Results, SCHEMA_VERSION};
use crate::scenario::Name;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

const BASELINES: &str = "reports/baselines";

/// What was named is no run that can be read.
#[derive(Debug, thiserror::Error)]
pub enum StoredError {
    #[error(
        "{said}: is no file, no folder and no baseline; give the results.json of a run, its folder, or the name of a baseline ({})",
        known_baselines()
    )]
    NotThere { said: String },
    #[error("{}: give the results.json of a run, or its folder ({cause})", path.display())]
    Unreadable { path: PathBuf, cause: io::Error },
    #[error("{}: give the results.json of a run, or its folder; this is none: {cause}", path.display())]
    NotResults {
        path: PathBuf,
        cause: serde_json::Error,
    },
    #[error(
        "{}: has schema version {found}, this loadgen reads up to {SCHEMA_VERSION}; use a newer one",
        path.display()
    )]
    Newer { path: PathBuf, found: u32 },
    #[error("{}: the baseline cannot be kept there ({cause}); run where reports/ can be written", path.display())]
    NotKept { path: PathBuf, cause: io::Error },
}

/// `said` is the file of a run or its folder.
pub fn file_of(said: &Path) -> PathBuf {
    match said.is_dir() {
        true => said.join("results.json"),
        false => said.to_owned(),
    }
}

/// Where the run stands that `said` names. A path goes before a baseline of the same name.
pub fn find(said: &Path) -> Result<PathBuf, StoredError> {
    if said.exists() {
        return Ok(file_of(said));
    }
    let name = Name::try_from(said.display().to_string()).ok();
    let baseline = name.map(|name| baseline_path(&name));
    baseline
        .filter(|path| path.exists())
        .ok_or_else(|| StoredError::NotThere {
            said: said.display().to_string(),
        })
}

pub fn read(path: &Path) -> Result<Results, StoredError> {
    let path = || path.to_owned();
    let bytes = fs::read(path()).map_err(|cause| StoredError::Unreadable {
        path: path(),
        cause,
    })?;
    let results: Results =
        serde_json::from_slice(&bytes).map_err(|cause| StoredError::NotResults {
            path: path(),
            cause,
        })?;
    match results.schema_version {
        found if found > SCHEMA_VERSION => Err(StoredError::Newer {
            path: path(),
            found,
        }),
        _ => Ok(results),
    }
}

/// Keeps `results` under `name`, in place of an earlier one; written under a temporary name, so that
/// a baseline is always whole.
pub fn keep(name: &Name, results: &Results) -> Result<PathBuf, StoredError> {
    let path = baseline_path(name);
    let partial = path.with_extension(format!("partial-{}", std::process::id()));
    fs::create_dir_all(BASELINES)
        .and_then(|()| fs::write(&partial, super::json(results)))
        .and_then(|()| fs::rename(&partial, &path))
        .map_err(|cause| StoredError::NotKept {
            path: path.clone(),
            cause,
        })?;
    Ok(path)
}

fn baseline_path(name: &Name) -> PathBuf {
    Path::new(BASELINES).join(format!("{name}.json"))
}

fn known_baselines() -> String {
    let entries = fs::read_dir(BASELINES).into_iter().flatten().flatten();
    let mut names: Vec<String> = (entries.map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    match names.is_empty() {
        true => "there are none; `loadgen run FILE --save-baseline NAME` keeps one".to_owned(),
        false => format!("there are {}", names.join(", ")),
    }
}
