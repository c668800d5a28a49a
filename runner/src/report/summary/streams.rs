//! What each protocol carried, and what happened on connections that are held open.

use std::fmt::Write as _;

use shared::run::RunResult;
use shared::run::stream::StreamCounts;
use shared::scenario::model::target::mqtt::reason_name;
use shared::wording::{count, latency};

use super::{one_line, section};
use crate::report::counted;
use crate::report::table::Table;

/// A row for each protocol, where there are several.
pub(super) fn write_protocols(out: &mut String, result: &RunResult, columns: usize) {
    if result.protocols.len() < 2 {
        return;
    }
    let mut table = Table::new(&["protocol", "sent", "succeeded", "failed", "p50", "p99", "to"]);
    for row in &result.protocols {
        table.row([
            row.protocol.clone(),
            count(row.events.sent),
            count(row.events.succeeded),
            count(row.events.failed),
            latency(row.response_time.percentiles.p50_us as f64),
            latency(row.response_time.percentiles.p99_us as f64),
            row.targets.join(", "),
        ]);
    }
    section(out, table, columns);
}

/// What happened on streams beside their messages.
pub(super) fn write_streams(out: &mut String, result: &RunResult) {
    let StreamCounts {
        received,
        matched,
        ignored,
        acknowledged,
        delivered,
        undelivered,
        pings,
        refused,
        broken,
        closes,
        errors,
    } = &result.streams;
    if result.streams.is_empty() {
        return;
    }
    let connections = &result.connections;
    let _written = writeln!(
        out,
        "\n{} opened, {} again; {} received, {} of them answers, {} greetings and heartbeats",
        counted(connections.opened, "stream"),
        count(connections.reopened),
        counted(*received, "message"),
        count(*matched),
        count(*ignored)
    );
    let mut lines: Vec<String> = Vec::new();
    if *acknowledged > 0 {
        lines.push(format!("{} acknowledged", counted(*acknowledged, "message")));
    }
    if delivered + undelivered > 0 {
        let (came, missed) = (counted(*delivered, "message"), count(*undelivered));
        lines.push(format!("{came} came back on a topic, {missed} did not"));
    }
    let named = |code: &u16| match u8::try_from(*code).ok().and_then(reason_name) {
        Some(name) => format!("{code} ({})", name.to_lowercase().replace('_', " ")),
        None => code.to_string(),
    };
    lines.extend(
        refused.iter().map(|(code, times)| format!("handshake refused with {}: {}", named(code), count(*times))),
    );
    lines.extend(
        closes.iter().map(|(code, times)| format!("closed by the target with {}: {}", named(code), count(*times))),
    );
    lines.extend(errors.iter().map(|(name, times)| format!("error {}: {}", one_line(name), count(*times))));
    if *broken > 0 {
        lines.push(format!("broken without a word: {}", count(*broken)));
    }
    if *pings > 0 {
        lines.push(format!("pings answered: {}", count(*pings)));
    }
    for line in lines {
        let _written = writeln!(out, "  {line}");
    }
}
