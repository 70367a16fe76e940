//! The grammar of an expectation: a key (`latency.p99`, `websocket.latency.p99`, or `latency` with
//! k6's `p(99)` in the threshold) and a threshold `[point] operator sum`, where a sum is made of
//! numbers, figures and `number * figure`. It knows the transports by name and nothing of a plan.

use super::figure::{Figure, NamedFigure};
use super::number::{fitting, number};
use crate::results::{Operator, Unit};
use crate::scenario::nearest;
use std::fmt;

/// One threshold of one key, understood.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expression {
    /// As written.
    pub(super) text: String,
    /// `None` = each transport.
    pub(super) transport: Option<String>,
    pub(super) figure: Figure,
    pub(super) operator: Operator,
    /// Added up.
    pub(super) terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Term {
    /// In the unit of the expression's figure if it stands alone.
    pub(super) factor: f64,
    pub(super) reference: Option<Reference>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reference {
    /// `None` = the one on the left.
    pub(super) transport: Option<String>,
    pub(super) figure: Figure,
}

/// Which of the two is wrong, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Key(String),
    Threshold(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Fault::Key(problem) | Fault::Threshold(problem)) = self;
        f.write_str(problem)
    }
}

impl Expression {
    pub(crate) fn parse(key: &str, threshold: &str, transports: &[String]) -> Result<Self, Fault> {
        let wrong = |problem: String| Fault::Threshold(problem);
        let (point, operator, sum) = split(threshold).ok_or_else(|| {
            wrong(format!(
                "{threshold:?} compares nothing; write \"< 200ms\", \"== 0\" or \"p(99)<200\""
            ))
        })?;
        let operator: Operator = (operator.parse()).map_err(|_| {
            wrong(format!(
                "{operator:?} is no operator; use <, <=, >, >=, == or !="
            ))
        })?;
        let (transport, left) = left(key, point, transports)?;
        let terms = terms(sum, left, transports).map_err(wrong)?;
        Ok(Expression {
            text: format!("{key} {}", threshold.trim()),
            transport,
            figure: left.figure,
            operator,
            terms,
        })
    }

    /// A transport on the right side.
    pub(super) fn other_transport(&self) -> Option<&str> {
        let mut references = self.terms.iter().filter_map(|term| term.reference.as_ref());
        references.find_map(|reference| reference.transport.as_deref())
    }

    /// The transports that it names.
    pub(super) fn mentioned(&self) -> impl Iterator<Item = &str> {
        let references = self.terms.iter().filter_map(|term| term.reference.as_ref());
        (self.transport.iter())
            .chain(references.filter_map(|reference| reference.transport.as_ref()))
            .map(String::as_str)
    }
}

const OPERATORS: [char; 4] = ['<', '>', '=', '!'];

/// `"p(99) <= 5ms"` → `("p(99)", "<=", "5ms")`.
pub(super) fn split(threshold: &str) -> Option<(&str, &str, &str)> {
    let start = threshold.find(OPERATORS)?;
    let (before, rest) = threshold.split_at(start);
    let end = rest.find(|c| !OPERATORS.contains(&c)).unwrap_or(rest.len());
    let (operator, after) = rest.split_at(end);
    Some((before.trim(), operator, after.trim()))
}

/// The figure that key and point name together, and the transport it is of.
fn left(
    key: &str,
    point: &str,
    transports: &[String],
) -> Result<(Option<String>, NamedFigure), Fault> {
    if let Some(figure) = composed(key, point) {
        return Ok((None, figure));
    }
    if let Some((name, rest)) = key.split_once('.')
        && let Some(figure) = composed(rest, point)
    {
        return match transports.iter().any(|known| known == name) {
            true => Ok((Some(name.to_owned()), figure)),
            false => Err(Fault::Key(no_such_transport(name, transports))),
        };
    }
    Err(match composed_without(key, point, transports) {
        Some(problem) => Fault::Threshold(problem),
        None => Fault::Key(no_such_figure(key, transports)),
    })
}

/// A figure by its whole name, or a timing or tally by k6's word for what is taken of it.
fn composed(base: &str, point: &str) -> Option<NamedFigure> {
    match point {
        "" => NamedFigure::parse(base),
        "count" => {
            NamedFigure::parse(base).filter(|found| matches!(found.figure, Figure::Count(_)))
        }
        "rate" => NamedFigure::parse(&format!("{base}_share")),
        point => NamedFigure::parse(&format!("{base}.{point}"))
            .filter(|found| matches!(found.figure, Figure::Timing(..))),
    }
}

/// Where the key would do with another point: what is wrong with the threshold.
fn composed_without(key: &str, point: &str, transports: &[String]) -> Option<String> {
    let base = match key.split_once('.') {
        Some((name, rest)) if transports.iter().any(|known| known == name) => rest,
        Some(_) | None => key,
    };
    if point.is_empty() {
        NamedFigure::parse(&format!("{base}.p99"))?;
        return Some(format!(
            "which figure of {base}? Write \"{key}.p99\" = [\"< 200ms\"], or \"p(99)<200\" here"
        ));
    }
    if NamedFigure::parse(base).is_some() {
        return Some(format!(
            "{point:?} is no part of {base}; begin with <, <=, >, >=, == or !="
        ));
    }
    NamedFigure::parse(&format!("{base}.p99"))?;
    Some(format!(
        "{point:?} is not recorded; use min, mean, p50, p75, p90, p95, p99, p999 or max"
    ))
}

fn no_such_transport(name: &str, transports: &[String]) -> String {
    match nearest(name, transports) {
        Some(meant) => format!("no transport is called \"{name}\"; did you mean \"{meant}\"?"),
        None => format!(
            "no transport is called \"{name}\"; the scenario has {}",
            transports.join(", ")
        ),
    }
}

fn no_such_figure(name: &str, transports: &[String]) -> String {
    let (prefix, base) = match name.split_once('.') {
        Some((transport, rest)) if transports.iter().any(|known| known == transport) => {
            (format!("{transport}."), rest)
        }
        Some(_) | None => (String::new(), name),
    };
    match nearest(base, &Figure::names()) {
        Some(meant) => format!("no figure is called \"{name}\"; did you mean \"{prefix}{meant}\"?"),
        None => format!(
            "no figure is called \"{name}\"; write latency.p99, lost, bytes_per_delivery or \
             another name of a summary in results.json, with or without a transport before it"
        ),
    }
}

fn terms(sum: &str, left: NamedFigure, transports: &[String]) -> Result<Vec<Term>, String> {
    let tokens = tokens(sum);
    let mut rest = &tokens[..];
    let mut terms = Vec::new();
    let mut sign = 1.0;
    loop {
        let (mut term, after) = term(rest, left, transports)?;
        term.factor *= sign;
        terms.push(term);
        rest = match after {
            [] => return Ok(terms),
            [sum, after @ ..] if matches!(*sum, "+" | "-") => {
                sign = if *sum == "+" { 1.0 } else { -1.0 };
                after
            }
            [other, ..] => {
                return Err(format!(
                    "{other:?} is one too many; write a number, a figure, or 0.5 * figure, with + or - between"
                ));
            }
        };
    }
}

/// Words are parted by blanks and by `*`; `+` and `-` stand between blanks, for names hold hyphens.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    for word in text.split_whitespace() {
        let mut rest = word;
        while let Some(star) = rest.find('*') {
            if star > 0 {
                tokens.push(&rest[..star]);
            }
            tokens.push("*");
            rest = &rest[star + 1..];
        }
        if !rest.is_empty() {
            tokens.push(rest);
        }
    }
    tokens
}

fn term<'t>(
    tokens: &'t [&'t str],
    left: NamedFigure,
    transports: &[String],
) -> Result<(Term, &'t [&'t str]), String> {
    let unit = left.figure.unit();
    let plain = |text: &str| number(text, Unit::Ratio, 1.0).and_then(Result::ok);
    let scaled = |factor: &str, name: &str| {
        let reference = Some(reference(name, left, transports)?);
        let factor = plain(factor)
            .ok_or_else(|| format!("{factor:?} is no plain number; write 0.5 * {name}"))?;
        Ok::<_, String>(Term { factor, reference })
    };
    match tokens {
        [] => Err(format!("nothing to compare with; {}", fitting(unit))),
        [factor, "*", name, rest @ ..] if plain(name).is_none() => {
            Ok((scaled(factor, name)?, rest))
        }
        [name, "*", factor, rest @ ..] => Ok((scaled(factor, name)?, rest)),
        [one, rest @ ..] => match number(one, unit, left.bare) {
            Some(factor) => Ok((
                Term {
                    factor: factor?,
                    reference: None,
                },
                rest,
            )),
            None => Ok((scaled("1", one)?, rest)),
        },
    }
}

/// A figure on the right side; it must be comparable with the left one.
fn reference(name: &str, left: NamedFigure, transports: &[String]) -> Result<Reference, String> {
    let (transport, found) = match NamedFigure::parse(name) {
        Some(found) => (None, found),
        None => {
            let parts = name.split_once('.');
            let found = parts.and_then(|(_, rest)| NamedFigure::parse(rest));
            match parts.zip(found) {
                Some(((transport, _), _)) if !transports.iter().any(|known| known == transport) => {
                    return Err(no_such_transport(transport, transports));
                }
                Some(((transport, _), found)) => (Some(transport.to_owned()), found),
                None => return Err(no_such_figure(name, transports)),
            }
        }
    };
    if found.figure.unit() != left.figure.unit() {
        return Err(format!(
            "{} cannot be compared with {name}: {}",
            left.figure,
            fitting(left.figure.unit())
        ));
    }
    Ok(Reference {
        transport,
        figure: found.figure,
    })
}

#[cfg(test)]
mod tests;
