//! Baselines of `loadgen run`: what is compared is known to be comparable before the run begins, so
//! that no minutes are lost; an invalid run is neither compared nor kept.

use super::compare::{Judgement, NotComparable};
use super::{Exit, print};
use crate::comparison::{of_environments, of_scenarios};
use crate::environment;
use crate::plan::Plan;
use crate::report::comparison::{Compared, Side, text};
use crate::results::Results;
use crate::run::stored;
use crate::scenario::Name;
use clap::Args;
use std::collections::BTreeMap;
use std::path::PathBuf;

#[derive(Args)]
pub(super) struct Baseline {
    /// Keeps the results under this name, for --baseline and `compare`
    #[arg(long, env = "LOADGEN_SAVE_BASELINE", value_name = "NAME", value_parser = name, help_heading = "Baseline")]
    save_baseline: Option<Name>,

    /// Compares the run with this baseline, results.json or folder; refused before the run if
    /// scenario or machine differ
    #[arg(
        long,
        env = "LOADGEN_BASELINE",
        value_name = "NAME",
        help_heading = "Baseline"
    )]
    baseline: Option<PathBuf>,

    #[command(flatten)]
    judgement: Judgement,
}

impl Baseline {
    /// A flag of a comparison that is given.
    pub(super) fn of_one_run(&self) -> Option<&'static str> {
        let given = [
            ("--baseline", self.baseline.is_some()),
            ("--save-baseline", self.save_baseline.is_some()),
        ];
        (given.into_iter()).find_map(|(flag, given)| given.then_some(flag))
    }

    /// The run to compare with, if the one to come can be.
    pub(super) fn before(&self, plan: &Plan) -> anyhow::Result<Option<Results>> {
        let Some(said) = &self.baseline else {
            return match self.judgement.given() {
                Some(flag) => Err(NotComparable::Idle { flag }.into()),
                None => Ok(None),
            };
        };
        let results = stored::read(&stored::find(said)?)?;
        self.judgement.admit_run(&Side {
            said: &said.display().to_string(),
            results: &results,
        })?;
        (self.judgement).admit_repeats("this run", plan.scenario.load.repeats)?;
        let scenario = serde_json::to_value(&plan.scenario)
            .expect("a scenario holds nothing that JSON cannot say");
        let here = environment::describe(String::new(), None, BTreeMap::new());
        let mut differences = of_scenarios(&results.scenario, &scenario);
        differences.extend(of_environments(&results.environment, &here));
        self.judgement.admit_differences(&differences)?;
        Ok(Some(results))
    }

    /// Compares with what `before` found, then keeps the run. `exit` is how the run itself ended:
    /// whatever is wrong with it goes before a regression.
    pub(super) fn after(
        &self,
        found: Option<&Results>,
        results: &Results,
        aloud: bool,
        exit: Exit,
    ) -> anyhow::Result<Exit> {
        if results.interrupted || !results.verdict.valid {
            if self.baseline.is_some() || self.save_baseline.is_some() {
                eprintln!("note: not a whole and valid run, so it is neither compared nor kept");
            }
            return Ok(exit);
        }
        let compared = match found {
            Some(found) => self.compare(found, results, aloud)?,
            None => Exit::Ok,
        };
        match (&self.save_baseline, exit, compared) {
            (None, ..) => {}
            (Some(name), Exit::Ok, Exit::Ok) => {
                let path = stored::keep(name, results)?;
                eprintln!("note: kept as baseline {name}: {}", path.display());
            }
            (Some(name), ..) => eprintln!("note: not kept as baseline {name}, for the run failed"),
        }
        Ok(match exit {
            Exit::Ok => compared,
            worse => worse,
        })
    }

    fn compare(&self, found: &Results, results: &Results, aloud: bool) -> anyhow::Result<Exit> {
        let said = self
            .baseline
            .as_ref()
            .map(|said| said.display().to_string());
        let a = Side {
            said: said.as_deref().unwrap_or_default(),
            results: found,
        };
        let b = Side {
            said: "this run",
            results,
        };
        let differences = self.judgement.admit(&a, &b)?;
        let comparison = self.judgement.compare(&a, &b);
        let compared = Compared {
            a,
            b,
            differences: &differences,
            comparison: &comparison,
        };
        if aloud {
            print(format!("\n{}", text(&compared)).as_bytes())?;
        }
        Ok(self.judgement.exit(&compared))
    }
}

fn name(text: &str) -> Result<Name, String> {
    Name::try_from(text.to_owned())
}
