//! `throng preview`: what a scenario would do, without sending anything.

use std::fmt::Write as _;
use std::sync::Arc;

use shared::generate::clock::TimeFormat;
use shared::plan::{Pacing, Plan, Schedule, Share, WorkloadPlan};
use shared::scenario::model::Scenario;
use shared::scenario::model::behavior::Behavior;
use shared::units::{EpochMicros, Nanos};
use shared::wording;

use super::planned::{Planned, plan, shown, start};
use super::{Exit, Refusal};
use crate::cli::PreviewArgs;
use crate::report::{counted, seconds};

/// Columns and lines of a curve.
const WIDTH: usize = 72;
const HEIGHT: usize = 8;
/// Eighths of a block, from none to all.
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// How much is drawn of a load without end.
const ENDLESS: Nanos = Nanos::from_secs(3_600);
/// Events that are followed to say how many there will be.
const MOST_FOLLOWED: u64 = 100_000;

/// Prints the preview.
pub(super) fn preview(args: &PreviewArgs) -> Result<Exit, Refusal> {
    let Planned { scenario, plan, fingerprint } = plan(&args.plan, |_| Ok(Vec::new()))?;
    let start = start(&args.plan, &scenario, None)?;
    let mut out = format!(
        "{}  seed {}  plan {}  start {}\n",
        scenario.name,
        scenario.seed.unwrap_or_default(),
        fingerprint,
        shown(start, TimeFormat::Rfc3339Seconds),
    );
    for (number, workload) in plan.workloads().iter().enumerate() {
        let schedule = workload.schedule(start);
        let foreseen = foresee(&scenario, &plan, number, workload, start);
        describe(&plan, workload, &schedule, &foreseen, &mut out);
        let span = workload.length.span().unwrap_or(ENDLESS);
        match foreseen.pace {
            Pace::Schedule => out.push_str(&arrivals(&schedule, span)),
            Pace::Users | Pace::Target => out.push_str(&users(workload, span)),
        }
        let mut cursor = plan.cursor(number, Share::WHOLE);
        let mut event = Vec::new();
        for _ in 0..args.events {
            let Some(due) = cursor.next_due(&schedule) else { break };
            event.clear();
            cursor.emit(start.plus(due), &mut event);
            // Writing to a string cannot fail.
            let _written = writeln!(out, "  {:>9}  {}", seconds(due.as_secs_f64()), String::from_utf8_lossy(&event));
        }
    }
    anstream::print!("{out}");
    Ok(Exit::Done)
}

/// What can be said beforehand about how much a workload sends.
struct Foreseen {
    pace: Pace,
    /// What begins: an arrival, a session, whatever a life is called.
    noun: String,
    /// How many of those, and how many events; none where that has no end, or the target decides it.
    begun: Option<f64>,
    events: Option<f64>,
}

/// What decides how fast a workload goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Pace {
    /// The schedule.
    Schedule,
    /// Users and their pauses.
    Users,
    /// The target.
    Target,
}

/// Looks ahead: by the schedule, or by following what goes on.
fn foresee(
    scenario: &Scenario,
    plan: &Arc<Plan>,
    number: usize,
    workload: &WorkloadPlan,
    start: EpochMicros,
) -> Foreseen {
    let noun = match scenario.behaviors.get(&workload.behavior) {
        Some(Behavior::Session(_)) => Some("session".to_owned()),
        Some(Behavior::Lifecycle(life)) => Some(life.noun.clone().unwrap_or_else(|| "arrival".to_owned())),
        Some(Behavior::Mix(_) | Behavior::Emit(_) | Behavior::Replay(_)) | None => None,
    };
    let has_stories = noun.is_some();
    let noun = noun.unwrap_or_else(|| "arrival".to_owned());
    let schedule = workload.schedule(start);
    let pace = match workload.pacing {
        Pacing::Users { timed: true, .. } => Pace::Users,
        Pacing::Concurrent { .. } if workload.is_backfilled() => Pace::Schedule,
        Pacing::Users { timed: false, .. } | Pacing::Concurrent { .. } => Pace::Target,
        Pacing::Scheduled => Pace::Schedule,
    };
    let (mut begun, mut events) = (None, None);
    if let Some(span) = workload.length.span() {
        let followed = (pace == Pace::Users || (pace == Pace::Schedule && has_stories))
            .then(|| follow(plan, number, &schedule, span, start));
        events = followed.map(|(_, events)| events);
        begun = match pace {
            Pace::Schedule => Some(schedule.expected_until(span)),
            Pace::Users => followed.map(|(begun, _)| begun).filter(|_| has_stories),
            Pace::Target => None,
        };
    }
    Foreseen { pace, noun, begun, events }
}

/// How many sessions or lives begin in a span and how many events happen, by following them for a while.
fn follow(plan: &Arc<Plan>, number: usize, schedule: &Schedule, span: Nanos, start: EpochMicros) -> (f64, f64) {
    let mut cursor = plan.cursor(number, Share::WHOLE);
    let (mut begun, mut events, mut reached) = (0_u64, 0_u64, span);
    while let Some(due) = cursor.next_due(schedule) {
        if events == MOST_FOLLOWED {
            reached = due;
            break;
        }
        events += 1;
        begun += u64::from(cursor.skip(start.plus(due)).step == 0);
    }
    // What was not followed goes on as before.
    let rest = span.as_secs_f64() / reached.as_secs_f64().max(1e-9);
    (begun as f64 * rest, events as f64 * rest)
}

/// What to expect of a workload.
fn describe(plan: &Plan, workload: &WorkloadPlan, schedule: &Schedule, foreseen: &Foreseen, out: &mut String) {
    let target = plan.targets().get(usize::from(workload.target.0)).map_or("", |target| target.name.as_str());
    let about = |count: f64, noun: &str| format!("about {}", counted(count.round() as u64, noun));
    let begun = foreseen.begun.map(|count| about(count, &foreseen.noun));
    let events = foreseen.events.map(|count| about(count, "event"));
    let amount = begun.into_iter().chain(events).collect::<Vec<_>>().join(" and ");
    let length = &workload.length;
    let users = counted(workload.users, "user");
    let ends = length.span().is_some();
    let until = if ends { format!("in {length}") } else { "until it is stopped".to_owned() };
    let text = match foreseen.pace {
        Pace::Schedule if ends => format!("{amount} {until}, {users}"),
        Pace::Schedule => format!("up to {} {until}, {users}", wording::rate(schedule.curve().peak())),
        Pace::Users if ends => format!("{users} for {length}, {amount}"),
        Pace::Users => format!("{users} {until}"),
        Pace::Target => format!("as fast as the target answers {until}, {users}"),
    };
    // Writing to a string cannot fail.
    let _written = writeln!(out, "\n{} to {target}: {text}", workload.name);
    let expected = foreseen.events.or(foreseen.begun);
    let names =
        workload.declared.iter().filter_map(|(id, share)| Some((plan.event_types().get(usize::from(id.0))?, share)));
    let widest = names.clone().map(|(info, _)| info.name.chars().count()).max().unwrap_or(0);
    for (info, share) in names {
        let events = expected.map(|all| wording::count((all * share).round() as u64)).unwrap_or_default();
        let line = format!("  {:widest$}  {:>6}  {events:>12}", info.name, wording::share(*share));
        let _written = writeln!(out, "{}", line.trim_end());
    }
}

/// The moment of a column.
fn at(span: Nanos, column: usize) -> Nanos {
    Nanos((u128::from(span.0) * column as u128 / WIDTH as u128) as u64)
}

/// The arrival rate over time.
fn arrivals(schedule: &Schedule, span: Nanos) -> String {
    let mean = |column: usize| {
        let (from, to) = (at(span, column), at(span, column + 1));
        (schedule.expected_until(to) - schedule.expected_until(from))
            / (to.as_secs_f64() - from.as_secs_f64()).max(1e-9)
    };
    curve(&(0..WIDTH).map(mean).collect::<Vec<_>>(), span, wording::rate)
}

/// The users over time.
fn users(workload: &WorkloadPlan, span: Nanos) -> String {
    // In the middle of each column, since at the very end all have left.
    let middle = |column: usize| Nanos(at(span, column).0.midpoint(at(span, column + 1).0));
    let there = |column: usize| workload.users_at(middle(column)).unwrap_or(0) as f64;
    curve(&(0..WIDTH).map(there).collect::<Vec<_>>(), span, |users| counted(users as u64, "user"))
}

/// Values over time, as blocks.
fn curve(values: &[f64], span: Nanos, label: impl Fn(f64) -> String) -> String {
    let mut out = String::new();
    let highest = values.iter().copied().fold(0.0, f64::max);
    if span == Nanos::ZERO || highest <= 0.0 {
        return out;
    }
    for line in (0..HEIGHT).rev() {
        let label = match line {
            0 => label(0.0),
            line if line == HEIGHT - 1 => label(highest),
            _ => String::new(),
        };
        let _written = write!(out, "  {label:>10} ");
        for value in values {
            let filled = value / highest * HEIGHT as f64 - line as f64;
            out.push(BLOCKS[(filled * 8.0).round().clamp(0.0, 8.0) as usize]);
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    let end = span.to_string();
    let _written = writeln!(out, "  {:>10} 0s{end:>width$}", "", width = WIDTH - 2);
    out
}

#[cfg(test)]
mod tests {
    use shared::compile::compile;
    use shared::plan::Curve;
    use shared::scenario::LoadOptions;

    use super::*;

    #[test]
    fn a_curve_is_drawn_to_its_own_height() {
        let drawn = arrivals(&Schedule::new(Curve::constant(10.0, Some(60.0))), Nanos::from_secs(60));
        assert_eq!(drawn.matches('█').count(), WIDTH * HEIGHT, "{drawn}");
        assert!(drawn.contains("1m\n"));
        assert_eq!(arrivals(&Schedule::new(Curve::constant(0.0, None)), Nanos::from_secs(60)), "");
    }

    #[test]
    fn a_load_of_users_is_foreseen_by_following_them() {
        let told = |text: &str| {
            let compiled = compile(text, &LoadOptions::new("test"), 1);
            let (scenario, plan) = (compiled.scenario.unwrap(), compiled.plan.unwrap());
            let workload = &plan.workloads()[0];
            let start = EpochMicros(1_767_571_200_000_000);
            let mut out = String::new();
            let foreseen = foresee(&scenario, &plan, 0, workload, start);
            describe(&plan, workload, &workload.schedule(start), &foreseen, &mut out);
            (out, users(workload, workload.length.span().unwrap_or(ENDLESS)))
        };
        let web = "{extends: web-analytics, workloads: {web: {load: {duration: 10m, ramp: {up: 5m, down: 1m}}}}}";
        let (text, drawn) = told(web);
        assert!(text.contains("10 users for 10m, about ") && text.contains(" sessions and about "), "{text}");
        assert!(drawn.contains("10 users") && drawn.contains("10m"), "{drawn}");
        let full = drawn.lines().next().unwrap().matches('█').count();
        assert!((20..=40).contains(&full), "{full} columns of all users\n{drawn}");
        let (text, _) = told("{extends: web-analytics, workloads: {web: {human_delays: false}}}");
        assert!(text.contains("as fast as the target answers in 5m, 10 users"), "{text}");
        let (text, _) = told("{extends: web-analytics, workloads: {web: {load: {duration: forever}}}}");
        assert!(text.contains("10 users until it is stopped"), "{text}");
        let (text, _) = told("{extends: web-analytics, profile: expected_10}");
        assert!(text.contains("about 263 sessions and about 3,"), "{text}");
    }
}
