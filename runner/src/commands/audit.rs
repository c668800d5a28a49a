//! `throng audit`: what a sink holds against what was acknowledged.

use std::path::{Path, PathBuf};

use super::{Exit, Refusal, data_directory};
use crate::atomic_file::write_whole;
use crate::audit::{AuditError, AuditOptions, Look, Search, Sink, Tolerance, audit as compare};
use crate::cli::AuditArgs;
use crate::delivery::{ELSEWHERE, LEDGER, LEDGERS};
use crate::report::audit::described;

/// What stands for the newest run.
const LATEST: &str = "latest";

/// Audits a run.
pub(super) async fn audit(args: AuditArgs) -> Result<Exit, Refusal> {
    let ledger = find(&data_directory(&args.data)?, &args.run)?;
    let sink = sink(&args)?;
    let tolerance = Tolerance {
        lost: args.max_lost,
        duplicate: args.max_duplicate,
        phantom: args.max_phantom,
        corrupted: args.max_corrupted,
        reordered: args.max_reordered,
    };
    let options = AuditOptions { tolerance, examples: args.examples, ..AuditOptions::default() };
    let result = compare(&ledger, sink, &options).await.map_err(refuse)?;
    let json = serde_json::to_string_pretty(&result).map_err(Refusal::failed)?;
    if args.json {
        anstream::println!("{json}");
    } else {
        anstream::print!("{}", described(&result));
    }
    if let Some(path) = &args.output {
        write_whole(path, format!("{json}\n").as_bytes())
            .map_err(|error| Refusal::usage(format!("cannot write {}: {error}", path.display())))?;
    }
    Ok(if result.passed { Exit::Done } else { Exit::Failed })
}

/// Why an audit could not be made.
fn refuse(error: AuditError) -> Refusal {
    match error {
        AuditError::Ledger(_) => Refusal::usage(error.to_string()),
        AuditError::Sink(_) | AuditError::Spill { .. } => Refusal::failed(error),
    }
}

fn sink(args: &AuditArgs) -> Result<Sink, Refusal> {
    let look = Look {
        id_field: args.id_field.clone(),
        body_field: args.body_field.clone(),
        ignored: args.ignore_field.clone(),
    };
    match (&args.target, &args.jsonl, &args.search) {
        (Some(url), None, None) => Ok(Sink::Practice { url: url.clone() }),
        (None, Some(path), None) => Ok(Sink::Jsonl { path: path.clone(), look }),
        (None, None, Some(url)) => {
            let headers = args.header.iter().map(|(name, value)| (name, value));
            let search = Search::new(url, headers, look).map_err(Refusal::usage)?;
            let (page_size, items, rate) = (args.page_size, args.items.clone(), args.page_rate);
            Ok(Sink::Search(Search { page_size, items, rate, ..search }))
        }
        _ => Err(Refusal::usage("where are the events?").with_hint(
            "name one sink: --target http://127.0.0.1:7979 (practice target), --jsonl FILE or --search URL",
        )),
    }
}

/// The ledger of a run by its id, the only id with this beginning, the newest, or a file.
fn find(data: &Path, wanted: &str) -> Result<PathBuf, Refusal> {
    let file = Path::new(wanted);
    if file.is_file() {
        return Ok(file.to_owned());
    }
    let none = || {
        Refusal::usage(format!("no ledger of a run {wanted}"))
            .with_hint("start the run with --ledger FILE, or name the file")
    };
    let mut known: Vec<(String, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir(data.join(LEDGERS)).map_err(|_missing| none())?.flatten() {
        let path = entry.path();
        let ending = path.extension().and_then(|ending| ending.to_str());
        if let (Some(LEDGER | ELSEWHERE), Some(id)) = (ending, path.file_stem().and_then(|id| id.to_str())) {
            known.push((id.to_owned(), path));
        }
    }
    known.sort();
    let mut alike = known.iter().filter(|(id, _)| id.starts_with(wanted));
    let found = match (wanted, alike.next(), alike.next()) {
        (LATEST, _, _) => known.last(),
        (_, Some(one), None) => Some(one),
        (_, Some(_), Some(_)) => return Err(Refusal::usage(format!("more than one run begins with {wanted}"))),
        (_, None, _) => None,
    };
    let (_, path) = found.ok_or_else(none)?;
    if path.extension().and_then(|ending| ending.to_str()) == Some(ELSEWHERE) {
        let text = std::fs::read_to_string(path).map_err(Refusal::failed)?;
        return Ok(PathBuf::from(text));
    }
    Ok(path.clone())
}
