//! The whole run so far: every worker's ticks added up. Its size does not depend on the run's length.

use std::collections::BTreeMap;

use shared::metrics::Histogram;
use shared::run::fault::FaultCounts;
use shared::run::stream::StreamCounts;
use shared::run::{
    Bytes, Carried, Compressed, ConnectionCounts, Counts, EventTypeRow, Expectation, Failure, FailureKind, Latencies,
    Percentiles, ProtocolRow, Sample, Totals, WorkloadRow,
};
use shared::units::Nanos;

use crate::engine::recorder::{Delta, Gauges};
use crate::engine::tally::add_to;

/// Newest samples kept.
const SAMPLES_KEPT: usize = 50;

/// Totals of a run.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) events: Counts,
    pub(crate) requests: Counts,
    pub(crate) bytes: Bytes,
    pub(crate) connections: ConnectionCounts,
    pub(crate) compressed: Compressed,
    pub(crate) response_time: Histogram,
    pub(crate) send_lag: Histogram,
    pub(crate) own_lag: Histogram,
    pub(crate) overflowed: u64,
    pub(crate) streams: StreamCounts,
    pub(crate) faults_planned: FaultCounts,
    pub(crate) faults_applied: FaultCounts,
    pub(crate) longest_stall: Nanos,
    service_time: Histogram,
    connect: Histogram,
    tls: Histogram,
    delivery: Histogram,
    event_types: Vec<OfType>,
    protocols: Vec<OfProtocol>,
    /// By workload, where there are several.
    workloads: BTreeMap<usize, (Carried, Histogram)>,
    statuses: BTreeMap<u16, u64>,
    failures: BTreeMap<FailureKind, Failure>,
    /// By check of answers; names are not known here.
    expectations: Vec<Expectation>,
    samples: Vec<Sample>,
    sample_number: u64,
    gauges: Vec<Gauges>,
}

#[derive(Debug)]
struct OfProtocol {
    name: &'static str,
    targets: Vec<String>,
    carried: Carried,
    response_time: Histogram,
}

#[derive(Debug)]
struct OfType {
    name: String,
    declared_share: Option<f64>,
    counts: Counts,
    response_time: Histogram,
    figures: Percentiles,
}

impl Account {
    /// An empty account for these event types (name, declared share) and so many workers.
    pub(crate) fn new(
        event_types: impl Iterator<Item = (String, Option<f64>)>,
        protocols: &[(&'static str, Vec<String>)],
        workers: usize,
    ) -> Self {
        Self {
            events: Counts::default(),
            requests: Counts::default(),
            bytes: Bytes::default(),
            connections: ConnectionCounts::default(),
            compressed: Compressed::default(),
            response_time: Histogram::new(),
            send_lag: Histogram::new(),
            own_lag: Histogram::new(),
            overflowed: 0,
            streams: StreamCounts::default(),
            faults_planned: FaultCounts::default(),
            faults_applied: FaultCounts::default(),
            longest_stall: Nanos::ZERO,
            service_time: Histogram::new(),
            connect: Histogram::new(),
            tls: Histogram::new(),
            delivery: Histogram::new(),
            event_types: event_types
                .map(|(name, declared_share)| OfType {
                    name,
                    declared_share,
                    counts: Counts::default(),
                    response_time: Histogram::new(),
                    figures: Percentiles::default(),
                })
                .collect(),
            protocols: protocols
                .iter()
                .map(|(name, targets)| OfProtocol {
                    name,
                    targets: targets.clone(),
                    carried: Carried::default(),
                    response_time: Histogram::new(),
                })
                .collect(),
            workloads: BTreeMap::new(),
            statuses: BTreeMap::new(),
            failures: BTreeMap::new(),
            expectations: Vec::new(),
            samples: Vec::new(),
            sample_number: 0,
            gauges: vec![Gauges::default(); workers],
        }
    }

    /// Adds a worker's tick; gives its samples, numbered.
    pub(crate) fn add(&mut self, worker: usize, delta: Delta) -> Vec<Sample> {
        self.events.add(&delta.events);
        self.requests.add(&delta.requests);
        self.bytes.sent += delta.bytes.sent;
        self.bytes.received += delta.bytes.received;
        self.connections.attempted += delta.connections.attempted;
        self.connections.opened += delta.connections.opened;
        self.connections.failed += delta.connections.failed;
        self.connections.reopened += delta.connections.reopened;
        self.overflowed += delta.overflowed;
        self.streams.add(&delta.streams);
        self.faults_planned.add_all(&delta.faults_planned);
        self.faults_applied.add_all(&delta.faults_applied);
        self.longest_stall = self.longest_stall.max(delta.longest_stall);
        add_to(&mut self.response_time, &delta.response_time);
        add_to(&mut self.service_time, &delta.service_time);
        add_to(&mut self.send_lag, &delta.send_lag);
        add_to(&mut self.own_lag, &delta.own_lag);
        add_to(&mut self.connect, &delta.connect);
        add_to(&mut self.tls, &delta.tls);
        add_to(&mut self.delivery, &delta.delivery);
        for (event_type, counts, times) in &delta.event_types {
            if let Some(of_type) = self.event_types.get_mut(usize::from(*event_type)) {
                of_type.counts.add(counts);
                add_to(&mut of_type.response_time, times);
            }
        }
        for (of_protocol, (carried, times)) in self.protocols.iter_mut().zip(&delta.protocols) {
            of_protocol.carried.add(carried);
            add_to(&mut of_protocol.response_time, times);
        }
        for (number, carried, times) in &delta.workloads {
            let (sum, all) = self.workloads.entry(*number).or_insert_with(|| (Carried::default(), Histogram::new()));
            sum.add(carried);
            add_to(all, times);
        }
        for (status, count) in &delta.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        for seen in delta.failures {
            let failure = self.failures.entry(seen.kind).or_insert_with(|| Failure {
                kind: seen.kind,
                count: 0,
                first_seconds: seen.first.as_secs_f64(),
                last_seconds: 0.0,
                sample: None,
            });
            failure.count += seen.count;
            failure.first_seconds = failure.first_seconds.min(seen.first.as_secs_f64());
            failure.last_seconds = failure.last_seconds.max(seen.last.as_secs_f64());
            if failure.sample.is_none() {
                failure.sample = seen.sample;
            }
        }
        self.compressed.requests += delta.compressed.requests;
        self.compressed.bytes_before += delta.compressed.bytes_before;
        self.compressed.bytes_after += delta.compressed.bytes_after;
        self.compressed.cost_us += delta.compressed.cost_us;
        if self.expectations.len() < delta.expectations.len() {
            self.expectations.resize_with(delta.expectations.len(), Expectation::default);
        }
        for (known, seen) in self.expectations.iter_mut().zip(delta.expectations) {
            known.answers += seen.answers;
            known.failed += seen.failed;
            let seconds = |at: Option<Nanos>| at.map(|at| at.as_secs_f64());
            known.first_seconds = [known.first_seconds, seconds(seen.first)].into_iter().flatten().reduce(f64::min);
            known.last_seconds = [known.last_seconds, seconds(seen.last)].into_iter().flatten().reduce(f64::max);
            if let (None, Some((reason, sample))) = (&known.sample, seen.example) {
                known.reason = Some(reason);
                known.sample = Some(sample);
            }
        }
        if let Some(gauges) = self.gauges.get_mut(worker) {
            *gauges = delta.gauges;
        }
        let mut samples = delta.samples;
        for sample in &mut samples {
            self.sample_number += 1;
            sample.number = self.sample_number;
        }
        self.samples.extend_from_slice(&samples);
        let surplus = self.samples.len().saturating_sub(SAMPLES_KEPT);
        self.samples.drain(..surplus);
        samples
    }

    /// How things stand, all workers together.
    pub(crate) fn gauges(&self) -> Gauges {
        let mut sum = Gauges::default();
        for gauges in &self.gauges {
            sum.in_flight += gauges.in_flight;
            sum.waiting += gauges.waiting;
            sum.connections += gauges.connections;
        }
        sum
    }

    /// Refreshes the percentiles of every `stride`-th event type, beginning with one: they are the costly part.
    pub(crate) fn refresh_event_types(&mut self, first: usize, stride: usize) {
        for of_type in self.event_types.iter_mut().skip(first).step_by(stride.max(1)) {
            of_type.figures = of_type.response_time.percentiles();
        }
    }

    /// Everything, as the only part of it.
    fn whole(&self) -> Carried {
        let Counts { sent, succeeded, failed, .. } = self.events;
        Carried { sent, succeeded, failed }
    }

    /// The workloads with what was seen of each, given what they are. Where there is only one, everything is its own.
    pub(crate) fn workloads(&self, rows: &[WorkloadRow]) -> Vec<WorkloadRow> {
        let seen = |row: &WorkloadRow, carried: Carried, times: &Histogram| WorkloadRow {
            sent: carried.sent,
            succeeded: carried.succeeded,
            failed: carried.failed,
            response_time: times.percentiles(),
            ..row.clone()
        };
        match rows {
            [only] => vec![seen(only, self.whole(), &self.response_time)],
            several => several
                .iter()
                .enumerate()
                .map(|(number, row)| match self.workloads.get(&number) {
                    Some((carried, times)) => seen(row, *carried, times),
                    None => row.clone(),
                })
                .collect(),
        }
    }

    /// Events sent of each type.
    pub(crate) fn sent_by_type(&self) -> impl Iterator<Item = (&str, u64)> {
        self.event_types.iter().map(|of_type| (of_type.name.as_str(), of_type.counts.sent))
    }

    /// By event type, in the plan's order; shares are of the events sent.
    pub(crate) fn event_types(&self) -> Vec<EventTypeRow> {
        let sent = self.events.sent.max(1) as f64;
        let row = |of_type: &OfType| EventTypeRow {
            name: of_type.name.clone(),
            declared_share: of_type.declared_share,
            actual_share: of_type.counts.sent as f64 / sent,
            events: of_type.counts,
            response_time: of_type.figures,
        };
        self.event_types.iter().map(row).collect()
    }

    /// By protocol. Where there is only one, it carried everything.
    pub(crate) fn protocols(&self) -> Vec<ProtocolRow> {
        let row = |of: &OfProtocol, carried: Carried, response_time: &Histogram| ProtocolRow {
            protocol: of.name.to_owned(),
            targets: of.targets.clone(),
            events: carried,
            response_time: response_time.latency(),
        };
        match self.protocols.as_slice() {
            [only] => vec![row(only, self.whole(), &self.response_time)],
            several => several.iter().map(|of| row(of, of.carried, &of.response_time)).collect(),
        }
    }

    /// The scenario's shares do not hold any more.
    pub(crate) fn forget_declared(&mut self) {
        self.event_types.iter_mut().for_each(|of_type| of_type.declared_share = None);
    }

    /// Failed events by kind.
    pub(crate) fn failure_counts(&self) -> BTreeMap<FailureKind, u64> {
        self.failures.iter().map(|(kind, failure)| (*kind, failure.count)).collect()
    }

    /// Failures with their times and samples.
    pub(crate) fn failures(&self) -> Vec<Failure> {
        self.failures.values().cloned().collect()
    }

    /// What became of the checks of answers.
    pub(crate) fn expectations(&self, checks: &[Expectation]) -> Vec<Expectation> {
        let of = |(index, unseen): (usize, &Expectation)| {
            let Expectation { name, check, tolerance, required, .. } = unseen.clone();
            let seen = self.expectations.get(index).cloned().unwrap_or_default();
            Expectation { name, check, tolerance, required, ..seen }.judged()
        };
        checks.iter().enumerate().map(of).collect()
    }

    /// Answers by status.
    pub(crate) fn statuses(&self) -> BTreeMap<u16, u64> {
        self.statuses.clone()
    }

    /// The newest samples.
    pub(crate) fn samples(&self) -> &[Sample] {
        &self.samples
    }

    /// The five times.
    pub(crate) fn latencies(&self) -> Latencies {
        Latencies {
            response_time: self.response_time.latency(),
            service_time: self.service_time.latency(),
            send_lag: self.send_lag.latency(),
            connect: self.connect.latency(),
            tls: self.tls.latency(),
            delivery: self.delivery.latency(),
        }
    }

    /// Totals at a moment of run time, with the schedule's time at that moment.
    pub(crate) fn totals(&self, elapsed: Nanos, schedule: Nanos) -> Totals {
        let seconds = schedule.as_secs_f64();
        Totals {
            events: self.events,
            requests: self.requests,
            bytes: self.bytes,
            elapsed_seconds: elapsed.as_secs_f64(),
            events_per_second: if seconds > 0.0 { self.events.succeeded as f64 / seconds } else { 0.0 },
            error_rate: self.events.error_rate(),
        }
    }
}
