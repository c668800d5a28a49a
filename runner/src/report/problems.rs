//! Problems of a scenario the way a compiler shows them: the sentence, the place, the line with a caret, the hint.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use shared::problem::{Problem, Severity};
use shared::scenario::secret::hidden_line;

use super::counted;

/// The longest piece of a line that is shown.
const MAX_SHOWN: usize = 120;

/// Writes every problem and a closing count; `text_of` gives the text of a source by its name.
pub fn problems(problems: &[Problem], text_of: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    for problem in problems {
        write_problem(&mut out, problem, text_of);
        out.push('\n');
    }
    let errors = problems.iter().filter(|problem| problem.is_error()).count() as u64;
    let warnings = problems.len() as u64 - errors;
    let counts: Vec<String> = [(errors, "error"), (warnings, "warning")]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(n, w)| counted(n, w))
        .collect();
    if !counts.is_empty() {
        let _written = writeln!(out, "{}", counts.join(", "));
    }
    out
}

fn write_problem(out: &mut String, problem: &Problem, text_of: &dyn Fn(&str) -> Option<String>) {
    let (word, colour) = match problem.severity {
        Severity::Error => ("error", AnsiColor::Red),
        Severity::Warning => ("warning", AnsiColor::Yellow),
    };
    let loud = Style::new().bold().fg_color(Some(colour.into()));
    let bold = Style::new().bold();
    let quiet = Style::new().fg_color(Some(AnsiColor::Blue.into())).bold();
    // Writing to a string cannot fail.
    let _written = writeln!(out, "{loud}{word}{loud:#}{bold}: {}{bold:#}", problem.message);
    let gutter = problem.line.map_or(0, |line| line.to_string().len());
    let indent = " ".repeat(gutter);
    match (&problem.source, problem.line, problem.column) {
        (source, Some(line), Some(column)) => {
            let name = source.as_deref().unwrap_or("scenario");
            let _written = writeln!(out, "{indent}{quiet}-->{quiet:#} {name}:{line}:{column}");
            let text = source.as_deref().and_then(text_of);
            if let Some(text) = text.as_deref().and_then(|text| text.lines().nth(line.saturating_sub(1) as usize)) {
                let (text, column) = window(&hidden_line(text), column as usize);
                let caret = " ".repeat(column.saturating_sub(1));
                let _written = writeln!(out, "{indent} {quiet}|{quiet:#}");
                let _written = writeln!(out, "{quiet}{line} |{quiet:#} {text}");
                let _written = writeln!(out, "{indent} {quiet}|{quiet:#} {caret}{loud}^{loud:#}");
            }
        }
        (Some(source), _, _) => {
            let _written = writeln!(out, "{indent}{quiet}-->{quiet:#} {source}");
        }
        (None, _, _) => {}
    }
    if !problem.path.is_empty() {
        let _written = writeln!(out, "{indent} {quiet}={quiet:#} at: {}", problem.path);
    }
    if let Some(hint) = &problem.hint {
        let _written = writeln!(out, "{indent} {quiet}={quiet:#} help: {hint}");
    }
}

/// The part of a long line around a column (from 1), and the column in it; tabs become single spaces.
fn window(line: &str, column: usize) -> (String, usize) {
    let plain = |character: char| if character.is_control() { ' ' } else { character };
    let length = line.chars().count();
    if length <= MAX_SHOWN {
        return (line.chars().map(plain).collect(), column);
    }
    let start = column.saturating_sub(MAX_SHOWN / 2).min(length - MAX_SHOWN);
    (line.chars().skip(start).take(MAX_SHOWN).map(plain).collect(), column - start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(found: &[Problem], text: &str) -> String {
        anstream::adapter::strip_str(&problems(found, &|_| Some(text.to_owned()))).to_string()
    }

    #[test]
    fn a_problem_shows_its_line_and_points_at_the_place() {
        let found = [
            Problem::error("load.rate", "a rate must be above zero").with_hint("write 10/s").with_place(
                Some("shop.yaml"),
                2,
                9,
            ),
            Problem::warning("", "nothing is declared"),
        ];
        assert_eq!(
            plain(&found, "load:\n  rate: 0/s\n"),
            "error: a rate must be above zero\n --> shop.yaml:2:9\n  |\n2 |   rate: 0/s\n  |         ^\n  = at: load.rate\n  \
             = help: write 10/s\n\nwarning: nothing is declared\n\n1 error, 1 warning\n"
        );
    }

    #[test]
    fn a_long_line_is_shown_around_the_place() {
        let line = format!("{}X{}", "a".repeat(500), "b".repeat(500));
        let text = plain(&[Problem::error("x", "wrong").with_place(Some("s"), 1, 501)], &line);
        let shown: Vec<&str> = text.lines().collect();
        let caret = shown[4].find('^').unwrap();
        assert_eq!(&shown[3][caret..=caret], "X");
        assert!(shown[3].len() < 130);
    }
}
