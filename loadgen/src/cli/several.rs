//! Several scenarios in one command: the heading of each, and a line for each at the end. What a run
//! finds is its report's to say.

use super::Exit;
use crate::plan::Plan;
use crate::run::Finished;
use std::path::PathBuf;

/// How one scenario ended.
pub(super) struct End {
    name: String,
    title: String,
    pub(super) exit: Exit,
    /// Expectations that hold, and all.
    expected: Option<(usize, usize)>,
    folder: Option<PathBuf>,
}

impl End {
    /// Of a run that has not begun.
    pub(super) fn of(plan: &Plan) -> End {
        End {
            name: plan.scenario.name.to_string(),
            title: plan.scenario.title.clone().unwrap_or_default(),
            exit: Exit::Ok,
            expected: None,
            folder: None,
        }
    }

    pub(super) fn ran(&mut self, finished: &Finished) {
        let all = &finished.results.expectations;
        let holding = all.iter().filter(|one| one.holds).count();
        self.expected = Some((holding, all.len()));
        self.folder = Some(finished.folder.clone());
    }

    fn verdict(&self) -> &'static str {
        match self.exit {
            Exit::Ok if self.expected.is_some_and(|(_, all)| all == 0) => "ran",
            Exit::Ok => "holds",
            Exit::Unexpected | Exit::Regression => "does not hold",
            Exit::InvalidRun => "invalid",
            Exit::Aborted => "stopped",
            Exit::Internal | Exit::Usage => "failed",
        }
    }

    fn count(&self) -> String {
        match self.expected {
            Some((holding, all)) if all > 0 => format!("{holding}/{all}"),
            Some(_) | None => "–".to_owned(),
        }
    }
}

pub(super) fn heading(plan: &Plan) -> String {
    let name = &plan.scenario.name;
    match &plan.scenario.title {
        Some(title) => format!("\n{name}: {title}\n\n"),
        None => format!("\n{name}\n\n"),
    }
}

/// Verdict, expectations that hold, name and title, and where the report is.
pub(super) fn summary(ends: &[End]) -> String {
    let width = |text: fn(&End) -> usize| ends.iter().map(text).max().unwrap_or(0);
    let verdicts = width(|end| end.verdict().chars().count());
    let counts = width(|end| end.count().chars().count());
    let names = width(|end| end.name.chars().count());
    let mut text = String::from("\n");
    for end in ends {
        let line = format!(
            "{:<verdicts$}  {:>counts$}  {:<names$}  {}",
            end.verdict(),
            end.count(),
            end.name,
            end.title
        );
        text.push_str(line.trim_end());
        text.push('\n');
    }
    let held = ends.iter().filter(|end| end.exit == Exit::Ok).count();
    text.push_str(&format!("\n{held} of {} scenarios hold\n", ends.len()));
    let folders = ends.iter().filter_map(|end| end.folder.as_ref());
    for folder in folders {
        text.push_str(&format!("report: {}/report.html\n", folder.display()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scenario_is_a_line() {
        let end = |name: &str, exit, expected, folder: Option<&str>| End {
            name: name.to_owned(),
            title: format!("About {name}"),
            exit,
            expected,
            folder: folder.map(PathBuf::from),
        };
        let ends = [
            end("one", Exit::Ok, Some((3, 3)), Some("reports/one/a")),
            end(
                "three",
                Exit::Unexpected,
                Some((9, 12)),
                Some("reports/three/a"),
            ),
            end("four", Exit::InvalidRun, None, None),
            end("five", Exit::Ok, Some((0, 0)), Some("reports/five/a")),
        ];
        assert_eq!(
            summary(&ends),
            "
holds           3/3  one    About one
does not hold  9/12  three  About three
invalid           –  four   About four
ran               –  five   About five

2 of 4 scenarios hold
report: reports/one/a/report.html
report: reports/three/a/report.html
report: reports/five/a/report.html
"
        );
    }
}
