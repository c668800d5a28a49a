//! What a scenario needs from targets before its events can be made: asked for now, or what an earlier run was given.

use std::path::{Path, PathBuf};

use shared::plan::Supplies;
use shared::scenario::model::Scenario;

use super::{Exit, Refusal, data_directory};
use crate::cli::DataArgs;
use crate::engine::prepare::{PrepareError, PrepareOptions};
use crate::report::counted;
use crate::store::SUPPLIES;
use crate::supplies::fetch::{FetchError, fetch, is_needed};
use crate::supplies::snapshot::{Snapshot, count};

/// Adds what targets give to what files gave; returns it, so that it can be kept.
///
/// # Errors
///
/// A pool cannot be filled.
pub(super) async fn supply(
    scenario: &Scenario,
    supplies: &mut Supplies,
    options: &PrepareOptions,
    from: Option<&str>,
    data: &DataArgs,
) -> Result<Snapshot, Refusal> {
    if !is_needed(scenario) {
        return Ok(Snapshot::default());
    }
    let known = from.map(|from| earlier(from, data)).transpose()?.unwrap_or_default();
    let snapshot = fetch(scenario, options, known).await.map_err(refuse)?;
    for (name, fetched) in &snapshot.pools {
        tracing::info!(pool = %name, url = %fetched.url, hash = %fetched.hash, "{}", counted(count(&fetched.items), "item"));
    }
    snapshot.add_to(supplies);
    Ok(snapshot)
}

/// What an earlier run was given: a run's id, the beginning of it, `latest`, or a file.
fn earlier(from: &str, data: &DataArgs) -> Result<Snapshot, Refusal> {
    let folder = data_directory(data)?.join(SUPPLIES);
    let path = if Path::new(from).is_file() { PathBuf::from(from) } else { of_run(&folder, from)? };
    Snapshot::read(&path).map_err(|error| Refusal::usage(format!("cannot use {}: {error}", path.display())))
}

fn of_run(folder: &Path, wanted: &str) -> Result<PathBuf, Refusal> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
            path.extension().is_some_and(|end| end == "json") && (wanted == "latest" || name.starts_with(wanted))
        })
        .collect();
    // Ids sort by time.
    found.sort();
    match (found.pop(), found.is_empty()) {
        (Some(path), true) => Ok(path),
        (Some(path), false) if wanted == "latest" => Ok(path),
        (Some(_), false) => Err(Refusal::usage(format!("several runs begin with `{wanted}`"))),
        (None, _) => Err(Refusal::usage(format!("no run `{wanted}` was given anything by a target"))
            .with_hint("`throng runs list` lists all there are")),
    }
}

/// What a pool that cannot be filled is to whoever started the run.
pub(super) fn refuse(error: FetchError) -> Refusal {
    let exit = match &error {
        FetchError::Unreachable { .. } => Exit::Unreachable,
        FetchError::Target { source: PrepareError::Unreachable { .. }, .. } => Exit::Unreachable,
        FetchError::Target { .. } | FetchError::Answer { .. } => Exit::Usage,
    };
    Refusal { exit, message: error.to_string(), hint: error.hint() }
}
