//! Failed events per second, stacked by kind.

use shared::run::FailureKind;

use crate::charts::spec::{ChartSpec, Content, LineSpec, Measure, Value};
use crate::format;
use crate::state::limits;

/// Colours of the stack; kinds beyond them begin again.
const COLOURS: [&str; 8] =
    ["--stack-1", "--stack-2", "--stack-3", "--stack-4", "--stack-5", "--stack-6", "--stack-7", "--stack-8"];

/// One line per kind, in the order in which they are stacked.
const LINES: [LineSpec; FailureKind::ALL.len()] = {
    const NONE: LineSpec = LineSpec {
        name: "",
        colour: COLOURS[0],
        dashed: false,
        filled: true,
        value: Value::Failures(FailureKind::Timeout),
    };
    let mut lines = [NONE; FailureKind::ALL.len()];
    let mut index = 0;
    while index < lines.len() {
        let kind = FailureKind::ALL[index];
        lines[index].name = kind.label();
        lines[index].colour = COLOURS[index % COLOURS.len()];
        lines[index].value = Value::Failures(kind);
        index += 1;
    }
    lines
};

/// The chart.
pub(crate) static FAILURES: ChartSpec = ChartSpec {
    id: "failures",
    title: "Failures",
    note: "events per second, by kind",
    measure: Measure::Rate,
    content: Content::Stack,
    lines: &LINES,
    limits: limits::none,
    named_ends: false,
    summary: |board| {
        let failures = board.failures();
        if failures.is_empty() {
            return "No event has failed.".to_owned();
        }
        let kinds: Vec<String> =
            failures.iter().map(|(kind, count)| format!("{} {}", format::count(*count), kind.label())).collect();
        format!("{} failed: {}.", format::counted(board.snapshot.events.failed, "event"), kinds.join(", "))
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_failure_has_its_own_line() {
        for (line, kind) in LINES.iter().zip(FailureKind::ALL) {
            assert_eq!(line.name, kind.label());
            assert!(matches!(line.value, Value::Failures(of) if of == kind));
        }
        assert!(LINES.len() <= 32, "hidden lines are kept as bits of a u32");
    }
}
