//! `--dry-run`: what a run would send, without sending it.

use std::fmt::Write as _;

use shared::plan::Share;
use shared::run::RunInfo;
use shared::units::Nanos;
use shared::wording;

use crate::engine::prepare::{Prepared, today};
use crate::report::{counted, seconds};

/// How many events are shown of each workload.
const SHOWN: usize = 3;

/// Targets, loads, and the first events as they would go out.
pub(super) fn description(prepared: &Prepared, practice: bool) -> String {
    let RunInfo { scenario, seed, targets, .. } = &prepared.info;
    let plan = &prepared.plan;
    let mut out = format!("{scenario}  seed {seed}  plan {}\n", prepared.fingerprint());
    for (target, address) in plan.targets().iter().zip(targets) {
        let request = &target.request;
        let address = if practice { "a practice target" } else { address };
        let (path, carries) = match &request.batch {
            Some(batch) => (&batch.path, format!("up to {} in a request", counted(batch.max_events.into(), "event"))),
            None => (&request.path, "one event in a request".to_owned()),
        };
        // Writing to a string cannot fail.
        let _written =
            writeln!(out, "target {}: {} {path} at {address}, {carries}", target.name, request.method.name());
    }
    let start = plan.clock().start(today());
    for (number, workload) in plan.workloads().iter().enumerate() {
        let schedule = workload.schedule(start);
        let expected = workload.length.span().map(|span| schedule.expected_until(span));
        let amount = expected.map_or_else(
            || "until it is stopped".to_owned(),
            |events| format!("about {}", counted(events.round() as u64, "event")),
        );
        let _written = writeln!(
            out,
            "workload {}: {} at the start, for {}, {amount}, {}",
            workload.name,
            wording::rate(schedule.rate_at(Nanos::ZERO)),
            workload.length,
            counted(workload.users, "user"),
        );
        let mut cursor = plan.cursor(number, Share::WHOLE);
        let mut event = Vec::new();
        for _ in 0..SHOWN {
            let Some(due) = cursor.next_due(&schedule) else { break };
            event.clear();
            cursor.emit(start.plus(due), &mut event);
            let _written = writeln!(out, "  {:>9}  {}", seconds(due.as_secs_f64()), String::from_utf8_lossy(&event));
        }
    }
    out.push_str("nothing was sent\n");
    out
}
