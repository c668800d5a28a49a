//! `throng find-limit`: the highest rate that still meets the thresholds, step by step, each a run of its own.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use shared::api::Labels;
use shared::limit::{LimitResult, LimitStep, Search, SearchBounds, StepKind, StepOutcome};
use shared::run::{RunResult, VerdictStatus};
use shared::threshold::Threshold;
use shared::threshold::watch::in_words;
use shared::tree::Node;
use shared::units::{Nanos, Rate};

use super::planned::workloads;
use super::run::{Outside, Readied, follow, keep_supplies, ready, refuse};
use super::{Exit, Refusal, data_directory, open, overrides, practice_target};
use crate::atomic_file::{check_writable, write_whole};
use crate::cli::FindLimitArgs;
use crate::engine;
use crate::engine::prepare::drawn_seed;
use crate::library::Found;
use crate::library::loading::{Additions, look_with};
use crate::report::progress::Progress;
use crate::report::{counted, html, limit, terminal};
use crate::shutdown::Signals;
use crate::store::Store;
use crate::supplies::records::Depth;

/// Longest wait for the last answers of a step.
const MOST_DRAIN: Nanos = Nanos::from_secs(5);
/// What every run of a search is tagged with.
const TAG: &str = "find-limit";
/// How many times as long as other steps a confirmation is, unless it is said.
const CONFIRM_FACTOR: u64 = 3;

/// A search before its first step.
struct Plan {
    found: Found,
    additions: Additions,
    /// Each workload with its part of the whole rate.
    parts: Vec<(String, f64)>,
    /// Settings that every step has, whatever its rate.
    fixed: Vec<(String, String)>,
    /// How long a rate is held, and how long to confirm it; both with the warm-up.
    length: Nanos,
    confirming: Nanos,
    /// Whether the scenario asks for audits, which a search does not make.
    looks_back: bool,
    seed: u64,
}

/// Searches, shows each step, draws the curve and writes it where it was asked for.
pub(super) async fn find_limit(args: FindLimitArgs) -> Result<Exit, Refusal> {
    let signals = Signals::listen().map_err(Refusal::failed)?;
    for path in &args.output {
        check_writable(path).map_err(|error| Refusal::usage(format!("cannot write {}: {error}", path.display())))?;
    }
    let plan = plan(&args)?;
    if plan.looks_back {
        anstream::eprintln!("audits are left out: each step would need one of its own");
    }
    let practice = practice_target(args.practice_target)?;
    let directory = data_directory(&args.data)?;
    let store = Arc::new(Store::open(&directory)?);
    let outside = Outside { allow_target: &args.policy.allow_target, pools_from: None, data: &args.data };
    let mut search = Search::new(bounds(&args, &plan)?);
    let (mut steps, mut interrupted): (Vec<LimitStep>, bool) = (Vec::new(), false);
    let (mut thresholds, mut targets) = (Vec::new(), Vec::new());
    while let Some((rate, kind)) = search.next_step() {
        if !steps.is_empty() {
            tokio::time::sleep(Duration::from_nanos(args.rest.0)).await;
        }
        let additions = plan.at(rate, kind, steps.len() as u64);
        let Readied { mut prepared, snapshot, .. } =
            ready(&plan.found, &additions, practice.as_ref(), &outside).await?;
        prepared.preflight().await.map_err(|error| refuse(error, &plan.found))?;
        keep_supplies(&snapshot, &store, &prepared)?;
        let progress = Progress::new(prepared.info.planned_seconds, None);
        let run = engine::start::start(prepared, Box::new(store.journal()));
        let (result, stopped) = follow(&run, progress, signals.clone(), None, None).await?;
        store.finish(&result)?;
        let tags =
            vec![TAG.to_owned(), format!("{TAG}-{}", steps.first().map_or(&result.run.info.id, |step| &step.run))];
        store.label(&result.run.info.id, &Labels { tags, ..Labels::default() })?;
        if stopped {
            interrupted = true;
            break;
        }
        thresholds =
            result.thresholds.iter().filter(|it| it.required).map(|it| it.threshold.clone()).collect::<Vec<_>>();
        thresholds.extend(result.expectations.iter().filter(|it| it.required).map(|it| it.name.clone()));
        targets.clone_from(&result.run.info.targets);
        let step = judge(rate, kind, plan.length_of(kind), &result);
        search.tell(step.outcome);
        steps.push(step);
        if let Some(step) = steps.last() {
            anstream::println!("{}", limit::step_line(steps.len(), step));
        }
    }
    let found = LimitResult {
        schema_version: 1,
        scenario: plan.found.source.clone(),
        profile: args.profile.clone(),
        targets,
        thresholds,
        limit: search.limit().map(|(rate, _)| rate),
        failed_at: search.failed_at(),
        confirmed: search.limit().map_or(0, |(_, times)| times),
        limited_by: search.limited_by(),
        summary: search.summary(),
        steps,
    };
    anstream::print!("{}", limit::summary(&found, terminal::columns()));
    write(&found, &args.output)?;
    anstream::println!("each step is kept as a run: throng runs list --tag {TAG}");
    Ok(match (interrupted, found.limit) {
        (true, _) => Exit::Interrupted,
        (false, Some(_)) => Exit::Done,
        (false, None) => Exit::Failed,
    })
}

/// Loads the scenario, finds its open workloads and what must hold.
fn plan(args: &FindLimitArgs) -> Result<Plan, Refusal> {
    let found = open(&args.data, &args.scenario)?;
    let mut additions = Additions {
        profile: args.profile.clone(),
        practice: args.practice_target,
        api_key: args.flags.api_key.clone(),
        ..Additions::default()
    };
    let looked_at = look_with(&found, &additions, Depth::Beginning);
    additions.set = overrides::settings(looked_at.document(), &args.flags)?;
    additions.set.extend(args.set.iter().cloned());
    if args.confirm_duration.is_some_and(|length| length < args.step_duration) {
        return Err(Refusal::usage("--confirm-duration is shorter than --step-duration")
            .with_hint("a confirmation shows more the longer it is"));
    }
    let late: Vec<Threshold> = args.threshold.iter().cloned().map(|it| after_warm_up(it, args.warm_up)).collect();
    overrides::add_thresholds(&found, &mut additions, &late)?;
    let looked_at = look_with(&found, &additions, Depth::Beginning);
    let document = looked_at.document();
    let mut fixed = checks_after_warm_up(document, args.warm_up)?.into_iter().collect::<Vec<_>>();
    let parts = parts(document)?;
    let length = args.step_duration.saturating_add(args.warm_up);
    for (name, _) in &parts {
        let load = document.get("workloads").and_then(|workloads| workloads.get(name)?.get("load"));
        let has = |key: &str| load.is_some_and(|load| load.get(key).is_some());
        for key in ["ramp", "burst", "shape", "stagger", "delay"].into_iter().filter(|key| has(key)) {
            fixed.push((format!("workloads.{name}.load.{key}"), "$unset".to_owned()));
        }
        let drain = load.and_then(|load| load.get("drain")?.as_str()?.parse::<Nanos>().ok());
        let drain = drain.unwrap_or(MOST_DRAIN).min(MOST_DRAIN);
        fixed.push((format!("workloads.{name}.load.drain"), drain.to_string()));
    }
    let confirming = args.confirm_duration.unwrap_or(Nanos(args.step_duration.0.saturating_mul(CONFIRM_FACTOR)));
    let confirming = confirming.saturating_add(args.warm_up);
    let seed = args.seed.unwrap_or_else(drawn_seed);
    let checks = document.get("checks").and_then(Node::as_list).unwrap_or_default();
    let looks_back = checks.iter().any(|check| check.get("audit").is_some());
    Ok(Plan { found, additions, parts, fixed, length, confirming, looks_back, seed })
}

impl Plan {
    /// How long a step lasts.
    fn length_of(&self, kind: StepKind) -> Nanos {
        match kind {
            StepKind::Bracket | StepKind::Bisect => self.length,
            StepKind::Confirm => self.confirming,
        }
    }

    /// What a step adds to the scenario. Each has its own seed: ids that came before would be duplicates.
    fn at(&self, rate: f64, kind: StepKind, number: u64) -> Additions {
        let length = self.length_of(kind).to_string();
        let mut additions = self.additions.clone();
        // The kind of load first: what has no effect beside it goes with it.
        for (name, part) in &self.parts {
            additions.set.push((format!("workloads.{name}.load.rate"), format!("{:.6}/s", rate * part)));
            additions.set.push((format!("workloads.{name}.load.duration"), length.clone()));
        }
        additions.set.extend(self.fixed.iter().cloned());
        additions.seed = Some(self.seed + number);
        additions
    }
}

fn bounds(args: &FindLimitArgs, plan: &Plan) -> Result<SearchBounds, Refusal> {
    let (lowest, highest) = (args.min_rate.per_second(), args.max_rate.per_second());
    if lowest > highest || lowest <= 0.0 {
        return Err(Refusal::usage("--min-rate is above --max-rate").with_hint("swap them"));
    }
    if args.step_duration.as_secs_f64() < 1.0 {
        return Err(Refusal::usage("a step of less than a second shows nothing").with_hint("write --step-duration 10s"));
    }
    let document = look_with(&plan.found, &plan.additions, Depth::Beginning);
    let start: f64 = document
        .document()
        .get("workloads")
        .and_then(Node::as_map)
        .unwrap_or_default()
        .iter()
        .filter(|entry| plan.parts.iter().any(|(name, _)| *name == entry.key))
        .filter_map(|entry| rate_of(&entry.node))
        .sum();
    let start = if start > 0.0 { start } else { lowest.max(10.0) };
    Ok(SearchBounds {
        start,
        lowest,
        highest,
        precision: args.precision.max(0.001),
        confirmations: args.confirm,
        most_steps: args.max_steps,
    })
}

/// The workloads whose rate is searched, each with its part of the whole; those tied to another follow by themselves.
fn parts(document: &Node) -> Result<Vec<(String, f64)>, Refusal> {
    let load = |workload: &Node, key: &str| workload.get("load").is_some_and(|load| load.get(key).is_some());
    let free: Vec<(&str, &Node)> =
        workloads(document).into_iter().filter(|(_, workload)| !load(workload, "ratio_of")).collect();
    if let [(name, _)] = free.as_slice() {
        return Ok(vec![((*name).to_owned(), 1.0)]);
    }
    let mut parts = Vec::new();
    for (name, workload) in &free {
        let rate = rate_of(workload).ok_or_else(|| {
            Refusal::usage(format!("workload `{name}` has no rate, so that its part of the whole is not known"))
                .with_hint(format!("give it one: --set workloads.{name}.load.rate=10/s"))
        })?;
        parts.push(((*name).to_owned(), rate));
    }
    let whole: f64 = parts.iter().map(|(_, rate)| rate).sum();
    if parts.is_empty() || whole <= 0.0 {
        return Err(Refusal::usage("the scenario has no workload whose rate could be searched"));
    }
    parts.iter_mut().for_each(|(_, rate)| *rate /= whole);
    Ok(parts)
}

fn rate_of(workload: &Node) -> Option<f64> {
    workload.get("load")?.get("rate")?.as_str()?.parse::<Rate>().ok().map(Rate::per_second)
}

fn after_warm_up(mut threshold: Threshold, warm_up: Nanos) -> Threshold {
    if threshold.scope.warm_up.is_none() && warm_up > Nanos::ZERO {
        threshold.scope.warm_up = Some(warm_up);
    }
    threshold
}

/// The scenario's checks with the step's warm-up where they have none.
///
/// # Errors
///
/// There are none: nothing could be met.
fn checks_after_warm_up(document: &Node, warm_up: Nanos) -> Result<Option<(String, String)>, Refusal> {
    let checks = document.get("checks").map(serde_json::to_value).transpose().map_err(Refusal::failed)?;
    let Some(serde_json::Value::Array(mut checks)) = checks.filter(|it| it.as_array().is_some_and(|it| !it.is_empty()))
    else {
        return Err(Refusal::usage("nothing says what the target has to meet")
            .with_hint("say it: --threshold 'p(95)<300ms' --threshold 'error_rate<1%'"));
    };
    for check in &mut checks {
        let Some(check) = check.as_object_mut() else { continue };
        let text = check.get("threshold").and_then(|text| text.as_str());
        let own = text.and_then(|text| text.parse::<Threshold>().ok()?.scope.warm_up);
        let judged = text.is_some() || check.contains_key("metric");
        if judged && own.is_none() && !check.contains_key("warm_up") && warm_up > Nanos::ZERO {
            check.insert("warm_up".to_owned(), warm_up.to_string().into());
        }
    }
    Ok(Some(("checks".to_owned(), serde_json::Value::Array(checks).to_string())))
}

/// What became of a step.
fn judge(rate: f64, kind: StepKind, length: Nanos, result: &RunResult) -> LimitStep {
    let mut reasons = Vec::new();
    for threshold in result.thresholds.iter().filter(|threshold| threshold.required && !threshold.passed) {
        let why = match (&threshold.reason, threshold.observed) {
            (Some(reason), _) => reason.clone(),
            (None, Some(observed)) => in_words(observed, threshold.unit),
            (None, None) => "nothing was measured".to_owned(),
        };
        reasons.push(format!("{}: {why}", threshold.threshold));
    }
    for expected in result.expectations.iter().filter(|expected| expected.required && !expected.passed) {
        let why = expected.reason.clone().unwrap_or_else(|| counted(expected.failed, "other answer"));
        reasons.push(format!("{}: {why}", expected.name));
    }
    if reasons.is_empty() {
        reasons.extend(fell_behind(result));
    }
    let degraded = result.verdict.status == VerdictStatus::Degraded;
    let outcome = if result.verdict.status == VerdictStatus::Invalid {
        reasons.clone_from(&result.verdict.reasons);
        StepOutcome::GeneratorLimited
    } else if reasons.is_empty() {
        StepOutcome::Held
    } else {
        StepOutcome::Failed
    };
    LimitStep {
        rate,
        kind,
        outcome,
        reasons,
        seconds: length.as_secs_f64(),
        doubts: if degraded { result.verdict.reasons.clone() } else { Vec::new() },
        run: result.run.info.id.clone(),
        verdict: result.verdict.status,
        achieved_rate: result.totals.events_per_second,
        error_rate: result.totals.error_rate,
        response_time: result.latency.response_time.percentiles,
    }
}

/// Whether more and more was left unanswered, in words. Thresholds on errors alone would not notice: a queue grows, and
/// the step is over before anything fails.
fn fell_behind(result: &RunResult) -> Option<String> {
    let dropped = result.totals.events.dropped;
    if dropped > 0 {
        return Some(format!("{} were never sent", counted(dropped, "event")));
    }
    let scheduled: Vec<_> = result.timeline.iter().take_while(|row| row.target_rate > 0.0).collect();
    let (_, second) = scheduled.split_at(scheduled.len() / 2);
    let offered: f64 = second.iter().map(|row| row.events.offered as f64).sum();
    let answered: f64 = second.iter().map(|row| (row.events.succeeded + row.events.failed) as f64).sum();
    let grown = offered - answered;
    (grown > 0.1 * offered + 3.0 * offered.sqrt() + 10.0)
        .then(|| format!("{} more events were unanswered at the end than half-way", grown as u64))
}

fn write(found: &LimitResult, outputs: &[PathBuf]) -> Result<(), Refusal> {
    for path in outputs {
        let text = match path.extension().and_then(|ending| ending.to_str()) {
            Some("html" | "htm") => html::limit::limit_page(found),
            Some("csv") => limit::csv(found),
            _ => format!("{}\n", serde_json::to_string_pretty(found).map_err(Refusal::failed)?),
        };
        write_whole(path, text.as_bytes())
            .map_err(|error| Refusal::failed(format!("cannot write {}: {error}", path.display())))?;
        anstream::println!("results: {}", path.display());
    }
    Ok(())
}
