//! A whole run: the target is asked, the folder tried out, then trial after trial, then the report.
//! What was measured is kept after each trial, whatever ends the run.

mod calibrate;
mod search;
pub mod folder;
pub mod signals;
pub mod stored;

use crate::environment;
use crate::judge;
use crate::plan::{Plan, TrialPlan};
use crate::progress::{Display, Live, milliseconds};
use crate::published;
use crate::report;
use crate::results::{
    Calibration, Capacity, Environment, Expectation, Results, SCHEMA_NAME, SCHEMA_VERSION,
    TimelineRow, Trial,
};
use crate::scenario::units::grouped;
use crate::statistics;
use crate::target::{self, Target, TargetError};
use crate::trial::{self, Options, Outcome, TrialError};
use folder::{Folder, FolderError};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// What to run, and where to put it.
pub struct Request {
    pub plan: Plan,
    /// The very folder; otherwise `reports/<name>/<UTC>`.
    pub out: Option<PathBuf>,
    pub labels: BTreeMap<String, String>,
    pub display: Display,
    pub options: Options,
}

/// A report stands in `folder`.
pub struct Finished {
    pub results: Results,
    pub folder: PathBuf,
    /// Why the run ended before its plan did, other than by a signal.
    pub broke_off: Option<TrialError>,
}

/// Why there is no report. Nothing was left on disk, but for what `NotWritten` names.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(
        "{cause}; what was measured stands in {}: `loadgen report` draws it from there",
        kept.join("results.json").display()
    )]
    NotWritten { cause: FolderError, kept: PathBuf },
    #[error("the first trial could not begin, so nothing was written: {0}")]
    NoTrial(TrialError),
    #[error("stopped before anything was measured, so nothing was written")]
    Stopped,
}

/// When `stop` turns true the current trial ends early and the report tells what there is.
pub async fn run(request: Request, stop: watch::Receiver<bool>) -> Result<Finished, RunError> {
    let Request {
        plan,
        out,
        labels,
        display,
        options,
    } = request;
    let mut stopping = stop.clone();
    let version = tokio::select! {
        version = check(&plan.targets) => version?,
        _ = stopping.wait_for(|stop| *stop) => return Err(RunError::Stopped),
    };
    let gateway = match &plan.scenario.gateway {
        Some(_) => Some(target::nginx_version()?),
        None => None,
    };
    let started = Timestamp::now();
    let folder = match &out {
        Some(path) => Folder::exactly(path)?,
        None => Folder::of_run(
            plan.scenario.name.as_str(),
            &started.strftime("%Y%m%dT%H%M%SZ").to_string(),
        )?,
    };
    let mut progress = Progress {
        environment: Environment {
            gateway,
            ..environment::describe(target_label(&plan), version, labels)
        },
        plan,
        generated_at: started,
        calibration: Vec::new(),
        trials: Vec::new(),
        timeline: Vec::new(),
        interrupted: false,
        aborted_by: None,
        capacity: Vec::new(),
    };
    let session = Session {
        folder: &folder,
        display,
        options: &options,
        stop: &stop,
    };
    let ended = match progress.plan.search {
        None => progress.run_trials(&session).await,
        Some(dimension) => progress.search(dimension, &session).await,
    };
    let broke_off = ended.err();
    if progress.trials.is_empty() {
        folder.discard();
        return Err(broke_off.map_or(RunError::Stopped, RunError::NoTrial));
    }
    let results = progress.results(broke_off.as_ref());
    let kept = folder.partial().to_owned();
    let folder = write(folder, &progress.plan, &results)
        .map_err(|cause| RunError::NotWritten { cause, kept })?;
    Ok(Finished {
        results,
        folder,
        broke_off,
    })
}

/// A run under way.
struct Progress {
    plan: Plan,
    environment: Environment,
    generated_at: Timestamp,
    calibration: Vec<Calibration>,
    trials: Vec<Trial>,
    timeline: Vec<TimelineRow>,
    interrupted: bool,
    /// The first check, by its place in the plan, that ended the run.
    aborted_by: Option<usize>,
    capacity: Vec<Capacity>,
}

/// What trials need beside their plan.
struct Session<'a> {
    folder: &'a Folder,
    display: Display,
    options: &'a Options,
    stop: &'a watch::Receiver<bool>,
}

impl Progress {
    async fn run_trials(&mut self, session: &Session<'_>) -> Result<(), TrialError> {
        self.calibration = calibrate::calibrate(&self.plan, session).await?;
        let begun = Instant::now();
        for at in 0..self.plan.trials.len() {
            let planned = self.plan.trials[at].clone();
            let headline = headline(at, self.plan.trials.len(), &planned);
            self.run_one(&planned, headline, session, in_short).await?;
            self.aborted_by = self.failure_that_ends(begun.elapsed());
            if self.interrupted || self.aborted_by.is_some() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// One trial, unless the run has been stopped; `in_short` is what remains of it on the display.
    async fn run_one(
        &mut self,
        planned: &TrialPlan,
        headline: String,
        session: &Session<'_>,
        in_short: impl Fn(&Trial) -> String,
    ) -> Result<(), TrialError> {
        if *session.stop.borrow() {
            self.interrupted = true;
            return Ok(());
        }
        let live = Arc::new(Live::default());
        let (display, stop) = (session.display, session.stop);
        let watch = display.begin(headline, planned.estimated_time(), Arc::clone(&live));
        let target = self.plan.target_of(&planned.name);
        match trial::run_with(planned, target, &live, stop.clone(), session.options).await {
            Ok(mut outcome) => {
                outcome.trial.parameters = planned.parameters();
                watch.end(&in_short(&outcome.trial));
                self.interrupted = *stop.borrow();
                self.keep(outcome, session.folder);
                Ok(())
            }
            Err(error) => {
                watch.end("could not begin");
                Err(error)
            }
        }
    }

    /// Also on disk, under the temporary name, in case that the process does not live to the end.
    fn keep(&mut self, outcome: Outcome, folder: &Folder) {
        if self.interrupted && outcome.trial.window_s == 0.0 {
            return;
        }
        let trial = self.trials.len();
        self.timeline.extend(
            outcome
                .timeline
                .into_iter()
                .map(|row| TimelineRow { trial, ..row }),
        );
        self.trials.push(outcome.trial);
        if let Err(error) = folder.write("results.json", &json(&self.results(None))) {
            tracing::warn!("{error}");
        }
    }

    /// The first check that fails already and is to end the run, unless it is over anyway.
    fn failure_that_ends(&self, elapsed: Duration) -> Option<usize> {
        if self.interrupted || self.trials.len() == self.plan.trials.len() {
            return None;
        }
        (self.plan.checks.iter()).position(|check| check.aborts(elapsed, &self.trials))
    }

    /// Those of a search are judged step by step instead.
    fn expectations(&self) -> Vec<Expectation> {
        if self.plan.search.is_some() {
            return Vec::new();
        }
        let judged = self
            .plan
            .checks
            .iter()
            .enumerate()
            .map(|(at, check)| Expectation {
                aborted: self.aborted_by == Some(at),
                ..check.judge(&self.trials)
            });
        judged.collect()
    }

    fn results(&self, broke_off: Option<&TrialError>) -> Results {
        let (ran, planned) = (self.trials.len(), self.plan.trials.len());
        let mut verdict = match (self.plan.search, self.aborted_by) {
            (Some(_), _) => self.verdict_of_search(),
            (None, Some(_)) => statistics::verdict(&self.plan.until(ran), &self.trials),
            (None, None) => statistics::verdict(&self.plan, &self.trials),
        };
        for text in &self.plan.left_out {
            verdict.reasons.push(format!(
                "not expected, for a transport that it names was left out: {text}"
            ));
        }
        if self.interrupted {
            verdict.reasons.push(match self.plan.search {
                None => format!("stopped by a signal: {ran} of {planned} trials ran"),
                Some(_) => format!("stopped by a signal after {ran} trials of the search"),
            });
        }
        if self.aborted_by.is_some() {
            verdict.reasons.push(format!(
                "ended by an expectation that failed: {ran} of {planned} trials ran"
            ));
        }
        if let Some(error) = broke_off {
            verdict.valid = false;
            verdict
                .reasons
                .push(format!("broke off after {ran} trials: {error}"));
        }
        let mut results = Results {
            schema: SCHEMA_NAME.to_owned(),
            schema_version: SCHEMA_VERSION,
            generated_at: self.generated_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            scenario: serde_json::to_value(&self.plan.scenario)
                .expect("a scenario holds nothing that JSON cannot say"),
            environment: self.environment.clone(),
            verdict,
            interrupted: self.interrupted,
            trials: self.trials.clone(),
            summary: statistics::summarise(&self.plan, &self.trials),
            timeline: self.timeline.clone(),
            model: judge::judge(&self.plan, &self.trials, &self.calibration),
            calibration: self.calibration.clone(),
            expectations: self.expectations(),
            capacity: self.capacity.clone(),
            published: Vec::new(),
            predicted: self.plan.predictions(),
        };
        results.published = published::rows(&results);
        results
    }
}

/// `results.json` as it is stored.
pub fn json(results: &Results) -> Vec<u8> {
    let mut text =
        serde_json::to_vec_pretty(results).expect("results hold nothing that JSON cannot say");
    text.push(b'\n');
    text
}

fn write(folder: Folder, plan: &Plan, results: &Results) -> Result<PathBuf, FolderError> {
    for file in report::files(results) {
        folder.write(&file.path, &file.bytes)?;
    }
    folder.write("scenario.toml", plan.scenario.to_toml().as_bytes())?;
    folder.write("results.json", &json(results))?;
    folder.publish()
}

/// Every target once; the version of ours, where all have the same. Others have none to ask for.
async fn check(targets: &[(String, Target)]) -> Result<Option<String>, TargetError> {
    let mut versions = BTreeSet::new();
    let mut seen: Vec<&Target> = Vec::new();
    for (_, target) in targets {
        if !seen.contains(&target) {
            let version = target.check().await?;
            if version.is_some() || !target.is_foreign() {
                versions.insert(version);
            }
            seen.push(target);
        }
    }
    match versions.len() {
        1 => Ok(versions.pop_first().flatten()),
        _ => Ok(None),
    }
}

/// The resolved scenario has no secrets any more.
fn target_label(plan: &Plan) -> String {
    let of = |entry| match plan.scenario.target_of(entry) {
        Some(target) => target.described(),
        None => "embedded".to_owned(),
    };
    let mut labels: Vec<String> = plan.scenario.transports.iter().map(of).collect();
    labels.dedup();
    match &labels[..] {
        [] => "embedded".to_owned(),
        [one] => one.clone(),
        _ => {
            let all = plan.scenario.transports.iter();
            let each = all.map(|entry| format!("{}: {}", entry.name(), of(entry)));
            each.collect::<Vec<_>>().join("; ")
        }
    }
}

fn headline(at: usize, of: usize, trial: &TrialPlan) -> String {
    format!(
        "trial {}/{of} · {} · {} clients · repeat {}",
        at + 1,
        trial.name,
        grouped(trial.clients as u64),
        trial.repeat
    )
}

fn in_short(trial: &Trial) -> String {
    let mut line = format!(
        "delivered {} · lost {}",
        grouped(trial.delivered),
        grouped(trial.lost)
    );
    if let Some(p99) = trial
        .latency_us
        .delivery
        .p99
        .and_then(|p99| u64::try_from(p99).ok())
    {
        line.push_str(&format!(" · p99 {}", milliseconds(p99)));
    }
    if !trial.valid {
        line.push_str(&format!(" · INVALID: {}", trial.reasons.join("; ")));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::tls::Trust;
    use crate::scenario::{Dialect, TargetEntry};
    use crate::target::{Described, Source};

    #[tokio::test]
    async fn who_has_no_version_takes_none_from_us() {
        let foreign = Described {
            url: "http://127.0.0.1:{port}".to_owned(),
            admin: None,
            trust: Trust::System,
            source: Source::Command {
                command: vec!["true".to_owned()],
                folder: PathBuf::new(),
            },
            entry: TargetEntry {
                dialect: Some(Dialect::Sse),
                ..TargetEntry::default()
            },
        };
        let own = |name: &str| (name.to_owned(), Target::Embedded);
        let foreign = ("node".to_owned(), Target::Described(Box::new(foreign)));
        let mixed = [own("sse"), foreign.clone()];
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(check(&mixed).await.unwrap().as_deref(), Some(version));
        assert_eq!(check(&[foreign]).await.unwrap(), None);
    }
}
