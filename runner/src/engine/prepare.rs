//! From a valid scenario to a run that can start: the plan, the secrets, the targets.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use reqwest::Url;
use shared::plan::{Pacing, Plan, WorkloadPlan};
use shared::run::{Environment as Place, LoadKind, RunId, RunInfo, RunState, WorkloadRow};
use shared::scenario::ValidScenario;
use shared::scenario::model::behavior::{Behavior, Unmet};
use shared::units::EpochMicros;

use crate::engine::clock::rfc3339;
use crate::engine::progress::Facts;
use crate::engine::target::{Context, TargetSetup, Targets};

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
}

impl Default for PrepareOptions {
    fn default() -> Self {
        Self {
            allowed_hosts: Vec::new(),
            practice_target: None,
            workers: None,
            environment: Box::new(|name| std::env::var(name).ok()),
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
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared").field("info", &self.info).finish_non_exhaustive()
    }
}

impl Prepared {
    /// Opens one connection to each target.
    ///
    /// # Errors
    ///
    /// Names the first target that does not answer.
    pub async fn preflight(&self) -> Result<(), PrepareError> {
        for target in self.targets.iter() {
            target.reachable().await?;
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
    let plan = Arc::new(Plan::compile(&scenario, seed).map_err(PrepareError::Plan)?);
    let context = Context {
        environment: &*options.environment,
        allowed_hosts: &options.allowed_hosts,
        practice_key: options.practice_target.as_ref().map(|_url| PRACTICE_KEY),
    };
    let mut secrets = Vec::new();
    let mut targets = Vec::with_capacity(plan.targets().len());
    for planned in plan.targets() {
        let wrong = |why: &str| PrepareError::Target { target: planned.name.clone(), why: why.to_owned() };
        let target = scenario.targets.get(&planned.name).ok_or_else(|| wrong("the scenario has no such target"))?;
        let url = match (&options.practice_target, &target.url) {
            (Some(practice), _) => practice.as_str(),
            (None, Some(url)) => url.as_str(),
            (None, None) => return Err(wrong("it has no url")),
        };
        let types = plan.event_types().len();
        targets.push(TargetSetup::new(planned, target, url, types, &context, &mut secrets)?);
    }
    let workers = workers(&plan, &targets, options.workers);
    let info = RunInfo {
        id: new_id(),
        scenario: scenario.name.clone(),
        profile: scenario.profile().map(str::to_owned),
        seed,
        state: RunState::Ready,
        started_at: rfc3339(today()),
        ended_at: None,
        planned_seconds: plan.planned_seconds(),
        targets: targets.iter().map(|target| target.address.origin()).collect(),
    };
    let watches = shared::checks::watches(&scenario).map_err(PrepareError::Plan)?;
    let facts = Facts {
        scenario: scenario.to_json(),
        fingerprint: plan.fingerprint(),
        environment: Place {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            cores: cores() as u32,
            workers: workers as u32,
        },
        workloads: plan.workloads().iter().map(workload_row).collect(),
        event_types: plan.event_types().iter().map(|kind| (kind.name.clone(), kind.declared_share)).collect(),
        arrivals_are_events: arrivals_are_events(&scenario),
        workers,
        faults: plan.fault_names(),
        watches,
    };
    // The longest first: a secret may be part of another.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets.dedup();
    Ok(Prepared { info, plan, scenario, targets: targets.into(), secrets: secrets.into(), facts })
}

fn workload_row(workload: &WorkloadPlan) -> WorkloadRow {
    let (load, at_once) = match workload.pacing {
        Pacing::Scheduled => (LoadKind::Open, None),
        Pacing::Concurrent { requests, .. } => (LoadKind::Concurrency, Some(u64::from(requests))),
    };
    WorkloadRow { name: workload.name.clone(), load, at_once }
}

/// How many workers: never more than the scarcest target has connections for.
fn workers(plan: &Plan, targets: &[TargetSetup], wanted: Option<usize>) -> usize {
    let (mut peak, mut at_once) = (0.0, 1);
    for workload in plan.workloads() {
        match workload.pacing {
            Pacing::Scheduled => peak += workload.schedule(today()).curve().peak(),
            // As fast as the target answers: nobody knows how fast that is.
            Pacing::Concurrent { requests, .. } => at_once = at_once.max(requests as usize),
        }
    }
    let enough = if peak <= RATE_OF_ONE_WORKER { at_once.min(cores()) } else { cores() };
    let scarce = targets.iter().filter_map(|target| target.connections).min().unwrap_or(u32::MAX);
    wanted.unwrap_or(enough).min(scarce as usize).max(1)
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

/// An id that sorts by time: the date to the second, then something of its own.
fn new_id() -> RunId {
    use std::hash::{BuildHasher, RandomState};
    let date: String = rfc3339(today()).chars().take(19).filter(|c| c.is_ascii_digit() || *c == 'T').collect();
    let own = RandomState::new().hash_one(date.as_str());
    let own: String = (0..4).map(|place| char::from(ID_DIGITS[(own >> (5 * place)) as usize & 31])).collect();
    RunId(format!("{}-{own}", date.replace('T', "-")))
}
