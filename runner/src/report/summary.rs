//! The summary of a run that is over.

mod streams;

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use shared::api::TargetAccount;
use shared::metrics::Histogram;
use shared::run::realism::{Judgement, Part, Row};
use shared::run::{Counts, FailureKind, LoadKind, Percentiles, RunResult, VerdictStatus};
use shared::threshold::watch::in_words;
use shared::wording::{bytes, clock, count, latency, rate, share};

use super::sessions::Sessions;
use super::table::Table;
use super::{counted, printable, seconds};

/// The longest piece of an answer that is shown.
const MAX_SHOWN: usize = 160;
/// Rows about realism that are shown.
const MAX_ROWS: usize = 12;
/// The longest bar, in columns, and its last column by eighths.
const MOST_BAR: usize = 44;
const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
/// Quantiles that are named beside the bar they fall into.
const QUANTILES: [(f64, &str); 4] = [(0.5, "p50"), (0.95, "p95"), (0.99, "p99"), (0.999, "p99.9")];

/// The summary as text with terminal styles, for so many columns; `witness` is the practice target's own account, where
/// it was used.
pub fn summary(result: &RunResult, witness: Option<&TargetAccount>, columns: usize) -> String {
    let mut out = String::new();
    write_head(&mut out, result);
    write_counts(&mut out, result, columns);
    write_thresholds(&mut out, result);
    write_expectations(&mut out, result);
    write_latency(&mut out, result, columns);
    write_workloads(&mut out, result);
    write_distribution(&mut out, result, columns);
    write_event_types(&mut out, result, columns);
    write_faults(&mut out, result, columns);
    streams::write_protocols(&mut out, result, columns);
    streams::write_streams(&mut out, result);
    write_failures(&mut out, result, columns);
    write_realism(&mut out, result);
    if let Some(account) = witness {
        write_witness(&mut out, result, account);
    }
    out
}

/// Whether the practice target's account says the same as the result, and if not, in what they differ.
///
/// What the target acknowledged and answered must be what the run counts as succeeded, to the event. Events whose
/// answer was lost are told apart: the target knows that they were accepted, the run cannot know.
pub fn compare_with_witness(result: &RunResult, account: &TargetAccount) -> Result<(), String> {
    let events = &result.totals.events;
    let answered = (account.accepted + account.known).saturating_sub(account.answer_lost);
    // A 409 counts as succeeded only where the scenario says that it means a duplicate.
    let succeeded = events.succeeded.saturating_sub(events.duplicate.min(account.conflicts));
    if answered != succeeded {
        let unanswered = unanswered(result);
        let mut text = format!("the target acknowledged {}, the run counts {}", count(answered), count(succeeded));
        if unanswered > 0 {
            let _written = write!(text, "; {} had no answer and may have been accepted", counted(unanswered, "event"));
        }
        return Err(text);
    }
    // By type only where each event has one name on both sides and each was accepted once.
    let same_names = account.event_types.keys().all(|name| result.event_types.iter().any(|row| row.name == *name));
    if !same_names || account.answer_lost + account.known + events.duplicate > 0 {
        return Ok(());
    }
    for row in &result.event_types {
        let accepted = account.event_types.get(&row.name).copied().unwrap_or(0);
        if accepted != row.events.succeeded && has_certain_types(result) {
            let (name, succeeded) = (&row.name, row.events.succeeded);
            return Err(format!(
                "{name}: the target accepted {}, the run counts {}",
                count(accepted),
                count(succeeded)
            ));
        }
    }
    Ok(())
}

/// Whether the run knows which events were accepted: of a batch that was accepted in part it knows only how many.
fn has_certain_types(result: &RunResult) -> bool {
    result.failures.iter().all(|failure| failure.kind != FailureKind::EventRejected)
}

fn write_head(out: &mut String, result: &RunResult) {
    let info = &result.run.info;
    let profile = info.profile.as_ref().map(|profile| format!(" ({profile})")).unwrap_or_default();
    let bold = Style::new().bold();
    let quiet = Style::new().dimmed();
    let _written =
        writeln!(out, "{bold}{}{profile}{bold:#}  seed {}  {quiet}run {}{quiet:#}", info.scenario, info.seed, info.id);
    let _written = writeln!(
        out,
        "{} after {}  to {}",
        info.state.name(),
        seconds(result.totals.elapsed_seconds),
        info.targets.join(", ")
    );
    let (word, colour) = match result.verdict.status {
        VerdictStatus::Valid => ("valid", AnsiColor::Green),
        VerdictStatus::Degraded => ("degraded", AnsiColor::Yellow),
        VerdictStatus::Invalid => ("invalid", AnsiColor::Red),
    };
    let style = Style::new().bold().fg_color(Some(colour.into()));
    let meaning = match result.verdict.status {
        VerdictStatus::Valid => "the generator kept its schedule",
        VerdictStatus::Degraded => "read the numbers with care",
        VerdictStatus::Invalid => "the generator was the bottleneck: do not judge the target by these numbers",
    };
    let _written = writeln!(out, "verdict: {style}{word}{style:#}, {meaning}");
    for reason in &result.verdict.reasons {
        let _written = writeln!(out, "  - {reason}");
    }
    let yellow = Style::new().fg_color(Some(AnsiColor::Yellow.into()));
    for warning in &info.warnings {
        let _written = writeln!(out, "{yellow}warning{yellow:#}: {warning}");
    }
    let events = &result.totals.events;
    let unchecked = result.run.scenario["checks"].as_array().is_none_or(Vec::is_empty);
    if events.sent > 0 && events.succeeded == 0 && unchecked {
        let _written = writeln!(
            out,
            "{yellow}note{yellow:#}: nothing was accepted, and no check says that this is wrong: add --threshold \
             'error_rate<1%' for an exit code of 1"
        );
    }
}

/// What answers had to be like, and what compression did.
fn write_expectations(out: &mut String, result: &RunResult) {
    let (green, red) = (AnsiColor::Green, AnsiColor::Red);
    for expectation in &result.expectations {
        let (word, colour) = if expectation.passed { ("holds", green) } else { ("fails", red) };
        let style = Style::new().fg_color(Some(colour.into()));
        let (failed, answers) = (count(expectation.failed), counted(expectation.answers, "answer"));
        let _written = write!(out, "\n{style}{word}{style:#} {}: {failed} of {answers} not so", expectation.name);
        if let Some(reason) = &expectation.reason {
            let _written = write!(out, ", such as: {}", one_line(reason));
        }
    }
    if !result.expectations.is_empty() {
        out.push('\n');
    }
    let compressed = &result.compressed;
    if compressed.requests > 0 {
        let each = compressed.cost_us as f64 / compressed.requests as f64;
        let _written = writeln!(
            out,
            "\nbodies compressed from {} to {}, {} of processor time each",
            bytes(compressed.bytes_before),
            bytes(compressed.bytes_after),
            latency(each)
        );
    }
}

fn write_counts(out: &mut String, result: &RunResult, columns: usize) {
    let totals = &result.totals;
    let mut table = Table::new(&["", "offered", "sent", "succeeded", "failed", "retried", "late", "dropped"]);
    for (name, counts) in [("events", &totals.events), ("requests", &totals.requests)] {
        let Counts { offered, sent, succeeded, failed, retried, late, dropped, .. } = *counts;
        let cells = [offered, sent, succeeded, failed, retried, late, dropped].map(count);
        table.row(std::iter::once(name.to_owned()).chain(cells));
    }
    section(out, table, columns);
    let _written = writeln!(
        out,
        "\nachieved {} of events, {} failed, {} sent, {} received",
        rate(totals.events_per_second),
        share(totals.error_rate),
        bytes(totals.bytes.sent),
        bytes(totals.bytes.received)
    );
    if let Some(sessions) = Sessions::of(&result.run.scenario).counted(&result.event_types) {
        let _written = writeln!(
            out,
            "{} completed, {} still active at the end",
            counted(sessions.completed, "session"),
            count(sessions.active)
        );
    }
    let Counts { duplicate, throttled, .. } = totals.events;
    if duplicate + throttled > 0 {
        let _written =
            writeln!(out, "{} already known to the target, {} throttled", count(duplicate), count(throttled));
    }
}

/// What was made to go wrong on purpose.
fn write_faults(out: &mut String, result: &RunResult, columns: usize) {
    if result.faults.is_empty() {
        return;
    }
    let mut table = Table::new(&["fault", "planned", "applied", ""]);
    for row in &result.faults {
        table.row([row.kind.name().to_owned(), count(row.planned), count(row.applied), row.kind.label().to_owned()]);
    }
    section(out, table, columns);
    let withheld = result.totals.events.withheld;
    if withheld > 0 {
        let _written =
            writeln!(out, "{} kept back on purpose: offered, never sent, not failed", counted(withheld, "event"));
    }
}

fn write_thresholds(out: &mut String, result: &RunResult) {
    if !result.thresholds.is_empty() {
        out.push('\n');
    }
    for threshold in &result.thresholds {
        let (sign, colour) = match (threshold.passed, threshold.required) {
            (true, _) => ("✓", AnsiColor::Green),
            (false, true) => ("✗", AnsiColor::Red),
            (false, false) => ("!", AnsiColor::Yellow),
        };
        let style = Style::new().bold().fg_color(Some(colour.into()));
        let observed = match (&threshold.reason, threshold.observed) {
            (Some(reason), _) => reason.clone(),
            (None, Some(observed)) => in_words(observed, threshold.unit),
            (None, None) => "nothing was measured".to_owned(),
        };
        let worst = match (threshold.worst, threshold.worst_at_seconds) {
            (Some(worst), Some(at)) => format!(", at worst {} at {}", in_words(worst, threshold.unit), clock(at)),
            (Some(_) | None, _) => String::new(),
        };
        let _written = writeln!(out, "{style}{sign}{style:#} {}: {observed}{worst}", threshold.threshold);
    }
}

fn write_latency(out: &mut String, result: &RunResult, columns: usize) {
    let mut table = Table::new(&["latency", "mean", "p50", "p90", "p95", "p99", "p99.9", "max"]);
    let times = &result.latency;
    let rows = [
        ("response time", &times.response_time),
        ("service time", &times.service_time),
        ("send lag", &times.send_lag),
        ("connect", &times.connect),
        ("TLS", &times.tls),
        ("end to end", &times.delivery),
    ];
    for (name, distribution) in rows {
        let Percentiles { count, mean_us, p50_us, p90_us, p95_us, p99_us, p999_us, max_us, .. } =
            distribution.percentiles;
        if count > 0 {
            let cells = [p50_us, p90_us, p95_us, p99_us, p999_us, max_us].map(|us| latency(us as f64));
            table.row([name.to_owned(), latency(mean_us)].into_iter().chain(cells));
        }
    }
    section(out, table, columns);
}

/// What response times mean where the target decided how much was sent.
fn write_workloads(out: &mut String, result: &RunResult) {
    for row in &result.workloads {
        let at_once = row.at_once.unwrap_or(0);
        let meaning = match row.load {
            LoadKind::Open => continue,
            LoadKind::Users => format!(
                "{} waited for their answers: response times begin when a user was ready, a slow target was asked less",
                counted(at_once, "user")
            ),
            LoadKind::Concurrency => format!(
                "{} at once, the next when one was answered: response time is service time, a slow target was asked \
                 less",
                counted(at_once, "request")
            ),
        };
        let _written = writeln!(out, "{}: {meaning}", row.name);
    }
}

/// The response times as bars, one for each stretch of latency.
fn write_distribution(out: &mut String, result: &RunResult, columns: usize) {
    let Ok(times) = Histogram::from_base64(&result.latency.response_time.hdr) else { return };
    let bars = bars(&times);
    let Some(most) = bars.iter().map(|bar| bar.count).max().filter(|_| bars.len() > 1) else { return };
    let quiet = Style::new().dimmed();
    let _written = writeln!(out, "\n{quiet}response times of {}{quiet:#}", counted(times.count(), "answer"));
    let room = columns.saturating_sub(34).clamp(8, MOST_BAR);
    for bar in &bars {
        let eighths = (bar.count as f64 / most as f64 * room as f64 * 8.0).round() as usize;
        let mut drawn = "█".repeat(eighths / 8);
        // The shortest bar is still there: an outlier is the reason to look.
        if let Some(part) = EIGHTHS.get(eighths % 8).filter(|_| !eighths.is_multiple_of(8)) {
            drawn.push(*part);
        } else if eighths == 0 {
            drawn.push(EIGHTHS[1]);
        }
        let named: Vec<&str> = QUANTILES
            .into_iter()
            .filter(|(quantile, _)| bar.holds(times.quantile_us(*quantile)))
            .map(|(_, name)| name)
            .collect();
        let part = share(bar.count as f64 / times.count() as f64);
        let line = format!("{:>9}  {drawn:<room$}  {part:>7}  {}", latency(bar.to as f64), named.join(" "));
        let _written = writeln!(out, "{}", line.trim_end());
    }
}

/// A stretch of latency with how many answers it holds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Bar {
    from: u64,
    to: u64,
    count: u64,
}

impl Bar {
    fn holds(&self, micros: u64) -> bool {
        (self.from..=self.to).contains(&micros) && self.count > 0
    }
}

/// The distribution cut at 1, 2 and 5 times the powers of ten, or at the powers alone where that would be too many.
fn bars(times: &Histogram) -> Vec<Bar> {
    let (low, high) = (times.quantile_us(0.0).max(1), times.quantile_us(1.0).max(1));
    let digits: &[u64] = if high / low > 20_000 { &[1] } else { &[1, 2, 5] };
    let mut edges: Vec<u64> = Vec::new();
    for power in 0..=9 {
        edges.extend(digits.iter().map(|digit| digit * 10_u64.pow(power)));
    }
    let mut bars: Vec<Bar> = edges.windows(2).map(|pair| Bar { from: pair[0] + 1, to: pair[1], count: 0 }).collect();
    bars.insert(0, Bar { from: 0, to: 1, count: 0 });
    for (value, count) in times.recorded() {
        // Values stand for all that three digits do not tell apart, by the largest: an edge itself belongs below it.
        let (lowest, _) = times.alike_us(value);
        if let Some(bar) = bars.iter_mut().find(|bar| lowest <= bar.to) {
            bar.count += count;
        }
    }
    let first = bars.iter().position(|bar| bar.count > 0).unwrap_or(0);
    let last = bars.iter().rposition(|bar| bar.count > 0).unwrap_or(0);
    bars.get(first..=last).map(<[Bar]>::to_vec).unwrap_or_default()
}

fn write_event_types(out: &mut String, result: &RunResult, columns: usize) {
    let mut table = Table::new(&["event type", "sent", "share", "declared", "failed", "p50", "p99"]);
    for row in &result.event_types {
        table.row([
            row.name.clone(),
            count(row.events.sent),
            share(row.actual_share),
            row.declared_share.map_or_else(String::new, share),
            count(row.events.failed),
            latency(row.response_time.p50_us as f64),
            latency(row.response_time.p99_us as f64),
        ]);
    }
    section(out, table, columns);
}

fn write_failures(out: &mut String, result: &RunResult, columns: usize) {
    let mut table = Table::new(&["failures", "events", "first", "last"]);
    for failure in &result.failures {
        table.row([
            failure.kind.label().to_owned(),
            count(failure.count),
            seconds(failure.first_seconds),
            seconds(failure.last_seconds),
        ]);
    }
    section(out, table, columns);
    for failure in &result.failures {
        let Some(sample) = &failure.sample else { continue };
        let status = match (sample.status, failure.kind) {
            (Some(status), _) => status.to_string(),
            // Messages on streams are answered without a status.
            (None, FailureKind::ErrorAnswer | FailureKind::Throttled) => "answered".to_owned(),
            (None, _) => "no answer".to_owned(),
        };
        let answer = one_line(&sample.answer_body);
        let _written = writeln!(out, "  {}: {} -> {status} {answer}", failure.kind.label(), sample.request);
    }
}

/// What was declared against what was emitted: a line for each, those that are off with the part that is.
fn write_realism(out: &mut String, result: &RunResult) {
    let Some(report) = &result.realism else { return };
    let sample = report.one_in.map(|one_in| format!(", looking at one story in {one_in}")).unwrap_or_default();
    let colour = if report.holds() { AnsiColor::Green } else { AnsiColor::Red };
    let style = Style::new().fg_color(Some(colour.into()));
    let _written = writeln!(out, "\nrealism: {style}{}{style:#}{sample}", report.summary);
    let mut table = Table::new(&["declared", "events", "distance", "p", "", "farthest off"]);
    let judged = |row: &&Row| row.judgement != Judgement::Unjudged;
    let mut rows: Vec<&Row> = report.rows.iter().filter(judged).collect();
    rows.sort_by_key(|row| row.judgement != Judgement::Off);
    for row in rows.iter().take(MAX_ROWS) {
        let gap = |part: &Part| (part.emitted - part.declared.unwrap_or(part.emitted)).abs();
        let worst = row.parts.iter().max_by(|one, other| gap(one).total_cmp(&gap(other)));
        let worst = worst.filter(|part| gap(part) > 0.0).map_or_else(String::new, |part| {
            let declared = share(part.declared.unwrap_or(part.emitted));
            format!("{} {} for {declared}", one_line(&part.name), share(part.emitted))
        });
        table.row([
            one_line(&row.what),
            count(row.count),
            row.distance.map_or_else(String::new, share),
            row.fit.map_or_else(String::new, |fit| format!("{:.3}", fit.p_value)),
            row.judgement.word().to_owned(),
            worst,
        ]);
    }
    if !table.is_empty() {
        table.write(out, Style::new().dimmed());
    }
    if rows.len() > MAX_ROWS {
        let _written = writeln!(out, "and {} more, see the results", counted((rows.len() - MAX_ROWS) as u64, "row"));
    }
    for rule in report.causality.iter().filter(|rule| rule.broken > 0) {
        let example = rule.example.as_deref().map(one_line).unwrap_or_default();
        let _written =
            writeln!(out, "broken {} of {}: {} {example}", count(rule.broken), count(rule.checked), rule.rule);
    }
}

fn write_witness(out: &mut String, result: &RunResult, account: &TargetAccount) {
    let parts = [
        (account.rejected, "rejected"),
        (account.throttled, "throttled"),
        (account.failed, "failed on purpose"),
        (account.dropped, "dropped on purpose"),
        (account.known, "known already"),
        (account.conflicts, "answered 409"),
        (account.answer_lost, "accepted without an answer"),
        (account.unreadable, "unreadable"),
        (account.overlapping, "changed by two at a time"),
        (account.out_of_order, "gone backwards"),
        (account.forgotten, "forgotten on purpose"),
        (account.kept_twice, "kept twice on purpose"),
        (account.corrupted, "corrupted on purpose"),
        (account.reordered, "reordered on purpose"),
        (account.phantoms, "made up on purpose"),
    ];
    let mut text = format!("practice target: {} accepted", count(account.accepted));
    for (number, word) in parts {
        if number > 0 {
            let _written = write!(text, ", {} {word}", count(number));
        }
    }
    if account.users > 0 {
        let _written = write!(text, ", {}", counted(account.users, "user"));
    }
    let green = Style::new().fg_color(Some(AnsiColor::Green.into()));
    let red = Style::new().fg_color(Some(AnsiColor::Red.into()));
    let _written = match compare_with_witness(result, account) {
        Ok(()) => writeln!(out, "\n{text}: {green}agrees{green:#}"),
        Err(difference) => writeln!(out, "\n{text}: {red}differs{red:#} ({difference})"),
    };
}

/// Events whose request left, but whose answer never came.
fn unanswered(result: &RunResult) -> u64 {
    result.failures.iter().filter(|failure| failure.kind.may_have_arrived()).map(|failure| failure.count).sum()
}

fn section(out: &mut String, table: Table, columns: usize) {
    if !table.is_empty() {
        out.push('\n');
        table.fitting(columns).write(out, Style::new().dimmed());
    }
}

/// The beginning of a text that a target sent, harmless for a terminal.
fn one_line(text: &str) -> String {
    let mut line: String = printable(&text.chars().take(MAX_SHOWN).collect::<String>());
    if text.chars().nth(MAX_SHOWN).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example;

    #[test]
    fn every_answer_is_in_one_bar() {
        let mut times = Histogram::new();
        for value in [1, 20, 20, 999, 1_000, 1_001, 40_000] {
            times.record(value);
        }
        let bars = bars(&times);
        assert_eq!(bars.iter().map(|bar| bar.count).sum::<u64>(), 7);
        let found = |to: u64| bars.iter().find(|bar| bar.to == to).map(|bar| bar.count);
        assert_eq!((found(1), found(1_000), found(100_000)), (Some(1), Some(2), Some(1)));
    }

    #[test]
    fn a_summary_fits_the_terminal_and_draws_the_times() {
        for columns in [48, 80, 160] {
            let text = anstream::adapter::strip_str(&summary(&example::frozen(), None, columns)).to_string();
            let tables = text.lines().filter(|line| line.contains('█') || line.starts_with("events  "));
            for line in tables {
                assert!(line.chars().count() <= columns, "{line}");
            }
            assert!(text.contains("response times of") && text.contains("p50") && text.contains('█'), "{text}");
            assert!(text.contains("offered"), "{text}");
        }
    }
}
