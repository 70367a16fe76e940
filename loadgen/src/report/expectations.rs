//! What was expected, in words: one line for each expectation as written, and below it each
//! transport on which it did not hold. The HTML table and the text share these words.

use super::format::{ABSENT, quantity};
use super::rows::Row;
use crate::results::{Expectation, Results};

/// An expectation as written, and what it became on each transport and parameter set.
pub(super) struct Written<'a> {
    pub(super) expression: &'a str,
    pub(super) judged: Vec<&'a Expectation>,
}

impl Written<'_> {
    pub(super) fn holds(&self) -> bool {
        self.judged.iter().all(|one| one.holds)
    }
}

/// In the order of the results, which keep those of one expression together.
pub(super) fn written(results: &Results) -> Vec<Written<'_>> {
    let chunks = (results.expectations).chunk_by(|one, next| one.expression == next.expression);
    chunks
        .map(|judged| Written {
            expression: &judged[0].expression,
            judged: judged.iter().collect(),
        })
        .collect()
}

/// The transport as other tables call it.
pub(super) fn label(expectation: &Expectation, rows: &[Row<'_>]) -> String {
    let of_row = rows.iter().find(|row| {
        row.summary.name == expectation.name && row.summary.parameters == expectation.parameters
    });
    of_row.map_or_else(|| expectation.name.clone(), |row| row.label.clone())
}

/// `12.3 ms`, or why there is none.
pub(super) fn measured(expectation: &Expectation) -> String {
    match (expectation.measured, &expectation.problem) {
        (Some(measured), _) => quantity(measured, expectation.unit),
        (None, Some(problem)) => problem.clone(),
        (None, None) => ABSENT.to_owned(),
    }
}

/// `< 50 ms`
pub(super) fn threshold(expectation: &Expectation) -> String {
    match (expectation.threshold, &expectation.problem) {
        (Some(threshold), _) => {
            let threshold = quantity(threshold, expectation.unit);
            format!("{} {threshold}", expectation.operator)
        }
        (None, Some(problem)) if expectation.measured.is_some() => problem.clone(),
        (None, Some(_) | None) => ABSENT.to_owned(),
    }
}

/// `✓ lost == 0 (5 of 5)`, `✗ latency.p99 < 50ms (4 of 5)` and below it who did not.
pub(super) fn lines(results: &Results, rows: &[Row<'_>]) -> Vec<String> {
    let mut lines = Vec::new();
    for written in written(results) {
        let mark = if written.holds() { '✓' } else { '✗' };
        let held = written.judged.iter().filter(|one| one.holds).count();
        let of = written.judged.len();
        let count = match of {
            1 => format!(": {}", measured(written.judged[0])),
            _ => format!(" ({held} of {of})"),
        };
        lines.push(format!("{mark} {}{count}", written.expression));
        for failed in written.judged.iter().filter(|one| !one.holds && of > 1) {
            lines.push(format!("  ✗ {}: {}", label(failed, rows), found(failed)));
        }
    }
    lines
}

/// For stderr: each stands alone.
pub(super) fn failures(results: &Results, rows: &[Row<'_>]) -> Vec<String> {
    let failed = results.expectations.iter().filter(|one| !one.holds);
    failed
        .map(|one| {
            let end = if one.aborted {
                "; it ended the run"
            } else {
                ""
            };
            format!(
                "{} on {}: {}{end}",
                one.expression,
                label(one, rows),
                found(one)
            )
        })
        .collect()
}

/// What came instead.
fn found(expectation: &Expectation) -> String {
    match &expectation.problem {
        Some(problem) => problem.clone(),
        None => format!("{}, not {}", measured(expectation), threshold(expectation)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;
    use crate::results::{Operator, Parameters, Unit};

    fn expectation(name: &str, measured: Option<f64>) -> Expectation {
        Expectation {
            expression: "latency.p99 < 50ms".to_owned(),
            name: name.to_owned(),
            parameters: Parameters::default(),
            figure: "latency.p99".to_owned(),
            unit: Unit::Us,
            operator: Operator::Below,
            threshold: Some(50_000.0),
            measured,
            holds: measured.is_some_and(|measured| measured < 50_000.0),
            problem: (measured.is_none()).then(|| "no valid trial".to_owned()),
            aborted: false,
        }
    }

    #[test]
    fn what_failed_is_told_and_what_held_is_one_line() {
        let mut results = fixture::nothing();
        results.expectations = vec![
            expectation("sse", Some(1_000.0)),
            expectation("polling", Some(980_000.0)),
            expectation("held", None),
            Expectation {
                expression: "lost == 0".to_owned(),
                unit: Unit::Count,
                operator: Operator::Equal,
                threshold: Some(0.0),
                measured: Some(0.0),
                holds: true,
                ..expectation("sse", None)
            },
        ];
        results.expectations[1].aborted = true;
        assert_eq!(
            lines(&results, &[]),
            [
                "✗ latency.p99 < 50ms (1 of 3)",
                "  ✗ polling: 980 ms, not < 50 ms",
                "  ✗ held: no valid trial",
                "✓ lost == 0: 0",
            ]
        );
        assert_eq!(
            failures(&results, &[]),
            [
                "latency.p99 < 50ms on polling: 980 ms, not < 50 ms; it ended the run",
                "latency.p99 < 50ms on held: no valid trial",
            ]
        );
    }
}
