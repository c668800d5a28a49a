//! Is what was emitted what the scenario declares? [`census`] counts, [`fit`] judges, [`causality`] follows the stories
//! that events tell about one user, session or order.
//!
//! It looks at rendered events, as a target would, and knows the generator only by its declarations.

pub mod causality;
pub mod census;
mod declared;
mod fit;
mod law;
mod observer;
mod probe;
mod shares;

use std::fmt::Write as _;

use crate::run::realism::{Fit, Judgement, Part, Report, Row, RuleRow};

pub use causality::{Causality, Rules};
pub use census::Census;
pub use observer::Observer;

/// A p-value below this is not chance: with the hundred rows of a report, one in ten reports would have one.
const IMPROBABLE: f64 = 0.001;
/// A distance up to this is close, whatever its p-value: with millions of events χ² finds any rounding.
const CLOSE: f64 = 0.01;

impl Judgement {
    /// In a word for tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fits => "fits",
            Self::Close => "close",
            Self::Off => "OFF",
            Self::Unjudged => "",
        }
    }

    fn of_fit(fit: &Fit) -> Self {
        if fit.p_value >= IMPROBABLE {
            Self::Fits
        } else if fit.distance <= CLOSE {
            Self::Close
        } else {
            Self::Off
        }
    }
}

impl Report {
    /// Puts rows together and says what they come to.
    pub fn new(rows: Vec<Row>, causality: Vec<RuleRow>) -> Self {
        let judged = rows.iter().filter(|row| row.judgement != Judgement::Unjudged).count();
        let off: Vec<&str> =
            rows.iter().filter(|row| row.judgement == Judgement::Off).map(|row| row.what.as_str()).collect();
        let broken: u64 = causality.iter().map(|row| row.broken).sum();
        let mut summary = match (judged, off.as_slice()) {
            (0, _) => "nothing was declared that could be judged".to_owned(),
            (1, []) => "the one declared distribution fits".to_owned(),
            (_, []) => format!("all {judged} declared distributions fit"),
            (_, [one]) => format!("1 of {judged} declared distributions is off: {one}"),
            (_, [first, ..]) => format!("{} of {judged} declared distributions are off, the first: {first}", off.len()),
        };
        if !causality.is_empty() {
            let _infallible = match broken {
                0 => write!(summary, "; no event contradicts another"),
                1 => write!(summary, "; 1 event contradicts another"),
                _ => write!(summary, "; {broken} events contradict others"),
            };
        }
        Self { summary, rows, causality, one_in: None }
    }

    /// Whether nothing is off and nothing is contradicted.
    pub fn holds(&self) -> bool {
        self.rows.iter().all(|row| row.judgement != Judgement::Off) && self.causality.iter().all(|row| row.broken == 0)
    }

    /// The report as a table of text.
    pub fn table(&self) -> String {
        let mut lines: Vec<[String; 5]> = vec![["what", "declared", "emitted", "n", "fit"].map(str::to_owned)];
        for row in &self.rows {
            let mut fit = row.judgement.word().to_owned();
            if let Some(distance) = row.distance {
                let _infallible = write!(fit, "  distance {}", percent(distance));
            }
            if let Some(Fit { chi_squared, degrees, p_value, .. }) = row.fit {
                let _infallible = write!(fit, "  χ² {chi_squared:.1} of {degrees}, p {p_value:.3}");
            }
            lines.push([row.what.clone(), String::new(), String::new(), row.count.to_string(), fit.trim().to_owned()]);
            for part in &row.parts {
                let largest = row.parts.iter().map(|part| part.emitted.abs()).fold(0.0, f64::max);
                let show = |value| if row.shares { percent(value) } else { law::aligned(value, largest) };
                let declared = part.declared.map(show).unwrap_or_default();
                lines.push([format!("  {}", part.name), declared, show(part.emitted), String::new(), String::new()]);
            }
        }
        let mut text = columns(&lines);
        if !self.causality.is_empty() {
            let mut lines: Vec<[String; 5]> = vec![["rule", "checked", "broken", "undecided", ""].map(str::to_owned)];
            for row in &self.causality {
                let figures = [row.checked, row.broken, row.undecided].map(|figure| figure.to_string());
                let [checked, broken, undecided] = figures;
                lines.push([row.rule.clone(), checked, broken, undecided, row.example.clone().unwrap_or_default()]);
            }
            text.push('\n');
            text.push_str(&columns(&lines));
        }
        let _infallible = writeln!(text, "\n{}", self.summary);
        text
    }
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 0.095 { format!("{percent:.2} %") } else { format!("{percent:.1} %") }
}

/// Lines up columns: the first and the last to the left, figures to the right.
fn columns(lines: &[[String; 5]]) -> String {
    let mut widths = [0_usize; 5];
    for line in lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for [what, a, b, c, last] in lines {
        let [w0, w1, w2, w3, _] = widths;
        let line = format!("{what:<w0$}  {a:>w1$}  {b:>w2$}  {c:>w3$}  {last}");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_reads_as_a_table_and_a_sentence() {
        let fit = Fit { chi_squared: 1.44, degrees: 2, p_value: 0.487, distance: 0.004 };
        let part = |name: &str, declared, emitted| Part { name: name.to_owned(), declared, emitted };
        let rows = vec![
            Row {
                what: "event mix of shop".to_owned(),
                count: 10_000,
                parts: vec![part("cart.add", Some(0.15), 0.152_3), part("page.view", Some(0.85), 0.847_7)],
                shares: true,
                fit: Some(fit),
                distance: Some(fit.distance),
                judgement: Judgement::of_fit(&fit),
            },
            Row {
                what: "total in order".to_owned(),
                count: 300,
                parts: vec![part("p50", None, 812.5), part("p99", None, 2_301.0)],
                ..Row::default()
            },
        ];
        let rules =
            vec![RuleRow { rule: "no update before its creation".to_owned(), checked: 12, ..RuleRow::default() }];
        let report = Report::new(rows, rules);
        assert!(report.holds());
        insta::assert_snapshot!(report.table(), @r"
        what               declared  emitted      n  fit
        event mix of shop                     10000  fits  distance 0.4 %  χ² 1.4 of 2, p 0.487
          cart.add           15.0 %   15.2 %
          page.view          85.0 %   84.8 %
        total in order                          300
          p50                            812
          p99                           2301

        rule                           checked  broken  undecided
        no update before its creation       12       0          0

        the one declared distribution fits; no event contradicts another
        ");
    }

    #[test]
    fn what_is_off_is_named() {
        let fit = Fit { chi_squared: 90.0, degrees: 1, p_value: 1e-20, distance: 0.2 };
        let row = Row { what: "hour of day".to_owned(), judgement: Judgement::of_fit(&fit), ..Row::default() };
        let report = Report::new(vec![row], Vec::new());
        assert_eq!(report.summary, "1 of 1 declared distributions is off: hour of day");
        assert!(!report.holds());
    }
}
