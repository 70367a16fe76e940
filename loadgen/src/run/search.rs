//! `--find-max`: for one transport after the other, trials at ever greater loads until the
//! expectations fail; each a fresh server. What load comes next is `find_max`'s to say.

use super::{Progress, Session, in_short};
use crate::environment;
use crate::expect::{self, Check};
use crate::find_max::Search;
use crate::find_max::limit::{self, Machine};
use crate::plan::TrialPlan;
use crate::results::{Capacity, Dimension, Limit, Side, Trial, Verdict};
use crate::scenario::units::{Rate, grouped};
use crate::target::{self, Target};
use crate::trial::TrialError;

impl Progress {
    pub(super) async fn search(
        &mut self,
        dimension: Dimension,
        session: &Session<'_>,
    ) -> Result<(), TrialError> {
        for set in 0..self.plan.sets.len() {
            let start = self.first_step(set);
            self.capacity
                .push(self.nothing_found_yet(&start, dimension));
            let is_over = self.climb(set, start, dimension, session).await?;
            if !is_over {
                self.interrupted = true;
                return Ok(());
            }
        }
        Ok(())
    }

    /// The trials of a search are its starts, seeded; their order is the scenario's here.
    fn first_step(&self, set: usize) -> TrialPlan {
        let row = self.plan.sets[set].row();
        let mut trials = self.plan.trials.iter();
        (trials.find(|trial| trial.row() == row))
            .expect("each set has a trial")
            .clone()
    }

    fn nothing_found_yet(&self, start: &TrialPlan, dimension: Dimension) -> Capacity {
        let slo = self.plan.scenario.expect.thresholds();
        Capacity {
            name: start.name.clone(),
            transport: start.transport.kind,
            parameters: start.parameters(),
            dimension,
            slo: slo
                .map(|(key, entry)| format!("{key} {}", entry.threshold))
                .collect(),
            maximum: None,
            limit: None,
            steps: Vec::new(),
        }
    }

    /// False if the run was stopped meanwhile.
    async fn climb(
        &mut self,
        set: usize,
        start: TrialPlan,
        dimension: Dimension,
        session: &Session<'_>,
    ) -> Result<bool, TrialError> {
        let most = match dimension {
            Dimension::Clients => start.most_clients(&environment::limits()),
            Dimension::Rate => None,
        };
        let ceiling = most.as_ref().map(|most| most.clients as f64);
        let mut search = Search::new(dimension, load_of(&start, dimension), ceiling);
        while let Some(load) = search.next() {
            let step = self.capacity[set].steps.len() as u32 + 1;
            let planned = at_load(&start, dimension, load, step);
            let Some(holds) = self.step(set, load, &planned, session).await? else {
                return Ok(false);
            };
            search.record(load, holds);
            if holds {
                self.capacity[set].parameters = planned.parameters();
                self.capacity[set].maximum = search.maximum();
                self.plan.sets[set] = planned;
            }
        }
        let ceiling = most.filter(|_| search.is_at_ceiling());
        self.capacity[set].limit = Some(match ceiling {
            Some(most) => Limit {
                side: Side::Machine,
                reason: most.because,
            },
            None if search.ran_out_of_steps() => Limit {
                side: Side::Search,
                reason: "the search took all its steps".to_owned(),
            },
            None => self.limit(set),
        });
        Ok(true)
    }

    /// Whether the load held; `None` if the run was stopped meanwhile.
    async fn step(
        &mut self,
        set: usize,
        load: f64,
        planned: &TrialPlan,
        session: &Session<'_>,
    ) -> Result<Option<bool>, TrialError> {
        let checks = self.checks_of(planned);
        let verdict = |trial: &Trial| {
            let holds = trial.valid && checks.iter().all(|check| holds(check, trial));
            let word = if holds { "holds" } else { "fails" };
            format!("{word} · {}", in_short(trial))
        };
        self.run_one(planned, headline(planned), session, verdict)
            .await?;
        if self.interrupted {
            return Ok(None);
        }
        let at = self.trials.len() - 1;
        let trial = &self.trials[at];
        let judged: Vec<_> = (checks.iter())
            .map(|check| check.judge(std::slice::from_ref(trial)))
            .collect();
        let step = limit::step(load, (at, trial), &judged, self.machine(planned));
        let holds = step.holds;
        self.capacity[set].steps.push(step);
        Ok(Some(holds))
    }

    fn checks_of(&self, planned: &TrialPlan) -> Vec<Check> {
        let names = self.plan.scenario.transport_names();
        expect::checks(&self.plan.scenario.expect, &names, &[planned.row()])
            .expect("the plan refuses a search that compares transports")
    }

    fn machine(&self, planned: &TrialPlan) -> Option<Machine> {
        match self.plan.target_of(&planned.name) {
            Target::Embedded => Some(Machine {
                cores: self.environment.cores,
                workers: target::workers(&planned.server),
            }),
            Target::Remote { .. } | Target::Described(_) => None,
        }
    }

    /// By the failed step with the least load: what stands above the maximum.
    fn limit(&self, set: usize) -> Limit {
        let found = &self.capacity[set];
        let maximum = found.maximum.unwrap_or(0.0);
        // What failed once and then held is below it.
        let failed = (found.steps.iter()).filter(|step| !step.holds && step.load > maximum);
        let lowest = failed.min_by(|one, other| {
            let later_first = other.trial.cmp(&one.trial);
            one.load.total_cmp(&other.load).then(later_first)
        });
        match lowest {
            Some(step) => limit::limit(step, &self.trials[step.trial]),
            None => Limit {
                side: Side::Search,
                reason: "no step failed".to_owned(),
            },
        }
    }

    /// A search fails only where it could not measure so much as its start.
    pub(super) fn verdict_of_search(&self) -> Verdict {
        let unmeasured = self.capacity.iter().filter(|found| {
            let side = found.limit.as_ref().map(|limit| limit.side);
            found.maximum.is_none() && matches!(side, Some(Side::Generator | Side::Connections))
        });
        let reasons: Vec<String> = unmeasured
            .map(|found| {
                let reason = found.limit.as_ref().map_or("", |limit| &limit.reason);
                format!(
                    "{}: the starting load could not be measured: {reason}",
                    found.name
                )
            })
            .collect();
        Verdict {
            valid: reasons.is_empty(),
            reasons,
        }
    }
}

fn holds(check: &Check, trial: &Trial) -> bool {
    check.judge(std::slice::from_ref(trial)).holds
}

fn load_of(trial: &TrialPlan, dimension: Dimension) -> f64 {
    match dimension {
        Dimension::Clients => trial.clients as f64,
        Dimension::Rate => trial.publish.rate,
    }
}

fn at_load(start: &TrialPlan, dimension: Dimension, load: f64, step: u32) -> TrialPlan {
    let mut planned = TrialPlan {
        repeat: step,
        ..start.clone()
    };
    match dimension {
        Dimension::Clients => planned.clients = load as usize,
        Dimension::Rate => planned.publish.rate = load,
    }
    planned
}

fn headline(planned: &TrialPlan) -> String {
    format!(
        "{} · step {} · {} clients · {}",
        planned.name,
        planned.repeat,
        grouped(planned.clients as u64),
        Rate((planned.publish.rate * 1e3).round() / 1e3)
    )
}
