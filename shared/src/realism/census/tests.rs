//! A census of a plan's own events fits; one of events that were tampered with does not.

use std::sync::Arc;

use super::*;
use crate::compile::{Compiled, compile};
use crate::plan::Share;
use crate::realism::Report;
use crate::scenario::LoadOptions;
use crate::units::Nanos;

const START: EpochMicros = EpochMicros(1_767_571_200_000_000);
const SCENARIO: &str = r#"
targets: {api: {url: "http://localhost:1"}}
pools:
  places:
    inline: [{city: Paris, zone: EU}, {city: Rome, zone: EU}, {city: Lima, zone: LATAM}]
    pick: {by: {field: zone, weights: {EU: 70, LATAM: 30}}}
events:
  call:
    let: {place: {$pool: places}, ok: {$bool: 0.9}}
    body: {city: "${place.city}", ok: "${ok}", ms: {$lognormal: {p50: 100, p99: 900}}, note: {$pick: [a, b], missing: 0.2}}
  ping: {body: {device: "${user.device}"}}
behaviors: {api: {mix: {weights: {call: 4, ping: 1}}}}
workloads:
  calls:
    population: {count: 400, let: {device: {$pick: [mobile, desktop]}}}
    envelope: {data: "${event.body}"}
    load: {rate: 600/h, duration: 72h, shape: [{hours: [[9, 17, 2]]}, {weekend: 0.5}]}
"#;

fn compiled() -> Compiled {
    let compiled = compile(SCENARIO, &LoadOptions::new("test"), 11);
    assert!(compiled.problems.is_empty(), "{:?}", compiled.problems);
    compiled
}

/// The census of a share of the plan, each event passed through `change` first.
fn census(compiled: &Compiled, share: Share, change: impl Fn(Planned, String) -> (Planned, String)) -> Census {
    let plan = Arc::clone(compiled.plan.as_ref().unwrap());
    let mut census = Census::new(compiled.scenario.as_ref().unwrap(), &plan, START);
    let schedule = plan.workloads()[0].schedule(START);
    let mut cursor = plan.cursor(0, share);
    while let Some(due) = cursor.next_due(&schedule) {
        let mut event = Vec::new();
        let planned = cursor.emit(START.plus(due), &mut event);
        let (planned, event) = change(planned, String::from_utf8(event).unwrap());
        census.observe(0, &planned, event.as_bytes());
    }
    census
}

fn row<'r>(rows: &'r [Row], what: &str) -> &'r Row {
    rows.iter().find(|row| row.what.starts_with(what)).unwrap_or_else(|| panic!("no row {what}"))
}

#[test]
fn what_is_declared_is_what_is_emitted() {
    let rows = census(&compiled(), Share::WHOLE, |planned, event| (planned, event)).rows();
    let report = Report::new(rows, Vec::new());
    assert!(report.holds(), "{}", report.table());
    for what in ["event mix", "arrivals", "hour of day", "weekday", "city", "ok", "ms", "note", "device"] {
        assert_eq!(row(&report.rows, what).judgement, Judgement::Fits, "{what}\n{}", report.table());
    }
    let absent = row(&report.rows, "note").parts.iter().find(|part| part.name == ABSENT).unwrap();
    assert!((absent.emitted - 0.2).abs() < 0.02, "{absent:?}");
    // Users are asked once for their device, so that χ² over events would find what is not there.
    assert_eq!(row(&report.rows, "device").fit, None);
}

#[test]
fn hours_that_the_window_does_not_have_are_not_shown() {
    let text = SCENARIO.replace("duration: 72h", "duration: 7h");
    let compiled = compile(&text, &LoadOptions::new("test"), 11);
    let rows = census(&compiled, Share::WHOLE, |planned, event| (planned, event)).rows();
    let hours = row(&rows, "hour of day");
    assert_eq!(hours.parts.len(), 7, "{hours:?}");
    assert!(hours.parts.iter().all(|part| part.emitted > 0.0), "{hours:?}");
}

#[test]
fn what_was_tampered_with_is_found() {
    let compiled = compiled();
    type Change = fn(Planned, String) -> (Planned, String);
    let cases: [(&str, Change); 4] = [
        ("city", |planned, event| (planned, event.replace("Rome", "Paris"))),
        ("ok", |planned, event| (planned, event.replace("true", "null"))),
        ("ms", |planned, event| (planned, event.replace("\"ms\":1", "\"ms\":11"))),
        ("hour of day", |planned, event| (Planned { due: Nanos(planned.due.0 / 2), ..planned }, event)),
    ];
    for (what, change) in cases {
        let rows = census(&compiled, Share::WHOLE, change).rows();
        assert_eq!(row(&rows, what).judgement, Judgement::Off, "{what}: {:?}", row(&rows, what));
    }
}

#[test]
fn shares_add_up_to_the_whole() {
    let compiled = compiled();
    let whole = census(&compiled, Share::WHOLE, |planned, event| (planned, event));
    let mut parts = census(&compiled, Share { index: 0, count: 3 }, |planned, event| (planned, event));
    for index in 1..3 {
        parts.merge(&census(&compiled, Share { index, count: 3 }, |planned, event| (planned, event)));
    }
    assert_eq!(parts.events(), whole.events());
    assert_eq!(parts.rows(), whole.rows());
}

#[test]
fn an_event_that_is_no_json_is_counted_as_such() {
    let broken = census(&compiled(), Share::WHOLE, |planned, event| (planned, event[..event.len() / 2].to_owned()));
    assert_eq!(broken.unreadable(), broken.events());
}
