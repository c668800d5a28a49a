//! One result from several: parts of one load that came from several machines, or at different times.
//!
//! Counts, bytes and the five times of the whole are exact, since histograms add. Rows of a second and event types keep
//! figures only: their counts, means and extremes are exact, their percentiles as exact as [`crate::distribution`] is.

use std::collections::{BTreeMap, BTreeSet};

use crate::distribution;
use crate::generate::clock::parse_rfc3339;
use crate::metrics::Histogram;
use crate::run::fault::{self, FaultCounts, FaultKind, FaultRow};
use crate::run::stream::StreamCounts;
use crate::run::{
    Change, Compressed, ConnectionCounts, Counts, Environment, EventTypeRow, Expectation, Failure, FailureKind,
    Latencies, Latency, Percentiles, ProtocolRow, RunId, RunInfo, RunRecord, RunResult, RunState, TimelineRow, Totals,
    Verdict, VerdictStatus, WorkloadRow,
};

/// A part with its start, in seconds after the first part's.
struct Part<'a> {
    result: &'a RunResult,
    offset_seconds: f64,
}

/// Merges results; thresholds are left out, since they were judged part by part.
///
/// # Errors
///
/// Says which result cannot be merged: none given, one given twice, of another version, still going on, without a
/// readable start or without its histograms.
pub fn merge(results: &[RunResult]) -> Result<RunResult, String> {
    let parts = parts(results)?;
    let Some(first) = parts.first() else {
        return Err("there is nothing to merge".to_owned());
    };
    let all = || parts.iter().map(|part| part.result);
    Ok(RunResult {
        schema_version: first.result.schema_version,
        run: record(&parts, first.result),
        verdict: verdict(&parts),
        totals: totals(&parts),
        latency: latencies(&parts)?,
        workloads: workloads(&parts),
        protocols: protocols(&parts)?,
        event_types: event_types(&parts),
        status_codes: status_codes(&parts),
        failures: failures(&parts),
        faults: faults(&parts),
        connections: all().fold(ConnectionCounts::default(), |sum, result| ConnectionCounts {
            attempted: sum.attempted + result.connections.attempted,
            opened: sum.opened + result.connections.opened,
            failed: sum.failed + result.connections.failed,
            reopened: sum.reopened + result.connections.reopened,
        }),
        streams: all().fold(StreamCounts::default(), |mut sum, result| {
            sum.add(&result.streams);
            sum
        }),
        thresholds: Vec::new(),
        expectations: expectations(&parts),
        audits: Vec::new(),
        compressed: all().fold(Compressed::default(), |sum, result| Compressed {
            requests: sum.requests + result.compressed.requests,
            bytes_before: sum.bytes_before + result.compressed.bytes_before,
            bytes_after: sum.bytes_after + result.compressed.bytes_after,
            cost_us: sum.cost_us + result.compressed.cost_us,
        }),
        changes: changes(&parts),
        // Shares of several runs are not the shares of one: each has its own report.
        realism: None,
        timeline: timeline(&parts),
    })
}

/// Each workload once, as the first result that has it describes it, with the events of all. Percentiles cannot be
/// added: its response times are not known.
fn workloads(parts: &[Part<'_>]) -> Vec<WorkloadRow> {
    let mut workloads: Vec<WorkloadRow> = Vec::new();
    for row in parts.iter().flat_map(|part| &part.result.workloads) {
        match workloads.iter_mut().find(|known| known.name == row.name) {
            Some(known) => {
                known.sent += row.sent;
                known.succeeded += row.succeeded;
                known.failed += row.failed;
            }
            None => workloads.push(WorkloadRow { response_time: Percentiles::default(), ..row.clone() }),
        }
    }
    workloads
}

/// The results in order of their start.
fn parts(results: &[RunResult]) -> Result<Vec<Part<'_>>, String> {
    let mut seen = BTreeSet::new();
    let mut starts = Vec::new();
    for result in results {
        let info = &result.run.info;
        if !seen.insert(&info.id) {
            return Err(format!("run {} is given twice", info.id));
        }
        if result.schema_version != 1 {
            return Err(format!("run {} has schema version {}, not 1", info.id, result.schema_version));
        }
        if !info.state.is_over() {
            return Err(format!("run {} is still {}", info.id, info.state.name()));
        }
        let start = parse_rfc3339(&info.started_at)
            .ok_or_else(|| format!("run {} has no readable start: `{}`", info.id, info.started_at))?;
        starts.push((start, result));
    }
    starts.sort_by(|one, other| (one.0, &one.1.run.info.id).cmp(&(other.0, &other.1.run.info.id)));
    let earliest = starts.first().map_or(0, |(start, _)| start.0);
    let part = |(start, result): (crate::units::EpochMicros, _)| Part {
        result,
        offset_seconds: (start.0 - earliest) as f64 / 1e6,
    };
    Ok(starts.into_iter().map(part).collect())
}

/// What all agree on, or everything that is said, in order and once.
fn joined(values: impl Iterator<Item = String>, separator: &str) -> String {
    let mut said: Vec<String> = Vec::new();
    for value in values {
        if !said.contains(&value) {
            said.push(value);
        }
    }
    said.join(separator)
}

/// Everything that is said, in order and once.
fn joined_list(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut said: Vec<String> = Vec::new();
    for value in values {
        if !said.contains(&value) {
            said.push(value);
        }
    }
    said
}

/// What answers had to be like; the same check by the same name adds up.
fn expectations(parts: &[Part<'_>]) -> Vec<Expectation> {
    let mut merged: Vec<Expectation> = Vec::new();
    for part in parts {
        for expectation in &part.result.expectations {
            let shifted = |seconds: Option<f64>| seconds.map(|seconds| seconds + part.offset_seconds);
            let (first, last) = (shifted(expectation.first_seconds), shifted(expectation.last_seconds));
            let same = |known: &&mut Expectation| (known.check, &known.name) == (expectation.check, &expectation.name);
            let Some(known) = merged.iter_mut().find(same) else {
                merged.push(Expectation { first_seconds: first, last_seconds: last, ..expectation.clone() });
                continue;
            };
            known.answers += expectation.answers;
            known.failed += expectation.failed;
            known.first_seconds = [known.first_seconds, first].into_iter().flatten().reduce(f64::min);
            known.last_seconds = [known.last_seconds, last].into_iter().flatten().reduce(f64::max);
            if known.sample.is_none() {
                known.sample.clone_from(&expectation.sample);
                known.reason.clone_from(&expectation.reason);
            }
        }
    }
    merged.into_iter().map(Expectation::judged).collect()
}

fn record(parts: &[Part<'_>], first: &RunResult) -> RunRecord {
    let infos = || parts.iter().map(|part| &part.result.run.info);
    let records = || parts.iter().map(|part| &part.result.run);
    let worst = [RunState::Failed, RunState::Interrupted, RunState::Stopped];
    let state = worst.into_iter().find(|state| infos().any(|info| info.state == *state));
    let mut targets: Vec<String> = Vec::new();
    for target in infos().flat_map(|info| &info.targets) {
        if !targets.contains(target) {
            targets.push(target.clone());
        }
    }
    let alike = records().all(|record| record.scenario == first.run.scenario);
    let planned: Option<Vec<f64>> =
        parts.iter().map(|part| Some(part.offset_seconds + part.result.run.info.planned_seconds?)).collect();
    RunRecord {
        info: RunInfo {
            id: RunId(joined(infos().map(|info| info.id.0.clone()), "+")),
            scenario: joined(infos().map(|info| info.scenario.clone()), " + "),
            profile: infos()
                .all(|info| info.profile == first.run.info.profile)
                .then(|| first.run.info.profile.clone())
                .flatten(),
            seed: first.run.info.seed,
            state: state.unwrap_or(RunState::Finished),
            started_at: first.run.info.started_at.clone(),
            ended_at: infos().filter_map(|info| info.ended_at.clone()).max(),
            planned_seconds: planned.map(|ends| ends.into_iter().fold(0.0, f64::max)),
            targets,
            warnings: joined_list(infos().flat_map(|info| info.warnings.iter().cloned())),
        },
        scenario: if alike {
            first.run.scenario.clone()
        } else {
            serde_json::Value::Array(records().map(|record| record.scenario.clone()).collect())
        },
        plan_fingerprint: joined(records().map(|record| record.plan_fingerprint.clone()), "+"),
        environment: Environment {
            version: joined(records().map(|record| record.environment.version.clone()), ", "),
            platform: joined(records().map(|record| record.environment.platform.clone()), ", "),
            cores: records().map(|record| record.environment.cores).sum(),
            workers: records().map(|record| record.environment.workers).sum(),
        },
        supplies: first.run.supplies.clone(),
    }
}

/// The worst of all, each reason with the run that it is from.
fn verdict(parts: &[Part<'_>]) -> Verdict {
    let verdicts = || parts.iter().map(|part| &part.result.verdict);
    let worst = [VerdictStatus::Invalid, VerdictStatus::Degraded];
    let status = worst.into_iter().find(|status| verdicts().any(|verdict| verdict.status == *status));
    let reasons = |part: &Part<'_>| {
        let reasons = part.result.verdict.reasons.clone();
        let id = part.result.run.info.id.clone();
        let alone = parts.len() == 1;
        reasons.into_iter().map(move |reason| if alone { reason } else { format!("run {id}: {reason}") })
    };
    Verdict { status: status.unwrap_or_default(), reasons: parts.iter().flat_map(reasons).collect() }
}

fn totals(parts: &[Part<'_>]) -> Totals {
    let mut sum = Totals::default();
    let mut shared_pause = f64::INFINITY;
    for part in parts {
        let totals = &part.result.totals;
        sum.events.add(&totals.events);
        sum.requests.add(&totals.requests);
        sum.bytes.sent += totals.bytes.sent;
        sum.bytes.received += totals.bytes.received;
        sum.elapsed_seconds = sum.elapsed_seconds.max(part.offset_seconds + totals.elapsed_seconds);
        // Rates are per second of schedule; only the pause that every part had is none of it.
        if totals.events_per_second > 0.0 {
            let schedule = totals.events.succeeded as f64 / totals.events_per_second;
            shared_pause = shared_pause.min((totals.elapsed_seconds - schedule).max(0.0));
        }
    }
    let schedule = if shared_pause.is_finite() { sum.elapsed_seconds - shared_pause } else { sum.elapsed_seconds };
    if schedule > 0.0 {
        sum.events_per_second = sum.events.succeeded as f64 / schedule;
    }
    sum.error_rate = sum.events.error_rate();
    sum
}

/// Each protocol with what it carried in all parts.
fn protocols(parts: &[Part<'_>]) -> Result<Vec<ProtocolRow>, String> {
    let mut rows: Vec<ProtocolRow> = Vec::new();
    let all = || parts.iter().flat_map(|part| part.result.protocols.iter().map(move |row| (part.result, row)));
    for (_, row) in all() {
        let place = rows.iter().position(|known| known.protocol == row.protocol).unwrap_or_else(|| {
            rows.push(ProtocolRow { protocol: row.protocol.clone(), ..ProtocolRow::default() });
            rows.len() - 1
        });
        rows[place].events.add(&row.events);
        for target in &row.targets {
            if !rows[place].targets.contains(target) {
                rows[place].targets.push(target.clone());
            }
        }
    }
    for whole in &mut rows {
        let own = all().filter(|(_, row)| row.protocol == whole.protocol);
        whole.response_time = whole_of(&whole.protocol, own.map(|(result, row)| (result, &row.response_time)))?;
    }
    Ok(rows)
}

/// One distribution of several, by their histograms.
fn whole_of<'a>(name: &str, parts: impl Iterator<Item = (&'a RunResult, &'a Latency)>) -> Result<Latency, String> {
    let mut whole = Histogram::new();
    let mut figures: Vec<&Percentiles> = Vec::new();
    for (result, latency) in parts.filter(|(_, latency)| latency.percentiles.count > 0) {
        let refused = |error: String| format!("run {}: {name}: {error}", result.run.info.id);
        let histogram = Histogram::from_base64(&latency.hdr).map_err(refused)?;
        if histogram.count() != latency.percentiles.count {
            return Err(refused("its histogram and its count disagree".to_owned()));
        }
        whole.merge(&histogram);
        figures.push(&latency.percentiles);
    }
    if figures.is_empty() {
        return Ok(Latency::default());
    }
    let mut latency = whole.latency();
    let sum: f64 = figures.iter().map(|figures| figures.mean_us * figures.count as f64).sum();
    // The format has no sum and no exact extremes; the parts have.
    latency.percentiles.mean_us = sum / latency.percentiles.count as f64;
    latency.percentiles.min_us = figures.iter().map(|figures| figures.min_us).min().unwrap_or(0);
    latency.percentiles.max_us = figures.iter().map(|figures| figures.max_us).max().unwrap_or(0);
    Ok(latency)
}

fn latencies(parts: &[Part<'_>]) -> Result<Latencies, String> {
    let merged = |name: &str, which: fn(&Latencies) -> &Latency| {
        whole_of(name, parts.iter().map(|part| (part.result, which(&part.result.latency))))
    };
    Ok(Latencies {
        response_time: merged("response_time", |latency| &latency.response_time)?,
        service_time: merged("service_time", |latency| &latency.service_time)?,
        send_lag: merged("send_lag", |latency| &latency.send_lag)?,
        connect: merged("connect", |latency| &latency.connect)?,
        tls: merged("tls", |latency| &latency.tls)?,
        delivery: merged("delivery", |latency| &latency.delivery)?,
    })
}

fn event_types(parts: &[Part<'_>]) -> Vec<EventTypeRow> {
    let mut names: Vec<&str> = Vec::new();
    for row in parts.iter().flat_map(|part| &part.result.event_types) {
        if !names.contains(&row.name.as_str()) {
            names.push(&row.name);
        }
    }
    let all_sent: u64 = parts.iter().flat_map(|part| &part.result.event_types).map(|row| row.events.sent).sum();
    let merged = |name: &str| {
        let rows: Vec<&EventTypeRow> =
            parts.iter().flat_map(|part| &part.result.event_types).filter(|row| row.name == name).collect();
        let declared = rows.first().and_then(|row| row.declared_share);
        let events = sum(rows.iter().map(|row| &row.events));
        let times: Vec<distribution::Known<'_>> = rows.iter().map(|row| (&row.response_time, &[][..])).collect();
        EventTypeRow {
            name: name.to_owned(),
            declared_share: declared.filter(|share| rows.iter().all(|row| row.declared_share == Some(*share))),
            actual_share: if all_sent == 0 { 0.0 } else { events.sent as f64 / all_sent as f64 },
            events,
            response_time: distribution::together(&times),
        }
    };
    names.into_iter().map(merged).collect()
}

fn sum<'a>(counts: impl Iterator<Item = &'a Counts>) -> Counts {
    let mut sum = Counts::default();
    counts.for_each(|counts| sum.add(counts));
    sum
}

fn status_codes(parts: &[Part<'_>]) -> BTreeMap<u16, u64> {
    let mut codes = BTreeMap::new();
    for (code, count) in parts.iter().flat_map(|part| &part.result.status_codes) {
        *codes.entry(*code).or_default() += count;
    }
    codes
}

fn failures(parts: &[Part<'_>]) -> Vec<Failure> {
    let mut kinds: BTreeMap<FailureKind, Failure> = BTreeMap::new();
    for part in parts {
        for failure in &part.result.failures {
            let mut moved = failure.clone();
            moved.first_seconds += part.offset_seconds;
            moved.last_seconds += part.offset_seconds;
            if let Some(sample) = &mut moved.sample {
                sample.elapsed_seconds += part.offset_seconds;
            }
            match kinds.get_mut(&failure.kind) {
                None => {
                    kinds.insert(failure.kind, moved);
                }
                Some(kept) => {
                    kept.count += moved.count;
                    kept.first_seconds = kept.first_seconds.min(moved.first_seconds);
                    kept.last_seconds = kept.last_seconds.max(moved.last_seconds);
                    kept.sample = kept.sample.take().or(moved.sample);
                }
            }
        }
    }
    kinds.into_values().collect()
}

fn faults(parts: &[Part<'_>]) -> Vec<FaultRow> {
    let (mut planned, mut applied) = (FaultCounts::default(), FaultCounts::default());
    for row in parts.iter().flat_map(|part| &part.result.faults) {
        planned.add(row.kind, row.planned);
        applied.add(row.kind, row.applied);
    }
    fault::rows(&planned, &applied)
}

fn changes(parts: &[Part<'_>]) -> Vec<Change> {
    let mut changes: Vec<Change> = Vec::new();
    for part in parts {
        changes.extend(part.result.changes.iter().cloned().map(|mut change| {
            change.elapsed_seconds += part.offset_seconds;
            change
        }));
    }
    changes.sort_by(|one, other| one.elapsed_seconds.total_cmp(&other.elapsed_seconds));
    changes
}

fn timeline(parts: &[Part<'_>]) -> Vec<TimelineRow> {
    let mut seconds: BTreeMap<u32, Vec<&TimelineRow>> = BTreeMap::new();
    for part in parts {
        let offset = libm::round(part.offset_seconds) as u32;
        for row in &part.result.timeline {
            seconds.entry(row.second.saturating_add(offset)).or_default().push(row);
        }
    }
    seconds.into_iter().map(|(second, rows)| merged_row(second, &rows)).collect()
}

fn merged_row(second: u32, rows: &[&TimelineRow]) -> TimelineRow {
    TimelineRow {
        second,
        covered_seconds: rows.iter().map(|row| row.covered_seconds).fold(0.0, f64::max),
        target_rate: rows.iter().map(|row| row.target_rate).sum(),
        in_flight: rows.iter().map(|row| row.in_flight).sum(),
        users: rows.iter().map(|row| row.users).sum(),
        ..counted(rows)
    }
}

/// What rows have counted and measured, as one; what they say of their moment (second, rate, requests in flight, users)
/// is for the caller to fill in.
pub fn counted(rows: &[&TimelineRow]) -> TimelineRow {
    let mut failures: BTreeMap<FailureKind, u64> = BTreeMap::new();
    let mut faults: BTreeMap<FaultKind, u64> = BTreeMap::new();
    let mut heat: BTreeMap<u16, u32> = BTreeMap::new();
    for row in rows {
        for (kind, count) in &row.faults {
            *faults.entry(*kind).or_default() += count;
        }
        for (kind, count) in &row.failures {
            *failures.entry(*kind).or_default() += count;
        }
        for (cell, count) in &row.heat {
            let sum = heat.entry(*cell).or_default();
            *sum = sum.saturating_add(*count);
        }
    }
    let times = |which: fn(&TimelineRow) -> distribution::Known<'_>| {
        let known: Vec<distribution::Known<'_>> = rows.iter().map(|row| which(row)).collect();
        distribution::together(&known)
    };
    TimelineRow {
        events: sum(rows.iter().map(|row| &row.events)),
        requests: sum(rows.iter().map(|row| &row.requests)),
        response_time: times(|row| (&row.response_time, &row.heat)),
        service_time: times(|row| (&row.service_time, &[])),
        send_lag: times(|row| (&row.send_lag, &[])),
        failures,
        faults,
        heat: heat.into_iter().collect(),
        ..TimelineRow::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::synthetic::{Recipe, empty};

    fn three() -> [RunResult; 3] {
        [1, 2, 3].map(|seed| {
            Recipe { seed, seconds: 10, failing: 0.1, median_ms: 4.0 * seed as f64, ..Recipe::default() }.run()
        })
    }

    #[test]
    fn merging_is_exact_where_results_have_histograms() {
        let runs = three();
        let merged = merge(&runs).unwrap();
        let mut whole = Histogram::new();
        for run in &runs {
            whole.merge(&Histogram::from_base64(&run.latency.response_time.hdr).unwrap());
        }
        assert_eq!(merged.latency.response_time.hdr, whole.to_base64());
        assert_eq!(merged.latency.response_time.percentiles.p99_us, whole.quantile_us(0.99));
        assert_eq!(merged.totals.events.sent, 3_000);
        assert_eq!(merged.totals.events.sent, merged.totals.events.succeeded + merged.totals.events.failed);
        assert_eq!(merged.totals.elapsed_seconds, 10.0);
        assert!((merged.totals.events_per_second - merged.totals.events.succeeded as f64 / 10.0).abs() < 1e-9);
        assert_eq!(merged.run.info.id.0, "run-1+run-2+run-3");
        let row = &merged.timeline[4];
        assert_eq!((row.events.sent, row.target_rate, row.response_time.count), (300, 300.0, 300));
        assert_eq!(row.heat.iter().map(|(_, count)| count).sum::<u32>(), 300);
    }

    #[test]
    fn the_order_of_the_parts_does_not_matter() {
        let [one, two, three] = three();
        let forth = merge(&[one.clone(), two.clone(), three.clone()]).unwrap();
        let back = merge(&[three, two, one]).unwrap();
        assert_eq!(forth, back);
    }

    #[test]
    fn one_part_alone_stays_what_it_is() {
        let run = Recipe { failing: 0.02, ..Recipe::default() }.run();
        let mut merged = merge(std::slice::from_ref(&run)).unwrap();
        assert!((merged.totals.events_per_second - run.totals.events_per_second).abs() < 1e-9);
        merged.totals.events_per_second = run.totals.events_per_second;
        for (merged, run) in [
            (&mut merged.latency.response_time, &run.latency.response_time),
            (&mut merged.latency.service_time, &run.latency.service_time),
        ] {
            assert!((merged.percentiles.mean_us - run.percentiles.mean_us).abs() < 1e-6);
            merged.percentiles.mean_us = run.percentiles.mean_us;
        }
        assert_eq!(merged, run);
    }

    #[test]
    fn a_later_part_is_moved_to_its_time() {
        let early = Recipe { seed: 1, seconds: 10, ..Recipe::default() }.run();
        let mut late = Recipe { seed: 2, seconds: 10, ..Recipe::default() }.run();
        late.run.info.started_at = "2026-11-21T10:00:05Z".to_owned();
        late.changes.push(Change {
            elapsed_seconds: 2.0,
            command: crate::run::Command::Pause,
            origin: "panel".to_owned(),
        });
        late.verdict = Verdict { status: VerdictStatus::Degraded, reasons: vec!["slow disk".to_owned()] };
        let merged = merge(&[late, early]).unwrap();
        let seconds: Vec<u32> = merged.timeline.iter().map(|row| row.second).collect();
        assert_eq!(seconds, (0..15).collect::<Vec<_>>());
        assert_eq!(merged.timeline[7].events.sent, 200);
        assert_eq!(merged.changes[0].elapsed_seconds, 7.0);
        assert_eq!(merged.totals.elapsed_seconds, 15.0);
        assert_eq!(merged.verdict.reasons, ["run run-2: slow disk"]);
    }

    #[test]
    fn what_cannot_be_merged_is_named() {
        let run = Recipe::default().run();
        let fails = |results: &[RunResult], part: &str| {
            let error = merge(results).expect_err(part);
            assert!(error.contains(part), "{error}");
        };
        fails(&[], "nothing to merge");
        fails(&[run.clone(), run.clone()], "run-1 is given twice");
        let mut broken = Recipe { seed: 2, ..Recipe::default() }.run();
        broken.latency.response_time.hdr.clear();
        fails(&[run.clone(), broken], "run-2: response_time");
        let mut running = empty("b");
        running.run.info.state = RunState::Running;
        fails(&[run.clone(), running], "b is still running");
        let mut timeless = empty("c");
        timeless.run.info.started_at = "yesterday".to_owned();
        fails(&[run, timeless], "no readable start");
    }
}
