//! Two runs beside each other, for a terminal.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use shared::compare::{Comparison, Difference, Estimate, FigureComparison};
use shared::run::FigureUnit;
use shared::threshold::watch::in_words;
use shared::wording;

use super::table::Table;

/// The comparison as text with terminal styles: what it comes to, figure by figure, what to bear in mind.
pub fn comparison(comparison: &Comparison) -> String {
    let (word, colour) = match comparison.verdict {
        Difference::Better => ("better", AnsiColor::Green),
        Difference::Worse => ("worse", AnsiColor::Red),
        Difference::NoRealDifference => ("no real difference", AnsiColor::Green),
        Difference::NotComparable => ("not comparable", AnsiColor::Yellow),
    };
    let style = Style::new().bold().fg_color(Some(colour.into()));
    let mut out = String::new();
    let _written = writeln!(out, "{} against {}: {style}{word}{style:#}", comparison.candidate, comparison.baseline);
    let _written = writeln!(out, "{}\n", comparison.summary);
    let mut table = Table::new(&["figure", "baseline", "candidate", "change", "interval of the change", "verdict"]);
    for figure in &comparison.figures {
        table.row(line(figure));
    }
    table.write(&mut out, Style::new().dimmed());
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for figure in &comparison.figures {
        let Some(reason) = &figure.reason else { continue };
        match reasons.iter_mut().find(|(known, _)| known == reason) {
            Some((_, labels)) => labels.push(&figure.label),
            None => reasons.push((reason, vec![&figure.label])),
        }
    }
    if !reasons.is_empty() || !comparison.notes.is_empty() {
        out.push('\n');
    }
    for (reason, labels) in reasons {
        let _written = writeln!(out, "  - {}: {reason}", labels.join(", "));
    }
    for note in &comparison.notes {
        let _written = writeln!(out, "  - {note}");
    }
    let _written = writeln!(
        out,
        "\nintervals hold the truth in {} of runs like these; what one pair cannot show is how much the same test \
         differs from day to day",
        wording::share(comparison.confidence)
    );
    out
}

fn line(figure: &FigureComparison) -> [String; 6] {
    let say = |value: f64| in_words(value, figure.unit);
    let value = |estimate: &Option<Estimate>| estimate.map_or_else(|| "–".to_owned(), |estimate| say(estimate.value));
    let signed = |value: f64| format!("{}{}", if value > 0.0 { "+" } else { "" }, say(value));
    let change = match (figure.relative, figure.difference) {
        (Some(relative), Some(_)) if figure.unit != FigureUnit::Ratio => {
            format!("{}{}", if relative > 0.0 { "+" } else { "" }, wording::share(relative))
        }
        (_, Some(difference)) => signed(difference.value),
        (_, None) => "–".to_owned(),
    };
    let interval = figure
        .difference
        .map_or_else(String::new, |difference| format!("{} … {}", signed(difference.low), signed(difference.high)));
    let verdict = match figure.verdict {
        Difference::Better => "better",
        Difference::Worse => "WORSE",
        Difference::NoRealDifference => "same",
        Difference::NotComparable => "?",
    };
    [figure.label.clone(), value(&figure.baseline), value(&figure.candidate), change, interval, verdict.to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;
    use shared::compare::{CompareOptions, compare};

    #[test]
    fn a_run_against_itself_shows_every_figure_and_no_difference() {
        let run = example::frozen();
        let text =
            anstream::adapter::strip_str(&comparison(&compare(&run, &run, CompareOptions::default()))).to_string();
        assert!(text.contains("no real difference"), "{text}");
        for figure in ["throughput", "error rate", "p99.9 response time", "p50 service time"] {
            assert!(text.contains(figure), "{text}");
        }
        assert!(!text.contains("WORSE") && text.contains("day to day"), "{text}");
    }
}
