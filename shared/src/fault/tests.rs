//! Which events are hit, and what becomes of them, over whole plans.

use std::sync::Arc;

use crate::compile::compile;
use crate::event_id::EventId;
use crate::fault::decision::Decision;
use crate::plan::{Plan, Share};
use crate::run::fault::{FaultKind, FaultSet};
use crate::scenario::LoadOptions;
use crate::units::EpochMicros;

/// A plan of 2,000 events of 50 users with some faults.
fn plan(faults: &str, seed: u64) -> Arc<Plan> {
    let text = format!(
        "{{name: trial, targets: {{api: {{url: 'http://localhost:1', auth: {{bearer: {{token: secret}}}}}}}},
          events: {{ping: {{body: {{id: '${{event.id}}', at: {{$now: epoch_ms}}, deep: {{n: 7}}}}}}}},
          behaviors: {{pings: {{emit: {{event: ping}}}}}},
          faults: {{flaky: [{faults}]}},
          workloads: {{main: {{faults: flaky, population: {{count: 50}}, load: {{rate: 100/s, duration: 20s}}}}}}}}"
    );
    let compiled = compile(&text, &LoadOptions::new("trial"), seed);
    assert!(compiled.scenario.is_some(), "{:?}", compiled.problems);
    Arc::new(Plan::compile(&compiled.scenario.unwrap(), seed).unwrap())
}

/// Every event with what was decided for it, its bytes and what they changed by; in the order of ids.
fn all(plan: &Arc<Plan>, workers: u32, dose: f64) -> Vec<(EventId, Decision, Vec<u8>, FaultSet)> {
    let mut found = Vec::new();
    for index in 0..workers {
        let schedule = plan.workloads()[0].schedule(EpochMicros(0));
        let mut doses = plan.faults(0).unwrap().doses();
        assert!(plan.faults(0).unwrap().dose(&mut doses, "flaky", dose));
        let mut cursor = plan.cursor(0, Share { index, count: workers });
        while let Some(due) = cursor.next_due(&schedule) {
            let decision = cursor.decide(due, &doses);
            let mut bytes = b"head".to_vec();
            let date = EpochMicros((due.0.saturating_sub(decision.late_by.0) / 1_000) as i64);
            let planned = cursor.emit(date, &mut bytes);
            let changed = cursor.disturb(&decision, &mut bytes, 4);
            assert!(bytes.starts_with(b"head"));
            found.push((planned.id, decision, bytes.split_off(4), changed));
        }
    }
    found.sort_by_key(|(id, ..)| *id);
    found
}

const EVERYTHING: &str = "{delay: {p: 0.1, by: {$uniform: [50ms, 500ms]}}},
    {duplicate: {p: 0.1, times: {$int: [1, 3]}, gap: 10ms}}, {drop: {p: 0.1}}, {reorder: {p: 0.1, window: 1s}},
    {late: {p: 0.1, by: {$uniform: [1h, 2h]}}}, {slow_send: {p: 0.1, bytes_per_second: 100}},
    {drop_connection: {p: 0.1}}, {auth_expire: {p: 0.1}}, {corrupt: {p: 0.1, bytes: 3}}, {truncate: {p: 0.1, keep: 0.3}},
    {drift: {p: 0.1, mutations: [{add_field: {path: deep.more, value: {$int: [1, 9]}}}, {remove_field: {path: at}}]}}";

#[test]
fn every_worker_count_decides_the_same_faults() {
    let plan = plan(EVERYTHING, 42);
    let one = all(&plan, 1, 1.0);
    assert!(one.len() > 1_900, "{}", one.len());
    for workers in [2, 7] {
        assert_eq!(all(&plan, workers, 1.0), one);
    }
    for kind in FaultKind::ALL {
        let hit = one.iter().filter(|(_, decision, ..)| decision.hits.contains(kind)).count();
        assert!((120..280).contains(&hit), "{kind:?} hits {hit} of {}", one.len());
    }
    let other_seed = all(&self::plan(EVERYTHING, 43), 1, 1.0);
    assert_ne!(
        one.iter().map(|(_, d, ..)| d.hits).collect::<Vec<_>>(),
        other_seed.iter().map(|(_, d, ..)| d.hits).collect::<Vec<_>>()
    );
}

#[test]
fn a_lower_dose_hits_some_of_the_same_events_and_a_dose_of_zero_none() {
    let plan = plan(EVERYTHING, 42);
    let (whole, half, none) = (all(&plan, 1, 1.0), all(&plan, 1, 0.5), all(&plan, 1, 0.0));
    let mut fewer = 0;
    for ((_, whole, ..), (_, half, ..)) in whole.iter().zip(&half) {
        assert!(half.hits.kinds().all(|kind| whole.hits.contains(kind)));
        fewer += whole.hits.kinds().count() - half.hits.kinds().count();
    }
    assert!((900..1_300).contains(&fewer), "{fewer} of about 2,200 hits went away");
    assert!(none.iter().all(|(_, decision, _, changed)| decision.hits.is_empty() && changed.is_empty()));
    assert!(none.iter().all(|(id, _, bytes, _)| String::from_utf8_lossy(bytes).contains(&id.to_string())));
}

#[test]
fn one_kind_of_a_list_has_a_dose_of_its_own() {
    let plan = plan(EVERYTHING, 42);
    let faults = plan.faults(0).unwrap();
    let mut doses = faults.doses();
    assert!(faults.dose(&mut doses, "flaky.drop", 0.0));
    assert!(!faults.dose(&mut doses, "flaky.nothing", 0.0));
    assert!(!faults.dose(&mut doses, "flak", 0.0) && !faults.dose(&mut doses, "flakyx", 0.0));
    let schedule = plan.workloads()[0].schedule(EpochMicros(0));
    let mut cursor = plan.cursor(0, Share::WHOLE);
    let mut hits = 0;
    while let Some(due) = cursor.next_due(&schedule) {
        let decision = cursor.decide(due, &doses);
        assert!(!decision.dropped);
        hits += decision.hits.kinds().count();
        cursor.skip(EpochMicros(0));
    }
    assert!(hits > 1_000);
}

#[test]
fn bytes_change_as_the_faults_say() {
    let plain = all(&plan("{drop: {p: 0}}", 1), 1, 1.0);
    for (fault, kind) in [
        ("{corrupt: {p: 1, bytes: 1}}", FaultKind::Corrupt),
        ("{truncate: {p: 1, keep: 0.25}}", FaultKind::Truncate),
        ("{drift: {p: 1, mutations: [{rename_field: {path: deep.n, to: m}}]}}", FaultKind::Drift),
    ] {
        let changed = all(&plan(fault, 1), 1, 1.0);
        assert_eq!(changed.len(), plain.len());
        for ((_, _, before, _), (_, _, after, did)) in plain.iter().zip(&changed) {
            assert!(did.contains(kind) && before != after);
            match kind {
                FaultKind::Truncate => assert_eq!(after[..], before[..before.len() / 4]),
                FaultKind::Corrupt => {
                    assert_eq!(before.iter().zip(after).filter(|(b, a)| a != b).count(), 1);
                }
                _ => assert!(String::from_utf8_lossy(after).contains(r#""deep":{"m":7}"#)),
            }
        }
    }
}

#[test]
fn a_rollout_grows_and_whoever_has_changed_stays_changed() {
    let drift = "{drift: {p: 1, rollout: {from: 5s, over: 10s}, mutations: [{remove_field: {path: at}}, {rename_field: {path: id, to: key}}]}}";
    let plan = plan(drift, 9);
    let schedule = plan.workloads()[0].schedule(EpochMicros(0));
    let doses = plan.faults(0).unwrap().doses();
    let mut cursor = plan.cursor(0, Share::WHOLE);
    let mut adopted = std::collections::BTreeSet::new();
    let (mut seconds, mut totals) = ([0_u32; 20], [0_u32; 20]);
    while let Some(due) = cursor.next_due(&schedule) {
        let decision = cursor.decide(due, &doses);
        let mut bytes = Vec::new();
        let planned = cursor.emit(EpochMicros(0), &mut bytes);
        let changed = cursor.disturb(&decision, &mut bytes, 0);
        let second = (due.0 / 1_000_000_000) as usize;
        totals[second] += 1;
        if changed.contains(FaultKind::Drift) {
            seconds[second] += 1;
            adopted.insert(planned.entity);
            assert!(bytes.starts_with(br#"{"key":"#) && !String::from_utf8_lossy(&bytes).contains("\"at\""));
        } else {
            assert!(!adopted.contains(&planned.entity), "user {} went back", planned.entity);
        }
    }
    let share = |second: usize| f64::from(seconds[second]) / f64::from(totals[second]);
    assert_eq!(share(4), 0.0);
    assert!((0.2..0.8).contains(&share(10)), "{}", share(10));
    assert_eq!(share(16), 1.0);
}
