//! What came of a delivery audit, for a terminal.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use shared::run::audit::{AuditResult, Finding};
use shared::wording::count;

use super::printable;
use super::table::Table;

/// An audit's outcome, for people.
pub fn described(result: &AuditResult) -> String {
    let mut out = String::new();
    let (ledger, sink) = (&result.ledger, &result.sink);
    let _written = writeln!(out, "audit of run {} ({}, seed {})", result.run, result.scenario, result.seed);
    let _written = writeln!(
        out,
        "ledger: {} events, {} acknowledged, {} refused, {} in doubt",
        count(ledger.events),
        count(ledger.acknowledged),
        count(ledger.refused),
        count(ledger.in_doubt)
    );
    let _written =
        writeln!(out, "sink:   {} events, {} unreadable, {}\n", count(sink.events), count(sink.unreadable), sink.what);
    let mut table = Table::new(&["finding", "events", "for example"]);
    table.row(["sound".to_owned(), count(result.sound), String::new()]);
    for finding in [
        Finding::Lost,
        Finding::Duplicate,
        Finding::Phantom,
        Finding::Corrupted,
        Finding::Reordered,
        Finding::RefusedYetHeld,
        Finding::InDoubtHeld,
        Finding::InDoubtMissing,
    ] {
        let example = result.examples.get(&finding).and_then(|examples| examples.first());
        let example = example.map_or_else(String::new, |example| match &example.note {
            Some(note) => format!("{}, {note}", glance(&example.event_id)),
            None => glance(&example.event_id),
        });
        table.row([finding.label().to_owned(), count(result.count(finding)), example]);
    }
    table.write(&mut out, Style::new().dimmed());
    for note in &result.notes {
        let _written = writeln!(out, "\n{note}");
    }
    if result.duplicates_after_lost_answers > 0 {
        let _written = writeln!(
            out,
            "\n{} of the duplicates were sent again after an answer was lost",
            count(result.duplicates_after_lost_answers)
        );
    }
    if result.duplicates_sent_on_purpose > 0 {
        let _written = writeln!(
            out,
            "\n{} of the duplicates were sent more than once on purpose, as a fault of the scenario",
            count(result.duplicates_sent_on_purpose)
        );
    }
    let (word, colour) =
        if result.passed { ("the sink agrees", AnsiColor::Green) } else { ("the sink differs", AnsiColor::Red) };
    let style = Style::new().bold().fg_color(Some(colour.into()));
    let _written = writeln!(out, "\n{style}{word}{style:#}");
    out
}

/// What a sink calls an event, cut.
fn glance(text: &str) -> String {
    printable(&text.chars().take(64).collect::<String>())
}
