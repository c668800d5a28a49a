//! `throng ingest`: a file of events sent in bulk, by the same engine as every run.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Parser as _;
use serde_json::json;
use shared::run::RunResult;
use shared::units::Nanos;
use shared::wording::{count, share};

use super::{Exit, Refusal, run};
use crate::cli::{Cli, Command, IngestArgs, IngestFormat, IngestMode};
use crate::folder::Folder;
use crate::library::Found;
use crate::library::loading::Additions;
use crate::report::counted;

/// Where events go when the address has no path.
const PATH: &str = "/api/v1/ingestion/events";
/// Bytes at the beginning of a file that tell what it is.
const LOOKED_AT: usize = 4 * 1024;

/// Builds the scenario, runs it, and says what became of the events.
pub(super) async fn ingest(args: IngestArgs, verbose: bool) -> Result<Exit, Refusal> {
    let text = scenario(&args)?;
    let found = Found { source: "ingest".to_owned(), built_in: false, text, folder: Folder::Beside(PathBuf::new()) };
    let mut run_args = match Cli::try_parse_from(["throng", "run", "ingest"]).map(|cli| cli.command) {
        Ok(Command::Run(run)) => *run,
        // The line above is always a run.
        Ok(_) | Err(_) => return Err(Refusal::failed("`throng run` cannot be understood")),
    };
    run_args.practice_target = args.practice_target;
    run_args.output.extend(args.output.clone());
    run_args.dry_run = args.dry_run;
    run_args.policy = args.policy.clone();
    run_args.data = args.data.clone();
    let mut additions =
        Additions { practice: args.practice_target, api_key: Some(args.api_key.clone()), ..Additions::default() };
    additions.set.extend(args.ledger.as_deref().map(run::ledger_setting).transpose()?);
    let (exit, result) = run::carry_out(run_args, &found, &additions, None, verbose).await?;
    let Some(result) = result else { return Ok(exit) };
    anstream::println!("\n{}", account(&result));
    let refused = result.totals.events.failed + result.totals.events.dropped > 0;
    Ok(if exit == Exit::Done && refused { Exit::Failed } else { exit })
}

/// The scenario that sends a file.
fn scenario(args: &IngestArgs) -> Result<String, Refusal> {
    let file = args.file.to_str().ok_or_else(|| Refusal::usage("the file's name is no text"))?;
    let format = match args.format {
        Some(format) => format,
        None => format_of(&args.file)?,
    };
    let delay = match &args.delay {
        None => None,
        Some(text) => Some(span(text)?),
    };
    let concurrency = match (args.mode, args.concurrency) {
        (IngestMode::Concurrent, concurrency) => concurrency.unwrap_or(10),
        (IngestMode::Sequential, None | Some(1)) => 1,
        (IngestMode::Sequential, Some(_)) => {
            return Err(Refusal::usage("one after the other is a concurrency of 1")
                .with_hint("leave --concurrency out, or write --mode concurrent"));
        }
    };
    let mut load = json!({ "concurrency": concurrency });
    if let Some(delay) = delay {
        load["delay"] = json!(delay.to_string());
    }
    let mut replay = json!({ "source": { format.name(): file } });
    if let Some(limit) = args.limit {
        replay["limit"] = json!(limit);
    }
    let (url, path) = address(&args.url);
    let scenario = json!({
        "version": 1,
        "name": format!("ingest {}", args.file.file_name().and_then(|name| name.to_str()).unwrap_or(file)),
        "targets": {"target": {
            "protocol": "http",
            "url": url,
            "auth": {"api_key": {"header": "X-API-Key", "value": "${env.API_KEY}"}},
            "timeout": "30s",
            "send": {"method": "POST", "path": path},
            "classify": {"409": "duplicate", "429": "throttled"},
            "answers": [
                {"status": "400", "text": "Rate limit exceeded", "means": "throttled"},
                {"status": "2xx", "field": "$.message", "equals": "Event already exists", "means": "duplicate"},
            ],
        }},
        "behaviors": {"events": {"replay": replay}},
        "workloads": {"ingest": {"target": "target", "behavior": "events", "load": load}},
    });
    // Line by line, so that a problem shows the line that it is about.
    serde_json::to_string_pretty(&scenario).map_err(Refusal::failed)
}

/// An address and the path of its ingestion: its own, or the usual one.
fn address(url: &str) -> (String, String) {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    match url[after_scheme..].find('/').map(|at| at + after_scheme) {
        Some(slash) if url[slash..].len() > 1 => (url[..slash].to_owned(), url[slash..].to_owned()),
        Some(slash) => (url[..slash].to_owned(), PATH.to_owned()),
        None => (url.to_owned(), PATH.to_owned()),
    }
}

/// A span, or a bare number of milliseconds.
fn span(text: &str) -> Result<Nanos, Refusal> {
    let span = match text.trim().parse::<f64>() {
        Ok(millis) if millis >= 0.0 && millis.is_finite() => Some(Nanos::from_secs_f64(millis / 1_000.0)),
        Ok(_) => None,
        Err(_) => text.parse().ok(),
    };
    span.ok_or_else(|| {
        Refusal::usage(format!("`{text}` is no delay")).with_hint("write milliseconds or a span, such as 50 or 50ms")
    })
}

/// What a file is: by its name, else by its first character.
fn format_of(path: &Path) -> Result<IngestFormat, Refusal> {
    let end = path.extension().and_then(|end| end.to_str()).unwrap_or_default().to_ascii_lowercase();
    match end.as_str() {
        "csv" => return Ok(IngestFormat::Csv),
        "jsonl" | "ndjson" => return Ok(IngestFormat::Jsonl),
        _ => {}
    }
    let failed = |error: std::io::Error| Refusal::usage(format!("cannot read {}: {error}", path.display()));
    let mut beginning = Vec::new();
    std::fs::File::open(path).map_err(failed)?.take(LOOKED_AT as u64).read_to_end(&mut beginning).map_err(failed)?;
    let text = beginning.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&beginning);
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    Ok(if first == Some(&b'[') { IngestFormat::Json } else { IngestFormat::Jsonl })
}

/// What became of the events, in a few lines.
fn account(result: &RunResult) -> String {
    let events = &result.totals.events;
    let of = |part: u64| share(if events.offered == 0 { 0.0 } else { part as f64 / events.offered as f64 });
    let mut text = format!(
        "total {}: {} accepted ({}), {} failed ({})",
        counted(events.offered, "event"),
        count(events.succeeded),
        of(events.succeeded),
        count(events.failed),
        of(events.failed),
    );
    if events.dropped > 0 {
        text.push_str(&format!(", {} not sent ({})", count(events.dropped), of(events.dropped)));
    }
    text.push_str(&format!(
        "\n{} of them known to the target before, {} rate limited",
        counted(events.duplicate, "duplicate"),
        count(events.throttled)
    ));
    if !result.status_codes.is_empty() {
        let codes: Vec<String> =
            result.status_codes.iter().map(|(code, answers)| format!("{code} {}x", count(*answers))).collect();
        text.push_str(&format!("\nanswers by code: {}", codes.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_have_a_path_of_its_own() {
        let split = |url: &str| {
            let (url, path) = address(url);
            format!("{url} {path}")
        };
        assert_eq!(split("http://localhost:8000"), format!("http://localhost:8000 {PATH}"));
        assert_eq!(split("http://localhost:8000/"), format!("http://localhost:8000 {PATH}"));
        assert_eq!(split("https://api.example.com/v2/in?x=1"), "https://api.example.com /v2/in?x=1");
    }

    #[test]
    fn a_delay_is_milliseconds_or_a_span() {
        assert_eq!(span("100").unwrap(), Nanos::from_millis(100));
        assert_eq!(span("2s").unwrap(), Nanos::from_secs(2));
        assert!(span("-1").is_err() && span("soon").is_err());
    }
}
