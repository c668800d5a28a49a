//! The tables of the report.

use shared::limit::{LimitStep, StepOutcome};
use shared::run::fault::FaultRow;
use shared::run::{
    Change, Counts, FigureUnit, Latencies, Percentiles, ProtocolRow, RunResult, Sample, ThresholdResult,
};
use shared::threshold::watch::in_words;
use shared::wording;

use super::chart::said;
use super::escape::escaped;

/// A cell: text to the left, a number to the right, or a drawing of ours.
enum Cell {
    Text(String),
    Number(String),
    Drawn(String),
}

/// Writes a table; the first column of each row is its head.
fn write(out: &mut String, title: &str, heads: &[&str], rows: &[Vec<Cell>]) {
    out.push_str(&format!("<section class=\"table\"><h2>{title}</h2><div class=\"scroll\"><table><thead><tr>"));
    for (column, head) in heads.iter().enumerate() {
        let number = rows.first().and_then(|row| row.get(column)).is_some_and(|cell| matches!(cell, Cell::Number(_)));
        out.push_str(&format!("<th scope=\"col\"{}>{head}</th>", if number { " class=\"n\"" } else { "" }));
    }
    out.push_str("</tr></thead><tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for (column, cell) in row.iter().enumerate() {
            match cell {
                Cell::Text(text) if column == 0 => out.push_str(&format!("<th scope=\"row\">{}</th>", escaped(text))),
                Cell::Text(text) => out.push_str(&format!("<td>{}</td>", escaped(text))),
                Cell::Number(text) => out.push_str(&format!("<td class=\"n\">{}</td>", escaped(text))),
                Cell::Drawn(html) => out.push_str(&format!("<td>{html}</td>")),
            }
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div></section>\n");
}

fn text(text: impl Into<String>) -> Cell {
    Cell::Text(text.into())
}

fn number(text: impl Into<String>) -> Cell {
    Cell::Number(text.into())
}

fn count(value: u64) -> Cell {
    Cell::Number(wording::count(value))
}

fn time(times: &Percentiles, micros: f64) -> Cell {
    Cell::Number(if times.count == 0 { "–".to_owned() } else { wording::latency(micros) })
}

/// Every rate that a search for the limit tried.
pub(super) fn write_steps(out: &mut String, steps: &[LimitStep]) {
    let rows: Vec<Vec<Cell>> = steps
        .iter()
        .map(|step| {
            let times = &step.response_time;
            let outcome = match step.outcome {
                StepOutcome::Held => "✓ held".to_owned(),
                StepOutcome::Failed => format!("✗ {}", step.reasons.join("; ")),
                StepOutcome::GeneratorLimited => format!("! {}", step.reasons.join("; ")),
            };
            vec![
                text(wording::rate(step.rate)),
                number(wording::rate(step.achieved_rate)),
                time(times, times.p50_us as f64),
                time(times, times.p95_us as f64),
                time(times, times.p99_us as f64),
                number(wording::share(step.error_rate)),
                text(outcome),
                text(step.run.to_string()),
            ]
        })
        .collect();
    let heads = ["asked for", "acknowledged", "p50", "p95", "p99", "errors", "outcome", "run"];
    write(out, "Steps", &heads, &rows);
}

/// What became of the thresholds.
pub(super) fn write_thresholds(out: &mut String, thresholds: &[ThresholdResult]) {
    if thresholds.is_empty() {
        return;
    }
    let value = |value: Option<f64>, unit: FigureUnit| value.map_or("–".to_owned(), |value| in_words(value, unit));
    let explained = thresholds.iter().any(|threshold| threshold.reason.is_some());
    let row = |threshold: &ThresholdResult| {
        let (class, word) = match (threshold.passed, threshold.required) {
            (true, _) => ("good", "✓ passed"),
            (false, true) => ("bad", "✗ failed"),
            (false, false) => ("warn", "! not met"),
        };
        let reason = if explained { vec![text(threshold.reason.clone().unwrap_or_default())] } else { Vec::new() };
        let at = threshold.worst_at_seconds.map(|at| format!(" at {}", wording::clock(at))).unwrap_or_default();
        let mut row = vec![
            text(&threshold.threshold),
            Cell::Drawn(format!("<span class=\"badge {class}\">{word}</span>")),
            number(value(threshold.observed, threshold.unit)),
            number(format!("{}{at}", value(threshold.worst, threshold.unit))),
        ];
        row.extend(reason);
        row
    };
    let rows: Vec<_> = thresholds.iter().map(row).collect();
    let heads = ["threshold", "result", "observed", "worst moment", "why"];
    let shown = if explained { heads.len() } else { heads.len() - 1 };
    write(out, "Thresholds", heads.get(..shown).unwrap_or(&heads), &rows);
}

/// The five times.
pub(super) fn write_times(out: &mut String, latency: &Latencies) {
    let row = |name: &str, times: &Percentiles| {
        let mut row = vec![text(name), count(times.count), time(times, times.mean_us)];
        for micros in [
            times.min_us,
            times.p50_us,
            times.p75_us,
            times.p90_us,
            times.p95_us,
            times.p99_us,
            times.p999_us,
            times.max_us,
        ] {
            row.push(time(times, micros as f64));
        }
        row
    };
    let rows: Vec<_> = [
        ("response time", &latency.response_time),
        ("service time", &latency.service_time),
        ("send lag", &latency.send_lag),
        ("connect", &latency.connect),
        ("TLS handshake", &latency.tls),
        ("end to end", &latency.delivery),
    ]
    .into_iter()
    .filter(|(name, latency)| latency.percentiles.count > 0 || *name == "response time")
    .map(|(name, latency)| row(name, &latency.percentiles))
    .collect();
    write(out, "Times", &["", "count", "mean", "min", "p50", "p75", "p90", "p95", "p99", "p99.9", "max"], &rows);
}

/// The event types with their share of the mix.
pub(super) fn write_event_types(out: &mut String, result: &RunResult) {
    if result.event_types.is_empty() {
        return;
    }
    let largest = result.event_types.iter().map(|row| row.actual_share.max(row.declared_share.unwrap_or(0.0)));
    let largest = largest.fold(0.0, f64::max);
    let seconds = result.totals.elapsed_seconds;
    let rows: Vec<_> = result
        .event_types
        .iter()
        .map(|row| {
            let rate = if seconds > 0.0 { row.events.succeeded as f64 / seconds } else { 0.0 };
            let times = &row.response_time;
            vec![
                text(&row.name),
                Cell::Drawn(share_bar(row.actual_share, row.declared_share, largest)),
                number(row.declared_share.map_or("–".to_owned(), wording::share)),
                number(wording::share(row.actual_share)),
                count(row.events.sent),
                number(wording::rate(rate)),
                time(times, times.p50_us as f64),
                time(times, times.p95_us as f64),
                time(times, times.p99_us as f64),
                count(row.events.failed),
            ]
        })
        .collect();
    let heads = ["event type", "share", "declared", "actual", "sent", "rate", "p50", "p95", "p99", "failed"];
    write(out, "Event types", &heads, &rows);
}

/// A row for each protocol, where there are several.
pub(super) fn write_protocols(out: &mut String, result: &RunResult) {
    if result.protocols.len() < 2 {
        return;
    }
    let row = |row: &ProtocolRow| {
        let times = &row.response_time.percentiles;
        vec![
            text(&row.protocol),
            text(row.targets.join(", ")),
            count(row.events.sent),
            count(row.events.succeeded),
            count(row.events.failed),
            time(times, times.p50_us as f64),
            time(times, times.p95_us as f64),
            time(times, times.p99_us as f64),
        ]
    };
    let rows: Vec<_> = result.protocols.iter().map(row).collect();
    write(out, "Protocols", &["protocol", "target", "sent", "succeeded", "failed", "p50", "p95", "p99"], &rows);
}

/// A bar for the share that was, a tick for the share that was declared.
fn share_bar(actual: f64, declared: Option<f64>, largest: f64) -> String {
    let place = |share: f64| if largest > 0.0 { share / largest * 100.0 } else { 0.0 };
    let tick = declared.map(|share| format!("<i style=\"left:{:.1}%\"></i>", place(share))).unwrap_or_default();
    format!("<div class=\"share\" aria-hidden=\"true\"><b style=\"width:{:.1}%\"></b>{tick}</div>", place(actual))
}

/// What was made to go wrong on purpose.
pub(super) fn write_faults(out: &mut String, result: &RunResult) {
    if result.faults.is_empty() {
        return;
    }
    let row =
        |row: &FaultRow| vec![text(row.kind.name()), text(row.kind.label()), count(row.planned), count(row.applied)];
    let rows: Vec<_> = result.faults.iter().map(row).collect();
    write(out, "Faults", &["kind", "", "planned", "applied"], &rows);
}

/// Events, requests and status codes.
pub(super) fn write_counts(out: &mut String, result: &RunResult) {
    let row = |name: &str, counts: &Counts| {
        let figures = Counts::NAMED.into_iter().map(|(_, figure)| count(figure(counts)));
        std::iter::once(text(name)).chain(figures).collect()
    };
    let rows = [row("events", &result.totals.events), row("requests", &result.totals.requests)];
    let heads: Vec<&str> = std::iter::once("").chain(Counts::NAMED.map(|(name, _)| name)).collect();
    write(out, "Counts", &heads, &rows);
    if !result.status_codes.is_empty() {
        let all: u64 = result.status_codes.values().sum();
        let row = |(code, answers): (&u16, &u64)| {
            vec![text(code.to_string()), count(*answers), number(wording::share(*answers as f64 / all.max(1) as f64))]
        };
        let rows: Vec<_> = result.status_codes.iter().map(row).collect();
        write(out, "Answers by status", &["status", "answers", "share"], &rows);
    }
}

/// Failures by kind, each with the sample that was kept.
pub(super) fn write_failures(out: &mut String, result: &RunResult) {
    if result.failures.is_empty() {
        return;
    }
    let row = |failure: &shared::run::Failure| {
        vec![
            text(failure.kind.label()),
            count(failure.count),
            number(wording::clock(failure.first_seconds)),
            number(wording::clock(failure.last_seconds)),
            Cell::Drawn(failure.sample.as_ref().map(sample).unwrap_or_default()),
        ]
    };
    let rows: Vec<_> = result.failures.iter().map(row).collect();
    write(out, "Failures", &["kind", "events", "first", "last", "a sample"], &rows);
}

fn sample(sample: &Sample) -> String {
    let status = sample.status.map_or("no answer".to_owned(), |status| format!("answered {status}"));
    let time = wording::latency(sample.response_time_us as f64);
    format!(
        "<details><summary>{} · {status} after {time}</summary><pre>{}\n{}</pre><pre>{}</pre></details>",
        escaped(&sample.label),
        escaped(&sample.request),
        escaped(&sample.request_body),
        escaped(&sample.answer_body)
    )
}

/// What was changed while the run went on.
pub(super) fn write_changes(out: &mut String, changes: &[Change]) {
    if changes.is_empty() {
        return;
    }
    let row = |change: &Change| vec![text(wording::clock(change.elapsed_seconds)), text(said(change))];
    let rows: Vec<_> = changes.iter().map(row).collect();
    write(out, "Changes while it ran", &["at", "what"], &rows);
}
