//! `throng runs`: the history.

use std::path::Path;

use shared::api::RunSummary;
use shared::run::RunId;
use shared::wording;

use super::{Exit, Refusal, data_directory};
use crate::atomic_file::write_whole;
use crate::cli::{RunsArgs, RunsCommand};
use crate::report::{seconds, summary, table::Table};
use crate::store::Store;

/// What stands for the newest run.
const LATEST: &str = "latest";

/// Lists, shows, exports or deletes runs.
pub(super) fn runs(args: RunsArgs) -> Result<Exit, Refusal> {
    let store = Store::open(&data_directory(&args.data)?)?;
    match args.command {
        RunsCommand::List { json } => list(&store, json),
        RunsCommand::Show { run } => {
            let result = store.result(&find(&store, &run)?)?.ok_or_else(|| no_such_run(&run))?;
            anstream::print!("{}", summary::summary(&result, None));
            Ok(Exit::Done)
        }
        RunsCommand::Export { run, output } => export(&store, &run, output.as_deref()),
        RunsCommand::Delete { runs } => {
            for run in &runs {
                delete(&store, run)?;
            }
            Ok(Exit::Done)
        }
    }
}

fn list(store: &Store, json: bool) -> Result<Exit, Refusal> {
    let runs = store.list()?;
    if json {
        anstream::println!("{}", serde_json::to_string_pretty(&runs).map_err(Refusal::failed)?);
        return Ok(Exit::Done);
    }
    if runs.is_empty() {
        anstream::eprintln!("no runs yet: `throng run commerce-events --profile quick_test --practice-target`");
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["run", "scenario", "state", "elapsed", "events", "failed", "p99"]);
    for run in &runs {
        table.row(line(run));
    }
    let mut out = String::new();
    table.write(&mut out, anstyle::Style::new().dimmed());
    anstream::print!("{out}");
    Ok(Exit::Done)
}

fn line(run: &RunSummary) -> [String; 7] {
    let info = &run.info;
    let scenario = match &info.profile {
        Some(profile) => format!("{} ({profile})", info.scenario),
        None => info.scenario.clone(),
    };
    [
        info.id.to_string(),
        scenario,
        info.state.name().to_owned(),
        seconds(run.totals.elapsed_seconds),
        wording::count(run.totals.events.succeeded),
        wording::share(run.totals.error_rate),
        wording::latency(run.response_time.p99_us as f64),
    ]
}

fn export(store: &Store, run: &str, output: Option<&Path>) -> Result<Exit, Refusal> {
    let result = store.result(&find(store, run)?)?.ok_or_else(|| no_such_run(run))?;
    let text = serde_json::to_string_pretty(&result).map_err(Refusal::failed)?;
    match output {
        Some(path) => write_whole(path, format!("{text}\n").as_bytes())
            .map_err(|error| Refusal::usage(format!("cannot write {}: {error}", path.display())))?,
        None => anstream::println!("{text}"),
    }
    Ok(Exit::Done)
}

fn delete(store: &Store, run: &str) -> Result<(), Refusal> {
    let id = find(store, run)?;
    let summary = store.get(&id)?.ok_or_else(|| no_such_run(run))?;
    if !summary.info.state.is_over() {
        return Err(Refusal::usage(format!("run {id} is going on")).with_hint("stop it first"));
    }
    store.delete(&id)?;
    anstream::println!("deleted {id}");
    Ok(())
}

/// The run of an id, of the only id with this beginning, or the newest.
fn find(store: &Store, wanted: &str) -> Result<RunId, Refusal> {
    if wanted == LATEST {
        return store.latest()?.ok_or_else(|| Refusal::usage("there are no runs yet"));
    }
    let ids: Vec<RunId> = store.list()?.into_iter().map(|run| run.info.id).collect();
    if let Some(id) = ids.iter().find(|id| id.0 == wanted) {
        return Ok(id.clone());
    }
    let mut alike = ids.into_iter().filter(|id| id.0.starts_with(wanted));
    match (alike.next(), alike.next()) {
        (Some(id), None) => Ok(id),
        (Some(_), Some(_)) => Err(Refusal::usage(format!("more than one run begins with {wanted}"))),
        (None, _) => Err(no_such_run(wanted)),
    }
}

fn no_such_run(run: &str) -> Refusal {
    Refusal::usage(format!("there is no run {run}")).with_hint("`throng runs list` shows all there are")
}
