//! From a valid scenario to a run that can start: the plan, the secrets, the targets.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::Url;
use shared::plan::{Pacing, Plan, Supplies, WorkloadPlan};
use shared::run::{Change, Environment as Place, LoadKind, RunId, RunInfo, RunState, SupplyRecord, WorkloadRow};
use shared::scenario::ValidScenario;
use shared::scenario::model::behavior::{Behavior, Unmet};
use shared::scenario::model::output::EventsFile;
use shared::scenario::model::target::Protocol;
use shared::scenario::model::{ClockMode, Scenario};
use shared::units::EpochMicros;

use crate::dataset::Format;
use crate::engine::clock::rfc3339;
use crate::engine::expectation::Expected;
use crate::engine::handle::RunHandle;
use crate::engine::orders::Adjustables;
use crate::engine::progress::Facts;
use crate::engine::saved::SavedEvents;
use crate::engine::target::{Context, TargetSetup, Targets};
use crate::folder::Folder;
use crate::ledger::{Header, Ledger};

pub use crate::engine::prepare_error::PrepareError;

/// Key that the practice target takes when the scenario has none of its own.
pub const PRACTICE_KEY: &str = "proj_practice-target_local";
/// Rate up to which one worker is enough: batches fill sooner with fewer of them.
const RATE_OF_ONE_WORKER: f64 = 500.0;

/// Reads the environment.
pub type Environment = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// What a run depends on beside its scenario.
pub struct PrepareOptions {
    /// Hosts outside this machine and its network that the operator allows.
    pub allowed_hosts: Vec<String>,
    /// Sends everything to this URL, wherever the scenario points.
    pub practice_target: Option<Url>,
    /// Engine workers; none: one, or one per core for a high rate.
    pub workers: Option<usize>,
    /// Reads the environment.
    pub environment: Environment,
    /// What was read and fetched for the scenario.
    pub supplies: Supplies,
    /// What that was, for the result.
    pub supply_records: Vec<SupplyRecord>,
    /// Where files are that the scenario names.
    pub folder: Folder,
}

impl Default for PrepareOptions {
    fn default() -> Self {
        Self {
            allowed_hosts: Vec::new(),
            practice_target: None,
            workers: None,
            environment: Box::new(|name| std::env::var(name).ok()),
            supplies: Supplies::default(),
            supply_records: Vec::new(),
            folder: Folder::Beside(PathBuf::new()),
        }
    }
}

/// A run that can start. It holds secrets, so that it shows only what it is.
pub struct Prepared {
    /// What it is.
    pub info: RunInfo,
    /// What it will do.
    pub plan: Arc<Plan>,
    pub(crate) scenario: ValidScenario,
    pub(crate) targets: Targets,
    /// Values that no sample may show.
    pub(crate) secrets: Arc<[String]>,
    pub(crate) facts: Facts,
    pub(crate) ledger: Option<Ledger>,
    /// Where every event that is sent is to stand as well.
    pub saved: Option<Arc<SavedEvents>>,
    /// Changes of an earlier run that are to be made again.
    pub(crate) changes: Vec<Change>,
    /// What goes on beside it.
    pub(crate) companion: Option<Companion>,
}

/// Starts something beside a run.
pub(crate) type Companion = Box<dyn FnOnce(RunHandle) + Send>;

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared").field("info", &self.info).finish_non_exhaustive()
    }
}

impl Prepared {
    /// The same run, with a ledger of its events.
    #[must_use]
    pub fn with_ledger(self, ledger: Ledger) -> Self {
        Self { ledger: Some(ledger), ..self }
    }

    /// What a ledger of it says of itself.
    pub fn ledger_header(&self) -> Header {
        let asked = self.scenario.outputs.ledger.as_ref();
        Header {
            run: self.info.id.0.clone(),
            scenario: self.info.scenario.clone(),
            profile: self.info.profile.clone(),
            seed: self.info.seed,
            started_at: rfc3339(today()),
            id_field: asked.and_then(|ledger| ledger.id_field.clone()),
            body_field: asked.and_then(|ledger| ledger.body_field.clone()),
            ..Header::default()
        }
    }

    /// Starts something beside the run, which ends by itself when the run is over.
    #[must_use]
    pub fn with_companion(mut self, companion: impl FnOnce(RunHandle) + Send + 'static) -> Self {
        self.companion = Some(Box::new(companion));
        self
    }

    /// The scenario, every value in its place.
    pub fn scenario(&self) -> &ValidScenario {
        &self.scenario
    }

    /// Tells its plan from others: the same scenario under the same seed has the same.
    pub fn fingerprint(&self) -> &str {
        &self.facts.fingerprint
    }

    /// Makes the changes of an earlier run again, each at its own run time. The same scenario under the same seed then
    /// sends the same events at the same moments.
    #[must_use]
    pub fn with_changes(mut self, mut changes: Vec<Change>) -> Self {
        changes.sort_by(|a, b| a.elapsed_seconds.total_cmp(&b.elapsed_seconds));
        self.changes = changes;
        self
    }

    /// Opens one connection to each target and asks for its health, and opens the file of events if there is to be one.
    /// A wrong answer that does not stop the run becomes a warning of it.
    ///
    /// # Errors
    ///
    /// Names the first target that does not answer.
    pub async fn preflight(&mut self) -> Result<(), PrepareError> {
        for target in self.targets.iter() {
            self.info.warnings.extend(target.reachable().await?);
        }
        if let Some(saved) = &self.saved {
            let path = saved.path().display();
            saved.open().map_err(|error| PrepareError::Unsupported(format!("outputs.events: {path}: {error}")))?;
        }
        Ok(())
    }
}

/// Makes a scenario ready to run: plans it, resolves its secrets, looks at its targets. Sends nothing.
///
/// # Errors
///
/// Says what stands in the way, see [`PrepareError`].
pub fn prepare(scenario: ValidScenario, options: &PrepareOptions) -> Result<Prepared, PrepareError> {
    let seed = scenario.seed.unwrap_or_else(drawn_seed);
    let unreadable = |why: String| PrepareError::Unsupported(format!("checks: {why}"));
    let expectations: Arc<[Expected]> = Expected::all(&scenario.checks).map_err(unreadable)?.into();
    let plan = Arc::new(Plan::compile_with(&scenario, seed, &options.supplies).map_err(PrepareError::Plan)?);
    if let Some(path) = plan.missing().first() {
        return Err(PrepareError::Unsupported(format!("{path}: it was not read before the run")));
    }
    let context = Context {
        seed,
        run: own_number(),
        expectations: Arc::clone(&expectations),
        environment: &*options.environment,
        allowed_hosts: &options.allowed_hosts,
        practice_key: options.practice_target.as_ref().map(|_url| PRACTICE_KEY),
        folder: &options.folder,
    };
    let saved = scenario.outputs.events.as_ref().map(|file| saved_events(file, &options.folder)).transpose()?;
    let mut secrets = Vec::new();
    let mut targets = Vec::with_capacity(plan.targets().len());
    let used = |place: usize| plan.workloads().iter().any(|workload| usize::from(workload.target.0) == place);
    for (place, planned) in plan.targets().iter().enumerate() {
        if !used(place) {
            // Workloads that are switched off open no connections and need no secrets.
            targets.push(TargetSetup::unused(planned.name.clone(), plan.event_types().len())?);
            continue;
        }
        let wrong = |why: &str| PrepareError::Target { target: planned.name.clone(), why: why.to_owned() };
        let target = scenario.targets.get(&planned.name).ok_or_else(|| wrong("the scenario has no such target"))?;
        let local = target.protocol.is_local();
        let url = match (&options.practice_target, &target.url) {
            (Some(practice), Some(url)) if target.protocol.holds_streams() => {
                &at_practice(practice, target.protocol, url)
            }
            (Some(practice), _) if !local => practice.as_str(),
            (_, Some(url)) => url.as_str(),
            (_, None) if target.protocol == Protocol::Discard => "",
            (_, None) => return Err(wrong("it has no url")),
        };
        let types = plan.event_types().len();
        targets.push(TargetSetup::new(planned, target, url, types, &context, &mut secrets)?);
    }
    let protocols = protocols(&mut targets);
    let enabled = scenario.workloads.values().filter(|workload| workload.enabled);
    let most_in_flight = enabled.filter_map(|workload| workload.load.max_in_flight);
    let workers = evenly(workers(&plan, &targets, most_in_flight, options.workers), &targets);
    let info = RunInfo {
        id: new_id(),
        scenario: scenario.name.clone(),
        profile: scenario.profile().map(str::to_owned),
        seed,
        state: RunState::Ready,
        started_at: rfc3339(today()),
        ended_at: None,
        planned_seconds: plan.planned_seconds(),
        warnings: targets.iter().filter_map(|target| target.warning.clone()).collect(),
        targets: (targets.iter().enumerate().filter(|(place, _)| used(*place)))
            .map(|(_, target)| target.origin())
            .collect(),
    };
    let checks = shared::checks::checks(&scenario).map_err(PrepareError::Plan)?;
    let facts = Facts {
        scenario: scenario.to_json(),
        fingerprint: plan.fingerprint(&scenario, &options.supplies),
        environment: Place {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            cores: cores() as u32,
            workers: workers as u32,
        },
        workloads: plan.workloads().iter().map(|workload| workload_row(workload, &plan, &scenario)).collect(),
        event_types: plan.event_types().iter().map(|kind| (kind.name.clone(), kind.declared_share)).collect(),
        protocols,
        arrivals_are_events: arrivals_are_events(&scenario) && scenario.clock.mode != ClockMode::Backfill,
        pace: plan.clock().pace(),
        workers,
        expectations: expectations.iter().map(Expected::unseen).collect(),
        adjustables: Adjustables::new(&plan),
        checks,
        supplies: options.supply_records.clone(),
    };
    // The longest first: a secret may be part of another.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets.dedup();
    Ok(Prepared {
        info,
        plan,
        scenario,
        targets: targets.into(),
        secrets: secrets.into(),
        facts,
        saved,
        changes: Vec::new(),
        companion: None,
        ledger: None,
    })
}

/// The protocols of the targets that are used, each with where it leads; tells each target the place of its own.
fn protocols(targets: &mut [TargetSetup]) -> Vec<(&'static str, Vec<String>)> {
    let mut protocols: Vec<(&'static str, Vec<String>)> = Vec::new();
    for target in targets.iter_mut().filter(|target| target.used) {
        let name = target.protocol.name();
        let place = protocols.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
            protocols.push((name, Vec::new()));
            protocols.len() - 1
        });
        protocols[place].1.push(target.origin());
        target.protocol_place = u8::try_from(place).unwrap_or(u8::MAX);
    }
    protocols
}

fn workload_row(workload: &WorkloadPlan, plan: &Plan, scenario: &Scenario) -> WorkloadRow {
    let (load, at_once) = match workload.pacing {
        Pacing::Scheduled => (LoadKind::Open, None),
        Pacing::Concurrent { requests, .. } => (LoadKind::Concurrency, Some(u64::from(requests))),
        Pacing::Users { users, .. } => (LoadKind::Users, Some(u64::from(users))),
    };
    let target = plan.targets().get(usize::from(workload.target.0)).map_or("", |target| target.name.as_str());
    let protocol = scenario.targets.get(target).map_or("", |target| target.protocol.name());
    WorkloadRow {
        name: workload.name.clone(),
        load,
        at_once,
        target: target.to_owned(),
        protocol: protocol.to_owned(),
        ..WorkloadRow::default()
    }
}

/// How many workers: never more than the scarcest target has connections for.
fn workers(
    plan: &Plan,
    targets: &[TargetSetup],
    most_in_flight: impl Iterator<Item = u32>,
    wanted: Option<usize>,
) -> usize {
    let (mut peak, mut at_once) = (0.0, 1);
    for workload in plan.workloads() {
        match workload.pacing {
            Pacing::Scheduled => peak += workload.schedule(today()).curve().peak() * plan.clock().pace(),
            // As fast as the target answers: nobody knows how fast that is.
            Pacing::Concurrent { requests, .. } => at_once = at_once.max(requests as usize),
            Pacing::Users { users, timed: false } => at_once = at_once.max(users as usize),
            // People who pause: each makes some events a second at the most.
            Pacing::Users { users, timed: true } => peak += f64::from(users),
        }
    }
    let enough = if peak <= RATE_OF_ONE_WORKER { at_once.min(cores()) } else { cores() };
    let scarce = targets.iter().filter_map(|target| target.connections).chain(most_in_flight).min().unwrap_or(u32::MAX);
    wanted.unwrap_or(enough).min(scarce as usize).max(1)
}

/// Not more workers than share the streams evenly, so that each stream carries as much as any other.
fn evenly(workers: usize, targets: &[TargetSetup]) -> usize {
    let streams = || targets.iter().filter(|target| target.stream.is_some()).filter_map(|target| target.connections);
    let even = |workers: &usize| streams().all(|streams| (streams as usize).is_multiple_of(*workers));
    (1..=workers).rev().find(even).unwrap_or(1)
}

/// A stream's address, but at the practice target.
fn at_practice(practice: &Url, protocol: Protocol, url: &str) -> String {
    let authority = practice.as_str().split_once("://").map_or("", |(_, rest)| rest.trim_end_matches('/'));
    if protocol == Protocol::Mqtt {
        return format!("mqtt://{authority}");
    }
    let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map_or("", |(_, path)| path);
    format!("ws://{authority}/{path}")
}

/// Whether each arrival of the plan is one event, so that what was planned can be compared with what was offered.
fn arrivals_are_events(scenario: &ValidScenario) -> bool {
    scenario.workloads.values().filter(|workload| workload.enabled).all(|workload| {
        if workload.load.concurrency.is_some() || workload.load.users.is_some() {
            return false;
        }
        let behavior = workload.behavior.as_ref().and_then(|name| scenario.behaviors.get(name));
        match behavior {
            Some(Behavior::Emit(_)) => true,
            Some(Behavior::Mix(mix)) => mix.unmet != Unmet::Skip,
            Some(Behavior::Session(_) | Behavior::Lifecycle(_) | Behavior::Replay(_)) | None => false,
        }
    })
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

pub(crate) fn today() -> EpochMicros {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros());
    EpochMicros(i64::try_from(since).unwrap_or(i64::MAX))
}

/// Digits without those that are mistaken for others.
const ID_DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A seed that nobody chose.
pub(crate) fn drawn_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    // Seeds are typed and compared by people: six digits are enough.
    RandomState::new().hash_one(today().0) % 1_000_000
}

/// A number that no other run has.
fn own_number() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(today().0)
}

/// An id that sorts by time: the date to the second, then something of its own.
fn new_id() -> RunId {
    use std::hash::{BuildHasher, RandomState};
    let date: String = rfc3339(today()).chars().take(19).filter(|c| c.is_ascii_digit() || *c == 'T').collect();
    let own = RandomState::new().hash_one(date.as_str());
    let own: String = (0..4).map(|place| char::from(ID_DIGITS[(own >> (5 * place)) as usize & 31])).collect();
    RunId(format!("{}-{own}", date.replace('T', "-")))
}

/// The file that a run's events stand in.
fn saved_events(file: &EventsFile, folder: &Folder) -> Result<Arc<SavedEvents>, PrepareError> {
    let (key, path, format) = match file {
        EventsFile::Jsonl(path) => ("jsonl", path, Format::Jsonl),
        EventsFile::Json(path) => ("json", path, Format::Json),
        EventsFile::Csv(path) => ("csv", path, Format::Csv),
    };
    let path = folder.resolve(path);
    let path = path.map_err(|why| PrepareError::Unsupported(format!("outputs.events.{key}: {why}")))?;
    Ok(Arc::new(SavedEvents::new(path, format)))
}
