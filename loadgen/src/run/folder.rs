//! The folder of a run: tried out before the run, so that a run of minutes is not lost to a
//! read-only disk; filled under a temporary name; put in place when all is written.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Everything that a run writes; nothing else in a folder given by `--out` is touched.
const OURS: [&str; 7] = [
    "results.json",
    "report.html",
    "summary.md",
    "results.csv",
    "latency.hlog",
    "charts",
    "scenario.toml",
];

#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error(
        "{}: the report cannot be written there ({cause}); give a folder that can be with --out",
        path.display()
    )]
    Unwritable { path: PathBuf, cause: io::Error },
    #[error(
        "{}: holds files and no results.json of a run; give an empty or a new folder with --out",
        path.display()
    )]
    Occupied { path: PathBuf },
}

/// Where a run's files go.
#[derive(Debug)]
pub struct Folder {
    partial: PathBuf,
    end: PathBuf,
    /// Set where `end` is there already: its files are replaced one by one, for a folder that is a
    /// mount point or somebody's working directory cannot be renamed.
    into_existing: bool,
    /// `latest`, to be pointed at `end`.
    latest: Option<PathBuf>,
    /// Folders made on the way, innermost first, removed again if nothing is written.
    made: Vec<PathBuf>,
}

impl Folder {
    /// `reports/<name>/<stamp>` below the current directory.
    pub fn of_run(name: &str, stamp: &str) -> Result<Folder, FolderError> {
        let runs = Path::new("reports").join(name);
        let end = (1..)
            .map(|attempt| match attempt {
                1 => runs.join(stamp),
                // Two runs in one second.
                _ => runs.join(format!("{stamp}-{attempt}")),
            })
            .find(|path| !path.exists())
            .expect("some number is free");
        Folder::prepare(end, false, Some(runs.join("latest")))
    }

    /// Exactly `path`: new, empty, or the folder of an earlier run, whose files are replaced.
    pub fn exactly(path: &Path) -> Result<Folder, FolderError> {
        let unwritable = |cause| FolderError::Unwritable {
            path: path.to_owned(),
            cause,
        };
        let end = std::path::absolute(path).map_err(unwritable)?;
        let exists = end.try_exists().map_err(unwritable)?;
        if exists && !holds_a_run(&end) {
            let mut entries = fs::read_dir(&end).map_err(unwritable)?;
            if entries.next().is_some() {
                return Err(FolderError::Occupied {
                    path: path.to_owned(),
                });
            }
        }
        Folder::prepare(end, exists, None)
    }

    fn prepare(
        end: PathBuf,
        into_existing: bool,
        latest: Option<PathBuf>,
    ) -> Result<Folder, FolderError> {
        let parent = if into_existing {
            end.as_path()
        } else {
            end.parent().unwrap_or(Path::new("."))
        };
        let made: Vec<PathBuf> = (parent.ancestors())
            .take_while(|path| !path.as_os_str().is_empty() && !path.exists())
            .map(Path::to_owned)
            .collect();
        let name = end.file_name().unwrap_or_default().to_string_lossy();
        let partial = parent.join(format!(".{name}.partial-{}", std::process::id()));
        fs::create_dir_all(&partial).map_err(|cause| FolderError::Unwritable {
            path: parent.to_owned(),
            cause,
        })?;
        let folder = Folder {
            partial,
            end,
            into_existing,
            latest,
            made,
        };
        match folder.try_out() {
            Ok(()) => Ok(folder),
            Err(error) => {
                folder.discard();
                Err(error)
            }
        }
    }

    /// A full disk or a quota shows only when bytes are written.
    fn try_out(&self) -> Result<(), FolderError> {
        self.write("results.json", b"{}")
    }

    /// `path` is relative to the folder.
    pub fn write(&self, path: &str, bytes: &[u8]) -> Result<(), FolderError> {
        write_within(&self.partial, path, bytes)
    }

    /// Where everything stands until then.
    pub fn partial(&self) -> &Path {
        &self.partial
    }

    /// Puts everything in place and returns where that is.
    pub fn publish(self) -> Result<PathBuf, FolderError> {
        let result = if self.into_existing {
            self.replace()
        } else {
            fs::rename(&self.partial, &self.end)
        };
        result.map_err(|cause| FolderError::Unwritable {
            path: self.end.clone(),
            cause,
        })?;
        if let Some(latest) = &self.latest
            && let Err(error) = point(latest, &self.end)
        {
            tracing::warn!("{} still points elsewhere: {error}", latest.display());
        }
        Ok(self.end)
    }

    fn replace(&self) -> io::Result<()> {
        for name in OURS {
            let (old, new) = (self.end.join(name), self.partial.join(name));
            if old.is_dir() {
                fs::remove_dir_all(&old)?;
            }
            match fs::rename(&new, &old) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => remove_if_there(&old)?,
                other => other?,
            }
        }
        fs::remove_dir_all(&self.partial)
    }

    /// Leaves the disk as it was.
    pub fn discard(self) {
        let mut result = fs::remove_dir_all(&self.partial);
        for path in &self.made {
            result = result.and_then(|()| fs::remove_dir(path));
        }
        if let Err(error) = result {
            tracing::warn!("{}: {error}", self.partial.display());
        }
    }
}

/// Writes `folder/path`, making folders on the way.
pub fn write_within(folder: &Path, path: &str, bytes: &[u8]) -> Result<(), FolderError> {
    let path = folder.join(path);
    let parent = path.parent().unwrap_or(folder);
    fs::create_dir_all(parent)
        .and_then(|()| fs::write(&path, bytes))
        .map_err(|cause| FolderError::Unwritable {
            path: path.clone(),
            cause,
        })
}

fn holds_a_run(folder: &Path) -> bool {
    let Ok(bytes) = fs::read(folder.join("results.json")) else {
        return false;
    };
    serde_json::from_slice::<serde_json::Value>(&bytes)
        .is_ok_and(|json| json.get("schema_version").is_some() && json.get("trials").is_some())
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// A new link renamed over the old one: `latest` always names a whole run.
#[cfg(unix)]
fn point(link: &Path, to: &Path) -> io::Result<()> {
    let name = to.file_name().unwrap_or_default();
    let new = link.with_file_name(format!(".latest-{}", std::process::id()));
    std::os::unix::fs::symlink(name, &new)?;
    fs::rename(&new, link).inspect_err(|_| drop(fs::remove_file(&new)))
}

/// Links need a privilege on Windows.
#[cfg(not(unix))]
fn point(_link: &Path, _to: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &[u8] = br#"{"schema_version":1,"trials":[]}"#;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = (fs::read_dir(folder).unwrap())
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_new_folder_appears_whole() {
        let home = tempfile::tempdir().unwrap();
        let out = home.path().join("a/b");
        let folder = Folder::exactly(&out).unwrap();
        folder.write("results.json", RUN).unwrap();
        folder.write("charts/x.svg", b"<svg/>").unwrap();
        assert!(!out.exists());
        assert_eq!(folder.publish().unwrap(), out);
        assert_eq!(names(&out), ["charts", "results.json"]);
        assert_eq!(names(out.parent().unwrap()), ["b"]);
    }

    #[test]
    fn a_discarded_folder_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        Folder::exactly(&home.path().join("a/b")).unwrap().discard();
        assert!(names(home.path()).is_empty());
    }

    #[test]
    fn an_earlier_run_is_replaced_and_what_is_not_ours_stays() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("results.json"), RUN).unwrap();
        fs::write(home.path().join("notes.txt"), "mine").unwrap();
        fs::write(home.path().join("results.csv"), "old").unwrap();
        fs::create_dir(home.path().join("charts")).unwrap();
        fs::write(home.path().join("charts/old.svg"), "old").unwrap();
        let folder = Folder::exactly(home.path()).unwrap();
        folder.write("results.json", b"new").unwrap();
        folder.write("charts/new.svg", b"new").unwrap();
        folder.publish().unwrap();
        assert_eq!(names(home.path()), ["charts", "notes.txt", "results.json"]);
        assert_eq!(names(&home.path().join("charts")), ["new.svg"]);
    }

    #[test]
    fn somebody_elses_folder_is_refused() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("thesis.tex"), "").unwrap();
        let refusal = Folder::exactly(home.path()).unwrap_err();
        assert!(matches!(refusal, FolderError::Occupied { .. }), "{refusal}");
        fs::write(home.path().join("results.json"), "{}").unwrap();
        assert!(Folder::exactly(home.path()).is_err());
    }

    #[test]
    fn a_place_that_cannot_be_written_is_found_at_once() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("file"), "").unwrap();
        let refusal = Folder::exactly(&home.path().join("file/out")).unwrap_err();
        assert!(
            matches!(refusal, FolderError::Unwritable { .. }),
            "{refusal}"
        );
    }
}
