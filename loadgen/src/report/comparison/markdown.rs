//! The comparison for a pull request: the verdict first, then what changed, all figures folded away.

use super::super::markdown::escape;
use super::{
    Compared, headline, is_main, labels, origin, p, ratio, reservations, value, was_found,
};
use crate::comparison::{FigureComparison, Finding};

pub fn markdown(compared: &Compared<'_>) -> String {
    let title = escape(super::super::title(compared.b.results));
    let mut out = format!("## {title}: B against A\n\n");
    out.push_str(&format!("**{}**\n\n", headline(compared.comparison)));
    for (side, run) in [("A", &compared.a), ("B", &compared.b)] {
        out.push_str(&format!("- {side}: {}\n", escape(&origin(run))));
    }
    out.push('\n');
    out.push_str(&forced(compared));
    let changed = table(compared, was_found);
    out.push_str(changed.as_deref().unwrap_or_default());
    if let Some(main) = table(compared, |figure| is_main(figure) && !was_found(figure)) {
        out.push_str(&folded("Main figures without a difference", &main));
    }
    if let Some(all) = table(compared, |_| true) {
        out.push_str(&folded("All figures", &all));
    }
    for said in reservations(compared.comparison) {
        out.push_str(&format!("<sub>{}</sub>\n", escape(&said)));
    }
    out
}

fn forced(compared: &Compared<'_>) -> String {
    if compared.differences.is_empty() {
        return String::new();
    }
    let mut out = "> **Compared by force although the runs differ (A | B):**\n".to_owned();
    for difference in compared.differences {
        out.push_str(&format!("> - {}\n", escape(&difference.to_string())));
    }
    out.push('\n');
    out
}

/// `None` where no figure is wanted.
fn table(compared: &Compared<'_>, wanted: fn(&FigureComparison) -> bool) -> Option<String> {
    let mut lines = String::new();
    for (row, label) in compared.comparison.rows.iter().zip(labels(compared)) {
        for figure in row.figures.iter().filter(|figure| wanted(figure)) {
            lines.push_str(&line(&label, figure));
        }
    }
    let head = "| transport | figure | A | B | B / A (95 % interval) | p, corrected | |\n\
                |:--|:--|--:|--:|--:|--:|:--|\n";
    (!lines.is_empty()).then(|| format!("{head}{lines}\n"))
}

fn line(label: &str, figure: &FigureComparison) -> String {
    let verdict = match figure.finding {
        Finding::Worse => format!("**{}**", figure.verdict()),
        Finding::Better
        | Finding::NoDifference
        | Finding::TooFewRepeats
        | Finding::TooFewSamples
        | Finding::OnlyInA
        | Finding::OnlyInB => figure.verdict().to_owned(),
    };
    let cells = [
        escape(label),
        figure.label(),
        value(figure, figure.a),
        value(figure, figure.b),
        ratio(figure),
        p(figure),
        verdict,
    ];
    format!("| {} |\n", cells.join(" | "))
}

fn folded(summary: &str, content: &str) -> String {
    format!("<details><summary>{summary}</summary>\n\n{content}</details>\n\n")
}
