//! The comparison on a terminal: who is compared, a table a row, and what came of it last, where the
//! eye is.

use super::{Compared, headline, is_main, labels, origin, ratio, reservations, value};
use crate::comparison::{FigureComparison, RowComparison};

pub fn text(compared: &Compared<'_>) -> String {
    let mut out = format!("A: {}\nB: {}\n", origin(&compared.a), origin(&compared.b));
    for (row, label) in compared.comparison.rows.iter().zip(labels(compared)) {
        out.push('\n');
        out.push_str(&table(row, &label));
    }
    out.push_str(&format!("\n{}\n", headline(compared.comparison)));
    for said in reservations(compared.comparison) {
        out.push_str(&said);
        out.push('\n');
    }
    out
}

fn table(row: &RowComparison, label: &str) -> String {
    let label = label.replace(char::is_control, " ");
    let mut lines: Vec<[String; 5]> =
        vec![[&*label, "A", "B", "B / A (95 % interval)", ""].map(str::to_owned)];
    let (shown, others): (Vec<_>, Vec<_>) = row.figures.iter().partition(|f| is_main(f));
    lines.extend(shown.into_iter().map(cells));
    let mut out = aligned(&lines);
    if !others.is_empty() {
        out.push_str(&format!(
            "  {} other figures are neither better nor worse\n",
            others.len()
        ));
    }
    out
}

fn cells(figure: &FigureComparison) -> [String; 5] {
    [
        format!("  {}", figure.label()),
        value(figure, figure.a),
        value(figure, figure.b),
        ratio(figure),
        figure.verdict().to_owned(),
    ]
}

/// Words to the left, numbers to the right.
fn aligned(lines: &[[String; 5]]) -> String {
    let width = |column: usize| {
        let cells = lines.iter().map(|line| line[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: [usize; 4] = std::array::from_fn(width);
    let line = |[name, a, b, ratio, verdict]: &[String; 5]| {
        let [w0, w1, w2, w3] = widths;
        let line = format!("{name:<w0$}  {a:>w1$}  {b:>w2$}  {ratio:>w3$}  {verdict}");
        format!("{}\n", line.trim_end())
    };
    lines.iter().map(line).collect()
}
