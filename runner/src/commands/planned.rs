//! A scenario that is planned to be looked at: what preview, generate, curl and explain begin with.

use std::sync::Arc;

use shared::generate::clock::{TimeFormat, parse_rfc3339, write_time};
use shared::plan::Plan;
use shared::scenario::ValidScenario;
use shared::scenario::model::ClockMode;
use shared::tree::{Node, Value};
use shared::units::{EpochMicros, Nanos};

use super::supplied::supply;
use super::{Exit, Refusal, in_runtime, open, practice_target, show_problems};
use crate::cli::PlanArgs;
use crate::engine::prepare::today;
use crate::library::loading::{Additions, Ready, look_with};
use crate::practice::PracticeTarget;
use crate::supplies::fetch::is_needed;
use crate::supplies::records::Depth;

/// What removes a value.
const UNSET: &str = "$unset";
/// Longest window, in hours: a hundred years.
const MAX_HOURS: f64 = 876_000.0;

/// A scenario with its plan.
pub(super) struct Planned {
    pub(super) scenario: ValidScenario,
    pub(super) plan: Arc<Plan>,
    /// What the plan depends on, as a short text.
    pub(super) fingerprint: String,
}

/// The workloads of a merged document that take part.
pub(super) fn workloads(document: &Node) -> Vec<(&str, &Node)> {
    let entries = document.get("workloads").and_then(Node::as_map).unwrap_or_default();
    let enabled = |node: &Node| node.get("enabled").is_none_or(|enabled| enabled.value != Value::Bool(false));
    entries.iter().filter(|entry| enabled(&entry.node)).map(|entry| (entry.key.as_str(), &entry.node)).collect()
}

/// Gives all users of a workload the same id.
pub(super) fn id_of_users(workload: &str, id: &str) -> (String, String) {
    // In YAML a JSON string is a string; in a template a dollar sign before a brace has to be doubled.
    let quoted = serde_json::Value::from(id.replace("${", "$${")).to_string();
    (format!("workloads.{workload}.population.id"), quoted)
}

/// Loads and plans a scenario; `settings` sees the merged document and says what to set before `--set`.
///
/// # Errors
///
/// There is no such scenario, or it has problems, which are shown.
pub(super) fn plan(
    args: &PlanArgs,
    settings: impl FnOnce(&Node) -> Result<Vec<(String, String)>, Refusal>,
) -> Result<Planned, Refusal> {
    let found = open(&args.data, &args.scenario)?;
    let mut additions =
        Additions { profile: args.profile.clone(), set: args.set.clone(), seed: args.seed, ..Additions::default() };
    let first = look_with(&found, &additions, Depth::Beginning);
    let mut set = settings(first.document())?;
    // What a flag replaces is looked at all the same.
    let replaced = |path: &str| set.iter().any(|(key, value)| key == path && value == UNSET);
    let wrong: Vec<_> = first.problems().iter().filter(|problem| replaced(&problem.path)).cloned().collect();
    if !wrong.is_empty() {
        show_problems(&wrong, &found);
        return Err(Refusal::shown(Exit::Usage));
    }
    set.append(&mut additions.set);
    additions.set = set;
    let loading = look_with(&found, &additions, Depth::Whole);
    if !loading.problems().is_empty() {
        show_problems(loading.problems(), &found);
    }
    let Ready { scenario, plan, mut supplies, secrets } =
        loading.into_planned().map_err(|_shown| Refusal::shown(Exit::Usage))?;
    if !is_needed(&scenario) {
        let fingerprint = plan.fingerprint(&scenario, &supplies);
        return Ok(Planned { scenario, plan, fingerprint });
    }
    in_runtime(async {
        let practice = practice_target(args.practice_target)?;
        let url = practice.as_ref().map(PracticeTarget::url);
        let options = secrets.prepare_options(url.as_deref(), &args.policy.allow_target);
        supply(&scenario, &mut supplies, &options, args.pools_from.as_deref(), &args.data).await?;
        let plan = Plan::compile_with(&scenario, scenario.seed.unwrap_or_default(), &supplies);
        let plan = plan.map_err(|problems| {
            show_problems(&problems, &found);
            Refusal::shown(Exit::Usage)
        })?;
        let fingerprint = plan.fingerprint(&scenario, &supplies);
        Ok(Planned { scenario, plan: Arc::new(plan), fingerprint })
    })
}

/// The event time at which a plan starts: as asked for, else so long ago that it ends now, else as the clock says.
///
/// # Errors
///
/// A moment cannot be read.
pub(super) fn start(args: &PlanArgs, scenario: &ValidScenario, span: Option<Nanos>) -> Result<EpochMicros, Refusal> {
    if let Some(text) = &args.start {
        return moment(text).ok_or_else(|| {
            Refusal::usage(format!("`{text}` is no moment")).with_hint("write 2026-11-21T00:00:00Z, now or -168h")
        });
    }
    // Whole seconds, so that a start can be repeated as it is shown.
    let now = EpochMicros(today().0 / 1_000_000 * 1_000_000);
    let clock = &scenario.clock;
    match (clock.mode, span) {
        (ClockMode::Live, None) | (ClockMode::Simulate, None) => {
            Ok(clock.start.as_deref().and_then(moment).unwrap_or(now))
        }
        (ClockMode::Backfill, None) => Ok(clock.start.as_deref().and_then(moment).unwrap_or(now)),
        (_, Some(span)) => {
            let end = clock.end.as_deref().and_then(moment).unwrap_or(now);
            Ok(EpochMicros(end.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX))))
        }
    }
}

/// A moment as scenarios write it: RFC 3339, `now`, or a span before or after now.
fn moment(text: &str) -> Option<EpochMicros> {
    let now = EpochMicros(today().0 / 1_000_000 * 1_000_000);
    if text == "now" {
        return Some(now);
    }
    if let Some(span) = text.strip_prefix('-').and_then(|span| span.parse::<Nanos>().ok()) {
        return Some(EpochMicros(now.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX))));
    }
    if let Some(span) = text.strip_prefix('+').and_then(|span| span.parse::<Nanos>().ok()) {
        return Some(now.plus(span));
    }
    parse_rfc3339(text)
}

/// A moment for people and for `--start`.
pub(super) fn shown(moment: EpochMicros, format: TimeFormat) -> String {
    let mut text = Vec::new();
    write_time(moment, format, &mut text);
    // Times are written in ASCII, numbers without quotes.
    String::from_utf8_lossy(&text).trim_matches('"').to_owned()
}

/// How much of a scenario a dataset has: a number of events, a window of event time.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Amount {
    pub(super) count: Option<u64>,
    pub(super) span: Option<Nanos>,
}

impl Amount {
    /// What `--count` and `--hours` ask for.
    ///
    /// # Errors
    ///
    /// The hours are no window.
    pub(super) fn new(count: Option<u64>, hours: Option<f64>) -> Result<Self, Refusal> {
        Ok(Self { count, span: hours.map(window).transpose()? })
    }

    /// What it sets. A count that no load can promise becomes a limit.
    pub(super) fn settings(self, document: &Node, limit: &mut Option<u64>) -> Vec<(String, String)> {
        let mut set = Vec::new();
        let workloads = workloads(document);
        if let Some(span) = self.span {
            // Who is tied to another lasts as long as that one.
            let tied = |workload: &Node| workload.get("load").is_some_and(|load| load.get("ratio_of").is_some());
            for (name, _) in workloads.iter().filter(|(_, workload)| !tied(workload)) {
                set.push((format!("workloads.{name}.load.duration"), span.to_string()));
            }
        }
        let Some(count) = self.count else { return set };
        match workloads.as_slice() {
            // One event per arrival: then the load itself can be exact, and spread over the whole window.
            [(name, workload)] if count > 0 && is_counted(document, workload) => {
                // A count fills the whole window evenly, or by its shape.
                for kind in ["rate", "arrival", "ramp"] {
                    if workload.get("load").is_some_and(|load| load.get(kind).is_some()) {
                        set.push((format!("workloads.{name}.load.{kind}"), UNSET.to_owned()));
                    }
                }
                set.push((format!("workloads.{name}.load.count"), count.to_string()));
            }
            _ => *limit = Some(count),
        }
        set
    }
}

/// What gives every target of a merged document an address.
pub(super) fn addresses(document: &Node, url: &str) -> Vec<(String, String)> {
    let targets = document.get("targets").and_then(Node::as_map).unwrap_or_default();
    // In YAML a JSON string is a string.
    let quoted = serde_json::Value::from(url).to_string();
    targets.iter().map(|entry| (format!("targets.{}.url", entry.key), quoted.clone())).collect()
}

/// Whether a workload's load is open and its behavior makes one event of each arrival.
fn is_counted(document: &Node, workload: &Node) -> bool {
    let behaviors = document.get("behaviors").and_then(Node::as_map).unwrap_or_default();
    let behavior = match workload.get("behavior").and_then(Node::as_str) {
        Some(name) => behaviors.iter().find(|entry| entry.key == name),
        None => behaviors.first(),
    };
    let single = behavior.is_some_and(|entry| entry.node.get("mix").is_some() || entry.node.get("emit").is_some());
    let load = workload.get("load");
    let open = load.is_some_and(|load| load.get("rate").is_some() || load.get("count").is_some());
    let finite = load.and_then(|load| load.get("duration")).is_some_and(|node| node.as_str() != Some("forever"));
    single && open && finite
}

fn window(hours: f64) -> Result<Nanos, Refusal> {
    if hours > 0.0 && hours <= MAX_HOURS {
        Ok(Nanos::from_secs_f64(hours * 3_600.0))
    } else {
        let hours = if hours.abs() < 1e9 { hours.to_string() } else { format!("{hours:e}") };
        Err(Refusal::usage(format!("{hours} hours are no window"))
            .with_hint(format!("write a number above 0, such as --hours 24, up to {MAX_HOURS} (a hundred years)")))
    }
}
