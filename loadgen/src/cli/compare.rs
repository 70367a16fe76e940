//! `loadgen compare`: two runs side by side, refused where their figures do not mean the same. What
//! `run --baseline` shares with it is here too: the flags, the refusal, the exit code.

use super::{Exit, print};
use crate::comparison::{self, Comparison, Difference, NOISE_THRESHOLD};
use crate::report::comparison::{Compared, Side, html, json, markdown, regressions, text};
use crate::run::stored;
use crate::statistics::LEAST_REPEATS;
use anyhow::Context;
use clap::{Args, ValueEnum};
use std::fs;
use std::path::PathBuf;

#[derive(Args)]
pub(super) struct Arguments {
    /// The run to compare with: its results.json, its folder, or a baseline's name
    #[arg(help_heading = "Core")]
    a: PathBuf,

    /// The run that is judged
    #[arg(help_heading = "Core")]
    b: PathBuf,

    #[command(flatten)]
    judgement: Judgement,

    /// What stdout gets
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        default_value_t,
        help_heading = "Output"
    )]
    output_format: Format,

    /// Also writes the comparison for a pull request
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    export_markdown: Option<PathBuf>,

    /// Also writes one page with both curves of every transport
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    html: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The main figures of every transport, and what changed
    #[default]
    Text,
    /// For a pull request
    Markdown,
    /// Every figure
    Json,
}

/// How a comparison is judged.
#[derive(Args)]
pub(super) struct Judgement {
    /// Exits with 95 if a figure got worse by more than chance and noise
    #[arg(long, help_heading = "Baseline")]
    fail_on_regression: bool,

    /// Change that is never a finding, such as 5% [default: 1%]
    #[arg(long, value_name = "SHARE", value_parser = share, help_heading = "Baseline")]
    noise_threshold: Option<f64>,

    /// Compares although scenario or machine differ, or a run is invalid
    #[arg(long, help_heading = "Baseline")]
    force: bool,
}

/// The figures of the two runs do not mean the same.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotComparable {
    #[error("the runs cannot be compared, for these differ (A | B):\n{}\n--force compares them all the same", listed(.0))]
    Differ(Vec<Difference>),
    #[error("{said}: is invalid ({}); --force compares it all the same", reasons.join("; "))]
    Invalid { said: String, reasons: Vec<String> },
    #[error("{flag} would do nothing; give --baseline NAME too")]
    Idle { flag: &'static str },
    #[error(
        "{said} has {repeats} of the {LEAST_REPEATS} repeats that --fail-on-regression needs to tell a regression from chance; run with --repeats {LEAST_REPEATS} or more"
    )]
    TooFew { said: String, repeats: u32 },
    #[error(
        "{said}: is a search for the greatest load, whose steps are no repeats; give a run without --find-max"
    )]
    Search { said: String },
}

pub(super) fn compare(arguments: &Arguments) -> anyhow::Result<Exit> {
    let (a, b) = (stored::find(&arguments.a)?, stored::find(&arguments.b)?);
    let (results_a, results_b) = (stored::read(&a)?, stored::read(&b)?);
    let (said_a, said_b) = (
        arguments.a.display().to_string(),
        arguments.b.display().to_string(),
    );
    let side = |said, results| Side { said, results };
    let sides = (side(&*said_a, &results_a), side(&*said_b, &results_b));
    let judgement = &arguments.judgement;
    let differences = judgement.admit(&sides.0, &sides.1)?;
    let comparison = judgement.compare(&sides.0, &sides.1);
    let compared = Compared {
        a: sides.0,
        b: sides.1,
        differences: &differences,
        comparison: &comparison,
    };
    for (file, draw) in [
        (
            &arguments.export_markdown,
            markdown as fn(&Compared<'_>) -> String,
        ),
        (&arguments.html, html),
    ] {
        if let Some(file) = file {
            fs::write(file, draw(&compared))
                .with_context(|| format!("{}: cannot be written", file.display()))?;
        }
    }
    print(&match arguments.output_format {
        Format::Text => text(&compared).into_bytes(),
        Format::Markdown => markdown(&compared).into_bytes(),
        Format::Json => json(&compared),
    })?;
    Ok(judgement.exit(&compared))
}

impl Judgement {
    /// The first flag that was given, for those who compare nothing.
    pub(super) fn given(&self) -> Option<&'static str> {
        let flags = [
            (self.fail_on_regression, "--fail-on-regression"),
            (self.noise_threshold.is_some(), "--noise-threshold"),
            (self.force, "--force"),
        ];
        flags
            .iter()
            .find(|(given, _)| *given)
            .map(|(_, flag)| *flag)
    }

    /// What differs and was forced; said on stderr.
    pub(super) fn admit(
        &self,
        a: &Side<'_>,
        b: &Side<'_>,
    ) -> Result<Vec<Difference>, NotComparable> {
        for side in [a, b] {
            self.admit_run(side)?;
        }
        let differences = comparison::differences(a.results, b.results);
        self.admit_differences(&differences)?;
        for difference in &differences {
            eprintln!("warning: compared by force, although these differ (A | B): {difference}");
        }
        Ok(differences)
    }

    pub(super) fn admit_differences(
        &self,
        differences: &[Difference],
    ) -> Result<(), NotComparable> {
        match differences.is_empty() || self.force {
            true => Ok(()),
            false => Err(NotComparable::Differ(differences.to_vec())),
        }
    }

    pub(super) fn admit_run(&self, side: &Side<'_>) -> Result<(), NotComparable> {
        let said = side.said.to_owned();
        if !side.results.capacity.is_empty() {
            return Err(NotComparable::Search { said });
        }
        let repeats = side.results.trials.iter().map(|trial| trial.repeat).max();
        self.admit_repeats(&said, repeats.unwrap_or(0))?;
        let verdict = &side.results.verdict;
        match verdict.valid || self.force {
            true => Ok(()),
            false => Err(NotComparable::Invalid {
                said,
                reasons: verdict.reasons.clone(),
            }),
        }
    }

    /// A guard that cannot find anything is none.
    pub(super) fn admit_repeats(&self, said: &str, repeats: u32) -> Result<(), NotComparable> {
        match self.fail_on_regression && (repeats as usize) < LEAST_REPEATS {
            true => Err(NotComparable::TooFew {
                said: said.to_owned(),
                repeats,
            }),
            false => Ok(()),
        }
    }

    pub(super) fn compare(&self, a: &Side<'_>, b: &Side<'_>) -> Comparison {
        let threshold = self.noise_threshold.unwrap_or(NOISE_THRESHOLD);
        comparison::compare(a.results, b.results, threshold)
    }

    /// Says every regression on stderr, whatever stdout got.
    pub(super) fn exit(&self, compared: &Compared<'_>) -> Exit {
        for regression in regressions(compared) {
            eprintln!("regression: {regression}");
        }
        if !self.fail_on_regression {
            return Exit::Ok;
        }
        if compared.comparison.regressed() {
            return Exit::Regression;
        }
        let untested = (compared.comparison.rows.iter())
            .filter(|row| row.valid_repeats_a.min(row.valid_repeats_b) < LEAST_REPEATS);
        let mut exit = Exit::Ok;
        for row in untested {
            eprintln!(
                "invalid: {} has {} and {} valid repeats, too few to tell a regression from chance",
                row.name, row.valid_repeats_a, row.valid_repeats_b
            );
            exit = Exit::InvalidRun;
        }
        exit
    }
}

fn listed(differences: &[Difference]) -> String {
    let lines = differences
        .iter()
        .map(|difference| format!("  {difference}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// `5%` or `0.05`.
fn share(text: &str) -> Result<f64, String> {
    let (number, of) = match text.strip_suffix('%') {
        Some(number) => (number, 100.0),
        None => (text, 1.0),
    };
    (number.trim().parse::<f64>().ok())
        .map(|number| number / of)
        .filter(|share| (0.0..1.0).contains(share))
        .ok_or_else(|| "give a share such as 1% or 0.01".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_percent_or_fractions() {
        for (text, expected) in [("1%", 0.01), ("0.5 %", 0.005), ("0.02", 0.02), ("0", 0.0)] {
            assert_eq!(share(text), Ok(expected), "{text}");
        }
        for text in ["", "%", "-1%", "100%", "1", "nan", "five"] {
            assert!(share(text).is_err(), "{text}");
        }
    }
}
