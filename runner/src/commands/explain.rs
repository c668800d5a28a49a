//! `throng explain`: where an event came from, and the event once more.

use std::sync::Arc;

use shared::event_id::{EventId, EventMark};
use shared::generate::clock::TimeFormat;
use shared::plan::{Cursor, Known, Plan, Planned as Event, Share, WorkloadPlan};
use shared::units::EpochMicros;

use super::planned::{Amount, Planned, plan, shown, start};
use super::{Exit, Refusal};
use crate::cli::ExplainArgs;

/// Shares that a workload is cut into, so that only one of them is walked where the id says which.
const SHARES: u32 = 64;
/// Events that are walked through at most.
const MAX_WALK: u64 = 50_000_000;

/// What an id says.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wanted {
    /// The place of the event.
    Id(EventId),
    /// The number of its arrival.
    Mark(EventMark),
}

/// Says where an event came from.
pub(super) fn explain(args: &ExplainArgs) -> Result<Exit, Refusal> {
    let wanted = Wanted::read(&args.event_id)?;
    let amount = Amount::new(args.count, args.hours)?;
    let Planned { scenario, plan, .. } = plan(&args.plan, |document| Ok(amount.settings(document, &mut None)))?;
    let seed = scenario.seed.unwrap_or_default();
    let start = start(&args.plan, &scenario, amount.span)?;
    let (number, known) = wanted.workload(&plan).ok_or_else(|| {
        let message = format!("the event was not planned by this scenario under the seed {seed}");
        Refusal::usage(message).with_hint("name the run's seed with --seed")
    })?;
    let Some(workload) = plan.workloads().get(number) else {
        return Err(Refusal::usage(format!("the scenario has no workload {}", number + 1)));
    };
    anstream::println!("workload  {}", workload.name);
    match wanted {
        Wanted::Id(id) => {
            anstream::println!("entity    {}", id.origin().entity);
            anstream::println!("step      {}", id.origin().step);
        }
        Wanted::Mark(mark) => anstream::println!("arrival   {}", mark.number()),
    }
    if known == Known::UnderAnotherLoad {
        let message = "the event was planned under another load than this, so that its moment is not known";
        let hint = "name what made it: --count and --hours of `generate`, the --profile of a run, its flags as --set \
                    (-r 50/s is workloads.NAME.load.rate=50/s)";
        return Err(Refusal::usage(message).with_hint(hint));
    }
    let Some((event, rendered)) = find(&plan, workload, number, wanted, start) else {
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

impl Wanted {
    /// Reads an id: ours, or one of a scenario's own shape that has a mark in it.
    fn read(text: &str) -> Result<Self, Refusal> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        let runs = text.split(|c: char| !c.is_ascii_hexdigit());
        let mark = runs.filter_map(|run| run.parse().ok()).next_back();
        mark.map(Self::Mark).ok_or_else(|| {
            let message = format!("`{text}` does not say where it came from");
            Refusal::usage(message).with_hint(
                "an id that can be decoded has 26 digits and letters, or the 12 digits of ${event.mark} in it",
            )
        })
    }

    /// The workload that it belongs to, and what the plan knows of it; none where it belongs to no workload.
    fn workload(self, plan: &Plan) -> Option<(usize, Known)> {
        match self {
            Self::Id(id) => match plan.knows(id) {
                Known::Nothing => None,
                known @ (Known::Planned | Known::UnderAnotherLoad) => Some((usize::from(id.origin().workload), known)),
            },
            Self::Mark(mark) => {
                let own = |index: &usize| plan.mark(*index, mark.number());
                let all = 0..plan.workloads().len();
                let planned = all.clone().find(|index| own(index) == mark).map(|index| (index, Known::Planned));
                let other = |index: &usize| own(index).is_of_the_arrival_of(mark);
                planned.or_else(|| all.clone().find(other).map(|index| (index, Known::UnderAnotherLoad)))
            }
        }
    }

    /// A number by which the event is likely to be given to one of several workers.
    fn likely(self) -> u64 {
        match self {
            Self::Id(id) => id.origin().entity,
            Self::Mark(mark) => mark.number().wrapping_sub(1),
        }
    }

    fn is_next(self, cursor: &Cursor) -> bool {
        match self {
            Self::Id(id) => cursor.next_id() == Some(id),
            Self::Mark(mark) => cursor.next_number() == Some(mark.number()),
        }
    }
}

/// Walks the plan to an event: first the share that it lies in if its id says so, then all.
fn find(
    plan: &Arc<Plan>,
    workload: &WorkloadPlan,
    number: usize,
    wanted: Wanted,
    start: EpochMicros,
) -> Option<(Event, Vec<u8>)> {
    let index = (wanted.likely() % u64::from(SHARES)) as u32;
    let likely = Share { index, count: SHARES };
    [likely, Share::WHOLE].into_iter().find_map(|share| {
        let schedule = workload.schedule(start);
        let mut cursor = plan.cursor(number, share);
        for _ in 0..MAX_WALK {
            let moment = start.plus(cursor.next_due(&schedule)?);
            if wanted.is_next(&cursor) {
                let mut rendered = Vec::new();
                let event = cursor.emit(moment, &mut rendered);
                return Some((event, rendered));
            }
            cursor.skip(moment);
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_both_kinds_are_read() {
        let id = "000000002k00000004r4c9xskp";
        assert_eq!(Wanted::read(id).unwrap(), Wanted::Id(id.parse().unwrap()));
        let mark = Wanted::Mark("0123456789ab".parse().unwrap());
        assert_eq!(Wanted::read("evt_17_0123456789ab").unwrap(), mark);
        assert_eq!(Wanted::read("0123456789ab").unwrap(), mark);
        for text in ["", "evt_17", "evt_17_0123456789AB", "0123456789abc", "one-two"] {
            assert!(Wanted::read(text).is_err(), "{text}");
        }
    }
}
