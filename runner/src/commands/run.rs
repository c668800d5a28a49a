//! `throng run`: a scenario without the panel, from flags to exit code.

mod console;
mod dry;
mod keys;
mod log;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use shared::api::{TargetAccount, TargetSettings};
use shared::plan::supply::Records;
use shared::run::{Command, FailureKind, RunResult, RunState};
use shared::scenario::model::output::Outputs;

use console::Console;
use log::RunLog;

use super::runs::any_result;
use super::supplied::{self, supply};
use super::{Exit, Refusal, data_directory, open, overrides, show_problems};
use crate::atomic_file::{check_writable, write_whole};
use crate::cli::{DataArgs, RunArgs};
use crate::delivery::{Delivery, DeliveryError, Noting, Trust};
use crate::engine;
use crate::engine::handle::RunHandle;
use crate::engine::prepare::{PrepareError, PrepareOptions, Prepared, prepare};
use crate::library::Found;
use crate::library::loading::{Additions, Ready, load_to_run, look_at, look_with};
use crate::practice::PracticeTarget;
use crate::report::audit::described;
use crate::report::format::ResultsFormat;
use crate::report::progress::Progress;
use crate::report::sessions::Sessions;
use crate::report::summary::summary;
use crate::report::terminal;
use crate::server::offer_metrics;
use crate::shutdown::Signals;
use crate::store::Store;
use crate::supplies;
use crate::supplies::records::Depth;
use crate::supplies::refresh::attach;
use crate::supplies::snapshot::Snapshot;

/// How often progress is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Who gives the commands that a signal stands for.
const ORIGIN: &str = "signal";

/// Runs a scenario; the result is stored, written where it was asked for, and summed up.
pub(super) async fn run(args: RunArgs, verbose: bool) -> Result<Exit, Refusal> {
    let name = args.scenario.as_deref().or(args.scenario_file.as_deref()).unwrap_or_default();
    let found = open(&args.data, name)?;
    let mut additions = additions(&args, &found)?;
    let earlier = args.replay_changes.as_deref().map(|run| any_result(run, &args.data)).transpose()?;
    if let Some(earlier) = &earlier {
        additions.seed.get_or_insert(earlier.run.info.seed);
    }
    Ok(carry_out(args, &found, &additions, earlier.as_ref(), verbose).await?.0)
}

/// Runs a scenario that was found, with what was added to it; gives the result, if it ran. What was changed in an earlier
/// run is changed again.
pub(super) async fn carry_out(
    args: RunArgs,
    found: &Found,
    additions: &Additions,
    earlier: Option<&RunResult>,
    verbose: bool,
) -> Result<(Exit, Option<Arc<RunResult>>), Refusal> {
    let signals = Signals::listen().map_err(Refusal::failed)?;
    let outside =
        Outside { allow_target: &args.policy.allow_target, pools_from: args.pools_from.as_deref(), data: &args.data };
    if args.dry_run {
        let Readied { prepared, .. } = ready(found, additions, None, &outside).await?;
        anstream::print!("{}", dry::description(&prepared, args.practice_target));
        return Ok((Exit::Done, None));
    }
    let practice = if args.practice_target {
        let address = ([127, 0, 0, 1], 0).into();
        let settings = practice_settings(&args, found, additions)?;
        Some(PracticeTarget::start(address, settings).map_err(|error| Refusal::usage(error.to_string()))?)
    } else {
        None
    };
    let Readied { mut prepared, snapshot, recorded } = ready(found, additions, practice.as_ref(), &outside).await?;
    let files = ResultFiles::new(&args, prepared.scenario().outputs.results.as_deref())?;
    let address = practice.as_ref().map(PracticeTarget::url);
    let delivery = Delivery::new(&prepared, address.as_deref(), &found.folder, Trust::Operator);
    let delivery = delivery.map_err(refuse_delivery)?;
    prepared.preflight().await.map_err(|error| refuse(error, found))?;
    for warning in &prepared.info.warnings {
        let yellow = Style::new().bold().fg_color(Some(AnsiColor::Yellow.into()));
        anstream::eprintln!("{yellow}warning{yellow:#}: {warning}");
    }
    let directory = data_directory(&args.data)?;
    let store = Arc::new(Store::open(&directory)?);
    keep_supplies(&snapshot, &store, &prepared)?;
    let saved = prepared.saved.clone();
    let outputs = prepared.scenario().outputs.clone();
    let progress = Progress::new(prepared.info.planned_seconds, outputs.console)
        .verbose(verbose)
        .with_sessions(Sessions::of(&prepared.scenario().to_json()));
    let address = outputs.prometheus.as_deref().map(metrics_address).transpose()?;
    let log = outputs.log.as_ref().map(|path| open_log(path, &prepared, &outputs)).transpose()?;
    let info = prepared.info.clone();
    let prepared = match earlier {
        Some(earlier) => {
            if earlier.run.plan_fingerprint != prepared.fingerprint() {
                progress.say(
                    "the scenario is not that of the earlier run: changes come at the same moments, events do not",
                );
            }
            prepared.with_changes(earlier.changes.clone())
        }
        None => prepared,
    };
    let (prepared, ledger) = delivery.begin(prepared, &directory).map_err(refuse_delivery)?;
    let run = engine::start::start(prepared, Box::new(store.journal()));
    let figures = match address {
        Some(address) => {
            let (bound, serving) =
                offer_metrics(address, info, run.clone()).await.map_err(|error| Refusal::usage(error.to_string()))?;
            progress.say(&format!("figures for Prometheus: http://{bound}/metrics"));
            Some(serving)
        }
        None => None,
    };
    let console = Console::open();
    let following = follow(&run, progress, signals, log, console);
    let (mut result, interrupted) = match figures {
        Some(figures) => tokio::select! {
            outcome = following => outcome?,
            () = figures => return Err(Refusal::failed("the address for Prometheus was lost")),
        },
        None => following.await?,
    };

    let account = match &practice {
        Some(practice) => practice.report().await.ok().map(|report| report.account),
        None => None,
    };
    let kept = keep(&result, account.as_ref(), &store, &directory, &files);
    // What the run came to is on disk before anybody looks back, which may take its time.
    let delivered = match ledger {
        Some(noting) => look_back(noting, &mut result, &store, &files).await,
        None => Ok(()),
    };
    kept?;
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
        Exit::Done => {
            delivered?;
            Exit::Done
        }
        exit => exit,
    };
    Ok((exit, Some(result)))
}

/// Closes the ledger, makes the audits and adds what came of them to the result.
async fn look_back(
    noting: Noting,
    result: &mut Arc<RunResult>,
    store: &Store,
    files: &ResultFiles,
) -> Result<(), Refusal> {
    let noted = noting.close().await.map_err(Refusal::failed)?;
    anstream::println!("ledger: {}", noted.path.display());
    let audits = noted.audit().await;
    if audits.is_empty() {
        return Ok(());
    }
    for audit in &audits {
        match (&audit.result, &audit.trouble) {
            (Some(result), _) => anstream::print!("\n{}", described(result)),
            (None, trouble) => {
                let why = trouble.as_deref().unwrap_or("for no reason that is known");
                anstream::eprintln!("checks[{}].audit could not be made: {why}", audit.check);
            }
        }
    }
    let audited = Arc::new(RunResult { audits, ..RunResult::clone(result) });
    *result = Arc::clone(&audited);
    store.finish(&audited)?;
    files.write(&audited)
}

fn refuse_delivery(error: DeliveryError) -> Refusal {
    let refusal = Refusal::usage(error.to_string());
    match error.hint() {
        Some(hint) => refusal.with_hint(hint),
        None => refusal,
    }
}

/// What the command line adds to the scenario: profile, then the short flags, then `--set`, then `--threshold`.
fn additions(args: &RunArgs, found: &Found) -> Result<Additions, Refusal> {
    let looked_at = look_at(found, args.profile.as_deref());
    let mut set = overrides::settings(looked_at.document(), &args.flags)?;
    set.extend(args.ledger.as_deref().map(ledger_setting).transpose()?);
    if let Some(file) = &args.save_events {
        let path = absolute(file, "file of events")?;
        let format = match file.extension().and_then(|ending| ending.to_str()) {
            Some("json") => "json",
            Some("csv") => "csv",
            _ => "jsonl",
        };
        set.push(("outputs.events".to_owned(), serde_json::json!({ format: path }).to_string()));
    }
    set.extend(args.set.iter().cloned());
    let mut additions = Additions {
        profile: args.profile.clone(),
        set,
        seed: args.seed,
        practice: args.practice_target,
        api_key: args.flags.api_key.clone(),
    };
    overrides::add_thresholds(found, &mut additions, &args.threshold)?;
    Ok(additions)
}

/// Asks for a ledger in a file of the command line.
pub(super) fn ledger_setting(file: &Path) -> Result<(String, String), Refusal> {
    Ok(("outputs.ledger.file".to_owned(), serde_json::Value::from(absolute(file, "ledger")?).to_string()))
}

/// A path of the command line as a scenario may name it: its own paths begin in its folder, those of the command line in
/// the current one.
fn absolute(file: &Path, what: &str) -> Result<String, Refusal> {
    let path = std::path::absolute(file).map_err(Refusal::failed)?;
    path.to_str().map(str::to_owned).ok_or_else(|| Refusal::usage(format!("the name of the {what} is no text")))
}

/// Keeps what targets answered with the run, so that it can be done again.
pub(super) fn keep_supplies(snapshot: &Snapshot, store: &Store, prepared: &Prepared) -> Result<(), Refusal> {
    if snapshot.pools.is_empty() {
        return Ok(());
    }
    let path = store.supplies_of(&prepared.info.id);
    snapshot.write(&path).map_err(|error| Refusal::failed(format!("cannot write {}: {error}", path.display())))
}

/// What a run may use of the world outside.
pub(super) struct Outside<'a> {
    /// Where it may send beside this machine.
    pub(super) allow_target: &'a [String],
    /// A run whose pools are used again.
    pub(super) pools_from: Option<&'a str>,
    pub(super) data: &'a DataArgs,
}

/// A run that can start, and what it was given.
pub(super) struct Readied {
    pub(super) prepared: Prepared,
    /// What targets answered.
    pub(super) snapshot: Snapshot,
    /// Files that it replays.
    recorded: Vec<Arc<dyn Records>>,
}

/// Loads, fetches what is needed and prepares; every problem is shown, and no event has been sent.
pub(super) async fn ready(
    found: &Found,
    additions: &Additions,
    practice: Option<&PracticeTarget>,
    outside: &Outside<'_>,
) -> Result<Readied, Refusal> {
    let loading = load_to_run(found, additions);
    if !loading.problems().is_empty() {
        show_problems(loading.problems(), found);
    }
    let Ready { scenario, mut supplies, secrets, .. } =
        loading.into_planned().map_err(|_shown| Refusal::shown(Exit::Usage))?;
    let url = practice.map(PracticeTarget::url);
    let options = secrets.prepare_options(url.as_deref(), outside.allow_target);
    let snapshot = supply(&scenario, &mut supplies, &options, outside.pools_from, outside.data).await?;
    let options = PrepareOptions {
        supply_records: supplies::records(&scenario, &supplies, &snapshot),
        supplies,
        folder: found.folder.clone(),
        ..options
    };
    let recorded = options.supplies.records.values().cloned().collect();
    let prepared = prepare(scenario, &options).map_err(|error| refuse(error, found))?;
    // What an earlier run was given stays what it was.
    let prepared = match outside.pools_from {
        None => attach(prepared, &options, &snapshot).map_err(supplied::refuse)?,
        Some(_) => prepared,
    };
    Ok(Readied { prepared, snapshot, recorded })
}

/// The practice target's settings with what the command line says of them. It looks for ids where the ledger does.
fn practice_settings(args: &RunArgs, found: &Found, additions: &Additions) -> Result<TargetSettings, Refusal> {
    let said = args.practice_set.iter().map(|(name, value)| {
        let value = serde_json::from_str(value).unwrap_or_else(|_error| serde_json::Value::from(value.as_str()));
        (name.clone(), value)
    });
    let settings: TargetSettings = serde_json::from_value(said.collect::<serde_json::Map<_, _>>().into())
        .map_err(|error| Refusal::usage(format!("--practice-set: {error}")))?;
    // Problems of the scenario are shown when it is made ready.
    let loading = look_with(found, additions, Depth::Beginning);
    let ledger = loading.document().get("outputs").and_then(|outputs| outputs.get("ledger"));
    let id_field = ledger.and_then(|ledger| ledger.get("id_field")?.as_str()).map(str::to_owned);
    Ok(TargetSettings { id_field: settings.id_field.clone().or(id_field), ..settings })
}

/// Shows progress until the run is over, and does what is typed. The first signal stops it, the second cuts the drain
/// short.
pub(super) async fn follow(
    run: &RunHandle,
    mut progress: Progress,
    signals: Signals,
    mut log: Option<RunLog>,
    mut console: Option<Console>,
) -> Result<(Arc<RunResult>, bool), Refusal> {
    let mut interrupted = 0;
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let (first, second) = (signals.clone().asked(1), signals.asked(2));
    tokio::pin!(first, second);
    if console.is_some() {
        Console::invite(&mut progress);
    }
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
            key = Console::next(&mut console) => {
                if let Some(console) = &mut console {
                    console.obey(key, run, &mut progress).await;
                }
            }
            _look = looks.tick() => {
                let snapshot = run.snapshot();
                progress.show(&snapshot);
                note(&mut log, &progress, |log| log.note(&snapshot));
            }
        }
    };
    drop(console);
    let result = result.map_err(Refusal::failed)?;
    note(&mut log, &progress, |log| log.end(&result));
    progress.end();
    Ok((result, interrupted > 0))
}

/// Writes to the log; a disk that is full ends the log, not the run.
fn note(log: &mut Option<RunLog>, progress: &Progress, write: impl FnOnce(&mut RunLog) -> std::io::Result<()>) {
    if let Some(Err(error)) = log.as_mut().map(write) {
        progress.say(&format!("the log ends here: {error}"));
        *log = None;
    }
}

fn open_log(path: &str, prepared: &Prepared, outputs: &Outputs) -> Result<RunLog, Refusal> {
    let every = Duration::from_nanos(outputs.console.unwrap_or_default().every.0);
    RunLog::open(Path::new(path), &prepared.info, every)
        .map_err(|error| Refusal::usage(format!("cannot write {path}: {error}")))
}

/// Where figures are offered: an address with a port, or a port of this machine.
fn metrics_address(text: &str) -> Result<SocketAddr, Refusal> {
    let port = text.strip_prefix(':').unwrap_or(text).parse::<u16>().ok();
    port.map(|port| SocketAddr::from(([127, 0, 0, 1], port)))
        .or_else(|| text.parse().ok())
        .ok_or_else(|| Refusal::usage(format!("`{text}` is no address for figures")).with_hint("write 127.0.0.1:9464"))
}

/// The files that a result is written to, each with its format.
struct ResultFiles(Vec<(PathBuf, ResultsFormat)>);

impl ResultFiles {
    /// Those of the command line, else the scenario's; each can be written.
    fn new(args: &RunArgs, of_scenario: Option<&str>) -> Result<Self, Refusal> {
        let mut paths = args.output.clone();
        if paths.is_empty() {
            paths.extend(of_scenario.map(PathBuf::from));
        }
        for path in &paths {
            check_writable(path)
                .map_err(|error| Refusal::usage(format!("cannot write {}: {error}", path.display())))?;
        }
        let format = |path: &Path| args.results_format.unwrap_or_else(|| ResultsFormat::of_path(path));
        Ok(Self(paths.into_iter().map(|path| (path.clone(), format(&path))).collect()))
    }

    fn write(&self, result: &RunResult) -> Result<(), Refusal> {
        for (path, format) in &self.0 {
            let text = format.write(result).map_err(Refusal::failed)?;
            write_whole(path, text.as_bytes())
                .map_err(|error| Refusal::failed(format!("cannot write {}: {error}", path.display())))?;
        }
        Ok(())
    }
}

/// Sums up and saves. The summary comes first, so that a full disk does not take it along.
fn keep(
    result: &RunResult,
    account: Option<&TargetAccount>,
    store: &Store,
    directory: &Path,
    files: &ResultFiles,
) -> Result<(), Refusal> {
    anstream::println!("{}", summary(result, account, terminal::columns()));
    let stored = store.finish(result);
    files.write(result)?;
    for (path, _format) in &files.0 {
        anstream::println!("results: {}", path.display());
    }
    stored?;
    anstream::println!("kept as run {} in {}", result.run.info.id, directory.display());
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
        _ if result.audits.iter().any(|audit| audit.required && !audit.passed()) => Exit::Failed,
        _ if result.expectations.iter().any(|expected| expected.required && !expected.passed) => Exit::Failed,
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
            | FailureKind::CertificateExpired
            | FailureKind::CertificateName
            | FailureKind::CertificateUntrusted
    )
}

pub(super) fn refuse(error: PrepareError, found: &Found) -> Refusal {
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
