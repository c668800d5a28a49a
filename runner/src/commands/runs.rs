//! `throng runs`: the history.

use std::path::Path;

use shared::api::{Labels, RunSummary};
use shared::compare::{CompareOptions, Difference, compare};
use shared::run::{RunId, RunResult};
use shared::wording;

use super::{Exit, Refusal, data_directory};
use crate::atomic_file::write_whole;
use crate::cli::{CompareArgs, DataArgs, LabelArgs, RunsArgs, RunsCommand};
use crate::report::comparison::comparison;
use crate::report::format::ResultsFormat;
use crate::report::{seconds, summary, table::Table, terminal};
use crate::store::Store;

/// What stands for the run that others of its scenario are compared with.
const BASELINE: &str = "baseline";
/// What stands for the newest run.
const LATEST: &str = "latest";

/// Lists, shows, exports, compares or deletes runs.
pub(super) fn runs(args: RunsArgs) -> Result<Exit, Refusal> {
    let store = Store::open(&data_directory(&args.data)?)?;
    match args.command {
        RunsCommand::List { scenario, tag, limit, json } => {
            let wanted = |run: &RunSummary| {
                scenario.as_ref().is_none_or(|name| run.info.scenario == *name)
                    && tag.as_ref().is_none_or(|tag| run.labels.tags.contains(tag))
            };
            let runs: Vec<RunSummary> =
                store.list()?.into_iter().filter(wanted).take(limit.unwrap_or(usize::MAX)).collect();
            list(&runs, json)
        }
        RunsCommand::Show { run } => {
            let result = store.result(&find(&store, &run)?)?.ok_or_else(|| no_such_run(&run))?;
            anstream::print!("{}", summary::summary(&result, None, terminal::columns()));
            Ok(Exit::Done)
        }
        RunsCommand::Export { run, output, format } => {
            let result = store.result(&find(&store, &run)?)?.ok_or_else(|| no_such_run(&run))?;
            let format = format.or_else(|| output.as_deref().map(ResultsFormat::of_path));
            write_out(&result, format.unwrap_or(ResultsFormat::Throng), output.as_deref())?;
            Ok(Exit::Done)
        }
        RunsCommand::Compare(args) => compare_runs(&store, &args),
        RunsCommand::Label(args) => label(&store, &args),
        RunsCommand::Delete { runs } => {
            for run in &runs {
                delete(&store, run)?;
            }
            Ok(Exit::Done)
        }
    }
}

fn list(runs: &[RunSummary], json: bool) -> Result<Exit, Refusal> {
    if json {
        anstream::println!("{}", serde_json::to_string_pretty(runs).map_err(Refusal::failed)?);
        return Ok(Exit::Done);
    }
    if runs.is_empty() {
        anstream::eprintln!("no runs yet: `throng run commerce-events --profile quick_test --practice-target`");
        return Ok(Exit::Done);
    }
    let mut table =
        Table::new(&["run", "scenario", "state", "verdict", "elapsed", "events", "failed", "p99", "labels"]);
    for run in runs {
        table.row(line(run));
    }
    let mut out = String::new();
    table.write(&mut out, anstyle::Style::new().dimmed());
    anstream::print!("{out}");
    Ok(Exit::Done)
}

fn line(run: &RunSummary) -> [String; 9] {
    let info = &run.info;
    let scenario = match &info.profile {
        Some(profile) => format!("{} ({profile})", info.scenario),
        None => info.scenario.clone(),
    };
    [
        info.id.to_string(),
        scenario,
        info.state.name().to_owned(),
        run.verdict.status.name().to_owned(),
        seconds(run.totals.elapsed_seconds),
        wording::count(run.totals.events.succeeded),
        wording::share(run.totals.error_rate),
        wording::latency(run.response_time.p99_us as f64),
        labels(&run.labels),
    ]
}

fn labels(labels: &Labels) -> String {
    let baseline = labels.baseline.then_some("baseline");
    baseline.into_iter().chain(labels.tags.iter().map(String::as_str)).collect::<Vec<_>>().join(", ")
}

fn label(store: &Store, args: &LabelArgs) -> Result<Exit, Refusal> {
    let id = find(store, &args.run)?;
    let mut labels = store.get(&id)?.ok_or_else(|| no_such_run(&args.run))?.labels;
    labels.tags.retain(|tag| !args.untags.contains(tag));
    for tag in &args.tags {
        if tag.trim().is_empty() {
            return Err(Refusal::usage("an empty tag finds nothing").with_hint("write a word: --tag nightly"));
        }
        if !labels.tags.contains(tag) {
            labels.tags.push(tag.clone());
        }
    }
    if let Some(note) = &args.note {
        labels.note.clone_from(note);
    }
    labels.baseline = (labels.baseline || args.baseline) && !args.no_baseline;
    store.label(&id, &labels)?;
    anstream::println!("{id}: {}", self::labels(&labels));
    Ok(Exit::Done)
}

/// Writes a result to a file or to standard output.
pub(super) fn write_out(result: &RunResult, format: ResultsFormat, output: Option<&Path>) -> Result<(), Refusal> {
    let text = format.write(result).map_err(Refusal::failed)?;
    match output {
        Some(path) => write_whole(path, text.as_bytes())
            .map_err(|error| Refusal::usage(format!("cannot write {}: {error}", path.display())))?,
        None => anstream::print!("{text}"),
    }
    Ok(())
}

/// The result of a run in the history or in a file.
pub(super) fn any_result(name: &str, data: &DataArgs) -> Result<RunResult, Refusal> {
    match result_file(name)? {
        Some(result) => Ok(result),
        None => stored_result(&Store::open(&data_directory(data)?)?, name),
    }
}

/// The result in a file of this name, if there is one.
fn result_file(name: &str) -> Result<Option<RunResult>, Refusal> {
    let path = Path::new(name);
    if !path.is_file() {
        return Ok(None);
    }
    let wrong = |reason: String| Refusal::usage(format!("{name} is not a result: {reason}"));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    serde_json::from_str(&text).map(Some).map_err(|error| wrong(error.to_string()))
}

fn stored_result(store: &Store, name: &str) -> Result<RunResult, Refusal> {
    store.result(&find(store, name)?)?.ok_or_else(|| no_such_run(name))
}

fn compare_runs(store: &Store, args: &CompareArgs) -> Result<Exit, Refusal> {
    let read = |name: &str| match result_file(name)? {
        Some(result) => Ok(result),
        None => stored_result(store, name),
    };
    let candidate = read(&args.candidate)?;
    let baseline = if args.baseline == BASELINE {
        let scenario = &candidate.run.info.scenario;
        let id = store.baseline(scenario)?.ok_or_else(|| {
            Refusal::usage(format!("{scenario} has no baseline"))
                .with_hint("choose one with `throng runs label RUN --baseline`")
        })?;
        stored_result(store, &id.0)?
    } else {
        read(&args.baseline)?
    };
    let options = CompareOptions { confidence: args.confidence, tolerance: args.tolerance };
    let found = compare(&baseline, &candidate, options);
    if args.json {
        anstream::println!("{}", serde_json::to_string_pretty(&found).map_err(Refusal::failed)?);
    } else {
        anstream::print!("{}", comparison(&found));
    }
    let failed = args.fail_on_regression
        && match found.verdict {
            // What cannot be compared has not passed.
            Difference::Worse | Difference::NotComparable => true,
            Difference::Better | Difference::NoRealDifference => false,
        };
    Ok(if failed { Exit::Failed } else { Exit::Done })
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
