//! What a run must fulfil to end with 0: expectations are read (`expression`), held against the
//! plan (which trials each compares) and judged by the trials that ran. Pure; what follows from a
//! failure is the run's to decide.

mod expression;
mod figure;
mod number;

pub(crate) use expression::{Expression, Fault};

use crate::results::{Expectation, Operator, Parameters, Trial};
use crate::scenario::{Expect, ThresholdEntry};
use figure::Figure;
use std::time::Duration;

/// One comparison to make: an expectation on one transport and one set of parameters.
#[derive(Clone, Debug)]
pub struct Check {
    /// As written.
    text: String,
    row: Row,
    figure: Figure,
    operator: Operator,
    terms: Vec<Term>,
    /// Ends the run at the first trial after this time that makes it fail.
    abort_after: Option<Duration>,
}

/// Which trials: a name and its parameters.
pub type Row = (String, Parameters);

#[derive(Clone, Debug)]
struct Term {
    factor: f64,
    reference: Option<(Row, Figure)>,
}

/// Every check that `expect` asks of the plan's `rows`. `expect` has passed the scenario's own
/// check; `Err` says which expectation has nothing to compare with.
pub fn checks(expect: &Expect, transports: &[String], rows: &[Row]) -> Result<Vec<Check>, String> {
    let mut checks = Vec::new();
    for (key, entry) in expect.thresholds() {
        let parsed = Expression::parse(key, &entry.threshold, transports)
            .map_err(|fault| format!("\"{key}\": {fault}"))?;
        for row in rows {
            if parsed.transport.as_ref().is_none_or(|name| *name == row.0) {
                checks.extend(checks_of(&parsed, row, rows, entry)?);
            }
        }
    }
    Ok(checks)
}

/// One check for every combination of partners.
fn checks_of(
    parsed: &Expression,
    row: &Row,
    rows: &[Row],
    entry: &ThresholdEntry,
) -> Result<Vec<Check>, String> {
    let mut alternatives: Vec<Vec<Term>> = vec![Vec::new()];
    for term in &parsed.terms {
        let references = match &term.reference {
            None => vec![None],
            Some(reference) => {
                let name = reference.transport.as_ref().unwrap_or(&row.0);
                let partners = partners(row, name, rows);
                if partners.is_empty() {
                    return Err(no_partner(&parsed.text, row, name));
                }
                let with_figure = |partner: &Row| Some((partner.clone(), reference.figure));
                partners.into_iter().map(with_figure).collect()
            }
        };
        alternatives = (alternatives.iter())
            .flat_map(|terms| {
                references.iter().map(|reference| {
                    let term = Term {
                        factor: term.factor,
                        reference: reference.clone(),
                    };
                    terms.iter().cloned().chain([term]).collect()
                })
            })
            .collect();
    }
    let check = |terms| Check {
        text: parsed.text.clone(),
        row: row.clone(),
        figure: parsed.figure,
        operator: parsed.operator,
        terms,
        abort_after: entry.abort_on_fail.then(|| entry.delay()),
    };
    Ok(alternatives.into_iter().map(check).collect())
}

/// The rows of `name` under the load of `row`: itself under its own name; otherwise those that
/// share every parameter if there are any, for two pollers may both sweep their interval.
fn partners<'r>(row: &'r Row, name: &str, rows: &'r [Row]) -> Vec<&'r Row> {
    if row.0 == name {
        return vec![row];
    }
    let under_equal_load: Vec<&Row> = (rows.iter())
        .filter(|other| other.0 == name && load_of(&other.1) == load_of(&row.1))
        .collect();
    let alike: Vec<&Row> = (under_equal_load.iter().copied())
        .filter(|other| other.1 == row.1)
        .collect();
    if alike.is_empty() {
        under_equal_load
    } else {
        alike
    }
}

/// What all transports share; the rest is a transport's own.
fn load_of(parameters: &Parameters) -> Parameters {
    Parameters {
        interval_s: None,
        hold_s: None,
        ..parameters.clone()
    }
}

fn no_partner(text: &str, (name, parameters): &Row, partner: &str) -> String {
    let Parameters {
        clients,
        rooms,
        rate,
        payload,
        ..
    } = parameters;
    format!(
        "\"{text}\" has nothing to compare {name} with: {partner} never runs with {clients} clients, \
         {rooms} rooms, {rate}/s and {payload} bytes; let both sweep the same loads, or compare with a number"
    )
}

impl Check {
    pub fn judge(&self, trials: &[Trial]) -> Expectation {
        let measured = self.figure.of(&repeats_of(trials, &self.row));
        let threshold = self.threshold(trials);
        let holds = match (&measured, &threshold) {
            (Ok(measured), Ok(threshold)) => self.operator.holds(*measured, *threshold),
            (Ok(_) | Err(_), Ok(_) | Err(_)) => false,
        };
        let problem = measured
            .as_ref()
            .err()
            .or(threshold.as_ref().err())
            .cloned();
        let (name, parameters) = self.row.clone();
        Expectation {
            expression: self.text.clone(),
            name,
            parameters,
            figure: self.figure.to_string(),
            unit: self.figure.unit(),
            operator: self.operator,
            threshold: threshold.ok(),
            measured: measured.ok(),
            holds,
            problem,
            aborted: false,
        }
    }

    fn threshold(&self, trials: &[Trial]) -> Result<f64, String> {
        let mut sum = 0.0;
        for Term { factor, reference } in &self.terms {
            let value = match reference {
                None => 1.0,
                Some((row, figure)) => (figure.of(&repeats_of(trials, row)))
                    .map_err(|problem| format!("{}: {problem}", row.0))?,
            };
            sum += factor * value;
        }
        Ok(sum)
    }

    /// Whether it fails for good reason by now and asks that the run should end: a figure that is
    /// not there yet is no reason.
    pub fn aborts(&self, elapsed: Duration, trials: &[Trial]) -> bool {
        self.abort_after.is_some_and(|delay| elapsed >= delay) && {
            let judged = self.judge(trials);
            judged.problem.is_none() && !judged.holds
        }
    }
}

fn repeats_of<'t>(trials: &'t [Trial], (name, parameters): &Row) -> Vec<&'t Trial> {
    (trials.iter())
        .filter(|trial| trial.name == *name && trial.parameters == *parameters)
        .collect()
}

/// Whether an expectation names any of the transports that are `left_out`.
pub fn mentions(key: &str, threshold: &str, transports: &[String], left_out: &[String]) -> bool {
    Expression::parse(key, threshold, transports).is_ok_and(|parsed| {
        parsed
            .mentioned()
            .any(|name| left_out.iter().any(|left| left == name))
    })
}

/// `"p99<250ms"` or `"lost == 0"`, as a flag has them, into key and threshold: a point alone is one
/// of latency. What is compared must be measured in the same trial.
pub fn key_and_threshold(text: &str, transports: &[String]) -> Result<(String, String), String> {
    let (before, operator, after) = expression::split(text)
        .ok_or_else(|| format!("{text:?} compares nothing; write \"p99<250ms\""))?;
    let threshold = format!("{operator} {after}");
    let timing = format!("latency.{before}");
    let key = match figure::NamedFigure::parse(&timing) {
        Some(found) => found.figure.to_string(),
        None => before.to_owned(),
    };
    let parsed =
        Expression::parse(&key, &threshold, transports).map_err(|fault| fault.to_string())?;
    match parsed.other_transport() {
        None => Ok((key, threshold)),
        Some(other) => Err(format!(
            "{text:?} compares with {other}, which does not run beside; compare with a number"
        )),
    }
}

#[cfg(test)]
mod tests;
