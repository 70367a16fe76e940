//! `loadgen run`: plan, limits, run, and what is said at the end.

use super::baseline::Baseline;
use super::overrides::{Flags, Planned, named};
use super::several::{self, End};
use super::{Exit, print, told};
use crate::environment;
use crate::plan::{FindMax, Plan, PlanError};
use crate::progress::Display;
use crate::report;
use crate::results::Dimension;
use crate::run::{self, Finished, Request, signals};
use crate::trial::Options;
use anyhow::Context;
use clap::builder::FalseyValueParser;
use clap::{Args, ValueEnum};
use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use tokio::sync::watch;

#[derive(Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    flags: Flags,

    /// Threads that drive clients [default: half of the cores]
    #[arg(long, env = "LOADGEN_THREADS", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256), help_heading = "Core")]
    threads: Option<u16>,

    /// Raises clients or the rate, transport by transport, until --slo fails; a step is one trial
    #[arg(
        long,
        env = "LOADGEN_FIND_MAX",
        value_name = "WHAT",
        value_enum,
        requires = "slo",
        conflicts_with_all = ["repeats", "baseline", "save_baseline"],
        help_heading = "Find-max"
    )]
    find_max: Option<Dimension>,

    /// What each step must keep, such as "p99<250ms", in the words of [expect], which it replaces;
    /// may be given several times. That nothing is lost goes without saying
    #[arg(
        long,
        env = "LOADGEN_SLO",
        value_name = "EXPECTATION",
        value_delimiter = ',',
        requires = "find_max",
        help_heading = "Find-max"
    )]
    slo: Vec<String>,

    /// Folder of the report, or of several scenarios the folder of their reports, each by its name
    /// [default: reports/<name>/<UTC>]
    #[arg(
        short,
        long,
        env = "LOADGEN_OUT",
        value_name = "DIR",
        help_heading = "Output"
    )]
    out: Option<PathBuf>,

    /// What stdout gets
    #[arg(
        long,
        env = "LOADGEN_OUTPUT_FORMAT",
        value_name = "FORMAT",
        value_enum,
        default_value_t,
        help_heading = "Output"
    )]
    output_format: Format,

    /// A note kept with the results; may be given several times
    #[arg(long, env = "LOADGEN_LABEL", value_name = "KEY=VALUE", value_delimiter = ',', value_parser = label, help_heading = "Output")]
    label: Vec<(String, String)>,

    /// Says nothing but errors
    #[arg(long, env = "LOADGEN_QUIET", value_parser = FalseyValueParser::new(), help_heading = "Output")]
    quiet: bool,

    /// Shows no progress
    #[arg(long, env = "LOADGEN_NO_PROGRESS", value_parser = FalseyValueParser::new(), help_heading = "Output")]
    no_progress: bool,

    #[command(flatten)]
    baseline: Baseline,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table, the folder of the report, and a sentence per transport
    #[default]
    Text,
    /// results.json
    Json,
    /// results.csv
    Csv,
    /// Nothing
    Quiet,
}

/// Every scenario has been read before the first one runs. One that this machine cannot run, or that
/// fails, does not keep the others from running; a signal does.
pub(super) fn run(arguments: Arguments, color: bool) -> anyhow::Result<Exit> {
    let find_max = arguments.find_max.map(|dimension| FindMax {
        dimension,
        slo: arguments.slo.clone(),
    });
    let plans = arguments.flags.plans(find_max.as_ref())?;
    let several = plans.len() > 1;
    if several {
        arguments.check_several(&plans)?;
    }
    let format = arguments.format();
    let stop = signals::listen().context("signals cannot be heard")?;
    let mut ends = Vec::new();
    let mut exit = Exit::Ok;
    for (file, plan) in plans {
        if *stop.borrow() {
            break;
        }
        if several && format == Format::Text {
            print(several::heading(&plan).as_bytes())?;
        }
        let mut end = End::of(&plan);
        end.exit = told(
            run_one(&arguments, &file, plan, &stop, color, &mut end),
            color,
        );
        exit = exit.worse(end.exit);
        ends.push(end);
    }
    if *stop.borrow() {
        exit = exit.worse(Exit::Aborted);
    }
    if several && format == Format::Text {
        print(several::summary(&ends).as_bytes())?;
    }
    Ok(exit)
}

impl Arguments {
    fn format(&self) -> Format {
        if self.quiet {
            Format::Quiet
        } else {
            self.output_format
        }
    }

    /// What is of one run alone.
    fn check_several(&self, plans: &[Planned]) -> anyhow::Result<()> {
        let of_one = |key, problem: &str| {
            let problem = problem.to_owned();
            Err(PlanError::Refused { key, problem }.into())
        };
        if matches!(self.output_format, Format::Json | Format::Csv) {
            return of_one(
                "--output-format",
                "stdout takes the results of one run; remove it, each report folder has both files",
            );
        }
        if let Some(flag) = self.baseline.of_one_run() {
            return of_one(flag, "a baseline is of one run; give one scenario");
        }
        let names: HashSet<_> = plans.iter().map(|(_, plan)| &plan.scenario.name).collect();
        if self.out.is_some() && names.len() < plans.len() {
            return of_one(
                "--out",
                "two scenarios have one name, so their reports would be one folder; remove it or rename one",
            );
        }
        Ok(())
    }

    /// Exactly as given for one scenario; of several each has a folder of its name in it.
    fn folder(&self, plan: &Plan) -> Option<PathBuf> {
        let out = self.out.as_ref()?;
        match self.flags.files.len() {
            1 => Some(out.clone()),
            _ => Some(out.join(plan.scenario.name.as_str())),
        }
    }
}

fn run_one(
    arguments: &Arguments,
    file: &Path,
    plan: Plan,
    stop: &watch::Receiver<bool>,
    color: bool,
    end: &mut End,
) -> anyhow::Result<Exit> {
    plan.check_limits(&environment::limits())
        .with_context(|| named(file))?;
    let earlier = arguments.baseline.before(&plan)?;
    let format = arguments.format();
    let request = Request {
        out: arguments.folder(&plan),
        plan,
        labels: arguments.label.iter().cloned().collect::<BTreeMap<_, _>>(),
        display: Display::choose(arguments.quiet || arguments.no_progress, color),
        options: arguments
            .threads
            .map_or_else(Options::default, |threads| Options {
                threads: threads.into(),
                ..Options::default()
            }),
    };
    let finished = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the runtime cannot start")?
        .block_on(run::run(request, stop.clone()))?;
    end.ran(&finished);
    print(&said(&finished, format))?;
    tell_what_is_wrong(&finished, arguments.quiet);
    let aloud = format == Format::Text;
    let exit = exit_of(&finished);
    (arguments.baseline).after(earlier.as_ref(), &finished.results, aloud, exit)
}

fn tell_what_is_wrong(finished: &Finished, quiet: bool) {
    let results = &finished.results;
    for reason in &results.verdict.reasons {
        eprintln!(
            "{}: {reason}",
            if results.verdict.valid {
                "note"
            } else {
                "invalid"
            }
        );
    }
    for found in (results.capacity.iter()).filter(|found| found.maximum.is_none()) {
        eprintln!(
            "failed: {} does not bear the load to begin with",
            found.name
        );
    }
    for failure in report::failures(results) {
        eprintln!("failed: {failure}");
    }
    if !quiet {
        (report::outliers(results).iter()).for_each(|said| eprintln!("note: {said}"));
    }
}

fn said(finished: &Finished, format: Format) -> Vec<u8> {
    match format {
        Format::Text => text(finished).into_bytes(),
        Format::Json => run::json(&finished.results),
        Format::Csv => (report::files(&finished.results).into_iter())
            .find(|file| file.path == "results.csv")
            .map(|file| file.bytes)
            .unwrap_or_default(),
        Format::Quiet => Vec::new(),
    }
}

fn text(finished: &Finished) -> String {
    let mut text = report::table(&finished.results);
    let folder = finished.folder.display();
    writeln!(text, "\nreport: {folder}/report.html\n").expect("a string takes all that is written");
    let capacity = report::capacity(&finished.results);
    if !capacity.is_empty() {
        writeln!(text, "{capacity}").expect("a string takes all that is written");
    }
    let expected = report::expectations(&finished.results);
    if !expected.is_empty() {
        writeln!(text, "{}\n", expected.join("\n")).expect("a string takes all that is written");
    }
    let published = report::published(&finished.results);
    if !published.is_empty() {
        writeln!(text, "{published}").expect("a string takes all that is written");
    }
    for sentence in report::sentences(&finished.results) {
        text.push_str(&sentence);
        text.push('\n');
    }
    text
}

/// 105 before 96 before 99; a run that broke off is none of them.
fn exit_of(finished: &Finished) -> Exit {
    let results = &finished.results;
    let as_expected = results.expectations.iter().all(|one| one.holds)
        && results.capacity.iter().all(|one| one.maximum.is_some());
    match (
        &finished.broke_off,
        results.interrupted,
        results.verdict.valid,
    ) {
        (_, true, _) => Exit::Aborted,
        (Some(_), false, _) => Exit::Internal,
        (None, false, false) => Exit::InvalidRun,
        (None, false, true) if !as_expected => Exit::Unexpected,
        (None, false, true) => Exit::Ok,
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("give key=value, such as branch=main".to_owned()),
    }
}
