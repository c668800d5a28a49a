//! A run's summary, result and live picture from what is known of it: for lists, for runs whose runner died, and for
//! watchers of a run that is over.

use shared::api::{Labels, RunSummary};
use shared::run::{
    Change, Failure, Hello, Latencies, Latency, Percentiles, RunInfo, RunRecord, RunResult, RunState, Snapshot,
    TimelineRow, Totals, Verdict, VerdictStatus,
};

/// Most points of a run's sparkline.
const SPARKS: u32 = 40;

/// The summary of a run, as far as it went. Only its result says that it is over, so that whoever sees its end can
/// have its result.
pub(super) fn summary_of_result(result: &RunResult) -> RunSummary {
    RunSummary {
        info: result.run.info.clone(),
        verdict: result.verdict.clone(),
        totals: result.totals,
        response_time: result.latency.response_time.percentiles,
        labels: Labels::default(),
        spark: if result.run.info.state.is_over() { spark(&result.timeline) } else { Vec::new() },
    }
}

/// A run's throughput in at most [`SPARKS`] equally long stretches, to three digits: small enough for lists.
pub(super) fn spark(timeline: &[TimelineRow]) -> Vec<f64> {
    let seconds = timeline.last().map_or(0, |row| row.second + 1);
    let stretch = seconds.div_ceil(SPARKS).max(1);
    let mut sums = vec![(0_u64, 0.0_f64); seconds.div_ceil(stretch) as usize];
    for row in timeline {
        if let Some((succeeded, covered)) = sums.get_mut((row.second / stretch) as usize) {
            *succeeded += row.events.succeeded;
            *covered += row.covered_seconds;
        }
    }
    // A last moment of a few milliseconds would show a rate that never was.
    if sums.len() > 1 && sums.last().is_some_and(|(_, covered)| *covered < 0.25) {
        sums.pop();
    }
    sums.into_iter().map(|(succeeded, covered)| three_digits(succeeded as f64 / covered.max(0.001))).collect()
}

fn three_digits(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}

/// The result of a run whose runner died, or that goes on: what was known when it was stored last, with every second
/// before that.
pub(super) fn result_so_far(
    so_far: RunResult,
    info: RunInfo,
    mut timeline: Vec<TimelineRow>,
    changes: Vec<Change>,
) -> RunResult {
    let closed = timeline.last().map(|row| row.second);
    timeline.extend(so_far.timeline.into_iter().filter(|row| closed.is_none_or(|closed| row.second > closed)));
    let mut verdict = so_far.verdict;
    doubt_if_interrupted(&mut verdict, info.state);
    RunResult { run: RunRecord { info, ..so_far.run }, verdict, timeline, changes, ..so_far }
}

/// The result of a run that was stored by a version that kept no histograms while a run went on: what its last second
/// knew. Times of its failures are those of the seconds that had them.
pub(super) fn result_of_rows(
    record: RunRecord,
    snapshot: Option<Snapshot>,
    timeline: Vec<TimelineRow>,
    changes: Vec<Change>,
) -> RunResult {
    let snapshot = snapshot.unwrap_or_else(|| blank(record.info.state));
    let figures = |percentiles: Percentiles| Latency { percentiles, hdr: String::new() };
    let mut verdict = snapshot.verdict.clone();
    doubt_if_interrupted(&mut verdict, record.info.state);
    RunResult {
        schema_version: 1,
        verdict,
        totals: totals_of(&snapshot),
        latency: Latencies {
            response_time: figures(snapshot.response_time),
            send_lag: figures(snapshot.send_lag),
            ..Latencies::default()
        },
        failures: failures_of(&snapshot, &timeline),
        workloads: snapshot.workloads,
        protocols: Vec::new(),
        faults: snapshot.faults.clone(),
        event_types: snapshot.event_types,
        status_codes: Default::default(),
        connections: snapshot.connections,
        streams: snapshot.streams,
        thresholds: snapshot.thresholds,
        expectations: Vec::new(),
        audits: Vec::new(),
        compressed: Default::default(),
        run: record,
        changes,
        realism: None,
        timeline,
    }
}

fn doubt_if_interrupted(verdict: &mut Verdict, state: RunState) {
    if state == RunState::Interrupted {
        verdict.reasons.push("the runner died during the run: its last moments are not known".to_owned());
        verdict.status = verdict.status.max(VerdictStatus::Degraded);
    }
}

/// What a watcher of a run that is over is told.
pub(super) fn hello_of(result: RunResult) -> Hello {
    let totals = &result.totals;
    let snapshot = Snapshot {
        state: result.run.info.state,
        elapsed_seconds: totals.elapsed_seconds,
        schedule_seconds: schedule_seconds(&result),
        rate_multiplier: 1.0,
        target_rate: 0.0,
        current_rate: 0.0,
        in_flight: 0,
        events: totals.events,
        requests: totals.requests,
        recent_response_time: Percentiles::default(),
        response_time: result.latency.response_time.percentiles,
        send_lag: result.latency.send_lag.percentiles,
        workloads: if result.workloads.len() > 1 { result.workloads } else { Vec::new() },
        event_types: result.event_types,
        failures: result.failures.iter().map(|failure| (failure.kind, failure.count)).collect(),
        faults: result.faults.clone(),
        thresholds: result.thresholds,
        connections: result.connections,
        streams: result.streams,
        verdict: result.verdict,
    };
    Hello {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        run: result.run.info,
        snapshot,
        timeline: result.timeline,
        resolution_seconds: 1,
        changes: result.changes,
        samples: result.failures.into_iter().filter_map(|failure| failure.sample).collect(),
    }
}

fn totals_of(snapshot: &Snapshot) -> Totals {
    let seconds = snapshot.schedule_seconds;
    Totals {
        events: snapshot.events,
        requests: snapshot.requests,
        bytes: Default::default(),
        elapsed_seconds: snapshot.elapsed_seconds,
        events_per_second: if seconds > 0.0 { snapshot.events.succeeded as f64 / seconds } else { 0.0 },
        error_rate: snapshot.events.error_rate(),
    }
}

fn failures_of(snapshot: &Snapshot, timeline: &[TimelineRow]) -> Vec<Failure> {
    let mut failures = Vec::with_capacity(snapshot.failures.len());
    for (&kind, &count) in &snapshot.failures {
        let mut seconds =
            timeline.iter().filter(|row| row.failures.contains_key(&kind)).map(|row| f64::from(row.second));
        let first = seconds.next().unwrap_or(0.0);
        let last = seconds.next_back().unwrap_or(first);
        failures.push(Failure { kind, count, first_seconds: first, last_seconds: last, sample: None });
    }
    failures
}

/// Seconds of schedule that a result covers: the events that succeeded over their rate, where there is one.
fn schedule_seconds(result: &RunResult) -> f64 {
    let totals = &result.totals;
    if totals.events_per_second > 0.0 {
        totals.events.succeeded as f64 / totals.events_per_second
    } else {
        totals.elapsed_seconds
    }
}

/// A run of which not even the first second is known.
pub(super) fn blank(state: RunState) -> Snapshot {
    Snapshot { state, rate_multiplier: 1.0, ..Snapshot::default() }
}
