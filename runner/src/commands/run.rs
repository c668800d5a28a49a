//! `throng run`: a scenario without the panel, from flags to exit code.

mod dry;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use shared::api::{TargetAccount, TargetSettings};
use shared::plan::supply::Records;
use shared::run::{Command, FailureKind, RunResult, RunState};

use super::supplied::supply;
use super::{Exit, Refusal, data_directory, library, overrides, show_problems};
use crate::atomic_file::{check_writable, write_whole};
use crate::cli::RunArgs;
use crate::engine;
use crate::engine::handle::RunHandle;
use crate::engine::prepare::{PrepareError, PrepareOptions, Prepared, prepare};
use crate::library::Found;
use crate::library::loading::{Additions, Ready, load_to_run, look_at};
use crate::practice::PracticeTarget;
use crate::report::progress::Progress;
use crate::report::summary::summary;
use crate::shutdown::Signals;
use crate::store::Store;
use crate::supplies;
use crate::supplies::snapshot::Snapshot;

/// How often progress is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Who gives the commands that a signal stands for.
const ORIGIN: &str = "signal";

/// Runs a scenario; the result is stored, written where it was asked for, and summed up.
pub(super) async fn run(args: RunArgs) -> Result<Exit, Refusal> {
    let name = args.scenario.as_deref().or(args.scenario_file.as_deref()).unwrap_or_default();
    let found = library(&args.data)?.open(name)?;
    let additions = additions(&args, &found)?;
    Ok(carry_out(args, &found, &additions).await?.0)
}

/// Runs a scenario that was found, with what was added to it; gives the result, if it ran.
pub(super) async fn carry_out(
    args: RunArgs,
    found: &Found,
    additions: &Additions,
) -> Result<(Exit, Option<Arc<RunResult>>), Refusal> {
    let signals = Signals::listen().map_err(Refusal::failed)?;
    if let Some(output) = &args.output {
        check_writable(output)
            .map_err(|error| Refusal::usage(format!("cannot write {}: {error}", output.display())))?;
    }
    if args.dry_run {
        let Readied { prepared, .. } = ready(&args, found, additions, None).await?;
        anstream::print!("{}", dry::description(&prepared, args.practice_target));
        return Ok((Exit::Done, None));
    }
    let practice = if args.practice_target {
        let address = ([127, 0, 0, 1], 0).into();
        Some(PracticeTarget::start(address, TargetSettings::default()).map_err(Refusal::failed)?)
    } else {
        None
    };
    let Readied { prepared, snapshot, recorded } = ready(&args, found, additions, practice.as_ref()).await?;
    prepared.preflight().await.map_err(|error| refuse(error, found))?;
    let directory = data_directory(&args.data)?;
    let store = Arc::new(Store::open(&directory)?);
    if !snapshot.pools.is_empty() {
        let path = store.supplies_of(&prepared.info.id);
        snapshot.write(&path).map_err(|error| Refusal::failed(format!("cannot write {}: {error}", path.display())))?;
    }
    let saved = prepared.saved.clone();
    let progress = Progress::new(prepared.info.planned_seconds);
    let run = engine::start::start(prepared, Box::new(store.journal()));
    let (result, interrupted) = follow(&run, progress, signals).await?;

    let account = match &practice {
        Some(practice) => practice.report().await.ok().map(|report| report.account),
        None => None,
    };
    keep(&result, account.as_ref(), &store, &directory, args.output.as_deref())?;
    let troubles: Vec<String> = recorded.iter().filter_map(|records| records.trouble()).collect();
    for trouble in &troubles {
        anstream::eprintln!("the replay ended early: {trouble}");
    }
    let unsaved = saved.as_ref().and_then(|saved| saved.trouble());
    match (&saved, &unsaved) {
        (Some(_), Some(trouble)) => anstream::eprintln!("not every event was saved: {trouble}"),
        (Some(saved), None) => anstream::println!("events: {}", saved.path().display()),
        (None, _) => {}
    }
    let exit = match exit(&result, interrupted) {
        Exit::Done if !troubles.is_empty() || unsaved.is_some() => Exit::Failed,
        exit => exit,
    };
    Ok((exit, Some(result)))
}

/// What the command line adds to the scenario: profile, then the short flags, then `--set`.
fn additions(args: &RunArgs, found: &Found) -> Result<Additions, Refusal> {
    let looked_at = look_at(found, args.profile.as_deref());
    let mut set = overrides::settings(looked_at.document(), &args.flags)?;
    if let Some(file) = &args.save_events {
        // The scenario's own paths begin in its folder, those of the command line in the current one.
        let path = std::path::absolute(file).map_err(Refusal::failed)?;
        let path = path.to_str().ok_or_else(|| Refusal::usage("the name of the file of events is no text"))?;
        set.push(("outputs.events".to_owned(), serde_json::json!({ "jsonl": path }).to_string()));
    }
    set.extend(args.set.iter().cloned());
    Ok(Additions {
        profile: args.profile.clone(),
        set,
        seed: args.seed,
        practice: args.practice_target,
        api_key: args.flags.api_key.clone(),
    })
}

/// A run that can start, and what it was given.
struct Readied {
    prepared: Prepared,
    /// What targets answered.
    snapshot: Snapshot,
    /// Files that it replays.
    recorded: Vec<Arc<dyn Records>>,
}

/// Loads, fetches what is needed and prepares; every problem is shown, and no event has been sent.
async fn ready(
    args: &RunArgs,
    found: &Found,
    additions: &Additions,
    practice: Option<&PracticeTarget>,
) -> Result<Readied, Refusal> {
    let loading = load_to_run(found, additions);
    if !loading.problems().is_empty() {
        show_problems(loading.problems(), found);
    }
    let Ready { scenario, mut supplies, secrets, .. } =
        loading.into_planned().map_err(|_shown| Refusal::shown(Exit::Usage))?;
    let url = practice.map(PracticeTarget::url);
    let options = secrets.prepare_options(url.as_deref(), &args.policy.allow_target);
    let snapshot = supply(&scenario, &mut supplies, &options, args.pools_from.as_deref(), &args.data).await?;
    let options = PrepareOptions {
        supply_records: supplies::records(&scenario, &supplies, &snapshot),
        supplies,
        folder: found.folder.clone(),
        ..options
    };
    let recorded = options.supplies.records.values().cloned().collect();
    let prepared = prepare(scenario, &options).map_err(|error| refuse(error, found))?;
    Ok(Readied { prepared, snapshot, recorded })
}

/// Shows progress until the run is over. The first signal stops it, the second cuts the drain short.
async fn follow(run: &RunHandle, mut progress: Progress, signals: Signals) -> Result<(Arc<RunResult>, bool), Refusal> {
    let mut interrupted = 0;
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let (first, second) = (signals.clone().asked(1), signals.asked(2));
    tokio::pin!(first, second);
    let result = loop {
        tokio::select! {
            result = run.wait() => break result,
            () = &mut first, if interrupted == 0 => {
                interrupted = 1;
                progress.say("stopping: waiting for the last answers, once more ends at once");
                // A run that cannot be stopped any more is about to end by itself.
                let _stopping = run.command(Command::Stop, ORIGIN).await;
            }
            () = &mut second, if interrupted == 1 => {
                interrupted = 2;
                let _aborting = run.command(Command::Abort, ORIGIN).await;
            }
            _look = looks.tick() => progress.show(&run.snapshot()),
        }
    };
    progress.end();
    Ok((result.map_err(Refusal::failed)?, interrupted > 0))
}

/// Sums up and saves. The summary comes first, so that a full disk does not take it along.
fn keep(
    result: &RunResult,
    account: Option<&TargetAccount>,
    store: &Store,
    directory: &Path,
    output: Option<&Path>,
) -> Result<(), Refusal> {
    anstream::print!("{}", summary(result, account));
    let stored = store.finish(result);
    if let Some(path) = output {
        let text = serde_json::to_string_pretty(result).map_err(Refusal::failed)?;
        write_whole(path, format!("{text}\n").as_bytes())
            .map_err(|error| Refusal::failed(format!("cannot write {}: {error}", path.display())))?;
        anstream::println!("\nresults: {}", path.display());
    }
    stored?;
    let separator = if output.is_some() { "" } else { "\n" };
    anstream::println!("{separator}kept as run {} in {}", result.run.info.id, directory.display());
    Ok(())
}

fn exit(result: &RunResult, interrupted: bool) -> Exit {
    let nothing_reached = result.totals.events.sent > 0
        && result.totals.events.succeeded == 0
        && result.failures.iter().all(|failure| is_unreachable(failure.kind));
    match result.run.info.state {
        _ if interrupted => Exit::Interrupted,
        RunState::Failed => Exit::Failed,
        _ if nothing_reached => Exit::Unreachable,
        _ if result.thresholds.iter().any(|threshold| threshold.required && !threshold.passed) => Exit::Failed,
        _ => Exit::Done,
    }
}

/// Whether a failure means that nobody was there.
fn is_unreachable(kind: FailureKind) -> bool {
    matches!(
        kind,
        FailureKind::NameNotResolved
            | FailureKind::ConnectionRefused
            | FailureKind::ConnectionFailed
            | FailureKind::Timeout
            | FailureKind::Tls
    )
}

fn refuse(error: PrepareError, found: &Found) -> Refusal {
    let hint = error.hint();
    let exit = match &error {
        PrepareError::Plan(problems) => {
            show_problems(problems, found);
            return Refusal::shown(Exit::Usage);
        }
        PrepareError::Unreachable { .. } => Exit::Unreachable,
        PrepareError::Secret { .. } | PrepareError::Target { .. } | PrepareError::Unsupported(_) => Exit::Usage,
    };
    Refusal { exit, message: error.to_string(), hint }
}
