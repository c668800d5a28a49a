//! What a scenario would do, worked out in the browser by the runner's own code: its rate over time, its totals, and
//! the very next events, byte for byte as a run would send them.

use std::sync::Arc;

use shared::curl::{event as command, target_of};
use shared::order;
use shared::plan::{Pacing, Plan, Schedule, Share};
use shared::scenario::model::Scenario;
use shared::units::{EpochMicros, Nanos};

use crate::format;
use crate::state::json::laid_out;

/// Pieces that a rate over time is shown in.
const PIECES: u32 = 240;
/// How much is shown of a load without end.
const ENDLESS: Nanos = Nanos::from_secs(3_600);
/// Events shown of each workload.
const EVENTS: usize = 6;

/// What a scenario would do.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Outlook {
    /// Each workload that takes part.
    pub(crate) workloads: Vec<WorkloadOutlook>,
    /// Every kind of event, in order.
    pub(crate) event_types: Vec<String>,
}

/// What a workload would do.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct WorkloadOutlook {
    /// Its name.
    pub(crate) name: String,
    /// Where its events go.
    pub(crate) target: String,
    /// How long it goes on, in words.
    pub(crate) length: String,
    /// Virtual users.
    pub(crate) users: u64,
    /// Who decides how fast it goes, where no schedule does: so many users, or requests at once, in words.
    pub(crate) paced_by: Option<String>,
    /// Arrivals in all; none for one without end.
    pub(crate) expected: Option<f64>,
    /// Highest arrival rate, per second.
    pub(crate) peak: f64,
    /// How many seconds `rates` spans.
    pub(crate) seconds: f64,
    /// Mean arrival rate of each of equally long pieces, per second.
    pub(crate) rates: Vec<f64>,
    /// Share of each event type (0 to 1), where it is declared.
    pub(crate) shares: Vec<(String, f64)>,
    /// The first events.
    pub(crate) events: Vec<Upcoming>,
}

/// An event that would be sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Upcoming {
    /// When it is due, in seconds since the start.
    pub(crate) due_seconds: f64,
    /// Its type.
    pub(crate) event_type: String,
    /// Its JSON, laid out for people.
    pub(crate) json: String,
    /// Its request as a command; none where it goes over no network.
    pub(crate) command: Option<String>,
}

impl Outlook {
    /// Looks at a plan as if it started at a moment.
    pub(crate) fn new(plan: &Arc<Plan>, scenario: &Scenario, start: EpochMicros) -> Self {
        let mut event_types: Vec<String> = plan.event_types().iter().map(|info| info.name.clone()).collect();
        order::sort(&mut event_types);
        event_types.dedup();
        let workloads = (0..plan.workloads().len()).map(|index| workload(plan, scenario, index, start)).collect();
        Self { workloads, event_types }
    }
}

fn workload(plan: &Arc<Plan>, scenario: &Scenario, index: usize, start: EpochMicros) -> WorkloadOutlook {
    let Some(planned) = plan.workloads().get(index) else { return WorkloadOutlook::default() };
    let schedule = planned.schedule(start);
    let span = planned.length.span().unwrap_or(ENDLESS);
    let name_of = |id: u16| plan.event_types().get(usize::from(id)).map_or("", |info| info.name.as_str()).to_owned();
    WorkloadOutlook {
        name: planned.name.clone(),
        target: plan.targets().get(usize::from(planned.target.0)).map_or("", |target| &target.name).to_owned(),
        length: planned.length.to_string(),
        users: planned.users,
        paced_by: paced_by(planned.pacing),
        expected: planned.length.span().map(|span| schedule.expected_until(span)),
        peak: schedule.curve().peak(),
        seconds: span.as_secs_f64(),
        rates: rates(&schedule, span),
        shares: planned.declared.iter().map(|(id, share)| (name_of(id.0), *share)).collect(),
        events: events(plan, scenario, index, &schedule, start),
    }
}

/// What a load without rates does, in words.
fn paced_by(pacing: Pacing) -> Option<String> {
    match pacing {
        Pacing::Scheduled => None,
        Pacing::Users { users, .. } => {
            let users = format::counted(u64::from(users), "user");
            Some(format!("{users}, each waits for the answer and pauses: a slow target is asked less"))
        }
        Pacing::Concurrent { requests, .. } => {
            let requests = format::counted(u64::from(requests), "request");
            Some(format!("{requests} at once, as fast as the target answers"))
        }
    }
}

fn rates(schedule: &Schedule, span: Nanos) -> Vec<f64> {
    let at = |piece: u32| Nanos((u128::from(span.0) * u128::from(piece) / u128::from(PIECES)) as u64);
    let mean = |piece: u32| {
        let (from, to) = (at(piece), at(piece + 1));
        let seconds = (to.as_secs_f64() - from.as_secs_f64()).max(1e-9);
        (schedule.expected_until(to) - schedule.expected_until(from)) / seconds
    };
    (0..PIECES).map(mean).collect()
}

fn events(
    plan: &Arc<Plan>,
    scenario: &Scenario,
    index: usize,
    schedule: &Schedule,
    start: EpochMicros,
) -> Vec<Upcoming> {
    let target = plan.workloads().get(index).and_then(|planned| target_of(scenario, plan, planned.target.0));
    let mut cursor = plan.cursor(index, Share::WHOLE);
    let mut found = Vec::new();
    let mut bytes = Vec::new();
    while found.len() < EVENTS {
        let Some(due) = cursor.next_due(schedule) else { break };
        bytes.clear();
        let emitted = cursor.emit(start.plus(due), &mut bytes);
        found.push(Upcoming {
            due_seconds: due.as_secs_f64(),
            event_type: plan
                .event_types()
                .get(usize::from(emitted.event_type.0))
                .map(|info| info.name.clone())
                .unwrap_or_default(),
            command: target.and_then(|(planned, target)| {
                command(planned, target, emitted.event_type, cursor.topic(), &bytes, None)
            }),
            json: laid_out(&String::from_utf8_lossy(&bytes)),
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use shared::compile::compile;
    use shared::scenario::LoadOptions;

    use super::*;

    fn outlook(text: &str) -> Outlook {
        let compiled = compile(text, &LoadOptions::new("mine"), 1);
        let scenario = compiled.scenario.expect("the text has no problem");
        Outlook::new(&compiled.plan.expect("the text has no problem"), &scenario, EpochMicros(1_772_366_400_000_000))
    }

    #[test]
    fn a_plan_is_looked_at_without_running_it() {
        let outlook = outlook("extends: commerce-events\nprofile: quick_test\n");
        let shop = &outlook.workloads[0];
        assert_eq!((shop.name.as_str(), shop.users, shop.expected), ("shop", 10, Some(600.0)));
        assert!(shop.rates.iter().all(|rate| (rate - 10.0).abs() < 1e-6));
        assert!((shop.shares.iter().map(|(_, share)| share).sum::<f64>() - 1.0).abs() < 1e-9);
        assert_eq!(shop.events.len(), EVENTS);
        assert!(shop.events.windows(2).all(|pair| pair[0].due_seconds <= pair[1].due_seconds));
        let command = shop.events[0].command.as_deref().expect("it goes over HTTP");
        assert!(command.starts_with("curl -X POST") && command.contains("${API_KEY}"), "{command}");
        assert!(shop.events.iter().all(|event| event.json.contains(&format!("\"{}\"", event.event_type))));
    }

    #[test]
    fn users_who_wait_have_no_rate_to_draw() {
        let outlook = outlook("extends: web-analytics\n");
        let words = outlook.workloads[0].paced_by.as_deref().expect("users set the pace");
        assert!(words.starts_with("10 users, each waits"), "{words}");
    }

    #[test]
    fn a_load_without_end_shows_its_first_hour() {
        let outlook = outlook("extends: commerce-events\nworkloads: {shop: {load: {duration: forever}}}\n");
        assert_eq!(outlook.workloads[0].expected, None);
        assert_eq!(outlook.workloads[0].seconds, 3_600.0);
    }
}
