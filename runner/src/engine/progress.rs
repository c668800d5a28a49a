//! What is known of a run so far, as plain arithmetic: time is passed in, nothing is sent.
//!
//! The conductor feeds it what workers report and asks it for snapshots, rows and, in the end, the result.

use std::sync::Arc;

use shared::checks::{Checks, Subject};
use shared::plan::Schedule;
use shared::realism::Observer;
use shared::run::fault::{self, FaultKind};
use shared::run::{
    Change, Environment, Expectation, FailureKind, Hello, RunInfo, RunRecord, RunResult, RunState, Sample, Snapshot,
    SupplyRecord, ThresholdResult, TimelineRow, Verdict, WorkloadRow,
};
use shared::threshold::watch::{Measured, Watch, abort_reason};
use shared::units::Nanos;

use crate::engine::account::Account;
use crate::engine::control::ScheduleClock;
use crate::engine::orders::Adjustables;
use crate::engine::recorder::{Delta, TICK};
use crate::engine::tail::{HELLO_BYTES, newest_within};
use crate::engine::timeline::Timeline;
use crate::engine::verdict::Evidence;

/// Things given from outside that a result lists.
const MOST_SUPPLIES: usize = 1_000;
/// Rows of history in a `Hello`: more than a chart has room for.
const HELLO_ROWS: usize = 1_800;
/// Event types whose percentiles are refreshed in the same tick: one in this many.
const REFRESH_STRIDE: usize = 10;

/// What stays the same for a whole run.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) scenario: serde_json::Value,
    pub(crate) fingerprint: String,
    pub(crate) environment: Environment,
    /// The workloads.
    pub(crate) workloads: Vec<WorkloadRow>,
    /// Name and declared share of each event type.
    pub(crate) event_types: Vec<(String, Option<f64>)>,
    /// Each protocol with where it leads.
    pub(crate) protocols: Vec<(&'static str, Vec<String>)>,
    /// Whether each planned arrival is one event, so that planned and offered can be compared.
    pub(crate) arrivals_are_events: bool,
    pub(crate) workers: usize,
    /// The checks of answers, before any came.
    pub(crate) expectations: Vec<Expectation>,
    /// What can be changed of each workload.
    pub(crate) adjustables: Adjustables,
    /// What must hold.
    pub(crate) checks: Checks,
    /// Seconds of the schedule per second of the run.
    pub(crate) pace: f64,
    /// What it was given from outside.
    pub(crate) supplies: Vec<SupplyRecord>,
}

/// A run so far.
#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) info: RunInfo,
    pub(crate) changes: Vec<Change>,
    facts: Facts,
    account: Account,
    timeline: Timeline,
    schedules: Vec<Schedule>,
    clock: ScheduleClock,
    multiplier: f64,
    /// When the schedule was ended by hand.
    ended: Option<Nanos>,
    /// Arrivals planned up to the last tick.
    planned: f64,
    ticks: u64,
    /// Last tick that each worker has reported.
    reported: Vec<Option<u64>>,
    /// Seconds given to the journal.
    closed: u32,
    busy: Vec<(u64, Nanos)>,
    busy_seconds: u32,
    died: u32,
    watches: Vec<Watch>,
    /// Of each check of shares the events with each of its values.
    values: Vec<Vec<u64>>,
    /// What the workers saw of the events, once they are done.
    observer: Option<Observer>,
}

impl Progress {
    /// A run that has not begun.
    pub(crate) fn new(info: RunInfo, facts: Facts, schedules: Vec<Schedule>) -> Self {
        Self {
            info,
            changes: Vec::new(),
            account: Account::new(facts.event_types.iter().cloned(), &facts.protocols, facts.workers),
            timeline: Timeline::new(),
            schedules,
            clock: ScheduleClock::at_pace(facts.pace),
            multiplier: 1.0,
            ended: None,
            planned: 0.0,
            ticks: 0,
            reported: vec![None; facts.workers],
            closed: 0,
            busy: vec![(0, Nanos::ZERO); facts.workers],
            busy_seconds: 0,
            died: 0,
            watches: facts.checks.watches.clone(),
            values: facts.checks.shares.iter().map(|check| vec![0; check.shares.len() + 1]).collect(),
            observer: None,
            facts,
        }
    }

    /// The facts.
    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Adds a worker's tick; gives its samples, numbered.
    pub(crate) fn add(&mut self, worker: usize, delta: Delta) -> Vec<Sample> {
        self.timeline.add(&delta);
        if let Some(reported) = self.reported.get_mut(worker) {
            *reported = Some(delta.tick);
        }
        self.count_busy(worker, delta.tick, delta.busy);
        for (counts, seen) in self.values.iter_mut().zip(&delta.field_values) {
            counts.iter_mut().zip(seen).for_each(|(count, seen)| *count += seen);
        }
        self.account.add(worker, delta)
    }

    /// Adds what a worker saw of the events themselves.
    pub(crate) fn observe(&mut self, seen: Observer) {
        match &mut self.observer {
            Some(observer) => observer.merge(&seen),
            None => self.observer = Some(seen),
        }
    }

    /// A worker has come to its end, as it should or not.
    pub(crate) fn worker_ended(&mut self, sound: bool) {
        self.died += u32::from(!sound);
    }

    /// Whether every worker is alive, or ended as it should.
    pub(crate) fn all_sound(&self) -> bool {
        self.died == 0
    }

    /// Holds the schedule.
    pub(crate) fn pause(&mut self, at: Nanos) {
        self.clock.pause(at);
    }

    /// Lets the schedule go on.
    pub(crate) fn resume(&mut self, at: Nanos) {
        self.clock.resume(at);
    }

    /// Multiplies the rate.
    pub(crate) fn multiply(&mut self, at: Nanos, multiplier: f64) {
        let at = self.clock.schedule_time(at);
        self.multiplier = multiplier;
        self.schedules.iter_mut().for_each(|schedule| schedule.set_multiplier(at, multiplier));
    }

    /// What can be changed of each workload, as it is now.
    pub(crate) fn adjustables(&self) -> &Adjustables {
        &self.facts.adjustables
    }

    /// A mix has other weights: what was declared of it holds no more.
    pub(crate) fn set_weights(&mut self, workload: usize, weights: &[f64]) {
        self.facts.adjustables.set_weights(workload, weights);
        self.account.forget_declared();
    }

    /// Ends the schedule.
    pub(crate) fn end(&mut self, at: Nanos) {
        self.ended.get_or_insert(at);
    }

    /// Time is now this far: notes every tick that is over.
    pub(crate) fn advance(&mut self, now: Nanos) {
        let over = now.0 / TICK.0;
        while self.ticks < over {
            self.ticks += 1;
            self.note(Nanos(self.ticks * TICK.0));
        }
        self.account.refresh_event_types((over % REFRESH_STRIDE as u64) as usize, REFRESH_STRIDE);
    }

    /// The seconds that are over and that every worker has reported, once each.
    pub(crate) fn closed_seconds(&mut self) -> Vec<TimelineRow> {
        let ticks = self.reported.iter().map(|reported| reported.map_or(0, |tick| tick.saturating_add(1))).min();
        let whole = ticks.unwrap_or(0).min(self.ticks) * TICK.0 / 1_000_000_000;
        self.closed = self.closed.max(whole as u32);
        self.close_before(self.closed)
    }

    /// The first threshold for which the run must end now, in words.
    pub(crate) fn abort_reason(&self) -> Option<String> {
        abort_reason(&self.watches).or_else(|| {
            let shares = self.facts.checks.shares.iter().enumerate();
            shares.into_iter().find_map(|(number, check)| check.abort_reason(&self.share_counts(number)))
        })
    }

    /// Events with each value of a check of shares, in the check's order.
    fn share_counts(&self, number: usize) -> Vec<u64> {
        let Some(check) = self.facts.checks.shares.get(number) else { return Vec::new() };
        match check.subject {
            Subject::EventTypes => {
                let mut counts = vec![0; check.shares.len() + 1];
                for (name, sent) in self.account.sent_by_type() {
                    counts[check.place(name)] += sent;
                }
                counts
            }
            Subject::Field { .. } => self.values.get(number).cloned().unwrap_or_default(),
        }
    }

    fn thresholds(&self, verdict: &Verdict) -> Vec<ThresholdResult> {
        let shares = self.facts.checks.shares.iter().enumerate();
        let shares = shares.map(|(number, check)| check.result(&self.share_counts(number), verdict));
        self.watches.iter().map(|watch| watch.result(verdict)).chain(shares).collect()
    }

    /// Closes seconds and shows each to the thresholds.
    fn close_before(&mut self, second: u32) -> Vec<TimelineRow> {
        let mut watches = std::mem::take(&mut self.watches);
        let mut timeline = std::mem::replace(&mut self.timeline, Timeline::new());
        let rows = timeline.close_before(second, |row, times| {
            let elapsed_seconds = f64::from(row.second) + row.covered_seconds;
            let measured = Measured {
                elapsed_seconds,
                schedule_seconds: self.scheduled(Nanos::from_secs_f64(elapsed_seconds)).as_secs_f64(),
                covered_seconds: row.covered_seconds,
                events: &row.events,
                requests: &row.requests,
                response_time: times.response_time,
                service_time: times.service_time,
                send_lag: times.send_lag,
            };
            watches.iter_mut().for_each(|watch| watch.feed(&measured));
        });
        (self.watches, self.timeline) = (watches, timeline);
        rows
    }

    /// The rows that are still open and have changed.
    pub(crate) fn open_rows(&mut self) -> Vec<TimelineRow> {
        self.timeline.changed()
    }

    /// The run at a moment.
    pub(crate) fn snapshot(&mut self, now: Nanos) -> Snapshot {
        let schedule = self.schedule_time(now);
        let last = (now.0 / 1_000_000_000).checked_sub(1).and_then(|second| self.timeline.second(second as u32));
        let last = last.unwrap_or_default();
        let verdict = self.verdict(now);
        let target_rate = match self.info.state {
            RunState::Running => {
                self.schedules.iter().map(|planned| planned.rate_at(schedule)).sum::<f64>() * self.facts.pace
            }
            _ => 0.0,
        };
        Snapshot {
            state: self.info.state,
            elapsed_seconds: now.as_secs_f64(),
            schedule_seconds: self.scheduled(now).as_secs_f64(),
            rate_multiplier: self.multiplier,
            target_rate,
            current_rate: last.events.succeeded as f64 / last.covered_seconds.max(1.0),
            in_flight: self.account.gauges().in_flight,
            events: self.account.events,
            requests: self.account.requests,
            recent_response_time: last.response_time,
            response_time: self.account.response_time.percentiles(),
            send_lag: self.account.send_lag.percentiles(),
            workloads: match self.facts.workloads.as_slice() {
                [] | [_] => Vec::new(),
                several => self.account.workloads(several),
            },
            event_types: self.account.event_types(),
            failures: self.account.failure_counts(),
            faults: fault::rows(&self.account.faults_planned, &self.account.faults_applied),
            thresholds: self.thresholds(&verdict),
            connections: self.account.connections,
            streams: self.account.streams.clone(),
            verdict,
        }
    }

    /// Everything that a new watcher needs.
    pub(crate) fn hello(&mut self, snapshot: &Snapshot) -> Hello {
        let (timeline, resolution_seconds) = self.timeline.history(HELLO_ROWS);
        Hello {
            version: self.facts.environment.version.clone(),
            run: self.info.clone(),
            snapshot: snapshot.clone(),
            timeline,
            resolution_seconds,
            changes: self.changes.clone(),
            samples: newest_within(self.account.samples(), HELLO_BYTES),
        }
    }

    /// The run is over: gives the rows that were still open, and the result.
    pub(crate) fn finish(&mut self, now: Nanos) -> (Vec<TimelineRow>, RunResult) {
        self.advance(now);
        if now.0 > self.ticks * TICK.0 {
            self.note(now);
        }
        self.account.refresh_event_types(0, 1);
        let rows = self.close_before(u32::MAX);
        let (timeline, _) = self.timeline.history(usize::MAX);
        (rows, self.result(now, timeline))
    }

    /// The run as if it ended here; its timeline has the seconds that are still open.
    pub(crate) fn so_far(&mut self, now: Nanos) -> RunResult {
        let open = self.timeline.open_seconds();
        self.result(now, open)
    }

    fn result(&self, now: Nanos, timeline: Vec<TimelineRow>) -> RunResult {
        let verdict = self.verdict(now);
        RunResult {
            schema_version: 1,
            run: RunRecord {
                info: self.info.clone(),
                scenario: self.facts.scenario.clone(),
                plan_fingerprint: self.facts.fingerprint.clone(),
                environment: self.facts.environment.clone(),
                supplies: self.facts.supplies.clone(),
            },
            thresholds: self.thresholds(&verdict),
            verdict,
            totals: self.account.totals(now, self.scheduled(now)),
            latency: self.account.latencies(),
            workloads: self.account.workloads(&self.facts.workloads),
            protocols: self.account.protocols(),
            event_types: self.account.event_types(),
            status_codes: self.account.statuses(),
            failures: self.account.failures(),
            faults: fault::rows(&self.account.faults_planned, &self.account.faults_applied),
            connections: self.account.connections,
            expectations: self.account.expectations(&self.facts.expectations),
            audits: Vec::new(),
            compressed: self.account.compressed,
            streams: self.account.streams.clone(),
            changes: self.changes.clone(),
            // Of a run in which a worker died only a part was seen.
            realism: self.observer.as_ref().filter(|_seen| self.died == 0).and_then(Observer::report),
            timeline,
        }
    }

    /// A target gave something anew.
    pub(crate) fn supplied(&mut self, record: SupplyRecord) {
        if self.facts.supplies.len() < MOST_SUPPLIES {
            self.facts.supplies.push(record);
        }
    }

    /// Run time that the schedule was going on until a moment: without pauses, and not beyond the schedule's end.
    fn scheduled(&self, now: Nanos) -> Nanos {
        self.clock.takes(self.schedule_time(now))
    }

    /// Schedule time at a moment of run time, not beyond the schedule's end.
    fn schedule_time(&self, now: Nanos) -> Nanos {
        let at = self.clock.schedule_time(self.ended.map_or(now, |ended| ended.min(now)));
        let end = self.schedules.iter().map(Schedule::end).try_fold(Nanos::ZERO, |last, end| Some(last.max(end?)));
        end.map_or(at, |end| end.min(at))
    }

    fn note(&mut self, at: Nanos) {
        let schedule = self.schedule_time(at);
        let planned: f64 = self.schedules.iter().map(|planned| planned.expected_until(schedule)).sum();
        let gauges = self.account.gauges();
        self.timeline.note(at, planned - self.planned, gauges.in_flight, gauges.connections);
        self.planned = planned;
    }

    fn verdict(&self, now: Nanos) -> Verdict {
        let exhausted = self.account.failure_counts().get(&FailureKind::ResourcesExhausted).copied().unwrap_or(0);
        let planned = if self.facts.arrivals_are_events { self.planned } else { 0.0 };
        let evidence = Evidence {
            own_lag_p99_us: self.account.own_lag.quantile_us(0.99),
            own_lag_max_us: self.account.own_lag.quantile_us(1.0),
            send_lag_p99_us: self.account.send_lag.quantile_us(0.99),
            response_p99_us: self.account.response_time.quantile_us(0.99),
            planned,
            // Copies are offered as well, but no schedule asks for them.
            offered: self.account.events.offered - self.account.faults_applied.of(FaultKind::Duplicate),
            overflowed: self.account.overflowed,
            longest_stall: self.account.longest_stall,
            busy_seconds: self.busy_seconds,
            seconds: (now.0 / 1_000_000_000) as u32,
            exhausted,
            died: self.died,
        };
        evidence.verdict()
    }

    fn count_busy(&mut self, worker: usize, tick: u64, busy: Nanos) {
        let second = tick * TICK.0 / 1_000_000_000;
        let Some((current, sum)) = self.busy.get_mut(worker) else { return };
        if *current != second {
            self.busy_seconds += u32::from(*sum > Nanos::from_millis(900));
            (*current, *sum) = (second, Nanos::ZERO);
        }
        *sum = sum.saturating_add(busy);
    }
}

/// A result is the same for everybody who waits for it.
pub(crate) type SharedResult = Option<Arc<RunResult>>;

#[cfg(test)]
mod tests {
    use super::*;
    use shared::plan::Curve;
    use shared::run::{Counts, RunId, VerdictStatus};
    use shared::threshold::watch::OnBreach;

    fn progress(rate: f64, seconds: f64) -> Progress {
        let info = RunInfo {
            id: RunId("r".to_owned()),
            scenario: "s".to_owned(),
            profile: None,
            seed: 1,
            state: RunState::Running,
            started_at: String::new(),
            ended_at: None,
            planned_seconds: Some(seconds),
            targets: Vec::new(),
            warnings: Vec::new(),
        };
        let facts = Facts {
            supplies: Vec::new(),
            pace: 1.0,
            scenario: serde_json::Value::Null,
            fingerprint: "f".to_owned(),
            environment: Environment::default(),
            workloads: Vec::new(),
            event_types: vec![("a".to_owned(), Some(1.0))],
            protocols: vec![("http", vec!["http://localhost".to_owned()])],
            arrivals_are_events: true,
            workers: 2,
            expectations: Vec::new(),
            adjustables: Adjustables::default(),
            checks: Checks {
                watches: vec![Watch::new("succeeded>=15 over 1s".parse().unwrap(), OnBreach::Abort, &[]).unwrap()],
                shares: Vec::new(),
            },
        };
        Progress::new(info, facts, vec![Schedule::new(Curve::constant(rate, Some(seconds)))])
    }

    fn delta(tick: u64, events: u64) -> Delta {
        let events = Counts { offered: events, sent: events, succeeded: events, ..Counts::default() };
        Delta { tick, events, ..Delta::default() }
    }

    #[test]
    fn a_second_closes_once_every_worker_has_reported_it() {
        let mut progress = progress(20.0, 60.0);
        for tick in 0..12 {
            progress.add(0, delta(tick, 1));
            progress.advance(Nanos((tick + 1) * TICK.0));
        }
        assert!(progress.closed_seconds().is_empty());
        for tick in 0..10 {
            progress.add(1, delta(tick, 1));
        }
        let closed = progress.closed_seconds();
        assert_eq!(closed.len(), 1);
        assert_eq!((closed[0].second, closed[0].events.sent), (0, 20));
        assert!((closed[0].target_rate - 20.0).abs() < 1e-9);
        assert!(progress.closed_seconds().is_empty());
    }

    #[test]
    fn pauses_and_multipliers_shape_the_planned_rate() {
        let mut progress = progress(10.0, 60.0);
        progress.pause(Nanos::from_secs(1));
        progress.advance(Nanos::from_secs(2));
        progress.resume(Nanos::from_secs(2));
        progress.multiply(Nanos::from_secs(3), 5.0);
        progress.advance(Nanos::from_secs(4));
        progress.end(Nanos::from_secs(4));
        let (rows, result) = progress.finish(Nanos::from_millis(5_500));
        let rates: Vec<f64> = rows.iter().map(|row| row.target_rate.round()).collect();
        assert_eq!(rates, [10.0, 0.0, 10.0, 50.0, 0.0, 0.0]);
        assert!((rows[5].covered_seconds - 0.5).abs() < 1e-9);
        assert_eq!(result.timeline.len(), 6);
        assert!((result.totals.elapsed_seconds - 5.5).abs() < 1e-9);
    }

    #[test]
    fn a_snapshot_shows_the_last_full_second() {
        let mut progress = progress(10.0, 60.0);
        for tick in 0..15 {
            progress.add(0, delta(tick, 2));
            progress.add(1, delta(tick, 1));
        }
        progress.advance(Nanos::from_millis(1_500));
        let snapshot = progress.snapshot(Nanos::from_millis(1_500));
        assert_eq!(snapshot.current_rate, 30.0);
        assert_eq!(snapshot.target_rate, 10.0);
        assert_eq!(snapshot.events.succeeded, 45);
        assert_eq!(progress.hello(&snapshot).timeline.len(), 2);
    }

    #[test]
    fn a_breached_threshold_asks_for_the_end_and_is_in_the_result() {
        let mut progress = progress(20.0, 60.0);
        for tick in 0..20 {
            for worker in 0..2 {
                progress.add(worker, delta(tick, u64::from(tick < 10)));
            }
            progress.advance(Nanos((tick + 1) * TICK.0));
            progress.closed_seconds();
            assert_eq!(progress.abort_reason().is_some(), tick == 19, "in tick {tick}");
        }
        let (_, result) = progress.finish(Nanos::from_secs(2));
        let threshold = &result.thresholds[0];
        assert_eq!((threshold.passed, threshold.observed, threshold.worst_at_seconds), (false, Some(0.0), Some(2.0)));
    }

    #[test]
    fn a_dead_worker_ends_the_trust() {
        let mut progress = progress(10.0, 60.0);
        progress.worker_ended(true);
        assert!(progress.all_sound());
        progress.worker_ended(false);
        assert!(!progress.all_sound());
        assert_eq!(progress.snapshot(Nanos::from_secs(1)).verdict.status, VerdictStatus::Invalid);
    }
}
