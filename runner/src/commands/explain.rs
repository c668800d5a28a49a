//! `throng explain`: where an event came from, and the event once more.

use std::sync::Arc;

use shared::event_id::EventId;
use shared::generate::clock::TimeFormat;
use shared::plan::{Plan, Planned as Event, Share, WorkloadPlan};
use shared::units::EpochMicros;

use super::planned::{Planned, plan, shown, start};
use super::{Exit, Refusal};
use crate::cli::ExplainArgs;

/// Shares that a workload is cut into, so that only one of them is walked where the id says which.
const SHARES: u32 = 64;
/// Events that are walked through at most.
const MAX_WALK: u64 = 50_000_000;

/// Says where an event came from.
pub(super) fn explain(args: &ExplainArgs) -> Result<Exit, Refusal> {
    let id: EventId = args.event_id.parse().map_err(|message: String| Refusal::usage(message))?;
    let Planned { scenario, plan } = plan(&args.plan, |_| Ok(Vec::new()))?;
    let seed = scenario.seed.unwrap_or_default();
    if !id.belongs_to(seed) {
        let message = format!("the event was not planned by this scenario under the seed {seed}");
        return Err(Refusal::usage(message).with_hint("name the run's seed with --seed"));
    }
    let start = start(&args.plan, &scenario, None)?;
    let origin = id.origin();
    let number = usize::from(origin.workload);
    let Some(workload) = plan.workloads().get(number) else {
        return Err(Refusal::usage(format!("the scenario has no workload {}", origin.workload + 1)));
    };
    anstream::println!("workload  {}", workload.name);
    anstream::println!("entity    {}", origin.entity);
    anstream::println!("step      {}", origin.step);
    let Some((event, rendered)) = find(&plan, workload, number, id, start) else {
        let message = "the event is not among those that the scenario plans, as it is now";
        return Err(
            Refusal::failed(message).with_hint("name the run's profile with --profile, and what it set with --set")
        );
    };
    let name = plan.event_types().get(usize::from(event.event_type.0)).map_or("", |info| info.name.as_str());
    anstream::println!("type      {name}");
    anstream::println!("user      {}", event.entity + 1);
    anstream::println!("due       {} after the start", crate::report::seconds(event.due.as_secs_f64()));
    anstream::println!("at        {}", shown(start.plus(event.due), TimeFormat::Rfc3339));
    anstream::println!("event     {}", String::from_utf8_lossy(&rendered));
    if args.plan.start.is_none() {
        anstream::eprintln!("times are those of a run that starts now; say when it started with --start");
    }
    Ok(Exit::Done)
}

/// Walks the plan to an event: first the share that it lies in if its entity says so, then all.
fn find(
    plan: &Arc<Plan>,
    workload: &WorkloadPlan,
    number: usize,
    id: EventId,
    start: EpochMicros,
) -> Option<(Event, Vec<u8>)> {
    let index = (id.origin().entity % u64::from(SHARES)) as u32;
    let likely = Share { index, count: SHARES };
    [likely, Share::WHOLE].into_iter().find_map(|share| {
        let schedule = workload.schedule(start);
        let mut cursor = plan.cursor(number, share);
        let mut rendered = Vec::new();
        for _ in 0..MAX_WALK {
            let due = cursor.next_due(&schedule)?;
            rendered.clear();
            let event = cursor.emit(start.plus(due), &mut rendered);
            if event.id == id {
                return Some((event, rendered));
            }
        }
        None
    })
}
