//! The report: one HTML file without scripts or links, that opens from a disk, prints, and survives a mail filter.
//!
//! Its charts use the geometry of [`shared::chart`], as the panel's do; everything that came from outside is escaped.

mod chart;
mod charts;
mod coarse;
mod distribution;
mod errors;
mod escape;
mod heat;
pub mod limit;
mod tables;
#[cfg(test)]
mod tests;

use shared::run::{RunResult, VerdictStatus};
use shared::wording;

use escape::escaped;

/// The page of one run.
pub fn page(result: &RunResult) -> String {
    let title = match &result.run.info.profile {
        Some(profile) => format!("{} · {profile}", result.run.info.scenario),
        None => result.run.info.scenario.clone(),
    };
    let mut out = String::with_capacity(256 * 1024);
    open_page(&mut out, &title);
    write_head(&mut out, result, &title);
    write_verdict(&mut out, result);
    write_tiles(&mut out, result);
    tables::write_thresholds(&mut out, &result.thresholds);
    out.push_str("<section class=\"charts\" aria-label=\"charts\">\n");
    let drawn = coarse::drawn(result);
    charts::write_throughput(&mut out, &drawn);
    charts::write_response_time(&mut out, &drawn);
    heat::write(&mut out, &drawn);
    distribution::write(&mut out, &drawn);
    errors::write(&mut out, &drawn);
    charts::write_send_lag(&mut out, &drawn);
    out.push_str("</section>\n");
    if drawn.timeline.len() < result.timeline.len() {
        let length = drawn.timeline.iter().map(|row| row.covered_seconds).fold(0.0, f64::max);
        out.push_str(&format!("<p class=\"facts\">Each point of a chart covers {}.</p>\n", wording::clock(length)));
    }
    tables::write_times(&mut out, &result.latency);
    tables::write_protocols(&mut out, result);
    tables::write_event_types(&mut out, result);
    tables::write_counts(&mut out, result);
    tables::write_faults(&mut out, result);
    tables::write_failures(&mut out, result);
    tables::write_changes(&mut out, &result.changes);
    write_foot(&mut out, result);
    close_page(&mut out);
    out
}

fn open_page(out: &mut String, title: &str) {
    out.push_str("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    out.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    out.push_str("<meta name=\"color-scheme\" content=\"light dark\">\n");
    out.push_str(&format!("<title>{} – Throng</title>\n<style>\n", escaped(title)));
    out.push_str(include_str!("html/style.css"));
    out.push_str("</style>\n</head>\n<body>\n<main>\n");
}

fn close_page(out: &mut String) {
    out.push_str("</main>\n</body>\n</html>\n");
}

fn write_head(out: &mut String, result: &RunResult, title: &str) {
    let info = &result.run.info;
    out.push_str("<header>\n<label class=\"theme\"><input type=\"checkbox\"> other colours</label>\n");
    out.push_str(&format!("<p class=\"brand\">Throng</p>\n<h1>{}</h1>\n<p class=\"facts under\">", escaped(title)));
    let mut facts = vec![
        format!("{} to {}", moment(&info.started_at), info.ended_at.as_deref().map_or("?".to_owned(), moment)),
        info.state.name().to_owned(),
    ];
    facts.extend(info.targets.iter().cloned());
    facts.push(format!("seed {}", info.seed));
    facts.push(format!("run {}", info.id));
    let facts: Vec<String> = facts.iter().map(|fact| format!("<span>{}</span>", escaped(fact))).collect();
    out.push_str(&facts.join(" "));
    out.push_str(&format!("</p>\n<p class=\"lead\">{}</p>\n</header>\n", escaped(&sentence(result))));
}

/// The run in one sentence.
fn sentence(result: &RunResult) -> String {
    let (totals, times) = (&result.totals, &result.latency.response_time.percentiles);
    if totals.events.sent == 0 {
        return "Nothing was sent.".to_owned();
    }
    let mut sentence = format!(
        "{} events in {}, {} acknowledged; {} failed.",
        wording::count(totals.events.sent),
        wording::clock(totals.elapsed_seconds),
        wording::rate(totals.events_per_second),
        wording::share(totals.error_rate),
    );
    if times.count > 0 {
        let [half, most] = [times.p50_us, times.p99_us].map(|time| wording::latency(time as f64));
        sentence.push_str(&format!(" Half of the answers came within {half}, 99 % within {most}."));
    }
    sentence
}

fn write_verdict(out: &mut String, result: &RunResult) {
    let (class, sign, meaning) = match result.verdict.status {
        VerdictStatus::Valid => {
            ("good", "✓", "valid: the generator kept its schedule, what was measured is the target")
        }
        VerdictStatus::Degraded => ("warn", "!", "degraded: the generator fell behind at times, read with care"),
        VerdictStatus::Invalid => ("bad", "✗", "invalid: the generator was the bottleneck, not the target"),
    };
    out.push_str(&format!("<section class=\"verdict {class}\"><p><b aria-hidden=\"true\">{sign}</b> {meaning}</p>"));
    if !result.verdict.reasons.is_empty() {
        out.push_str("<ul>");
        for reason in &result.verdict.reasons {
            out.push_str(&format!("<li>{}</li>", escaped(reason)));
        }
        out.push_str("</ul>");
    }
    out.push_str("</section>\n");
}

fn write_tiles(out: &mut String, result: &RunResult) {
    let (totals, times) = (&result.totals, &result.latency.response_time.percentiles);
    let time = |micros: u64| if times.count == 0 { "–".to_owned() } else { wording::latency(micros as f64) };
    let events = &totals.events;
    let tiles = [
        (
            "events per second",
            wording::digits(totals.events_per_second),
            format!("{} succeeded", wording::count(events.succeeded)),
        ),
        ("p50 response time", time(times.p50_us), format!("mean {}", time(times.mean_us as u64))),
        ("p95 response time", time(times.p95_us), format!("p90 {}", time(times.p90_us))),
        ("p99 response time", time(times.p99_us), format!("p99.9 {}", time(times.p999_us))),
        ("slowest", time(times.max_us), format!("of {} requests", wording::count(times.count))),
        ("errors", wording::share(totals.error_rate), format!("{} failed", wording::count(events.failed))),
        (
            "not on time",
            wording::count(events.late + events.dropped),
            format!("{} late, {} dropped", wording::count(events.late), wording::count(events.dropped)),
        ),
    ];
    out.push_str("<section class=\"tiles\">\n");
    for (label, value, more) in tiles {
        out.push_str(&format!("<div><h2>{label}</h2><p>{value}</p><small>{more}</small></div>\n"));
    }
    out.push_str("</section>\n");
}

fn write_foot(out: &mut String, result: &RunResult) {
    let (record, connections) = (&result.run, &result.connections);
    let environment = &record.environment;
    let facts = [
        format!("Throng {} on {}", environment.version, environment.platform),
        format!("{} workers on {} cores", environment.workers, environment.cores),
        format!("plan {}", record.plan_fingerprint),
        format!(
            "{} connections opened, {} of them again, {} failed",
            wording::count(connections.opened),
            wording::count(connections.reopened),
            wording::count(connections.failed)
        ),
        format!(
            "{} sent, {} received",
            wording::bytes(result.totals.bytes.sent),
            wording::bytes(result.totals.bytes.received)
        ),
        "response time counts from the moment a request was due, service time from the moment it was sent".to_owned(),
    ];
    let facts: Vec<String> = facts.iter().map(|fact| format!("<span>{}</span>", escaped(fact))).collect();
    out.push_str(&format!("<footer class=\"facts\">{}</footer>\n", facts.join(" ")));
}

/// `2026-11-21 10:00:00 UTC`, from RFC 3339 in UTC.
fn moment(rfc3339: &str) -> String {
    match (rfc3339.get(..10), rfc3339.get(11..19)) {
        (Some(date), Some(time)) => format!("{date} {time} UTC"),
        _ => rfc3339.to_owned(),
    }
}
