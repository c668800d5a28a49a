//! The summary of a run that is over.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use shared::api::TargetAccount;
use shared::run::{Counts, FailureKind, LoadKind, Percentiles, RunResult, VerdictStatus};
use shared::threshold::watch::in_words;
use shared::wording::{bytes, clock, count, latency, rate, share};

use super::table::Table;
use super::{counted, seconds};

/// The longest piece of an answer that is shown.
const MAX_SHOWN: usize = 160;

/// The summary as text with terminal styles; `witness` is the practice target's own account, where it was used.
pub fn summary(result: &RunResult, witness: Option<&TargetAccount>) -> String {
    let mut out = String::new();
    write_head(&mut out, result);
    write_counts(&mut out, result);
    write_thresholds(&mut out, result);
    write_latency(&mut out, result);
    write_workloads(&mut out, result);
    write_event_types(&mut out, result);
    write_faults(&mut out, result);
    write_failures(&mut out, result);
    if let Some(account) = witness {
        write_witness(&mut out, result, account);
    }
    out
}

/// Whether the practice target's account says the same as the result, and if not, in what they differ.
pub fn compare_with_witness(result: &RunResult, account: &TargetAccount) -> Result<(), String> {
    let events = &result.totals.events;
    if account.accepted != events.succeeded {
        let unanswered = unanswered(result);
        let mut text =
            format!("the target accepted {}, the run counts {}", count(account.accepted), count(events.succeeded));
        if unanswered > 0 {
            let _written = write!(text, "; {} had no answer and may have been accepted", counted(unanswered, "event"));
        }
        return Err(text);
    }
    for row in &result.event_types {
        let accepted = account.event_types.get(&row.name).copied().unwrap_or(0);
        if accepted != row.events.succeeded {
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
}

fn write_counts(out: &mut String, result: &RunResult) {
    let totals = &result.totals;
    let mut table = Table::new(&["", "offered", "sent", "succeeded", "failed", "retried", "late", "dropped"]);
    for (name, counts) in [("events", &totals.events), ("requests", &totals.requests)] {
        let Counts { offered, sent, succeeded, failed, retried, late, dropped, .. } = *counts;
        let cells = [offered, sent, succeeded, failed, retried, late, dropped].map(count);
        table.row(std::iter::once(name.to_owned()).chain(cells));
    }
    section(out, &table);
    let _written = writeln!(
        out,
        "\nachieved {} of events, {} failed, {} sent, {} received",
        rate(totals.events_per_second),
        share(totals.error_rate),
        bytes(totals.bytes.sent),
        bytes(totals.bytes.received)
    );
    let Counts { duplicate, throttled, .. } = totals.events;
    if duplicate + throttled > 0 {
        let _written =
            writeln!(out, "{} already known to the target, {} throttled", count(duplicate), count(throttled));
    }
}

/// What was made to go wrong on purpose.
fn write_faults(out: &mut String, result: &RunResult) {
    if result.faults.is_empty() {
        return;
    }
    let mut table = Table::new(&["fault", "planned", "applied", ""]);
    for row in &result.faults {
        table.row([row.kind.name().to_owned(), count(row.planned), count(row.applied), row.kind.label().to_owned()]);
    }
    section(out, &table);
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

fn write_latency(out: &mut String, result: &RunResult) {
    let mut table = Table::new(&["latency", "mean", "p50", "p90", "p95", "p99", "p99.9", "max"]);
    let times = &result.latency;
    let rows = [
        ("response time", &times.response_time),
        ("service time", &times.service_time),
        ("send lag", &times.send_lag),
        ("connect", &times.connect),
        ("TLS", &times.tls),
    ];
    for (name, distribution) in rows {
        let Percentiles { count, mean_us, p50_us, p90_us, p95_us, p99_us, p999_us, max_us, .. } =
            distribution.percentiles;
        if count > 0 {
            let cells = [p50_us, p90_us, p95_us, p99_us, p999_us, max_us].map(|us| latency(us as f64));
            table.row([name.to_owned(), latency(mean_us)].into_iter().chain(cells));
        }
    }
    section(out, &table);
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

fn write_event_types(out: &mut String, result: &RunResult) {
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
    section(out, &table);
}

fn write_failures(out: &mut String, result: &RunResult) {
    let mut table = Table::new(&["failures", "events", "first", "last"]);
    for failure in &result.failures {
        table.row([
            failure.kind.label().to_owned(),
            count(failure.count),
            seconds(failure.first_seconds),
            seconds(failure.last_seconds),
        ]);
    }
    section(out, &table);
    for failure in &result.failures {
        let Some(sample) = &failure.sample else { continue };
        let status = sample.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
        let answer = one_line(&sample.answer_body);
        let _written = writeln!(out, "  {}: {} -> {status} {answer}", failure.kind.label(), sample.request);
    }
}

fn write_witness(out: &mut String, result: &RunResult, account: &TargetAccount) {
    let parts = [
        (account.rejected, "rejected"),
        (account.throttled, "throttled"),
        (account.failed, "failed on purpose"),
        (account.dropped, "dropped on purpose"),
    ];
    let mut text = format!("practice target: {} accepted", count(account.accepted));
    for (number, word) in parts {
        if number > 0 {
            let _written = write!(text, ", {} {word}", count(number));
        }
    }
    let _written = write!(text, ", {}", counted(account.users, "user"));
    let green = Style::new().fg_color(Some(AnsiColor::Green.into()));
    let red = Style::new().fg_color(Some(AnsiColor::Red.into()));
    let _written = match compare_with_witness(result, account) {
        Ok(()) => writeln!(out, "\n{text}: {green}agrees{green:#}"),
        Err(difference) => writeln!(out, "\n{text}: {red}differs{red:#} ({difference})"),
    };
}

/// Events whose request left, but whose answer never came.
fn unanswered(result: &RunResult) -> u64 {
    let silent = |kind: FailureKind| match kind {
        FailureKind::Timeout
        | FailureKind::ConnectionReset
        | FailureKind::Protocol
        | FailureKind::AnswerTooLarge
        | FailureKind::Aborted => true,
        FailureKind::NameNotResolved
        | FailureKind::ConnectionRefused
        | FailureKind::ConnectionFailed
        | FailureKind::ResourcesExhausted
        | FailureKind::Tls
        | FailureKind::Unauthorized
        | FailureKind::Throttled
        | FailureKind::ClientError
        | FailureKind::ServerError
        | FailureKind::UnexpectedStatus
        | FailureKind::EventRejected => false,
    };
    result.failures.iter().filter(|failure| silent(failure.kind)).map(|failure| failure.count).sum()
}

fn section(out: &mut String, table: &Table) {
    if !table.is_empty() {
        out.push('\n');
        table.write(out, Style::new().dimmed());
    }
}

/// The beginning of a text that a target sent, harmless for a terminal.
fn one_line(text: &str) -> String {
    let plain = |character: char| if character.is_control() { ' ' } else { character };
    let mut line: String = text.chars().take(MAX_SHOWN).map(plain).collect();
    if text.chars().nth(MAX_SHOWN).is_some() {
        line.push('…');
    }
    line
}
